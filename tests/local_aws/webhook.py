"""The webhook's sender: signs as Standard Webhooks does."""

import base64
import hashlib
import hmac
import json
import time

from stack import WEBHOOK_KEY


def signature(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """What a sender's library does."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def send(stack, an_order, message_id, keys=(WEBHOOK_KEY,), age=0, signed=None, content_type="application/json"):
    """Posts an order to the webhook, signed `age` seconds ago with each of `keys`; `signed` is what was signed
    instead."""
    timestamp = int(time.time()) - age
    body = json.dumps(an_order).encode()
    signatures = [signature(key, message_id, timestamp, signed or body) for key in keys]
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
    return stack.api("POST", "/webhooks/orders", body, content_type, headers)
