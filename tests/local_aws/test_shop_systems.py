"""The webhooks of the shop systems at the deployed bundle, as each shop system sends them: its recorded messages, signed with
its key, and what the networks are sent of them. Each folder of functions/platforms is tested.

A shop system that gets no answer in the time that it waits has failed to deliver its message: so has a test here. How long
an answer takes is no test: tests/integration holds it to a second in virtual time, and the bench (tests/bench) measures it.
"""

import json
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from urllib.parse import quote
from uuid import uuid4

import pytest
from examples import read_back
from local import Answer
from observability import metrics, now
from shop_system import Message, Order
from stack import PLATFORM_KEY, PLATFORMS, PLAYED, STACK_NAME
from test_end_to_end import NAMES, drained, eventually, new_id, order, until_it_takes_orders
from test_life import sweep
from test_secret import started_anew
from test_webhook import IN_DOUBT, problem

NEXT_KEY = "next-shop-system-key-of-tests"
NO_KEY = "a-key-that-nobody-has-at-all"
# How long a shop system waits for an answer: WooCommerce a minute, the others five seconds at least.
WAITS_SECONDS = {"woocommerce": 60}
REPORTED = {"cartstack": "delivered", "shopback": "delivered"}
WITHDRAWN = {network.name: "withdrawn" for network in PLAYED}


@dataclass(frozen=True)
class Shop(Order):
    """A shop with an order, and the deployed bundle that it sends it to."""

    stack: object

    def send(self, message: Message, **signed: str) -> Answer:
        """Sends a message as the shop system does."""
        return self.post(message[1], self.signed(message, **signed))

    def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Posts to its route, and waits as long as the shop system does."""
        host = {"host": f"{self.stack.api_id}.execute-api.localhost:{self.stack.port}"}
        connection = HTTPConnection("127.0.0.1", self.stack.port, timeout=WAITS_SECONDS.get(self.platform.name, 5))
        try:
            connection.request("POST", f"/webhooks/{self.platform.name}", body, host | headers)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode())
        finally:
            connection.close()

    def states(self) -> dict[str, str]:
        return {name: each["state"] for name, each in read_back(self.stack, self.order_id).items()}

    def reports(self) -> list[tuple[str, str]]:
        """What ShopBack was sent of the order: its click and its amount."""
        received = self.stack.sandbox("GET", f"/_received?network=shopback&order={quote(self.order_id)}").json
        sent = [dict(each["params"]) for each in received]
        # A call that validates names another member.
        return [(each["transaction_id"], each["amount"]) for each in sent if "transaction_id" in each]

    def held(self) -> dict[str, int]:
        """How often each network holds the order."""
        held, known = self.stack.sandbox("GET", "/_held").json, {"cartstack": self.email, "shopback": self.order_id}
        return {name: held[name][key]["count"] for name, key in known.items() if key in held[name]}

    def counted(self, since: int, **members) -> bool:
        """Whether the shop system's function has measured this."""
        own = {"Stack": STACK_NAME, "Platform": self.platform.name, **members}
        found = lambda: any(own.items() <= each.items() for each in metrics(self.stack, self.platform.name, since))  # noqa: E731
        return eventually(found, True, 30)


def shop_of(stack, platform) -> Shop:
    order = Order.of(platform)
    # A cold start may take longer here than the shop system waits: it would send its message again.
    assert stack.api("POST", f"/webhooks/{platform.name}", "{}").status == 401
    return Shop(platform, order.order_id, order.click, stack)


@pytest.fixture(params=PLATFORMS, ids=lambda platform: platform.name)
def shop(stack, request):
    return shop_of(stack, request.param)


def test_a_paid_order_is_reported_once_with_its_click_and_its_amount(shop):
    paid = shop.recorded[0]["gives"]["order"]

    answer = shop.send(shop.paid())

    assert (answer.status, answer.json["order_id"], answer.json["networks"]) == (202, shop.order_id, sorted(REPORTED))
    assert eventually(shop.states, REPORTED) == REPORTED
    assert shop.reports() == [(shop.click, paid["total"])]
    assert shop.held() == dict.fromkeys(REPORTED, 1)


REFUSED = {
    "a wrong key": ({"key": NO_KEY}, "webhook_signature_wrong"),
    "no signature": ({"signature": ""}, "webhook_unsigned"),
    "a signature that is none": ({"signature": "AAAA"}, "webhook_signature_wrong"),
}


@pytest.mark.parametrize(("how", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_rightly_signed_is_refused_and_goes_nowhere(stack, shop, how, code):
    since = now()

    answer = shop.send(shop.paid(), **how)

    assert problem(answer) == (401, code)
    assert drained(stack)
    assert (shop.states(), shop.reports(), shop.held()) == ({}, [], {})
    assert shop.counted(since, PlatformRefusals=1)


def test_another_body_than_the_signed_one_is_refused_and_goes_nowhere(stack, shop):
    topic, body = shop.paid()
    altered = body.replace(b"1499", b"9499")

    answer = shop.post(altered, shop.signed((topic, body)))

    assert altered != body and problem(answer) == (401, "webhook_signature_wrong")
    assert drained(stack)
    assert (shop.states(), shop.reports(), shop.held()) == ({}, [], {})


def test_a_message_that_is_played_back_is_answered_as_before_and_reported_once(stack, shop):
    message, delivery = shop.paid(), str(uuid4())
    first = shop.send(message, delivery=delivery)
    assert eventually(shop.states, REPORTED) == REPORTED

    again = shop.send(message, delivery=delivery)
    # Under an id of its own it is another message about the same order.
    other = shop.send(message)

    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert (other.status, other.json["order_id"]) == (202, shop.order_id)
    assert drained(stack)
    assert (len(shop.reports()), shop.held()) == (1, dict.fromkeys(REPORTED, 1))


def test_an_old_message_changes_nothing_that_came_later(stack, shop):
    assert shop.send(shop.message(status="cancelled")).status == 202
    assert eventually(shop.states, WITHDRAWN) == WITHDRAWN

    old = shop.send(shop.paid())

    assert (old.status, drained(stack)) == (202, True)
    assert (shop.states(), shop.reports(), shop.held()) == (WITHDRAWN, [], {})


def test_a_key_is_changed_without_a_gap(stack, shop):
    client, arn = stack.client("secretsmanager"), stack.outputs[f"{shop.platform.prefix}SecretArn"]
    # Its signature is checked before anybody asks what happened.
    status = lambda key: shop.send(("nothing/of-ours", b"{}"), key=key).status  # noqa: E731
    both = lambda: (status(PLATFORM_KEY), status(NEXT_KEY))  # noqa: E731

    def set_keys(*keys):
        client.put_secret_value(SecretId=arn, SecretString=json.dumps({"keys": keys}))

    try:
        assert both() == (200, 401)
        set_keys(NEXT_KEY, PLATFORM_KEY)
        assert eventually(both, (200, 200), IN_DOUBT + 20) == (200, 200)
        assert shop.send(shop.paid(), key=NEXT_KEY).status == 202
        assert eventually(shop.states, REPORTED) == REPORTED
        set_keys(NEXT_KEY)
        # A signature that fits nothing has the keys read again.
        assert eventually(lambda: (status(NO_KEY), status(PLATFORM_KEY)), (401, 401), IN_DOUBT + 20) == (401, 401)
        late = replace(shop, order_id=new_id())
        assert problem(late.send(late.paid())) == (401, "webhook_signature_wrong")
        assert (status(NEXT_KEY), late.states(), late.held()) == (200, {}, {})
    finally:
        set_keys(PLATFORM_KEY)
        eventually(lambda: status(PLATFORM_KEY), 200, IN_DOUBT + 20)


@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each.ping], ids=lambda platform: platform.name)
def test_the_message_by_which_an_address_is_tried_out_is_answered_and_counted(stack, platform):
    shop, since = shop_of(stack, platform), now()

    answer = shop.post(b"webhook_id=12", {"content-type": "application/x-www-form-urlencoded"})

    assert (answer.status, answer.json) == (200, {"ignored": "ping"})
    assert shop.counted(since, Result="ping", PlatformMessages=1)


# The orders are older than that.
TERMS = {"offer_id": 4321, "aff_id": 77, "return_period_days": 1}


def validation(stack, order_id: str) -> tuple[str | None, str | None]:
    """The state of an order's validation at ShopBack, and its amount."""
    found = read_back(stack, order_id).get("shopback", {}).get("validation", {})
    return found.get("status"), found.get("amount")


@pytest.fixture
def validating(stack):
    """ShopBack's function with the setting `validation`."""
    secrets, arn = stack.client("secretsmanager"), stack.outputs["ShopbackSecretArn"]
    before = secrets.get_secret_value(SecretId=arn)["SecretString"]

    def validates() -> str | None:
        # An instance that is at work keeps the settings that it has.
        started_anew(stack, "shopback")
        tried = order(new_id())
        assert stack.api("POST", "/orders/shopback", tried).json["state"] == "delivered"
        return validation(stack, tried["order_id"])[0]

    try:
        secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({**json.loads(before), "validation": TERMS}))
        assert drained(stack)
        assert eventually(validates, "waiting") == "waiting"
        yield
    finally:
        secrets.put_secret_value(SecretId=arn, SecretString=before)
        started_anew(stack, "shopback")


def test_an_order_that_is_paid_and_partly_refunded_is_validated_once_with_the_lower_amount(stack, validating, shop):
    assert shop.send(shop.paid()).status == 202
    assert eventually(shop.states, REPORTED) == REPORTED
    given = [each["gives"].get("order", {}).get("refunds") for each in shop.recorded]
    refunds = next(filter(None, given))

    assert shop.send(shop.message(refunds=refunds)).status == 202
    decided = lambda: validation(stack, shop.order_id)  # noqa: E731
    assert eventually(decided, ("waiting", "799")) == ("waiting", "799")
    sweep(stack)

    assert eventually(decided, ("approved", "799")) == ("approved", "799")
    sweep(stack)
    assert drained(stack)
    received = stack.sandbox("GET", f"/_received?network=shopback&order={quote(shop.order_id)}").json
    sent = [dict(each["params"]) for each in received]
    assert [(each.get("status"), each["amount"]) for each in sent] == [(None, "1499"), ("approved", "799")]


@pytest.mark.parametrize("refund_first", [False, True], ids=["after its order", "before its order"])
@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each.lone_refunds], ids=lambda platform: platform.name)
def test_a_refund_that_comes_without_its_order_is_taken_off_once(stack, validating, platform, refund_first):
    shop, since = shop_of(stack, platform), now()
    [alone, *_] = [each for each in shop.recorded if each["gives"].get("order", {}).get("status") == "partially_refunded"]
    known, number = str(alone["payload"]["order_id"]), str(uuid4().int)[:18]
    own = lambda topic, body: (topic, body.replace(known.encode(), number.encode()))  # noqa: E731
    refund = own(alone["topic"], json.dumps(alone["payload"]).encode())
    first, second = (refund, own(*shop.paid())) if refund_first else (own(*shop.paid()), refund)

    assert shop.send(first).status == (200 if refund_first else 202)
    if not refund_first:
        assert eventually(shop.states, REPORTED) == REPORTED
    assert shop.send(second).status == 202
    assert eventually(shop.states, REPORTED) == REPORTED
    assert shop.send(refund).status == 202
    decided = lambda: validation(stack, shop.order_id)  # noqa: E731
    assert eventually(decided, ("waiting", "799")) == ("waiting", "799")
    sweep(stack)

    assert eventually(decided, ("approved", "799")) == ("approved", "799")
    assert drained(stack)
    assert (shop.reports()[0], shop.held()) == ((shop.click, "1499"), dict.fromkeys(REPORTED, 1))
    assert not refund_first or shop.counted(since, Result="refund_kept", PlatformMessages=1)


def test_an_order_that_is_paid_and_cancelled_before_it_was_reported_never_is(stack, shop):
    busy = {"answer": {"status": 429, "headers": {"retry-after": "20"}, "body": ""}}
    for network, known in {"cartstack": shop.email, "shopback": shop.order_id}.items():
        assert stack.sandbox("POST", "/_script", {"network": network, "order": known, "fault": busy}).status == 200
    waiting = dict.fromkeys(REPORTED, "retrying")
    assert shop.send(shop.paid()).status == 202
    assert eventually(shop.states, waiting) == waiting

    assert shop.send(shop.message(status="cancelled")).status == 202

    assert eventually(shop.states, WITHDRAWN) == WITHDRAWN
    assert drained(stack)
    assert (shop.states(), shop.held()) == (WITHDRAWN, {})


@pytest.fixture(scope="module", autouse=True)
def as_it_was(stack):
    """No network is paused by a 429 or an outage when the tests of another file come."""
    yield
    for name in NAMES:
        until_it_takes_orders(stack, name)
