"""The functions' logs, copied from the local CloudWatch into files."""

import threading
import time
from pathlib import Path

from build import FUNCTIONS


class LogFollower:
    """Copies what the functions log from the local CloudWatch into one file each."""

    def __init__(self, logs, folder: Path, stack: str, default_stack: str):
        self._logs = logs
        self._stack = stack
        self._default_stack = default_stack
        self._folder = folder
        self._since = {function: int(time.time() * 1000) for function in FUNCTIONS}
        self._seen: dict[str, set] = {function: set() for function in FUNCTIONS}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopped.wait(2):
            self._copy_all()
        self._copy_all()

    def _copy_all(self) -> None:
        for function in FUNCTIONS:
            try:
                self._copy(function)
            except Exception as error:  # noqa: BLE001 - a log that can't be copied must not stop the run
                (self._folder / "follower.log").write_text(f"{function}: {error}\n")

    def _copy(self, function: str) -> None:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self._stack}-{function}", startTime=self._since[function]
        )
        events = [event for page in pages for event in page["events"]]
        name = function if self._stack == self._default_stack else f"{self._stack}-{function}"
        with (self._folder / f"{name}.log").open("a") as out:
            for event in events:
                key = (event["timestamp"], event["logStreamName"], event["message"])
                if key not in self._seen[function]:
                    out.write(event["message"].rstrip("\n") + "\n")
        if events:
            last = max(event["timestamp"] for event in events)
            self._since[function] = last
            self._seen[function] = {
                (event["timestamp"], event["logStreamName"], event["message"])
                for event in events
                if event["timestamp"] == last
            }
