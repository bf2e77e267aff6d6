"""The parts of `make run` that need no running stack: its tables, its order of posting, its progress, its packages."""

import io
import json
import os
import socket
import subprocess
import sys
import zipfile

import examples
import machine
import pytest
import quick
from examples import Example
from local import Answer
from progress import CargoProgress, Step, clipped, in_words
from stories import TITLES, an_order, line, summary


class FakeStack:
    """Takes orders and reports each delivery as under way first."""

    def __init__(self, states: dict, answers: dict | None = None):
        self.calls: list[str] = []
        self._states = states
        self._answers = answers or {}
        self._reads: dict[str, int] = {}

    def api(self, method: str, path: str, body=None) -> Answer:
        if method == "POST":
            self.calls.append(f"post {body['order_id']}")
            return Answer(self._answers.get(path, 202), {}, "")
        order_id = path.rpartition("/")[2]
        self._reads[order_id] = self._reads.get(order_id, 0) + 1
        self.calls.append(f"read {order_id}")
        state = "sending" if self._reads[order_id] < 3 else self._states[order_id]
        return Answer(200, {}, json.dumps({"deliveries": [{"network": "shopback", "state": state, "reason": None}]}))


def example(order_id: str, state: str, post: str = "/orders", answer: int = 202) -> Example:
    return Example(f"{order_id}.json", "about", post, {"order_id": order_id}, answer, {"shopback": {"state": state}})


def test_an_order_is_posted_again_only_when_it_has_reached_its_states(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    stack = FakeStack({"A": "delivered", "B": "delivered"})

    examples.run(stack, [example("A", "delivered"), example("B", "delivered"), example("A", "delivered")])

    first, again = [number for number, call in enumerate(stack.calls) if call == "post A"]
    assert stack.calls[first + 1] == "post B"
    assert stack.calls[first:again].count("read A") == 3


@pytest.mark.parametrize(
    ("state", "expected", "answered"),
    [("rejected", "delivered", 202), ("delivered", "delivered", 404)],
    ids=["another final state", "another answer"],
)
def test_what_cannot_change_is_not_waited_for(monkeypatch, state, expected, answered):
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(examples, "PATIENCE_SECONDS", 3600)
    one = example("A", expected)

    examples.run(FakeStack({"A": state}, {"/orders": answered}), [one])

    assert len(one.wrong()) >= 1


def test_the_tables_fit_a_hundred_columns():
    long = {name: {"state": "unconfirmed", "reason": "security_token_refused"} for name in TITLES}
    posted = [*examples.load(), Example("", "every answer is lost: see below", "/orders", an_order("LOST-zzzzzz"), 202, {})]
    for each in posted:
        each.deliveries = long
    stories = [(name, "answer lost", "sent again", "an operator: not there, so sent again") for name in TITLES]

    shown = examples.table(posted, sorted(TITLES)) + "\n" + summary(stories)

    assert max(map(len, shown.splitlines())) <= 100
    assert all(each.order_id in shown for each in posted)


def test_a_line_of_the_transcript_names_the_time():
    assert line(65.4, "ShopBack", "delivered", "once") == "  1:05  ShopBack    delivered: once"
    assert max(map(len, line(65.4, "ShopBack", "delivered", "once " * 40).splitlines())) <= 100


BAR = "    Building [========>                ] 100/300: aws-sdk-sqs, tokio(build)\n"


def artifact(name: str, fresh: bool) -> str:
    return json.dumps({"reason": "compiler-artifact", "target": {"name": name}, "fresh": fresh})


def test_progress_is_read_from_cargos_bar():
    progress = CargoProgress(sdks=2)
    assert progress.status(1) == "asking cargo"
    progress.read_error_line("    Blocking waiting for file lock on build directory\n")
    assert progress.status(1) == "waiting for another cargo to end"

    for text in ("   Compiling tokio v1.54.0\n", "\x1b[1m" + BAR, "error: it does not compile\n"):
        progress.read_error_line(text)

    assert progress.status(1) == "100 of 300 crates"
    assert progress.messages == ["error: it does not compile"]


def test_the_time_left_counts_an_sdk_as_many_crates_and_what_was_there_as_none():
    progress = CargoProgress(sdks=2)
    progress.read_error_line(BAR)
    for number in range(79):
        progress.read_json_line(artifact(f"old{number}", fresh=True))
    for number in range(20):
        progress.read_json_line(artifact(f"new{number}", fresh=False))
    without_sdk = progress.seconds_left(10)
    progress.read_json_line(artifact("aws_sdk_sqs", fresh=False))

    # 200 units are left, two SDKs among them; 20 took 10 seconds.
    assert without_sdk == pytest.approx((200 + 2 * 29) / 2)
    assert progress.seconds_left(25) == pytest.approx((200 + 29) / 2)
    progress.read_json_line("not JSON")


def test_a_time_left_is_no_finer_than_it_is_known():
    assert [in_words(seconds) for seconds in (2, 44, 70, 200)] == [
        *("about 10 s left", "about 40 s left", "about 1 min left", "about 3 min left"),
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_lines_in_a_log_and_one_line_on_a_terminal(monkeypatch):
    monkeypatch.setattr("progress.REFRESH_SECONDS", 0.01)
    for out in (io.StringIO(), Terminal()):
        moved = 0
        with Step("Building", lambda: f"{moved} of 3", out, log_seconds=0.01) as step:
            while f"{moved} of 3" not in out.getvalue() or moved < 2:
                moved += f"{moved} of 3" in out.getvalue()
            step.say("a line between")
        terminal = out.isatty()
        assert ("\r" in out.getvalue()) == terminal
        assert "a line between\n" in out.getvalue()
        assert out.getvalue().count("\n") == 2 if terminal else out.getvalue().count("\n") > 4


def test_what_is_too_wide_is_clipped():
    assert (clipped("abc", 3), clipped("abcd", 3)) == ("abc", "ab…")


def test_a_program_that_runs_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    monkeypatch.setattr(quick, "PROGRAMS", {"sleeps": "sleeps", "intake": "intake"})
    built = tmp_path / "target" / "quick"
    built.mkdir(parents=True)
    for name in ("sleeps", "intake"):
        (built / name).write_bytes(open("/bin/sleep", "rb").read())
        (built / name).chmod(0o755)
    quick.install(tmp_path / "home")
    running = subprocess.Popen([tmp_path / "home" / "sleeps", "60"])
    try:
        (built / "sleeps").write_bytes(b"#!/bin/sh\necho new\n")
        (built / "intake").write_bytes(b"new")
        packages = quick.install(tmp_path / "home")
    finally:
        running.kill()
        running.wait()

    assert subprocess.run([tmp_path / "home" / "sleeps"], capture_output=True, text=True).stdout == "new\n"
    with zipfile.ZipFile(packages / "intake.zip") as archive:
        assert archive.read("bootstrap") == b"new"
        assert archive.getinfo("bootstrap").external_attr >> 16 & 0o111
    assert sorted(os.listdir(tmp_path / "home")) == ["packages", "sleeps"]


def one_sentence(text: str) -> bool:
    return text.endswith(".") and ". " not in text and "\n" not in text


def test_a_port_in_use_names_the_fix():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(machine.Failure) as failure:
            machine.check_port(port, "the sandbox", "SANDBOX_PORT")

    assert f"`make run SANDBOX_PORT={port + 100}`" in str(failure.value)
    assert one_sentence(str(failure.value))


@pytest.mark.parametrize(
    ("missing", "fix"),
    [("cargo", "https://rustup.rs"), ("cc", "C compiler"), ("venv", "apt install python3."), ("3.10", "make PYTHON="), ("Linux", "WSL")],
)
def test_a_machine_that_lacks_something_names_the_fix(monkeypatch, missing, fix):
    if missing == "venv":
        monkeypatch.setitem(sys.modules, "ensurepip", None)
    if missing == "3.10":
        monkeypatch.setattr("sys.version_info", (3, 10, 0))
    monkeypatch.setattr("platform.system", lambda: "Darwin" if missing == "Linux" else "Linux")
    monkeypatch.setattr("shutil.which", lambda program: None if program == missing else f"/bin/{program}")

    with pytest.raises(machine.Failure) as failure:
        machine.check_machine()
        machine.architecture()

    assert fix in str(failure.value)
    assert one_sentence(str(failure.value).replace("3.10 ", "").replace("3.11 ", ""))
