"""The demo shop of `make run SHOP=demo`: from a network's link over landing page, product and checkout to the order and
its state at each network.

Its pages load one script, examples/click-capture/capture.js, and the line that calls it. All else is forms and links.
"""

import base64
import contextlib
import html
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from build import ROOT
from examples import FINAL, read_back
from machine import Failure
from stack import Stack
from stories import TITLES
from tool import Tool

COOKIE = "pb_clicks"
PRODUCT, PRICE = "Phone case", "1499.00"
# What cpa.moe needs of a visitor. This machine's own address is not a public one.
SHOPPER = {"name": "Asha Rao", "phone": "+91 98765 43210", "ip": "203.0.113.9", "country": "IN"}
FILES = {
    "/capture.js": ("text/javascript", (ROOT / "examples/click-capture/capture.js").read_text()),
    # A shop asks its visitor first. This one has no visitors.
    "/call.js": ("text/javascript", "pbCapture(yes => yes())"),
    "/shop.css": (
        "text/css",
        "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }"
        "td, th { text-align: left; padding: .2rem 1rem .2rem 0 } pre { overflow: auto; background: #eee; padding: 1rem }",
    ),
}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class Markup(str):
    """Text that is HTML already."""


def tag(name: str, /, *inner: str, **attributes: str) -> Markup:
    """An element. Whatever is not Markup is escaped."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items())
    content = "".join(each if isinstance(each, Markup) else html.escape(each) for each in inner)
    return Markup(f"<{name}{written}>" if name in ("input", "link", "meta") else f"<{name}{written}>{content}</{name}>")


def table(head: list[str], rows: list[list[str]]) -> Markup:
    cells = [[tag("th", each) for each in head], *([tag("td", each) for each in row] for row in rows)]
    return tag("table", *(tag("tr", *row) for row in cells))


def page(title: str, *inner: str, again: bool = False) -> str:
    """A page; `again` has the browser ask for it every second."""
    refresh = [tag("meta", http_equiv="refresh", content="1")] if again else []
    head = tag("head", tag("title", title), tag("link", rel="stylesheet", href="/shop.css"), *refresh)
    scripts = [tag("script", src=path) for path in ("/capture.js", "/call.js")]
    body = tag("body", tag("p", tag("a", "Start", href="/")), tag("h1", title), *inner, *scripts)
    return "<!doctype html>" + tag("html", head, body, lang="en")


def links() -> dict[str, str]:
    """The landing page's address as each network sends a shopper there. A click has an id of its own."""
    queries = {
        "shopback": {"utm_source": "shopback", "transaction_id": secrets.token_hex(15)},
        "cashmycell": {"cmc_id": secrets.token_hex(8)},
        "cpa_moe": {"offer": "217", "wm": "42"},
        "cartstack": {},
    }
    return {name: "/landing" + (f"?{urlencode(query)}" if query else "") for name, query in queries.items()}


def clicks(cookie: str) -> dict:
    """The clicks in the cookie, as far as they can be read."""
    with contextlib.suppress(ValueError, IndexError):
        found = json.loads(base64.urlsafe_b64decode(cookie.split(".")[1] + "==="))
        return found if isinstance(found, dict) else {}
    return {}


def order_of(cookie: str, email: str, user_agent: str) -> dict:
    """The order as a shop sends it: the cookie goes along as it is."""
    return {
        "order_id": f"SHOP-{secrets.token_hex(4)}",
        "status": "completed",
        "completed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "currency": "INR",
        "total": PRICE,
        "customer": {**SHOPPER, "email": email, "user_agent": user_agent},
        "items": [{"sku": "CASE-1", "name": PRODUCT, "quantity": 1, "unit_price": PRICE}],
        "click_cookie": cookie,
    }


# ── The pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def start(cookie: str) -> str:
    rows = [[TITLES[name], tag("a", address, href=address)] for name, address in links().items()]
    kept = clicks(cookie)
    forget = tag("form", tag("button", "Forget them"), method="post", action="/forget")
    return page(
        "A demo shop",
        tag("p", "A shopper comes by a network's link. Follow one, or several:"),
        table(["network", "its link"], rows),
        tag("p", "CartStack adds nothing to a link: it knows the cart by the e-mail address."),
        tag("h2", "Clicks that this browser keeps"),
        *([tag("pre", json.dumps(kept, indent=2)), forget] if kept else [tag("p", "None.")]),
    )


def landing() -> str:
    text = f"The page's script has kept the click of this address in the cookie {COOKIE}, if it has one."
    return page("Welcome", tag("p", text), tag("p", tag("a", f"See the {PRODUCT.lower()}", href="/product")))


def product() -> str:
    return page(PRODUCT, tag("p", f"INR {PRICE}"), tag("p", tag("a", "Buy it", href="/checkout")))


def checkout(cookie: str) -> str:
    email = tag("input", name="email", value="asha@shop.example")
    return page(
        "Checkout",
        tag("p", f"{PRODUCT}, INR {PRICE}"),
        tag("p", "The order takes the cookie along, as ", tag("code", "click_cookie"), ": ", tag("code", cookie or "there is none")),
        tag("form", tag("label", "E-mail address ", email), " ", tag("button", "Order"), method="post", action="/order"),
    )


class Shop:
    """The orders of this shop, and the stack that they are sent to."""

    def __init__(self, stack: Stack, tool: Tool):
        self._stack = stack
        self._tool = tool
        # The networks that each order concerns.
        self._orders: dict[str, list[str]] = {}

    def post(self, order: dict) -> str:
        """Sends an order. Returns its page's address."""
        answer = self._stack.api("POST", "/orders", order)
        if answer.status != 202:
            raise Failure(f"POST /orders answered {answer.status}: {answer.text}")
        self._orders[order["order_id"]] = answer.json["networks"]
        return f"/order?id={quote(order['order_id'])}"

    def order(self, order_id: str) -> str | None:
        """The page of an order; it asks again until nothing changes any more."""
        if order_id not in self._orders:
            return None
        deliveries = read_back(self._stack, order_id)
        states = {name: deliveries.get(name, {"state": "on its way"}) for name in self._orders[order_id]}
        rows = [[TITLES.get(name, name), each["state"], each.get("reason") or ""] for name, each in states.items()]
        return page(
            f"Order {order_id}",
            table(["network", "state", "reason"], rows) if rows else tag("p", "It concerns no network: it has no click and no e-mail address."),
            tag("p", "Open it in the tool and in the console, from the repository's folder:"),
            tag("pre", "\n".join(self.by_hand(f"orders show {order_id}", "console --write"))),
            again=any(each["state"] not in FINAL for each in states.values()),
        )

    def by_hand(self, *commands: str) -> list[str]:
        """The lines that run the tool's commands."""
        tool = self._tool
        program = tool.program.relative_to(ROOT) if tool.program.is_relative_to(ROOT) else tool.program
        settings = [("AWS_ENDPOINT_URL", "AWS_REGION"), ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
        return [*(tool.exports(*names) for names in settings), *(f"{program} {command}" for command in commands)]


class Handler(BaseHTTPRequestHandler):
    """Answers a browser on this machine."""

    shop: Shop

    def do_GET(self):  # noqa: N802
        address = urlsplit(self.path)
        if address.path in FILES:
            return self._answer(200, *FILES[address.path])
        pages = {
            "/": lambda: start(self._cookie()),
            "/landing": landing,
            "/product": product,
            "/checkout": lambda: checkout(self._cookie()),
            "/order": lambda: self.shop.order(parse_qs(address.query).get("id", [""])[0]),
        }
        self._take(lambda: self._page(pages.get(address.path, lambda: None)()))

    def do_POST(self):  # noqa: N802
        form = parse_qs(self.rfile.read(min(int(self.headers["content-length"] or 0), 4096)).decode(errors="replace"))
        email = form.get("email", [""])[0]
        actions = {
            "/forget": lambda: self._lead_to("/", f"{COOKIE}=; Path=/; Max-Age=0"),
            "/order": lambda: self._lead_to(self.shop.post(order_of(self._cookie(), email, self.headers["user-agent"] or ""))),
        }
        self._take(actions.get(self.path, lambda: self._page(None)))

    def _take(self, action: Callable[[], None]) -> None:
        """Answers this shop's own pages, and no foreign site or name that leads here."""
        host = (self.headers["host"] or "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost") or self.command == "POST" and self.headers["sec-fetch-site"] not in (None, "same-origin"):
            return self._answer(403, "text/plain", "This shop answers to 127.0.0.1 and localhost, and takes its own forms only.")
        try:
            action()
        except Failure as failure:
            self._answer(502, "text/html", page("The API refused", tag("pre", str(failure))))

    def _cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers["cookie"]).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found else ""

    def _page(self, text: str | None) -> None:
        self._answer(404, "text/plain", "There is no such page.") if text is None else self._answer(200, "text/html", text)

    def _lead_to(self, address: str, cookie: str = "") -> None:
        self._answer(303, "text/plain", "", {"location": address, **({"set-cookie": cookie} if cookie else {})})

    def _answer(self, status: int, kind: str, text: str, more: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        headers = {"content-type": f"{kind}; charset=utf-8", "content-length": str(len(body)), "content-security-policy": POLICY}
        for name, value in {**headers, "cache-control": "no-store", "x-content-type-options": "nosniff", **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(stack: Stack, tool: Tool, port: int = 0) -> Iterator[str]:
    """Serves the shop. Gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("ShopHandler", (Handler,), {"shop": Shop(stack, tool)}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
