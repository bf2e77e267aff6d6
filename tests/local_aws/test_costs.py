"""docs/costs.md: its arithmetic, and its counts at the deployed bundle."""

import json
import time

import pytest
from build import ROOT
from costs import (
    API_LOG_BYTES,
    BY_BUS,
    EVENTS,
    HOW,
    INTAKE_CALLS,
    LOOK,
    LOOK_CALLS,
    METRICS_A_NETWORK,
    NETWORK_CALL_LOG_BYTES,
    NETWORK_CALLS,
    NETWORK_ORDER_LOG_BYTES,
    ORDER_BYTES,
    PAGE,
    PUBLISH_CALLS,
    SHOPS,
    WEBHOOK_REFUSAL_LOG_BYTES,
    WRITES,
    intake_bytes,
    page,
    table,
    total,
    units,
)
from observability import PLATFORM
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS, PLAYED, STACK_NAME
from test_end_to_end import NAMES, drained, eventually, new_id, order, put_on_bus, reported_networks
from test_webhook import OTHER_KEY
from webhook import send

ORDERS = 10


def test_the_table_of_costs_is_current():
    assert PAGE.read_text() == page(), "`make generate` writes it anew"


def test_the_table_adds_up():
    rows = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in table().splitlines() if line.startswith("|")]
    orders = rows[2 : 2 + len(HOW)]

    for row in orders:
        for shop, dollars in zip(SHOPS, row[2:-1], strict=True):
            assert float(dollars) == pytest.approx(1e6 * units(shop)[row[0]] * float(row[1]), abs=0.006)
    for column, dollars in enumerate(rows[2 + len(HOW)][2:-1], 2):
        assert float(dollars) == pytest.approx(sum(float(row[column]) for row in orders), abs=0.06)
    month = rows[5 + len(HOW) :]
    assert float(month[-1][3]) == pytest.approx(sum(float(row[3]) for row in month[:-1]), abs=0.01)
    assert all(float(row[3]) == pytest.approx(float(row[1]) * float(row[2]), abs=0.01) for row in month[:-1])


def test_a_million_orders_cost_no_more_than_a_shop_may_expect():
    direct, _, by_api, only_problems, *_ = SHOPS

    assert total(only_problems) <= 15.00
    assert total(direct) <= 4.50
    # The look costs an order of the bus no more than the API costs the others.
    assert total(BY_BUS) <= total(by_api)


def test_intakes_look_is_a_row_of_the_orders_that_come_by_the_bus():
    assert [shop for shop in SHOPS if units(shop)[LOOK]] == [BY_BUS] and units(BY_BUS)[LOOK] == 1
    assert units(BY_BUS)["HTTP API request"] == 0


# What the API says of a call, at its longest in practice. The emulator writes no access log.
SAID_OF_A_CALL = {
    "requestId": "Rj0jJgGzIAMEVgQ=" * 2,
    "requestTime": "21/Nov/2026:10:15:00 +0000",
    "routeKey": "POST /webhooks/orders",
    "status": "202",
    "responseLatency": "30000",
    "responseLength": "123456",
    "integrationStatus": "200",
    "error.responseType": "INTEGRATION_FAILURE",
    "identity.sourceIp": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "identity.userArn": f"arn:aws:sts::123456789012:assumed-role/{'r' * 64}/{'s' * 64}",
    "authorizer.claims.sub": "00000000-0000-0000-0000-000000000000",
}


def test_a_line_of_the_access_log_is_no_longer_than_the_table_says():
    stage = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["ApiStage"]["Properties"]
    line = stage["AccessLogSettings"]["Format"]

    for name, said in SAID_OF_A_CALL.items():
        line = line.replace(f"$context.{name}", said)

    assert "$context" not in line and json.loads(line)
    assert size([line]) <= API_LOG_BYTES


def test_no_write_to_the_ledger_is_left_out_of_the_events_but_a_first_claim(template):
    mapping = template["Resources"]["PublishFunctionLedger"]["Properties"]
    # From the first write on; without a limit of its own, Lambda repeats a batch as long as the stream keeps it.
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert not {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"} & set(mapping)
    changes, ends, first_writes = (json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"])
    # Deliveries alone have a version.
    a_delivery = {"version": {"N": [{"exists": True}]}}
    assert changes == {"eventName": ["MODIFY"], "dynamodb": {"NewImage": a_delivery}}
    assert ends == {"eventName": ["REMOVE"], "dynamodb": {"OldImage": a_delivery}}
    # A first claim says nothing to anybody.
    assert first_writes["dynamodb"] == {"NewImage": {"state": {"S": [{"anything-but": ["sending"]}]}}}
    stream = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert template["Resources"]["Ledger"]["Properties"]["StreamSpecification"] == stream


def logged(stack, function: str, since: int) -> list[str]:
    pages = stack.client("logs").get_paginator("filter_log_events")
    pages = pages.paginate(logGroupName=f"/aws/lambda/{STACK_NAME}-{function}", startTime=since)
    return [event["message"] for page in pages for event in page["events"]]


def invocations(lines: list[str]) -> int:
    return sum(line.startswith("REPORT ") for line in lines)


def size(lines: list[str]) -> int:
    # CloudWatch counts 26 bytes for each event besides. Lambda's own lines are off (SystemLogLevel); the emulator writes them.
    return sum(len(line.encode()) + 26 for line in lines if not PLATFORM.match(line))


def test_an_order_costs_what_the_table_says(stack):
    assert drained(stack)
    events, bus = stack.client("events"), stack.outputs["BusName"]
    archived = events.describe_archive(ArchiveName=bus)["EventCount"]
    since = int(time.time() * 1000)
    published = subscribe(stack)
    orders = [order(new_id()) for _ in range(ORDERS)]

    # One after the other, so that no batch makes it cheaper.
    for each in orders:
        stack.api("POST", "/orders", each)
        assert eventually(lambda each=each: reported_networks(stack, each["order_id"]), set(NAMES)) == set(NAMES)
    assert drained(stack)

    intake = logged(stack, "intake", since)
    assert invocations(intake) == ORDERS * INTAKE_CALLS
    assert size(intake) <= ORDERS * intake_bytes(len(NAMES)), size(intake) / ORDERS
    assert events.describe_archive(ArchiveName=bus)["EventCount"] - archived == ORDERS
    # Intake's own event is the archived one; each network says one thing of each order.
    wanted = ORDERS * len(NAMES) * EVENTS
    assert eventually(published, wanted) == wanted
    assert max(len(json.dumps(each)) for each in orders) <= ORDER_BYTES
    for network in PLAYED:
        lines = logged(stack, network.name, since)
        assert invocations(lines) == ORDERS * NETWORK_CALLS, network
        assert size(lines) <= ORDERS * (NETWORK_CALL_LOG_BYTES + NETWORK_ORDER_LOG_BYTES), (network, size(lines) / ORDERS)
        assert len(metrics(lines)) <= METRICS_A_NETWORK, metrics(lines)
    published = logged(stack, "publish", since)
    assert 0 < invocations(published) <= ORDERS * len(NAMES) * PUBLISH_CALLS
    assert size(published) == 0, published
    # Each write counts the version up; tests/faults holds that each costs one unit.
    for each in orders:
        assert versions(stack, each["order_id"]) == [WRITES] * len(NAMES)


def test_a_refused_webhook_costs_what_the_page_says(stack):
    since = int(time.time() * 1000)
    archived = stack.client("events").describe_archive(ArchiveName=stack.outputs["BusName"])["EventCount"]
    sent = order(new_id())

    for _ in range(ORDERS):
        assert send(stack, sent, new_id(), keys=[OTHER_KEY]).status == 401

    lines = eventually_logged(stack, "webhook", since, ORDERS)
    assert invocations(lines) == ORDERS
    assert size(lines) <= ORDERS * WEBHOOK_REFUSAL_LOG_BYTES, size(lines) / ORDERS
    assert versions(stack, sent["order_id"]) == []
    assert stack.client("events").describe_archive(ArchiveName=stack.outputs["BusName"])["EventCount"] == archived


def eventually_logged(stack, function: str, since: int, calls: int) -> list[str]:
    eventually(lambda: invocations(logged(stack, function, since)), calls)
    return logged(stack, function, since)


def test_intakes_look_at_an_order_of_the_bus_costs_what_the_page_says(stack):
    assert drained(stack)
    since = int(time.time() * 1000)
    orders = [order(new_id()) for _ in range(ORDERS)]

    # One after the other, so that no batch makes it cheaper.
    for number, each in enumerate(orders, 1):
        put_on_bus(stack, each)
        assert eventually(lambda number=number: invocations(logged(stack, "intake", since)), number * LOOK_CALLS) == number * LOOK_CALLS
        assert eventually(lambda each=each: reported_networks(stack, each["order_id"]), set(NAMES)) == set(NAMES)
    assert drained(stack)

    lines = logged(stack, "intake", since)
    taken = [line for line in lines if '"OrdersTaken"' in line]
    assert len(taken) == ORDERS and all('"bus"' in line for line in taken)
    assert invocations(lines) == ORDERS * LOOK_CALLS
    assert size(lines) <= ORDERS * intake_bytes(len(NAMES)), size(lines) / ORDERS
    # It writes nothing: each delivery has the writes of an order that came by the API.
    for each in orders:
        assert versions(stack, each["order_id"]) == [WRITES] * len(NAMES)


def subscribe(stack):
    """Counts from now on what Postback says on the bus."""
    sqs, events, bus = stack.client("sqs"), stack.client("events"), stack.outputs["BusName"]
    name = new_id()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"detail-type": [{"prefix": "postback."}]}))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    waiting = "ApproximateNumberOfMessages"
    return lambda: int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[waiting])["Attributes"][waiting])


def metrics(lines: list[str]) -> set:
    """The metrics that CloudWatch reads from these lines, with their dimensions."""
    found = set()
    for line in lines:
        if '"_aws"' in line:
            said = json.loads(line)
            for group in said["_aws"]["CloudWatchMetrics"]:
                for dimensions in group["Dimensions"]:
                    values = tuple(str(said[dimension]) for dimension in dimensions)
                    found |= {(metric["Name"], values) for metric in group["Metrics"]}
    return found


def versions(stack, order_id: str) -> list[int]:
    found = stack.client("dynamodb").query(
        TableName=stack.outputs["LedgerTable"],
        KeyConditionExpression="order_id = :id",
        ExpressionAttributeValues={":id": {"S": order_id}},
    )
    return [int(item["version"]["N"]) for item in found["Items"]]
