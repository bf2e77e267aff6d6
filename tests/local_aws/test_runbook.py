"""The runbook's commands, run as they stand there against the deployed bundle: only `A-1001` is an order of the test's.

They need `postback` and the shell, and nothing else.
"""

import os
import re
import shlex
import subprocess

import pytest
from build import FUNCTIONS, ROOT
from examples import read_back
from stack import NETWORKS, REGION, ROOT_KEY, local_environment
from test_end_to_end import empty_dead_letters, eventually, known_as, new_id, order, put_on_bus, until_it_takes_orders

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.M | re.S)
MISMATCH = "success=false; err_msg=Request offer #1234 does not match session offer #99;"
# What makes a delivery one that a person may settle.
TROUBLE = {
    "cartstack": ("unconfirmed", {"close": "after_reading", "processed": False}),
    "shopback": ("parked", {"answer": {"status": 200, "headers": {}, "body": MISMATCH}}),
}


@pytest.fixture(scope="module")
def shell(stack, tool_program, tmp_path_factory):
    """Runs lines in bash with the tool before the system's programs."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "postback").symlink_to(tool_program)
    environment = {
        **local_environment(),
        **ROOT_KEY,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
        "PATH": f"{programs}:{os.environ['PATH']}",
    }

    def run(lines: str) -> subprocess.CompletedProcess:
        command = ["bash", "-euo", "pipefail", "-c", lines]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return run


def troubled(stack, network: str) -> str:
    """An order whose delivery to a network is one for a person; it came over the bus."""
    wanted, fault = TROUBLE[network]
    until_it_takes_orders(stack, network)
    an_order = order(new_id())
    rule = {"network": network, "order": known_as(an_order)[network], "fault": fault}
    assert stack.sandbox("POST", "/_script", rule).status == 200
    put_on_bus(stack, an_order)

    def state():
        return read_back(stack, an_order["order_id"]).get(network, {}).get("state")

    assert eventually(state, wanted) == wanted
    return an_order["order_id"]


def contradicted(stack, network: str) -> str:
    """An order that came again with other content."""
    reported = order(new_id())
    assert stack.api("POST", f"/orders/{network}", reported).json["state"] == "delivered"
    put_on_bus(stack, {**reported, "total": "1.00"})

    def conflicts() -> int:
        return len(read_back(stack, reported["order_id"])[network].get("conflicts", []))

    assert eventually(conflicts, 1) == 1
    return reported["order_id"]


def with_orders(stack, line: str) -> str:
    """A line of the runbook with an order of ours; outside a terminal the tool wants to know what was seen."""
    settled = re.match(r"postback orders settle A-1001 (\w+) ", line)
    if settled and "--acknowledge" in line:
        return line.replace("A-1001", contradicted(stack, settled.group(1))) + " --attempt 1 --conflicts 1"
    if settled:
        ours = line.replace("A-1001", troubled(stack, settled.group(1))) + " --attempt 1"
        # A decision that can be taken back.
        return f"{ours.replace('--reopen', '--abandon')}\n{ours}" if "--reopen" in line else ours
    return line.replace("A-1001", troubled(stack, "cartstack")) if "A-1001" in line else line


def test_every_block_of_the_runbook_is_one_that_is_run():
    assert len(BLOCKS) > 10 and 2 * len(BLOCKS) == len(re.findall(r"^\s*```", RUNBOOK, re.M))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: shlex.split(block.splitlines()[0])[1])
def test_the_runbooks_commands_run(stack, shell, block):
    lines = "\n".join(with_orders(stack, line) for line in block.splitlines())
    if "redrive" in block:
        empty_dead_letters(stack)

    done = shell(lines)

    assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"


def test_the_runbooks_pause_holds_orders_and_its_resume_lets_them_go(stack, shell):
    [block] = [block for block in BLOCKS if block.startswith("postback pause cartstack")]
    pause, resume, *_ = block.splitlines()

    def answered() -> tuple[str, str | None]:
        body = stack.api("POST", "/orders/cartstack", order(new_id())).json
        return body["state"], body.get("reason")

    assert shell(pause).returncode == 0
    assert eventually(answered, ("parked", "paused")) == ("parked", "paused")
    assert shell(resume).returncode == 0
    assert eventually(answered, ("delivered", None)) == ("delivered", None)


def test_the_runbook_needs_no_other_program():
    programs = {shlex.split(line, comments=True)[0] for block in BLOCKS for line in block.splitlines() if line.strip()}
    assert programs == {"postback"}
    # Between the words, too; what is deployed, generated or tried out is not done at night.
    between = re.findall(r"`((?:aws|sam|make|curl|jq|python3?|cargo) [^`]*)`", RUNBOOK)
    by_day = ("make deploy", "make drill", "make generate", "sam deploy")
    assert [command for command in between if not command.startswith(by_day)] == []


def test_the_runbooks_log_queries_name_logs_and_members_that_there_are():
    queries = [shlex.split(line)[2:] for block in BLOCKS for line in block.splitlines() if line.startswith("postback logs ")]
    code = "\n".join(path.read_text() for folder in ("shared", "functions") for path in (ROOT / folder).rglob("*.rs"))
    access_log = ROOT.joinpath("template.yaml").read_text()

    assert len(queries) > 20
    for log, *options in queries:
        assert log in {*FUNCTIONS, "api"}, log
        given = [(option, value) for option, value in zip(options, options[1:]) if option in ("--code", "--where")]
        for option, value in given:
            member, word = ("code", value) if option == "--code" else re.split("!?=", value, maxsplit=1)
            known = f'"{member}":"$context' in access_log if log == "api" else re.search(rf"\b{member}\b", code)
            assert known or member == "level", f"{log}: no {member}"
            if member in ("code", "verdict", "outcome"):
                said = f'"{word[:-1]}' if word.endswith("*") else f'"{word}"'
                assert said in code, f"{log}: nothing says {word}"


def test_every_network_of_the_runbook_is_one():
    networks = set(re.findall(r"--network (\w+)", RUNBOOK))
    assert networks and networks <= {network.name for network in NETWORKS}
