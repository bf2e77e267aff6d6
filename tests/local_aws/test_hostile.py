"""What a hostile sender can do: one that may call one route of the API and no more, and one that may put events on the bus
and no more. A deployment of its own, with IAM before its API and the webhook on.

docs/security.md has these attempts as a table; test_hostile_page.py compares the two. Rates and concurrency are stored and not enforced
by the local AWS: test_parameters.py pins those.

Longer than 300 lines, because the attempts are one list.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Callable

import boto3
import pytest
from botocore.exceptions import ClientError
from build import ROOT
from observability import depth, metrics, now, raised_by, values
from stack import PLAYED, REGION, WEBHOOK_KEY
from test_access import Caller, may_invoke
from test_end_to_end import effects, eventually, new_id, order, put_on_bus
from test_webhook import OTHER_KEY, problem
from webhook import signature


@dataclass
class Scene:
    """The deployment, its shop and the two who mean harm."""

    stack: object
    shop: Caller
    sender: Caller
    putter: Caller

    def state(self, order_id: str, network: str = "shopback"):
        """The delivery as the shop sees it; none before it is there."""
        answer = self.shop.call("GET", f"/orders/{order_id}")
        deliveries = answer.json["deliveries"] if answer.status == 200 else []
        return next((each for each in deliveries if each["network"] == network), None)

    def reported(self) -> dict:
        """An order of the shop's that every network has."""
        sent = order(new_id())
        assert self.shop.call("POST", "/orders", sent).status == 202
        everywhere = {"cartstack": 1, "cashmycell": 1, "cpa_moe": 1, "shopback": 1}
        assert eventually(lambda: effects(self.stack, sent), everywhere) == everywhere
        ends = lambda: (self.state(sent["order_id"]) or {}).get("state")  # noqa: E731
        assert eventually(ends, "delivered") == "delivered"
        return sent

    def put(self, detail_type: str, detail, source: str = "shop.pipeline") -> None:
        """Puts an event on the bus, if the putter may."""
        try:
            self.put_all(detail_type, [detail], source)
        except ClientError as refused:
            assert refused.response["Error"]["Code"].startswith("AccessDenied"), refused

    def put_all(self, detail_type: str, details: list, source: str = "shop.pipeline") -> None:
        """Puts up to ten events on the bus by one call."""
        event = {"EventBusName": self.stack.outputs["BusName"], "Source": source, "DetailType": detail_type}
        entries = [{**event, "Detail": json.dumps(detail)} for detail in details]
        assert self.client("events", self.putter).put_events(Entries=entries)["FailedEntryCount"] == 0

    def client(self, service: str, who: Caller):
        return boto3.client(
            service, endpoint_url=f"http://127.0.0.1:{self.stack.port}", region_name=REGION,
            aws_access_key_id=who.credentials.access_key, aws_secret_access_key=who.credentials.secret_key,
        )  # fmt: skip

    def counted(self, function: str, metric: str, since: int, **dimensions: str) -> float:
        """The sum of what a function measured since then, by which an alarm is raised."""
        own = {"Stack": self.stack.name, **dimensions}
        return sum(values(metrics(self.stack, function, since), "Postback", metric, own))

    def depth(self, queue: str) -> int:
        """The number of messages on a queue of the stack's outputs."""
        return depth(self.stack, self.stack.outputs[queue].rsplit("/", 1)[1])

    def without_letters(self) -> None:
        """Deletes the letters of the attempts before: the alarm for them lasts as long as they are there."""
        for queue in ("ShopbackDeadLetterQueueUrl", "FaultyOrdersQueueUrl"):
            self.stack.client("sqs").purge_queue(QueueUrl=self.stack.outputs[queue])
            assert eventually(lambda queue=queue: self.depth(queue), 0) == 0

    def goes_on(self) -> None:
        """Others' orders are reported by every way: the API, a network's own route, the bus."""
        direct, on_bus = order(new_id()), order(new_id())
        assert self.shop.call("POST", "/orders/shopback", direct).json["state"] == "delivered"
        put_on_bus(self.stack, on_bus)
        everywhere = {"cartstack": 1, "cashmycell": 1, "cpa_moe": 1, "shopback": 1}
        assert eventually(lambda: effects(self.stack, on_bus), everywhere) == everywhere
        assert effects(self.stack, direct) == {"shopback": 1}
        self.reported()

    def settled(self) -> None:
        """An order that came later has been worked off: what came before it has been looked at."""
        self.reported()


def documented_right() -> dict:
    """The right on the bus that the page gives to a sender."""
    page = (ROOT / "docs/sending-orders.md").read_text()
    [right] = [text for text in re.findall(r"^```json\n(.+?)^```", page, re.M | re.S) if '"events:PutEvents"' in text]
    return json.loads(right)


@pytest.fixture(scope="module")
def scene(stack):
    own = stack.sibling("hostile", "facade05", WebhookEnabled="true")
    own.deploy()
    account = stack.client("sts").get_caller_identity()["Account"]
    bus = f"arn:aws:events:{REGION}:{account}:event-bus/{own.outputs['BusName']}"
    may_put = {**documented_right(), "Resource": bus}
    yield Scene(
        own,
        Caller(own, may_invoke(own, "POST/orders", "POST/orders/*", "GET/orders/*")),
        Caller(own, may_invoke(own, "POST/orders")),
        Caller(own, {"Version": "2012-10-17", "Statement": [may_put]}),
    )
    own.stop()


# ── With the right to call POST /orders ─────────────────────────────────────────────────────────────────────────────


def another_order(scene):
    sent = scene.reported()
    assert scene.sender.call("GET", f"/orders/{sent['order_id']}").status == 403


def another_route(scene):
    sent = order(new_id())
    assert scene.sender.call("POST", "/orders/shopback", sent).status == 403
    assert effects(scene.stack, sent) == {}


def the_description(scene):
    assert [scene.sender.call("GET", path).status for path in ("/openapi.json", "/", "/admin")] == [403, 403, 403]


def another_amount_afterwards(scene):
    sent = scene.reported()
    assert scene.sender.call("POST", "/orders", {**sent, "total": "149900.00"}).status == 202
    conflicts = lambda: len(scene.state(sent["order_id"]).get("conflicts", []))  # noqa: E731
    assert eventually(conflicts, 1) == 1
    assert scene.state(sent["order_id"])["state"] == "delivered" and effects(scene.stack, sent)["shopback"] == 1


def another_amount_first(scene):
    sent = order(new_id())
    assert scene.sender.call("POST", "/orders", {**sent, "total": "1.00"}).status == 202
    assert eventually(lambda: effects(scene.stack, sent).get("shopback"), 1) == 1
    assert eventually(lambda: scene.state(sent["order_id"])["state"], "delivered") == "delivered"
    # The shop learns of it at once where it asks for an answer, else by the event and the alarm.
    assert scene.shop.call("POST", "/orders/shopback", sent).status == 409
    assert effects(scene.stack, sent)["shopback"] == 1


def a_cancellation(scene):
    sent = scene.reported()
    assert scene.sender.call("POST", "/orders", {"order_id": sent["order_id"], "status": "cancelled"}).status == 202
    noted = lambda: bool(scene.state(sent["order_id"]).get("cancellations"))  # noqa: E731
    assert eventually(noted, True)
    assert scene.state(sent["order_id"])["state"] == "delivered"


def a_replay(scene):
    sent = scene.reported()
    before = effects(scene.stack, sent)
    assert {scene.sender.call("POST", "/orders", sent).status for _ in range(20)} == {202}
    scene.settled()
    assert effects(scene.stack, sent) == before


def no_json(scene):
    for body in ('{"order_id": ', "[" * 20_000, "\x00", '{"a": 1, "a": 2}'):
        answer = post_text(scene, body)
        assert answer.status in (400, 422), body[:20]


def a_huge_body(scene):
    assert post_text(scene, json.dumps(order(new_id(), comment="x" * 300_000))).status == 413


def a_malformed_order(scene):
    for member in ({"total": "-1"}, {"currency": "ZZZ"}, {"order_id": "x" * 500}, {"clicks": {"nobody": {"id": "1"}}}):
        sent = {**order(new_id()), **member}
        assert problem(scene.sender.call("POST", "/orders", sent)) == (422, "invalid_order"), member


def a_key_of_the_ledger(scene):
    for taken in (" webhook#1", "A\n1", ""):
        assert scene.sender.call("POST", "/orders", order(taken)).status == 422, taken


def a_flood(scene):
    wrong = order(new_id(), total="x")
    assert {scene.sender.call("POST", "/orders", wrong).status for _ in range(50)} == {422}
    scene.goes_on()


# ── With nothing but the URL ────────────────────────────────────────────────────────────────────────────────────────


def no_signature(scene):
    since = now()
    sent = order(new_id())
    assert scene.stack.api("POST", "/orders", sent).status == 403
    assert problem(scene.stack.api("POST", "/webhooks/orders", sent)) == (401, "webhook_unsigned")
    # The API's own refusal reaches no function; the webhook's is one.
    assert eventually(lambda: scene.counted("webhook", "WebhookRefusals", since), 1) == 1


def a_forged_webhook(scene):
    since = now()
    sent = order(new_id())
    for _ in range(25):
        assert problem(webhook(scene, sent, OTHER_KEY)) == (401, "webhook_signature_wrong")
    assert effects(scene.stack, sent) == {}
    assert eventually(lambda: scene.counted("webhook", "WebhookRefusals", since), 25) == 25
    scene.goes_on()


def a_recorded_webhook(scene):
    sent = order(new_id())
    assert problem(webhook(scene, sent, WEBHOOK_KEY, age=301)) == (401, "webhook_too_old")
    message_id = new_id()
    assert {webhook(scene, sent, WEBHOOK_KEY, message_id=message_id).status for _ in range(5)} == {202}
    scene.settled()
    assert set(effects(scene.stack, sent).values()) == {1}


# ── With the right to put events on the bus ─────────────────────────────────────────────────────────────────────────


def a_forged_outcome(scene):
    sent = order(new_id())
    detail = {"order_id": sent["order_id"], "network": "cpa_moe", "state": "delivered", "attempt": 1, "version": 1}
    scene.put("postback.delivered", detail, source="postback")
    scene.settled()
    assert scene.state(sent["order_id"]) is None
    # It reached no queue from which the leads are followed.
    cloudformation, sqs = scene.stack.client("cloudformation"), scene.stack.client("sqs")
    queue = cloudformation.describe_stack_resource(StackName=scene.stack.name, LogicalResourceId="CpaMoeStatusQueue")
    url = queue["StackResourceDetail"]["PhysicalResourceId"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    assert not [message for message in messages if sent["order_id"] in message["Body"]]


def a_message_of_ours(scene):
    sent = order(new_id())
    for detail_type in ("postback.order_delayed", "postback.poll_status"):
        scene.put(detail_type, sent)
    scene.put("postback.validation_due", {"order_id": sent["order_id"], "delivery": "shopback!validation"})
    reported = scene.reported()
    before = effects(scene.stack, reported)
    scene.put("postback.validation_due", {"order_id": reported["order_id"], "delivery": "shopback!validation"})
    scene.settled()
    assert effects(scene.stack, sent) == {}
    assert effects(scene.stack, reported) == before


def a_broken_event(scene):
    marker = new_id()
    for detail in ({"status": "completed", "note": marker}, {"status": "completed", "total": "NaN"}, {"order_id": []}):
        scene.put("order.completed", {**detail, "clicks": {"shopback": {"transaction_id": "x"}}})
    assert eventually(lambda: scene.depth("FaultyOrdersQueueUrl") >= 3, True)
    scene.settled()
    assert scene.depth("ShopbackDeadLetterQueueUrl") == 0


def a_replayed_event(scene):
    sent = scene.reported()
    before = effects(scene.stack, sent)
    for _ in range(20):
        scene.put("order.completed", sent)
    scene.settled()
    assert effects(scene.stack, sent) == before


def another_amount_by_the_bus(scene):
    sent = order(new_id())
    scene.put("order.completed", {**sent, "total": "1.00"})
    assert eventually(lambda: effects(scene.stack, sent).get("shopback"), 1) == 1
    assert eventually(lambda: (scene.state(sent["order_id"]) or {}).get("state"), "delivered") == "delivered"
    assert scene.shop.call("POST", "/orders/shopback", sent).status == 409
    assert effects(scene.stack, sent)["shopback"] == 1


def a_huge_event(scene):
    # A real bus refuses more than a million bytes; the local one does not.
    sent = order(new_id(), comment="x" * 900_000)
    scene.put("order.completed", sent)
    assert eventually(lambda: effects(scene.stack, sent).get("shopback"), 1) == 1


def a_flood_of_the_bus(scene):
    nobodys = [order(new_id(), clicks={}, customer={}) for _ in range(40)]
    unreadable = [{"status": "completed", "total": "NaN", "clicks": {"shopback": {"transaction_id": "x"}}} for _ in range(40)]
    for first in range(0, 40, 10):
        scene.put_all("order.completed", nobodys[first : first + 10])
        scene.put_all("order.completed", unreadable[first : first + 10])
    scene.goes_on()
    assert eventually(lambda: scene.depth("FaultyOrdersQueueUrl"), 40) == 40
    assert scene.depth("ShopbackDeadLetterQueueUrl") == 0
    assert [sent["order_id"] for sent in nobodys if effects(scene.stack, sent)] == []


def another_service(scene):
    outputs = scene.stack.outputs
    for service, call, given in [
        ("dynamodb", "scan", {"TableName": outputs["LedgerTable"]}),
        ("sqs", "send_message", {"QueueUrl": outputs["ShopbackQueueUrl"], "MessageBody": "{}"}),
        ("lambda", "invoke", {"FunctionName": f"{scene.stack.name}-shopback"}),
        ("secretsmanager", "get_secret_value", {"SecretId": outputs["ShopbackSecretArn"]}),
    ]:
        with pytest.raises(ClientError) as refused:
            getattr(scene.client(service, scene.putter), call)(**given)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403), call


def post_text(scene, body: str):
    """Posts a text as it is, signed by the sender."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    request = AWSRequest("POST", f"{scene.stack.base_url}/orders", {"Content-Type": "application/json"}, body)
    SigV4Auth(scene.sender.credentials, "execute-api", REGION).add_auth(request)
    return scene.stack.api("POST", "/orders", body, headers=dict(request.headers))


def webhook(scene, sent: dict, key: str, age: int = 0, message_id: str | None = None):
    body, message_id, at = json.dumps(sent).encode(), message_id or new_id(), int(time.time()) - age
    headers = {
        "webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature(key, message_id, at, body)
    }  # fmt: skip
    return scene.stack.api("POST", "/webhooks/orders", body, headers=headers)


ATTEMPTS: list[Callable] = [
    another_order, another_route, the_description, another_amount_afterwards, another_amount_first, a_cancellation, a_replay,
    no_json, a_huge_body, a_malformed_order, a_key_of_the_ledger, a_flood, no_signature, a_forged_webhook, a_recorded_webhook,
    a_forged_outcome, a_message_of_ours, a_broken_event, a_replayed_event, another_amount_by_the_bus, a_huge_event, a_flood_of_the_bus,
    another_service,
]  # fmt: skip


# The alarms that an attempt raises, by their names in the template without `Alarm`. All others raise none.
ALARMS = {
    "another_amount_afterwards": {f"{network.prefix}Conflict" for network in PLAYED},
    "another_amount_first": {"ShopbackConflict"},
    "a_forged_webhook": {"WebhookRefusal"},
    "a_broken_event": {"FaultyOrder"},
    "another_amount_by_the_bus": {"ShopbackConflict"},
    "a_flood_of_the_bus": {"FaultyOrder"},
}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_what_a_hostile_sender_tries(scene, attempt):
    scene.without_letters()
    since, before = now(), raised_by(scene.stack, now())

    attempt(scene)

    expected = ALARMS.get(attempt.__name__, set())
    if not expected:
        # Whatever it caused has been measured by then.
        scene.settled()
    assert eventually(lambda: raised_by(scene.stack, since) - before, expected) == expected
