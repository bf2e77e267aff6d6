"""An order that no network gets is seen: in the metrics, in the log and by the tool, whichever way it came."""

import json

import pytest
from examples import read_back
from observability import logged, metrics, now, values
from stack import STACK_NAME
from test_check import written
from test_end_to_end import dead_letters, drained, effects, eventually, new_id, order, put_on_bus, reported_networks
from test_tool import postback  # noqa: F401

MISSPELT = {"customer": {}, "clicks": {"shopback": {"transactionid": "1" * 30}}}
# What is wrong, the reason and the fault of it by the bus, and the fault at the API.
FAULTY = {
    "a misspelt click": (MISSPELT, "unknown_click", "/clicks", "unknown_member"),
    "another word as status": ({"status": "Completed"}, "invalid_order", "/status", "unknown_word"),
    "a broken total": ({"total": "14,99"}, "invalid_order", "/total", "not_a_decimal"),
}
BUS = {"api": "api", "bus": "bus/shop.pipeline"}


def measured(stack, since: int, name: str, **dimensions: str) -> list[float]:
    return values(metrics(stack, "intake", since), "Postback", name, {"Stack": STACK_NAME, **dimensions})


def lines(stack, since: int, **wanted: str) -> list[dict]:
    return [line for line in logged(stack, "intake", since) if wanted.items() <= line.items()]


@pytest.fixture
def letters(stack, postback):  # noqa: F811
    """Looks for an order among the faulty orders of the bus; what is left there is taken away at the end."""
    ids = []

    def of(order_id: str) -> list[dict]:
        ids.append(order_id)
        said = postback("redrive", "--bus", "--dry-run", "--json")
        assert said.status == 0, said
        return [letter for letter in said.json["letters"] if letter["order_id"] == order_id]

    yield of
    sqs, url = stack.client("sqs"), stack.outputs["FaultyOrdersQueueUrl"]
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        if any(order_id in message["Body"] for order_id in ids):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.parametrize(("way", "source"), BUS.items(), ids=BUS)
def test_an_order_without_clicks_is_seen(stack, postback, way, source):  # noqa: F811
    since, lost = now(), order(new_id(), clicks={"shopback": {"clicked_at": "2026-11-20T09:00:00Z"}}, customer={})

    if way == "api":
        assert stack.api("POST", "/orders", lost).json["networks"] == []
    else:
        put_on_bus(stack, lost)

    shown = lambda: postback("show", lost["order_id"], "--json").status  # noqa: E731
    assert eventually(shown, 0, 60) == 0
    unclaimed = postback("show", lost["order_id"], "--json").json["unclaimed"]
    assert unclaimed == stack.api("GET", f"/orders/{lost['order_id']}").json["unclaimed"]
    assert (unclaimed["source"], unclaimed["amount"], unclaimed["clicks"]) == (source, "1499", ["shopback.clicked_at"])
    assert f"{lost['order_id']} concerned no network" in postback("show", lost["order_id"]).out
    seen = lambda: len(lines(stack, since, code="order_unclaimed", order_id=lost["order_id"], source=source))  # noqa: E731
    assert eventually(seen, 1, 60) == 1
    assert measured(stack, since, "OrdersTaken", Source=way) == [1]
    assert measured(stack, since, "OrdersWithClick") == [0]


@pytest.mark.parametrize(("members", "_reason", "place", "code"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_order_is_seen_at_the_api(stack, postback, tmp_path, members, _reason, place, code):  # noqa: F811
    since, lost = now(), order(new_id(), **members)

    answer = stack.api("POST", "/orders", lost)

    assert answer.status == 422
    [error] = answer.json["errors"]
    assert error["pointer"].startswith(place) and error["code"] == code
    refused = {"code": "request_refused", "reason": "invalid_order", "order_id": lost["order_id"], "faults": f"{code} at {place}"}
    assert eventually(lambda: len(lines(stack, since, **refused)), 1, 60) == 1
    assert measured(stack, since, "OrdersRefused", Reason=code) == [1]
    # Nothing of it is kept: the tool says the same of the shop's export.
    checked = postback("check", written(tmp_path, [lost]), "--json").json["rows"]
    assert [(row["order_id"], row["result"]) for row in checked] == [(lost["order_id"], "invalid")]
    assert code in checked[0]["why"] and read_back(stack, lost["order_id"]) == {}


@pytest.mark.parametrize(("members", "reason", "place", "code"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_order_is_seen_on_the_bus_and_sent_corrected(
    stack, postback, letters, tmp_path, members, reason, place, code  # noqa: F811
):  # fmt: skip
    since, lost = now(), order(new_id(), **members)

    put_on_bus(stack, lost)

    assert eventually(lambda: len(letters(lost["order_id"])), 1, 60) == 1
    [letter] = letters(lost["order_id"])
    assert letter["why"].startswith(reason) and letter["done"] == "left"
    assert code in " ".join([letter["why"], *letter["faults"]])
    [line] = lines(stack, since, code="bus_order_faulty", order_id=lost["order_id"])
    assert (line["reason"], line["faults"]) == (reason, f"{code} at {place}")
    assert measured(stack, since, "OrdersRefused", Reason=code) == [1]
    # It is one letter, whichever networks' rules took it as well.
    assert drained(stack)
    assert at_networks(stack, lost["order_id"]) == {}
    # Without a corrected order it stays: it would come back.
    assert postback("redrive", "--bus", "--json").code == "left"

    right = order(lost["order_id"])
    file = tmp_path / "order.json"
    file.write_text(json.dumps(right))
    sent = postback("redrive", "--bus", "--message", letter["message_id"], "--order", str(file), "--json")

    assert sent.status == 0, sent
    assert [each["done"] for each in sent.json["letters"] if each["order_id"] == lost["order_id"]] == ["corrected"]
    reached = lambda: reported_networks(stack, lost["order_id"])  # noqa: E731
    everywhere = {"cartstack", "cashmycell", "cpa_moe", "shopback"}
    assert eventually(reached, everywhere, 60) == everywhere
    assert set(effects(stack, right).values()) == {1}
    assert drained(stack)
    assert letters(lost["order_id"]) == [] and at_networks(stack, lost["order_id"]) == {}


@pytest.mark.parametrize("detail_type", ["Order.Completed", "ORDER PLACED", "shop.order.completed", "oder.completed"])
def test_an_order_of_a_type_that_no_network_takes_is_seen_on_the_bus(stack, letters, detail_type):
    lost = order(new_id())

    put_on_bus(stack, lost, detail_type=detail_type)

    assert eventually(lambda: len(letters(lost["order_id"])), 1, 60) == 1
    [letter] = letters(lost["order_id"])
    assert letter["why"] == "other_type"
    assert at_networks(stack, lost["order_id"]) == {} and read_back(stack, lost["order_id"]) == {}


def at_networks(stack, order_id: str) -> dict[str, list[str]]:
    """The networks' dead letters of an order."""
    found = {name: [body for body in bodies if order_id in body] for name, bodies in dead_letters(stack).items()}
    return {name: bodies for name, bodies in found.items() if bodies}


def test_an_old_order_that_the_ledger_does_not_hold_is_refused(stack):
    refused = stack.api("POST", "/orders", order(new_id(), completed_at="2023-11-21T10:15:00Z"))

    assert refused.status == 422
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [("/completed_at", "too_old")]
