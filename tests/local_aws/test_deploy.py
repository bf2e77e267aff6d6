"""`make deploy` as a person meets it: the questions of the first time, answered at a terminal, and none the second time.

The recipe is run as it stands, but for the building: the packages are those that the other tests have. It ends at the archive's
stack, whose one resource the local AWS does not know (LEFT_OUT).
"""

import os
import pty
import re
import select
import shutil
import subprocess
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import ROOT, architecture
from stack import LEFT_OUT, NETWORKS, REGION, ROOT_KEY, local_environment

STACK = "postback-guided"
ON = next(network for network in NETWORKS if network.name == "shopback")
PATIENCE_SECONDS = 120
# A question ends with what is taken when nothing is typed, or with the choice.
QUESTION = re.compile(r"^\s*(.+?) (?:\[([^\]\n]*)\])?: ?$")


@dataclass(frozen=True)
class Run:
    """What came of it."""

    status: int
    asked: list[str]
    shown: str


def at_a_terminal(command: list[str], folder: Path, environment: dict, answers: dict[str, str]) -> Run:
    """Runs a command at a terminal and types an answer to each question, Enter to those that `answers` has none for."""
    near, far = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=far, stdout=far, stderr=far, start_new_session=True
    )  # fmt: skip
    os.close(far)
    asked, shown, line = [], "", ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            readable, _, _ = select.select([near], [], [], 1)
            if not readable:
                if process.poll() is not None:
                    break
                continue
            try:
                said = os.read(near, 65536).decode(errors="replace")
            except OSError:  # Linux says so when nobody holds the other end any more.
                break
            shown += said
            line = (line + said).splitlines()[-1] if not (line + said).endswith("\n") else ""
            question = QUESTION.match(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line))
            if question:
                asked.append(question[1])
                os.write(near, (answers.get(question[1], "") + "\n").encode())
                line = ""
        return Run(process.wait(timeout=10), asked, shown)
    finally:
        process.kill()
        os.close(near)


@pytest.fixture(scope="module")
def bundle(stack, tmp_path_factory):
    """A copy of what `make deploy` reads, so that it writes its samconfig.toml there, and a cargo that only says what it was told."""
    folder = tmp_path_factory.mktemp("bundle")
    for name in ("Makefile", "template.yaml", "archive.yaml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    for name in (".local", "functions"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "target").mkdir()
    (folder / "target" / "lambda").symlink_to(ROOT / "target" / "lambda")
    (folder / "programs").mkdir()
    (folder / "programs" / "cargo").write_text(f'#!/bin/sh\necho "$@" >> {folder}/built\n')
    (folder / "programs" / "cargo").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def key(stack):
    return stack.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def make_deploy(stack, bundle):
    environment = {
        **local_environment(), **ROOT_KEY, "TERM": "xterm", "COLUMNS": "200",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
        "PATH": f"{bundle / 'programs'}:{os.environ['PATH']}",
    }  # fmt: skip

    def run(answers: dict[str, str], *words: str) -> Run:
        # The tools are there: PYTHON=true keeps this from installing them.
        return at_a_terminal(["make", "deploy", "PYTHON=true", *words], bundle, environment, answers)

    return run


@pytest.fixture(scope="module")
def first(make_deploy, key):
    off = {f"Parameter {network.prefix}Enabled": "false" for network in NETWORKS if network != ON}
    answers = {"Stack Name": STACK, "Confirm changes before deploy": "y", "Deploy this changeset?": "y", "Parameter KmsKeyArn": key}
    return make_deploy(answers | off, f"ARCHITECTURE={architecture()}")


@pytest.fixture(scope="module")
def kept(first, bundle) -> dict:
    """What the first run wrote down for the next ones."""
    return tomllib.loads((bundle / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]


def deployed(stack, name: str) -> dict:
    [found] = stack.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return found


def ended_at_the_archive(run: Run) -> bool:
    """Whether all went well but for what the local AWS does not know."""
    [kind] = LEFT_OUT
    return run.status != 0 and f"Unrecognized resource types: [{kind}]" in run.shown


def test_the_first_time_it_asks_for_every_parameter_and_deploys(stack, first):
    found = deployed(stack, STACK)

    asked = {question.removeprefix("Parameter ") for question in first.asked if question.startswith("Parameter ")}
    assert asked == {parameter["ParameterKey"] for parameter in found["Parameters"]}
    assert found["StackStatus"] == "CREATE_COMPLETE", first.shown
    outputs = {output["OutputKey"] for output in found["Outputs"]}
    assert {network for network in NETWORKS if f"{network.prefix}QueueUrl" in outputs} == {ON}


def test_what_was_answered_is_kept_and_what_make_reads_of_it_is_there(stack, first, kept, key):
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in deployed(stack, STACK)["Parameters"]}

    assert kept["stack_name"] == STACK
    assert (given["KmsKeyArn"], given["Architecture"]) == (key, architecture())
    assert {network for network in NETWORKS if given[f"{network.prefix}Enabled"] == "true"} == {ON}
    # The archive's stack is named after this one and gets its key.
    assert re.search(rf"Stack name\s+: {STACK}-archive\s", first.shown)
    assert re.search(rf'Parameter overrides\s+: {{"BusName": "{STACK}", "KmsKeyArn": "{key}"}}', first.shown)
    assert ended_at_the_archive(first), first.shown


def test_the_second_time_it_asks_nothing_and_finds_nothing_to_change(stack, bundle, first, kept, make_deploy):
    (bundle / "built").unlink()
    before = deployed(stack, STACK)

    second = make_deploy({})

    assert second.asked == [] and "No changes to deploy" in second.shown, second.shown
    assert deployed(stack, STACK) == before
    # For what the first run was told, without being told again.
    assert f"--{architecture().replace('_', '-')}" in (bundle / "built").read_text().split()
    assert ended_at_the_archive(second), second.shown


def test_a_gradual_deployment_is_all_there_but_for_what_the_local_aws_does_not_know(stack, first, kept, make_deploy):
    """test_options.py deploys its aliases without it."""
    before = deployed(stack, STACK)

    gradual = make_deploy({}, "CANARY=Canary10Percent5Minutes")

    refused = re.search(r"Unrecognized resource types: \[(.*?)\]", gradual.shown.replace("\r\n", ""))
    assert refused, gradual.shown
    assert {kind.strip() for kind in refused[1].split(",")} == {"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
    assert gradual.status != 0 and deployed(stack, STACK) == before
