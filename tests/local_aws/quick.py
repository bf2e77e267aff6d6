"""Builds the functions, the sandbox and the command-line tool for `make run`: as fast as they build, not as they ship.

One cargo call and one profile (`quick`) for all of them, so that what they share is built once. Each copy of `make run`
takes its own copy of the programs, so that a later build never meets a program that runs. Needs the standard library only.
"""

import os
import shutil
import subprocess
import threading
import time
import zipfile
from pathlib import Path

from build import FUNCTIONS, ROOT, target_directory
from machine import Failure
from progress import CargoProgress

PROFILE = "quick"
# Package and program.
PROGRAMS = {"postback-sandbox": "postback-sandbox", "postback-cli": "postback", **{name: name for name in FUNCTIONS}}


class QuickBuild:
    """A cargo build under way."""

    def __init__(self):
        command = ["cargo", "build", "--profile", PROFILE, "--locked", "--message-format", "json-render-diagnostics"]
        command += [word for package in PROGRAMS for word in ("--package", package)]
        # A network's program is built with this feature only.
        command += ["--features", "lambda"]
        # The bar is the only place where cargo says how much there is to build. It wants a width outside a terminal.
        bar = {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": "120", "CARGO_TERM_COLOR": "never"}
        self._progress = CargoProgress((ROOT / "Cargo.lock").read_text().count('\nname = "aws-sdk-'))
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **bar}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, errors="replace",
        )  # fmt: skip
        # Text mode ends a line at a carriage return, too, as the bar's lines do.
        readers = [
            (self._process.stderr, self._progress.read_error_line),
            (self._process.stdout, self._progress.read_json_line),
        ]
        self._threads = [threading.Thread(target=_read, args=reader, daemon=True) for reader in readers]
        for thread in self._threads:
            thread.start()

    def running(self) -> bool:
        return self._process.poll() is None

    def status(self) -> str:
        return self._progress.status(time.monotonic() - self._started) if self.running() else "built"

    def succeeded(self) -> bool:
        return self._process.poll() == 0

    def terminate(self) -> None:
        self._process.terminate()

    def check(self) -> None:
        """Waits for the end, and fails with what cargo said unless all is built."""
        status = self._process.wait()
        for thread in self._threads:
            thread.join()
        if status != 0:
            said = "\n".join(self._progress.messages[-60:])
            raise Failure(f"{said}\n\nBuilding the functions failed: cargo's lines above say why.")


def _read(stream, take) -> None:
    for line in stream:
        take(line)


def install(home: Path) -> Path:
    """Copies what was built into `home`, the functions as packages. Returns the packages' folder.

    A copy is complete before it gets its name, and whoever runs an older one keeps it.
    """
    packages = home / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS.values():
        built = target_directory() / PROFILE / program
        function = program in FUNCTIONS
        copy = packages / f"{program}.zip" if function else home / program
        built_at = built.stat().st_mtime_ns
        if copy.exists() and copy.stat().st_mtime_ns == built_at:
            continue
        fresh = copy.with_suffix(".new")
        (pack if function else shutil.copy)(built, fresh)
        os.utime(fresh, ns=(built_at, built_at))
        fresh.replace(copy)
    return packages


def pack(program: Path, package: Path) -> None:
    """Writes a package as Lambda wants it. Not compressed: that took longer than all the rest of deploying it here."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, program.read_bytes())
