#!/usr/bin/env python3
"""Puts the Python tools that build, deploy and emulate into `.local/`. Nothing outside the repository is touched.

Two virtual environments, because the SAM CLI and the emulator want different versions of the same packages:

    .local/venv-tools       cargo-lambda, SAM CLI, cfn-lint, pytest, Node.js for the examples in docs/
    .local/venv-emulator    ministack, the local AWS

Needs the standard library only. Run again, it does nothing unless a requirements file has changed.

To move to newer versions, edit a `requirements-*.in` and lock it with pip-tools on the oldest supported Python:

    pip-compile --generate-hashes --allow-unsafe --strip-extras --no-header \\
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \\
        -o requirements-tools.txt requirements-tools.in
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
HERE = Path(__file__).resolve().parent
LOCAL = HERE.parents[1] / ".local"


def main() -> None:
    check_machine()
    for name, what in [("tools", "cargo-lambda, SAM CLI, cfn-lint, pytest, Node.js"), ("emulator", "the local AWS")]:
        prepare(name, what)


def check_machine() -> None:
    """Says what is missing, and how to get it, before anything fails half way."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        stop(
            f"Python {version[0]}.{version[1]} is not supported: the pinned tools need {OLDEST[0]}.{OLDEST[1]} to "
            f"{NEWEST[0]}.{NEWEST[1]}.\nPoint to another one with:  make PYTHON=python3.12 run"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "Python's venv module is missing. Install it and run this again:\n"
            f"  Debian, Ubuntu:  sudo apt install python{version[0]}.{version[1]}-venv\n"
            "  elsewhere:       your system's package for Python's venv and ensurepip"
        )
    for program, how in [("cargo", "Install Rust: https://rustup.rs"), ("cc", "Install a C compiler and linker.")]:
        if shutil.which(program) is None:
            stop(f"`{program}` is not on the PATH. {how}")


def prepare(name: str, what: str) -> None:
    requirements = HERE / f"requirements-{name}.txt"
    environment = LOCAL / f"venv-{name}"
    stamp = environment / "prepared"
    # An environment knows its own path and Python: moved or upgraded, it is made anew.
    wanted = "\n".join([hashlib.sha256(requirements.read_bytes()).hexdigest(), str(environment), sys.version])
    if stamp.exists() and stamp.read_text() == wanted:
        return

    print(f"Installing {what} into {environment.relative_to(LOCAL.parent)} (once, about a minute)", flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(environment)], f"could not create {environment}")
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    # The lock names every package, so pip has nothing to resolve.
    locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    run([*pip, *locked], f"could not install {what}")
    stamp.write_text(wanted)


def run(command: list[str], failure: str) -> None:
    quiet = {} if os.environ.get("VERBOSE") else {"stdout": subprocess.DEVNULL}
    if subprocess.run(command, **quiet).returncode != 0:
        stop(f"{failure}: the lines above say why")


def stop(message: str) -> None:
    sys.exit(f"\n{message}\n")


if __name__ == "__main__":
    main()
