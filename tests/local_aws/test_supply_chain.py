"""What is built and installed is what was locked."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from build import FUNCTIONS, ROOT, packaging
from rustflags import cargo_home

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


def commands(*words: str) -> list[str]:
    """The lines of the Makefile that call cargo so, with what they go on with."""
    lines = MAKEFILE.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("\t") and all(word in line for word in words)]


def test_everything_is_built_from_the_lock_file():
    built = [line for verb in ("build", "test", "clippy", "doc", "run", "install") for line in commands("cargo", f" {verb} ")]
    built = [line for line in built if "echo" not in line]

    assert len(built) >= 6
    assert [line for line in built if "--locked" not in line] == []
    script = (HERE / "build.py").read_text()
    assert script.count('["cargo", ') == script.count('"--locked"') > 0


def test_tools_from_crates_io_are_pinned():
    installed = [line for line in commands("cargo install") if "--path" not in line and "echo" not in line]

    assert len(installed) >= 2
    assert all(re.search(r"--version \d+\.\d+\.\d+", line) for line in installed)


def asked_of_make(home: Path, architecture: str) -> list[str]:
    """The flags that the Makefile and the shell give cargo, with a blank in a path."""
    rule = "asked:\n\t@$(PACKAGING) sh -c 'printf %s \"$$CARGO_ENCODED_RUSTFLAGS\"'\n"
    command = ["make", "-s", "-f", "Makefile", "-f", "-", f"ARCHITECTURE={architecture}", "asked"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "RUSTFLAGS": "-Cone -Ctwo"}
    asked = subprocess.run(command, input=rule, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    return asked.stdout.split("\x1f")


def test_every_package_is_built_so_that_it_does_not_hold_where(tmp_path, monkeypatch):
    home = tmp_path / "a home"
    remapped = f"--remap-path-prefix={home}/.cargo=/cargo"

    assert asked_of_make(home, "x86_64") == ["-Cone", "-Ctwo", remapped, "-Ctarget-cpu=haswell"]
    assert asked_of_make(home, "arm64") == ["-Cone", "-Ctwo", remapped, "-Ctarget-cpu=neoverse-n1"]
    assert [line for line in commands("cargo lambda build") if "$(PACKAGING) " not in line] == []

    monkeypatch.setenv("RUSTFLAGS", "-Cone -Ctwo")
    monkeypatch.setenv("CARGO_HOME", str(home / ".cargo"))
    monkeypatch.setattr("build.architecture", lambda: "arm64")
    assert packaging()["CARGO_ENCODED_RUSTFLAGS"].split("\x1f") == asked_of_make(home, "arm64")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_does_not_hold_where_it_was_built(stack, function):
    package = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()

    assert b"/cargo/registry/" in package
    for place in (ROOT, cargo_home(), Path.home()):
        assert str(place).encode() + b"/" not in package, place


def test_the_functions_are_built_with_their_own_features_alone():
    """Chosen by --bin alone they would take on what the tests and the tool want of the crates they share."""
    for text in ((HERE / "build.py").read_text(), *commands("cargo lambda build")):
        assert "--package" in text and "--bin" in text
