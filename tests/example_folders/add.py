#!/usr/bin/env python3
"""Adds a network and a shop system to a copy of the repository, as docs/extending.md describes, and tests them there.

`make example-folders` runs it. They are demo_shop/ and demo_store/, beside this file; the network's row of the README's
table is row.md. Fails unless the whole change is those folders, that row and generated files.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
COPY = TARGET / "example-folders"
# Not the repository's own: cargo names a crate by its place in the workspace, so the two would take each other's tests for
# their own, with the other's folder compiled in. The first run takes over the crates of others that are built already.
BUILT = TARGET / "example-folders-target"


@dataclass(frozen=True)
class Example:
    """A folder beside this file, and the folder of the repository that it is added to."""

    name: str
    to: str
    most_lines: int

    @property
    def place(self) -> str:
        return f"{self.to}/{self.name}"


NETWORK = Example("demo_shop", "functions/networks", 250)
SHOP_SYSTEM = Example("demo_store", "functions/platforms", 200)
EXAMPLES = [NETWORK, SHOP_SYSTEM]
PACKAGES = [word for example in EXAMPLES for word in ("--package", example.name)]
PROGRAMS = [word for example in EXAMPLES for word in ("--bin", example.name)]
GENERATED = {
    "Cargo.lock",
    "archive.yaml",
    "docs/configuration.md",
    "docs/costs.md",
    "functions/intake/openapi.json",
    "functions/intake/order.schema.json",
    "shared/runtime/src/lambda/template_digest.txt",
    "template.yaml",
}

# A copy has no virtual environments of its own: PYTHON=true keeps `make tools` from installing any.
STEPS = [
    ["make", "generate", "PYTHON=true"],
    ["cargo", "fmt", *PACKAGES, "--check"],
    ["cargo", "clippy", "--locked", "--no-deps", *PACKAGES, "--all-targets", "--", "-D", "warnings"],
    ["cargo", "test", "--locked", *PACKAGES],
    # The functions' programs. With a test, and of the whole workspace, so that the crates have the features of `make clippy`.
    ["cargo", "check", "--locked", "--workspace", "--all-features", *PROGRAMS, "--test", "platform"],
    ["cargo", "test", "--locked", "--workspace", "--test", "description"],
    ["cargo", "test", "--locked", "--workspace", "--test", "it", "structure"],
    [".local/venv-tools/bin/cfn-lint", "--regions", "us-east-1", "--", "template.yaml", "archive.yaml"],
    [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q",
        *(f"tests/local_aws/test_{name}.py" for name in ("template", "parameters", "policies", "alarms")),
    ],
]  # fmt: skip


def main() -> None:
    copy()
    add()
    take_over()
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILT)}
    for command in STEPS:
        print("+", *command, flush=True)
        if subprocess.run(command, cwd=COPY, env=environment).returncode != 0:
            sys.exit(f"\nThe example folders do not pass: see above, and {COPY}\n")
    check()


def copy() -> None:
    """The repository as it is now, committed, so that git shows every later change."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            # With its times, so that cargo builds again only what has changed.
            shutil.copy2(ROOT / name, COPY / name)
    git(COPY, "init", "--quiet")
    git(COPY, "add", "--all")
    git(COPY, "-c", "user.name=example", "-c", "user.email=example@example.com", "commit", "--quiet", "--message", "Before")
    (COPY / ".git/info/exclude").write_text("/.local\n")
    (COPY / ".local").symlink_to(ROOT / ".local")


def add() -> None:
    """The steps by hand: the folders, and the network's row."""
    for example in EXAMPLES:
        shutil.copytree(HERE / example.name, COPY / example.place)
    readme = COPY / "README.md"
    lines = readme.read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if f"]({NETWORK.to}/" in line)
    lines.insert(last + 1, (HERE / "row.md").read_text())
    readme.write_text("".join(lines))


def take_over() -> None:
    """The crates that `make unit` has built: cargo knows those of a registry wherever they are used."""
    built, debug = TARGET / "debug", BUILT / "debug"
    if debug.exists() or not (built / ".fingerprint").exists():
        return
    for name in (".fingerprint", "build", "deps"):
        # Large files are linked, and what cargo changes in place is copied.
        copied = os.link if name == "deps" else shutil.copy2
        shutil.copytree(built / name, debug / name, copy_function=copied)


def check() -> None:
    """Fails unless the change is what docs/extending.md promises."""
    changed = git(COPY, "status", "--porcelain").splitlines()
    expected = {" M README.md", *(f"?? {example.place}/" for example in EXAMPLES), *(f" M {name}" for name in GENERATED)}
    if set(changed) != expected:
        sys.exit("\nThe change is another than expected:\n" + "\n".join(sorted(set(changed) ^ expected)) + "\n")
    if git(COPY, "diff", "--numstat", "README.md").split()[:2] != ["1", "0"]:
        sys.exit("\nThe README's change is more than a row.\n")
    for example in EXAMPLES:
        if (lines := lines_of(example)) > example.most_lines:
            sys.exit(f"\n{example.place} has {lines} lines of code and tests, more than {example.most_lines}.\n")
    network, shop_system = (f"one folder ({lines_of(example)} lines of code and tests)" for example in EXAMPLES)
    print(f"A network is {network} and one row, a shop system {shop_system}; {len(GENERATED)} files are generated.")


def lines_of(example: Example) -> int:
    """The lines of its code and tests."""
    folder = COPY / example.place
    return sum(len(path.read_text().splitlines()) for path in [*folder.rglob("*.rs"), folder / "Cargo.toml"])


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
