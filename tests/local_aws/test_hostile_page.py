"""The page docs/security.md: its threats, what each sender may try, and the policy for those who send on the bus."""

import re
from fnmatch import fnmatchcase

from build import ROOT
from stack import NETWORKS
from test_hostile import ALARMS, ATTEMPTS, documented_right
from transformed import resources


def as_on_the_page(alarm: str) -> str:
    """An alarm's name: that of any network's, if it is one network's."""
    prefix = next((network.prefix for network in NETWORKS if alarm.startswith(network.prefix)), None)
    return f"<Network>{alarm.removeprefix(prefix)}" if prefix else alarm


def test_the_page_lists_these_attempts_each_with_the_alarms_that_it_raises_or_why_it_raises_none(template):
    page = (ROOT / "docs/security.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.M)

    assert [name for name, _ in rows] == [attempt.__name__ for attempt in ATTEMPTS] and len(rows) >= 20
    assert {f"{alarm}Alarm" for alarms in ALARMS.values() for alarm in alarms} <= set(resources(template, "AWS::CloudWatch::Alarm"))
    for name, raises in rows:
        if name in ALARMS:
            assert set(re.findall(r"`([\w<>]+)`", raises)) == set(map(as_on_the_page, ALARMS[name])), name
        else:
            assert re.fullmatch(r"none: .+", raises), name


def test_the_documented_right_on_the_bus_is_for_orders_under_a_source_of_the_senders_own():
    right = documented_right()

    assert (right["Effect"], right["Action"], set(right)) == ("Allow", "events:PutEvents", {"Effect", "Action", "Resource", "Condition"})
    [(operator, allowed)] = right["Condition"].items()
    assert operator == "ForAllValues:StringLike" and set(allowed) == {"events:source", "events:detail-type"}
    for source in ("postback", "postback.api/ShopRole", "postback.webhook/1", "postback.bus/shop.checkout", "aws.partner/shop"):
        assert not fnmatchcase(source, allowed["events:source"]), source
    for kind in ("postback.delivered", "postback.order_delayed", "postback.poll_status"):
        assert not fnmatchcase(kind, allowed["events:detail-type"]), kind
    assert fnmatchcase("shop.checkout", allowed["events:source"]) and fnmatchcase("order.completed", allowed["events:detail-type"])


def test_every_test_that_the_page_names_exists():
    page = (ROOT / "docs/security.md").read_text()
    table = page[page.index("## Threats considered") : page.index("### What a hostile")]
    rows = [line.split("|")[3] for line in table.splitlines() if line.startswith("| ")][1:]
    sources = [path for kind in ("rs", "py") for path in ROOT.glob(f"[!.]*/**/*.{kind}") if path.parts[len(ROOT.parts)] != "target"]
    code = "\n".join(path.read_text() for path in sources)

    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) > 20 and [row for row in rows if not re.search(r"`\w+`", row)] == []
    assert [name for name in names if not re.search(rf"\b(fn|def) {name}\(", code)] == []
