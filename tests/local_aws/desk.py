"""The operator's desk: the commands and the pages that an operator has, printed with their answers and counted."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit

from machine import Failure
from tool import Tool

# The most lines of an answer that are printed.
SHOWN_LINES = 14
LOG_SECONDS = 30


class Desk:
    """Runs what an operator types."""

    way = "tool"

    def __init__(self, tool: Tool, say: Callable[[str], None] = print):
        self.tool = tool
        self.commands = 0
        # Looked at, or sent.
        self.pages = 0
        self._say = say

    def close(self) -> None:
        pass

    def counted(self) -> str:
        pages = f", {self.pages} page{'s' if self.pages > 1 else ''}" if self.pages else ""
        return f"{self.commands} command{'s' if self.commands > 1 else ''}{pages}"

    # ── What there is a page for ────────────────────────────────────────────────────────────────────────────────────

    def needs_me(self) -> None:
        self.postback("status", "--all")

    def reasons(self, network: str, which: str, *logged: str) -> None:
        """Why orders wait: by the log, or by the list of those that do."""
        del which
        self.logs(network, *logged)

    def order(self, order_id: str) -> None:
        self.postback("orders", "show", order_id)

    def pause_all(self, why: str) -> None:
        self.postback("pause", "--all", "--why", why)

    def resume_all(self, why: str) -> None:
        self.postback("resume", "--all", "--why", why)

    # ── Commands ────────────────────────────────────────────────────────────────────────────────────────────────────

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
        """Sets a secret from standard input."""
        done = self.tool.start([str(self.tool.program), "secret", name], json.dumps(settings))
        self._show(f"postback secret {name} < {name}.json", done.stdout + done.stderr)
        if done.returncode != 0:
            raise Failure(f"postback secret {name} ended with {done.returncode}")

    def needs(self) -> list[str]:
        """What needs somebody, in the words of `postback status`."""
        done = self.tool.run("status")
        return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]

    def _show(self, command: str, answer: str) -> None:
        self.commands += 1
        self._print(f"$ {command}", answer)

    def _print(self, what: str, answer: str) -> None:
        lines = answer.strip().splitlines()
        left = len(lines) - SHOWN_LINES
        shown = lines[:SHOWN_LINES] + ([f"… {left} more lines"] if left > 0 else [])
        self._say("\n".join([f"   {what}", *(f"     {line}" for line in shown)]))


class ConsoleDesk(Desk):
    """Does by the console's pages what there is a page for, as a browser without script does, and types the rest."""

    way = "console"

    def __init__(self, tool: Tool, say: Callable[[str], None] = print):
        super().__init__(tool, say)
        self._console, url = tool.console("--write")
        self._show("postback console --write", url)
        self._call = Session(url).call

    def close(self) -> None:
        self._console.terminate()
        self._console.wait()

    def needs_me(self) -> None:
        self._look("/")

    def reasons(self, network: str, which: str, *logged: str) -> None:
        del logged
        self._look(f"/orders?which={which}&network={network}")

    def order(self, order_id: str) -> None:
        self._look(f"/order?id={quote(order_id)}")

    def pause_all(self, why: str) -> None:
        self._send("/networks", "Pause all networks", why=why)

    def resume_all(self, why: str) -> None:
        self._send("/networks", "Resume all networks", why=why)

    def _look(self, path: str) -> None:
        self.pages += 1
        self._print(f"console: {path}", "\n".join(self._page(path).texts))

    def _send(self, path: str, button: str, **fields: str) -> None:
        """Fills in the form with this button, and presses it."""
        self.pages += 1
        forms = [form for form in self._page(path).forms if button in form["buttons"]]
        if len(forms) != 1:
            raise Failure(f"{path} has {len(forms)} forms with the button {button}.")
        status, _, text = self._call("POST", forms[0]["action"], urlencode({**forms[0]["fields"], **fields}))
        if status != 303:
            raise Failure(f"{button}: answered with {status}: {' '.join(Page(text).texts)}")
        self._print(f"console: {path}, {button!r}", ", ".join(fields.values()))

    def _page(self, path: str) -> "Page":
        # Until the whole ledger is read, a page says so and is to be read again.
        deadline = time.monotonic() + LOG_SECONDS
        while True:
            status, _, text = self._call("GET", path)
            if status != 200:
                raise Failure(f"{path} answered with {status}: {' '.join(Page(text).texts)}")
            if 'data-refresh=' not in text or time.monotonic() > deadline:
                return Page(text)
            time.sleep(1)


class Session:
    """The session that a console's URL opens, as a browser has it."""

    def __init__(self, url: str):
        self._place, self._cookie = urlsplit(url).netloc, ""
        _, headers, _ = self.call("GET", f"/open?{urlsplit(url).query}")
        self._cookie = headers["set-cookie"].split(";")[0]

    def call(self, method: str, path: str, body: str | None = None):
        connection = http.client.HTTPConnection(self._place, timeout=60)
        headers = {"cookie": self._cookie}
        if body is not None:
            headers |= {"content-type": "application/x-www-form-urlencoded", "origin": f"http://{self._place}"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


class Page(HTMLParser):
    """A page's text, and its forms with their fields and buttons."""

    def __init__(self, text: str):
        super().__init__()
        self.texts: list[str] = []
        self.forms: list[dict] = []
        self._in_main = self._in_button = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._in_main = self._in_main or tag == "main"
        self._in_button = tag == "button"
        if tag == "form":
            self.forms.append({"action": found.get("action"), "fields": {}, "buttons": []})
        if tag == "input" and self.forms and "name" in found:
            self.forms[-1]["fields"][found["name"]] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._in_main = self._in_main and tag != "main"
        self._in_button = self._in_button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and self.forms:
            self.forms[-1]["buttons"].append(data.strip())
        if self._in_main and data.strip():
            self.texts.append(data.strip())


DESKS = {desk.way: desk for desk in (Desk, ConsoleDesk)}


def quoted(word: str) -> str:
    return f"'{word}'" if " " in word or "*" in word else word
