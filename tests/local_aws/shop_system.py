"""A shop system's messages about an order of its own: those recorded beside its code, with the order's id, its buyer and its click
replaced, and signed as the shop system signs. Its headers are read from its code.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from uuid import uuid4

from stack import PLATFORM_KEY

# A topic and a body.
Message = tuple[str, bytes]


@dataclass(frozen=True)
class Order:
    """An order of a shop."""

    platform: object
    order_id: str
    click: str

    @staticmethod
    def of(platform) -> "Order":
        return Order(platform, f"E2E-{uuid4().hex[:12]}", secrets.token_hex(15))

    @property
    def email(self) -> str:
        return f"{self.order_id.lower()}@example.com"

    @cached_property
    def recorded(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted((self.platform.folder / "payloads").glob("*.json"))]

    @cached_property
    def headers(self) -> dict[str, str]:
        """The names of the headers: the signature's, the topic's, the delivery's."""
        code = (self.platform.folder / "src" / "lib.rs").read_text()
        return {name: re.search(rf"{name}: &?\[?\"([\w-]+)\"", code)[1] for name in ("signature", "topic", "delivery")}

    def message(self, **wanted: str) -> Message:
        """The first recorded message about the order of the first one that gives an order with these members."""
        paid = self.recorded[0]["gives"]["order"]
        members = wanted | {"order_id": paid["order_id"]}
        [found, *_] = [each for each in self.recorded if members.items() <= each["gives"].get("order", {}).items()]
        cookie = base64.urlsafe_b64encode(json.dumps({"shopback": {"transaction_id": self.click}}).encode()).decode().rstrip("=")
        text = json.dumps(found["payload"]).replace(json.dumps(paid["order_id"]), json.dumps(self.order_id))
        text = text.replace(paid["customer"]["email"], self.email).replace(paid["click_cookie"], f"v1.{cookie}")
        return found["topic"], text.encode()

    def paid(self) -> Message:
        return self.message(status="completed")

    def signed(self, message: Message, key: str = PLATFORM_KEY, **others: str) -> dict[str, str]:
        """The headers of a message. `others` replace what they hold by their names in `headers`; an empty one is left out."""
        topic, body = message
        signature = base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()
        values = {"signature": signature, "topic": topic, "delivery": str(uuid4())} | others
        return {"content-type": "application/json"} | {self.headers[name]: value for name, value in values.items() if value}

    def event(self) -> dict:
        """The event by which API Gateway hands the paid order to the function."""
        path, message = f"/webhooks/{self.platform.name}", self.paid()
        http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "shop"}
        return {
            "version": "2.0", "routeKey": f"POST {path}", "rawPath": path, "rawQueryString": "", "headers": self.signed(message),
            "requestContext": {
                "accountId": "000000000000", "apiId": "api", "domainName": "api.example", "domainPrefix": "api", "http": http,
                "requestId": "r", "routeKey": f"POST {path}", "stage": "$default",
                "time": "21/Nov/2026:10:15:00 +0000", "timeEpoch": 1_795_256_100_000,
            },
            "body": message[1].decode(), "isBase64Encoded": False,
        }  # fmt: skip
