"""What a million orders cost on AWS's list prices: the table in README.md.

Counts times prices, no more. The counts are held by test_costs.py, which counts them at the deployed bundle, and by
tests/faults (write units); what runs by the month is counted in the template. `make schema` writes the table anew.
"""

from dataclasses import dataclass

from build import ROOT
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS

README = ROOT / "README.md"
OPEN, CLOSE = "<!-- costs -->\n", "<!-- /costs -->"

# Dollars in us-east-1, on demand, first tier, no free tier; AWS's pricing pages, as published in spring 2026.
AS_OF = "spring 2026"
MILLION = 1_000_000
PRICES = {
    "HTTP API request": 1.00 / MILLION,
    "Lambda request": 0.20 / MILLION,
    "Lambda GB-second, x86_64": 0.0000166667,
    "EventBridge custom event": 1.00 / MILLION,
    "EventBridge archive GB": 0.10,
    "SQS request": 0.40 / MILLION,
    "DynamoDB write unit": 0.625 / MILLION,
    "CloudWatch Logs GB": 0.50,
    "CloudWatch alarm": 0.10,
    "CloudWatch dashboard": 3.00,
    "CloudWatch custom metric": 0.30,
    "Secrets Manager secret": 0.40,
}

GIGABYTE = 1e9
MEMORY_GB = 0.25
# Assumed, since they are the networks': how long a network takes to answer, and what surrounds it.
INTAKE_SECONDS, NETWORK_SECONDS = 0.02, 0.4
# Upper bounds that test_costs.py holds.
ORDER_BYTES = 1_000
API_LOG_BYTES, INTAKE_LOG_BYTES, NETWORK_LOG_BYTES = 400, 800, 2_000


@dataclass(frozen=True)
class Count:
    """How often something is paid for, by an order and by each network that is told of it."""

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
    Count("EventBridge custom event", 1, 1, "the order, and what came of it at each network"),
    Count("EventBridge archive GB", ORDER_BYTES / GIGABYTE, 0, "orders of 1 KB; 0.023 USD a GB and month to keep"),
    Count("SQS request", 0, 3, "sent, received, deleted; fewer in batches"),
    Count("DynamoDB write unit", 0, 2, "claim and settlement; a duplicate costs 1"),
    Count("CloudWatch Logs GB", (API_LOG_BYTES + INTAKE_LOG_BYTES) / GIGABYTE, NETWORK_LOG_BYTES / GIGABYTE,
          "one line for each call of the API and each attempt, one of metrics, Lambda's own three"),
]  # fmt: skip


def monthly() -> list[tuple[str, int]]:
    """What costs by the month, whether orders come or not."""
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"].values()
    kinds = [resource["Type"] for resource in resources]
    return [
        ("CloudWatch alarm", kinds.count("AWS::CloudWatch::Alarm")),
        ("CloudWatch custom metric", METRICS_A_NETWORK * len(NETWORKS)),
        ("CloudWatch dashboard", kinds.count("AWS::CloudWatch::Dashboard")),
        ("Secrets Manager secret", len(NETWORKS)),
    ]


# With a value for each outcome that comes up in a usual month; test_costs.py holds what a delivered order writes.
METRICS_A_NETWORK = 10


def amount(value: float) -> str:
    return f"{value:g}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def table() -> str:
    lines = [
        f"A million orders by the API, on the list prices of us-east-1 ({AS_OF}; the free tier and taxes left out):",
        "",
        "| what | an order | each network | dollars each | 1 network | 4 networks | |",
        "|---|---|---|---|---|---|---|",
    ]
    for count in COUNTS:
        price = f"{PRICES[count.price]:.10f}".rstrip("0")
        one, four = count.dollars(1), count.dollars(4)
        counted = f"{amount(count.order)} | {amount(count.network)}"
        lines.append(f"| {count.price} | {counted} | {price} | {one:.2f} | {four:.2f} | {count.how} |")
    one, four = (sum(count.dollars(networks) for count in COUNTS) for networks in (1, 4))
    lines += [f"| **a million orders** | | | | **{one:.2f}** | **{four:.2f}** | |", "", "And every month, with four networks:", ""]
    lines += ["| what | how many | dollars each | a month |", "|---|---|---|---|"]
    for name, number in monthly():
        lines.append(f"| {name} | {number} | {PRICES[name]:.2f} | {number * PRICES[name]:.2f} |")
    month = sum(number * PRICES[name] for name, number in monthly())
    lines += [f"| **a month** | | | **{month:.2f}** |", ""]
    return "\n".join(lines)


def page() -> str:
    before, rest = README.read_text().split(OPEN)
    _, after = rest.split(CLOSE)
    return f"{before}{OPEN}{table()}{CLOSE}{after}"


if __name__ == "__main__":
    README.write_text(page())
    print("Wrote the costs into README.md")
