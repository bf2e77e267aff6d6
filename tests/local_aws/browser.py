"""A headless Chromium, driven by chromedriver's own protocol (W3C WebDriver). Needs the standard library only.

Both come from Debian's packages `chromium` and `chromium-driver`, or are Google Chrome and its driver; where they are missing, `missing()` says so.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing() -> str:
    """What this machine lacks for a browser; empty if nothing."""
    programs = {"chromium": ("chromium", "google-chrome"), "chromedriver": ("chromedriver",)}
    lacking = [name for name, any_of in programs.items() if not any(map(shutil.which, any_of))]
    return f"no {' and no '.join(lacking)} on this machine (Debian: chromium, chromium-driver)" if lacking else ""


class Browser:
    """One window."""

    def __init__(self, dark: bool = False, script: bool = True, more: tuple[str, ...] = ()):
        port = free_port()
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._url = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,900", *more]
        arguments += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
        preferences = {} if script else {"profile.managed_default_content_settings.javascript": 2}
        options = {"args": arguments, "prefs": preferences}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._await()
        opened = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{opened['sessionId']}"

    def _await(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self._call("GET", "/status")["ready"]:
                    return
            time.sleep(0.05)
        raise RuntimeError("chromedriver did not start")

    def _call(self, method: str, path: str, body: dict | None = None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self._url + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def close(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._call("DELETE", self._session)
        os.killpg(self._driver.pid, signal.SIGTERM)
        self._driver.wait()

    def go(self, url: str) -> None:
        self._call("POST", self._session + "/url", {"url": url})

    @property
    def url(self) -> str:
        return self._call("GET", self._session + "/url")

    def run(self, script: str, *arguments):
        """Runs script in the page, by the driver: also where the page itself may run none."""
        return self._call("POST", self._session + "/execute/sync", {"script": script, "args": list(arguments)})

    def finish(self, script: str):
        """Runs script that calls `arguments[0]` with its result."""
        return self._call("POST", self._session + "/execute/async", {"script": script, "args": []})

    def find(self, selector: str, text: str = "") -> list[dict]:
        """The elements of a CSS selector whose text contains `text`."""
        found = self._call("POST", self._session + "/elements", {"using": "css selector", "value": selector})
        return [one for one in found if text in self.text(one)]

    def text(self, element: dict) -> str:
        return self._call("GET", f"{self._session}/element/{element[ELEMENT]}/text")

    def click(self, selector: str, text: str = "") -> None:
        found = self.find(selector, text)
        assert found, f"no {selector} with {text!r} on {self.url}: {self.page()}"
        self._call("POST", f"{self._session}/element/{found[0][ELEMENT]}/click")

    def type(self, selector: str, text: str) -> None:
        element = self.find(selector)[0][ELEMENT]
        self._call("POST", f"{self._session}/element/{element}/value", {"text": text})

    def keys(self, *keys: str) -> None:
        """Presses keys, wherever the focus is."""
        presses = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        actions = {"actions": [{"type": "key", "id": "keyboard", "actions": presses}]}
        self._call("POST", self._session + "/actions", actions)

    def page(self) -> str:
        return self.run("return document.body ? document.body.innerText : ''")

    def resize(self, width: int, height: int) -> None:
        self._call("POST", self._session + "/window/rect", {"width": width, "height": height})

    def picture(self, path: Path, height: int) -> None:
        self.resize(1200, height)
        path.write_bytes(base64.b64decode(self._call("GET", self._session + "/screenshot")))

    def complaints(self) -> list[str]:
        """What the page's console says: refused loads, script errors."""
        entries = self._call("POST", self._session + "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]
