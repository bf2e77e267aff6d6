"""The drills of `make drill`, each from its trouble to its end; those that take minutes are left to the command."""

import json
import re

import pytest
from build import ROOT
from desk import Desk
from drill import section
from drills import DRILLS
from stack import WEBHOOK_KEY
from test_end_to_end import eventually, until_it_takes_orders
from tool import Tool

# The outage waits for the pause that follows it, and DynamoDB is every other test's, too.
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


@pytest.mark.parametrize("name", sorted(set(DRILLS) - ELSEWHERE))
def test_the_runbook_leads_out_of(stack, tool_program, restored, name):
    said: list[str] = []
    desk = Desk(Tool(tool_program, stack), said.append)
    drill = DRILLS[name](stack)
    drill.seed()

    for _, _, do in drill.steps():
        do(desk)

    assert eventually(drill.faults, [], 300) == [], "\n".join(said)
    assert desk.commands == len(said) > 1


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_names_a_section_of_the_runbook_and_its_commands(name):
    assert section(DRILLS[name].section).startswith("## ")


def test_the_makefile_names_the_drills_that_there_are():
    makefile = (ROOT / "Makefile").read_text()
    [taken], [shown] = (re.findall(form, makefile, re.M) for form in (r"^DRILLS := (.*)$", r"^drill: ## .*NAME=([^ ;]+)"))
    assert taken.split() == shown.split("|") == list(DRILLS)
