"""Turns the measurements into docs/bench.json, docs/bench.svg and the table in docs/performance.md."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "local_aws"))
from costs import PRICES

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"

LABELS = {
    "postback": "Postback",
    "minimal-rust": "Rust, minimal",
    "node": "Node.js + Powertools",
    "python": "Python + Powertools",
    "other-commit": "Postback, other commit",
}
MIB = 2**20
# The bounds of our figures divided by those of a peer ("best": by the best peer's): setting, figure, peer, maximum.
BOUNDS = [
    ("no_delays", "cold_ms", "minimal-rust", 0.12),
    ("no_delays", "cold_ms", "node", 0.017),
    ("near", "warm_ms", "best", 1.0),
    ("near", "batch_ms", "best", 1.0),
    ("near", "after_4_s_ms", "best", 1.1),
    ("near", "after_21_s_ms", "best", 1.1),
    ("near", "after_60_s_ms", "best", 1.1),
    ("near", "peak_mib", "best", 0.8),
]

# The rows of a table: figure, title, digits, and whether each round's other end is shown.
TIMES = [
    ("cold_ms", "cold start with one order, ms"),
    ("warm_ms", "one order, ms"),
    ("warm_p99_ms", "one order, 99th percentile, ms"),
    ("after_4_s_ms", "one order after 4 s, ms"),
    ("after_21_s_ms", "one order after 21 s, ms"),
    ("after_60_s_ms", "one order after 60 s, ms"),
    ("batch_ms", "SQS batch of ten, ms"),
    ("duplicate_ms", "a duplicate at once, ms"),
    ("late_duplicate_ms", "a duplicate minutes later, ms"),
    ("cpu_ms_per_1000", "processor, ms for 1000 single orders"),
    ("batch_cpu_ms_per_1000", "processor, ms for 1000 orders in batches"),
    ("peak_mib", "most memory, MiB"),
]


def summarize(measured: dict, about: dict, settings: dict) -> dict:
    """Medians over the rounds with the least and the most, and the medians of the ratios of each round."""
    figures: dict = {}
    spread: dict = {}
    ratios: dict = {}
    for setting, rounds in measured["rounds"].items():
        rounds = [{name: flat(one) for name, one in each.items()} for each in rounds]
        for name in rounds[0]:
            many = [one[name] for one in rounds]
            figures.setdefault(name, {})[setting] = middle(many)
            spread.setdefault(name, {})[setting] = {
                key: [round(min(one[key] for one in many), 1), round(max(one[key] for one in many), 1)] for key, _ in TIMES if key in many[0]
            }
            if name != "postback":
                over = [divided(one["postback"], one[name]) for one in rounds]
                ratios.setdefault(name, {})[setting] = middle(over)
        over = [divided(one["postback"], best([one[name] for name in one if name != "postback"])) for one in rounds if len(one) > 1]
        if over:
            ratios.setdefault("best", {})[setting] = middle(over)
    return {
        **about,
        "rounds": max(len(rounds) for rounds in measured["rounds"].values()),
        "shares": measured["shares"],
        "settings": settings,
        "figures": figures,
        "least_and_most": spread,
        "postback_over": ratios,
        "load": rounded(measured["load"]),
        "growth": rounded(measured["growth"]),
        "answers": rounded(measured["answers"]),
    }


def flat(figures: dict) -> dict:
    """A round's figures, those after pauses by a name of their own; those that were not measured left out."""
    pauses = {f"after_{pause}_s_ms": took for pause, took in figures["after_pause_ms"].items()}
    kept = {key: value for key, value in figures.items() if key != "after_pause_ms"}
    if not pauses:
        del kept["late_duplicate_ms"]
    return {**kept, **pauses}


def best(peers: list[dict]) -> dict:
    """The best figure of any peer, each by itself."""
    return {key: min(one[key] for one in peers) for key, _ in TIMES if key in peers[0]}


def middle(many: list):
    """Returns the median of numbers, member by member."""
    if isinstance(many[0], dict):
        return {key: middle([one[key] for one in many if key in one]) for key in many[0]}
    return round(statistics.median(many), 3)


def divided(ours: dict, theirs: dict) -> dict:
    numbers = {key for key, value in ours.items() if isinstance(value, (int, float)) and theirs.get(key)}
    return {key: ours[key] / theirs[key] for key in sorted(numbers)}


def rounded(value):
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def show(result: dict) -> None:
    print(f"\n{result['date']}, {result['machine']}\n")
    print("\n".join(tables(result)))
    print("\nOur figures over those of the peers:")
    for name, settings in result["postback_over"].items():
        for setting, ratios in settings.items():
            print(f"  {name:13} {setting:12}", *(f"{key} {ratios[key]:.3f}" for key, _ in TIMES if key in ratios))
    print("\nBounds:")
    for line in bounds(result):
        print(f"  {line}")
    print("\nAll four networks under load:", *(json.dumps(level) for level in result["load"]), sep="\n  ")
    print("\nA growing ledger:", *(json.dumps(grown) for grown in result["growth"]), sep="\n  ")


def bounds(result: dict) -> list[str]:
    lines = []
    for setting, key, peer, most in BOUNDS:
        found = result["postback_over"].get(peer, {}).get(setting, {}).get(key)
        if found is not None:
            lines.append(f"{'ok  ' if found <= most else 'OVER'} {setting} {key}: {found:.3f} of {peer}, at most {most}")
    for name, size in result["packages"].items():
        if name not in LABELS:
            lines.append(f"{'ok  ' if size['zipped'] <= 4 * MIB else 'OVER'} package {name}: {size['zipped'] / MIB:.2f} MiB, at most 4")
    for one in result.get("answers", []):
        lines.append(f"{'ok  ' if one['longest_ms'] <= 1000 else 'OVER'} answers to {one['name']}: {one['longest_ms']:.0f} ms, at most 1000")
    return lines


def answers(result: dict) -> list[str]:
    """The table of the answers to the shop systems; nothing where they were not measured."""
    if not result.get("answers"):
        return []
    lines = ["The answer to a shop system's signed message of a paid order, with the delays and the share of the first table, and EventBridge as far away as"]
    lines += [f"SQS ({result['settings']['near']['delays']['queue']} ms). It has to come within [a second](extending.md#a-shop-system); the gateway's part is not in it.", ""]
    lines += ["| | cold start, ms | ms | 99th percentile, ms | longest of all, ms |", "|---|---|---|---|---|"]
    figures = ("cold_ms", "warm_ms", "warm_p99_ms", "longest_ms")
    return [*lines, *(" | ".join([f"| {one['name']}", *(f"{one[key]:.1f}" for key in figures)]) + " |" for one in result["answers"]), ""]


def growth(result: dict) -> list[str]:
    """The table of a growing ledger."""
    lines = ["A growing ledger: single orders at ShopBack, with a whole core; all services answer at once.", ""]
    lines += ["| deliveries in the ledger | one order, ms | 99th percentile, ms | processor, ms for 1000 orders | write units |", "|---|---|---|---|---|"]
    figures = ("warm_ms", "warm_p99_ms", "cpu_ms_per_1000", "write_units_per_order")
    return [*lines, *(" | ".join([f"| {one['items']:,}", *(f"{one[key]:.4g}" for key in figures)]) + " |" for one in result["growth"]), ""]


def behind(result: dict) -> list[str]:
    """The rows in which a peer is ahead."""
    named = []
    for setting, ratios in result["postback_over"].get("best", {}).items():
        titles = [f"{title.replace(', ms', '')} ({ratios[key]:.2f})" for key, title in TIMES if ratios.get(key, 0) > 1.0]
        if titles:
            named.append(f"- {captions(result)[setting]} {'; '.join(titles)}.")
    return named


def table(result: dict, setting: str) -> list[str]:
    names = [name for name in LABELS if setting in result["figures"].get(name, {})]
    packages = {**result["packages"], "postback": result["packages"]["shopback"]}

    def cell(name: str, key: str) -> str:
        found, (least, most) = result["figures"][name][setting][key], result["least_and_most"][name][setting][key]
        digits = 0 if found >= 100 else 1
        return f"{found:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"

    rows = [(title, [cell(name, key) for name in names]) for key, title in TIMES if key in result["figures"][names[0]][setting]]
    if any(result["settings"][setting]["delays"].values()):
        rows.append(("a million orders by direct calls, USD: Lambda, DynamoDB", [f"{dollars(result, name, setting):.2f}" for name in names]))
    if setting == "no_delays":
        one = {name: result["figures"][name][setting] for name in names}
        rows.append(("package, MiB zipped", [f"{packages[name]['zipped'] / MIB:.1f}" for name in names]))
        rows.append(("write units: order, duplicate", [f"{each['write_units_per_order']:g}, {each['write_units_per_duplicate']:g}" for each in one.values()]))
    lines = ["| | " + " | ".join(LABELS[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    return lines + [f"| {title} | " + " | ".join(cells) + " |" for title, cells in rows]


def dollars(result: dict, name: str, setting: str) -> float:
    """What Lambda and DynamoDB charge for a million orders, one a call, on the list prices of docs/costs.md. Nobody's logs are in it."""
    one, memory = result["figures"][name][setting], result["settings"][setting]["memory"]
    seconds = one["warm_ms"] / 1000 * memory / 1024
    each = PRICES["Lambda request"] + seconds * PRICES["Lambda GB-second, x86_64"]
    each += one["write_units_per_order"] * PRICES["DynamoDB write unit"] + one["read_units_per_order"] * PRICES["DynamoDB read unit"]
    return 1_000_000 * each


def captions(result: dict) -> dict[str, str]:
    """The title of each setting's table."""
    said = {}
    for name, setting in result["settings"].items():
        delays = setting["delays"]
        share = f"the processor share of {setting['memory']} MB" if result["shares"] else "a whole core, because this machine sets no quotas"
        near = f"The network answers after {delays['network']} ms, DynamoDB after {delays['dynamodb']}, Secrets Manager after {delays['secrets']}"
        said[name] = f"{near if any(delays.values()) else 'All services answer at once'}; {share}."
    return said


def tables(result: dict) -> list[str]:
    lines = []
    for setting, caption in captions(result).items():
        lines += [caption, "", *table(result, setting), ""]
    ahead = behind(result)
    lines += [*answers(result), *growth(result)]
    return lines + (["A peer is ahead (our median over the best peer's):", "", *ahead] if ahead else ["In no row is a peer ahead."])


def write(result: dict) -> None:
    docs = ROOT / "docs"
    (docs / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    (docs / "bench.svg").write_text(plot(result))
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    caption = (
        f"{result['date']}, commit {result['commit']}, {result['machine']}, {versions}; medians of {result['rounds']} rounds (in brackets the least and "
        "the most of a round's). [All figures](bench.json), [plot](bench.svg)."
    )
    insert(docs / "performance.md", [caption, "", *tables(result)])
    insert(ROOT / "README.md", small_table(result))
    print("\nWrote docs/bench.json, docs/bench.svg and the tables in docs/performance.md and README.md")


def insert(page: Path, lines: list[str]) -> None:
    """Puts the lines between the page's marks."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"{page.name} has no {BEGIN}")
    page.write_text("\n".join([before + BEGIN, *lines, END]) + after)


def small_table(result: dict) -> list[str]:
    """The figures of the README."""
    names = [name for name in LABELS if name in result["figures"]]
    rows = [("no_delays", "cold_ms", "cold start, all services at once, ms"), ("near", "warm_ms", "one order, network 40 ms away, ms"), ("near", "batch_ms", "batch of ten, the same, ms"), ("near", "peak_mib", "memory, MiB")]
    share = " at the processor share of 256 MB" if result["shares"] else ""
    caption = f"Beside what a shop would write itself, on one machine{share} ([how](docs/performance.md), [plot](docs/bench.svg)):"
    lines = [caption, "", "| | " + " | ".join(LABELS[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    return lines + [f"| {title} | " + " | ".join(f"{result['figures'][name][setting][key]:.0f}" for name in names) + " |" for setting, key, title in rows]


def plot(result: dict) -> str:
    """Draws bars, one panel for each figure, each with its own scale."""
    names = [name for name in LABELS if name in result["figures"]]
    packages = {**result["packages"], "postback": result["packages"]["shopback"]}
    panels = [
        ("Cold start (no delays), ms", {name: result["figures"][name]["no_delays"]["cold_ms"] for name in names}),
        ("One order (near), ms", {name: result["figures"][name]["near"]["warm_ms"] for name in names}),
        ("SQS batch of ten (near), ms", {name: result["figures"][name]["near"]["batch_ms"] for name in names}),
        ("Processor, ms for 1000 orders", {name: result["figures"][name]["no_delays"]["cpu_ms_per_1000"] for name in names}),
        ("Most memory, MiB", {name: result["figures"][name]["near"]["peak_mib"] for name in names}),
        ("Package, MiB zipped", {name: packages[name]["zipped"] / MIB for name in names}),
    ]
    width, row, columns = 760, 20, 2
    panel_height = 34 + row * len(names)
    height = 58 + panel_height * ((len(panels) + 1) // columns)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        "<title>Postback compared with functions a shop would write itself</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for at, (title, values) in enumerate(panels):
        left, top = 16 + (at % columns) * (width // columns), 14 + (at // columns) * panel_height
        lines.append(f'<text x="{left}" y="{top + 12}" font-weight="600" fill="#1f2328">{title}</text>')
        most = max(values.values()) or 1
        for line, (name, value) in enumerate(values.items()):
            y = top + 20 + line * row
            bar = max(1.0, 150 * value / most)
            color = "#0969da" if name == "postback" else "#afb8c1"
            digits = 0 if value >= 100 else 1
            lines.append(f'<text x="{left}" y="{y + 12}" fill="#57606a">{LABELS[name]}</text>')
            lines.append(f'<rect x="{left + 135}" y="{y + 2}" width="{bar:.1f}" height="13" fill="{color}"/>')
            lines.append(f'<text x="{left + 141 + bar:.1f}" y="{y + 12}" fill="#1f2328">{value:.{digits}f}</text>')
    machine = f"{result['date']}. {result['machine']}."
    settings = f"Near: {captions(result)['near']} Medians of {result['rounds']} rounds."
    lines.append(f'<text x="16" y="{height - 26}" fill="#57606a" font-size="11">{machine}</text>')
    lines.append(f'<text x="16" y="{height - 11}" fill="#57606a" font-size="11">{settings}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
