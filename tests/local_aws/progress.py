"""Progress that moves: one line rewritten in place on a terminal, a line every quarter of a minute in a log.

Needs the standard library only.
"""

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable

# How often the line changes: on a terminal, and in a log.
REFRESH_SECONDS = 0.5
LOG_SECONDS = 15.0
# Of `make run`, `make demo-outage` and `make drill`: building, starting, deploying, and two of their own, which the demo shop has not.
TOTAL_STEPS = 3 if os.environ.get("SHOP") else 5


class Step:
    """Shows a step while it is under way, and how long it took."""

    def __init__(self, title: str, status: Callable[[], str] = lambda: "", out=None, log_seconds: float = LOG_SECONDS):
        self._title = title
        self._status = status
        self._out = out or sys.stdout
        self._terminal = self._out.isatty()
        self._log_seconds = log_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> "Step":
        self._started = time.monotonic()
        if not self._terminal:
            self._write(f"{self._title} …\n")
        self._thread.start()
        return self

    def __exit__(self, kind, _error, _traceback) -> None:
        self._ended.set()
        self._thread.join()
        took = f"{time.monotonic() - self._started:.1f} s"
        outcome = took if kind is None else f"not done after {took}"
        start = "\r\x1b[K" if self._terminal else ""
        self._write(f"{start}{self._title}: {outcome}\n")

    def say(self, text: str) -> None:
        """Prints lines above the progress."""
        self._write(f"\r\x1b[K{text}\n" if self._terminal else f"{text}\n")

    def _show(self) -> None:
        while not self._ended.wait(REFRESH_SECONDS if self._terminal else self._log_seconds):
            status = self._status() or f"{time.monotonic() - self._started:.0f} s"
            if self._terminal:
                width = shutil.get_terminal_size().columns
                self._write("\r\x1b[K" + clipped(f"{self._title} … {status}", width - 1))
            else:
                self._write(f"{self._title} … {status}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class NumberedSteps:
    """Makes steps with their numbers: `[2/5] Deploying …`."""

    def __init__(self, first: int):
        self._next = first

    def __call__(self, title: str, status: Callable[[], str] = lambda: "") -> Step:
        number, self._next = self._next, self._next + 1
        return Step(f"[{number}/{TOTAL_STEPS}] {title}", status)


def clipped(text: str, width: int) -> str:
    """The text in at most `width` columns."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def in_words(seconds: float) -> str:
    """A time left: no finer than it can be known."""
    if seconds < 60:
        return f"about {max(10, round(seconds / 10) * 10)} s left"
    return f"about {round(seconds / 60)} min left"


class CargoProgress:
    """The progress of one cargo build, read from its two outputs.

    How many units there are is only in the progress bar on standard error; which ones have ended, and whether they had to
    be built, is in the JSON lines on standard output.
    """

    # A generated SDK takes as long as so many other crates together (seen: 19 s on average beside 0.6 s).
    SDK_WEIGHT = 30
    BAR = re.compile(r"Building \[[=> ]*\] (\d+)/(\d+)")
    ROUTINE = re.compile(r"(Compiling|Finished|Downloading|Downloaded|Blocking|Updating|Locking|Fresh|Building|Checking)\b")

    # Before there is a bar.
    PHASES = {"Blocking": "waiting for another cargo to end", "Downloading": "downloading crates", "Downloaded": "downloading crates"}

    def __init__(self, sdks: int):
        self.done = self.total = 0
        self._phase = "asking cargo"
        # All else from cargo and the compiler: shown when the build fails.
        self.messages: list[str] = []
        self._sdks = sdks
        self._sdks_done = 0
        self._built = 0

    def read_error_line(self, line: str) -> None:
        """Takes a line of standard error, where lines end in a line feed or a carriage return."""
        line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rstrip()
        bar = self.BAR.search(line)
        if bar:
            self.done, self.total = int(bar[1]), int(bar[2])
            return
        routine = self.ROUTINE.match(line.strip())
        if routine:
            self._phase = self.PHASES.get(routine[1], self._phase)
        elif line.strip():
            self.messages.append(line)

    def read_json_line(self, line: str) -> None:
        """Takes a line of standard output."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        if message.get("reason") != "compiler-artifact":
            return
        sdk = message["target"]["name"].startswith("aws_sdk_")
        self._sdks_done += sdk
        if not message.get("fresh"):
            self._built += self.SDK_WEIGHT if sdk else 1

    def seconds_left(self, elapsed: float) -> float | None:
        """An estimate, once enough has been built to make one."""
        if self._built < 20 or not self.total:
            return None
        left = self.total - self.done + (self._sdks - self._sdks_done) * (self.SDK_WEIGHT - 1)
        return max(left, 0) * elapsed / self._built

    def status(self, elapsed: float) -> str:
        """`123 of 345 crates, about 2 min left`."""
        if not self.total:
            return self._phase
        left = self.seconds_left(elapsed)
        words = f"{self.done} of {self.total} crates"
        return words if left is None else f"{words}, {in_words(left)}"
