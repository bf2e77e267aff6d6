"""The deployed bundle that the end-to-end tests share: fresh, on ports of its own, apart from what `make run` keeps."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from build import LOCAL, build, build_tool
from local import free_port, isolate
from stack import PLATFORMS, Stack
from transformed import NoManagedPolicies, transformed, written

# These take longest, the first of them waiting. They come first, so that none is left over for one worker in the end.
LONGEST = [
    "test_demo.py", "test_life.py", "test_drills.py", "test_docs.py", "test_access.py",
    "test_observability.py", "test_shop_systems.py", "test_schemathesis.py", "test_options.py",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def template():
    """The template after the SAM transform. Nobody changes it."""
    return transformed(written(), NoManagedPolicies())


@pytest.fixture(scope="session")
def tool_program():
    """The command-line tool: of the release that is tested (test_release.py), else built for the tests."""
    return Path(os.environ["DIST"]).resolve() / "postback" if os.environ.get("DIST") else build_tool()


@pytest.fixture(scope="session")
def stack(request):
    stack = prepared(request)
    stack.parameters |= {f"{platform.prefix}Enabled": "true" for platform in PLATFORMS}
    # A currency that a test of its own uses.
    stack.parameters["LargestTotals"] = "NZD=5000"
    with deployed(stack):
        yield stack


def prepared(request, name: str = "") -> Stack:
    """A deployment that is yet to start, with everything built for it."""
    # At a signal to end, pytest still takes the fixtures down, so that nothing is left running.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    sandbox_program = build()
    # Building may need the proxy, so all of it comes before `isolate`.
    if any("tool_program" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("tool_program")
    isolate()
    # RUN=name keeps two runs at once apart; so does the name that a worker of one run has.
    run = "-".join(filter(None, [os.environ.get("RUN", "test"), os.environ.get("PYTEST_XDIST_WORKER"), name]))
    return Stack(LOCAL / run, sandbox_program, free_port(), free_port())


@contextlib.contextmanager
def deployed(stack: Stack):
    try:
        # What the functions logged stays there until the next test run.
        stack.start(anew=True)
        stack.deploy()
        yield
    finally:
        stack.stop()
