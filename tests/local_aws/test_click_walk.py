"""A shopper's walk in Chromium, from the landing page to what the networks are sent of the order: the script of
examples/click-capture on each page of a shop, its cookie with the order at the deployed API, and the clicks in each network's
report and in the ledger.
"""

import hashlib
import http.server
import secrets
import shutil
import subprocess
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from examples import read_back
from needed import lacking
from observability import metrics, now
from stack import STACK_NAME
from test_click_capture import FOLDER, clicks_of
from test_end_to_end import eventually, new_id, order

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Of a cookie's name and value, browsers keep 4,096 characters.
MOST = 4096 - len("pb_clicks")


@pytest.fixture(scope="module", autouse=True)
def chromium():
    if not CHROMIUM:
        lacking("there is no Chromium on this machine")


class Shop(http.server.BaseHTTPRequestHandler):
    """A shop: each page loads the script, posts its cookies and goes on to the next of its walk; the last posts them as an order."""

    def do_GET(self):
        if urlsplit(self.path).path == "/capture.js":
            return self.answer("text/javascript", (FOLDER / "capture.js").read_text())
        return self.answer("text/html", self.server.pages.get(urlsplit(self.path).path, ""))

    def do_POST(self):
        cookies = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.posted.setdefault(urlsplit(self.path).path, []).append(dict(parse_qsl(cookies, separator="; ")).get("pb_clicks"))
        self.answer("text/plain", "")

    def answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@dataclass(frozen=True)
class Walk:
    """The cookie on a walk through a shop: before the landing page, after it, and with the order."""

    before: str | None
    landing: str | None
    order: str | None


def walk(tmp_path, *addresses: str, consent: str = "yes()", first: str = "") -> Walk:
    """Visits the addresses in one browser, then the checkout. `first` is the script of a page before them."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.posted, server.pages = {}, {}
    port = server.server_address[1]
    steps = [*addresses, "/checkout"]
    for step, following in zip(steps, steps[1:], strict=False):
        capture = f"<script src='/capture.js'></script><script>pbCapture(yes => {{ {consent} }})</script>"
        server.pages[urlsplit(address(port, step)).path] = capture + goes_on("/page", address(port, following))
    server.pages["/checkout"] = "<script>fetch('/order', {method: 'POST', body: document.cookie}).then(() => document.title = 'done')</script>"
    server.pages["/first"] = f"<script>{first}</script>" + goes_on("/before", address(port, addresses[0]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
        subprocess.run([*command, f"http://localhost:{port}/first"], capture_output=True, timeout=120, check=True)
    finally:
        server.shutdown()
    [before], [ordered] = server.posted["/before"], server.posted["/order"]
    assert len(server.posted["/page"]) == len(addresses)
    return Walk(before, server.posted["/page"][0], ordered)


def address(port: int, step: str) -> str:
    """The address of a step: a path of the shop, or one with another host before it."""
    host, slash, rest = step.partition("/")
    return f"http://{host or 'localhost'}:{port}{slash}{rest}"


def goes_on(posts_to: str, address: str) -> str:
    """The end of a page: it posts its cookies and goes on."""
    # At once: under virtual time, Chromium does not get over a fetch with a page to go to after it.
    post = f"const post = new XMLHttpRequest; post.open('POST', '{posts_to}', false); post.send(document.cookie)"
    return f"<script>{post}; location.href = '{address}'</script>"


def click() -> dict[str, str]:
    """What a link of ShopBack and one of CashMyCell have in their addresses, with ids of their own."""
    return {"utm_source": "shopback", "transaction_id": secrets.token_hex(15), "cmc_id": secrets.token_hex(8)}


def kept(clicked: dict[str, str]) -> dict:
    """The clicks that the cookie keeps of such an address."""
    return {"shopback": {"transaction_id": clicked["transaction_id"]}, "cashmycell": {"cmc_id": clicked["cmc_id"]}}


@pytest.fixture
def ordered(stack):
    """Sends an order with a walk's cookie, and no other click and no buyer, to the API. Returns its id and its networks."""

    def ordered(cookie: str | None) -> tuple[str, list[str]]:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with_cookie = {} if cookie is None else {"click_cookie": cookie}
        sent = order(new_id(), completed_at=at, customer={}, clicks={}, **with_cookie)
        answer = stack.api("POST", "/orders", sent)
        assert answer.status == 202, answer.text
        return sent["order_id"], answer.json["networks"]

    return ordered


def reported(stack, order_id: str, clicked: dict[str, str]) -> None:
    """Asserts that the order was reported once at each network, with these ids, and that the ledger has it under them."""
    states = lambda: {name: each["state"] for name, each in read_back(stack, order_id).items()}  # noqa: E731
    wanted = {"cashmycell": "accepted", "shopback": "delivered"}
    assert eventually(states, wanted) == wanted
    for network, key, id_of_click in (("shopback", order_id, "transaction_id"), ("cashmycell", clicked["cmc_id"], "cmc_id")):
        [report] = stack.sandbox("GET", f"/_received?network={network}&order={key}").json
        assert dict(report["params"])[id_of_click] == clicked[id_of_click], network
    assert orders_of_click(stack, clicked["transaction_id"]) == {order_id}


def orders_of_click(stack, transaction_id: str) -> set[str]:
    """The orders that the ledger has for a click at ShopBack. It keeps the click's digest alone."""
    digest = hashlib.sha256(transaction_id.encode()).hexdigest()
    key = {"order_id": {"S": f" click#{digest}"}, "delivery": {"S": "shopback"}}
    found = stack.client("dynamodb").get_item(TableName=stack.outputs["LedgerTable"], Key=key, ConsistentRead=True)
    return set(found.get("Item", {}).get("orders", {}).get("SS", []))


def unclaimed(stack, ordered, cookie: str | None) -> None:
    """Asserts that an order with this cookie is taken, without a click."""
    order_id, networks = ordered(cookie)
    assert networks == []
    shown = stack.api("GET", f"/orders/{order_id}").json
    assert (shown["deliveries"], shown["unclaimed"].get("clicks", [])) == ([], [])


def test_the_clicks_get_from_the_landing_over_three_pages_to_the_networks(stack, ordered, tmp_path):
    clicked = click()

    seen = walk(tmp_path, "/landing?" + urlencode(clicked), "/product", "/basket", "/delivery")

    assert seen.before is None
    assert clicks_of(seen.landing) == clicks_of(seen.order) == kept(clicked)
    order_id, networks = ordered(seen.order)
    assert networks == ["cashmycell", "shopback"]
    reported(stack, order_id, clicked)


def test_of_two_clicks_of_a_network_the_later_is_reported_and_the_other_networks_stays(stack, ordered, tmp_path):
    clicked, later = click(), secrets.token_hex(15)
    again = {"utm_source": "shopback", "transaction_id": later}

    seen = walk(tmp_path, "/landing?" + urlencode(clicked), "/product", "/again?" + urlencode(again))

    assert clicks_of(seen.landing) == kept(clicked)
    assert clicks_of(seen.order) == kept(clicked | again)
    reported(stack, ordered(seen.order)[0], clicked | again)
    assert orders_of_click(stack, clicked["transaction_id"]) == set()


def test_without_consent_nothing_is_kept_and_the_order_has_no_click(stack, ordered, tmp_path):
    seen = walk(tmp_path, "/landing?" + urlencode(click()), "/product", consent="")

    assert seen == Walk(before=None, landing=None, order=None)
    unclaimed(stack, ordered, seen.order)


def test_the_clicks_of_another_origin_stay_there_and_the_order_has_none(stack, ordered, tmp_path):
    clicked = click()

    seen = walk(tmp_path, "127.0.0.1/landing?" + urlencode(clicked), "/product")

    assert clicks_of(seen.landing) == kept(clicked)
    assert seen.order is None
    unclaimed(stack, ordered, seen.order)


def of_four_kilobytes(more: int = 0) -> tuple[str, str]:
    """The largest cookie that a browser keeps, or one with more characters, and the script that sets it."""
    length = MOST - len("v1.") + more
    return "v1." + "x" * length, f"document.cookie = 'pb_clicks=v1.' + 'x'.repeat({length}) + ';path=/'"


def test_a_cookie_of_four_kilobytes_gives_way_to_a_click(stack, ordered, tmp_path):
    large, sets_it = of_four_kilobytes()
    clicked = click()

    seen = walk(tmp_path, "/landing?" + urlencode(clicked), "/product", first=sets_it)

    assert seen.before == large
    assert clicks_of(seen.landing) == clicks_of(seen.order) == kept(clicked)
    reported(stack, ordered(seen.order)[0], clicked)


def test_an_order_with_a_cookie_of_four_kilobytes_is_taken_without_it(stack, ordered, tmp_path):
    (large, sets_it), since = of_four_kilobytes(), now()

    seen = walk(tmp_path, "/landing", "/product", first=sets_it)

    assert (seen.before, seen.landing, seen.order) == (large, large, large)
    unclaimed(stack, ordered, seen.order)
    counted = lambda: [each["Cookie"] for each in metrics(stack, "intake", since) if each["Stack"] == STACK_NAME and "Cookie" in each]  # noqa: E731
    assert eventually(lambda: "damaged" in counted(), True, 30)
    # What is larger no browser keeps.
    assert walk(tmp_path / "larger", "/landing", first=of_four_kilobytes(more=1)[1]).before is None
