"""The example orders of `make run`: reads them, posts them so that none meets another, compares them and shows them.

An example (examples/orders/*.json, in the order of their names):

    {
      "about": "what it shows, in one line",
      "post": "/orders",                          or "/orders/<network>"
      "after": "A-1001",                          left out, or another order that must have reached its states before
      "order": { … },                             what is posted, unchanged
      "expect": {
        "answer": 202,                            the status of the answer to the post
        "states": { "shopback": { "state": "rejected", "reason": "invalid_click" } }
      }
    }

`states` is what GET /orders/{order_id} shows in the end: all networks that have a delivery, and no others. Without
`reason`, any will do. A later example may post the same order again: it is posted once the earlier one has reached its
states, or a final one that the later post changes, and both must expect the same. The ledger outlives the run, so all of it must hold as well when everything is
posted once more.
"""

import json
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from build import ROOT
from machine import Failure

# How long an example may take to reach its states on a busy machine.
PATIENCE_SECONDS = 150
# A state that nothing changes any more.
FINAL = {"delivered", "accepted", "skipped", "rejected", "withdrawn", "abandoned"}
WIDTH = 100


@dataclass
class Example:
    """An example order, and its results so far."""

    file: str
    about: str
    post: str
    order: dict
    answer: int
    states: dict
    after: str = ""
    answered: int = 0
    answer_text: str = ""
    deliveries: dict = field(default_factory=dict)

    @property
    def order_id(self) -> str:
        return self.order["order_id"]

    def wrong(self) -> list[str]:
        """All that is not as expected, in words; empty when everything is."""
        faults = []
        if self.answered != self.answer:
            faults.append(f"POST {self.post} answered {self.answered}, expected {self.answer}: {self.answer_text}")
        for network in sorted({*self.deliveries, *self.states}):
            expected, actual = self.states.get(network), self.deliveries.get(network)
            if not agrees(expected, actual):
                faults.append(f"{network} is {words(actual)}, expected {words(expected)}")
        return faults

    def may_still_agree(self) -> bool:
        """False once waiting is pointless: the answer is another, or a final state is."""
        if self.answered != self.answer or set(self.deliveries) - set(self.states):
            return False
        found = self.deliveries.items()
        return all(agrees(self.states[name], each) or each["state"] not in FINAL for name, each in found)


def agrees(expected: dict | None, actual: dict | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return all(actual.get(key) == value for key, value in expected.items())


def words(delivery: dict | None) -> str:
    """A delivery in short: `rejected: invalid_click`."""
    if delivery is None:
        return "–"
    return ": ".join(word for word in (delivery["state"], delivery.get("reason")) if word)


def load(folder: Path = ROOT / "examples" / "orders") -> list[Example]:
    examples = []
    for path in sorted(folder.glob("*.json")):
        example = json.loads(path.read_text())
        expect = example["expect"]
        examples.append(
            Example(
                file=path.name,
                about=example["about"],
                post=example["post"],
                order=example["order"],
                answer=expect["answer"],
                states=expect["states"],
                after=example.get("after", ""),
            )
        )
    return examples


def run(stack, examples: list[Example]) -> None:
    """Posts every example and waits until each is as expected, or can't be any more."""
    posted: list[Example] = []
    for example in examples:
        wait(stack, [each for each in posted if each.order_id in (example.order_id, example.after)])
        answer = stack.api("POST", example.post, example.order)
        example.answered, example.answer_text = answer.status, answer.text
        posted.append(example)
    wait(stack, examples)


def wait(stack, examples: list[Example]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for example in examples:
            example.deliveries = read_back(stack, example.order_id)
        open_ones = [example for example in examples if example.wrong() and example.may_still_agree()]
        if not open_ones or time.monotonic() > deadline:
            return
        time.sleep(0.3)


def read_back(stack, order_id: str) -> dict:
    """The deliveries of an order by network, as GET /orders/{order_id} has them. An unknown order has none."""
    answer = stack.api("GET", f"/orders/{quote(order_id, safe='')}")
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise Failure(f"GET /orders/{order_id} answered {answer.status}: {answer.text}")
    return {delivery["network"]: delivery for delivery in answer.json["deliveries"]}


def table(examples: list[Example], networks: list[str], width: int = WIDTH) -> str:
    """An order's states by network, at most `width` columns wide as long as the networks fit."""
    rows = [["order", *networks]]
    for example in examples:
        states = [example.deliveries[name]["state"] if name in example.deliveries else "–" for name in networks]
        rows.append([example.order_id, *states])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = max(width - sum(widths) - 2 * len(widths), 20)
    lines = [*_lines(rows[0], widths, "about it", room), "─" * (sum(widths) + 2 * len(widths) + room)]
    for row, example in zip(rows[1:], examples):
        lines += _lines(row, widths, _about(example), room)
    return "\n".join(lines)


def _about(example: Example) -> str:
    """The order in words, with the reasons of its states and an answer other than the usual 202."""
    more = sorted({each["reason"] for each in example.deliveries.values() if each.get("reason")})
    if example.answered != 202:
        more.insert(0, f"HTTP {example.answered}")
    return f"{example.about} ({', '.join(more)})" if more else example.about


def _lines(row: list[str], widths: list[int], text: str, room: int) -> list[str]:
    first, *others = textwrap.wrap(text, room)
    start = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths))
    return [start + first, *(" " * len(start) + other for other in others)]
