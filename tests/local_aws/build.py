"""Builds what a deployment to this machine needs: the functions, packaged for Lambda, and the sandbox."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
TOOLS = LOCAL / "venv-tools" / "bin"

# What the functions run often: counted by `make profile`, for the compiler.
PROFILE = ROOT / "deploy" / "functions.profdata"
PROFILE_OF = ROOT / "deploy" / "functions.profdata.json"

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/**/Cargo.toml"))


class Failure(Exception):
    """Something the reader can mend; the message says how."""


def architecture() -> str:
    """The emulator runs the functions as they are, so they are built for this machine."""
    if platform.system() != "Linux":
        raise Failure("The local AWS runs the functions' Linux binaries directly, so this needs Linux (or WSL).")
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def cargo_home() -> Path:
    """Where cargo keeps its crates. The Makefile says why no package may name it."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def packaging(profile: list[str] | None = None) -> dict[str, str]:
    """The environment that packages are built in: the Makefile says why. `profile` are other flags than those by which
    the compiler learns from deploy/functions.profdata what is run often."""
    processor = {"x86_64": "haswell", "arm64": "neoverse-n1"}[architecture()]
    if profile is None:
        small = ["-Cllvm-args=-pgso-lwss-only=false", "-Cllvm-args=-profile-summary-cutoff-hot=900000"]
        profile = [f"-Cprofile-use={PROFILE}", *small] if architecture() == "x86_64" else []
    flags = [f"--remap-path-prefix={cargo_home()}=/cargo", *profile, f"-Ctarget-cpu={processor}"]
    # Cargo's way to be given flags that may hold blanks, as a path may.
    given = os.environ.get("RUSTFLAGS", "").split()
    return {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}", "CARGO_ENCODED_RUSTFLAGS": "\x1f".join([*given, *flags])}


def built_of() -> dict[str, object]:
    """What a profile is of: the compiler, and the crates in the functions with their features. Of others, it knows nothing.

    The digest is of who depends on whom, too, and of how all are built: that goes into the names of a crate's functions.
    """
    selected = [word for function in FUNCTIONS for word in ("--package", function)]
    tree = ["cargo", "tree", "--locked", "--color", "never", "--edges", "normal,build", "--target", "x86_64-unknown-linux-gnu", "--prefix", "depth", "--format", " {p} {f}", *selected]
    text = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.replace(str(ROOT), "")
    crates = {" ".join(line.split()[1:]) for line in text.splitlines() if line and "(/" not in line and "(*)" not in line}
    compiler = subprocess.run(["rustc", "--version"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[1]
    profile = (ROOT / "Cargo.toml").read_text().partition("[profile.release]\n")[2].partition("\n\n")[0]
    digest = hashlib.sha256((text + profile).encode()).hexdigest()
    return {"rustc": compiler, "tree": digest, "crates": sorted(crates)}


def build() -> Path:
    """Builds the functions into target/lambda and the sandbox. Returns the sandbox's program.

    With QUICK in the environment the functions are built without optimisation: for trying a change out.
    """
    quick = bool(os.environ.get("QUICK"))
    # By package: chosen by --bin alone, the functions would be built with the features that the tests and the
    # command-line tool want of the crates they share.
    packages_and_bins = [word for function in FUNCTIONS for word in ("--package", function, "--bin", function)]
    target = f"--{architecture().replace('_', '-')}"
    profile = ["--profile", "quick"] if quick else ["--release"]
    packages = ROOT / "target" / "lambda"
    for title, environment, command in [
        ("the sandbox", None, ["cargo", "build", "--locked", "--package", "postback-sandbox"]),
        (
            "the functions (the first time: some minutes)",
            packaging([] if quick else None),
            ["cargo", "lambda", "build", *profile, "--locked", target, "--lambda-dir", str(packages)]
            + packages_and_bins,
        ),
    ]:
        print(f"Building {title} …", flush=True)
        if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
            raise Failure(f"Building {title} failed: cargo's lines above say why.")
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "postback-sandbox"


def build_tool() -> Path:
    """Builds the command-line tool. Returns it."""
    print("Building the command-line tool …", flush=True)
    command = ["cargo", "build", "--locked", "--package", "postback-cli"]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise Failure("Building the command-line tool failed: cargo's lines above say why.")
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "postback"


if __name__ == "__main__":
    try:
        build()
    except Failure as failure:
        sys.exit(f"\n{failure}\n")
