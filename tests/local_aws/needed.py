"""Programs that a machine may lack: tests that need them are skipped there, and fail with REQUIRE_BROWSER=1."""

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Ends a test for which something is missing."""
    if os.environ.get("REQUIRE_BROWSER", "") not in ("", "0"):
        pytest.fail(f"{what}, and REQUIRE_BROWSER is set")
    pytest.skip(what)
