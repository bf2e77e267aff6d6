"""The operator's console in a real Chromium, over a seeded ledger. Skipped where there is no browser, unless REQUIRE_BROWSER is set."""

import hashlib
import json
import time
from pathlib import Path

import browser as chromium
import pytest
from console import Console, build
from needed import lacking
from npm import installed

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;"
# Of orders: in doubt, with a validation that came back, with one that is held, with a lead's stages, above the bound, of no network.
PAGES = [
    *("/", "/networks", "/orders", "/orders?which=held", "/orders?which=validations", "/decide", "/decide?which=held&network=cashmycell"),
    *(f"/order?id=O-{number}" for number in (47002, 47010, 47011, 47012, 47013, 47020)),
    *("/replay", "/replay?from=2h", "/letters?network=shopback", "/letters", "/money", "/activity"),
]
TAB, ENTER, SPACE = "\ue004", "\ue007", " "


@pytest.fixture(scope="module", autouse=True)
def programs():
    if chromium.missing():
        lacking(chromium.missing())
    build()


@pytest.fixture
def served():
    console = Console("--write")
    yield console
    console.close()


@pytest.fixture
def browser():
    window = chromium.Browser()
    yield window
    window.close()


def wait_for(browser, text: str) -> str:
    """The page, once it says so by itself."""
    deadline = time.monotonic() + 60
    while text not in (page := browser.page()):
        assert time.monotonic() < deadline, page
        time.sleep(0.1)
    return page


def test_what_needs_me_is_three_clicks_from_the_start(served, browser):
    browser.go(served.opening)

    wait_for(browser, "cartstack: 300 wait for a person (answer_lost)")
    browser.click("section:first-of-type a", "See them")
    wait_for(browser, "300 deliveries")
    browser.click("td a", "O-48")
    assert "Decide about attempt 1" in wait_for(browser, "Nothing: it waits for a person.")


def decide(browser, why: str, decision: str = "confirm") -> None:
    browser.click("section:first-of-type a", "Decide about them")
    wait_for(browser, "Decision about all of them")
    browser.click(f"input[value={decision}]")
    browser.type("#why", why)
    browser.click("main button", "Preview")
    wait_for(browser, "Each decision applies to the attempt shown here")


def test_300_held_deliveries_are_decided_with_one_confirmation(served, browser):
    browser.go(served.opening)
    decide(browser, "all in their report of 28 November")

    wait_for(browser, "The network has it: 300 deliveries")
    browser.click("button", "Confirm: the network has it, 300 deliveries")
    page = wait_for(browser, "300 deliveries decided, 0 refused.")
    assert "all in their report of 28 November" in page
    browser.click("nav a", "What needs me")
    assert "cartstack: 300" not in wait_for(browser, "cashmycell: 1 waits for a person")
    listed = served.run("orders", "list", "--held", "--network", "cartstack")
    assert "Nothing found" in listed.stdout


def report_of_all_held(served, folder: Path) -> Path:
    held = json.loads(served.run("orders", "list", "--held", "--network", "cartstack", "--limit", "400", "--json").stdout)["deliveries"]
    rows = [f"{each['order_id']},{each['first_seen_at'][:10]},10,EUR" for each in held]
    report = folder / "report.csv"
    report.write_text("\n".join(["Order ID,Date,Total,Currency", *rows]))
    return report


def preview(served, browser, report: Path) -> str:
    """Uploads a report, and returns its digest, which the preview shows."""
    digest = hashlib.sha256(report.read_bytes()).hexdigest()
    browser.go(served.base + "/decide")
    browser.click("option[value=cartstack]")
    browser.type("#report", str(report))
    browser.type("#report-why", "all in their report")
    browser.click("button", "Preview the report")
    wait_for(browser, digest)
    return digest


def test_300_held_deliveries_are_settled_by_an_uploaded_report(served, browser, tmp_path):
    browser.go(served.opening)

    digest = preview(served, browser, report_of_all_held(served, tmp_path))
    browser.click("button", "Confirm: record 300 decisions")

    page = wait_for(browser, "300 deliveries decided, 0 refused.")
    assert f"By the report {digest}." in page
    assert "Nothing found" in served.run("orders", "list", "--held", "--network", "cartstack").stdout


def test_a_decision_about_a_delivery_that_somebody_else_settled_is_refused(served, browser):
    browser.go(served.opening)
    decide(browser, "not in their report", "abandon")
    other = served.run("orders", "settle", "O-48005", "cartstack", "--delivered", "--attempt", "1", "--reason", "seen")
    assert other.returncode == 0, other.stderr

    browser.click("button", "Confirm: give it up: nobody will find out, 300 deliveries")

    page = wait_for(browser, "299 deliveries decided, 1 refused.")
    # The refused one comes first.
    first = browser.text(browser.find("tbody tr")[0])
    assert "O-48005" in first and "Refused (not_open)" in first, page
    browser.go(served.base + "/order?id=O-48005")
    assert "not in their report" not in wait_for(browser, "cartstack: delivered")


def test_without_the_token_or_under_another_name_nothing_is_shown(served):
    port = served.base.rsplit(":", 1)[1]
    browser = chromium.Browser(more=("--host-resolver-rules=MAP evil.example 127.0.0.1",))
    try:
        browser.go(served.base + "/orders")
        assert browser.page().startswith("No session.")
        browser.go(f"http://evil.example:{port}/" + served.opening.rsplit("/", 1)[1])
        assert browser.page() == "This console answers to 127.0.0.1 and localhost only."
        # The token is not spent by that.
        browser.go(served.opening)
        assert browser.find("h1", "What needs me")
        browser.go(served.opening)
        assert browser.page().startswith("This URL is used up")
    finally:
        browser.close()


def test_a_hostile_order_id_is_text_on_every_page(served, browser):
    browser.go(served.opening)
    for path in ("/", "/orders?which=held&network=cashmycell", "/decide?which=held&network=cashmycell"):
        browser.go(served.base + path)
        assert browser.run("return document.querySelectorAll('main script, main img').length") == 0, path
    browser.go(served.base + "/orders?which=held&network=cashmycell")
    browser.click("td a", HOSTILE)
    wait_for(browser, f"Order {HOSTILE}")
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [1200, 640])
def test_pages_complain_of_nothing_and_load_nothing_from_elsewhere(served, browser, width):
    browser.resize(width, 900)
    browser.go(served.opening)
    assert browser.run("return innerWidth") == width
    for path in PAGES:
        browser.go(served.base + path)
        loaded = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert all(name.startswith((served.base, "data:")) for name in loaded), loaded
        # Nothing is wider than the window.
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), path
    assert browser.complaints() == []


def test_it_works_without_script(served):
    browser = chromium.Browser(script=False)
    try:
        browser.go(served.opening)
        decide(browser, "without script")
        browser.click("button", "Confirm")
        deadline = time.monotonic() + 60
        while "decided, 0 refused" not in browser.page():
            assert time.monotonic() < deadline
            browser.go(browser.url)
        assert "300 deliveries decided" in browser.page()
    finally:
        browser.close()


def focused(browser) -> str:
    # The body has the focus where nothing has.
    return browser.run("const it = document.activeElement; return it === document.body ? '' : it.textContent || it.name || ''")


def tab_to(browser, text: str) -> None:
    for _ in range(80):
        browser.keys(TAB)
        if text in focused(browser):
            # What has the focus shows it.
            assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none", text
            return
    raise AssertionError(f"no way to {text!r} by the keyboard")


def test_a_decision_can_be_taken_by_the_keyboard_alone(served, browser):
    browser.go(served.opening)
    browser.keys(TAB)
    assert focused(browser) == "Skip to the content"
    tab_to(browser, "Decide about them")
    browser.keys(ENTER)
    tab_to(browser, "why")
    browser.keys(*"by keyboard")
    tab_to(browser, "Preview")
    browser.keys(ENTER)
    tab_to(browser, "Confirm: the network has it")
    browser.keys(ENTER)
    wait_for(browser, "300 deliveries decided, 0 refused.")


# Has the page refresh itself ten times a second, and counts the rounds.
HURRIED = """
    const main = document.querySelector('main'), wait = window.setTimeout;
    window.rounds = 0;
    window.setTimeout = next => { window.rounds += 1; return wait(next, 100); };
    main.dataset.refresh = '2';
    main.append(Object.assign(document.createElement('i'), { id: 'old' }));
    main.querySelector(arguments[0]).focus();
"""


def rounds(browser, number: int) -> None:
    deadline = time.monotonic() + 30
    while browser.run("return window.rounds") < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("path", "selector"), [("/orders?which=held", "td a"), ("/networks", "summary")], ids=["a link", "a form"])
def test_a_refresh_takes_nothing_from_who_is_at_work(served, browser, path, selector):
    browser.go(served.opening)
    browser.go(served.base + path)
    browser.run(HURRIED, selector)
    if selector == "summary":
        browser.keys(ENTER)

    rounds(browser, 3)

    assert browser.run("return document.activeElement.matches(arguments[0])", selector)
    assert browser.find("#old")
    assert len(browser.find("details[open]")) == (selector == "summary")
    # At the content itself nobody is at work: it is refreshed, and keeps the focus.
    browser.run("document.querySelectorAll('details').forEach(it => it.open = false); document.querySelector('main').focus()")
    deadline = time.monotonic() + 30
    # Asked of the page in one step: what was found is gone by the next.
    while browser.run("return document.querySelector('#old') !== null"):
        assert time.monotonic() < deadline
    assert browser.run("return document.activeElement.id") == "main"
    # The page is whole: it refreshes no more.
    assert browser.run("return document.querySelector('main').hasAttribute('data-refresh')") is False


def axe() -> str:
    """The text of axe-core, from npm."""
    return (installed() / "axe-core" / "axe.min.js").read_text()


def faults(browser, program: str) -> list:
    browser.run(program)
    found = browser.finish("axe.run().then(result => arguments[0](result.violations))")
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(served, dark, tmp_path):
    program, report = axe(), report_of_all_held(served, tmp_path)
    browser = chromium.Browser(dark=dark)
    try:
        browser.go(served.opening)
        assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
        # The last two did not work.
        for path in [*PAGES, "/order?id=none", "/orders?which=nonsense"]:
            browser.go(served.base + path)
            assert faults(browser, program) == [], path
        # What a form leads to: the previews, the work under way or done, and its results.
        preview(served, browser, report)
        assert faults(browser, program) == [], "the preview of a report"
        browser.go(served.base + "/money")
        wait_for(browser, "Reports compared since this console began")
        assert faults(browser, program) == [], "the comparisons"
        browser.go(served.base + "/")
        decide(browser, "for axe")
        assert faults(browser, program) == [], "the preview of a decision"
        browser.click("button", "Confirm")
        wait_for(browser, "300 deliveries decided, 0 refused.")
        assert faults(browser, program) == [], "the results"
    finally:
        browser.close()
