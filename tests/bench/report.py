"""Turns the measurements into docs/bench.json, docs/bench.svg and the table in docs/performance.md."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"

LABELS = {
    "postback": "Postback",
    "minimal-rust": "Rust, minimal",
    "node": "Node.js + Powertools",
    "python": "Python + Powertools",
}
MIB = 2**20

# The bounds of our figures divided by those of minimal-rust: setting, figure, maximum.
BOUNDS = [
    ("delayed", "cold_ms", 1.0),
    ("plain", "cold_ms", 0.9),
    ("delayed", "warm_ms", 1.0),
    ("plain", "warm_ms", 1.15),
    ("delayed", "batch_ms", 1.0),
    ("plain", "peak_mib", 1.25),
]


def summarize(measured: dict, about: dict, settings: dict) -> dict:
    """Medians over the rounds, and the medians of the ratios of each round."""
    figures: dict = {}
    ratios: dict = {}
    for setting, rounds in measured["rounds"].items():
        for name in rounds[0]:
            figures.setdefault(name, {})[setting] = middle([one[name] for one in rounds])
            if name != "postback":
                over = [divided(one["postback"], one[name]) for one in rounds]
                ratios.setdefault(name, {})[setting] = middle(over)
    return {
        **about,
        "rounds": max(len(rounds) for rounds in measured["rounds"].values()),
        "delays_ms": {name: setting["delays"] for name, setting in settings.items()},
        "figures": figures,
        "postback_over": ratios,
        "load": rounded(measured["load"]),
        "growth": rounded(measured["growth"]),
    }


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
    print("\n".join(table(result)))
    print("\nOur figures over those of the peers:")
    for name, settings in result["postback_over"].items():
        for setting, ratios in settings.items():
            shown = ("cold_ms", "warm_ms", "warm_p99_ms", "batch_ms", "duplicate_ms", "cpu_ms_per_1000", "peak_mib")
            print(f"  {name:13} {setting:12}", *(f"{key} {ratios[key]:.2f}" for key in shown if key in ratios))
    print("\nBounds:")
    for line in bounds(result):
        print(f"  {line}")
    print("\nAll four networks under load:", *(json.dumps(level) for level in result["load"]), sep="\n  ")
    print("\nA growing ledger:", *(json.dumps(grown) for grown in result["growth"]), sep="\n  ")


def bounds(result: dict) -> list[str]:
    lines = []
    over = result["postback_over"]
    for setting, key, most in BOUNDS:
        found = over.get("minimal-rust", {}).get(setting, {}).get(key)
        if found is not None:
            lines.append(f"{'ok  ' if found <= most else 'OVER'} {setting} {key}: {found:.2f}, at most {most}")
    for name in ("node", "python"):
        found = over.get(name, {}).get("delayed", {}).get("cold_ms")
        if found:
            lines.append(f"{'ok  ' if found <= 0.1 else 'OVER'} delayed cold_ms: {1 / found:.1f} times faster than {name}, at least 10")
    for name, size in result["packages"].items():
        if name not in LABELS:
            lines.append(f"{'ok  ' if size['zipped'] <= 4 * MIB else 'OVER'} package {name}: {size['zipped'] / MIB:.2f} MiB, at most 4")
    return lines


def table(result: dict) -> list[str]:
    figures = {name: result["figures"][name] for name in LABELS if name in result["figures"]}
    packages = {**result["packages"], "postback": result["packages"]["shopback"]}

    def both(key: str, digits: int) -> list[str]:
        return [f"{one['delayed'][key]:.{digits}f} ({one['plain'][key]:.{digits}f})" for one in figures.values()]

    def plain(key: str, digits: int) -> list[str]:
        return [f"{one['plain'][key]:.{digits}f}" for one in figures.values()]

    rows = [
        ("cold start, ms", both("cold_ms", 1)),
        ("one order, ms", both("warm_ms", 1)),
        ("one order, 99th percentile, ms", both("warm_p99_ms", 1)),
        ("SQS batch of ten, ms", both("batch_ms", 1)),
        ("a duplicate, ms", both("duplicate_ms", 1)),
        ("processor, ms per 1000 orders", plain("cpu_ms_per_1000", 0)),
        ("peak memory, MiB", plain("peak_mib", 1)),
        ("package, MiB zipped", [f"{packages[name]['zipped'] / MIB:.1f}" for name in figures]),
        ("write units: order, duplicate", [f"{one['plain']['write_units_per_order']:g}, {one['plain']['write_units_per_duplicate']:g}" for one in figures.values()]),
    ]
    lines = ["| | " + " | ".join(LABELS[name] for name in figures) + " |", "|---" * (len(figures) + 1) + "|"]
    return lines + [f"| {title} | " + " | ".join(cells) + " |" for title, cells in rows]


def write(result: dict) -> None:
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    (docs / "bench.svg").write_text(plot(result))
    page = docs / "performance.md"
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"docs/performance.md has no {BEGIN}")
    delays = result["delays_ms"]["delayed"]
    caption = (
        f"{result['date']}, {result['machine']}; medians of {result['rounds']} rounds, with {delays['network']} ms at the network and "
        f"{delays['dynamodb']} ms at DynamoDB (in brackets: without). [All figures](bench.json), [plot](bench.svg)."
    )
    page.write_text("\n".join([before + BEGIN, caption, "", *table(result), END]) + after)
    print("\nWrote docs/bench.json, docs/bench.svg and the table in docs/performance.md")


def plot(result: dict) -> str:
    """Draws bars, one panel for each figure, each with its own scale."""
    names = [name for name in LABELS if name in result["figures"]]
    packages = {**result["packages"], "postback": result["packages"]["shopback"]}
    panels = [
        ("Cold start, ms", {name: result["figures"][name]["delayed"]["cold_ms"] for name in names}),
        ("One order, ms", {name: result["figures"][name]["delayed"]["warm_ms"] for name in names}),
        ("SQS batch of ten, ms", {name: result["figures"][name]["delayed"]["batch_ms"] for name in names}),
        ("Processor, ms per 1000 orders", {name: result["figures"][name]["plain"]["cpu_ms_per_1000"] for name in names}),
        ("Peak memory, MiB", {name: result["figures"][name]["plain"]["peak_mib"] for name in names}),
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
    delays = result["delays_ms"]["delayed"]
    machine = f"{result['date']}. {result['machine']}."
    settings = f"Times with {delays['network']} ms at the network and {delays['dynamodb']} ms at DynamoDB; medians of {result['rounds']} rounds."
    lines.append(f'<text x="16" y="{height - 26}" fill="#57606a" font-size="11">{machine}</text>')
    lines.append(f'<text x="16" y="{height - 11}" fill="#57606a" font-size="11">{settings}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
