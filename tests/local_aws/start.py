"""The start of `make run`, `make demo-outage` and `make drill`: builds, installs the Python tools beside that, then runs the program named.

`start.py PROGRAM`, run by the reader's Python: the tools' Python may not be there yet. Needs the standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from machine import Failure, architecture, check_machine, check_port

HERE = Path(__file__).resolve().parent


def main(program: str) -> int:
    try:
        check_machine()
        architecture()
        if program == "run.py":
            from ports import PORT, SANDBOX_PORT, SHOP_PORT

            check_port(PORT, "the local AWS", "PORT")
            check_port(SANDBOX_PORT, "the sandbox", "SANDBOX_PORT")
            if shop := os.environ.get("SHOP"):
                if shop != "demo":
                    raise Failure(f"There is no shop {shop}: `make run SHOP=demo` opens the one that there is.")
                check_port(SHOP_PORT, "the shop", "SHOP_PORT")
        build_and_install(1)
    except Failure as failure:
        print(f"\n{failure}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    python = HERE.parents[1] / ".local" / "venv-tools" / "bin" / "python"
    os.execv(python, [str(python), str(HERE / program)])


def build_and_install(number: int) -> None:
    """Compiling takes the processor and installing the network: they run side by side."""
    from progress import TOTAL_STEPS, Step
    from quick import QuickBuild

    tools = subprocess.Popen(
        [sys.executable, str(HERE / "prepare.py")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    build = QuickBuild()

    def status() -> str:
        installing = "; installing the Python tools" if tools.poll() is None else ""
        return build.status() + installing

    try:
        with Step(f"[{number}/{TOTAL_STEPS}] Building the functions, the sandbox and the tool", status):
            while build.running() or tools.poll() is None:
                if tools.poll() not in (None, 0) or not build.running() and not build.succeeded():
                    break
                time.sleep(0.1)
            if tools.poll() not in (None, 0):
                raise Failure(tools.stdout.read().strip())
            build.check()
    finally:
        for process in (tools, build):
            process.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
