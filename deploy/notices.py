"""The licences of the crates that are linked into the functions and the tool, for dist/THIRD-PARTY.txt."""

import json
import re
import subprocess
from pathlib import Path

from packages import FUNCTIONS
from samconfig import ROOT, Refused

TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|UNLICENSE)", re.IGNORECASE)
RULE = "\n" + "─" * 80 + "\n"


def text(architecture: str) -> str:
    """The list of crates with their licences, then each licence's text once, below the crates that come with it."""
    crates = linked(TARGETS[architecture])
    listed = [f"{crate['name']} {crate['version']}: {crate['license'] or 'see its text'}" for crate in crates]
    crates_of: dict[str, list[str]] = {}
    for crate in crates:
        for content in texts(Path(crate["manifest_path"]).parent):
            crates_of.setdefault(content, []).append(f"{crate['name']} {crate['version']}")
    parts = [f"{', '.join(names)}\n\n{content}" for content, names in crates_of.items()]
    head = "The functions and the command-line tool contain these crates, under these licences (SPDX):\n\n"
    return RULE.join([head + "\n".join(listed), *parts]) + "\n"


def linked(target: str) -> list[dict]:
    """The packages of other people in the functions and the tool, as `cargo metadata` describes them."""
    chosen = [word for package in [*FUNCTIONS, "postback-cli"] for word in ("--package", package)]
    tree = cargo("tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", target, *chosen)
    found = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    described = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))["packages"]
    others = [crate for crate in described if crate["source"] and (crate["name"], f"v{crate['version']}") in found]
    return sorted(others, key=lambda crate: (crate["name"], crate["version"]))


def texts(folder: Path) -> list[str]:
    """The licence texts of a crate and of the code in other languages in its folders."""
    files = sorted(path for path in folder.rglob("*") if LICENCE_FILE.match(path.name) and path.suffix != ".rs" and path.is_file())
    found = [path.read_text(errors="replace").strip().replace("\r\n", "\n") for path in files]
    return list(dict.fromkeys(found))


def cargo(*words: str) -> str:
    done = subprocess.run(["cargo", *words, "--locked"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"`cargo {words[0]}` failed: its lines above say why.")
    return done.stdout
