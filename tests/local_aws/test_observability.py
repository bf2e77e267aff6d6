"""What an operator sees of the deployed bundle, and how it behaves under trouble: a log of JSON lines, metrics that
raise the alarms, a secret that is rotated, a network that hangs."""

import json
import threading
import time
from contextlib import contextmanager

import pytest
from build import FUNCTIONS
from examples import read_back
from observability import logged, metrics, now, raised, values
from stack import PLAYED, REGION, STACK_NAME
from test_drills import restored  # noqa: F401
from test_end_to_end import (
    drained, effects, empty_dead_letters, eventually, new_id, order, reported_networks, take_all, until_it_takes_orders,
)  # fmt: skip

NAMES = {network.name for network in PLAYED}
SHOPBACK = next(network for network in PLAYED if network.name == "shopback")
CARTSTACK = next(network for network in PLAYED if network.name == "cartstack")


# ── The log and the metrics ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("network", PLAYED, ids=lambda network: network.name)
def test_an_attempt_is_one_line_of_json_and_measured_once(stack, network):
    # What waited behind the tests of another file would be measured beside it.
    drained(stack)
    since, posted = now(), order(new_id())

    answer = stack.api("POST", f"/orders/{network.name}", posted)

    def attempts():
        return [line for line in logged(stack, network.name, since) if line.get("order_id") == posted["order_id"]]

    eventually(lambda: len(attempts()), 1)
    [line] = attempts()
    assert line["timestamp"].endswith("Z") and isinstance(line["span"]["requestId"], str)
    assert line["level"] == "INFO"
    assert (line["code"], line["network"], line["attempt"]) == ("attempt", network.name, 1)
    assert line["verdict"] == answer.json["state"]
    assert line["network_ms"] <= line["total_ms"]
    assert "example.com" not in json.dumps(line)
    own = {"Stack": STACK_NAME, "Network": network.name}

    def measured(name, **more):
        return values(metrics(stack, network.name, since), "Postback", name, {**own, **more})

    # The line of the metrics ends the invocation, and may be read after those before it.
    assert eventually(lambda: measured("AttemptLatency"), [line["network_ms"]]) == [line["network_ms"]]
    assert measured("Outcomes", Outcome=line["verdict"]) == [1]


def test_a_refused_request_is_a_line_without_a_word_of_it(stack):
    since = now()

    stack.api("POST", "/orders", {"customer": {"email": "canary@example.com"}})

    def refused():
        return [line for line in logged(stack, "intake", since) if line["code"] == "request_refused"]

    assert eventually(lambda: len(refused()), 1) == 1
    assert refused()[0]["reason"] == "invalid_order"
    assert "canary" not in json.dumps(refused())


def test_the_dashboard_that_is_deployed_searches_for_this_stack(stack):
    cloudwatch = stack.client("cloudwatch")

    dashboard = cloudwatch.get_dashboard(DashboardName=f"{STACK_NAME}-{REGION}")

    body = json.loads(dashboard["DashboardBody"])

    expressions = [metric[0]["expression"] for widget in body["widgets"] for metric in widget["properties"]["metrics"]
                   if isinstance(metric[0], dict)]  # fmt: skip
    assert len(expressions) > 10
    assert all(STACK_NAME in expression and "${" not in expression for expression in expressions)


def all_functions(stack) -> list[dict]:
    """The functions of all deployments: more than a page of them."""
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return [function for page in pages for function in page["Functions"]]


def test_the_functions_are_traced_and_may_write_their_traces(stack):
    functions = all_functions(stack)
    # Of other deployments' functions nothing is asked here.
    own = {f"{STACK_NAME}-{name}" for name in FUNCTIONS}
    functions = [function for function in functions if function["FunctionName"] in own]
    assert len(functions) == len(FUNCTIONS)
    assert {function["TracingConfig"]["Mode"] for function in functions} == {"Active"}
    iam = stack.client("iam")
    for function in functions:
        role = function["Role"].rsplit("/", 1)[1]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        [policy] = [policy["PolicyArn"] for policy in attached]
        assert policy == "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", function["FunctionName"]


# ── A secret that is rotated ────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def flowing(stack, posted: list[dict]):
    """Orders come in all the while, twice a second, each for every network."""
    ended = threading.Event()
    failures = []

    def flow():
        while not ended.is_set():
            an_order = order(new_id())
            posted.append(an_order)
            answer = stack.api("POST", "/orders", an_order)
            if answer.status != 202:
                failures.append(answer)
            ended.wait(0.5)

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failures == []


def set_token(stack, token: str) -> None:
    """What `make secret` does: no deployment."""
    secret = json.dumps({"offer_id": 1234, "security_token": token})
    arn = stack.outputs["ShopbackSecretArn"]
    stack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=secret)


def deployed_at(stack):
    functions = all_functions(stack)
    [described] = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return described.get("LastUpdatedTime"), {one["FunctionName"]: one["LastModified"] for one in functions}


def test_a_secret_is_rotated_while_orders_flow(stack, restored):  # noqa: F811
    """Wrong at first: the network is paused, alone, and goes on by itself once the secret is right."""
    empty_dead_letters(stack)
    token = "rotated0" * 4
    since, before, posted = now(), deployed_at(stack), []

    with flowing(stack, posted):
        assert eventually(lambda: len(posted) > 4, True)
        assert stack.sandbox("POST", "/_accounts", {"shopback": {"security_token": token}}).status == 200
        assert eventually(lambda: raised(stack, SHOPBACK, "Paused", since), True, 60)
        assert raised(stack, SHOPBACK, "Parked", since)

        set_token(stack, "mistaken" * 4)
        wrong, held = now(), len(posted)
        # Settings are read again within ten seconds; the wrong ones are tried with an order and refused.
        assert eventually(lambda: refusals(stack, wrong) > 0, True, 60)
        assert eventually(lambda: len(posted) > held + 4, True, 60)

        set_token(stack, token)
        right = now()
        assert eventually(lambda: passed(stack, right) > 4, True, 120)

    ids = [each["order_id"] for each in posted]
    unreported = eventually(lambda: [one for one in ids if reported_networks(stack, one) != NAMES], [], 180)
    assert unreported == []
    assert drained(stack)
    assert [one["order_id"] for one in posted if effects(stack, one) != dict.fromkeys(NAMES, 1)] == []
    for network in PLAYED:
        assert take_all(stack, stack.outputs[f"{network.prefix}DeadLetterQueueUrl"]) == []
        if network != SHOPBACK:
            assert not raised(stack, network, "Paused", since), network.name
            assert not raised(stack, network, "Parked", since), network.name
    own = {"Stack": STACK_NAME, "Network": SHOPBACK.name}
    latest = max(metrics(stack, SHOPBACK.name, right), key=lambda document: document["_aws"]["Timestamp"])
    assert values([latest], "Postback", "Paused", own) == [0]
    assert deployed_at(stack) == before
    print(f"\n{len(ids)} orders for {len(PLAYED)} networks while the secret was rotated: each reported once")


def refusals(stack, since: int) -> int:
    return sum(line["code"] == "network_paused" for line in logged(stack, SHOPBACK.name, since))


def passed(stack, since: int) -> int:
    return sum(line.get("verdict") == "delivered" for line in logged(stack, SHOPBACK.name, since))


# ── A network that hangs ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_network_that_hangs_holds_nobody_up(stack):
    others = NAMES - {CARTSTACK.name}

    def time_to_report(count: int = 5) -> float:
        started, posted = time.monotonic(), [order(new_id()) for _ in range(count)]
        for each in posted:
            assert stack.api("POST", "/orders", each).status == 202
        reported = eventually(lambda: all(reported_networks(stack, each["order_id"]) >= others for each in posted), True, 60)
        assert reported is True
        waiting.extend(posted)
        return time.monotonic() - started

    waiting: list[dict] = []
    well = time_to_report()
    outage = {"network": CARTSTACK.name, "on": True, "fault": {"hang": True, "processed": False}}
    assert stack.sandbox("POST", "/_outage", outage).status == 200
    try:
        hung = time_to_report()
        held = [each for each in waiting if CARTSTACK.name not in reported_networks(stack, each["order_id"])]
    finally:
        stack.sandbox("POST", "/_outage", {**outage, "on": False})
        stack.sandbox("POST", "/_release")

    assert len(held) == 5, "it did hang"
    print(f"\nfive orders at the other three networks: {well:.1f} s, with one network hanging {hung:.1f} s")
    # A request that hangs is given up after ten seconds: had anybody waited for one, it would show.
    assert hung < max(2 * well, 8)
    state = lambda each: read_back(stack, each["order_id"])[CARTSTACK.name]["state"]  # noqa: E731
    assert eventually(lambda: {state(each) for each in held} <= {"unconfirmed", "retrying", "delivered"}, True)
    lost = [each for each in held if state(each) == "unconfirmed"]
    assert lost, "its answer is"
    # The circuit breaker opened: what waited unsent goes out by itself, a few minutes later.
    sent = lambda: sum(CARTSTACK.name in reported_networks(stack, each["order_id"]) for each in held)  # noqa: E731
    assert eventually(sent, len(held) - len(lost), 300) == len(held) - len(lost)
    for each in held:
        assert effects(stack, each).get(CARTSTACK.name, 0) == (each not in lost)
        assert {name: count for name, count in effects(stack, each).items() if name in others} == dict.fromkeys(others, 1)


@pytest.fixture(scope="module", autouse=True)
def as_it_was(stack):
    """No network is paused by a 429 or an outage when the tests of another file come."""
    yield
    for name in NAMES:
        until_it_takes_orders(stack, name)
