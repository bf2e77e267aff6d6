"""The demo shop of `make run SHOP=demo`, over the deployed bundle: from a network's link to the order in the tool and the
console."""

import json
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import browser as chromium
import pytest
import shop
from build import ROOT
from local import local_environment, request
from tool import Tool


@pytest.fixture
def opened(stack, tool_program):
    with shop.serving(stack, Tool(tool_program, stack)) as address:
        yield address


@pytest.fixture
def browser():
    window = chromium.Browser()
    yield window
    window.close()


def wait_for(browser, *texts: str) -> str:
    """The page, once it says all of this by itself; the cells of a row with a blank between."""
    deadline = time.monotonic() + 60
    while not all(text in (page := browser.page().replace("\t", " ")) for text in texts):
        assert time.monotonic() < deadline, page
        time.sleep(0.1)
    return page


def by_hand(lines: list[str]) -> subprocess.Popen:
    """Runs lines of a page in a shell."""
    command = ["bash", "-euc", "\n".join([*lines[:-1], f"exec {lines[-1]}"])]
    return subprocess.Popen(command, cwd=ROOT, env=local_environment(), stdout=subprocess.PIPE, text=True)


@contextmanager
def console(lines: list[str]):
    """The URL of the console that a page's lines open."""
    program = by_hand([*lines[:-1], f"{lines[-1]} --json"])
    try:
        answer = ""
        for line in program.stdout:
            answer += line
            if line.rstrip() == "}":
                break
        yield json.loads(answer)["url"]
    finally:
        program.terminate()
        program.wait()


@pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing() or "a browser")
def test_from_shopbacks_link_to_the_order_in_the_tool_and_the_console(stack, opened, browser):
    browser.go(opened)
    [clicked] = parse_qs(urlsplit(browser.text(browser.find("td a", "utm_source=shopback")[0])).query)["transaction_id"]
    browser.click("td a", "utm_source=shopback")
    browser.click("a", "See the phone case")
    browser.click("a", "Buy it")
    wait_for(browser, "click_cookie: v1.")
    browser.click("button", "Order")

    page = wait_for(browser, "ShopBack delivered", "CartStack delivered")
    assert "CashMyCell" not in page and "cpa.moe" not in page
    order_id = browser.text(browser.find("h1")[0]).removeprefix("Order ")
    [report] = stack.sandbox("GET", f"/_received?network=shopback&order={order_id}").json
    assert dict(report["params"])["transaction_id"] == clicked
    *settings, show, opens = browser.text(browser.find("pre")[0]).splitlines()
    shown, _ = by_hand([*settings, show]).communicate(timeout=60)
    assert order_id in shown and "delivered" in shown
    with console([*settings, opens]) as url:
        browser.go(url)
        browser.go(f"{url.split('/open?')[0]}/order?id={order_id}")
        wait_for(browser, f"Order {order_id}", "shopback: delivered")
    assert browser.complaints() == []


@pytest.mark.skipif(bool(chromium.missing()), reason=chromium.missing() or "a browser")
def test_clicks_of_several_networks_stay_until_they_are_forgotten(opened, browser):
    for network in ("cmc_id", "offer"):
        browser.go(opened)
        browser.click("td a", network)
    browser.go(opened + "/checkout")
    browser.click("button", "Order")
    wait_for(browser, "CashMyCell accepted", "cpa.moe delivered")

    browser.click("a", "Start")
    assert '"wm": "42"' in wait_for(browser, '"cmc_id": ')
    browser.click("button", "Forget them")
    wait_for(browser, "None.")


def test_what_a_browser_sends_is_text_and_other_sites_order_nothing(opened):
    port = int(opened.rsplit(":", 1)[1])
    hostile = "<script>alert(1)</script>"

    shown = request(port, "GET", "/checkout", headers={"cookie": f'pb_clicks="{hostile}"'})
    assert hostile not in shown.text and "&lt;script&gt;" in shown.text
    assert shown.headers["content-security-policy"] == shop.POLICY
    assert request(port, "GET", f"/order?id={hostile}").status == 404
    assert request(port, "GET", "/", headers={"host": f"evil.example:{port}"}).status == 403
    assert request(port, "POST", "/order", "email=", {"sec-fetch-site": "cross-site"}).status == 403


def test_a_refusal_of_the_api_is_shown(opened, monkeypatch):
    port = int(opened.rsplit(":", 1)[1])
    monkeypatch.setattr(shop, "PRICE", "many")

    refused = request(port, "POST", "/order", "email=")

    assert refused.status == 502 and "/total" in refused.text
