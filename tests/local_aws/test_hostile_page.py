"""The page docs/security.md: its threats, what each sender may try, and the policy for those who send on the bus."""

import re
from fnmatch import fnmatchcase

from build import ROOT
from test_hostile import ATTEMPTS, documented_right
from transformed import resources


def test_the_page_lists_these_attempts_and_alarms_that_exist(template):
    page = (ROOT / "docs/security.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.M)

    assert [name for name, _ in rows] == [attempt.__name__ for attempt in ATTEMPTS] and len(rows) == 20
    alarms = resources(template, "AWS::CloudWatch::Alarm")
    for name, fires in rows:
        for alarm in re.findall(r"`(?:<Network>)?(\w+)`", fires):
            assert any(each.removesuffix("Alarm").endswith(alarm) for each in alarms), f"{name}: {alarm}"


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


def test_an_alarm_is_named_only_where_its_threshold_is_reached(template):
    alarms = resources(template, "AWS::CloudWatch::Alarm")
    page = (ROOT / "docs/security.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.M))

    # One refusal each, 25 of them, and one message or conflict.
    assert (alarms["WebhookRefusalAlarm"]["Threshold"], alarms["WebhookRefusalAlarm"]["ComparisonOperator"]) == (20, "GreaterThanThreshold")
    assert [name for name, fires in rows.items() if "WebhookRefusal" in fires] == ["a_forged_webhook"]
    assert {alarms[name]["Threshold"] for name in ("FaultyOrderAlarm", "ShopbackDeadLetterAlarm", "ShopbackConflictAlarm")} == {0}
    assert {name for name, fires in rows.items() if fires == "none: one refusal"} == {"no_signature", "a_recorded_webhook"}


def test_every_test_that_the_page_names_exists():
    page = (ROOT / "docs/security.md").read_text()
    table = page[page.index("## Threats considered") : page.index("### What a hostile")]
    rows = [line.split("|")[3] for line in table.splitlines() if line.startswith("| ")][1:]
    sources = [path for kind in ("rs", "py") for path in ROOT.glob(f"[!.]*/**/*.{kind}") if path.parts[len(ROOT.parts)] != "target"]
    code = "\n".join(path.read_text() for path in sources)

    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) > 20 and [row for row in rows if not re.search(r"`\w+`", row)] == []
    assert [name for name in names if not re.search(rf"\b(fn|def) {name}\(", code)] == []
