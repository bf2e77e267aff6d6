"""`make screenshots`: pictures of the console's pages over a seeded ledger, light and dark, into docs/console."""

import sys

import console
from browser import Browser, missing
from build import ROOT
from machine import Failure

FOLDER = ROOT / "docs" / "console"
# Each with the height that shows what matters.
PAGES = {
    "needs": ("/", 1250),
    "networks": ("/networks", 1000),
    "orders": ("/orders?which=held&sort=amount", 900),
    "order": ("/order?id=O-47002", 1000),
    "decide": ("/decide?which=held&network=cartstack", 900),
    "money": ("/money", 700),
    "activity": ("/activity", 500),
}


def main() -> int:
    if missing():
        print(f"No pictures: {missing()}.", file=sys.stderr)
        return 1
    console.build()
    FOLDER.mkdir(exist_ok=True)
    for dark in (False, True):
        served, browser = console.Console("--write"), Browser(dark=dark)
        try:
            browser.go(served.opening)
            for name, (path, height) in PAGES.items():
                browser.go(served.base + path)
                browser.picture(FOLDER / f"{name}-{'dark' if dark else 'light'}.png", height)
        finally:
            browser.close()
            served.close()
    print(f"Pictures in {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(str(failure))
