"""Checks of the reader's machine, before anything fails half way. Each names the fix. Needs the standard library only."""

from __future__ import annotations

import platform
import shutil
import socket
import sys

OLDEST, NEWEST = (3, 11), (3, 14)


class Failure(Exception):
    """Something the reader can fix; the message says how."""


def check_machine() -> None:
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise Failure(
            f"Python {version[0]}.{version[1]} is not supported: the pinned tools need {OLDEST[0]}.{OLDEST[1]} to "
            f"{NEWEST[0]}.{NEWEST[1]}, so point to another one with `make PYTHON=python3.12 run`."
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Failure(
            f"Python's venv module is missing: on Debian or Ubuntu `sudo apt install python{version[0]}.{version[1]}-venv`, "
            "elsewhere install your system's package for Python's venv and ensurepip."
        ) from None
    for program, how in [("cargo", "install Rust, https://rustup.rs"), ("cc", "install a C compiler and linker")]:
        if shutil.which(program) is None:
            raise Failure(f"`{program}` is not on the PATH: {how}.")


def architecture() -> str:
    """The emulator runs the functions as they are, so they are built for this machine."""
    if platform.system() != "Linux":
        raise Failure("The local AWS runs the functions' Linux binaries directly: use Linux, or WSL on Windows.")
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def check_port(port: int, what: str, variable: str) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise Failure(
            f"Port {port}, which {what} wants, is taken (perhaps by another `make run`): stop what listens there, or choose "
            f"another with `make run {variable}={port + 100}`."
        ) from None
