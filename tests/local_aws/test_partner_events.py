"""Shopify's events on a partner bus of EventBridge, at the deployed bundle: over the rule that docs/shopify.md has a shop make, the
deployed rule's pattern, queue and function to a delivered order.

Only a partner can put an event whose source begins with `aws.partner`: the local AWS refuses it by PutEvents, and passes nothing on
that PutPartnerEvents takes. So the events come here without the `aws.`, over a bus that has a partner bus's name, and the deployed
rule has a twin beside it: its pattern without the `aws.`, and its targets. The pattern itself is asked whether it takes the real source.

Not covered, because the local AWS has none of it: that AWS makes the bus and lets nobody else put such a source, the role by
which the page's rule forwards, the policy of the queue, EventBridge's own attempts and its dead letters.
"""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from build import ROOT
from examples import read_back
from samcli.yamlhelper import yaml_parse
from stack import PLATFORMS, STACK_NAME
from test_end_to_end import drained, eventually

SHOPIFY = next(platform for platform in PLATFORMS if platform.name == "shopify")
RULE = f"{STACK_NAME}-{SHOPIFY.name}"
TYPE = SHOPIFY.events["type"]
SOURCE = "aws.partner/shopify.com/1234567/postback"
STAND_IN = SOURCE.removeprefix("aws.")


def forwarding_rule() -> dict:
    """The rule on the partner bus, as the page has it."""
    page = (ROOT / "docs" / "shopify.md").read_text()
    template = yaml_parse(page.split("```yaml\n")[1].split("```")[0])
    return template["Resources"]["ForwardRule"]["Properties"]


def partner_event() -> dict:
    """The detail of a paid order's event: recorded, with a name, a buyer and a click of its own."""
    recorded = json.loads((SHOPIFY.folder / "payloads" / "01-paid.json").read_text())
    unique, now = uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
    email = f"{unique}@example.com"
    changes = {
        "name": f"#{unique[:12]}", "created_at": now, "updated_at": now, "email": email, "contact_email": email,
        "note_attributes": [], "landing_site": f"/?utm_source=shopback&transaction_id={unique[:30]}",
    }  # fmt: skip
    metadata = {
        "X-Shopify-Topic": recorded["topic"], "X-Shopify-Shop-Domain": "postback.myshopify.example", "X-Shopify-Event-Id": str(uuid4()),
        "X-Shopify-Webhook-Id": str(uuid4()), "X-Shopify-Triggered-At": now,
    }  # fmt: skip
    return {"payload": recorded["payload"] | changes, "metadata": metadata}


def rules_that_take(stack, source: str, detail_type: str) -> set[str]:
    """The rules of the bundle's bus that match such an event, as they are deployed."""
    events = stack.client("events")
    event = {
        "id": str(uuid4()), "source": source, "account": "123456789012", "time": "2026-11-21T10:15:00Z", "region": "us-east-1",
        "resources": [], "detail-type": detail_type, "detail": partner_event(),
    }  # fmt: skip
    takes = lambda rule: events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]  # noqa: E731
    rules = events.list_rules(EventBusName=stack.outputs["BusName"])["Rules"]
    return {rule["Name"] for rule in rules if takes(rule)}


@pytest.fixture
def partner_bus(stack):
    """The name of a bus that stands for the partner's, from which the page's rule forwards to the deployed rule's twin."""
    events, bus, forward = stack.client("events"), stack.outputs["BusName"], forwarding_rule()
    partner = forward["EventBusName"]
    deployed = events.describe_rule(Name=RULE, EventBusName=bus)["EventPattern"]
    targets = events.list_targets_by_rule(Rule=RULE, EventBusName=bus)["Targets"]
    [target] = forward["Targets"]
    events.create_event_bus(Name=partner)
    events.put_rule(Name="forward", EventBusName=partner, EventPattern=json.dumps(forward["EventPattern"]))
    events.put_targets(Rule="forward", EventBusName=partner, Targets=[{"Id": target["Id"], "Arn": stack.outputs["BusArn"]}])
    events.put_rule(Name="twin", EventBusName=bus, EventPattern=deployed.replace("aws.partner", "partner"))
    events.put_targets(Rule="twin", EventBusName=bus, Targets=targets)
    yield partner
    for rule, of, ids in (("twin", bus, [each["Id"] for each in targets]), ("forward", partner, [target["Id"]])):
        events.remove_targets(Rule=rule, EventBusName=of, Ids=ids)
        events.delete_rule(Name=rule, EventBusName=of)
    events.delete_event_bus(Name=partner)


def test_the_deployed_rule_takes_what_shopify_puts_on_a_partner_bus_and_no_other_does(stack, template):
    deployed = stack.client("events").describe_rule(Name=RULE, EventBusName=stack.outputs["BusName"])["EventPattern"]

    assert json.loads(deployed) == template["Resources"][f"{SHOPIFY.prefix}Rule"]["Properties"]["EventPattern"]
    assert rules_that_take(stack, SOURCE, TYPE) == {RULE}
    assert forwarding_rule()["EventPattern"] == {"detail-type": [TYPE]}
    for source, detail_type in [(STAND_IN, TYPE), ("shop.pipeline", TYPE), (SOURCE, "anotherType")]:
        assert rules_that_take(stack, source, detail_type) == set(), (source, detail_type)


def test_an_event_of_a_partner_bus_becomes_a_delivered_order_once(stack, partner_bus):
    detail = partner_event()
    order_id, wanted = detail["payload"]["name"], {"cartstack": "delivered", "shopback": "delivered"}
    entry = {"EventBusName": partner_bus, "Source": STAND_IN, "DetailType": TYPE, "Detail": json.dumps(detail)}

    # EventBridge delivers an event at least once.
    for _ in range(2):
        assert stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    states = lambda: {name: each["state"] for name, each in read_back(stack, order_id).items()}  # noqa: E731
    assert eventually(states, wanted, 60) == wanted
    assert eventually(lambda: waiting(stack), 0) == 0 and drained(stack)
    held = stack.sandbox("GET", "/_held").json
    assert (held["shopback"][order_id]["count"], held["cartstack"][detail["payload"]["email"]]["count"]) == (1, 1)


def waiting(stack) -> int:
    """The messages on the shop system's queue, those that its function has included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = stack.outputs[f"{SHOPIFY.prefix}PartnerEventsUrl"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in found.values())
