"""The functions' packages: which there are, how cargo builds them, and the template that deploys them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rustflags import PROCESSORS, encoded_flags
from samconfig import ROOT, Refused

TOOLS = Path(sys.executable).parent
PACKAGES = ROOT / "target" / "lambda"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/**/Cargo.toml"))

# What an ELF file calls them.
MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}


def checked(architecture: str) -> str:
    """The architecture, if it is one of Lambda's."""
    if architecture not in PROCESSORS:
        raise Refused(f"ARCHITECTURE={architecture} is not one of Lambda's: use {' or '.join(PROCESSORS)}.")
    return architecture


def environment(processor: str) -> dict[str, str]:
    """The environment to build in for a processor."""
    path = f"{TOOLS}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CARGO_ENCODED_RUSTFLAGS": encoded_flags(processor)}


def command(architecture: str) -> list[str]:
    """The cargo command that builds and packages every function."""
    # By package: chosen by --bin alone, the functions would be built with the features that the tests and the
    # command-line tool want of the crates they share.
    functions = [word for function in FUNCTIONS for word in ("--package", function, "--bin", function)]
    target = f"--{architecture.replace('_', '-')}"
    return ["cargo", "lambda", "build", "--release", "--locked", "--features", "lambda", target, "--lambda-dir", str(PACKAGES), *functions]


def build(architecture: str) -> None:
    """Builds every function into target/lambda."""
    flags = environment(PROCESSORS[architecture])
    if subprocess.run(command(architecture), cwd=ROOT, env=flags, check=False).returncode != 0:
        raise Refused("Building the functions failed: cargo's lines above say why.")
    check(architecture)


def check(architecture: str) -> None:
    """Refuses packages that are missing or built for another architecture: every function would fail to start."""
    for function in FUNCTIONS:
        program = PACKAGES / function / "bootstrap"
        if not program.exists():
            raise Refused(f"{program} is missing: run `make release` or `make deploy`, which build it.")
        if int.from_bytes(program.read_bytes()[18:20], "little") != MACHINES[architecture]:
            raise Refused(f"{program} is not built for {architecture}: remove target/lambda and run this again.")


def template(text: str, architecture: str, code: Callable[[str], str]) -> str:
    """The template for packages of this architecture and no other, each at the place that `code` names."""
    text, found = re.subn(r"(?<=CodeUri: )target/lambda/([\w-]+)/", lambda match: code(match[1]), text)
    if found != len(FUNCTIONS):
        raise Refused(f"template.yaml has {found} functions and the folder functions/ {len(FUNCTIONS)}: run `make generate`.")
    block = re.search(r"(?<=\n)  Architecture:\n(?:    .*\n)+", text)[0]
    fixed = re.sub(r"(Default|AllowedValues): .*", lambda match: f"{match[1]}: {_fixed(match[1], architecture)}", block)
    return text.replace(block, fixed)


def _fixed(property_name: str, architecture: str) -> str:
    return architecture if property_name == "Default" else f"[{architecture}]"
