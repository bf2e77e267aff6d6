"""Nothing of a customer gets out of the deployed bundle: orders full of canaries are reported, refused, changed, cancelled, held,
decided about and left to a person, and all that can be read of them is searched: logs, metrics, the ledger, events, answers, the
tool's output and the console's pages.

The same of every end of an attempt is tested beside the Rust code (tests/integration/tests/it/canaries*.rs, life/canaries.rs).
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import unquote

import pytest
from examples import read_back
from observability import lines, now
from stack import NETWORKS, PLATFORMS, PLAYED, REGION, ROOT_KEY, local_environment
from test_end_to_end import empty_dead_letters, eventually, new_id, order, put_on_bus, take_all, until_it_takes_orders
from test_life import put, sweep
from test_tool import items, lose, postback, settle  # noqa: F401

# In no text by chance. Digits are found with separators between them.
CANARIES = [
    "canary.mail", "canary-mail.example", "7351940261", "canaryname", "canarypostal", "canaryline", "canarycity", "203.0.113.73",
    "canaryagent", "canarycmc", "canaryclick", "canarysku", "canaryitem", "canarycategory", "canaryutm", "canarycomment", "canarycustom",
]  # fmt: skip
FUNCTIONS = [network.name for network in NETWORKS] + [platform.name for platform in PLATFORMS]
FUNCTIONS += ["intake", "webhook", "audit", "publish", "sweep"]


def canary(**members) -> dict:
    """An order of the customer, with an address and clicks of its own."""
    order_id = new_id()
    unique = order_id.removeprefix("E2E-")
    customer = {
        "email": f"canary.mail+{unique}@canary-mail.example", "phone": "+7 351 940-26-1", "name": "Canaryname Quill",
        "ip": "203.0.113.73", "user_agent": "CanaryAgent/7.3", "country": "IN",
        "address": {"postal_code": "canarypostal", "line": "canaryline 7", "city": "canarycity"},
    }  # fmt: skip
    clicks = {
        "cashmycell": {"cmc_id": f"canarycmc{unique}"},
        "shopback": {"transaction_id": f"canaryclick{unique}0000000"},
        "cpa_moe": {"offer": 217, "wm": 42},
    }
    item = {"sku": "canarysku", "name": "canaryitem", "category": "canarycategory", "quantity": 1, "unit_price": "1499.00"}
    more = {"utm": {"source": "canaryutm"}, "comment": "canarycomment", "custom": {"gift": "canarycustom"}}
    return {**order(order_id, customer=customer, clicks=clicks, items=[item]), **more, **members}


def found(text: str) -> list[str]:
    plain, digits = (text + unquote(text)).lower(), re.sub(r"[ ()-]", "", text)
    return [each for each in CANARIES if each in plain or each in digits]


def test_the_search_finds_each_canary_of_an_order():
    assert found(json.dumps(canary())) == CANARIES
    assert found("mail=CANARY.MAIL%2Bx%40canary-mail.example and 7 (351) 940-26-1") == CANARIES[:3]
    assert found(json.dumps(order("A-1"))) == []


class Life:
    """Orders of the customer, each with another life, and the answers about them."""

    def __init__(self, stack, tool):
        self.stack, self.tool, self.since, self.answers = stack, tool, now(), []
        until_it_takes_orders(stack, "cashmycell")
        self.reported, self.cancelled, self.refunded, self.lost, self.implausible = (canary() for _ in range(5))
        self.implausible |= {"currency": "NZD", "total": "5000.01"}
        self.faulty = canary(total="canarycustom", status="completed")
        self.misspelt = canary(clicks={"shopback": {"transactionid": "canaryclick"}})
        self.orders = [self.reported, self.cancelled, self.refunded, self.lost, self.implausible]

    def post(self, path: str, sent) -> None:
        self.answers.append(self.stack.api("POST", path, sent).text)

    def everywhere(self, sent: dict) -> None:
        self.post("/orders", sent)
        for network in PLAYED:
            self.post(f"/orders/{network.name}", sent)

    def live(self) -> None:
        lose(self.stack, self.lost, "cashmycell", processed=True)
        for sent in (*self.orders, self.faulty, self.misspelt, canary(clicks={}, customer={"name": "Canaryname"})):
            self.everywhere(sent)
        self.everywhere({**self.reported, "total": "1599.00"})
        self.everywhere({**self.reported, "total": "1699.00", "updated_at": "2026-11-21T11:00:00Z"})
        self.everywhere({**self.cancelled, "status": "cancelled"})
        self.everywhere({**self.refunded, "refunds": [{"id": "r-1", "amount": "9.00", "lines": [{"line": "1", "amount": "9.00"}]}]})
        self.everywhere({**self.refunded, "status": "refunded"})
        for sent in (self.faulty, self.misspelt, {**self.reported, "total": "1599.00"}, {**canary(), "order_id": ["canarycustom"]}):
            put_on_bus(self.stack, sent)
        put(self.stack, {**self.lost, "status": "cancelled"})

    def state(self, sent: dict, network: str) -> str | None:
        return read_back(self.stack, sent["order_id"]).get(network, {}).get("state")

    def has_settled(self) -> None:
        for sent, network, state in [
            (self.reported, "shopback", "delivered"), (self.lost, "cashmycell", "unconfirmed"), (self.implausible, "shopback", "parked"),
        ]:  # fmt: skip
            assert eventually(lambda sent=sent, network=network: self.state(sent, network), state) == state
        name = self.stack.outputs["FaultyOrdersQueueUrl"].rsplit("/", 1)[1]
        assert eventually(lambda: self.depth(name) > 0, True)
        sweep(self.stack)

    def depth(self, name: str) -> int:
        sqs = self.stack.client("sqs")
        asked = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["All"])
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])


@contextlib.contextmanager
def events(stack):
    """Subscribes to all that Postback says on the bus."""
    sqs, bus, name = stack.client("sqs"), stack.client("events"), f"listener-{new_id()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    pattern = json.dumps({"detail-type": [{"prefix": "postback."}]})
    bus.put_rule(Name=name, EventBusName=stack.outputs["BusName"], EventPattern=pattern)
    bus.put_targets(Rule=name, EventBusName=stack.outputs["BusName"], Targets=[{"Id": "queue", "Arn": arn}])
    yield lambda: take_all(stack, url)
    bus.remove_targets(Rule=name, EventBusName=stack.outputs["BusName"], Ids=["queue"])
    bus.delete_rule(Name=name, EventBusName=stack.outputs["BusName"])


@pytest.fixture(scope="module")
def life(stack, tool_program):
    empty_dead_letters(stack)
    life = Life(stack, tool_program)
    with events(stack) as heard:
        life.live()
        life.has_settled()
        kinds = lambda: [json.loads(body)["detail-type"] for body in life.events]  # noqa: E731
        life.events = []

        def all_said():
            life.events += heard()
            return {"postback.delivered", "postback.cancelled_after_delivery", "postback.conflict"} <= set(kinds())

        assert eventually(all_said, True), kinds()
    yield life
    empty_dead_letters(stack)


def test_the_events_the_answers_and_the_ledger_hold_nothing_of_the_customer(stack, life):
    life.answers += [stack.api("GET", f"/orders/{sent['order_id']}").text for sent in life.orders]

    assert len(life.answers) > 50 and len(life.events) > 10
    assert [text for text in life.answers + life.events if found(text)] == []
    own = {key: item for key, item in items(stack).items() if any(sent["order_id"] in key[0] for sent in life.orders)}
    assert len(own) >= 4 * len(life.orders)
    assert [key for key, item in own.items() if found(json.dumps(item, default=str))] == []


def test_no_log_and_no_metric_holds_anything_of_the_customer(stack, life):
    written = {name: lines(stack, name, life.since) for name in FUNCTIONS}

    # Functions that had nothing to write are silent.
    assert all(written[name] for name in ("intake", "shopback"))
    assert [line for each in written.values() for line in each if found(line)] == []


def commands(life, tmp_path) -> list[list[str]]:
    """Commands of the tool that look at these orders, or decide about them."""
    export, decided = tmp_path / "export.jsonl", tmp_path / "order.json"
    rows = [*life.orders, {**life.reported, "total": "1.00"}, life.faulty, life.misspelt, canary(), {"order_id": "E2E-1", "customer": "canaryname"}]
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
    decided.write_text(json.dumps(life.faulty))
    orders = [sent["order_id"] for sent in life.orders]
    about = ["--attempt", "1", "--reason", "seen in the portal"]
    return [
        *(["show", each] for each in orders),
        *(["logs", each] for each in (orders[0], orders[3])),
        *(["logs", name, "--since", "30m"] for name in ("intake", "publish", "shopback", "cashmycell", "api")),
        ["list"], ["list", "--open"], ["list", "--held"], ["list", "--conflicts"], ["list", "--format", "csv"], ["status"],
        ["check", str(export)], ["check", str(export), "--offline"], ["check", str(export), "--out", str(tmp_path / "all.csv")],
        ["replay", "--from", "30m", "--dry-run", "--orders", str(export)],
        ["redrive", "--network", "shopback", "--dry-run"], ["redrive", "--bus", "--dry-run"], ["redrive", "--network", "shopback"],
        ["redrive", "--bus", "--message", "none", "--order", str(decided)],
        ["settle", orders[3], "cashmycell", "--send-again", "--order", str(decided), *about],
        ["settle", orders[3], "cashmycell", "--delivered", *about],
        ["settle", orders[3], "cashmycell", "--reopen", *about],
    ]  # fmt: skip


def test_the_tool_shows_nothing_of_the_customer(life, postback, tmp_path):  # noqa: F811
    said = []
    for command in commands(life, tmp_path):
        for more in ([], ["--json"]):
            done = postback(*command, *more)
            said.append((command, done.out + done.err))
    said.append((["--out"], (tmp_path / "all.csv").read_text()))

    assert [(command, text) for command, text in said if found(text)] == []
    everything = "".join(text for _, text in said)
    for word in ("never_seen", "implausible", "unconfirmed", "cancelled", "conflict", "not_a_decimal", *(sent["order_id"] for sent in life.orders)):
        assert word in everything, word


@contextlib.contextmanager
def console(life):
    """The console over the deployed bundle: reads a page of it."""
    stack = life.stack
    environment = {**local_environment(), **ROOT_KEY, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}"}
    tool = subprocess.Popen([life.tool, "console", "--json", "--write"], env=environment, stdout=subprocess.PIPE, text=True)
    answer = ""
    for line in tool.stdout:
        answer += line
        if line.rstrip() == "}":
            break
    opening = json.loads(answer)["url"]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.open(opening, timeout=60).read()
    yield lambda path: browser.open(opening.split("/open?")[0] + path, timeout=120).read().decode()
    os.kill(tool.pid, signal.SIGTERM)
    tool.wait()


def test_the_console_shows_nothing_of_the_customer(life):
    paths = ["/", "/networks", "/orders", "/orders?which=held", "/orders?which=open", "/orders.csv", "/decide", "/letters", "/replay"]
    paths += ["/money", "/money.csv", "/activity", *(f"/order?id={sent['order_id']}" for sent in life.orders)]
    with console(life) as page:
        # A first look may still be reading the ledger.
        assert eventually(lambda: life.lost["order_id"] in page("/orders?which=held"), True)
        pages = {path: page(path) for path in paths}

    assert {path: found(text) for path, text in pages.items() if found(text)} == {}
    for sent in life.orders:
        assert sent["order_id"] in pages[f"/order?id={sent['order_id']}"]
