"""The drills of `make drill`, each from its trouble to its end, by the tool and by the console; network-down is left to the command."""

import json
import re
from collections import Counter

import pytest
from build import ROOT
from conftest import deployed, prepared
from desk import DESKS, Desk
from drill import section
from drills import DRILLS, Drill
from proxy import AwsProxy
from stack import WEBHOOK_KEY
from test_end_to_end import eventually, until_it_takes_orders
from tool import Tool

# The outage waits a quarter of an hour for the pause that follows it.
BY_COMMAND = {"network-down"}
# DynamoDB is every other test's, too.
APART = "dynamodb-down"


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


@pytest.fixture(scope="module")
def apart(request):
    """A deployment of its own, whose functions reach AWS through a proxy."""
    stack = prepared(request, "apart")
    proxy = AwsProxy(stack.port)
    stack.functions_endpoint = proxy.url
    try:
        with deployed(stack):
            yield stack, proxy
    finally:
        proxy.stop()


def shopbacks_needs(desk: Desk) -> Counter:
    """What needs a person at ShopBack, by the number of deliveries."""
    needs = json.loads(desk.tool.run("status", "--json").stdout)["needs"]
    own = [need for need in needs if need["subject"] == "shopback"]
    return Counter({(need["code"], need.get("reason")): need.get("deliveries", {}).get("count", 1) for need in own})


def play(drill: Drill, way: str, tool: Tool) -> None:
    """Plays a drill to its end: every order is reported once, ShopBack needs nobody for it, and it took what the runbook says."""
    said: list[str] = []
    before = shopbacks_needs(Desk(tool))
    drill.seed()
    desk = DESKS[way](tool, said.append)
    try:
        for _, _, do in drill.steps():
            do(desk)
    finally:
        desk.close()

    assert eventually(lambda: [*drill.faults(), *(shopbacks_needs(desk) - before)], [], 300) == [], "\n".join(said)
    assert desk.counted() == drill.counted[way], "\n".join(said)


@pytest.mark.parametrize("way", DESKS)
@pytest.mark.parametrize("name", sorted(set(DRILLS) - BY_COMMAND - {APART}))
def test_the_runbook_leads_out_of(stack, tool_program, restored, name, way):
    play(DRILLS[name](stack), way, Tool(tool_program, stack))


@pytest.mark.parametrize("way", DESKS)
def test_the_runbook_leads_out_of_an_outage_of_dynamodb(apart, tool_program, way):
    stack, proxy = apart

    play(DRILLS[APART](stack, proxy), way, Tool(tool_program, stack))


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
