#!/usr/bin/env python3
"""Puts the Python tools that build, deploy and emulate into `.local/`. Nothing outside the repository is touched.

Four virtual environments, because their tools want different versions of the same packages:

    .local/venv-tools       cargo-lambda, SAM CLI, cfn-lint, pytest, Node.js for the examples in docs/
    .local/venv-emulator    ministack, the local AWS
    .local/venv-audit       checkov and parliament; for `make audit` alone
    .local/venv-clients     schemathesis and the libraries that sign webhooks; for `make end-to-end` alone

Needs the standard library only. Run again, it does nothing unless a requirements file has changed.

To move to newer versions, edit a `requirements-*.in` and lock it with pip-tools on the oldest supported Python:

    pip-compile --generate-hashes --allow-unsafe --strip-extras --no-header \\
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \\
        -o requirements-tools.txt requirements-tools.in
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from machine import Failure, check_machine

HERE = Path(__file__).resolve().parent
LOCAL = HERE.parents[1] / ".local"

ENVIRONMENTS = {
    "tools": "cargo-lambda, SAM CLI, cfn-lint, pytest, Node.js",
    "emulator": "the local AWS",
    "audit": "checkov, parliament",
    "clients": "schemathesis, the libraries that sign webhooks",
}


def main() -> None:
    check_machine()
    LOCAL.mkdir(exist_ok=True)
    for name in sys.argv[1:] or ["tools", "emulator"]:
        # Two copies of `make run` may start at once, and `make test` installs beside its build.
        with (LOCAL / f"prepare-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            prepare(name, ENVIRONMENTS[name])


def prepare(name: str, what: str) -> None:
    if is_current(name):
        return
    requirements, environment = HERE / f"requirements-{name}.txt", LOCAL / f"venv-{name}"

    print(f"Installing {what} into {environment.relative_to(LOCAL.parent)} (once, about a minute)", flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(environment)], f"could not create {environment}")
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    # The lock names every package, so pip has nothing to resolve.
    locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    run([*pip, *locked], f"could not install {what}")
    (environment / "prepared").write_text(stamp(name))


def is_current(name: str) -> bool:
    """Whether there is nothing to do."""
    prepared = LOCAL / f"venv-{name}" / "prepared"
    return prepared.exists() and prepared.read_text() == stamp(name)


def stamp(name: str) -> str:
    """What an environment was made of. It knows its own path and Python: moved or upgraded, it is made anew."""
    requirements = (HERE / f"requirements-{name}.txt").read_bytes()
    return "\n".join([hashlib.sha256(requirements).hexdigest(), str(LOCAL / f"venv-{name}"), sys.version])


def run(command: list[str], failure: str) -> None:
    quiet = {} if os.environ.get("VERBOSE") else {"stdout": subprocess.DEVNULL}
    if subprocess.run(command, **quiet).returncode != 0:
        raise Failure(f"{failure}: the lines above say why")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"\n{failure}\n")
