"""Calls and processes that stay on this machine: no real AWS account, no proxy. Needs the standard library only."""

import contextlib
import ctypes
import http.client
import json
import os
import random
import signal
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """The answer to an HTTP call."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self):
        return json.loads(self.text)


def request(port: int, method: str, path: str, body=None, headers: dict[str, str] | None = None) -> Answer:
    """One HTTP call to this machine. A body that is not text is sent as JSON."""
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode())
    finally:
        connection.close()


def local_environment() -> dict[str, str]:
    """This process's environment without what would lead to a real AWS account or through a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def isolate() -> None:
    """Makes this process's own boto3 clients keep to `local_environment` too. Call it after `build`, which may
    need the proxy."""
    kept = local_environment()
    os.environ.clear()
    os.environ.update(kept)


def end_with_parent() -> None:
    """Asks Linux to end this child even if its parent is killed without a chance to."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def free_port() -> int:
    """A port for a program that is yet to start. It lies below those that the system hands out by itself: one of these
    may be given to any connection before the program listens on it."""
    while True:
        port = random.randrange(10_000, 16_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
