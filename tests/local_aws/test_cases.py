"""Orders as shops really send them (tests/integration/order_cases.json): each has its outcome by the API and by the bus,
where an order is reported as a whole and where each of its lines is.
"""

import copy
import hashlib
import json
import time
import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from build import ROOT
from test_end_to_end import FINAL, NAMES, dead_letters, drained, eventually, new_id, order, put_on_bus, until_it_takes_orders

CASES = json.loads((ROOT / "tests/integration/order_cases.json").read_text())
PATIENCE_SECONDS = 180
# The network that can be sent each line as an order of its own, and the settings for that.
OF_LINES = "shopback"
BY_LINES = {"mode": "line_items", "adv_sub2": "{item_name}", "adv_sub3": "{quantity}"}


@dataclass(frozen=True)
class Case:
    """An order, and its outcome."""

    name: str
    order: dict
    # The state of each delivery: of a network that it concerns (`shopback`), or of a line there (`shopback/1`).
    states: dict
    # The place and the code of the fault that refuses it.
    fault: tuple | None
    # What is sent with each delivery: members of the request, None where one is left out.
    sends: dict
    # A part of the query of the last request at a network, as it is written.
    query: dict
    # The answers of networks that it does not concern, if they are asked all the same.
    direct: dict

    @property
    def order_id(self) -> str:
        return self.order["order_id"]

    @property
    def networks(self) -> list[str]:
        return sorted({delivery.split("/")[0] for delivery in self.states})


def case(
    by_lines: bool, name: str, change: dict, states: dict | None = None, fault: dict | None = None, sends: dict | None = None,
    query: dict | None = None, direct: dict | None = None, lines: dict | None = None,
) -> Case:  # fmt: skip
    """An order of its own: each run and each way has its own ids, clicks and addresses."""
    changed = order(new_id())
    for pointer, value in change.items():
        *path, member = [int(word) if word.isdigit() else word for word in pointer.split("/")[1:]]
        place = changed
        for word in path:
            place = place[word]
        if isinstance(place, list):
            place[member:member] = [value]
        else:
            place[member] = copy.deepcopy(value)
    if "/order_id" in change:
        changed["order_id"] += f"-{new_id()}"
    more = lines or {} if by_lines else {}
    concerned = {} if fault else {**CASES["fine"], **(states or {}), **more.get("states", {})}
    states = {network: state for network, state in concerned.items() if state != "none"}
    # Of an order that is rejected for a line, nothing is sent.
    whole = {network: members for network, members in (sends or {}).items() if network not in more.get("states", {})}
    sent = {**whole, **more.get("sends", {})}
    if by_lines:
        states, sent = of_lines(states, changed), of_lines(sent, changed)
    fault = fault and (fault["pointer"], fault["code"])
    return Case(name, changed, states, fault, filled(sent, changed["order_id"]), query or {}, direct or {})


def of_lines(by_network: dict, an_order: dict) -> dict:
    """The same with a delivery for each line, where the network is sent lines. One bad line refuses all of them."""
    whole = by_network.get(OF_LINES)
    if whole is None or str(whole).startswith("rejected"):
        return by_network
    others = {name: each for name, each in by_network.items() if name != OF_LINES}
    return {f"{OF_LINES}/{line}": whole for line, _ in enumerate(an_order["items"], 1)} | others


def filled(sends: dict, order_id: str) -> dict:
    """The same with the order's id, and the digest by which a network knows an order whose id it does not take."""
    order_id = unicodedata.normalize("NFC", order_id)
    ids = {"{order_id}": order_id, "{digest}": f"pb-{hashlib.sha256(order_id.encode()).hexdigest()[:40]}"}
    return {name: {member: ids.get(value, value) for member, value in members.items()} for name, members in sends.items()}


def all_cases(by_lines: bool) -> list[Case]:
    return [case(by_lines, **each) for each in CASES["orders"]]


@pytest.fixture(scope="module", params=[False, True], ids=["by order", "by line"])
def by_lines(request) -> bool:
    """Whether the network that can be sent lines is."""
    return request.param


@pytest.fixture(scope="module")
def shop(stack, by_lines):
    """A deployment whose networks take orders. One that reports lines is another: the settings stay in force for minutes."""
    if not by_lines:
        for name in NAMES:
            until_it_takes_orders(stack, name)
        yield stack
        return
    own = stack.sibling("lines", "facade08", ApiAuthorization="NONE")
    own.deploy()
    # The sandbox knows the credentials of the other deployment. No function has read any yet.
    secrets, name = stack.client("secretsmanager"), "ShopbackSecretArn"
    settings = json.loads(secrets.get_secret_value(SecretId=stack.outputs[name])["SecretString"])
    secrets.put_secret_value(SecretId=own.outputs[name], SecretString=json.dumps(settings | BY_LINES))
    # An offer for lines takes several conversions of a click.
    before = stack.sandbox("GET", "/_settings").json["shopback"]["duplicates"]
    stack.sandbox("POST", "/_settings", {"shopback": {"duplicates": "never"}})
    yield own
    stack.sandbox("POST", "/_settings", {"shopback": {"duplicates": before}})
    own.stop()


def at_once(work, over: list) -> list:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, over))


def states(stack, order_id: str) -> dict:
    """The deliveries of an order: `delivered`, `rejected <reason>`."""
    answer = stack.api("GET", f"/orders/{quote(order_id, safe='')}")
    assert answer.status in (200, 404), answer
    deliveries = answer.json["deliveries"] if answer.status == 200 else []
    name = lambda each: "/".join(filter(None, (each["network"], each.get("line"))))  # noqa: E731
    return {name(each): in_words(each) for each in deliveries}


def in_words(delivery: dict) -> str:
    return f"{delivery['state']} {delivery['reason']}" if delivery["state"] in ("rejected", "skipped") else delivery["state"]


def settled(stack, cases: list[Case]) -> dict:
    """The states of each case's order, once all are as they should be or patience ends, and nothing more can come."""
    open_ones, deadline = cases, time.monotonic() + PATIENCE_SECONDS
    while open_ones and time.monotonic() < deadline:
        seen = at_once(lambda each: states(stack, each.order_id), open_ones)
        open_ones = [each for each, found in zip(open_ones, seen) if found != each.states]
    assert drained(stack)
    seen = at_once(lambda each: states(stack, each.order_id), cases)
    return {each.name: found for each, found in zip(cases, seen)}


def faulty(stack, wanted: set[str]) -> dict[str, tuple[str, str]]:
    """The reason and the faults of each of these orders of the bus that were kept for a person, taken from there."""
    sqs, url = stack.client("sqs"), stack.outputs["FaultyOrdersQueueUrl"]
    found = {}

    def all_found() -> bool:
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1, MessageAttributeNames=["All"]
        )  # fmt: skip
        for message in received.get("Messages", []):
            said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            # An id that is the fault is no attribute.
            order_id = json.loads(message["Body"])["detail"].get("order_id")
            if order_id in wanted:
                found[order_id] = (said["reason"], said.get("faults"))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return set(found) == wanted

    eventually(all_found, True, 60)
    return found


def key(each: Case, network: str) -> str:
    """The value by which a network knows the order, if it is sent it: as the order has it, or cleaned as the case has it."""
    cleaned = {"cartstack": "email", "cpa_moe": "id", "shopback": "adv_sub"}.get(network)
    found = [members[cleaned] for delivery, members in each.sends.items() if delivery.startswith(network) and cleaned in members]
    click = each.order["clicks"]["cashmycell"]
    raw = {
        "cartstack": each.order["customer"]["email"], "cpa_moe": each.order_id, "shopback": each.order_id,
        "cashmycell": click.get("cmc_id") if isinstance(click, dict) else click,
    }  # fmt: skip
    value = found[0] if found else raw[network]
    return value if isinstance(value, str) else json.dumps(value)


def received(stack, since: int, network: str, order_key: str) -> list[dict]:
    """The reports of an order that a network received since a request; that of a later attempt is a later one."""
    requests = stack.sandbox("GET", f"/_received?network={network}&order={quote(order_key, safe='')}").json
    return [request for request in requests if request["seq"] > since and request["call"] != "list"]


def latest(stack) -> int:
    """The number of the latest request at the sandbox."""
    return max((request["seq"] for request in stack.sandbox("GET", "/_received").json), default=0)


def sent(stack, since: int, each: Case) -> dict:
    """What was sent with each delivery of the members that the case names."""
    found = {}
    for delivery, wanted in each.sends.items():
        network, _, line = delivery.partition("/")
        requests = received(stack, since, network, key(each, network))
        request = requests[int(line or len(requests)) - 1]
        members = dict(request["params"]) | (json.loads(request["body"]) if request["body"].startswith("{") else {})
        found[delivery] = {member: str(members[member]) if member in members else None for member in wanted}
    return found


def written(stack, since: int, each: Case) -> dict:
    """The parts of queries that a case names, where the network's request has them as they are written."""
    queries = {name: received(stack, since, name, key(each, name))[-1]["query"].split("&") for name in each.query}
    return {name: part for name, part in each.query.items() if part in queries[name]}


def reports(stack, since: int, each: Case) -> Counter:
    """How often each network was sent the order since a request."""
    return Counter({name: count for name in NAMES if (count := len(received(stack, since, name, key(each, name))))})


def expected_reports(each: Case) -> Counter:
    """One for each delivery that ends well. Whatever else there is of an order, nothing of it is sent."""
    return Counter(delivery.split("/")[0] for delivery, state in each.states.items() if state in FINAL)


def assert_outcome(stack, cases: list[Case], since: int) -> None:
    """Compares the ledger and what the networks were sent with the cases."""
    assert settled(stack, cases) == {each.name: each.states for each in cases}
    for look, wanted in (
        (sent, lambda each: each.sends), (written, lambda each: each.query), (reports, expected_reports),
    ):  # fmt: skip
        seen = at_once(lambda each: look(stack, since, each), cases)  # noqa: B023
        assert {each.name: found for each, found in zip(cases, seen)} == {each.name: wanted(each) for each in cases}


def violations(stack) -> int:
    """How many requests broke a network's own rules."""
    return len(stack.sandbox("GET", "/_violations").json)


def test_each_order_has_its_outcome_by_the_api(shop, by_lines):
    cases, since, broken = all_cases(by_lines), latest(shop), violations(shop)

    answers = at_once(lambda each: shop.api("POST", "/orders", each.order), cases)

    for each, answer in zip(cases, answers):
        if each.fault:
            [error, *_] = answer.json["errors"]
            assert (answer.status, answer.json["code"]) == (422, "invalid_order"), each.name
            assert (error["pointer"], error["code"]) == each.fault, each.name
        else:
            assert (answer.status, answer.json["networks"]) == (202, each.networks), each.name
    assert_outcome(shop, cases, since)
    for each in cases:
        for network, state in each.direct.items():
            assert in_words(shop.api("POST", f"/orders/{network}", each.order).json) == state, each.name
        assert reports(shop, since, each) == expected_reports(each), each.name
    assert violations(shop) == broken


def test_each_order_has_the_same_outcome_by_the_bus(shop, by_lines):
    cases, since, broken = all_cases(by_lines), latest(shop), violations(shop)

    at_once(lambda each: put_on_bus(shop, each.order), cases)

    assert_outcome(shop, cases, since)
    kept = {each.order_id: ("invalid_order", f"{each.fault[1]} at {each.fault[0]}") for each in cases if each.fault}
    assert len(kept) > 4 and faulty(shop, set(kept)) == kept
    assert violations(shop) == broken
    # A network whose rule takes a faulty order leaves it to intake, unless its fault depends on the time of reading.
    left = [order_id for order_id, (_, fault) in kept.items() if "in_the_future" not in fault]
    letters = [body for of_network in dead_letters(shop).values() for body in of_network]
    assert [body for body in letters if any(order_id in body for order_id in left)] == []
