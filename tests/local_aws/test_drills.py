"""The drills of `make drill`, each from its trouble to its end, by the tool and by the console."""

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

# The network and DynamoDB are every other test's, too.
NETWORK, DYNAMODB = "network-down", "dynamodb-down"
# The order that failed last leaves the probes to others for a quarter of an hour.
OUTAGE_SECONDS = 1200


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


@pytest.fixture(scope="module")
def outage(apart, tool_program):
    """An outage of the network, met by both ways at once. It is over before the other drills begin; what it has left ends meanwhile."""
    tool, said = Tool(tool_program, apart[0]), {way: [] for way in DESKS}
    drills = {way: DRILLS[NETWORK](apart[0]) for way in DESKS}
    for drill in drills.values():
        drill.seed()
    desks = {way: desk(tool, said[way].append) for way, desk in DESKS.items()}
    try:
        for steps in zip(*(drill.steps() for drill in drills.values()), strict=True):
            for desk, (_, _, do) in zip(desks.values(), steps, strict=True):
                do(desk)
    finally:
        for desk in desks.values():
            desk.close()
    return {way: (drills[way], desks[way], said[way]) for way in DESKS}


def shopbacks_needs(desk: Desk) -> Counter:
    """What needs a person at ShopBack, by the number of deliveries."""
    needs = json.loads(desk.tool.run("status", "--json").stdout)["needs"]
    own = [need for need in needs if need["subject"] == "shopback"]
    return Counter({(need["code"], need.get("reason")): need.get("deliveries", {}).get("count", 1) for need in own})


def is_over(drill: Drill, desk: Desk, said: list[str], before: Counter, patience: float = 300) -> None:
    """Waits for a drill's end: every order is reported once, ShopBack needs nobody for it, and it took what the runbook says."""
    left = lambda: [*drill.faults(), *(shopbacks_needs(desk) - before)]  # noqa: E731
    assert eventually(left, [], patience) == [], "\n".join(said)
    assert desk.counted() == drill.counted[desk.way], "\n".join(said)


def play(drill: Drill, way: str, tool: Tool) -> None:
    """Plays a drill to its end."""
    said: list[str] = []
    before = shopbacks_needs(Desk(tool))
    drill.seed()
    desk = DESKS[way](tool, said.append)
    try:
        for _, _, do in drill.steps():
            do(desk)
    finally:
        desk.close()
    is_over(drill, desk, said, before)


def test_an_outage_of_the_network_takes_what_the_runbook_says(outage):
    assert {way: desk.counted() for way, (_, desk, _) in outage.items()} == DRILLS[NETWORK].counted


@pytest.mark.parametrize("way", DESKS)
@pytest.mark.parametrize("name", sorted(set(DRILLS) - {NETWORK, DYNAMODB}))
def test_the_runbook_leads_out_of(stack, tool_program, restored, name, way):
    play(DRILLS[name](stack), way, Tool(tool_program, stack))


@pytest.mark.parametrize("way", DESKS)
def test_the_runbook_leads_out_of_an_outage_of_dynamodb(apart, tool_program, way):
    stack, proxy = apart

    play(DRILLS[DYNAMODB](stack, proxy), way, Tool(tool_program, stack))


@pytest.mark.parametrize("way", DESKS)
def test_the_runbook_leads_out_of_an_outage_of_the_network(outage, way):
    drill, desk, said = outage[way]

    is_over(drill, desk, said, Counter(), OUTAGE_SECONDS)


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
