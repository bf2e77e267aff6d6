"""`make demo-outage`: sends orders for two minutes while one network hangs for one of them, and shows live what waits and
what the others do. Ends by itself, and fails unless every network has counted every order once.

It starts with a ledger of its own, on free ports. RATE is the orders a second, NETWORK the one that hangs.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import quick
from build import LOCAL
from local import free_port, isolate
from machine import Failure
from progress import NumberedSteps
from stack import Stack
from stories import TITLES, an_order, clock, known
from tool import Tool

RATE = float(os.environ.get("RATE") or 2)
NETWORK = os.environ.get("NETWORK") or "shopback"
SENDING_SECONDS = 120
HANGS_FROM, HANGS_UNTIL = 30, 90
# How long it may take afterwards until every order is reported: growing pauses between attempts, and a lookup.
PATIENCE_SECONDS = 600
SHOWN_EVERY = 5
REPORTED = {"delivered", "accepted"}
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    try:
        if NETWORK not in TITLES:
            raise Failure(f"There is no network {NETWORK}: NETWORK is one of {', '.join(TITLES)}.")
        if NETWORK in ("cashmycell", "cartstack"):
            raise Failure(f"{TITLES[NETWORK]} is held for a person when it hangs: take NETWORK=shopback or cpa_moe.")
        isolate()
        home = LOCAL / "outage"
        packages = quick.install(home.with_name("outage-programs"))
        stack = Stack(home, packages.parent / "postback-sandbox", free_port(), free_port(), packages)
        stack.step = NumberedSteps(2)
        try:
            stack.start(anew=True)
            stack.deploy()
            return Outage(stack, Tool(packages.parent / "postback", stack)).run()
        finally:
            for ending in ENDINGS:
                signal.signal(ending, signal.SIG_IGN)
            stack.stop()
    except Failure as failure:
        print(f"\n{failure}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


class Outage:
    """The load, the network that hangs, and the counts."""

    def __init__(self, stack: Stack, tool: Tool):
        self._stack = stack
        self._tool = tool
        self._started = time.monotonic()
        # The orders that the API took.
        self._ids: set[str] = set()
        self._refused = 0
        self._lock = threading.Lock()

    def run(self) -> int:
        print(f"\nSending {RATE:g} orders a second to all four networks. Each column: reported + waiting.\n")
        print(heading())
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        events = [
            (HANGS_FROM, f"{TITLES[NETWORK]} hangs: it takes every call and answers none", {"on": True, "fault": {"hang": True}}),
            (HANGS_UNTIL, f"{TITLES[NETWORK]} answers again", {"on": False}),
        ]
        end = SENDING_SECONDS + PATIENCE_SECONDS
        while (elapsed := time.monotonic() - self._started) < end:
            if events and elapsed >= events[0][0]:
                _, title, outage = events.pop(0)
                self._stack.sandbox("POST", "/_outage", {"network": NETWORK, **outage})
                if not outage["on"]:
                    self._stack.sandbox("POST", "/_release")
                print(f"{clock(elapsed):>5}  ── {title}")
            reported = self._reported()
            print(row(elapsed, len(self._ids), reported), flush=True)
            if not sender.is_alive() and not events and all(reported[name] >= len(self._ids) for name in TITLES):
                break
            time.sleep(SHOWN_EVERY)
        return self._verdict()

    def _send(self) -> None:
        count = int(RATE * SENDING_SECONDS)
        with ThreadPoolExecutor(8) as pool:
            for number in range(count):
                pool.submit(self._post, f"OUTAGE-{number:04}")
                time.sleep(max(self._started + (number + 1) / RATE - time.monotonic(), 0))

    def _post(self, order_id: str) -> None:
        for _ in range(5):
            try:
                status = self._stack.api("POST", "/orders", an_order(order_id)).status
            except OSError:
                status = 0
            if status == 202:
                break
            # What the API asks for: send it again later.
            time.sleep(5)
        with self._lock:
            if status == 202:
                self._ids.add(order_id)
            else:
                self._refused += 1

    def _reported(self) -> Counter:
        deliveries = self._tool.deliveries()
        return Counter(each["network"] for each in deliveries if each["state"] in REPORTED and each["order_id"] in self._ids)

    def _verdict(self) -> int:
        held = self._stack.sandbox("GET", "/_held").json
        taken = len(self._ids)
        print(f"\n{taken} orders taken. What the networks count:\n")
        wrong = [f"{self._refused} orders were refused at the door"] if self._refused else []
        for name, title in TITLES.items():
            counts = [held.get(name, {}).get(known(an_order(each))[name], {}).get("count", 0) for each in self._ids]
            counted, twice = sum(count > 0 for count in counts), sum(count > 1 for count in counts)
            print(f"  {title:<10}  {counted} orders, {twice} of them more than once")
            if counted != taken or twice:
                wrong.append(f"{title} should count {taken} orders, each once")
        print("\n" + ("\n".join(wrong) if wrong else "Every order is reported once at every network."))
        return 1 if wrong else 0


def heading() -> str:
    return f"{'time':>5}  {'taken':>6}  " + "  ".join(f"{title:>12}" for title in TITLES.values())


def row(elapsed: float, taken: int, reported: Counter) -> str:
    cells = [f"{reported[name]} + {max(taken - reported[name], 0)}" for name in TITLES]
    return f"{clock(elapsed):>5}  {taken:>6}  " + "  ".join(f"{cell:>12}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
