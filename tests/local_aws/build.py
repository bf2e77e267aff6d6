"""Builds what a deployment to this machine needs: the functions, packaged for Lambda, and the sandbox."""

import contextlib
import fcntl
import os
import shutil
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

    With QUICK in the environment the functions are built as the tests are, of the crates that `make unit` has built.
    """
    built = target_directory() / "debug"
    with once() as first:
        if first and os.environ.get("QUICK"):
            programs = [word for name in ("postback-sandbox", *FUNCTIONS) for word in ("--bin", name)]
            _run("the sandbox and the functions", ["cargo", "build", "--locked", "--workspace", "--features", "lambda", *programs])
            for function in FUNCTIONS:
                package = PACKAGES / function / "bootstrap"
                package.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(built / function, package)
                # The symbols are most of a program, and every deployment copies it.
                if shutil.which("strip"):
                    _run(f"{function}'s package", ["strip", str(package)])
        elif first:
            _run("the sandbox", ["cargo", "build", "--locked", "--workspace", "--bin", "postback-sandbox"])
            _run("the functions (the first time: some minutes)", release(), packaging())
    return built / "postback-sandbox"


def release() -> list[str]:
    """The command that packages the functions as they are released."""
    # By package: chosen by --bin alone, they would be built with the features that the tests and the command-line tool want of
    # the crates they share.
    packages_and_bins = [word for function in FUNCTIONS for word in ("--package", function, "--bin", function)]
    target = f"--{architecture().replace('_', '-')}"
    command = ["cargo", "lambda", "build", "--release", "--locked", "--features", "lambda", target, "--lambda-dir", str(PACKAGES)]
    return command + packages_and_bins


def _run(title: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    print(f"Building {title} …", flush=True)
    if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
        raise Failure(f"Building {title} failed: the lines above say why.")


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
