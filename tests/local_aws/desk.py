"""The operator's desk: the commands that an operator has, printed with their answers and counted."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

from build import ROOT
from machine import Failure
from stack import STACK_NAME
from tool import Tool

# The most lines of an answer that are printed.
SHOWN_LINES = 14
LOG_SECONDS = 30


class Desk:
    """Runs what an operator types."""

    def __init__(self, tool: Tool, say: Callable[[str], None] = print):
        self.tool = tool
        self.commands = 0
        self._say = say

    def postback(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs the tool. An exit status that is not 0 is an answer, too."""
        done = self.tool.run(*arguments)
        self._show("postback " + " ".join(quoted(word) for word in arguments), done.stdout + done.stderr)
        return done

    def logs(self, *arguments: str) -> None:
        """Reads a log until it says something: a line takes some seconds to appear."""
        deadline = time.monotonic() + LOG_SECONDS
        while not json.loads(self.tool("logs", *arguments, "--json"))["count"] and time.monotonic() < deadline:
            time.sleep(1)
        self.postback("logs", *arguments)

    def secret(self, name: str, settings: dict) -> None:
        """Runs `make secret`, with the settings on its standard input."""
        command = [sys.executable, str(ROOT / "deploy/secret.py"), name, "drill", STACK_NAME]
        done = self.tool.start(command, json.dumps(settings))
        self._show(f"make secret NETWORK={name}", done.stdout + done.stderr)
        if done.returncode != 0:
            raise Failure(f"make secret NETWORK={name} ended with {done.returncode}")

    def needs(self) -> list[str]:
        """What needs somebody, in the words of `postback status`."""
        done = self.tool.run("status")
        return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]

    def _show(self, command: str, answer: str) -> None:
        self.commands += 1
        lines = answer.strip().splitlines()
        left = len(lines) - SHOWN_LINES
        shown = lines[:SHOWN_LINES] + ([f"… {left} more lines"] if left > 0 else [])
        self._say("\n".join([f"   $ {command}", *(f"     {line}" for line in shown)]))


def quoted(word: str) -> str:
    return f"'{word}'" if " " in word or "*" in word else word
