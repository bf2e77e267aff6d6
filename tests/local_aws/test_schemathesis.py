"""The deployed API against its own description, by schemathesis with its checks but for what schemathesis.toml names: a
deployment with IAM before its API, called signed. It compares no two callers, because all who may call see the same."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from build import LOCAL, ROOT
from stack import PLAYED, REGION, WEBHOOK_KEY
from test_access import Caller, may_invoke

HERE = Path(__file__).parent
OPTIONS = [
    "--max-examples=20", "--seed=1", "--generation-deterministic",
    # One network stands for all: the others' paths have the same handler.
    "--exclude-path-regex=^/orders/(?!shopback$)[a-z_]+$", "--workers=4", "--continue-on-failure", "--no-color", "--request-timeout=40", "--no-shrink",
]  # fmt: skip


@pytest.fixture(scope="module")
def caller(stack):
    own = stack.sibling("described", "facade06", WebhookEnabled="true")
    own.deploy()
    routes = ["POST/orders", "GET/*", "HEAD/*", *(f"POST/orders/{network.name}" for network in PLAYED)]
    yield Caller(own, may_invoke(own, *routes))
    own.stop()


def test_the_api_is_as_it_is_described(caller, tmp_path):
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": str(HERE),
        "CALLER_KEY": caller.credentials.access_key,
        "CALLER_SECRET": caller.credentials.secret_key,
        "CALLER_REGION": REGION,
        "WEBHOOK_KEY": WEBHOOK_KEY,
    }
    description = ROOT / "functions" / "intake" / "openapi.json"
    program = [LOCAL / "venv-clients/bin/schemathesis", "--config-file", HERE / "schemathesis.toml"]
    command = [*program, "run", description, "--url", caller.stack.base_url, *OPTIONS]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    print(re.search(r"Test cases:\n.*", done.stdout))
