"""`make run SHOP=demo` as a newcomer starts it: the shop that it opens takes an order of a ShopBack link, which the tool and the
console show, and Ctrl-C ends all of it.

The command is the real one. Only cargo is stood in for: it hands over the programs that the tests have built.
"""

import html
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

import prepare
import pytest
from build import FUNCTIONS, LOCAL, PACKAGES, ROOT
from local import free_port, local_environment, request
from machine import check_port
from test_click_capture import by_script
from test_end_to_end import eventually
from test_first_order import OF_MAKE
from test_shop import by_hand, console

PORTS = ("PORT", "SANDBOX_PORT", "SHOP_PORT")
PATIENCE_SECONDS = 180


@pytest.fixture
def built(stack, tool_program, tmp_path) -> dict[str, str]:
    """The environment of a newcomer whose cargo builds the programs of the other tests."""
    programs = {name: PACKAGES / name / "bootstrap" for name in FUNCTIONS}
    programs |= {"postback-sandbox": stack.sandbox_program, "postback": tool_program}
    copies = "".join(f"ln -s '{path}' \"$CARGO_TARGET_DIR/quick/{name}\"\n" for name, path in programs.items())
    (tmp_path / "bin").mkdir()
    cargo = tmp_path / "bin" / "cargo"
    cargo.write_text(f"#!/bin/sh -eu\n[ \"$1 $2 $3\" = 'build --profile quick' ]\nmkdir -p \"$CARGO_TARGET_DIR/quick\"\n{copies}")
    cargo.chmod(0o755)
    kept = {name: value for name, value in local_environment().items() if name not in (*OF_MAKE, *PORTS)}
    return kept | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(tmp_path / "target")}


@contextmanager
def make_run(environment: dict[str, str], log: Path):
    """Runs the command and ends it as Ctrl-C does. Gives the address that it shows."""
    ports = {name: free_port() for name in PORTS}
    home = LOCAL / f"run-{ports['PORT']}"
    # With the Python whose tools are there: for another one it would install them anew.
    command = ["make", "run", "SHOP=demo", f"PYTHON={sys.executable}", *(f"{name}={port}" for name, port in ports.items())]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )  # fmt: skip
    opens = lambda: re.findall(r"^The shop is open: (\S+)$", log.read_text(), re.M)  # noqa: E731
    try:
        eventually(lambda: bool(opens()) or process.poll() is not None, True, PATIENCE_SECONDS)
        assert opens() == [f"http://127.0.0.1:{ports['SHOP_PORT']}"], log.read_text()
        yield opens()[0]
    finally:
        if process.poll() is None:
            # A terminal sends it to make and to what make has started.
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        shutil.rmtree(home, ignore_errors=True)
        home.with_suffix(".lock").unlink(missing_ok=True)
    assert "Stopping …" in log.read_text()
    for name, port in ports.items():
        check_port(port, name, name)


@pytest.mark.skipif(
    not all(map(prepare.is_current, ("tools", "emulator"))), reason="the Python tools are not those of this folder: the command would install them"
)
def test_make_run_opens_a_shop_whose_order_is_in_the_tool_and_the_console(built, tmp_path):
    with make_run(built, tmp_path / "shown") as address:
        port = urlsplit(address).port
        order_id, lines = ordered(port)
        *settings, show, opens = lines

        shown, _ = by_hand([*settings, show]).communicate(timeout=60)
        assert order_id in shown and "delivered" in shown
        with console([*settings, opens]) as url:
            browser = build_opener(HTTPCookieProcessor(CookieJar()))
            browser.open(url)
            page = browser.open(f"{url.split('/open?')[0]}/order?id={order_id}").read().decode()
            assert order_id in page and "delivered" in page


def ordered(port: int) -> tuple[str, list[str]]:
    """Follows ShopBack's link through the shop, and orders. Returns the order's id and the lines that its page has for a shell."""
    [link] = re.findall(r'href="(/landing\?[^"]*utm_source=shopback[^"]*)"', request(port, "GET", "/").text)
    link = html.unescape(link)
    assert 'href="/product"' in request(port, "GET", link).text
    assert 'href="/checkout"' in request(port, "GET", "/product").text
    # What the page's script keeps in a browser.
    cookie = {"cookie": f"pb_clicks={by_script(urlsplit(link).query, '', True)}"}
    assert cookie["cookie"].removeprefix("pb_clicks=") in request(port, "GET", "/checkout", headers=cookie).text
    taken = request(port, "POST", "/order", urlencode({"email": "asha@shop.example"}), cookie)
    assert taken.status == 303, taken.text

    page = lambda: request(port, "GET", taken.headers["location"]).text  # noqa: E731
    states = lambda: dict(re.findall(r"<td>(\w+)</td><td>(\w+)</td>", page()))  # noqa: E731
    wanted = {"CartStack": "delivered", "ShopBack": "delivered"}
    assert eventually(states, wanted) == wanted
    [lines] = re.findall(r"<pre>(.*?)</pre>", page(), re.S)
    return taken.headers["location"].removeprefix("/order?id="), html.unescape(lines).splitlines()
