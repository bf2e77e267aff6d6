"""An order that no network gets is seen within a minute in the metrics, in the log and by the tool at once, whichever way it came.

test_accounted.py has what each of them shows.
"""

import pytest
from observability import logged, metrics, now, values
from stack import STACK_NAME
from test_end_to_end import empty_dead_letters, eventually, new_id, order, put_on_bus
from test_tool import postback  # noqa: F401

# Members of an order, and the kind of its fault, by which it is counted: none of an order that is taken.
LOST = {
    "no clicks": ({"clicks": {}, "customer": {}}, None),
    "a misspelt click": ({"customer": {}, "clicks": {"shopback": {"transactionid": "1" * 30}}}, "unknown_member"),
    # The bus passes over other members, and an order with an e-mail address concerns a network without them.
    "clicks under a misspelt name": ({"clicks": {}, "click": {"shopback": {"transaction_id": "1" * 30}}}, "unknown_member"),
    "another word as status": ({"status": "Completed"}, "unknown_word"),
    "a broken total": ({"total": "14,99"}, "not_a_decimal"),
}
EVERYWHERE = {"metrics": True, "log": True, "tool": True}


@pytest.fixture(autouse=True)
def nothing_left(stack):
    yield
    empty_dead_letters(stack)


def counted(stack, since: int, name: str, **dimensions: str) -> bool:
    """Whether intake measured anything but 0 under this name."""
    return 1 in values(metrics(stack, "intake", since), "Postback", name, {"Stack": STACK_NAME, **dimensions})


def in_log(stack, since: int, order_id: str, code: str, kind: str | None) -> bool:
    """Whether intake logged this code: of the order, where it has an id, and with the kind of its fault."""
    lines = [line for line in logged(stack, "intake", since) if line["code"] == code and line.get("order_id", order_id) == order_id]
    return any(kind is None or (line.get("faults") or "").startswith(f"{kind} at ") for line in lines)


def by_tool(postback, order_id: str, way: str, kind: str | None) -> bool:  # noqa: F811
    """Whether the tool finds it: an order that was taken, one that was kept, or the refusal of a call."""
    if kind is None:
        shown = postback("show", order_id, "--json")
        return shown.status == 0 and "unclaimed" in shown.json
    if way == "bus":
        letters = postback("redrive", "--bus", "--dry-run", "--json").json["letters"]
        return order_id in {letter["order_id"] for letter in letters}
    found = postback("logs", "intake", "--since", "1m", "--code", "request_refused", "--where", f"faults={kind} at *", "--json")
    return found.status == 0 and found.json["count"] >= 1


@pytest.mark.parametrize("way", ["api", "bus"])
@pytest.mark.parametrize(("members", "kind"), LOST.values(), ids=LOST)
def test_what_no_network_gets_is_seen_within_a_minute(stack, postback, way, members, kind):  # noqa: F811
    since, lost = now(), order(new_id(), **members)
    code = "order_unclaimed" if kind is None else {"api": "request_refused", "bus": "bus_order_faulty"}[way]

    stack.api("POST", "/orders", lost) if way == "api" else put_on_bus(stack, lost)

    def seen() -> dict:
        taken = counted(stack, since, "OrdersTaken", Source=way)
        return {
            "metrics": taken if kind is None else counted(stack, since, "OrdersRefused", Reason=kind) and not taken,
            "log": in_log(stack, since, lost["order_id"], code, kind),
            "tool": by_tool(postback, lost["order_id"], way, kind),
        }

    assert eventually(seen, EVERYWHERE, 60) == EVERYWHERE
