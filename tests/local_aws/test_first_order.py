"""From an empty account to the first delivered order by docs/woocommerce.md alone: its commands run as they are written,
in their order and in one shell at a terminal, against the local AWS.

What an operator has and this machine has not is stood in for. The packages and the tool are those of the other tests, the
network is the sandbox, and the API has an address on this machine. `make deploy` ends at the archive's stack
(test_deploy.py), so that the shell goes on after a command that failed.
"""

import json
import os
import re
import shlex
from pathlib import Path
from uuid import uuid4

import pytest
from build import ROOT, architecture
from stack import PLATFORM_KEY, REGION, ROOT_KEY, local_environment
from test_deploy import OFF, ON, Run, at_a_terminal
from test_deploy import copied as copy_of_the_bundle
from test_docs import blocks

STACK = "postback-first-order"
PAGE = ROOT / "docs" / "woocommerce.md"
# A question ends with what is taken when nothing is typed, or with an explanation.
QUESTION = re.compile(r"^\s*(.+?) (?:\[[^\]\n]*\]|\([^\n]*\))?: ?$")
PATIENCE_SECONDS = 400
# The settings of a make that runs these tests are not the operator's.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")


def commands() -> list[str]:
    """The commands of the page: each is a line."""
    return [line for block in blocks(PAGE.read_text()) if block.language == "sh" for line in block.code.splitlines()]


def script(lines: list[str]) -> str:
    """The commands, each after a line with its number. Before the last one an operator looks until the order is through."""
    numbered = [f"printf '\\n<<{number}>>\\n'\n{line}" for number, line in enumerate(lines, 1)]
    looks = f"for look in $(seq 90); do {lines[-1]} 2>&1 | grep -qE 'delivered|rejected|parked' && break; sleep 1; done"
    return "\n".join([*numbered[:-1], looks, numbered[-1], ""])


def shown_by(run: Run) -> list[str]:
    """The screen, by command."""
    return re.split(r"<<\d+>>\r?\n", run.shown)[1:]


@pytest.fixture(scope="module")
def folder(stack, tool_program, tmp_path_factory) -> Path:
    """A copy of the bundle in which `make cli` installs the tool that the tests have built."""
    folder = tmp_path_factory.mktemp("first-order")
    (folder / ".local").mkdir()
    (folder / ".local" / "venv-tools").symlink_to(ROOT / ".local" / "venv-tools")
    tool = folder / "built-postback"
    copy_of_the_bundle(folder, f'[ "$1" != install ] || (mkdir -p .local/cargo/bin && ln -s {shlex.quote(str(tool))} .local/cargo/bin/postback)')
    program, local = shlex.quote(str(tool_program)), f"http://\\1.execute-api.localhost:{stack.port}"
    tool.write_text(f"""#!/bin/sh
[ "$*" = 'stack ApiUrl' ] || exec {program} "$@"
{program} "$@" | sed -E 's#^https?://([^./]+)[.].*#{local}#'
""")
    tool.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def environment(stack, folder) -> dict:
    kept = {name: value for name, value in local_environment().items() if name not in OF_MAKE}
    return {
        **kept, **ROOT_KEY, "TERM": "xterm", "COLUMNS": "200", "ARCHITECTURE": architecture(),
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
        "PATH": f"{folder / 'programs'}:{os.environ['PATH']}",
        # The tools are there: this keeps make from installing them.
        "PYTHON": "true",
    }  # fmt: skip


@pytest.fixture(scope="module")
def answers(stack) -> dict:
    # What the sandbox takes now: other tests rotate it.
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs[f"{ON.prefix}SecretArn"])["SecretString"]
    settings = typed(secret)

    def shop_key() -> str:
        # The first question after the deployment.
        stack._count_in_numbers()
        return PLATFORM_KEY

    return {
        **OFF, "Stack Name": STACK, "Confirm changes before deploy": "n",
        f"Parameter {ON.prefix}Endpoint": f"{stack.sandbox_url}/{ON.name}", "Parameter BatchingWindow": "0",
        "The secret that WooCommerce shows": shop_key, **settings,
        "The secret": PLATFORM_KEY, "The transaction_id": uuid4().hex[:30],
    }  # fmt: skip


def typed(secret: str) -> dict[str, str]:
    """The settings of a network's secret, as they are typed."""
    return {name: str(value) for name, value in json.loads(secret).items() if not isinstance(value, (dict, list))}


def test_woocommerces_page_has_ten_commands_at_most():
    lines = commands()

    assert lines[0].startswith("make deploy") and lines[-1].startswith("postback orders show")
    # None is hidden behind another one.
    assert len(lines) <= 10 and not [line for line in lines if "&& " in line or "; " in line or line.endswith("\\")]


def test_woocommerces_page_leads_from_an_empty_account_to_a_delivered_order(folder, environment, answers):
    lines = commands()
    (folder / "page.sh").write_text(script(lines))

    run = at_a_terminal(["bash", "page.sh"], folder, environment, answers, QUESTION, PATIENCE_SECONDS)

    shown = shown_by(run)
    assert run.status == 0 and len(shown) == len(lines) <= 10, run.shown
    assert {"The secret that WooCommerce shows", "The secret", "The transaction_id"} <= set(run.asked), run.shown
    [sent] = [screen for line, screen in zip(lines, shown, strict=True) if line.startswith("curl ")]
    assert re.search(r"^HTTP/[\d.]+ 202\b", sent, re.M), run.shown
    assert ON.name in shown[-1] and re.search(r"\bstate\s.*delivered", shown[-1]) and "rejected" not in shown[-1], run.shown
