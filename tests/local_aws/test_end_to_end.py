"""The deployed bundle as its users meet it: orders in by API and bus, effects counted at the sandbox, IAM enforced.

Longer than 300 lines, because one deployment is asked for all of it.

What the networks' answers mean is tested beside the Rust code. Here it is about what only the whole can show: the
template's routes, rules, queues and policies, and that an order has one effect whichever way and however often it
comes.
"""

import contextlib
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote
from uuid import uuid4

import pytest
from conditions import Deployment
from examples import read_back
from stack import PLAYED, STACK_NAME

NAMES = [network.name for network in PLAYED]
FINAL = {"delivered", "accepted"}


# ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def new_id() -> str:
    return f"E2E-{uuid4().hex[:12]}"


def order(order_id: str, **members) -> dict:
    """An order that concerns every network; `clicks={}` and `customer={}` make it concern none."""
    unique = hashlib.sha256(order_id.encode()).hexdigest()[:12]
    return {
        "order_id": order_id,
        "status": "completed",
        "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR",
        "total": "1499.00",
        "customer": {
            "email": f"{unique}@example.com",
            "phone": "+91 98765 43210",
            "name": "A Buyer",
            "ip": "203.0.113.9",
            "country": "IN",
        },
        "clicks": {
            "cashmycell": {"cmc_id": f"cmc{unique}"},
            "shopback": {"transaction_id": f"{unique:0<30}"},
            "cpa_moe": {"offer": 217, "wm": 42},
        },
        "items": [{"sku": "S-1", "name": "A thing", "quantity": 1, "unit_price": "1499.00"}],
        **members,
    }


def put_on_bus(stack, detail, source="shop.pipeline", detail_type="order.completed") -> None:
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "EventBusName": stack.outputs["BusName"],
        "Detail": json.dumps(detail),
    }
    assert stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def known_as(an_order: dict) -> dict[str, str]:
    """What each network knows an order by."""
    return {
        "cartstack": an_order["customer"].get("email"),
        "cashmycell": an_order["clicks"].get("cashmycell", {}).get("cmc_id"),
        "cpa_moe": an_order["order_id"],
        "shopback": an_order["order_id"],
    }


def effects(stack, an_order: dict) -> dict[str, int]:
    """How often each network holds this order."""
    held = stack.sandbox("GET", "/_held").json
    known = known_as(an_order)
    return {name: orders[known[name]]["count"] for name, orders in held.items() if known[name] in orders}


def eventually(look, wanted, patience: float = 120):
    """What `look` gives once it is `wanted`, or at the end of patience."""
    deadline = time.monotonic() + patience
    while (seen := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return seen


def reported_networks(stack, order_id: str) -> set[str]:
    """The networks where the order's delivery has ended well."""
    return {name for name, delivery in read_back(stack, order_id).items() if delivery["state"] in FINAL}


def until_it_takes_orders(stack, network: str) -> None:
    """Waits until the network's function reports an order at once: three orders in a row without an answer make later
    ones wait, until the settings are written anew."""
    status = lambda: stack.api("POST", f"/orders/{network}", order(new_id())).status  # noqa: E731
    if status() != 200:
        [prefix] = [each.prefix for each in PLAYED if each.name == network]
        secrets, arn = stack.client("secretsmanager"), stack.outputs[f"{prefix}SecretArn"]
        secrets.put_secret_value(SecretId=arn, SecretString=secrets.get_secret_value(SecretId=arn)["SecretString"])
        assert eventually(status, 200) == 200


@contextlib.contextmanager
def without(stack, prefix: str, action: str):
    """Takes one action out of a function's policy for a while."""
    iam = stack.client("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    [role] = [name for name in names if name.startswith(f"{STACK_NAME}-{prefix}Role-")]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    after = json.loads(json.dumps(before))
    for statement in after["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [each for each in actions if each != action]
    after["Statement"] = [statement for statement in after["Statement"] if statement["Action"]]
    assert after != before, f"{role} has no {action} to take away"
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(after))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before))


# ── Ways in ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_posted_to_the_api_reaches_every_network_once(stack):
    posted = order(new_id())

    answer = stack.api("POST", "/orders", posted)

    assert (answer.status, answer.json["order_id"]) == (202, posted["order_id"])
    assert unquote(answer.headers["location"]) == f"/orders/{posted['order_id']}"
    assert eventually(lambda: reported_networks(stack, posted["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, posted) == dict.fromkeys(NAMES, 1)
    # The tests of the doctor ask with wrong settings.
    violations = [each for each in stack.sandbox("GET", "/_violations").json if each["order"] != "postback-doctor"]
    assert violations == []


def test_an_order_put_on_the_bus_reaches_every_network_once(stack):
    put = order(new_id())

    put_on_bus(stack, put)

    assert eventually(lambda: reported_networks(stack, put["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, put) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("path", NAMES)
def test_an_order_posted_to_one_network_is_answered_with_what_came_of_it(stack, path):
    posted = order(new_id())
    network = path.replace("-", "_")

    first = stack.api("POST", f"/orders/{path}", posted)
    again = stack.api("POST", f"/orders/{path}", posted)

    assert (first.status, first.json["network"], first.json["replayed"]) == (200, network, False)
    assert first.json["state"] in FINAL
    assert (again.status, again.json["replayed"], again.json["attempt"]) == (200, True, 1)
    assert effects(stack, posted) == {network: 1}


def test_the_same_order_by_all_ways_at_once_has_one_effect(stack):
    same = order(new_id())
    ways = [
        lambda: put_on_bus(stack, same),
        lambda: stack.api("POST", "/orders", same),
        *(lambda name=name: stack.api("POST", f"/orders/{name}", same) for name in NAMES),
    ] * 3

    with ThreadPoolExecutor(len(ways)) as pool:
        for way in [pool.submit(way) for way in ways]:
            way.result()

    assert eventually(lambda: reported_networks(stack, same["order_id"]), set(NAMES)) == set(NAMES)
    assert drained(stack)
    assert effects(stack, same) == dict.fromkeys(NAMES, 1)


def drained(stack) -> bool:
    """Whether every queue is empty before patience ends, so that nothing more can come."""
    sqs = stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def waiting() -> int:
        urls = [stack.outputs[f"{network.prefix}QueueUrl"] for network in PLAYED]
        found = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls]
        return sum(int(count) for attributes in found for count in attributes.values())

    return eventually(waiting, 0) == 0


# ── Whom an order concerns ──────────────────────────────────────────────────────────────────────────────────────────


CONCERNS = {
    "nothing": ({"clicks": {}, "customer": {}}, set()),
    "an e-mail": ({"clicks": {}}, {"cartstack"}),
    "a CashMyCell click": ({"customer": {}, "clicks": {"cashmycell": {"cmc_id": "cmc1only"}}}, {"cashmycell"}),
    "a ShopBack click": ({"customer": {}, "clicks": {"shopback": {"transaction_id": "s" * 30}}}, {"shopback"}),
    "a cpa.moe offer": ({"customer": {}, "clicks": {"cpa_moe": {"offer": 217}}}, {"cpa_moe"}),
    "a cpa.moe affiliate": ({"customer": {}, "clicks": {"cpa_moe": {"wm": 42}}}, {"cpa_moe"}),
    "an order that is not completed": ({"status": "pending"}, set()),
}


@pytest.mark.parametrize(("members", "concerned"), CONCERNS.values(), ids=CONCERNS.keys())
def test_an_order_costs_only_the_networks_it_concerns(stack, members, concerned):
    posted = order(new_id(), **members)

    put_on_bus(stack, posted)

    assert eventually(lambda: set(read_back(stack, posted["order_id"])), concerned) == concerned
    assert drained(stack)
    assert set(read_back(stack, posted["order_id"])) == concerned
    # A network's function may have nothing to report and write nothing: so ask the rules as well.
    assert {network.name for network in PLAYED if lets_through(stack, network, posted)} == concerned


def lets_through(stack, network, detail) -> bool:
    """Whether the network's rule, as it is deployed, matches this order."""
    events = stack.client("events")
    name = f"{STACK_NAME}-{network.name}"
    [rule] = events.list_rules(NamePrefix=name, EventBusName=stack.outputs["BusName"])["Rules"]
    event = {
        "id": str(uuid4()),
        "source": "anyone",
        "account": "123456789012",
        "time": "2026-11-21T10:15:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "order.completed",
        "detail": detail,
    }
    return events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]


# ── What is refused, and what is lost to nobody ─────────────────────────────────────────────────────────────────────


def test_the_same_order_id_with_another_total_is_a_conflict(stack):
    posted = order(new_id())

    first = stack.api("POST", "/orders/shopback", posted)
    other = stack.api("POST", "/orders/shopback", {**posted, "total": "1.00"})

    assert first.status == 200
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert other.headers["content-type"] == "application/problem+json"
    assert effects(stack, posted) == {"shopback": 1}


BAD_REQUESTS = {
    "not JSON": (("POST", "/orders", "{"), 400, "not_json"),
    "no order": (("POST", "/orders", {}), 422, "invalid_order"),
    "no order, to a network": (("POST", "/orders/shopback", {}), 422, "invalid_order"),
    "too large": (("POST", "/orders", json.dumps({"comment": "x" * 256 * 1024})), 413, "too_large"),
    "another content type": (("POST", "/orders", "order_id=1", "text/plain"), 415, "unsupported_media_type"),
    "an unknown network": (("POST", "/orders/nobody", {}), 404, "unknown_network"),
    "an unknown order": (("GET", "/orders/none-such"), 404, "unknown_order"),
    "an unknown path": (("GET", "/"), 404, "unknown_path"),
    "a wrong method": (("DELETE", "/orders"), 405, "method_not_allowed"),
}


@pytest.mark.parametrize(("call", "status", "code"), BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_request_is_answered_with_a_problem(stack, call, status, code):
    answer = stack.api(*call)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_slash_at_the_end_of_the_path_loses_no_order(stack):
    posted = order(new_id())

    assert (stack.api("POST", "/orders/", posted).status, stack.api("POST", "/orders/", {}).status) == (202, 422)

    assert eventually(lambda: reported_networks(stack, posted["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, posted) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("path", [*(f"/orders/{name}/" for name in NAMES), "/webhooks/orders/", "/webhooks/woocommerce/"])
def test_a_slash_at_the_end_of_a_networks_or_a_webhooks_path_is_named(stack, path):
    posted = order(new_id())

    answer = stack.api("POST", path, posted)

    # Not that the network is turned off: it is on.
    assert (answer.status, answer.json["code"]) == (404, "unknown_path")
    assert "slash" in answer.json["detail"]
    assert effects(stack, posted) == {}


@pytest.mark.parametrize("order_id", ["A/1", "a b", "100%", "ü-1", "a+b", "1#2"])
def test_an_order_id_of_any_characters_can_be_read_back(stack, order_id):
    order_id = f"{order_id}-{uuid4().hex[:8]}"

    stack.api("POST", "/orders/cartstack", order(order_id, clicks={}))

    assert set(read_back(stack, order_id)) == {"cartstack"}


BROKEN_MESSAGES = {
    "not JSON": "not json",
    "no event": "{}",
    "an event that is no order": json.dumps({"detail-type": "order.completed", "detail": {"order_id": ""}}),
}


@pytest.mark.parametrize("broken", BROKEN_MESSAGES.values(), ids=BROKEN_MESSAGES.keys())
def test_a_broken_message_among_good_ones_ends_in_the_dead_letter_queue(stack, broken):
    good = [order(new_id()) for _ in range(4)]
    bodies = [json.dumps({"detail-type": "order.completed", "detail": each}) for each in good]
    bodies.insert(2, broken)
    queue, dead = stack.outputs["ShopbackQueueUrl"], stack.outputs["ShopbackDeadLetterQueueUrl"]

    with impatient(stack, queue):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        stack.client("sqs").send_message_batch(QueueUrl=queue, Entries=entries)

        assert eventually(lambda: take_all(stack, dead), [broken]) == [broken]
    for each in good:
        assert eventually(lambda each=each: effects(stack, each), {"shopback": 1}) == {"shopback": 1}


@contextlib.contextmanager
def impatient(stack, queue: str):
    """Shows a failed message again after a second instead of three minutes."""
    sqs = stack.client("sqs")
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)


def take_all(stack, queue: str) -> list[str]:
    sqs = stack.client("sqs")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def dead_letters(stack) -> dict[str, list[str]]:
    """Some of the dead letters of each network, ten at most, which stay there."""
    receive = stack.client("sqs").receive_message
    urls = {network.name: stack.outputs[f"{network.prefix}DeadLetterQueueUrl"] for network in PLAYED}
    found = {name: receive(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0) for name, url in urls.items()}
    return {name: [message["Body"] for message in received.get("Messages", [])] for name, received in found.items()}


def empty_dead_letters(stack) -> None:
    """Takes away what other tests left to a person."""
    for name in [*(f"{network.prefix}DeadLetterQueueUrl" for network in PLAYED), "FaultyOrdersQueueUrl"]:
        stack.client("sqs").purge_queue(QueueUrl=stack.outputs[name])


def test_a_network_that_is_down_for_a_moment_gets_its_orders_later_and_holds_nobody_up(stack):
    put = order(new_id())
    unavailable = {"answer": {"status": 503, "headers": {}, "body": ""}}
    stack.sandbox("POST", "/_script", {"network": "shopback", "order": put["order_id"], "fault": unavailable})

    put_on_bus(stack, put)

    assert eventually(lambda: reported_networks(stack, put["order_id"]), set(NAMES), 60) == set(NAMES)
    assert effects(stack, put) == dict.fromkeys(NAMES, 1)
    assert read_back(stack, put["order_id"])["shopback"]["attempt"] == 2


# ── What was taken ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_that_was_taken_is_followed_to_the_last_word_on_it(stack):
    lead = order(new_id())
    assert stack.api("POST", "/orders/cpa_moe", lead).json["state"] == "delivered"
    stack.sandbox("POST", "/_leads", {"id": lead["order_id"], "stage": "approve", "status": 10})

    def stages():
        # What the schedule does every few minutes.
        stack.client("lambda").invoke(
            FunctionName=f"{STACK_NAME}-cpa_moe", Payload=json.dumps({"detail-type": "postback.poll_status"})
        )
        seen = read_back(stack, lead["order_id"])["cpa_moe"].get("statuses", [])
        return [each["status"]["stage"] for each in seen]

    assert eventually(stages, ["approve"]) == ["approve"]


# ── Policies: each action that a function is given is one it needs ──────────────────────────────────────────────────
# The emulator takes no notice of what a queue's poller (sqs:ReceiveMessage, DeleteMessage, GetQueueAttributes) and the
# log service (logs:*) may do in a function's name; test_policies.py pins those.


def test_intake_needs_to_put_events(stack):
    posted = order(new_id())

    with without(stack, "Intake", "events:PutEvents"):
        refused = stack.api("POST", "/orders", posted)

    assert (refused.status, refused.json["code"]) == (503, "bus_unavailable")
    assert "retry-after" in refused.headers
    assert stack.api("POST", "/orders", posted).status == 202


def test_audit_needs_to_query_the_ledger(stack):
    with without(stack, "Audit", "dynamodb:Query"):
        refused = stack.api("GET", "/orders/none-such")

    assert (refused.status, refused.json["code"]) == (503, "ledger_unavailable")
    assert stack.api("GET", "/orders/none-such").status == 404


@pytest.mark.parametrize("network", PLAYED, ids=NAMES)
def test_a_network_that_cannot_write_the_ledger_sends_nothing(stack, network):
    posted = order(new_id())

    with without(stack, network.prefix, "dynamodb:PutItem"):
        refused = stack.api("POST", f"/orders/{network.name}", posted)

    assert (refused.status, refused.json["code"]) == (503, "ledger_unavailable")
    assert effects(stack, posted) == {}
    assert stack.api("POST", f"/orders/{network.name}", posted).status == 200
    assert effects(stack, posted) == {network.name: 1}


@pytest.mark.parametrize("network", PLAYED, ids=NAMES)
def test_a_network_needs_its_queue_to_try_again(stack, network):
    posted = order(new_id())
    # It certainly holds nothing: a bare 503 would leave a doubt, which some networks hold for a person.
    busy = {"answer": {"status": 429, "headers": {"retry-after": "1"}, "body": ""}}
    rule = {"network": network.name, "order": known_as(posted)[network.name], "fault": busy}
    stack.sandbox("POST", "/_script", rule)

    with without(stack, network.prefix, "sqs:SendMessage"):
        refused = stack.api("POST", f"/orders/{network.name}", posted)

    assert (refused.status, refused.json["code"]) == (503, "queue_unavailable")
    assert effects(stack, posted) == {}


def test_publish_needs_to_put_events_and_loses_none(stack):
    heard = listen(stack)
    posted = order(new_id())

    with without(stack, "Publish", "events:PutEvents"):
        stack.api("POST", "/orders/shopback", posted)
        # Long enough for several batches to fail.
        time.sleep(10)
        assert posted["order_id"] not in heard()

    assert eventually(lambda: posted["order_id"] in heard(), True)


def listen(stack):
    """Subscribes to what Postback says on the bus; what it returns gives the ids of the orders heard of so far."""
    bodies = subscribed(stack)
    ids: set[str] = set()

    def heard() -> set[str]:
        ids.update(json.loads(body)["detail"]["order_id"] for body in bodies())
        return ids

    return heard


def subscribed(stack):
    """Subscribes to what Postback says on the bus; what it returns gives the events that came since."""
    sqs, events = stack.client("sqs"), stack.client("events")
    name = f"listener-{uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    bus = stack.outputs["BusName"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["postback"]}))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return lambda: take_all(stack, url)


# ── What is deployed, and what outlives a restart ───────────────────────────────────────────────────────────────────


def test_the_whole_template_is_deployed(stack):
    cloudformation = stack.client("cloudformation")
    template = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")["TemplateBody"]
    [described] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described["Parameters"]}
    wanted = Deployment(as_document(template), given).resources

    deployed = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]

    assert {resource["LogicalResourceId"] for resource in deployed} == set(wanted)
    assert len(wanted) > 100
    assert {resource["ResourceStatus"] for resource in deployed} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def as_document(body) -> dict:
    return json.loads(body) if isinstance(body, str) else body


def test_the_archive_is_made_by_api_call(stack):
    archive = stack.client("events").describe_archive(ArchiveName=stack.outputs["BusName"])

    assert archive["EventSourceArn"] == stack.outputs["BusArn"]


def test_the_ledger_and_the_secrets_outlive_a_restart(stack):
    posted = order(new_id())
    first = stack.api("POST", "/orders/shopback", posted)
    assert first.json["replayed"] is False

    stack.stop()
    stack.start()
    stack.deploy()
    again = stack.api("POST", "/orders/shopback", posted)

    assert (again.status, again.json["replayed"]) == (200, True)
    # The sandbox forgets: had anything been sent, this is where it would show.
    assert effects(stack, posted) == {}
    later, heard = order(new_id()), listen(stack)
    assert stack.api("POST", "/orders/shopback", later).json["state"] == "delivered"
    assert eventually(lambda: later["order_id"] in heard(), True)
