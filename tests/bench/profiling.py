#!/usr/bin/env python3
"""Counts what the functions run while they take orders, and writes it to deploy/functions.profdata: from it the compiler
learns what to make fast and what to make small. To be done anew when the compiler or a crate in the functions changes,
or when much of the functions' own code has."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import bench
from bench import NETWORKS, OUT, ROOT, SETTINGS, TARGET, build, run, rust

PLACE = TARGET / "profile"
COUNTS = PLACE / "counts"
AS_CARGO_LAMBDA = {
    "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS": "nightly",
    "CARGO_UNSTABLE_TARGET_APPLIES_TO_HOST": "true",
    "CARGO_TARGET_APPLIES_TO_HOST": "false",
}
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"


def main() -> None:
    run(["rustup", "component", "add", "llvm-tools"], "installing llvm-tools failed: it takes a toolchain of rustup")
    print("Building functions that count (some minutes) …", flush=True)
    selected = [argument for function in build.FUNCTIONS for argument in ("--package", function)]
    # By cargo itself: the linker of cargo-lambda does not link what counts. Names of functions hold a hash of how cargo
    # was called, so it is called as cargo-lambda calls it: under other names the compiler would not find the counts.
    command = ["cargo", "build", "--release", "--locked", "--target", TRIPLE, "--target-dir", str(PLACE), *selected]
    counting = {**build.packaging([f"-Cprofile-generate={COUNTS}"]), **AS_CARGO_LAMBDA}
    run(command, "building failed: cargo's lines above say why", env=counting)
    bench.build_bench()
    shutil.rmtree(COUNTS, ignore_errors=True)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "profile.json").write_text(json.dumps(plan(), indent=1))
    binary = TARGET / "measure" / "postback-bench"
    run([str(binary), str(OUT / "profile.json"), str(OUT / "profiled.json")], "counting failed: the lines above say why")
    written = sorted(path for path in COUNTS.glob("*.profraw") if path.stat().st_size)
    run([llvm_profdata(), "merge", "--sparse", "-o", str(build.PROFILE), *map(str, written)], "merging the counts failed")
    # cargo does not see that a profile has changed.
    shutil.rmtree(TARGET / TRIPLE / "release", ignore_errors=True)
    build.PROFILE_OF.write_text(json.dumps(build.built_of(), indent=1) + "\n")
    print(f"{build.PROFILE.relative_to(ROOT)}: {build.PROFILE.stat().st_size:,} bytes, of {len(written)} processes")


def plan() -> dict:
    """One by one, in batches and again; each network; as fast as it goes, and with the usual waits."""
    amounts = {"cold": 10, "warm": 400, "batches": 60, "duplicates": 100}
    settings = {name: {**SETTINGS[name], "amounts": amounts} for name in ("delayed", "plain")}
    load = {"functions": {network: counted(name) for network, name in NETWORKS.items()}, "instances": [2], "orders": 400}
    return {
        "contestants": [{**counted("shopback"), "name": "postback"}],
        "rounds": 1,
        "settings": settings,
        "load": {**load, "delays": SETTINGS["delayed"]["delays"]},
    }


def counted(name: str) -> dict:
    program = PLACE / TRIPLE / "release" / name
    counts = {"LLVM_PROFILE_FILE": f"{COUNTS}/%p.profraw"}
    return {**rust(name, PLACE), "command": [str(program)], "counts": True, "environment": counts}


def llvm_profdata() -> str:
    where = subprocess.run(["rustc", "--print", "target-libdir"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return str(Path(where.strip()).parent / "bin" / "llvm-profdata")


if __name__ == "__main__":
    main()
