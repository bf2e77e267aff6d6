"""The command-line tool against the deployed bundle, as an operator would use it.

Longer than 300 lines, because one deployment is asked for all of it.
"""

import contextlib
import json
import os
import pty
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
from build import ROOT
from examples import read_back
from stack import PLAYED, REGION, ROOT_KEY, local_environment
from test_end_to_end import (
    NAMES, drained, effects, empty_dead_letters, eventually, known_as, listen, new_id, order, put_on_bus, reported_networks, subscribed,
    until_it_takes_orders,
)  # fmt: skip

# ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Said:
    """What the tool said."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def code(self) -> str:
        return json.loads(self.err)["error"]["code"]


@pytest.fixture
def postback(stack, tool_program):
    """Runs the tool outside a terminal as the account's root user, or as one with these keys."""

    def run(*arguments, given: str = "", keys: dict[str, str] = ROOT_KEY) -> Said:
        environment = {
            **local_environment(),
            **keys,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
        }
        done = subprocess.run(
            [tool_program, *([] if arguments[0] in ("stack", "status", "reconcile", "claims", "logs", "pause", "resume", "secret", "events") else ["orders"]), *arguments], env=environment, input=given, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    return run


def lose(stack, an_order: dict, network: str, processed: bool) -> None:
    """The next request of this order is read, or not, and its answer is lost."""
    rule = {
        "network": network,
        "order": known_as(an_order)[network],
        "fault": {"close": "after_reading", "processed": processed},
    }
    stack.sandbox("POST", "/_script", rule)


def held(stack, network: str = "cashmycell", processed: bool = True) -> dict:
    """An order of which nobody knows whether this network has it."""
    until_it_takes_orders(stack, network)
    unclear = order(new_id())
    lose(stack, unclear, network, processed)
    answer = stack.api("POST", f"/orders/{network}", unclear)
    assert (answer.status, answer.json["state"]) == (202, "unconfirmed"), answer
    return unclear


def items(stack) -> dict:
    """All that the ledger holds."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["LedgerTable"])
    found = [item for page in pages for item in page["Items"]]
    return {(item["order_id"]["S"], item["delivery"]["S"]): item for item in found}


def requests_so_far(stack) -> int:
    return stack.sandbox("GET", "/_health").json["requests"]


def test_the_stacks_outputs_are_shown(stack, postback):
    assert postback("stack", "--json").json == stack.outputs
    assert postback("stack", "LedgerTable").out.strip() == stack.outputs["LedgerTable"]
    missing = postback("stack", "None", "--json")
    assert missing.code == "no_output" and "LedgerTable" in missing.err


# ── Looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_show_has_every_delivery_with_its_attempts(stack, postback):
    shown = order(new_id())
    for name in NAMES:
        stack.api("POST", f"/orders/{name}", shown)

    for_people, for_programs = postback("show", shown["order_id"]), postback("show", shown["order_id"], "--json")

    assert for_people.status == 0
    assert all(f"{shown['order_id']} at {name}" in for_people.out for name in NAMES)
    deliveries = {delivery["network"]: delivery for delivery in for_programs.json["deliveries"]}
    assert set(deliveries) == set(NAMES)
    assert all([attempt["number"] for attempt in each["attempts"]] == [1] for each in deliveries.values())
    assert deliveries["shopback"]["state"] == "delivered"
    # Nothing of the order but its id.
    assert not any(word in for_people.out + for_programs.out for word in ["example.com", "98765", "A Buyer"])


def test_the_logs_say_what_was_done_with_an_order(stack, postback):
    shown = order(new_id())
    for name in NAMES:
        stack.api("POST", f"/orders/{name}", shown)

    def lines(name: str, *more: str) -> list[dict]:
        said = postback("logs", name, "--json", *more)
        assert (said.status, said.json["complete"]) == (0, True), said
        return said.json["lines"]

    of_order = lambda: {line["log"] for line in lines(shown["order_id"], "--code", "attempt")}  # noqa: E731
    assert eventually(of_order, set(NAMES)) == set(NAMES)
    # Of the last minutes there may be more than are shown: the newest are.
    delivered = postback("logs", "shopback", "--json", "--since", "15m", "--code", "attempt", "--where", "verdict=delivered")
    assert shown["order_id"] in {line["content"]["order_id"] for line in delivered.json["lines"]}
    assert lines("shopback", "--since", "15m", "--where", "verdict=none-such") == []
    for_people = postback("logs", shown["order_id"])
    assert all(len(line) <= 80 for line in for_people.out.splitlines()), for_people.out
    nothing = postback("logs", "none-such")
    assert nothing.status == 0 and "no line with order_id=none-such" in nothing.out


def test_show_says_that_nothing_is_known(postback):
    said = postback("show", "none-such", "--json")

    assert (said.status, said.code) == (3, "unknown_order")


def test_a_stack_that_is_not_there_is_named(postback):
    said = postback("show", "A-1", "--stack", "none-such", "--json")

    # Those that there are, are named.
    assert (said.status, said.code) == (3, "no_stack") and "postback" in said.err.split("stacks there:")[1]


def test_list_finds_what_a_person_must_decide_and_goes_on_where_it_stopped(stack, postback):
    before = datetime.now(timezone.utc).isoformat()
    unclear = {held(stack)["order_id"] for _ in range(3)}
    wanted = ["list", "--state", "unconfirmed", "--network", "cashmycell", "--since", before, "--json"]

    found, after = set(), ["--read-units", "1000000"]
    while True:
        page = postback(*wanted, "--limit", "1", *after).json
        found |= {delivery["order_id"] for delivery in page["deliveries"]}
        if page["next"] is None:
            break
        after = ["--after", page["next"]]

    assert found == unclear
    assert postback("list", "--state", "unconfirmed", "--network", "shopback", "--since", before, "--json").json[
        "deliveries"
    ] == []
    assert "read units" in postback("list", "--since", before).err


# ── Settling ────────────────────────────────────────────────────────────────────────────────────────────────────────


def settle(postback, an_order: dict, *arguments, network="cashmycell", reason="seen in the portal", **more) -> Said:
    return postback("settle", an_order["order_id"], network, "--reason", reason, "--json", *arguments, **more)


def test_a_delivery_is_settled_as_delivered_with_who_when_and_why(stack, postback):
    heard = listen(stack)
    unclear = held(stack)

    said = settle(postback, unclear, "--delivered", "--attempt", "1")

    assert said.status == 0, said
    delivery = read_back(stack, unclear["order_id"])["cashmycell"]
    assert (delivery["state"], delivery["proof"]) == ("delivered", "operator")
    [decision] = said.json["decisions"]
    assert (decision["decision"], decision["attempt"], decision["why"]) == ("confirm", 1, "seen in the portal")
    assert decision["by"].startswith("arn:aws:")
    assert eventually(lambda: unclear["order_id"] in heard(), True)
    assert "decided" in postback("show", unclear["order_id"]).out
    assert stack.api("POST", "/orders/cashmycell", unclear).json["replayed"] is True
    assert effects(stack, unclear) == {"cashmycell": 1}
    # Once more only repeats the event.
    again = settle(postback, unclear, "--delivered", "--attempt", "1")
    assert (again.status, len(again.json["decisions"])) == (0, 1)


def test_events_are_published_again_with_the_ids_that_they_had(stack, postback):
    posted = order(new_id())
    heard = events_of(stack, posted["order_id"])
    stack.api("POST", "/orders/shopback", posted)
    assert eventually(lambda: len(heard()), 1) == 1

    replayed = postback("events", "replay", "--order", posted["order_id"], "--json")

    assert (replayed.status, replayed.json["deliveries"], replayed.json["events"]) == (0, 1, 1), replayed
    assert eventually(lambda: len(heard()), 2) == 2
    first, again = heard()
    assert first == again and first["version"] > 1


def events_of(stack, order_id: str):
    """Subscribes to the bus; what it returns gives the details of the order's events so far."""
    bodies = subscribed(stack)
    found: list[dict] = []

    def heard() -> list[dict]:
        found.extend(detail for body in bodies() if (detail := json.loads(body)["detail"])["order_id"] == order_id)
        return found

    return heard


def test_a_delivery_is_sent_again_with_the_order_that_was_sent(stack, postback):
    unclear = held(stack, processed=False)
    assert effects(stack, unclear) == {}

    said = settle(postback, unclear, "--send-again", "--attempt", "1", "--order", "-", given=json.dumps(unclear))

    assert said.status == 0, said
    assert (said.json["state"], said.json["attempt"], said.json["sent"]["state"]) == ("accepted", 2, "accepted")
    assert [decision["decision"] for decision in said.json["decisions"]] == ["permit_sending"]
    assert effects(stack, unclear) == {"cashmycell": 1}


def test_other_content_uses_no_permission_up(stack, postback):
    unclear = held(stack, processed=False)
    other = {**unclear, "total": "1.00"}

    refused = settle(postback, unclear, "--send-again", "--attempt", "1", "--order", "-", given=json.dumps(other))

    assert (refused.status, refused.code) == (4, "order_refused")
    assert effects(stack, unclear) == {}
    # The permission stands, so the right order is sent.
    assert stack.api("POST", "/orders/cashmycell", unclear).json["state"] == "accepted"
    assert effects(stack, unclear) == {"cashmycell": 1}


def test_a_rejected_order_may_be_sent_again(stack, postback):
    refused = order(new_id())
    answer = {"status": 200, "headers": {}, "body": "success=false; err_msg=Something new;"}
    rule = {"network": "shopback", "order": refused["order_id"], "fault": {"answer": answer}}
    assert stack.sandbox("POST", "/_script", rule).status == 200
    stack.api("POST", "/orders/shopback", refused)
    state = read_back(stack, refused["order_id"])["shopback"]["state"]

    said = settle(postback, refused, "--send-again", "--attempt", "1", "--order", "-", network="shopback", given=json.dumps(refused))

    assert (state, said.status, said.json["state"], said.json["attempt"]) == ("rejected", 0, "delivered", 2)
    assert effects(stack, refused) == {"shopback": 1}


def test_a_delivery_is_abandoned_and_taken_up_again(stack, postback):
    unclear = held(stack)
    states = []

    for decision in ("--abandon", "--reopen"):
        said = settle(postback, unclear, decision, "--attempt", "1")
        assert said.status == 0, said
        states.append(read_back(stack, unclear["order_id"])["cashmycell"]["state"])

    assert states == ["abandoned", "unconfirmed"]
    assert [each["decision"] for each in said.json["decisions"]] == ["abandon", "reopen"]
    # A repetition: it stays taken back, and no entry is added.
    again = settle(postback, unclear, "--reopen", "--attempt", "1")
    assert (again.status, again.json["state"], len(again.json["decisions"])) == (0, "unconfirmed", 2)
    assert effects(stack, unclear) == {"cashmycell": 1}


def test_other_content_is_answered_once_and_shown_again_when_another_comes(stack, postback):
    reported = order(new_id())
    assert stack.api("POST", "/orders/shopback", reported).json["state"] == "delivered"
    put_on_bus(stack, {**reported, "total": "1.00"})
    shown = lambda: [each["order_id"] for each in postback("list", "--conflicts", "--json").json["deliveries"]]
    acknowledge = lambda *arguments: settle(postback, reported, "--acknowledge", *arguments, network="shopback", reason="ours is right")
    assert eventually(lambda: reported["order_id"] in shown(), True)
    # Not seen: it is asked for how many there were.
    assert acknowledge("--attempt", "1").code == "not_asked"
    assert acknowledge("--attempt", "1", "--conflicts", "2").code == "moved_on"

    said = acknowledge("--attempt", "1", "--conflicts", "1")

    assert (said.status, said.json["state"], said.json["proof"]) == (0, "delivered", "response"), said
    assert [decision["decision"] for decision in said.json["decisions"]] == ["acknowledge"]
    assert reported["order_id"] not in shown()
    # A repetition adds no entry.
    assert len(acknowledge("--attempt", "1", "--conflicts", "1").json["decisions"]) == 1
    put_on_bus(stack, {**reported, "total": "2.00"})
    assert eventually(lambda: reported["order_id"] in shown(), True)
    assert effects(stack, reported)["shopback"] == 1


def test_a_cancelled_order_is_not_sent_again(stack, postback):
    unclear = held(stack, processed=False)
    stack.api("POST", "/orders/cashmycell", {**unclear, "status": "cancelled"})

    said = settle(postback, unclear, "--send-again", "--attempt", "1", "--order", "-", given=json.dumps(unclear))

    assert (said.status, said.code) == (4, "not_open")
    assert effects(stack, unclear) == {}


def test_a_decision_about_what_has_moved_on_is_refused(stack, postback):
    unclear = held(stack)

    late = settle(postback, unclear, "--delivered", "--attempt", "2")
    first = settle(postback, unclear, "--delivered", "--attempt", "1")
    second = settle(postback, unclear, "--send-again", "--attempt", "1", "--order", "-", given=json.dumps(unclear))

    assert (late.status, late.code) == (4, "moved_on")
    assert first.status == 0
    assert (second.status, second.code) == (4, "not_open")
    assert effects(stack, unclear) == {"cashmycell": 1}


REFUSED = {
    "without the attempt, with nobody to ask": (["--delivered"], 2, "not_asked"),
    "without the order": (["--send-again", "--attempt", "1"], 2, "order_needed"),
    "with a reason that names the customer": (["--delivered", "--attempt", "1"], 2, "bad_reason"),
    "with another order": (["--send-again", "--attempt", "1", "--order", "-"], 2, "other_order"),
}


@pytest.mark.parametrize(("arguments", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_decision_is_refused(stack, postback, arguments, status, code):
    unclear = held(stack)
    reason = "a+b@example.com has it" if code == "bad_reason" else "seen in the portal"

    said = settle(postback, unclear, *arguments, reason=reason, given=json.dumps(order("another")))

    assert (said.status, said.code) == (status, code)
    assert read_back(stack, unclear["order_id"])["cashmycell"]["state"] == "unconfirmed"


def test_a_delivery_is_sent_again_with_the_order_from_the_archive(stack, postback):
    unclear = order(new_id(), customer={}, clicks={"cashmycell": {"cmc_id": f"cmc{new_id()}".replace("-", "")}})
    until_it_takes_orders(stack, "cashmycell")
    lose(stack, unclear, "cashmycell", processed=False)
    put_on_bus(stack, unclear)
    state = lambda: read_back(stack, unclear["order_id"]).get("cashmycell", {}).get("state")  # noqa: E731
    assert eventually(state, "unconfirmed") == "unconfirmed"

    said = settle(postback, unclear, "--send-again", "--attempt", "1", "--from-archive")

    assert said.status == 0, said
    assert eventually(state, "accepted") == "accepted"
    assert effects(stack, unclear) == {"cashmycell": 1}


def test_a_person_on_a_terminal_is_shown_the_delivery_and_asked(stack, tool_program):
    unclear = held(stack)
    command = [tool_program, "orders", "settle", unclear["order_id"], "cashmycell", "--delivered", "--reason", "seen"]
    environment = {
        **local_environment(),
        **ROOT_KEY,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
    }

    def answer(word: bytes) -> subprocess.CompletedProcess:
        ours, theirs = pty.openpty()
        os.write(ours, word + b"\n")
        try:
            return subprocess.run(
                command, env=environment, stdin=theirs, capture_output=True, text=True, timeout=120, check=False
            )
        finally:
            os.close(ours)
            os.close(theirs)

    no = answer(b"n")
    assert (no.returncode, read_back(stack, unclear["order_id"])["cashmycell"]["state"]) == (4, "unconfirmed")
    assert "attempt 1" in no.stderr and "Record that the network has it?" in no.stderr
    assert answer(b"y").returncode == 0
    assert read_back(stack, unclear["order_id"])["cashmycell"]["proof"] == "operator"


# ── Replaying ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_replaying_a_day_of_delivered_orders_sends_nothing_and_changes_nothing(stack, postback, tmp_path):
    for name in NAMES:
        until_it_takes_orders(stack, name)
    day = [order(new_id()) for _ in range(12)]
    for each in day:
        put_on_bus(stack, each)
    for each in day:
        assert eventually(lambda each=each: reported_networks(stack, each["order_id"]), set(NAMES), 60) == set(NAMES)
    assert drained(stack)
    begin = (datetime.now(timezone.utc) - timedelta(hours=24)).isoformat()
    new = order(new_id(), customer={})
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in [*day, new]))

    foretold = postback("replay", "--from", begin, "--dry-run", "--orders", str(file), "--json")

    assert foretold.status == 0, foretold
    counts = foretold.json["ledger"]["networks"]
    assert all(counts[name]["settled"] >= len(day) for name in NAMES)
    fates = {(fate["order_id"], fate["network"]): fate["would"] for fate in foretold.json["orders"]}
    assert all(fates[each["order_id"], name] == "stay as it is" for each in day for name in NAMES)
    assert {network for (order_id, network) in fates if order_id == new["order_id"]} == set(NAMES) - {"cartstack"}
    assert fates[new["order_id"], "shopback"] == "be sent"

    settled = {key: item for key, item in items(stack).items() if key[0] in {each["order_id"] for each in day}}
    requests, waiting = requests_of(stack, day), postback("replay", "--from", begin, "--why", "a test", "--json")
    assert (waiting.status, waiting.code) == (2, "not_asked")
    started = postback("replay", "--from", begin, "--yes", "--why", "a test", "--json")

    assert started.status == 0, started
    name = started.json["replay"]
    describe = lambda: postback("replays", name, "--json").json["state"]  # noqa: E731
    assert eventually(describe, "completed", 60) == "completed"
    replay = postback("replays", name, "--json").json
    assert (replay["why"], replay["by"].startswith("arn:")) == ("a test", True), replay
    assert name in postback("replays").out and postback("replays", "none-such", "--json").code == "unknown_replay"
    assert drained(stack)
    # Not one byte to a network; not one write that stands: each order cost the one refused write that
    # tests/faults counts.
    assert requests_of(stack, day) == requests
    now = items(stack)
    assert {key: now[key] for key in settled} == settled


def requests_of(stack, orders: list[dict]) -> int:
    """How many requests the networks have received for these orders."""
    known = {(name, value) for each in orders for name, value in known_as(each).items()}
    received = stack.sandbox("GET", "/_received").json
    return sum((request["network"], request["order"]) in known for request in received)


def test_a_replay_needs_an_archive_and_a_span(postback):
    assert postback("replay", "--from", "1h", "--archive", "none-such", "--dry-run", "--json").code == "no_archive"
    assert postback("replay", "--from", "1h", "--to", "2h", "--dry-run", "--json").code == "empty_span"
    assert postback("replay", "--from", "1h", "--network", "nobody", "--dry-run", "--json").code == "unknown_network"


# ── Redriving ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("network", PLAYED, ids=NAMES)
def test_dead_letters_are_shown_and_redriven(stack, postback, network):
    empty_dead_letters(stack)
    until_it_takes_orders(stack, network.name)
    dead = [order(new_id()) for _ in range(3)]
    url = stack.outputs[f"{network.prefix}DeadLetterQueueUrl"]
    bodies = [json.dumps({"detail-type": "order.completed", "detail": each}) for each in dead]
    for body in [*bodies, "not json"]:
        stack.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    looked = postback("redrive", "--network", network.name, "--dry-run", "--json")
    moved = postback("redrive", "--network", network.name, "--json")

    assert looked.status == 0, looked
    assert [letter["done"] for letter in looked.json["letters"]] == ["left"] * 4
    ids = {letter["order_id"] for letter in looked.json["letters"]}
    assert ids == {None, *(each["order_id"] for each in dead)}
    assert (moved.status, moved.code) == (5, "left")
    done = {letter["order_id"]: letter["done"] for letter in moved.json["letters"]}
    assert done == {None: "left", **{each["order_id"]: "redriven" for each in dead}}
    assert not any(word in looked.out + moved.out for word in ["example.com", "98765", "not json"])
    for each in dead:
        assert eventually(lambda each=each: effects(stack, each), {network.name: 1}) == {network.name: 1}
    [unreadable] = [letter["message_id"] for letter in looked.json["letters"] if letter["order_id"] is None]
    discard = ["redrive", "--network", network.name, "--discard", unreadable, "--json"]
    assert postback(*discard).code == "not_asked"
    assert [letter["done"] for letter in postback(*discard, "--yes").json["letters"]] == ["discarded"]
    assert postback("redrive", "--network", network.name, "--json").json["letters"] == []


# ── Rights ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def rights(*groups: str) -> list[str]:
    """The actions that docs/security.md says an operator needs, by what they are for."""
    text = (ROOT / "docs/security.md").read_text()
    section = text.split("## Rights of an operator\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("|")][2:]
    found = {name.split(":")[0].strip(): re.findall(r"`(\w+:\w+)`", actions) for name, actions in rows}
    return [action for group in groups for action in found[group]]


@contextlib.contextmanager
def operator(stack, actions: list[str]):
    """The keys of somebody who may do these things and no more."""
    iam, name = stack.client("iam"), new_id()
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="operator", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="operator")
    iam.delete_user(UserName=name)


def errands(stack) -> dict[str, tuple[list[str], str]]:
    """For each group of rights, what they are for, as a command and what it is given."""
    seen, again, file = held(stack), held(stack, processed=False), json.dumps(order("R-1"))
    settle_it = ["settle", "--reason", "seen in the portal", "--attempt", "1"]
    return {
        "looking": (["list", "--limit", "1"], ""),
        "watching": (["status"], ""),
        "reading logs": (["logs", "api"], ""),
        "pausing": (["pause", "cartstack", "--why", "a test"], ""),
        "settling": ([*settle_it, seen["order_id"], "cashmycell", "--delivered"], ""),
        "sending again": ([*settle_it, again["order_id"], "cashmycell", "--send-again", "--order", "-"], json.dumps(again)),
        "replaying": (["replay", "--from", "1m", "--yes", "--why", "a test"], ""),
        "following a replay": (["replays"], ""),
        "setting secrets": (["secret", "cashmycell"], "{}"),
        "predicting": (["replay", "--from", "1m", "--dry-run", "--orders", "/dev/stdin"], file),
        "redriving": (["redrive", "--network", "shopback"], ""),
    }


NEEDED = {
    "looking": ["looking"],
    "watching": ["looking", "watching"],
    "reading logs": ["looking", "reading logs"],
    "pausing": ["looking", "pausing"],
    "settling": ["looking", "settling"],
    "sending again": ["looking", "settling", "sending again"],
    "replaying": ["looking", "replaying"],
    "following a replay": ["looking", "following a replay"],
    "setting secrets": ["looking", "setting secrets"],
    "predicting": ["looking", "replaying", "predicting"],
    "redriving": ["looking", "redriving"],
}


@pytest.mark.parametrize("errand", NEEDED)
def test_an_operator_needs_the_rights_that_are_written_down_and_no_others(stack, postback, errand):
    arguments, given = errands(stack)[errand]
    needed = rights(*NEEDED[errand])
    if errand == "watching":
        # The local AWS asks for this one where AWS asks for lambda:GetEventSourceMapping.
        needed.append("lambda:ListEventSourceMappings")
    dead = stack.outputs["ShopbackDeadLetterQueueUrl"]
    if errand == "redriving":
        empty_dead_letters(stack)
        body = json.dumps({"detail-type": "order.completed", "detail": order(new_id())})
        stack.client("sqs").send_message(QueueUrl=dead, MessageBody=body)

    with operator(stack, rights("looking")) as keys:
        refused = postback(*arguments, "--json", given=given, keys=keys)
    with operator(stack, needed) as keys:
        allowed = postback(*arguments, "--json", given=given, keys=keys)

    # 6: something needs a person, which is what watching is for.
    assert allowed.status in ((0, 6) if errand == "watching" else (0,)), allowed
    if errand == "pausing":
        assert postback("resume", "cartstack").status == 0
    if errand != "looking":
        assert refused.status in (1, 5), refused
