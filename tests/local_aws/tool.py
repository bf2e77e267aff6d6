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
        # boto3, which `make secret` uses, knows the region by another name.
        region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        self._settings = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}", **region, **ROOT_KEY}

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Failure(f"postback {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs the tool, whatever its exit status is."""
        return self.start([str(self.program), *arguments])

    def start(self, command: list[str], given: str = "") -> subprocess.CompletedProcess:
        """Runs a program of the operator's against this AWS."""
        environment = {**local_environment(), **self._settings}
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=120, check=False
        )

    def console(self, *arguments: str) -> tuple[subprocess.Popen, str]:
        """Starts the console. Returns its process and the URL that opens it."""
        command = [str(self.program), "console", "--json", *arguments]
        environment = {**local_environment(), **self._settings}
        console = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        # The answer is one object over several lines.
        answer = ""
        for line in console.stdout:
            answer += line
            if line.rstrip() == "}":
                return console, json.loads(answer)["url"]
        raise Failure(f"postback console ended with {console.wait()}")

    def deliveries(self, *arguments: str) -> list[dict]:
        """All that `postback orders list` finds."""
        return json.loads(self("orders", "list", "--json", *arguments))["deliveries"]

    def exports(self, *names: str) -> str:
        """The shell's line for these of the settings that point the tool to this AWS."""
        return "export " + " ".join(f"{name}={self._settings[name]}" for name in names)
