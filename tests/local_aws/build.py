"""Builds what a deployment to this machine needs: the functions, packaged for Lambda, and the sandbox."""

import contextlib
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from machine import Failure, architecture

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
from rustflags import PROCESSORS, encoded_flags  # noqa: E402

LOCAL = ROOT / ".local"
TOOLS = LOCAL / "venv-tools" / "bin"
# The packages as they are deployed to AWS.
PACKAGES = ROOT / "target" / "lambda"

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/**/Cargo.toml"))


def target_directory() -> Path:
    """The folder that cargo builds into."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def packaging() -> dict[str, str]:
    """The environment that packages are built in."""
    path = f"{TOOLS}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CARGO_ENCODED_RUSTFLAGS": encoded_flags(PROCESSORS[architecture()])}


@contextlib.contextmanager
def once():
    """Lets one process of a run of tests build, and the others take what it has built: cargo-lambda writes the packages
    anew where another process is reading them. Yields whether it is this one."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "build.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        first = not run or lock.read() != run
        yield first
        if first:
            lock.truncate(0)
            lock.write(run)


def build() -> Path:
    """Builds the functions into target/lambda and the sandbox. Returns the sandbox's program.

    With QUICK in the environment the functions are built without optimisation: for trying a change out.
    """
    # The functions by package: chosen by --bin alone, they would be built with the features that the tests and the
    # command-line tool want of the crates they share. The others so: cargo takes the crates that `make unit` has built.
    packages_and_bins = [word for function in FUNCTIONS for word in ("--package", function, "--bin", function)]
    target = f"--{architecture().replace('_', '-')}"
    profile = ["--profile", "quick"] if os.environ.get("QUICK") else ["--release"]
    program = target_directory() / "debug" / "postback-sandbox"
    steps = [
        ("the sandbox", None, ["cargo", "build", "--locked", "--workspace", "--bin", "postback-sandbox"]),
        (
            "the functions (the first time: some minutes)",
            packaging(),
            ["cargo", "lambda", "build", *profile, "--locked", "--features", "lambda", target, "--lambda-dir", str(PACKAGES)]
            + packages_and_bins,
        ),
    ]
    with once() as first:
        for title, environment, command in steps if first else []:
            print(f"Building {title} …", flush=True)
            if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
                raise Failure(f"Building {title} failed: cargo's lines above say why.")
    return program


def build_tool() -> Path:
    """Builds the command-line tool. Returns it."""
    print("Building the command-line tool …", flush=True)
    command = ["cargo", "build", "--locked", "--workspace", "--bin", "postback"]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise Failure("Building the command-line tool failed: cargo's lines above say why.")
    return target_directory() / "debug" / "postback"


if __name__ == "__main__":
    try:
        build()
    except Failure as failure:
        sys.exit(f"\n{failure}\n")
