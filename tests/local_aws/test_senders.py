"""The libraries by which senders sign, each from its own registry: what they sign is accepted at the deployed webhook."""

import json
import subprocess

import pytest
from build import LOCAL
from npm import installed
from stack import WEBHOOK_KEY
from test_end_to_end import NAMES, effects, eventually, new_id, order
from test_webhook import OTHER_KEY, problem

NODE = """
const { library, key, id, body } = JSON.parse(require('fs').readFileSync(0));
const { Webhook } = require(library);
const now = new Date();
console.log(Math.floor(now.getTime() / 1000), new Webhook(key).sign(id, now, body));
"""
PYTHON = """
import importlib, json, sys
from datetime import datetime, timezone
said = json.load(sys.stdin)
Webhook = importlib.import_module(said["library"] + ".webhooks").Webhook
now = datetime.now(timezone.utc)
print(int(now.timestamp()), Webhook(said["key"]).sign(said["id"], now, said["body"]))
"""


def in_node(library: str, **said) -> str:
    return run(["node", "-e", NODE], {"library": str(installed() / library), **said})


def in_python(library: str, **said) -> str:
    return run([LOCAL / "venv-clients" / "bin" / "python", "-c", PYTHON], {"library": library, **said})


def run(command: list, said: dict) -> str:
    done = subprocess.run(command, input=json.dumps(said), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["standardwebhooks", "svix"])
def library(request):
    return request.param


@pytest.fixture(params=[in_node, in_python], ids=["npm", "PyPI"])
def send(stack, library, request):
    """Posts a message that the library has signed."""

    def send(message: dict, key: str):
        message_id, body = new_id(), json.dumps(message)
        timestamp, signature = request.param(library, key=key, id=message_id, body=body).split(maxsplit=1)
        # Svix names the headers after itself.
        prefix = "svix" if library == "svix" else "webhook"
        values = {"id": message_id, "timestamp": timestamp, "signature": signature.strip()}
        headers = {f"{prefix}-{name}": value for name, value in values.items()}
        return stack.api("POST", "/webhooks/orders", body, headers=headers)

    return send


def test_an_order_that_a_library_signs_is_reported(stack, send):
    sent = order(new_id())

    answer = send({"type": "order.completed", "timestamp": sent["completed_at"], "data": sent}, WEBHOOK_KEY)

    assert (answer.status, answer.json["order_id"]) == (202, sent["order_id"])
    once = dict.fromkeys(NAMES, 1)
    assert eventually(lambda: effects(stack, sent), once) == once


def test_with_a_wrong_key_it_is_refused(stack, send):
    sent = order(new_id())

    answer = send(sent, OTHER_KEY)

    assert problem(answer) == (401, "webhook_signature_wrong")
    assert effects(stack, sent) == {}
