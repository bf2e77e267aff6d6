"""What the tool shows: the screen of what needs a person, lists with their totals, and failures for programs."""

import contextlib
import csv
import io
import os
import pty
import re
import subprocess
from datetime import datetime, timezone

import pytest
from examples import read_back
from stack import REGION, ROOT_KEY, local_environment
from test_end_to_end import eventually, new_id, order, put_on_bus
from test_tool import held, postback  # noqa: F401


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def test_status_names_what_waits_for_a_person_with_its_money(stack, postback):  # noqa: F811
    unclear = held(stack)

    shown, said, screen = postback("status", "--all"), postback("status", "--json"), postback("status")

    assert (shown.status, said.status) == (6, 6)
    assert len(screen.out.splitlines()) <= 24
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    needs = {(need["code"], need["subject"]) for need in said.json["needs"]}
    assert ("held", "cashmycell") in needs and said.json["complete"] is True
    waiting = said.json["networks"]["cashmycell"]["held"]
    assert waiting["count"] >= 1 and float(waiting["amounts"][unclear["currency"]]) >= float(unclear["total"])
    assert "postback orders list --held --network cashmycell" in " ".join(shown.out.replace("\\\n", "").split())


def test_a_list_counts_all_that_match_and_shows_the_first(stack, postback):  # noqa: F811
    since = now()
    unclear = {held(stack)["order_id"] for _ in range(3)}
    wanted = ["list", "--held", "--network", "cashmycell", "--since", since]

    some, table = postback(*wanted, "--json", "--limit", "1"), postback(*wanted, "--limit", "1")
    cut = postback(*wanted, "--format", "csv", "--limit", "1").out.splitlines()
    rows = list(csv.DictReader(io.StringIO(postback(*wanted, "--format", "csv").out)))
    sums = {row["currency"]: row["amount"] for row in rows}

    assert len(some.json["deliveries"]) == 1 and some.json["totals"]["count"] == 3
    assert some.json["shown_all"] is False and cut[-1] == "CUT: 1 of 3 rows"
    assert "1 of 3 are shown" in table.err and all(len(line) <= 80 for line in table.out.splitlines())
    assert {row["order_id"] for row in rows} == unclear and {row["held"] for row in rows} == {"true"}
    for currency, total in some.json["totals"]["amounts"].items():
        assert float(total) == 3 * float(sums[currency])
    # Sorted, and none of before.
    ages = [row["age_seconds"] for row in csv.DictReader(io.StringIO(postback(*wanted, "--format", "csv", "--sort", "age").out))]
    assert ages == sorted(ages, key=int, reverse=True)
    before = postback("list", "--until", since, "--held", "--json").json["deliveries"]
    assert unclear.isdisjoint(each["order_id"] for each in before)


def test_nothing_found_says_how_much_was_read(stack, postback):  # noqa: F811
    whole = postback("list", "--reason", "none_such")
    assert whole.status == 0 and "The whole ledger was read" in whole.out

    # A page is 1 MB, which the ledger of a test may be less or more than.
    part = postback("list", "--reason", "none_such", "--read-units", "1")
    assert (part.status, "The whole ledger was read" in part.out, "PART OF THE LEDGER ONLY" in part.out) in [(0, True, False), (5, False, True)]


def on_a_terminal(stack, program, *arguments: str, **variables: str) -> str:
    """What the tool shows on a terminal."""
    ours, theirs = pty.openpty()
    aws = {**ROOT_KEY, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}"}
    environment = {**local_environment(), **aws, "TERM": "xterm", "NO_COLOR": "", "COLUMNS": "80"}
    tool = subprocess.Popen(
        [program, *arguments], env=environment | variables, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    # The end of a terminal is an error.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    assert tool.wait(60) == 0, shown
    return shown.decode()


COLOUR = re.compile("\x1b\\[[0-9]+m")


@pytest.mark.parametrize(("variables", "has_colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=["xterm", "NO_COLOR", "dumb"])
def test_states_have_colours_where_the_terminal_has_them(stack, tool_program, variables, has_colours):
    held(stack)

    shown = on_a_terminal(stack, tool_program, "orders", "list", "--held", "--network", "cashmycell", **variables)

    assert "unconfirmed" in shown and bool(COLOUR.search(shown)) is has_colours, shown
    # Each line after what was shown in place before it. What shows nothing in place is no person's screen.
    lines = [COLOUR.sub("", line.split("\x1b[K")[-1]) for line in shown.split("\r\n")]
    assert variables.get("TERM") == "dumb" or all(len(line) <= 80 for line in lines), shown


def test_people_get_times_in_their_zone_and_programs_in_utc(stack, postback):  # noqa: F811
    shown = held(stack)["order_id"]

    for_people = postback("show", shown, "--time-zone", "+02:00").out
    for_programs = postback("show", shown, "--time-zone", "+02:00", "--json").json

    assert re.search(r"first seen +\S+\+02:00", for_people) and not re.search(r"\d\dZ", for_people), for_people
    assert for_programs["deliveries"][0]["first_seen_at"].endswith("Z")
    assert postback("show", shown, "--time-zone", "Europe/Nowhere", "--json").code == "usage"


def test_conflicts_are_listed(stack, postback):  # noqa: F811
    since, first = now(), order(new_id())
    stack.api("POST", "/orders/cartstack", first)
    assert read_back(stack, first["order_id"])["cartstack"]["state"] == "delivered"

    put_on_bus(stack, {**first, "total": "1.00"})

    def found() -> list:
        return [each["order_id"] for each in postback("list", "--conflicts", "--since", since, "--json").json["deliveries"]]

    assert eventually(lambda: first["order_id"] in found(), True)


FAULTS = {
    ("list", "--state", "lost"): "usage",
    ("settle", "A-1", "cartstack", "--reason", "r"): "usage",
    ("list", "--since", "soon"): "bad_instant",
    ("list", "--region", "frankfurt"): "bad_region",
    ("list", "--profile", "nobodys"): "no_profile",
    ("list", "--network", "nobody"): "unknown_network",
}


def test_failures_are_for_programs_too_the_command_lines_among_them(postback):  # noqa: F811
    for arguments, code in FAULTS.items():
        said = postback(*arguments, "--json")
        assert said.code == code and said.status in (2, 3), said
    assert postback("list", "--format", "json", "--state", "lost").code == "usage"
