"""The life of a delivery around its report, at the deployed bundle: orders that are cancelled, corrected or share a click,
an outage of the ledger, and the sweep that counts what waits."""

import json

import pytest
from examples import read_back
from observability import metrics, now, raised, values
from stack import PLAYED, STACK_NAME
from test_end_to_end import (
    NAMES, drained, effects, eventually, known_as, new_id, order, put_on_bus, reported_networks, take_all,
    until_it_takes_orders, without,
)  # fmt: skip

CARTSTACK = next(network for network in PLAYED if network.name == "cartstack")
SHOPBACK = next(network for network in PLAYED if network.name == "shopback")


def states(stack, order_id: str) -> dict[str, str]:
    return {name: delivery["state"] for name, delivery in read_back(stack, order_id).items()}


def put(stack, detail: dict) -> None:
    """Puts an order on the bus under the detail type of its status."""
    entry = {
        "Source": "shop.pipeline", "DetailType": f"order.{detail['status']}",
        "EventBusName": stack.outputs["BusName"], "Detail": json.dumps(detail),
    }  # fmt: skip
    assert stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


# ── Cancelled and refunded ──────────────────────────────────────────────────────────────────────────────────────────

WITHDRAWN = dict.fromkeys(NAMES, "withdrawn")
WAYS = {
    "posted": lambda stack, detail: stack.api("POST", "/orders", detail),
    "put on the bus": put,
    "put on the bus as completed": put_on_bus,
}


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_order_that_was_cancelled_first_is_never_reported(stack, way, status):
    completed = order(new_id())

    # Of a cancellation on the bus the id and the status are enough.
    way(stack, {**completed, "status": status} if way is WAYS["posted"] else {"order_id": completed["order_id"], "status": status})
    assert eventually(lambda: states(stack, completed["order_id"]), WITHDRAWN) == WITHDRAWN
    put_on_bus(stack, completed)

    assert drained(stack)
    assert states(stack, completed["order_id"]) == WITHDRAWN
    assert effects(stack, completed) == {}


def test_an_order_that_was_reported_and_cancelled_stays_reported_and_shows_the_cancellation(stack):
    reported = order(new_id())
    put_on_bus(stack, reported)
    assert eventually(lambda: reported_networks(stack, reported["order_id"]), set(NAMES)) == set(NAMES)
    before = states(stack, reported["order_id"])

    put(stack, {"order_id": reported["order_id"], "status": "cancelled"})

    def noted():
        return {name for name, each in read_back(stack, reported["order_id"]).items() if each.get("cancellations")}

    assert eventually(noted, set(NAMES)) == set(NAMES)
    assert states(stack, reported["order_id"]) == before
    assert effects(stack, reported) == dict.fromkeys(NAMES, 1)


def test_a_direct_cancellation_is_answered_with_what_came_of_it(stack):
    cancelled = order(new_id())

    answer = stack.api("POST", "/orders/shopback", {**cancelled, "status": "cancelled"})
    after = stack.api("POST", "/orders/shopback", cancelled)

    assert (answer.status, answer.json["state"]) == (200, "withdrawn")
    assert (after.status, after.json["state"]) == (200, "withdrawn")
    assert effects(stack, cancelled) == {}


def waiting(stack) -> dict:
    """An order that ShopBack could not take for the moment."""
    waits = order(new_id())
    busy = {"answer": {"status": 429, "headers": {"retry-after": "5"}, "body": ""}}
    stack.sandbox("POST", "/_script", {"network": "shopback", "order": waits["order_id"], "fault": busy})
    assert stack.api("POST", "/orders/shopback", waits).json["state"] == "retrying"
    return waits


def test_an_order_that_is_cancelled_while_it_waits_is_never_reported(stack):
    waits = waiting(stack)

    stack.api("POST", "/orders", {**waits, "status": "cancelled"})

    assert eventually(lambda: states(stack, waits["order_id"]), WITHDRAWN) == WITHDRAWN
    assert drained(stack)
    assert states(stack, waits["order_id"]) == WITHDRAWN
    assert effects(stack, waits) == {}


def test_a_completion_that_is_later_than_the_cancellation_is_reported(stack):
    bought = order(new_id(), updated_at="2026-11-21T10:15:00Z")
    later = {**bought, "updated_at": "2026-11-21T11:00:00Z"}
    put(stack, {**bought, "status": "cancelled", "updated_at": "2026-11-21T10:30:00Z"})
    assert eventually(lambda: states(stack, bought["order_id"]), WITHDRAWN) == WITHDRAWN

    put_on_bus(stack, later)

    assert eventually(lambda: reported_networks(stack, bought["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, bought) == dict.fromkeys(NAMES, 1)


# ── Corrected, and conflicting ──────────────────────────────────────────────────────────────────────────────────────


def test_a_later_version_of_what_was_refused_is_reported(stack):
    wrong = order(new_id(), customer={}, updated_at="2026-11-21T10:15:00Z",
                  clicks={"shopback": {"transaction_id": f"unknown{new_id()[4:]:0<23}"}})  # fmt: skip
    right = {**order(wrong["order_id"], customer={}), "updated_at": "2026-11-21T10:40:00Z"}
    right["clicks"] = {"shopback": right["clicks"]["shopback"]}
    assert stack.api("POST", "/orders/shopback", wrong).json["state"] == "rejected"

    corrected = stack.api("POST", "/orders/shopback", right)
    late = stack.api("POST", "/orders/shopback", wrong)

    assert (corrected.json["state"], corrected.json["attempt"]) == ("delivered", 2)
    assert late.json["state"] == "delivered"
    assert read_back(stack, wrong["order_id"])["shopback"].get("conflicts", []) == []


def test_other_content_of_a_reported_order_is_a_conflict_that_names_the_reported_amount(stack):
    reported = order(new_id())
    stack.api("POST", "/orders/shopback", reported)

    other = stack.api("POST", "/orders/shopback", {**reported, "total": "1.00"})
    put_on_bus(stack, {**reported, "total": "2.00"})

    assert (other.status, other.json["code"]) == (409, "conflict")
    assert "as 1499 INR" in other.json["detail"]
    noted = lambda: len(read_back(stack, reported["order_id"])["shopback"].get("conflicts", []))  # noqa: E731
    assert eventually(lambda: noted() >= 1, True)


def test_a_second_order_of_a_click_is_refused_as_such(stack):
    first, second = order(new_id()), order(new_id())
    second["clicks"]["shopback"] = first["clicks"]["shopback"]
    assert stack.api("POST", "/orders/shopback", first).json["state"] == "delivered"

    answer = stack.api("POST", "/orders/shopback", second)

    assert (answer.json["state"], answer.json["reason"]) == ("rejected", "click_used")
    assert effects(stack, first) == {"shopback": 1}


def test_of_two_orders_of_a_click_of_which_one_waits_one_is_reported_and_named_by_the_other(stack):
    first = waiting(stack)
    second = order(new_id())
    second["clicks"]["shopback"] = first["clicks"]["shopback"]
    stack.api("POST", "/orders/shopback", second)

    def ends() -> dict:
        both = [read_back(stack, each["order_id"])["shopback"] for each in (first, second)]
        return {each.get("reason") or each["state"]: each for each in both}

    assert eventually(lambda: set(ends()), {"delivered", "click_used"}) == {"delivered", "click_used"}
    reported, refused = (first, second) if states(stack, first["order_id"])["shopback"] == "delivered" else (second, first)
    assert reported["order_id"] in json.dumps(ends()["click_used"])
    assert (effects(stack, reported), effects(stack, refused)) == ({"shopback": 1}, {})


# ── Outages, and what nobody can read ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", ["dynamodb:GetItem", "dynamodb:PutItem"])
def test_an_order_waits_out_an_outage_of_the_ledger(stack, action):
    waits = order(new_id())
    dead = stack.outputs["ShopbackDeadLetterQueueUrl"]
    since = now()

    with without(stack, "Shopback", action):
        put_on_bus(stack, waits)
        failed = lambda: values(metrics(stack, "shopback", since), "Postback", "AttemptFailed",
                                {"Stack": STACK_NAME, "Network": "shopback"})  # fmt: skip
        assert eventually(lambda: len(failed()) > 0, True)

    assert eventually(lambda: "shopback" in reported_networks(stack, waits["order_id"]), True, 90)
    assert effects(stack, waits)["shopback"] == 1
    assert take_all(stack, dead) == []


def test_a_dead_letter_says_why_it_is_one(stack):
    sqs, queue, dead = stack.client("sqs"), stack.outputs["ShopbackQueueUrl"], stack.outputs["ShopbackDeadLetterQueueUrl"]

    sqs.send_message(QueueUrl=queue, MessageBody="not json")

    def letters():
        found = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
        for letter in found:
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
        return [(letter["Body"], letter["MessageAttributes"]["reason"]["StringValue"]) for letter in found]

    assert eventually(letters, [("not json", "not_an_event")]) == [("not json", "not_an_event")]


# ── The sweep ───────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep(stack) -> None:
    """Calls the function as its schedule does."""
    answer = stack.client("lambda").invoke(FunctionName=f"{STACK_NAME}-sweep", Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_sweep_counts_what_waits_for_a_person_and_raises_the_alarm_again_each_time(stack):
    unclear = order(new_id())
    rule = {"network": "cartstack", "order": known_as(unclear)["cartstack"], "fault": {"close": "after_reading"}}
    assert stack.sandbox("POST", "/_script", rule).status == 200
    stack.api("POST", "/orders/cartstack", unclear)
    assert states(stack, unclear["order_id"]) == {"cartstack": "unconfirmed"}

    for _ in range(2):
        since = now()
        sweep(stack)
        own = {"Stack": STACK_NAME, "Network": "cartstack"}
        held = lambda: values(metrics(stack, "sweep", since), "Postback", "HeldDeliveries", own)  # noqa: B023, E731
        assert eventually(lambda: len(held()), 1) == 1
        assert held()[0] >= 1
        amounts = values(metrics(stack, "sweep", since), "Postback", "HeldAmount", {**own, "Currency": "INR"})
        assert len(amounts) == 1 and amounts[0] >= 1499
        assert raised(stack, CARTSTACK, "Held", since, "sweep")
        # The others are measured although nothing of theirs waits, so that their alarms end.
        every = [values(metrics(stack, "sweep", since), "Postback", "UnwatchedDeliveries", {**own, "Network": name}) for name in NAMES]
        assert every == [[0]] * len(NAMES)


def test_a_sweep_needs_to_read_and_to_write_the_ledger(stack):
    with without(stack, "Sweep", "dynamodb:Scan"):
        answer = stack.client("lambda").invoke(FunctionName=f"{STACK_NAME}-sweep", Payload=b"{}")
    assert "FunctionError" in answer


@pytest.fixture(scope="module", autouse=True)
def as_it_was(stack):
    """No network is paused by a 429 or an outage when the tests of another file come."""
    yield
    for name in NAMES:
        until_it_takes_orders(stack, name)
