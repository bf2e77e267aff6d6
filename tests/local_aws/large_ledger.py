"""`make large-ledger`: how soon the tool and the console show something of a large ledger (ITEMS, a million unless set).

It fails unless the first rows are there within ROWS_SECONDS of the start, and what needs a person within NEEDS_SECONDS; of what is
read from the index of what waits, all of it. The ledger is on this machine, in an emulator of DynamoDB that shares the processors with
what reads it: it says how soon the first rows come, and nothing about how fast DynamoDB is.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from build import ROOT, target_directory
from desk import Page, Session
from local import local_environment

ITEMS = int(os.environ.get("ITEMS") or 1_000_000)
# Optimised, as a ledger of a million takes hours to write otherwise; the tool as it is released.
PROGRAMS = {"postback-console-bed": "measure", "postback": "tool"}
ROWS_SECONDS, NEEDS_SECONDS = 3, 5
# The lists that the index of what waits holds.
INDEXED = ["--held", "--state parked", "--claim-back", "--conflicts"]
# What reads the whole ledger: of that, the first rows count.
WHOLE = ["orders list", "console /orders"]


def main() -> int:
    programs = {name: program(name, profile) for name, profile in PROGRAMS.items()}
    print(f"Writing {ITEMS:,} deliveries …", flush=True)
    began = time.monotonic()
    bed = subprocess.Popen(
        [programs["postback-console-bed"], str(ITEMS)], env=local_environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        variables = {**local_environment(), **json.loads(bed.stdout.readline())}
        print(f"… in {time.monotonic() - began:.0f} s", flush=True)
        tool = programs["postback"]
        commands = [("orders list", "EUR", ROWS_SECONDS), *((f"orders list {option}", "EUR", ROWS_SECONDS) for option in INDEXED)]
        commands += [("status", "need a person", NEEDS_SECONDS)]
        pages = [("/", "cartstack: ", NEEDS_SECONDS), ("/orders", "EUR", ROWS_SECONDS), ("/orders?which=held", "EUR", ROWS_SECONDS)]
        within = [show(words, at_terminal([tool, *words.split()], variables, first), bound) for words, first, bound in commands]
        within += [show(f"console {path}", opened(tool, variables, path, first), bound) for path, first, bound in pages]
        compare(tool, variables)
    finally:
        os.killpg(bed.pid, signal.SIGKILL)
    return 0 if all(within) else 1


def program(name: str, profile: str) -> str:
    subprocess.run(["cargo", "build", "--locked", "--workspace", "--profile", profile, "--bin", name], cwd=ROOT, check=True)
    return str(target_directory() / profile / name)


def show(what: str, times: tuple[float | None, float], bound: float) -> bool:
    """Prints the two times, and returns if the one that counts is within its bound."""
    first, whole = times
    is_within = first is not None and (first if what in WHOLE else whole) <= bound
    shown = "  never" if first is None else f"{first:5.1f} s"
    print(f"{what:<28} first {shown}   whole {whole:6.1f} s   {'' if is_within else 'NOT '}within {bound} s", flush=True)
    return is_within


def compare(tool: str, variables: dict) -> None:
    """Compares a report of one network's part of the ledger, and prints the time and the most memory that it took."""
    today = datetime.now(UTC).date()
    # As the seed has them.
    cents = {number: 990 + number * 137 % 9_000 for number in range(0, ITEMS, 4)}
    lines = [f"O-{number:07},{today},{amount // 100}.{amount % 100:02},EUR" for number, amount in cents.items()]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.csv"
        report.write_text("\n".join(["Order ID,Date,Amount,Currency", *lines]))
        command = [tool, "reconcile", "--network", "shopback", "--report", str(report), "--format", "generic"]
        began = time.monotonic()
        child = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
    # 6: they differ, as what the network rejected is in the report, too.
    if os.waitstatus_to_exitcode(status) != 6:
        raise RuntimeError(f"reconcile ended with {os.waitstatus_to_exitcode(status)}")
    print(f"{f'reconcile, {len(lines):,} lines':<28} whole {time.monotonic() - began:6.1f} s   at most {used.ru_maxrss // 1024} MiB", flush=True)


def at_terminal(command: list[str], variables: dict, words: str) -> tuple[float | None, float]:
    """The seconds until a program has shown the words that are looked for, and until its end."""
    began = time.monotonic()
    child, screen = pty.fork()
    if child == 0:
        os.execve(command[0], command, variables)
    shown, first = "", None
    while True:
        if not select.select([screen], [], [], 1)[0]:
            continue
        try:
            piece = os.read(screen, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece.decode(errors="replace")
        if first is None and words in shown:
            first = time.monotonic() - began
    os.waitpid(child, 0)
    os.close(screen)
    return first, time.monotonic() - began


def opened(tool: str, variables: dict, path: str, words: str) -> tuple[float | None, float]:
    """The seconds from the start of a console until a page of it shows these words, and until it is whole."""
    began, first = time.monotonic(), None
    console = subprocess.Popen([tool, "console", "--json"], env=variables, stdout=subprocess.PIPE, text=True)
    try:
        pages = Session(json.loads("".join(iter(console.stdout.readline, "}\n")) + "}")["url"])
        while True:
            _, _, text = pages.call("GET", path)
            if first is None and words in " ".join(Page(text).texts):
                first = time.monotonic() - began
            if "data-refresh=" not in text:
                return first, time.monotonic() - began
            time.sleep(0.2)
    finally:
        console.terminate()
        console.wait()


if __name__ == "__main__":
    sys.exit(main())
