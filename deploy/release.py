#!/usr/bin/env python3
"""`make release`: writes dist/, from which a shop deploys with the SAM CLI alone, without Rust or this repository.

    make release                       for x86_64
    make release ARCHITECTURE=arm64    for Graviton; the command-line tool then is for arm64, too

What is in it has a line each in deploy/dist.md, which becomes dist/README.md. Two builds of one commit give the same bytes, so
SHA256SUMS can be compared. The template allows no other architecture than the one that its packages are built for.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import notices
import packages
from samconfig import ROOT, Refused

DIST = ROOT / "dist"
SBOM = ROOT / "target" / "sbom"
TOOL = ROOT / "target" / "tool" / "postback" / "bootstrap"
SUMS = "SHA256SUMS"
# What an operator and the shop's developers read, in the same folders, so that the links between them hold.
PAGES = [
    "CHANGELOG.md", "docs/*.md", "docs/*.svg", "docs/bench.json", "docs/console/*.png", "functions/**/README.md", "functions/intake/*.json",
    "cli/README.md", "examples/click-capture/*",
]  # fmt: skip
# An operator's machine can be older than Lambda's, so the tool is built for any.
ANY_PROCESSOR = {"x86_64": "x86-64", "arm64": "generic"}
# The earliest time that a zip file can name.
NO_TIME = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o100755 << 16
# The most that there is: a package's size is a part of its function's cold start.
COMPRESSION = 9


def main(architecture: str) -> None:
    architecture = packages.checked(architecture or "x86_64")
    packages.build(architecture)
    build_tool(architecture)
    assemble(DIST, architecture, TOOL, SBOM, notices.text(architecture))
    print(f"\ndist/ holds Postback {version()} for {architecture}; {SUMS} has {len(sums(DIST))} files")


def version() -> str:
    """The version of everything: the workspace's."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def build_tool(architecture: str) -> None:
    """Builds the command-line tool. cargo-lambda links it for glibc versions older than this machine's."""
    target = f"--{architecture.replace('_', '-')}"
    command = ["cargo", "lambda", "build", "--profile", "tool", "--locked", target, "--lambda-dir", str(TOOL.parents[1])]
    command += ["--package", "postback-cli", "--bin", "postback"]
    if subprocess.run(command, cwd=ROOT, env=packages.environment(ANY_PROCESSOR[architecture]), check=False).returncode != 0:
        raise Refused("Building the command-line tool failed: cargo's lines above say why.")


def assemble(dist: Path, architecture: str, tool: Path, sbom: Path, third_party: str) -> None:
    """Writes the folder from what has been built: the functions' packages, the tool and the SBOM."""
    packages.check(architecture)
    shutil.rmtree(dist, ignore_errors=True)
    for folder in ("functions", "secrets", "sbom"):
        (dist / folder).mkdir(parents=True)
    for function in packages.FUNCTIONS:
        write_zip(dist / "functions" / f"{function}.zip", packages.PACKAGES / function / "bootstrap")
    template = packages.template((ROOT / "template.yaml").read_text(), architecture, "functions/{}.zip".format)
    (dist / "template.yaml").write_text(template)
    for name in ("archive.yaml", "LICENSE"):
        shutil.copy(ROOT / name, dist)
    for schema in ROOT.glob("functions/**/secret.schema.json"):
        shutil.copy(schema, dist / "secrets" / f"{schema.parent.name}.schema.json")
    for document in sorted(sbom.glob("*.cdx.json")):
        (dist / "sbom" / document.name).write_text(timeless(document.read_text()))
    (dist / "THIRD-PARTY.txt").write_text(third_party)
    for page in sorted(page for pattern in PAGES for page in ROOT.glob(pattern) if page.is_file()):
        copy = dist / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, copy)
    readme = (ROOT / "deploy" / "dist.md").read_text()
    (dist / "README.md").write_text(readme.replace("VERSION", version()).replace("ARCHITECTURE", architecture))
    for page in dist.rglob("*.md"):
        page.write_text(linked(page))
    shutil.copy(tool, dist / "postback")
    (dist / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums(dist).items()))


def linked(page: Path) -> str:
    """A page's text, in which what links to a file of the sources alone is plain text."""

    def link(found: re.Match) -> str:
        path = found["target"].partition("#")[0]
        return found[0] if ":" in path or (page.parent / path).exists() else found["text"]

    return re.sub(r"(?<!!)\[(?P<text>[^]\[]+)]\((?P<target>[^)\s]+)\)", link, page.read_text())


def write_zip(path: Path, program: Path) -> None:
    """Packages a function's program. The time is always the same, so that the bytes are."""
    entry = zipfile.ZipInfo("bootstrap", NO_TIME)
    entry.create_system, entry.external_attr = 3, EXECUTABLE
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(entry, program.read_bytes(), compresslevel=COMPRESSION)


def timeless(document: str) -> str:
    """A CycloneDX document without what differs from build to build: its serial number, its time and the folder."""
    content = json.loads(re.sub(re.escape(str(ROOT)), "/postback", document))
    content.pop("serialNumber", None)
    content.get("metadata", {}).pop("timestamp", None)
    return json.dumps(content, indent=2) + "\n"


def sums(dist: Path) -> dict[str, str]:
    """The SHA-256 of each file but SHA256SUMS itself."""
    files = sorted(path for path in dist.rglob("*") if path.is_file() and path.name != SUMS)
    return {str(path.relative_to(dist)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Refused as refused:
        sys.exit(f"\n{refused}\n")
