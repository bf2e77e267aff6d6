"""A console over a seeded ledger, for its tests in a browser and its pictures. Builds both programs."""

import json
import os
import signal
import subprocess

from build import ROOT, target_directory
from local import local_environment


def build() -> None:
    # As a part of the workspace: cargo takes the crates that `make unit` has built.
    programs = ["--workspace", "--bin", "postback-console-bed", "--bin", "postback"]
    subprocess.run(["cargo", "build", "--locked", *programs], cwd=ROOT, check=True)


class Console:
    """`postback console` and the seeded ledger that it reads."""

    def __init__(self, *arguments: str, delivered: int = 200):
        folder = target_directory() / "debug"
        self._bed = self._start([str(folder / "postback-console-bed"), str(delivered)], {})
        self._variables = json.loads(self._bed.stdout.readline())
        command = [str(folder / "postback"), "console", "--json", *arguments]
        self._tool = self._start(command, self._variables)
        # The answer is one object over several lines.
        answer = ""
        for line in self._tool.stdout:
            answer += line
            if line.rstrip() == "}":
                break
        self.opening = json.loads(answer)["url"]
        self.base = self.opening.split("/open?")[0]

    def _start(self, command: list[str], variables: dict) -> subprocess.Popen:
        environment = {**local_environment(), **variables}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """The tool over the same ledger."""
        command = [str(target_directory() / "debug" / "postback"), *arguments]
        environment = {**local_environment(), **self._variables}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    def close(self) -> None:
        for process in (self._tool, self._bed):
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
