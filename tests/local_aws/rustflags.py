"""The compiler flags that packages for Lambda are built with, for all that build them.

`rustflags.py ARCHITECTURE` prints them as the value of CARGO_ENCODED_RUSTFLAGS, cargo's way to be given flags that may hold
blanks, as a path may. The Makefile asks for them this way. Needs the standard library only.
"""

import os
import sys
from pathlib import Path

# cargo-lambda's own choice, which it drops when it is given flags.
PROCESSORS = {"x86_64": "haswell", "arm64": "neoverse-n1"}


def cargo_home() -> Path:
    """The folder where cargo keeps its crates."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def encoded_flags(architecture: str) -> str:
    """The flags for `architecture`, after those that the environment has.

    Without the first a package would hold where its builder's cargo keeps its crates: it must be the same bytes whoever
    builds it.
    """
    given = os.environ.get("RUSTFLAGS", "").split()
    remap = f"--remap-path-prefix={cargo_home()}=/cargo"
    return "\x1f".join([*given, remap, f"-Ctarget-cpu={PROCESSORS[architecture]}"])


if __name__ == "__main__":
    sys.stdout.write(encoded_flags(sys.argv[1]))
