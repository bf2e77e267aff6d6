"""The situations that `make drill` brings about, the operator's way out of each, and what holds once it is over; test_drills.py plays them."""

import json
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

from build import LOCAL, ROOT
from desk import Desk
from examples import read_back, words
from machine import Failure
from proxy import AwsProxy
from stack import WEBHOOK_KEY, Stack
from stories import NEW_TOKEN, an_order
from webhook import send

SEED_SECONDS = 120
REPORTED = {"delivered", "accepted"}
NEW_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
# As ShopBack gets it.
RIGHT_TOTAL = "1499"
OPERATOR, SHOP, SHOPBACK, AWS = "operator", "the shop", "ShopBack", "AWS"

Step = tuple[str, str, Callable[[Desk], object]]


class Drill:
    """A situation with ShopBack's orders in it."""

    about = ""
    # The alarm, or what else wakes the operator.
    alarm = ""
    # The runbook's.
    section = ""
    # What it takes by the tool alone, and with the console.
    counted = {"tool": "", "console": ""}

    def __init__(self, stack: Stack, proxy: AwsProxy | None = None):
        self.stack = stack
        self.proxy = proxy
        self.orders = [shopback_order() for _ in range(3)]

    def seed(self) -> None:
        raise NotImplementedError

    def steps(self) -> Iterator[Step]:
        raise NotImplementedError

    def faults(self) -> list[str]:
        """What is not yet as it should be in the end."""
        return [fault for each in self.orders for fault in self.not_reported_once(each)]

    def not_reported_once(self, order: dict) -> list[str]:
        held = self.stack.sandbox("GET", "/_held").json["shopback"].get(order["order_id"], {}).get("count", 0)
        delivery = read_back(self.stack, order["order_id"]).get("shopback")
        if held == 1 and delivery and delivery["state"] in REPORTED:
            return []
        return [f"{order['order_id']} is {words(delivery)}; ShopBack holds it {held} times"]

    def post(self, order: dict) -> None:
        answer = self.stack.api("POST", "/orders", order)
        if answer.status != 202:
            raise Failure(f"POST /orders answered {answer.status}: {answer.text}")

    def post_one_by_one(self, *states: str) -> None:
        """Posts the orders so that each meets what the one before it has left behind."""
        for each in self.orders:
            self.post(each)
            self.until_all([each], *states)

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SEED_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {SEED_SECONDS} s")
            time.sleep(0.5)

    def state(self, order: dict) -> str | None:
        return read_back(self.stack, order["order_id"]).get("shopback", {}).get("state")

    def until_all(self, orders: list[dict], *states: str) -> None:
        self.until(f"all orders are {' or '.join(states)}", lambda: all(self.state(each) in states for each in orders))

    def sandbox(self, path: str, body: dict) -> None:
        answer = self.stack.sandbox("POST", path, body)
        if answer.status != 200:
            raise Failure(f"POST {path} of the sandbox answered {answer.status}: {answer.text}")


class WrongToken(Drill):
    about = "ShopBack has replaced its security token, and nobody has set the new one."
    alarm = "the alarms ShopbackPaused and ShopbackParked"
    section = "Paused"
    counted = {"tool": "3 commands", "console": "2 commands, 2 pages"}

    def seed(self) -> None:
        self.sandbox("/_accounts", {"shopback": {"security_token": NEW_TOKEN}})
        self.post_one_by_one("parked")

    def steps(self) -> Iterator[Step]:
        yield OPERATOR, "what needs me?", lambda desk: desk.needs_me()
        yield OPERATOR, "look why", lambda desk: desk.reasons("shopback", "parked", "--code", "network_paused")
        yield OPERATOR, f"set the token that ShopBack gives you on the phone: {NEW_TOKEN}", self.set_token

    def set_token(self, desk: Desk) -> None:
        settings = json.loads((ROOT / "tests/sandbox/secrets/shopback.json").read_text())
        desk.secret("shopback", {**settings, "security_token": NEW_TOKEN})


class NetworkDown(Drill):
    about = "ShopBack is down: it resets every connection."
    alarm = "the alarms ShopbackPaused and ShopbackErrorRate"
    section = "Error rate"
    counted = {"tool": "2 commands", "console": "1 command, 2 pages"}

    def seed(self) -> None:
        self.sandbox("/_outage", {"network": "shopback", "on": True})
        self.post_one_by_one("retrying", "unconfirmed")

    def steps(self) -> Iterator[Step]:
        attempts = ("--code", "attempt", "--where", "verdict=unconfirmed")
        yield OPERATOR, "what needs me?", lambda desk: desk.needs_me()
        yield OPERATOR, "look at the reasons", lambda desk: desk.reasons("shopback", "open", *attempts)
        yield OPERATOR, "do nothing about an outage: go to bed", lambda desk: None
        yield SHOPBACK, "is up again", lambda desk: self.sandbox("/_outage", {"network": "shopback", "on": False})


class BadDeploy(Drill):
    about = "A new version of the shop sends totals that are a hundred times too large."
    alarm = "a call from the shop: no alarm finds this"
    section = "Wrong amounts"
    counted = {"tool": "3 commands", "console": "2 commands, 2 pages"}

    def seed(self) -> None:
        self.reported, self.waiting = self.orders[:2], self.orders[2:]
        for each in self.reported:
            self.post({**each, "total": "149900.00"})
        self.until_all(self.reported, "delivered")

    def steps(self) -> Iterator[Step]:
        why = "totals are wrong since 02:40"
        self.export = LOCAL / "drill-export.jsonl"
        yield OPERATOR, "stop everything", lambda desk: desk.pause_all(why)
        yield SHOP, "sends another, then returns to the old version and exports its orders", self.repair
        yield OPERATOR, "which went out with another total, and which wait?", self.check
        yield SHOPBACK, "corrects the conversions that went out, as you asked for", lambda desk: None
        yield SHOP, "sends again, with the right total, those that wait", self.correct
        yield OPERATOR, "let them go", lambda desk: desk.resume_all("the old version is back")

    def repair(self, _desk: Desk) -> None:
        # Within these seconds every instance knows of the pause.
        time.sleep(11)
        for each in self.waiting:
            self.post({**each, "total": "149900.00"})
        self.until_all(self.waiting, "parked")
        self.export.write_text("".join(json.dumps(each) + "\n" for each in self.orders))

    def check(self, desk: Desk) -> None:
        said = desk.postback("orders", "check", str(self.export.relative_to(ROOT))).stdout
        missing = [each["order_id"] for each in self.orders if each["order_id"] not in said]
        if missing:
            raise Failure(f"`postback orders check` does not name {', '.join(missing)}")

    def correct(self, _desk: Desk) -> None:
        for each in self.waiting:
            each["updated_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.post(each)

    def faults(self) -> list[str]:
        held = self.stack.sandbox("GET", "/_held").json["shopback"]
        amounts = {each["order_id"]: held.get(each["order_id"], {}).get("amounts") for each in self.waiting}
        wrong = [f"{order_id} is {amount}" for order_id, amount in amounts.items() if amount != [RIGHT_TOTAL]]
        return [*super().faults(), *wrong]


class LeakedKey(Drill):
    about = "The webhook's key is public, and somebody has used it."
    alarm = "a mail from whoever found the key: no alarm finds this"
    section = "A webhook key has leaked"
    counted = {"tool": "5 commands", "console": "5 commands, 1 page"}

    def seed(self) -> None:
        self.forged = self.orders[-1]
        for each in self.orders:
            self.until("the webhook takes the key that has leaked", lambda each=each: self.send(each, WEBHOOK_KEY) == 202)
        self.until_all(self.orders, "delivered")

    def steps(self) -> Iterator[Step]:
        self.export = LOCAL / "drill-export.jsonl"
        self.export.write_text("".join(json.dumps(each) + "\n" for each in self.orders[:-1]))
        yield OPERATOR, "make a new key, and do not keep the previous one", lambda desk: desk.secret("webhook", {"keys": [NEW_KEY]})
        yield SHOP, "signs with the new key", self.use_new_key
        yield OPERATOR, "look at what came since the leak", lambda desk: desk.postback("logs", "api", "--since", "1d", "--where", "route=POST /webhooks/orders")
        yield OPERATOR, "which orders does the shop not know?", self.check
        yield OPERATOR, "who sent that one, and which network has it?", lambda desk: desk.order(self.forged["order_id"])
        yield SHOP, f"cancels {self.forged['order_id']}, which it does not know", self.cancel
        yield SHOPBACK, "takes it back, as you asked for", lambda desk: None
        yield OPERATOR, "record that", self.acknowledge

    def send(self, order: dict, key: str) -> int:
        return send(self.stack, order, uuid4().hex, keys=[key]).status

    def use_new_key(self, _desk: Desk) -> None:
        self.orders.insert(0, shopback_order())
        self.until("the new key is in force", lambda: self.send(self.orders[0], NEW_KEY) == 202)
        with self.export.open("a") as export:
            export.write(json.dumps(self.orders[0]) + "\n")
        self.until_all(self.orders[:1], "delivered")

    def check(self, desk: Desk) -> None:
        said = desk.postback("orders", "check", str(self.export.relative_to(ROOT)), "--from", "1h").stdout
        if self.forged["order_id"] not in said:
            raise Failure("`postback orders check` does not name the forged order")

    def cancel(self, _desk: Desk) -> None:
        self.post({**self.forged, "status": "cancelled"})
        self.until("the cancellation is known", self.is_cancelled)

    def is_cancelled(self) -> bool:
        return bool(read_back(self.stack, self.forged["order_id"])["shopback"].get("cancellations"))

    def acknowledge(self, desk: Desk) -> None:
        seen = ("--attempt", "1", "--came-back", self.forged["total"])
        why = "the order was forged, and ShopBack has taken it back"
        desk.postback("orders", "settle", self.forged["order_id"], "shopback", "--acknowledge", *seen, "--reason", why)

    def faults(self) -> list[str]:
        faults = super().faults()
        if self.send(shopback_order(), WEBHOOK_KEY) != 401:
            faults.append("the leaked key is still taken")
        if not self.is_cancelled():
            faults.append(f"{self.forged['order_id']} is not cancelled")
        return faults


class DynamoDbDown(Drill):
    about = "DynamoDB answers nobody."
    alarm = "the alarm ApiError"
    section = "API errors"
    counted = {"tool": "3 commands", "console": "3 commands, 1 page"}

    def seed(self) -> None:
        if self.proxy is None:
            raise Failure("This drill needs the proxy before the local AWS.")
        self.proxy.down = True
        for each in self.orders[:2]:
            # The bus takes orders without the ledger.
            self.post(each)
        self.direct = self.orders[2]
        self.until("a direct call is refused", lambda: self.report_directly() == 503)

    def report_directly(self) -> int:
        return self.stack.api("POST", "/orders/shopback", self.direct).status

    def steps(self) -> Iterator[Step]:
        refused = ("shopback", "--code", "request_refused", "--where", "status=503")
        yield OPERATOR, "what needs me?", lambda desk: desk.needs_me()
        yield OPERATOR, "what was refused?", lambda desk: desk.logs(*refused)
        yield OPERATOR, "and at the API's door?", lambda desk: desk.postback("logs", "api", "--where", "status=5*")
        yield AWS, "DynamoDB is back", lambda desk: setattr(self.proxy, "down", False)
        yield SHOP, "sends again what it got no 2xx for", lambda desk: self.until("it is taken", lambda: self.report_directly() == 200)


DRILLS: dict[str, type[Drill]] = {
    "wrong-token": WrongToken,
    "network-down": NetworkDown,
    "bad-deploy": BadDeploy,
    "leaked-key": LeakedKey,
    "dynamodb-down": DynamoDbDown,
}


def shopback_order() -> dict:
    """An order that concerns ShopBack alone."""
    order = an_order(f"DRILL-{uuid4().hex[:8]}")
    return {**order, "customer": {}, "clicks": {"shopback": order["clicks"]["shopback"]}}
