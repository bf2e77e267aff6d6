"""`make drill NAME=wrong-token`: a night of the runbook's on this machine, from the alarm to the proof that it is over.

It starts with a ledger of its own, on free ports; brings the situation about (drills.py); shows what an operator sees and the runbook's
section; runs that section's commands, and counts them. WITH=console uses the console where it has a page. With INTERACTIVE=1 it leaves
them to the person at the keyboard. It fails unless, at the end, every order is reported once, nothing needs anybody, and it took the commands
and pages that the runbook says.
"""

import os
import re
import signal
import sys
import textwrap
import time

import quick
from build import LOCAL, ROOT
from desk import DESKS, Desk
from drills import DRILLS, Drill
from local import free_port, isolate
from machine import Failure
from progress import NumberedSteps
from proxy import AwsProxy
from stack import Stack
from tool import Tool

NAME = os.environ.get("NAME") or ""
WITH = os.environ.get("WITH") or "tool"
INTERACTIVE = os.environ.get("INTERACTIVE", "") not in ("", "0")
# What waits comes round every quarter of an hour at the latest.
PATIENCE_SECONDS = 1200
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    try:
        if NAME not in DRILLS:
            raise Failure(f"Name the drill: make drill NAME=… with one of {', '.join(DRILLS)}.")
        if WITH not in DESKS:
            raise Failure(f"Name what it is done with: WITH=… with one of {', '.join(DESKS)}.")
        isolate()
        packages = quick.install(LOCAL / "drill-programs")
        stack = Stack(LOCAL / "drill", packages.parent / "postback-sandbox", free_port(), free_port(), packages)
        stack.step = NumberedSteps(2)
        proxy = AwsProxy(stack.port)
        stack.functions_endpoint = proxy.url
        try:
            stack.start(anew=True)
            stack.deploy()
            desk = DESKS[WITH](Tool(packages.parent / "postback", stack))
            try:
                return run(stack, DRILLS[NAME](stack, proxy), desk)
            finally:
                desk.close()
        finally:
            for ending in ENDINGS:
                signal.signal(ending, signal.SIG_IGN)
            stack.stop()
            proxy.stop()
    except Failure as failure:
        print(f"\n{failure}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(stack: Stack, drill: Drill, desk: Desk) -> int:
    with stack.step(f"Bringing it about: {drill.about.rstrip('.')}"):
        drill.seed()
    print(f"\nThe night begins with: {drill.alarm}\nThe runbook's section:\n")
    print(textwrap.indent(section(drill.section), "  | ", lambda line: True))
    if INTERACTIVE:
        print("\nUse the tool:\n  " + desk.tool.exports("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"))
        print(f"  {desk.tool.exports('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')}\n  alias postback={desk.tool.program}")
    for by, what, do in drill.steps():
        print(f"\n── {by}: {what}", flush=True)
        if by == "operator" and INTERACTIVE:
            input("   Press Enter when you have done it. ")
        else:
            do(desk)
    print()
    with stack.step("Waiting until every order is reported once and nothing needs anybody"):
        faults = left(drill, desk)
    if faults:
        print("\nNot resolved:\n  " + "\n  ".join(faults))
        return 1
    counted = "" if INTERACTIVE else f" It took {desk.counted()}."
    print(f"\nResolved: every order is reported once, and nothing needs anybody.{counted}")
    if not INTERACTIVE and desk.counted() != drill.counted[desk.way]:
        print(f"The runbook says {drill.counted[desk.way]}.")
        return 1
    return 0


def left(drill: Drill, desk: Desk) -> list[str]:
    """What is not as it should be in the end; most of it ends by itself after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (faults := [*drill.faults(), *desk.needs()]) and time.monotonic() < deadline:
        time.sleep(2)
    return faults


def section(heading: str) -> str:
    """A section of the runbook."""
    text = (ROOT / "docs/runbook.md").read_text()
    found = re.search(rf"^## {re.escape(heading)}\n.*?(?=^## )", text, re.M | re.S)
    if not found:
        raise Failure(f"The runbook has no section {heading}.")
    return found.group().strip()


if __name__ == "__main__":
    sys.exit(main())
