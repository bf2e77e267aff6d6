"""What the deployed functions logged and measured, and which alarms that raises.

The emulator keeps the lines of the functions' logs. It makes no metrics of them, and its alarms take no notice of
dimensions: so what CloudWatch does with a line in the embedded metric format and with an alarm is done here, from the
alarms as they are deployed.
"""

import json
import operator
import re
import time

from stack import STACK_NAME

PLATFORM = re.compile(r"(INIT_START|START|END|REPORT|EXTENSION) ")
STATISTICS = {"Sum": sum, "Maximum": max, "Average": lambda values: sum(values) / len(values)}
COMPARISONS = {"GreaterThanThreshold": operator.gt}


def now() -> int:
    """The time as the log has it: milliseconds since the Unix epoch."""
    return int(time.time() * 1000)


def lines(stack, folder: str, since: int) -> list[str]:
    """What a function has written to its log since then, without the platform's own lines."""
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{stack.name}-{folder}", startTime=since
    )
    messages = [event["message"].rstrip("\n") for page in pages for event in page["events"]]
    return [message for message in messages if not PLATFORM.match(message)]


def logged(stack, folder: str, since: int) -> list[dict]:
    """Its lines, each a JSON object, but for the metrics."""
    return [line for line in map(json.loads, lines(stack, folder, since)) if "_aws" not in line]


def metrics(stack, folder: str, since: int) -> list[dict]:
    """Its metrics: documents in the embedded metric format."""
    return [line for line in map(json.loads, lines(stack, folder, since)) if "_aws" in line]


def values(documents: list[dict], namespace: str, name: str, dimensions: dict[str, str]) -> list[float]:
    """What CloudWatch reads from documents under a name and exactly these dimensions."""
    found = []
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            sets = [{key: document[key] for key in keys} for keys in directive["Dimensions"]]
            names = [metric["Name"] for metric in directive["Metrics"]]
            if directive["Namespace"] == namespace and dimensions in sets and name in names:
                value = document[name]
                found += value if isinstance(value, list) else [value]
    return found


def raised(stack, network, kind: str, since: int, folder: str = "") -> bool:
    """Whether what a function (the network's own, unless named) measured since then raises its alarm, as it is deployed."""
    name = f"{STACK_NAME}-{network.prefix}{kind}Alarm"
    [alarm] = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
    found = values(metrics(stack, folder or network.name, since), alarm["Namespace"], alarm["MetricName"], dimensions)
    if not found:
        return False
    return COMPARISONS[alarm["ComparisonOperator"]](STATISTICS[alarm["Statistic"]](found), alarm["Threshold"])
