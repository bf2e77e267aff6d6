"""The runbook's commands, run as they stand there against the deployed bundle: only `A-1001` is an order of the test's.

`postback` is the tool; `aws` is aws.py, for there is no AWS CLI here.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest
from build import FUNCTIONS, ROOT
from examples import read_back
from stack import NETWORKS, REGION, ROOT_KEY, STACK_NAME, local_environment
from test_end_to_end import eventually, known_as, new_id, order, put_on_bus, until_it_takes_orders

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
    """Runs lines in bash with nothing but the tool and `aws` of our own before the system's programs."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "postback").symlink_to(tool_program)
    (programs / "aws").write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests/local_aws/aws.py"} "$@"\n')
    (programs / "aws").chmod(0o755)
    environment = {
        **local_environment(),
        **ROOT_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
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


def with_orders(stack, line: str) -> str:
    """A line of the runbook with an order of ours; outside a terminal the tool wants to know what was seen."""
    settled = re.match(r"postback orders settle A-1001 (\w+) ", line)
    if settled:
        return line.replace("A-1001", troubled(stack, settled.group(1))) + " --attempt 1"
    return line.replace("A-1001", troubled(stack, "cartstack")) if "A-1001" in line else line


def test_every_block_of_the_runbook_is_one_that_is_run():
    assert len(BLOCKS) > 10 and 2 * len(BLOCKS) == len(re.findall(r"^\s*```", RUNBOOK, re.M))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: shlex.split(block.splitlines()[0])[1])
def test_the_runbooks_commands_run(stack, shell, block):
    lines = "\n".join(with_orders(stack, line) for line in block.splitlines())

    done = shell(lines)

    assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"


def test_the_runbooks_commands_do_what_it_says(stack, shell):
    """Taking no more orders from a queue, and taking them again."""
    [block] = [block for block in BLOCKS if "--no-enabled" in block]
    *stop, start = block.splitlines()

    def state() -> str:
        function = f"{STACK_NAME}-cartstack"
        return shell(f"aws lambda list-event-source-mappings --function-name {function} "
                     "--query 'EventSourceMappings[0].State' --output text").stdout.strip()  # fmt: skip

    shell("\n".join(stop))
    assert eventually(state, "Disabled") == "Disabled"
    shell("\n".join([stop[0], start]))
    assert eventually(state, "Enabled") == "Enabled"


def test_the_runbooks_log_queries_name_logs_and_fields_that_there_are(stack):
    commands = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]
    tails = [words[3:] for words in commands if words[:3] == ["aws", "logs", "tail"]]
    logs = stack.client("logs")
    code = "\n".join(path.read_text() for folder in ("shared", "functions") for path in (ROOT / folder).rglob("*.rs"))
    access_log = ROOT.joinpath("template.yaml").read_text()

    assert len(tails) > 10
    for group, *options in tails:
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert group in {each["logGroupName"] for each in found}, group
        pattern = options[options.index("--filter-pattern") + 1] if "--filter-pattern" in options else "{}"
        for field, value in re.findall(r'\$\.(\w+) !?= "?([^" ]+)"?', pattern):
            known = f'"{field}":"$context' in access_log if "vendedlogs" in group else re.search(rf"\b{field}\b", code)
            assert known, f"{pattern}: no {field}"
            if field in ("code", "verdict", "outcome"):
                word = f'"{value[:-1]}' if value.endswith("*") else f'"{value}"'
                assert word in code, f"{pattern}: nothing says {value}"


def test_every_network_of_the_runbook_is_one(stack):
    folders = set(FUNCTIONS)
    named = set(re.findall(rf"/aws/lambda/{STACK_NAME}-([a-z_]+)", RUNBOOK))
    assert named and named <= folders
    networks = set(re.findall(r"--network (\w+)", RUNBOOK))
    assert networks and networks <= {network.name for network in NETWORKS}
