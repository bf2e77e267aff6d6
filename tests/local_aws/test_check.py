"""`postback orders check`: the shop's export against the ledger."""

import csv
import json

from examples import read_back
from stack import NETWORKS
from test_end_to_end import effects, new_id, order
from test_tool import held, postback  # noqa: F401

NAMES = [network.name for network in NETWORKS]


def by_network(said) -> dict:
    """The counts by network and result."""
    return {name: {result: sum["count"] for result, sum in results.items()} for name, results in said.json["networks"].items()}


def rows(said) -> dict:
    return {(row["order_id"], row["network"]): row for row in said.json["rows"]}


def written(tmp_path, orders: list[dict]):
    path = tmp_path / "export.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in orders))
    return str(path)


def test_each_order_has_its_result_at_each_network(stack, postback, tmp_path):  # noqa: F811
    alike, other, unseen = (order(new_id()) for _ in range(3))
    for each in (alike, other):
        for name in NAMES:
            assert stack.api("POST", f"/orders/{name}", each).status in (200, 202)
    unclear = held(stack)
    nobody = order(new_id(), clicks={}, customer={})
    export = [alike, {**other, "total": "9999.00"}, unseen, unclear, nobody, {"order_id": "broken"}]

    said = postback("check", written(tmp_path, export), "--json", "--out", str(tmp_path / "all.csv"))

    assert said.status == 6, said
    found = rows(said)
    for name in NAMES:
        assert (alike["order_id"], name) not in found
        assert found[other["order_id"], name]["result"] == "otherwise"
        assert "is 9999 " in found[other["order_id"], name]["why"]
        assert found[unseen["order_id"], name]["result"] == "never_seen"
        assert (nobody["order_id"], name) not in found
    assert found[unclear["order_id"], "cashmycell"]["result"] == "open"
    assert [row["line"] for row in said.json["rows"] if row["result"] == "invalid"] == [6]
    assert by_network(said)["shopback"]["alike"] == 1
    everything = {(row["order_id"], row["network"]): row for row in csv.DictReader((tmp_path / "all.csv").open())}
    skipped = everything[nobody["order_id"], "shopback"]
    assert skipped["result"] == "skipped" and "clicks.shopback.transaction_id" in skipped["why"]
    assert everything[alike["order_id"], "shopback"]["result"] == "alike"


def test_what_was_never_seen_is_sent_once(stack, postback, tmp_path):  # noqa: F811
    unseen = [order(new_id()) for _ in range(3)]
    export = written(tmp_path, [*unseen, unseen[0]])

    waiting = postback("check", export, "--send", "--json")
    first = postback("check", export, "--send", "--yes", "--json")
    second = postback("check", export, "--send", "--yes", "--json")

    assert (waiting.status, waiting.code) == (2, "not_asked")
    assert first.status == 0, first
    # The fourth line is the first once more.
    assert {name: counts.get("sent") for name, counts in by_network(first).items()} == {**dict.fromkeys(NAMES, len(unseen)), "-": None}
    assert second.status == 0 and all("sent" not in counts for counts in by_network(second).values())
    for each in unseen:
        assert set(read_back(stack, each["order_id"])) == set(NAMES)
        assert effects(stack, each) == dict.fromkeys(NAMES, 1)


def test_what_was_reported_and_is_not_in_the_file_is_listed(stack, postback, tmp_path):  # noqa: F811
    known, unknown = order(new_id()), order(new_id())
    for each in (known, unknown):
        stack.api("POST", "/orders/cartstack", each)

    said = postback("check", written(tmp_path, [known]), "--from", "1h", "--json")

    found = rows(said)
    assert found[unknown["order_id"], "cartstack"]["result"] == "not_in_file"
    assert (known["order_id"], "cartstack") not in found


def test_what_was_reported_with_another_total_is_listed_with_the_difference(stack, postback, tmp_path):  # noqa: F811
    dearer, alike, unknown = (order(new_id()) for _ in range(3))
    for each in (dearer, alike, unknown):
        stack.api("POST", "/orders/cartstack", each)
    export = written(tmp_path, [{**dearer, "total": "1500.50"}, alike, order(new_id())])

    said = postback("check", export, "--reported-between", "1h", "2099-01-01", "--json", "--limit", "100000")
    before = postback("check", export, "--reported-between", "2h", "1h", "--json")

    found = rows(said)
    row = found[dearer["order_id"], "cartstack"]
    assert (row["result"], row["amount"], row["was_amount"], row["difference"]) == ("otherwise", "1500.5", "1499", "1.5")
    assert said.json["differences"] == {"cartstack": {"INR": "1.5"}}
    assert found[unknown["order_id"], "cartstack"]["result"] == "not_in_file"
    assert {row["result"] for row in said.json["rows"]} == {"otherwise", "not_in_file"}
    assert dearer["order_id"] not in {row["order_id"] for row in before.json["rows"]}


def test_a_date_that_is_missing_ahead_or_before_the_ledgers_memory_is_a_fault(postback, tmp_path):  # noqa: F811
    none, ahead, old = order(new_id()), order(new_id(), completed_at="2099-01-01T00:00:00Z"), order(new_id(), completed_at="2020-01-01T00:00:00Z")
    del none["completed_at"]

    said = postback("check", written(tmp_path, [none, ahead, old]), "--offline", "--json", keys={})

    faults = {row["line"]: row["why"] for row in said.json["rows"] if row["result"] == "invalid"}
    assert set(faults) == {1, 2, 3} and all("/completed_at" in why for why in faults.values()), faults


def test_offline_no_account_is_needed(postback, tmp_path):  # noqa: F811
    concerned = order(new_id())
    path = tmp_path / "export.csv"
    path.write_text(
        "order_id;status;completed_at;currency;total;clicks.shopback.transaction_id\n"
        f"A-1;completed;{concerned['completed_at']};INR;1499.00;{concerned['clicks']['shopback']['transaction_id']}\n"
        f"A-2;completed;{concerned['completed_at']};INR;14,99;\n"
    )

    said = postback("check", str(path), "--offline", "--json", keys={})

    assert by_network(said)["shopback"] == {"concerns": 1}
    assert by_network(said)["cartstack"] == {"skipped": 1}
    assert rows(said)["A-1", "cartstack"]["why"] == "it has no customer.email"
    assert rows(said)["A-1", "shopback"]["result"] == "concerns"
    [fault] = [row for row in said.json["rows"] if row["order_id"] == "A-2"]
    assert (fault["line"], fault["result"]) == (3, "invalid") and "/total" in fault["why"]
    assert said.status == 6
