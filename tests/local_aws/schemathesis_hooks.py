"""How schemathesis (test_schemathesis.py) signs its requests, and what its own checks can't know.

It reads this in an environment of its own, .local/venv-clients: nothing of the other tests is here.
"""

import ast
import json
import os
import socket
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests.auth
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from standardwebhooks.webhooks import Webhook

# The system may not know that *.localhost is this machine.
asked = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: asked("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)

# Python 3.11 can't parse in two threads at once: "AST constructor recursion depth mismatch".
parse, one_at_a_time = ast.parse, threading.RLock()


def parse_alone(*words, **named):
    with one_at_a_time:
        return parse(*words, **named)


ast.parse = parse_alone


class SignedByAws(requests.auth.AuthBase):
    """Signature Version 4."""

    key = Credentials(os.environ["CALLER_KEY"], os.environ["CALLER_SECRET"])

    def __call__(self, request):
        signed = AWSRequest(request.method, request.url, {}, request.body or b"")
        SigV4Auth(self.key, "execute-api", os.environ["CALLER_REGION"]).add_auth(signed)
        request.headers.update({name: signed.headers[name] for name in ("Authorization", "X-Amz-Date")})
        return request


class SignedByWebhookKey(requests.auth.AuthBase):
    """Standard Webhooks, under the message's id as it was generated. What lacks a header is left so."""

    key = Webhook(os.environ["WEBHOOK_KEY"])

    def __call__(self, request):
        headers = request.headers
        message_id, at = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
        if message_id and str(at).isdigit() and headers.get("webhook-signature"):
            now = datetime.now(timezone.utc)
            body = request.body or b""
            # The library signs text alone: what is no text keeps the signature that was generated.
            try:
                text = body.decode() if isinstance(body, bytes) else body
            except UnicodeDecodeError:
                return request
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = self.key.sign(str(message_id), now, text)
        return request


WEBHOOK = "/webhooks/orders"
schemathesis.auth.set_from_requests(SignedByAws()).skip_for(path=WEBHOOK)
schemathesis.auth.set_from_requests(SignedByWebhookKey()).apply_to(path=WEBHOOK)


@schemathesis.hook
def map_body(ctx, body):
    """Brings a time that fits the schema within the bounds that a schema can't say: nearly all that is generated lies beyond them."""
    order = body.get("data", body) if isinstance(body, dict) else None
    for name in ("completed_at", "updated_at") if isinstance(order, dict) else ():
        try:
            datetime.fromisoformat(order.get(name).upper().replace("Z", "+00:00"))
        except (AttributeError, TypeError, ValueError):
            continue
        order[name] = (datetime.now(timezone.utc) - timedelta(days=1)).isoformat(timespec="seconds")
    return body


def is_unsayable(each, path, error, pointer):
    # What is of one route alone is of the networks' own.
    is_here = "only" not in each or path.startswith("/orders/")
    return is_here and error["code"] == each["code"] and pointer.startswith(each["member"])


UNSAYABLE = json.loads((Path(__file__).parents[1] / "integration" / "unsayable.json").read_text())


@schemathesis.check
def refused_for_what_a_schema_cannot_say_alone(ctx, response, case):
    """An order that fits the schema is refused for nothing that a schema can say."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for error in response.json()["errors"]:
        # In an envelope the order is `data`.
        pointer = error["pointer"].removeprefix("/data")
        known = any(is_unsayable(each, case.operation.path, error, pointer) for each in UNSAYABLE)
        assert known, f"{error['code']} at {error['pointer']}"
