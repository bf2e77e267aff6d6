"""`make run ONCE=1` and `make demo-outage` over the deployed bundle, and the README's transcript of the first."""

import re

import outage
import run
from build import ROOT
from test_drills import restored  # noqa: F401
from test_end_to_end import NAMES, until_it_takes_orders
from tool import Tool


def spoken(text: str) -> str:
    """The words of a transcript: without the clock, the order's own number, the run's folder and the breaks of lines."""
    text = re.sub(r"^ *\d+:\d\d  ", "", text, flags=re.M)
    text = re.sub(r"LOST-\w+", "LOST-1", text)
    text = re.sub(r"\.local/[^ ]+/lost-order", ".local/run/lost-order", text)
    return " ".join(text.split())


def statements() -> list[str]:
    """What the README shows of the demo: each begins with a network's title or a command."""
    [shown] = re.findall(r"```text\n(One order, .*?)```", (ROOT / "README.md").read_text(), re.S)
    return [spoken(statement) for statement in re.split(r"\n(?=(?: {2}| {8})\S)", shown)]


def test_the_demo_ends_as_expected_and_says_what_the_readme_shows(stack, tool_program, restored, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(run, "ONCE", True)
    for network in NAMES:
        until_it_takes_orders(stack, network)

    ended = run.demo(stack, Tool(tool_program, stack))

    said = spoken(capsys.readouterr().out)
    assert ended == 0, said
    shown, at = statements(), 0
    assert len(shown) > 10, shown
    for statement in shown:
        at = said.find(statement, at)
        assert at >= 0, f"{statement!r} is not in its place in {said}"


def test_orders_that_come_while_a_network_hangs_are_counted_once(stack, tool_program, monkeypatch, capsys):
    # The hang is shorter than a call may take: what it leaves in doubt takes minutes, and other tests lose answers.
    for name, seconds in {"SENDING_SECONDS": 20, "HANGS_FROM": 4, "HANGS_UNTIL": 10, "SHOWN_EVERY": 1}.items():
        monkeypatch.setattr(outage, name, seconds)
    for network in NAMES:
        until_it_takes_orders(stack, network)

    ended = outage.Outage(stack, Tool(tool_program, stack)).run()

    said = capsys.readouterr().out
    assert ended == 0, said
    assert re.findall(r"^(\d+) orders taken", said, re.M) == [str(int(outage.RATE * 20))], said
    assert "ShopBack hangs" in said and "ShopBack answers again" in said, said
