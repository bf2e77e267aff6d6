"""What the deployed functions logged and measured, and which alarms that raises.

The emulator keeps the lines of the functions' logs. It makes no metrics of them, and its alarms take no notice of
dimensions: so what CloudWatch does with a line in the embedded metric format and with an alarm is done here, from the
alarms as they are deployed.
"""

import json
import operator
import re
import time

PLATFORM = re.compile(r"(INIT_START|START|END|REPORT|EXTENSION) ")
STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min, "Average": lambda values: sum(values) / len(values)}
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
MINUTE = 60_000
# A value with its time.
Point = tuple[int, float]


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


def points(documents: list[dict], namespace: str, name: str, dimensions: dict[str, str]) -> list[Point]:
    """What CloudWatch reads from documents under a name and exactly these dimensions."""
    found = []
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            sets = [{key: document[key] for key in keys} for keys in directive["Dimensions"]]
            names = [metric["Name"] for metric in directive["Metrics"]]
            if directive["Namespace"] == namespace and dimensions in sets and name in names:
                value = document[name]
                found += [(document["_aws"]["Timestamp"], each) for each in (value if isinstance(value, list) else [value])]
    return found


def values(documents: list[dict], namespace: str, name: str, dimensions: dict[str, str]) -> list[float]:
    """The same, without their times."""
    return [value for _, value in points(documents, namespace, name, dimensions)]


def fires(alarm: dict, measured: list[Point]) -> bool:
    """Whether an alarm is raised at some minute from the first value to the last, if these are all there are: each minute it
    looks at its last periods. One without a value counts as `TreatMissingData` says."""
    if not measured:
        return False
    period, periods = alarm["Period"] * 1000, alarm["EvaluationPeriods"]

    def breaches(end: int) -> bool:
        found = [value for at, value in measured if end - period <= at < end]
        if not found:
            return alarm["TreatMissingData"] == "breaching"
        return COMPARISONS[alarm["ComparisonOperator"]](STATISTICS[alarm["Statistic"]](found), alarm["Threshold"])

    needed = alarm.get("DatapointsToAlarm", periods)
    entered = {(at // MINUTE + 1) * MINUTE for at, _ in measured}
    # Between a minute at which a value enters a period or leaves one and the next such minute nothing changes.
    ends = {end for at in entered for number in range(periods + 1) if (end := at + number * period) <= max(entered)}
    return any(sum(breaches(end - number * period) for number in range(periods)) >= needed for end in ends)


def deployed_alarms(stack) -> dict[str, dict]:
    """The alarms of a deployment, by their names in the template without `Alarm`."""
    prefix = f"{stack.name}-"
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    names = [alarm["AlarmName"].removeprefix(prefix).split("-")[0] for alarm in alarms]
    return {name.removesuffix("Alarm"): alarm for name, alarm in zip(names, alarms) if name.endswith("Alarm")}


def dimensions_of(alarm: dict) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


def depth(stack, name: str) -> int:
    """The number of messages on a queue."""
    sqs = stack.client("sqs")
    asked = {"QueueUrl": sqs.get_queue_url(QueueName=name)["QueueUrl"], "AttributeNames": ["All"]}
    return int(sqs.get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])


def raised_by(stack, since: int) -> set[str]:
    """The alarms of a deployment that are raised by what its functions measured since then, and by what its queues hold.
    What AWS itself measures of functions, API and rules is not known here: those alarms need more than one period."""
    pages = stack.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{stack.name}-")
    groups = [group["logGroupName"].removeprefix(f"/aws/lambda/{stack.name}-") for page in pages for group in page["logGroups"]]
    documents = [document for folder in groups for document in metrics(stack, folder, since)]

    def measured(alarm: dict) -> list[Point]:
        own, metric = dimensions_of(alarm), (alarm["Namespace"], alarm["MetricName"])
        if metric == ("AWS/SQS", "ApproximateNumberOfMessagesVisible"):
            return [(now(), depth(stack, own["QueueName"]))]
        return points(documents, *metric, own)

    return {name for name, alarm in deployed_alarms(stack).items() if fires(alarm, measured(alarm))}


def raised(stack, network, kind: str, since: int, folder: str = "") -> bool:
    """Whether what a function (the network's own, unless named) measured since then raises its alarm, as it is deployed."""
    alarm = deployed_alarms(stack)[f"{network.prefix}{kind}"]
    documents = metrics(stack, folder or network.name, since)
    return fires(alarm, points(documents, alarm["Namespace"], alarm["MetricName"], dimensions_of(alarm)))
