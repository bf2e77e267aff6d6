"""`make large-ledger`: how soon the tool and the console show something of a large ledger (ITEMS, a million unless set).

The ledger is on this machine, in an emulator of DynamoDB that shares the processors with what reads it: it says how soon the first rows
come, and nothing about how fast DynamoDB is.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from build import ROOT, target_directory
from desk import Page, Session
from local import local_environment

ITEMS = int(os.environ.get("ITEMS") or 1_000_000)
# Optimised, as a ledger of a million takes hours to write otherwise; the tool as it is released.
PROGRAMS = {"postback-console-bed": "measure", "postback": "tool"}


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
        is_row, is_need = lambda text: "EUR" in text, lambda text: "need a person" in text
        show("orders list", at_terminal([tool, "orders", "list"], variables, is_row))
        show("orders list --held", at_terminal([tool, "orders", "list", "--held"], variables, is_row))
        show("status", at_terminal([tool, "status"], variables, is_need))
        for path, words in {"/": "cartstack: ", "/orders": "EUR", "/orders?which=held": "EUR"}.items():
            show(f"console {path}", opened(tool, variables, path, words))
    finally:
        os.killpg(bed.pid, signal.SIGKILL)
    return 0


def program(name: str, profile: str) -> str:
    subprocess.run(["cargo", "build", "--locked", "--workspace", "--profile", profile, "--bin", name], cwd=ROOT, check=True)
    return str(target_directory() / profile / name)


def show(what: str, times: tuple[float, float]) -> None:
    first, whole = times
    print(f"{what:<28} first {first:6.1f} s   whole {whole:6.1f} s", flush=True)


def at_terminal(command: list[str], variables: dict, is_first: Callable[[str], bool]) -> tuple[float, float]:
    """The seconds until a program has shown the first of what is looked for, and until its end."""
    began = time.monotonic()
    child, screen = pty.fork()
    if child == 0:
        os.execve(command[0], command, variables)
    shown, first = "", 0.0
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
        first = first or (time.monotonic() - began if is_first(shown) else 0.0)
    os.waitpid(child, 0)
    os.close(screen)
    return first, time.monotonic() - began


def opened(tool: str, variables: dict, path: str, words: str) -> tuple[float, float]:
    """The seconds from the start of a console until a page of it shows these words, and until it is whole."""
    began, first = time.monotonic(), 0.0
    console = subprocess.Popen([tool, "console", "--json"], env=variables, stdout=subprocess.PIPE, text=True)
    try:
        pages = Session(json.loads("".join(iter(console.stdout.readline, "}\n")) + "}")["url"])
        while True:
            _, _, text = pages.call("GET", path)
            first = first or (time.monotonic() - began if words in " ".join(Page(text).texts) else 0.0)
            if "data-refresh=" not in text:
                return first, time.monotonic() - began
            time.sleep(0.2)
    finally:
        console.terminate()
        console.wait()


if __name__ == "__main__":
    sys.exit(main())
