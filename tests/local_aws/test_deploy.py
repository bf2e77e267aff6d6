"""`make deploy` as an operator meets it: the questions of the first time, answered at a terminal, and none the second time.

The recipe runs as it is, but for the building: the packages are those of the other tests. It ends at the archive's
stack, because the local AWS does not know its one resource (LEFT_OUT). test_environments.py has what needs no stack.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import ROOT, architecture
from stack import LEFT_OUT, NETWORKS, REGION, ROOT_KEY, local_environment

STACK = "postback-guided"
DEFAULT_STACK = "postback"
OTHER_ARCHITECTURE = {"x86_64": "arm64", "arm64": "x86_64"}[architecture()]
ON = next(network for network in NETWORKS if network.name == "shopback")
OFF = {f"Parameter {network.prefix}Enabled": "false" for network in NETWORKS if network != ON}
PATIENCE_SECONDS = 120
# A question ends with what is taken when nothing is typed, or with the choice.
QUESTION = re.compile(r"^\s*(.+?) (?:\[([^\]\n]*)\])?: ?$")


@dataclass(frozen=True)
class Run:
    """The result of a command at a terminal."""

    status: int
    asked: list[str]
    shown: str


def at_a_terminal(
    command: list[str], folder: Path, environment: dict, answers: dict[str, str | Callable[[], str]],
    question_form: re.Pattern = QUESTION, patience: float = PATIENCE_SECONDS,
) -> Run:  # fmt: skip
    """Runs a command at a terminal and types an answer to each question, Enter to those that `answers` has none for. An
    answer may be a function: it is called when the question is asked."""
    near, far = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=far, stdout=far, stderr=far, start_new_session=True
    )  # fmt: skip
    os.close(far)
    asked, shown, line = [], "", ""
    deadline = time.monotonic() + patience
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
            question = question_form.match(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line))
            if question:
                asked.append(question[1])
                answer = answers.get(question[1], "")
                os.write(near, ((answer() if callable(answer) else answer) + "\n").encode())
                line = ""
        return Run(process.wait(timeout=10), asked, shown)
    finally:
        process.kill()
        os.close(near)


def copied(folder: Path, cargo: str) -> Path:
    """A copy of what `make deploy` reads, so that it writes its samconfig.toml there, with a script in the place of cargo:
    the packages are those of the other tests."""
    for name in ("Makefile", "template.yaml", "archive.yaml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    (folder / "functions").symlink_to(ROOT / "functions")
    (folder / "target").mkdir()
    (folder / "target" / "lambda").symlink_to(ROOT / "target" / "lambda")
    (folder / "programs").mkdir()
    (folder / "programs" / "cargo").write_text(f"#!/bin/sh\n{cargo}\n")
    (folder / "programs" / "cargo").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def bundle(stack, tmp_path_factory):
    """A copy with a cargo that only records its arguments."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / ".local").symlink_to(ROOT / ".local")
    return copied(folder, f'echo "$@" >> {folder}/built')


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
    answers = {"Stack Name": STACK, "Confirm changes before deploy": "y", "Deploy this changeset?": "y", "Parameter KmsKeyArn": key}
    return make_deploy(answers | OFF, f"ARCHITECTURE={architecture()}")


@pytest.fixture(scope="module")
def kept(first, bundle) -> dict:
    """The settings that the first run kept for the next ones."""
    return tomllib.loads((bundle / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]


def deployed(stack, name: str) -> dict:
    [found] = stack.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return found


def is_up(summary: dict) -> bool:
    return summary["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def ended_at_the_archive(run: Run) -> bool:
    """True if all went well but for what the local AWS does not know."""
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
    # The architecture of the first run, without being given again.
    assert f"--{architecture().replace('_', '-')}" in (bundle / "built").read_text().split()
    assert ended_at_the_archive(second), second.shown


def test_another_architecture_is_not_deployed_with_packages_of_this_one(stack, first, kept, bundle, make_deploy):
    """The cargo of this test builds nothing, so the packages stay what they are."""
    before, settings = deployed(stack, STACK), (bundle / "samconfig.toml").read_text()

    refused = make_deploy({}, f"ARCHITECTURE={OTHER_ARCHITECTURE}")

    assert refused.status != 0 and f"is not built for {OTHER_ARCHITECTURE}" in refused.shown, refused.shown
    assert deployed(stack, STACK) == before and (bundle / "samconfig.toml").read_text() == settings


def test_an_answer_that_names_another_architecture_is_refused(stack, first, make_deploy):
    answers = {"Parameter Architecture": OTHER_ARCHITECTURE, "Confirm changes before deploy": "n"}

    refused = make_deploy(answers | OFF, "ENV=trial", f"ARCHITECTURE={architecture()}")

    expected = f"built for {architecture()}, not for {OTHER_ARCHITECTURE}: run this again"
    assert refused.status != 0 and expected in refused.shown, refused.shown
    names = [each["StackName"] for each in stack.client("cloudformation").list_stacks()["StackSummaries"] if is_up(each)]
    assert f"{DEFAULT_STACK}-trial" not in names


def test_each_environment_has_a_stack_of_its_own(stack, first, kept, bundle, make_deploy):
    before = deployed(stack, STACK)

    staging = make_deploy({"Confirm changes before deploy": "n"} | OFF, "ENV=staging", f"ARCHITECTURE={architecture()}")

    assert deployed(stack, f"{DEFAULT_STACK}-staging")["StackStatus"] == "CREATE_COMPLETE", staging.shown
    assert deployed(stack, STACK) == before
    environments = tomllib.loads((bundle / "samconfig.toml").read_text())
    assert environments["default"]["deploy"]["parameters"] == kept
    assert environments["staging"]["deploy"]["parameters"]["stack_name"] == f"{DEFAULT_STACK}-staging"
    assert re.search(rf"Stack name\s+: {DEFAULT_STACK}-staging-archive\s", staging.shown) and ended_at_the_archive(staging)


def test_a_gradual_deployment_is_all_there_but_for_what_the_local_aws_does_not_know(stack, first, kept, make_deploy):
    """test_options.py deploys its aliases without it."""
    before = deployed(stack, STACK)

    gradual = make_deploy({}, "CANARY=Canary10Percent5Minutes")

    refused = re.search(r"Unrecognized resource types: \[(.*?)\]", gradual.shown.replace("\r\n", ""))
    assert refused, gradual.shown
    assert {kind.strip() for kind in refused[1].split(",")} == {"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
    assert gradual.status != 0 and deployed(stack, STACK) == before
