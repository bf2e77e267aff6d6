"""The command-line tool against the local AWS, as an operator uses it."""

import json
import subprocess
from pathlib import Path

from build import ROOT
from local import local_environment
from machine import Failure
from stack import REGION, ROOT_KEY, Stack


class Tool:
    """Runs the tool and gives the lines that run it by hand."""

    def __init__(self, program: Path, stack: Stack):
        self.program = program
        self._settings = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}", "AWS_REGION": REGION, **ROOT_KEY}

    def __call__(self, *arguments: str) -> str:
        command = [str(self.program), *arguments]
        environment = {**local_environment(), **self._settings}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Failure(f"postback {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def deliveries(self, *arguments: str) -> list[dict]:
        """All that `postback orders list` finds."""
        return json.loads(self("orders", "list", "--json", "--limit", "1000000", *arguments))["deliveries"]

    def exports(self, *names: str) -> str:
        """The shell's line for these of the settings that point the tool to this AWS."""
        return "export " + " ".join(f"{name}={self._settings[name]}" for name in names)
