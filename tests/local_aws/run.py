"""`make run`: brings the whole bundle up, posts the example orders, shows the result of each at every network, then loses
answers and shows how each is settled.

With ONCE=1 it ends there, and fails unless everything is as expected. Otherwise it stays up until Ctrl-C. With SHOP=demo
it opens a shop instead (shop.py). start.py has built what it needs.
"""

import os
import signal
import sys
import time
from pathlib import Path

import examples
import quick
import shop
from build import LOCAL, ROOT
from local import isolate
from machine import Failure
from ports import PORT, SANDBOX_PORT, SHOP_PORT
from progress import NumberedSteps
from stack import NETWORKS, Stack
from stories import Stories, summary
from tool import Tool

ONCE = os.environ.get("ONCE", "") not in ("", "0")
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    # Every signal to end takes the same way out, so that nothing is left running.
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    try:
        isolate()
        # A copy on other ports keeps its data apart.
        home = LOCAL / ("run" if PORT == 4570 else f"run-{PORT}")
        packages = quick.install(home / "programs")
        stack = Stack(home, home / "programs" / "postback-sandbox", PORT, SANDBOX_PORT, packages)
        stack.step = NumberedSteps(2)
        try:
            return run(stack, Tool(home / "programs" / "postback", stack))
        finally:
            for ending in ENDINGS:
                signal.signal(ending, signal.SIG_IGN)
            print("\nStopping …", flush=True)
            stack.stop()
    except Failure as failure:
        print(f"\n{failure}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(stack: Stack, tool: Tool) -> int:
    stack.start()
    stack.deploy()
    return open_shop(stack, tool) if os.environ.get("SHOP") else demo(stack, tool)


def demo(stack: Stack, tool: Tool) -> int:
    """Posts the example orders and plays the stories."""
    # First, because a lookup takes minutes.
    stories = Stories(stack, tool)
    stories.begin()
    posted = examples.load()
    with stack.step(f"Posting {len(posted)} example orders"):
        examples.run(stack, posted)
        stories.until_lost()
    print()
    print(examples.table([*posted, stories.lost], [network.name for network in NETWORKS]))
    faults = [f"{example.file}: {fault}" for example in posted for fault in example.wrong()]
    if faults:
        print("\nNot as expected:", *faults, f"The functions' logs: {relative(stack.logs)}/*.log", sep="\n  ")
        if ONCE:
            return 1
    with stack.step("Lost answers", stories.status) as shown:
        stories.say = shown.say
        stories.play()
    print(f"\n{summary(stories.settled)}")
    if not ONCE:
        print(manual(stack, tool))
        until_interrupted()
    return 0


def open_shop(stack: Stack, tool: Tool) -> int:
    with shop.serving(stack, tool, SHOP_PORT) as address:
        print(f"\nThe shop is open: {address}\nFollow a network's link there, order, and see the order's state at each network.")
        print(f"\nLogs  {relative(stack.logs)}/<function>.log, emulator.log, sandbox.log\nStop  Ctrl-C", flush=True)
        until_interrupted()
    return 0


def until_interrupted() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def manual(stack: Stack, tool: Tool) -> str:
    completed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sandbox = stack.sandbox_url
    program = relative(tool.program)
    return f"""
Up. The API is at {stack.base_url}

Post an order, and read it back
  curl -i {stack.base_url}/orders -H 'content-type: application/json' \\
    -d '{{"order_id":"MINE-1","status":"completed","completed_at":"{completed_at}","currency":"INR",
         "total":"1499.00","clicks":{{"shopback":{{"transaction_id":"mine10000000000000000000000000"}}}}}}'
  curl {stack.base_url}/orders/MINE-1

Use the tool
  {tool.exports('AWS_ENDPOINT_URL', 'AWS_REGION')}
  {tool.exports('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')}
  {program} orders list --state unconfirmed
  {program} orders show MINE-1
  {program} orders --help

See what needs you in a browser, and decide there
  {program} console --write

Make the sandbox misbehave: lose ShopBack's next answer, take CartStack away, bring it back
  curl {sandbox}/_script -d '{{"network":"shopback","fault":{{"close":"after_reading"}}}}'
  curl {sandbox}/_outage -d '{{"network":"cartstack","on":true}}'
  curl {sandbox}/_outage -d '{{"network":"cartstack","on":false}}'
  curl {sandbox}/_held        (what each network counts; tests/sandbox/README.md has all of it)

Logs  {relative(stack.logs)}/<function>.log, emulator.log, sandbox.log
Stop  Ctrl-C. The ledger is kept for the next run; `make clean-data` empties it."""


def relative(path: Path) -> Path:
    return path.relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main())
