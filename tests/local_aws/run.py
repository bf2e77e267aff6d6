"""`make run`: brings the whole bundle up, posts the example orders and shows what came of each at every network.

With ONCE=1 it ends there, and fails unless every state is the expected one. Otherwise it stays up until Ctrl-C.

An example (examples/orders/*.json, posted in the order of their names):

    {
      "about": "what it shows, in one line",
      "post": "/orders",                          or "/orders/<network>"
      "order": { … },                             what is posted, as it stands
      "expect": {
        "answer": 202,                            the status of the answer to the post
        "states": { "shopback": { "state": "rejected", "reason": "invalid_click" } }
      }
    }

`states` is what GET /orders/{order_id} shows in the end: all networks that have a delivery, and no others. Without
`reason`, any will do. A later example may post the same order again: then both show the same row, so both must expect
the same. The ledger outlives the run, so all of it must hold as well when everything is posted once more.
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from build import LOCAL, ROOT, Failure, build
from stack import NETWORKS, Stack, isolate, step

PORT = int(os.environ.get("PORT") or 4570)
SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT") or 4580)
ONCE = os.environ.get("ONCE", "") not in ("", "0")
# How long the slowest example may take to reach its state.
PATIENCE_SECONDS = 90


@dataclass
class Example:
    """An example order, and what has come of it so far."""

    file: str
    about: str
    post: str
    order: dict
    answer: int
    states: dict
    answered: int = 0
    answer_text: str = ""
    deliveries: dict | None = None

    @property
    def order_id(self) -> str:
        return self.order["order_id"]

    def wrong(self) -> list[str]:
        """What is not as expected, in words; empty when all is."""
        found = self.deliveries or {}
        faults = []
        if self.answered != self.answer:
            faults.append(f"POST {self.post} answered {self.answered}, expected {self.answer}: {self.answer_text}")
        for network in sorted({*found, *self.states}):
            expected, actual = self.states.get(network), found.get(network)
            if expected is None or actual is None or not agrees(expected, actual):
                faults.append(f"{network} is {words(actual)}, expected {words(expected)}")
        return faults


def agrees(expected: dict, actual: dict) -> bool:
    return all(actual.get(key) == value for key, value in expected.items())


def words(delivery: dict | None) -> str:
    """A delivery as the table shows it: `rejected: invalid_click`."""
    if delivery is None:
        return "–"
    return ": ".join(word for word in (delivery["state"], delivery.get("reason")) if word)


def main() -> int:
    # Every way of being told to end takes the same way out, so that nothing is left running.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        sandbox_program = build()
        isolate()
        stack = Stack(LOCAL / "run", sandbox_program, PORT, SANDBOX_PORT)
        try:
            return run(stack)
        finally:
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(ending, signal.SIG_IGN)
            print()
            with step("Stopping"):
                stack.stop()
    except Failure as failure:
        print(f"\n{failure}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(stack: Stack) -> int:
    stack.start()
    stack.deploy()
    examples = load_examples()
    post(stack, examples)
    with step("Waiting for every order to reach its state"):
        wait(stack, examples)
    print()
    print(table(examples))
    faults = [f"{example.file}: {fault}" for example in examples for fault in example.wrong()]
    if faults:
        print("\nNot as expected:", *faults, f"What the functions said: {relative(stack.logs)}/*.log", sep="\n  ")
    if ONCE:
        return 1 if faults else 0
    print(manual(stack))
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


def load_examples() -> list[Example]:
    examples = []
    for path in sorted((ROOT / "examples" / "orders").glob("*.json")):
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
            )
        )
    return examples


def post(stack: Stack, examples: list[Example]) -> None:
    with step(f"Posting {len(examples)} example orders"):
        for example in examples:
            answer = stack.api("POST", example.post, example.order)
            example.answered, example.answer_text = answer.status, answer.text


def wait(stack: Stack, examples: list[Example]) -> None:
    """Reads every order back until all are as expected, or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for example in examples:
            if example.deliveries is None or example.wrong():
                example.deliveries = read_back(stack, example.order_id)
        if not any(example.wrong() for example in examples) or time.monotonic() > deadline:
            # Once more, all of them: nothing may have come after what was expected.
            for example in examples:
                example.deliveries = read_back(stack, example.order_id)
            return
        time.sleep(0.5)


def read_back(stack: Stack, order_id: str) -> dict:
    """The deliveries of an order by network, as GET /orders/{order_id} has them. An unknown order has none."""
    answer = stack.api("GET", f"/orders/{quote(order_id, safe='')}")
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise Failure(f"GET /orders/{order_id} answered {answer.status}: {answer.text}")
    return {delivery["network"]: delivery for delivery in answer.json["deliveries"]}


def table(examples: list[Example]) -> str:
    names = [network.name for network in NETWORKS]
    rows = [["order", "posted to", *names, "what it shows"]]
    for example in examples:
        found = example.deliveries or {}
        rows.append([example.order_id, example.post, *(words(found.get(name)) for name in names), example.about])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def manual(stack: Stack) -> str:
    order = {
        "order_id": "MINE-1",
        "status": "completed",
        "completed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "currency": "INR",
        "total": "1499.00",
        "clicks": {"cashmycell": {"cmc_id": "abc123xyz789"}},
    }
    return f"""
Up. The API is at    {stack.base_url}
Post an order        curl -i {stack.base_url}/orders -H 'content-type: application/json' -d '{json.dumps(order)}'
Read it back         curl {stack.base_url}/orders/MINE-1
What networks got    curl {stack.sandbox_url}/_received
Logs                 {relative(stack.logs)}/<function>.log, emulator.log, sandbox.log
Stop                 Ctrl-C. The ledger is kept for the next run; `make clean-data` empties it."""


def relative(path: Path) -> Path:
    return path.relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main())
