"""Writes docs/costs.md: the costs of a million orders on AWS's list prices.

Counts times prices, no more. test_costs.py counts at the deployed bundle, tests/faults counts write units; the monthly
resources are counted in the template. `make generate` runs it; test_costs.py fails when the page is not what this writes.

Longer than 300 lines: every count and every price of the page stands here.
"""

from dataclasses import dataclass

from build import ROOT
from conditions import Deployment
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS

PAGE = ROOT / "docs" / "costs.md"

HEAD = """# Costs

Written by `make generate`; a test fails when it is not current.

"""

FOOT = """
Tests hold the counts: requests, invocations, events and logs at the deployed bundle, write units at an embedded DynamoDB. Not in the tables:
duplicates (one write unit each, two at ShopBack), retries and lookups; an order that concerns no network (one write unit, kept for 30 days); a cancellation or a conflict (one write unit at each network that it reaches, two for a conflict of a later version, and its event); the index of what waits (below); a correction that waits for an attempt to end (one write unit); Lambda's polling of an idle queue (about 0.26 USD a month and queue); polling cpa.moe for the
status of leads (some SQS requests each, and the schedule's calls); traces that X-Ray samples (5 USD a million, one each second and a twentieth of the
rest); reading secrets again (0.05 USD for ten thousand, at most one a minute and instance); 400 days in the ledger, under 1 KB a delivery (0.25 USD a
GB and month, 0.20 more for point-in-time recovery; a sweep grows with it); traffic to the networks beyond the 100 GB a month that are free.

The ledger's index of what waits costs an order without trouble nothing: it is in it at no time. One that is held, parked, retried, in doubt, in conflict or to be
claimed back pays one more write unit with each write from that on, the one that ends it included: an answer that is lost and found again costs 6 write units in place of 4, a parked order
2 in place of 1 each quarter of an hour, an order whose clicks no network knows 2 in place of 1. What waits is kept twice. `postback status` reads the index alone: less than 0.00001 USD a call while some
hundred deliveries wait, so a monitor that calls it every five minutes costs less than 0.10 USD a month.
"""

# Dollars in us-east-1, on demand, first tier, no free tier; AWS's pricing pages, as published in spring 2026.
AS_OF = "spring 2026"
MILLION = 1_000_000
PRICES = {
    "HTTP API request": 1.00 / MILLION,
    "Lambda request": 0.20 / MILLION,
    "Lambda request, publish": 0.20 / MILLION,
    "Lambda GB-second, x86_64": 0.0000166667,
    "Lambda GB-second, publish": 0.0000166667,
    "EventBridge custom event": 1.00 / MILLION,
    "EventBridge archive GB": 0.10,
    "SQS request": 0.40 / MILLION,
    "DynamoDB write unit": 0.625 / MILLION,
    "DynamoDB read unit": 0.125 / MILLION,
    "CloudWatch Logs GB": 0.50,
    "CloudWatch alarm": 0.10,
    "CloudWatch dashboard": 3.00,
    "CloudWatch custom metric": 0.30,
    "Secrets Manager secret": 0.40,
    # 1 GB of items, eventually consistent: 125,000 read units at 0.125 a million, which tests/faults counts; and a minute of 512 MB, assumed.
    "Sweep of a million deliveries": 0.0161,
}

GIGABYTE = 1e9
MEMORY_GB = 0.125
# Assumed: the seconds of one invocation.
INTAKE_SECONDS, NETWORK_SECONDS, PUBLISH_SECONDS = 0.02, 0.4, 0.02
# Upper bounds that test_costs.py holds: of an order, of each call of a function whatever it holds, and of each order in it.
ORDER_BYTES = 1_000
API_LOG_BYTES, INTAKE_LOG_BYTES, NETWORK_CALL_LOG_BYTES, NETWORK_ORDER_LOG_BYTES = 650, 450, 620, 520
# Of intake, for each network that an order concerns.
INTAKE_NETWORK_LOG_BYTES = 260
# The same of a message that the webhook refuses: two lines.
WEBHOOK_REFUSAL_LOG_BYTES, WEBHOOK_REFUSAL_SECONDS = 1_200, 0.005

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
PARAMETERS = TEMPLATE["Parameters"]
# The orders of a month, spread over it evenly.
ORDERS_A_SECOND = MILLION / (30 * 24 * 3600)
# Lambda polls a queue by five, of which each fills a batch of its own; a new table on demand has four shards.
POLLERS, SHARDS = 5, 4


def in_a_batch(window: int) -> float:
    """Orders in a batch: the first, and those that come within the window."""
    return min(10, 1 + window * ORDERS_A_SECOND / POLLERS)


@dataclass(frozen=True)
class Shop:
    """What a shop deploys, and how its orders come."""

    title: str
    networks: int
    window: int = PARAMETERS["BatchingWindow"]["Default"]
    only_problems: bool = False
    # Each order by a call to its one network, which waits for the answer.
    is_direct: bool = False
    # Each order by an event that its sender puts on the bus.
    is_by_bus: bool = False

    def batch(self) -> float:
        """Orders in a call of a function that takes them off its queue."""
        return 1 if self.is_direct else in_a_batch(self.window)

    def writes(self) -> float:
        """Writes to the ledger in a call of `publish`."""
        return 1 + self.window * ORDERS_A_SECOND * self.networks / SHARDS


SHOPS = [
    Shop("1 network, direct calls, `Events=problems`", networks=1, only_problems=True, is_direct=True),
    Shop("1 network", networks=1),
    Shop(f"{len(NETWORKS)} networks", networks=len(NETWORKS)),
    Shop(f"{len(NETWORKS)} networks, `Events=problems`", networks=len(NETWORKS), only_problems=True),
    Shop(f"{len(NETWORKS)} networks, `BatchingWindow=0`", networks=len(NETWORKS), window=0),
    Shop(f"{len(NETWORKS)} networks, by the bus", networks=len(NETWORKS), is_by_bus=True),
]
BY_BUS = SHOPS[-1]
# The counts of one order, which test_costs.py counts: calls of functions, and what each network adds.
INTAKE_CALLS, NETWORK_CALLS, PUBLISH_CALLS, EVENTS, WRITES = 1, 1, 1, 1, 2
# Of each call of a network's function, unless the last one read them within five seconds. tests/faults counts it. Few and small: one unit.
PAUSES_READ = 1
# SQS requests of each queue: sent alone, received and deleted by the batch.
SENT, BY_BATCH = 1, 2
# Calls of intake, unbatched, for its look at an order that did not come by the API.
LOOK_CALLS = 1
LOOK_WINDOW = TEMPLATE["Resources"]["IntakeFunction"]["Properties"]["Events"]["BusOrders"]["Properties"]["MaximumBatchingWindowInSeconds"]


def intake_bytes(networks: int) -> int:
    """What intake logs of an order, at most: of one that it takes, and of one that it looks at."""
    return INTAKE_LOG_BYTES + networks * INTAKE_NETWORK_LOG_BYTES


def look(shop: Shop) -> dict[str, float]:
    """The paid units of intake's look at one order of the bus: a message, its part of a call, and what the call logs."""
    calls = LOOK_CALLS / in_a_batch(LOOK_WINDOW)
    return {
        "SQS request": SENT + BY_BATCH * calls,
        "Lambda request": calls,
        "Lambda GB-second, x86_64": MEMORY_GB * calls * INTAKE_SECONDS,
        "CloudWatch Logs GB": intake_bytes(shop.networks) / GIGABYTE,
    }


LOOK = "Intake's look at an order of the bus"
PRICES[LOOK] = sum(PRICES[name] * count for name, count in look(BY_BUS).items())


def units(shop: Shop) -> dict[str, float]:
    """The paid units of one order, by what is paid."""
    over_bus = 0 if shop.is_direct else 1
    by_api, by_intake = 0 if shop.is_by_bus else 1, 0 if shop.is_direct or shop.is_by_bus else 1
    calls = NETWORK_CALLS * shop.networks / shop.batch()
    published = PUBLISH_CALLS * shop.networks / shop.writes()
    network_bytes = shop.networks * NETWORK_ORDER_LOG_BYTES + calls * NETWORK_CALL_LOG_BYTES
    logged = by_api * API_LOG_BYTES + by_intake * intake_bytes(shop.networks) + network_bytes
    # ShopBack's third is for the use of the click.
    clicks = 1 if shop.networks == len(NETWORKS) else 0
    return {
        "HTTP API request": by_api,
        LOOK: 1 - by_api,
        "Lambda request": by_intake * INTAKE_CALLS + calls,
        "Lambda GB-second, x86_64": MEMORY_GB * (by_intake * INTAKE_SECONDS + calls * NETWORK_SECONDS),
        "Lambda request, publish": published,
        "Lambda GB-second, publish": MEMORY_GB * published * PUBLISH_SECONDS,
        "EventBridge custom event": over_bus + (0 if shop.only_problems else EVENTS * shop.networks),
        "EventBridge archive GB": over_bus * ORDER_BYTES / GIGABYTE,
        "SQS request": over_bus * (SENT * shop.networks + BY_BATCH * calls),
        "DynamoDB write unit": WRITES * shop.networks + clicks,
        "DynamoDB read unit": PAUSES_READ * calls,
        "CloudWatch Logs GB": logged / GIGABYTE,
    }


HOW = {
    "HTTP API request": "none for an order that comes by the bus",
    LOOK: "its message, its part of a call of intake, and the log: so that none vanishes",
    "Lambda request": "intake, and each network for a batch",
    "Lambda GB-second, x86_64": f"128 MB; {INTAKE_SECONDS * 1000:.0f} ms of intake, {NETWORK_SECONDS * 1000:.0f} ms of a network, assumed",
    "Lambda request, publish": "for a batch of settlements; claims, and what is no delivery, are filtered out",
    "Lambda GB-second, publish": f"128 MB, {PUBLISH_SECONDS * 1000:.0f} ms, assumed",
    "EventBridge custom event": "the order, and the result at each network",
    "EventBridge archive GB": "orders of 1 KB; 0.023 USD a GB and month to keep",
    "SQS request": "sent; received and deleted by the batch",
    "DynamoDB write unit": "claim and settlement; ShopBack a third, for the use of the click",
    "DynamoDB read unit": "the pauses by a person, for a batch",
    "CloudWatch Logs GB": "one line for each call of the API and each attempt, metrics",
}


def monthly() -> list[tuple[str, int]]:
    """The resources that are paid by the month, with or without orders."""
    resources = Deployment(TEMPLATE).resources.values()
    kinds = [resource["Type"] for resource in resources]
    return [
        ("CloudWatch alarm", kinds.count("AWS::CloudWatch::Alarm")),
        ("CloudWatch custom metric", METRICS_SHARED + METRICS_A_NETWORK * len(NETWORKS) + METRICS_OF_VALIDATIONS * VALIDATING),
        ("CloudWatch dashboard", kinds.count("AWS::CloudWatch::Dashboard")),
        ("Secrets Manager secret", len(NETWORKS)),
        ("Sweep of a million deliveries", SWEEPS_A_MONTH),
    ]


# Once an hour, the default of SweepEvery.
SWEEPS_A_MONTH = 730


# One for each outcome of a usual month, and what a sweep measures; test_costs.py counts those of a delivered order.
METRICS_A_NETWORK = 12 + 6
# What a sweep measures at a network that wants validations.
METRICS_OF_VALIDATIONS, VALIDATING = 2, sum(network.validates for network in NETWORKS)
# What intake measures: orders by source, with a click, refused, and refused for a usual handful of reasons.
METRICS_SHARED = 11


def dollars(shop: Shop, name: str) -> float:
    """The price of a million orders for one of the rows."""
    return MILLION * units(shop)[name] * PRICES[name]


def total(shop: Shop) -> float:
    """The price of a million orders."""
    return sum(dollars(shop, name) for name in HOW)


def table() -> str:
    by_default = SHOPS[2]
    lines = [
        f"A million orders a month, by the API unless it says otherwise, on the list prices of us-east-1 ({AS_OF}; the free tier and taxes left out). The default",
        f"`BatchingWindow` is {by_default.window} seconds: with the orders spread evenly, and over the five batches that Lambda fills at a time, a network's function",
        f"is called for {by_default.batch():.1f} orders at once, and `publish` for {by_default.writes():.0f} writes of {len(NETWORKS)} networks. More orders fill batches of ten, which are cheaper.",
        "",
        "| what | dollars each | " + " | ".join(shop.title for shop in SHOPS) + " | |",
        "|---|---|" + "---|" * (len(SHOPS) + 1),
    ]
    for name, how in HOW.items():
        price = f"{PRICES[name]:.10f}".rstrip("0")
        lines.append(f"| {name} | {price} | " + " | ".join(f"{dollars(shop, name):.2f}" for shop in SHOPS) + f" | {how} |")
    totals = " | ".join(f"**{total(shop):.2f}**" for shop in SHOPS)
    lines += [f"| **a million orders** | | {totals} | |", "", f"And every month, with {len(NETWORKS)} networks, also without an order:", ""]
    lines += ["| what | how many | dollars each | a month |", "|---|---|---|---|"]
    for name, number in monthly():
        price = f"{PRICES[name]:.4f}".removesuffix("00")
        lines.append(f"| {name} | {number} | {price} | {number * PRICES[name]:.2f} |")
    month = sum(number * PRICES[name] for name, number in monthly())
    lines += [f"| **a month** | | | **{month:.2f}** |", ""]
    return "\n".join(lines)


def by_bus() -> str:
    """What is counted of an order that its sender puts on the bus."""
    return f"""
Intake looks at each order that a sender puts on the bus itself: within {LOOK_WINDOW} seconds, and {in_a_batch(LOOK_WINDOW):.1f} of them share a call. Orders that come by the API, the webhook or a shop system cost
nothing for that. An order that concerns no network is kept as one small item: one write unit, {MILLION * PRICES["DynamoDB write unit"]:.2f} USD a million. One that was
completed more than 400 days ago costs a read of the ledger when it comes by the API.
"""


# An order by lines: its own item; and each line claims, settles, and reads that item before it is sent, consistently. tests/faults counts.
ORDER_ITEM_WRITES, LINE_WRITES, LINE_READS = 1, WRITES, 1


def by_lines() -> str:
    """What DynamoDB costs where ShopBack is reported by lines."""
    lines = [
        "",
        "Where ShopBack is reported [by lines](../functions/networks/shopback/README.md), each line is a delivery, and the order has an item of its own. DynamoDB, in place of",
        "the 3 write units above, for a million orders with so many lines each:",
        "",
        "| lines | write units of an order | read units | a million orders |",
        "|---|---|---|---|",
    ]
    for count in (1, 2, 5):
        writes, reads = ORDER_ITEM_WRITES + count * LINE_WRITES, count * LINE_READS
        dollars = MILLION * (writes * PRICES["DynamoDB write unit"] + reads * PRICES["DynamoDB read unit"])
        lines.append(f"| {count} | {writes} | {reads} | {dollars:.2f} |")
    return "\n".join([*lines, ""])


# What an order of a shop system costs beside its call: the receipt is read (consistently) and written, and the order put on the bus.
RECEIPT_READS, RECEIPT_WRITES, BUS_EVENTS = 1, 1, 1
# The same where refunds come without their orders: what they need of the order is written with each of its messages.
PART_WRITES = 1


def unchanged(shop: Shop) -> float:
    """The price of a message of a shop system about an order that has not changed: each network refuses its write."""
    counts = units(shop) | {
        "DynamoDB read unit": RECEIPT_READS + units(shop)["DynamoDB read unit"],
        # The claim is refused, and nothing is settled.
        "DynamoDB write unit": RECEIPT_WRITES + units(shop)["DynamoDB write unit"] - shop.networks,
        "EventBridge custom event": BUS_EVENTS,
    }
    return sum(PRICES[name] * count for name, count in counts.items() if not name.endswith(", publish"))


def shop_systems() -> str:
    """The costs of a shop system's messages."""
    one, all_networks = SHOPS[1], SHOPS[2]
    receipt = PRICES["DynamoDB read unit"] * RECEIPT_READS + PRICES["DynamoDB write unit"] * RECEIPT_WRITES
    part = PRICES["DynamoDB write unit"] * PART_WRITES
    return f"""
## The messages of a shop system

An order that a [shop system](shopify.md) sends costs what one by the API does, and a receipt, which is read and written: {MILLION * receipt:.2f} USD a million. Each message of an order of Shopify,
one that is ignored too, also writes what a later refund needs of it: {MILLION * part:.2f} USD a million more, and so does a refund that comes without its order. It is kept for
120 days after the order's last message, each sweep reads it, and no write of it calls `publish`. At each network that is on such a refund costs a read and a write unit, and one more of each where the delivery is validated. A shop
system also sends every later change of an order, each under an id of its own. A million messages about orders that have not changed cost
{MILLION * unchanged(one):.2f} USD with {one.networks} network and {MILLION * unchanged(all_networks):.2f} USD with {all_networks.networks}: a request of the API, a call, the receipt, an event on the bus, and at each network
the messages of its queue, its part of a call and a write that is refused. A message that is ignored costs the request, the call and its log, and at Shopify the write above.
"""


# Of one validation, which is called alone: created, claimed and settled; itself and its delivery read, consistently. tests/integration counts
# them, the message and the call.
VALIDATION = {
    "DynamoDB write unit": (3, "created with its delivery, claimed, settled; each 1 more where the ids make an item of more than 1 KB"),
    "DynamoDB read unit": (2 + PAUSES_READ, "itself and its delivery, before the call; the pauses"),
    "SQS request": (3, "sent by the sweep (up to ten by one request), received, deleted; so 3 at most"),
    "Lambda request": (1, "the network's function"),
    "Lambda GB-second, x86_64": (MEMORY_GB * NETWORK_SECONDS, f"128 MB, {NETWORK_SECONDS * 1000:.0f} ms, assumed"),
    "EventBridge custom event": (1, "`postback.validation_approved` or `_rejected`; none with `Events=problems`"),
    "CloudWatch Logs GB": ((NETWORK_CALL_LOG_BYTES + NETWORK_ORDER_LOG_BYTES) / GIGABYTE, "the call and its line"),
}


def validations() -> str:
    """The costs of the validations, where they are set."""
    lines = [
        "",
        "## Validations",
        "",
        "Where [validation](money.md) is set, a million validated orders cost, besides their reports:",
        "",
        "| what | how many each | a million | |",
        "|---|---|---|---|",
    ]
    total = 0.0
    for name, (count, how) in VALIDATION.items():
        dollars = MILLION * count * PRICES[name]
        total += dollars
        many = f"{count:.9f}".rstrip("0").rstrip(".")
        lines.append(f"| {name} | {many} | {dollars:.2f} | {how} |")
    refund = MILLION * 4 * PRICES["DynamoDB write unit"]
    lines += [
        f"| **a million validations** | | **{total:.2f}** | |",
        "",
        f"There is no schedule for each: the sweep, which reads the ledger anyway, is the clock. An order that comes again with a refund costs a duplicate's 2 write units",
        f"and 2 more, with the delivery and with the validation: {refund:.2f} USD a million. The sums are 4 metrics a currency and network, {PRICES['CloudWatch custom metric']:.2f} USD each a month.",
        "",
    ]
    return "\n".join(lines)


def flood() -> str:
    """The costs of messages that the webhook refuses."""
    seconds = PARAMETERS["WebhookRateLimit"]["Default"]
    log_bytes = API_LOG_BYTES + WEBHOOK_REFUSAL_LOG_BYTES
    each = PRICES["HTTP API request"] + PRICES["Lambda request"] + PRICES["CloudWatch Logs GB"] * log_bytes / GIGABYTE
    each += PRICES["Lambda GB-second, x86_64"] * WEBHOOK_REFUSAL_SECONDS * MEMORY_GB
    return f"""
## A flood of the webhook

Where the webhook is on, anyone who knows its URL can send it messages. One that is refused costs a request of the API, a call of the function
({WEBHOOK_REFUSAL_SECONDS * 1000:.0f} ms, assumed: one MAC for each key) and {log_bytes / 1000:.1f} KB of logs; nothing is written, read or put on the bus. Ten thousand cost
{10_000 * each:.2f} USD. Beyond `WebhookRateLimit` the API answers 429 by itself, for which AWS does not charge: at its default of {seconds} a second a flood costs
{3600 * seconds * each:.2f} USD an hour, {24 * 3600 * seconds * each:.0f} USD a day. An [alarm](runbook.md#webhook-refusals) says so within a quarter of an hour, and a
[budget](options.md#a-budget) watches the sum. The route of a shop system that is on has the same limits for itself, and what it refuses costs the same; but it takes
bodies of up to 6 MB, of which the API counts every 512 KB as a request: {24 * 3600 * seconds * (each + 11 * PRICES["HTTP API request"]):.0f} USD a day at the most, and the time of a MAC over so much.
"""


def page() -> str:
    return HEAD + table() + by_bus() + by_lines() + FOOT + validations() + shop_systems() + flood()


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(ROOT)}")
