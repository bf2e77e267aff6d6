"""The drills of `make drill`, each from its trouble to its end, by the tool and by the console; `ELSEWHERE` is left to the command."""

import json
import re

import pytest
from build import ROOT
from desk import DESKS
from drill import section
from drills import DRILLS
from stack import WEBHOOK_KEY
from test_end_to_end import eventually, until_it_takes_orders
from tool import Tool

# The outage waits a quarter of an hour for the pause that follows it, and DynamoDB is every other test's, too.
ELSEWHERE = {"network-down", "dynamodb-down"}


@pytest.fixture
def restored(stack):
    """Leaves the network and the secrets as they were."""
    yield
    secrets = stack.client("secretsmanager")
    shopback = json.loads((ROOT / "tests/sandbox/secrets/shopback.json").read_text())
    stack.sandbox("POST", "/_accounts", {"shopback": {"security_token": shopback["security_token"]}})
    for prefix, value in {"Shopback": shopback, "Webhook": {"keys": [WEBHOOK_KEY]}}.items():
        secrets.put_secret_value(SecretId=stack.outputs[f"{prefix}SecretArn"], SecretString=json.dumps(value))
    until_it_takes_orders(stack, "shopback")


@pytest.mark.parametrize("way", DESKS)
@pytest.mark.parametrize("name", sorted(set(DRILLS) - ELSEWHERE))
def test_the_runbook_leads_out_of(stack, tool_program, restored, name, way):
    said: list[str] = []
    drill = DRILLS[name](stack)
    drill.seed()
    desk = DESKS[way](Tool(tool_program, stack), said.append)

    try:
        for _, _, do in drill.steps():
            do(desk)
    finally:
        desk.close()

    assert eventually(drill.faults, [], 300) == [], "\n".join(said)
    assert desk.counted() == drill.counted[way], "\n".join(said)


def test_the_runbook_says_what_each_drill_takes():
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/runbook.md").read_text(), re.M)
    assert [row for row in rows if row[0] in DRILLS] == [(name, *drill.counted.values()) for name, drill in DRILLS.items()]


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_names_a_section_of_the_runbook_and_its_commands(name):
    assert section(DRILLS[name].section).startswith("## ")


def test_the_makefile_names_the_drills_that_there_are():
    makefile = (ROOT / "Makefile").read_text()
    [taken], [shown] = (re.findall(form, makefile, re.M) for form in (r"^DRILLS := (.*)$", r"^drill: ## .*NAME=([^ ;]+)"))
    assert taken.split() == shown.split("|") == list(DRILLS)
