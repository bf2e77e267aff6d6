"""Orders as shops really send them (tests/integration/order_cases.json): each has its outcome by the API and by the bus."""

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from build import ROOT
from examples import read_back
from test_end_to_end import NAMES, dead_letters, drained, eventually, known_as, new_id, order, put_on_bus, until_it_takes_orders

CASES = json.loads((ROOT / "tests/integration/order_cases.json").read_text())
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Case:
    """An order, and its outcome."""

    name: str
    order: dict
    # The state at each network that it concerns.
    states: dict
    # The place and the code of the fault that refuses it.
    fault: tuple | None
    # What networks are sent of it: members of the request, None where one is left out.
    sends: dict

    @property
    def order_id(self) -> str:
        return self.order["order_id"]


def case(name: str, change: dict, states: dict | None = None, fault: dict | None = None, sends: dict | None = None) -> Case:
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
    concerned = {} if fault else {**CASES["fine"], **(states or {})}
    states = {network: state for network, state in concerned.items() if state != "none"}
    return Case(name, changed, states, fault and (fault["pointer"], fault["code"]), sends or {})


def all_cases() -> list[Case]:
    return [case(**each) for each in CASES["orders"]]


@pytest.fixture(scope="module", autouse=True)
def networks_that_take_orders(stack):
    for name in NAMES:
        until_it_takes_orders(stack, name)


def at_once(work, over: list) -> list:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, over))


def states(stack, order_id: str) -> dict:
    """The deliveries of an order: `delivered`, `rejected <reason>`."""
    word = lambda each: f"rejected {each['reason']}" if each["state"] == "rejected" else each["state"]  # noqa: E731
    return {name: word(each) for name, each in read_back(stack, order_id).items()}


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


def sent(stack, each: Case) -> dict:
    """What networks were sent of the members that the case names."""
    return {name: sent_to(stack, name, known_as(each.order)[name], wanted) for name, wanted in each.sends.items()}


def sent_to(stack, network: str, key: str, wanted: dict) -> dict:
    """What a network was sent of these members with the last request of an order."""
    # CartStack knows an order by its e-mail address, as it was sent.
    key = wanted.get("email", key) if network == "cartstack" else key
    [*_, request] = stack.sandbox("GET", f"/_received?network={network}&order={quote(key)}").json
    members = dict(request["params"]) | (json.loads(request["body"]) if request["body"].startswith("{") else {})
    return {member: str(members[member]) if member in members else None for member in wanted}


def violations(stack) -> int:
    """How many requests broke a network's own rules."""
    return len(stack.sandbox("GET", "/_violations").json)


def test_each_order_has_its_outcome_by_the_api(stack):
    cases, before = all_cases(), violations(stack)

    answers = at_once(lambda each: stack.api("POST", "/orders", each.order), cases)

    for each, answer in zip(cases, answers):
        if each.fault:
            [error, *_] = answer.json["errors"]
            assert (answer.status, answer.json["code"]) == (422, "invalid_order"), each.name
            assert (error["pointer"], error["code"]) == each.fault, each.name
        else:
            assert (answer.status, answer.json["networks"]) == (202, sorted(each.states)), each.name
    assert settled(stack, cases) == {each.name: each.states for each in cases}
    assert {each.name: sent(stack, each) for each in cases} == {each.name: each.sends for each in cases}
    assert violations(stack) == before


def test_each_order_has_the_same_outcome_by_the_bus(stack):
    cases, before = all_cases(), violations(stack)

    at_once(lambda each: put_on_bus(stack, each.order), cases)

    assert settled(stack, cases) == {each.name: each.states for each in cases}
    assert {each.name: sent(stack, each) for each in cases} == {each.name: each.sends for each in cases}
    kept = {each.order_id: ("invalid_order", f"{each.fault[1]} at {each.fault[0]}") for each in cases if each.fault}
    assert len(kept) > 4 and faulty(stack, set(kept)) == kept
    assert violations(stack) == before
    # A network whose rule takes a faulty order leaves it to intake.
    letters = [body for of_network in dead_letters(stack).values() for body in of_network]
    assert [body for body in letters if any(order_id in body for order_id in kept)] == []
