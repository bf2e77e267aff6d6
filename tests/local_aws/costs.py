"""Writes docs/costs.md: the costs of a million orders on AWS's list prices.

Counts times prices, no more. test_costs.py counts at the deployed bundle, tests/faults counts write units; the monthly
resources are counted in the template. `make generate` runs it; test_costs.py fails when the page is not what this writes.
"""

from dataclasses import dataclass

from build import ROOT
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS

PAGE = ROOT / "docs" / "costs.md"

HEAD = """# Costs

Written by `make generate`; a test fails when it is not current.

"""

FOOT = """
Tests hold the counts: requests, invocations, events and logs at the deployed bundle, write units at an embedded DynamoDB. Not in the tables:
duplicates (one write unit each), retries and lookups; an order that concerns no network (one write unit, kept for 30 days); a cancellation or a conflict (one write unit at each network that it reaches, and its event); Lambda's polling of an idle queue (about 0.26 USD a month and queue); polling cpa.moe for the
status of leads (some SQS requests each, and the schedule's calls); traces that X-Ray samples (5 USD a million, one each second and a twentieth of the
rest); reading secrets again (0.05 USD for ten thousand, at most one a minute and instance); 400 days in the ledger, under 1 KB a delivery (0.25 USD a
GB and month, 0.20 more for point-in-time recovery; a sweep grows with it); traffic to the networks beyond the 100 GB a month that are free.
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
    "CloudWatch Logs GB": 0.50,
    "CloudWatch alarm": 0.10,
    "CloudWatch dashboard": 3.00,
    "CloudWatch custom metric": 0.30,
    "Secrets Manager secret": 0.40,
    # 1 GB of items, eventually consistent: 125,000 read units at 0.125 a million; and a minute of 512 MB, assumed.
    "Sweep of a million deliveries": 0.0161,
}

GIGABYTE = 1e9
MEMORY_GB = 0.25
# Assumed: the seconds of one invocation.
INTAKE_SECONDS, NETWORK_SECONDS, PUBLISH_SECONDS = 0.02, 0.4, 0.02
# Upper bounds that test_costs.py holds.
ORDER_BYTES = 1_000
API_LOG_BYTES, INTAKE_LOG_BYTES, NETWORK_LOG_BYTES, PUBLISH_LOG_BYTES = 650, 1_400, 2_200, 1_600
# Of intake, for each network that an order concerns.
INTAKE_NETWORK_LOG_BYTES = 350
# The same of a message that the webhook refuses: two lines and Lambda's own three.
WEBHOOK_REFUSAL_LOG_BYTES, WEBHOOK_REFUSAL_SECONDS = 1_200, 0.005


@dataclass(frozen=True)
class Count:
    """The number of paid units for an order, and for each network that it is reported to."""

    price: str
    order: float
    network: float
    how: str

    def dollars(self, networks: int) -> float:
        return MILLION * (self.order + networks * self.network) * PRICES[self.price]


COUNTS = [
    Count("HTTP API request", 1, 0, "none for an order that comes by the bus"),
    Count("Lambda request", 1, 1, "intake and each network; fewer when orders come in batches"),
    Count("Lambda GB-second, x86_64", INTAKE_SECONDS * MEMORY_GB, NETWORK_SECONDS * MEMORY_GB,
          f"256 MB; {INTAKE_SECONDS * 1000:.0f} ms of intake, {NETWORK_SECONDS * 1000:.0f} ms of a network, assumed"),
    Count("Lambda request, publish", 0, 2, "for each write to the ledger; fewer in batches"),
    Count("Lambda GB-second, publish", 0, 2 * PUBLISH_SECONDS * MEMORY_GB, f"256 MB, {PUBLISH_SECONDS * 1000:.0f} ms, assumed"),
    Count("EventBridge custom event", 1, 1, "the order, and the result at each network"),
    Count("EventBridge archive GB", ORDER_BYTES / GIGABYTE, 0, "orders of 1 KB; 0.023 USD a GB and month to keep"),
    Count("SQS request", 0, 3, "sent, received, deleted; fewer in batches"),
    Count("DynamoDB write unit", 0, 2, "claim and settlement; ShopBack 3, for the use of the click; a duplicate costs 1"),
    Count("CloudWatch Logs GB", (API_LOG_BYTES + INTAKE_LOG_BYTES) / GIGABYTE,
          (INTAKE_NETWORK_LOG_BYTES + NETWORK_LOG_BYTES + PUBLISH_LOG_BYTES) / GIGABYTE,
          "one line for each call of the API and each attempt, metrics, Lambda's own three"),
]  # fmt: skip


def monthly() -> list[tuple[str, int]]:
    """The resources that are paid by the month, with or without orders."""
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"].values()
    kinds = [resource["Type"] for resource in resources]
    return [
        ("CloudWatch alarm", kinds.count("AWS::CloudWatch::Alarm")),
        ("CloudWatch custom metric", METRICS_SHARED + METRICS_A_NETWORK * len(NETWORKS)),
        ("CloudWatch dashboard", kinds.count("AWS::CloudWatch::Dashboard")),
        ("Secrets Manager secret", len(NETWORKS)),
        ("Sweep of a million deliveries", SWEEPS_A_MONTH),
    ]


# Once an hour, the default of SweepEvery.
SWEEPS_A_MONTH = 730


# One for each outcome of a usual month, and what a sweep measures; test_costs.py counts those of a delivered order.
METRICS_A_NETWORK = 12 + 6
# What intake measures: orders by source, with a click, refused, and refused for a usual handful of reasons.
METRICS_SHARED = 11


def amount(value: float) -> str:
    return f"{value:g}" if value >= 0.001 or value == 0 else f"{value:.2e}"


def table() -> str:
    lines = [
        f"A million orders by the API, on the list prices of us-east-1 ({AS_OF}; the free tier and taxes left out):",
        "",
        f"| what | an order | each network | dollars each | 1 network | {len(NETWORKS)} networks | |",
        "|---|---|---|---|---|---|---|",
    ]
    for count in COUNTS:
        price = f"{PRICES[count.price]:.10f}".rstrip("0")
        one, every = count.dollars(1), count.dollars(len(NETWORKS))
        counted = f"{amount(count.order)} | {amount(count.network)}"
        lines.append(f"| {count.price} | {counted} | {price} | {one:.2f} | {every:.2f} | {count.how} |")
    one, every = (sum(count.dollars(networks) for count in COUNTS) for networks in (1, len(NETWORKS)))
    lines += [f"| **a million orders** | | | | **{one:.2f}** | **{every:.2f}** | |", "", f"And every month, with {len(NETWORKS)} networks:", ""]
    lines += ["| what | how many | dollars each | a month |", "|---|---|---|---|"]
    for name, number in monthly():
        price = f"{PRICES[name]:.4f}".removesuffix("00")
        lines.append(f"| {name} | {number} | {price} | {number * PRICES[name]:.2f} |")
    month = sum(number * PRICES[name] for name, number in monthly())
    lines += [f"| **a month** | | | **{month:.2f}** |", ""]
    return "\n".join(lines)


# Intake's look at an order that did not come by the API: a message and a call.
LOOK = {"SQS request": 3, "Lambda request": 1, "Lambda GB-second, x86_64": INTAKE_SECONDS * MEMORY_GB, "CloudWatch Logs GB": INTAKE_LOG_BYTES / GIGABYTE}


def by_bus() -> str:
    """The costs of an order that its sender puts on the bus."""
    look = MILLION * sum(PRICES[name] * count for name, count in LOOK.items())
    saved = MILLION * sum(PRICES[name] for name in ("HTTP API request", "Lambda request"))
    saved += MILLION * (PRICES["Lambda GB-second, x86_64"] * INTAKE_SECONDS * MEMORY_GB)
    saved += MILLION * PRICES["CloudWatch Logs GB"] * (API_LOG_BYTES + INTAKE_LOG_BYTES) / GIGABYTE
    return f"""
A million orders that a sender puts on the bus itself need no API ({saved:.2f} USD less), and intake looks at each ({look:.2f} USD: three SQS requests, a call of Lambda and
its log, fewer in batches), so that none vanishes. Orders that come by the API or the webhook cost nothing for that. An order that concerns no network is
kept as one small item: one write unit, {MILLION * PRICES["DynamoDB write unit"]:.2f} USD a million.
"""


def flood() -> str:
    """The costs of messages that the webhook refuses."""
    seconds = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["WebhookRateLimit"]["Default"]
    log_bytes = API_LOG_BYTES + WEBHOOK_REFUSAL_LOG_BYTES
    each = PRICES["HTTP API request"] + PRICES["Lambda request"] + PRICES["CloudWatch Logs GB"] * log_bytes / GIGABYTE
    each += PRICES["Lambda GB-second, x86_64"] * WEBHOOK_REFUSAL_SECONDS * MEMORY_GB
    return f"""
## A flood of the webhook

Where the webhook is on, anyone who knows its URL can send it messages. One that is refused costs a request of the API, a call of the function
({WEBHOOK_REFUSAL_SECONDS * 1000:.0f} ms, assumed: one MAC for each key) and {log_bytes / 1000:.1f} KB of logs; nothing is written, read or put on the bus. Ten thousand cost
{10_000 * each:.2f} USD. Beyond `WebhookRateLimit` the API answers 429 by itself, for which AWS does not charge: at its default of {seconds} a second a flood costs
{3600 * seconds * each:.2f} USD an hour, {24 * 3600 * seconds * each:.0f} USD a day. An [alarm](runbook.md#webhook-refusals) says so within a quarter of an hour, and a
[budget](options.md#a-budget) watches the sum.
"""


def page() -> str:
    return HEAD + table() + by_bus() + FOOT + flood()


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(ROOT)}")
