"""The part of the demo that shows what the product is for: one order loses its answer at every network, a key is wrong, and
each is settled. No constant is shortened for it: a lookup waits as long as it must, about three minutes.
"""

import json
import textwrap
import time
from collections.abc import Callable

from build import ROOT
from examples import WIDTH, Example, read_back, words
from machine import Failure
from stack import NETWORKS, Stack
from tool import Tool

# How long the slowest story may take on a busy machine.
PATIENCE_SECONDS = 420
TITLES = {"cashmycell": "CashMyCell", "cartstack": "CartStack", "cpa_moe": "cpa.moe", "shopback": "ShopBack"}
NEW_TOKEN = "freshtoken0freshtoken0freshtoken"


class Stories:
    """Plays the stories against a running stack, and says what happens as it happens."""

    def __init__(self, stack: Stack, tool: Tool, say: Callable[[str], None] = print):
        self.say = say
        # What is waited for, for the progress line.
        self.waiting_for = ""
        self._stack = stack
        self._tool = tool
        self._started = time.monotonic()
        stamp = base36(int(time.time()))
        self.lost = Example("", "every answer is lost: see below", "/orders", an_order(f"LOST-{stamp}"), 202, {})
        self._key = an_order(f"KEY-{stamp}")
        self.settled: list[tuple[str, str, str, str]] = []

    def status(self) -> str:
        return f"{clock(time.monotonic() - self._started)}, waiting for {self.waiting_for}"

    def begin(self) -> None:
        """Posts the order whose answers are lost. The sandbox's CartStack does not even record it; the others do."""
        for network, known_as in known(self.lost.order).items():
            fault = {"close": "after_reading", **({"processed": False} if network == "cartstack" else {})}
            self._sandbox("POST", "/_script", {"network": network, "order": known_as, "fault": fault})
        answer = self._stack.api("POST", self.lost.post, self.lost.order)
        self.lost.answered, self.lost.answer_text = answer.status, answer.text
        if answer.status != 202:
            raise Failure(f"POST {self.lost.post} answered {answer.status}: {answer.text}")

    def until_lost(self) -> None:
        """Waits until every network's function knows that its answer is lost."""
        for network in TITLES:
            self._until(self.lost.order_id, network, lambda each: each["state"] != "sending")
        self.lost.deliveries = read_back(self._stack, self.lost.order_id)

    def play(self) -> None:
        self.say(f"\nOne order, {self.lost.order_id}, whose answer is lost at every network: nobody knows yet if it counts.\n")
        for network, because in [
            ("cashmycell", "it never confirms, and a second call might pay twice: held for a person"),
            ("cartstack", "a second call might count twice: held for a person"),
            ("shopback", 'it answers a second call with "Duplicate": sent again'),
            ("cpa_moe", "it has a list of its leads: looked up, once no sender can be alive"),
        ]:
            self._report(network, "answer lost", because)
        self._operator_finds_it()
        self._operator_does_not_find_it()
        self._settles("shopback", "duplicate", "sent again", 'its "Duplicate" is the proof', "its second call, within half a minute")
        self._wrong_key()
        self._settles("cartstack", "response", "held", "an operator: not there, so sent again", "the order that the operator sends again")
        self._settles("cpa_moe", "lookup", "looked up", "found in the network's list", "the lookup, about three minutes after the call")

    def _operator_finds_it(self) -> None:
        network, order_id = "cashmycell", self.lost.order_id
        self._expect_held(network, self.lost.order, 1)
        self._report(network, "operator", "finds the order in CashMyCell's dashboard and settles it with the tool:")
        self._settle(order_id, network, "--delivered", "--reason", "seen in the dashboard")
        self._settles(network, "operator", "held", "an operator: it is in the dashboard", "the tool")

    def _operator_does_not_find_it(self) -> None:
        network = "cartstack"
        self._expect_held(network, self.lost.order, 0)
        path = self._stack.home / "lost-order.json"
        path.write_text(json.dumps(self.lost.order))
        self._report(network, "operator", "does not find the order at CartStack and has it sent again:")
        file = str(path.relative_to(ROOT))
        self._settle(self.lost.order_id, network, "--send-again", "--order", file, "--reason", "not in the report")

    def _wrong_key(self) -> None:
        order_id, network = self._key["order_id"], "shopback"
        self._sandbox("POST", "/_accounts", {network: {"security_token": NEW_TOKEN}})
        self._report(network, "new key", f"ShopBack has changed its security token; order {order_id} comes")
        self._stack.api("POST", f"/orders/{network}", self._key)
        parked = self._until(order_id, network, lambda each: each["state"] == "parked")
        self._report(network, f"parked ({parked['reason']})", "the order waits, and so do later ones")
        self._put_secret(network, security_token=NEW_TOKEN)
        self._report(network, "operator", "puts the new token into the secret (on AWS: make secret NETWORK=shopback)")
        self.waiting_for = "ShopBack's order to go out with the new token, within half a minute"
        self._until(order_id, network, lambda each: each["state"] == "delivered")
        self._expect_held(network, self._key, 1)
        self._report(network, "delivered", "sent by itself with the new token")
        self.settled.append((network, "wrong key", "parked", "the right key in the secret"))

    def _settles(self, network: str, proof: str, handling: str, how: str, waiting_for: str) -> None:
        self.waiting_for = f"{TITLES[network]}: {waiting_for}"
        found = self._until(self.lost.order_id, network, lambda each: each["state"] == "delivered")
        if found.get("proof") != proof:
            raise Failure(f"{network} delivered {self.lost.order_id} by proof of {found.get('proof')}, expected {proof}")
        self._expect_held(network, self.lost.order, 1)
        self._report(network, f"delivered (proof: {proof})", "the network holds the order once")
        self.settled.append((network, "answer lost", handling, how))

    def _settle(self, order_id: str, network: str, *decision: str) -> None:
        attempt = read_back(self._stack, order_id)[network]["attempts"][-1]["number"]
        arguments = ["orders", "settle", order_id, network, "--attempt", str(attempt), *decision]
        shown = [f"'{word}'" if " " in word else word for word in arguments]
        # Two lines, so that the transcript stays narrow.
        self.say(f"        $ postback {' '.join(shown[:6])} \\")
        self.say(f"            {' '.join(shown[6:])}")
        self._tool(*arguments)

    def _until(self, order_id: str, network: str, holds: Callable[[dict], bool]) -> dict:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            delivery = read_back(self._stack, order_id).get(network)
            if delivery and holds(delivery):
                return delivery
            if time.monotonic() > deadline:
                raise Failure(f"{order_id} at {network} is {words(delivery)} after {PATIENCE_SECONDS} s: not as expected")
            time.sleep(0.5)

    def _expect_held(self, network: str, order: dict, count: int) -> None:
        """Fails unless the network holds the order so many times."""
        held = self._sandbox("GET", "/_held").json.get(network, {}).get(known(order)[network], {}).get("count", 0)
        if held != count:
            raise Failure(f"{network} holds {order['order_id']} {held} times, expected {count}")

    def _put_secret(self, network: str, **changed: str) -> None:
        [prefix] = [each.prefix for each in NETWORKS if each.name == network]
        arn = self._stack.outputs[f"{prefix}SecretArn"]
        secrets = self._stack.client("secretsmanager")
        value = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
        secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({**value, **changed}))

    def _sandbox(self, method: str, path: str, body=None):
        answer = self._stack.sandbox(method, path, body)
        if answer.status != 200:
            raise Failure(f"{method} {path} of the sandbox answered {answer.status}: {answer.text}")
        return answer

    def _report(self, network: str, what: str, comment: str) -> None:
        self.say(line(time.monotonic() - self._started, TITLES[network], what, comment))


def line(seconds: float, title: str, what: str, comment: str) -> str:
    """A line of the transcript."""
    start = f"{clock(seconds):>6}  {title:<10}  "
    return textwrap.fill(f"{what}: {comment}", WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def summary(settled: list[tuple[str, str, str, str]]) -> str:
    """The stories in a table; each network holds each order once, else there is no table."""
    rows = [("network", "trouble", "meanwhile", "settled by", "counted")]
    rows += [(TITLES[network], *others, "once") for network, *others in settled]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "─" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def known(order: dict) -> dict[str, str]:
    """The value by which each network knows the order."""
    return {
        "cartstack": order["customer"]["email"],
        "cashmycell": order["clicks"]["cashmycell"]["cmc_id"],
        "cpa_moe": order["order_id"],
        "shopback": order["order_id"],
    }


def an_order(order_id: str) -> dict:
    """An order for all four networks."""
    unique = "".join(letter for letter in order_id.lower() if letter.isalnum())
    return {
        "order_id": order_id,
        "status": "completed",
        "completed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "currency": "INR",
        "total": "1499.00",
        "customer": {
            "email": f"{unique}@example.com", "phone": "+91 98765 43210", "name": "Asha Rao",
            "ip": "203.0.113.9", "country": "IN",
        },
        "clicks": {
            "cashmycell": {"cmc_id": f"click{unique}"},
            "shopback": {"transaction_id": f"{unique:0<30}"},
            "cpa_moe": {"offer": 217},
        },
    }  # fmt: skip


def base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (base36(number // 36) if number >= 36 else "") + digits[number % 36]
