"""The compiler flags that packages for Lambda and the released tool are built with. Needs the standard library only."""

import os
from pathlib import Path

# Lambda's own processors; cargo-lambda would choose the same, but drops its choice when it is given flags.
PROCESSORS = {"x86_64": "haswell", "arm64": "neoverse-n1"}


def cargo_home() -> Path:
    """The folder where cargo keeps its crates."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def encoded_flags(processor: str) -> str:
    """The flags for a processor, after those of the environment, as CARGO_ENCODED_RUSTFLAGS: a path may hold blanks.

    The programs do not depend on the folder in which cargo keeps its crates, so everybody who builds a commit gets the same
    bytes.
    """
    given = os.environ.get("RUSTFLAGS", "").split()
    return "\x1f".join([*given, f"--remap-path-prefix={cargo_home()}=/cargo", f"-Ctarget-cpu={processor}"])
