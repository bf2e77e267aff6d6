"""`make secret`: the settings it refuses, the screen it shows, and that the functions read what it sets."""

import io
import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from build import ROOT
from stack import PLAYED, REGION, ROOT_KEY, STACK_NAME, WEBHOOK_KEY, local_environment
from test_end_to_end import eventually, new_id, order

sys.path.insert(0, str(ROOT / "deploy"))
import samconfig  # noqa: E402
import secret  # noqa: E402

PROGRAM = [sys.executable, str(ROOT / "deploy/secret.py")]
CANARY = "canary7351"


# ── What is right ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("network", PLAYED, ids=lambda network: network.name)
def test_what_the_sandbox_takes_fits_the_networks_schema(network):
    settings = json.loads((ROOT / "tests/sandbox/secrets" / f"{network.name}.json").read_text())

    secret.check(settings, secret.schema_of(network.name))


WRONG = {
    "nothing": ("shopback", {}, ["security_token must be given", "offer_id or offer_by_country"]),
    "a member of another": ("cartstack", {"key": "k", "siteid": "s", CANARY[:3]: CANARY}, ["there is no member can"]),
    "a bad value": ("shopback", {"offer_id": 1, "security_token": CANARY}, ["security_token is not valid"]),
    "no key of the webhook": ("webhook", {"keys": [CANARY]}, ["keys/0 is not valid"]),
}


@pytest.mark.parametrize(("folder", "settings", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_a_function_would_refuse_is_refused_without_showing_it(folder, settings, said):
    with pytest.raises(secret.Refused) as refused:
        secret.check(settings, secret.schema_of(folder))

    assert all(each in str(refused.value) for each in said), refused.value
    assert CANARY not in str(refused.value)


KEY = "whsec_" + "Y2Fu" * 8
LEAKED = {
    "kept beside the new one": ([WEBHOOK_KEY], KEY, ["y"], [KEY, WEBHOOK_KEY]),
    "replaced": ([WEBHOOK_KEY], KEY, ["n"], [KEY]),
    "replaced, and the one before it": ([WEBHOOK_KEY, WEBHOOK_KEY], KEY, ["n", "n"], [KEY]),
    "dropped": ([KEY, WEBHOOK_KEY], "", [""], [KEY]),
    "revoked": ([WEBHOOK_KEY], "none", [], []),
}


@pytest.mark.parametrize(("before", "key", "answers", "after"), LEAKED.values(), ids=LEAKED.keys())
def test_a_key_of_the_webhook_is(monkeypatch, before, key, answers, after):
    left = iter(answers)
    monkeypatch.setattr("builtins.input", lambda question: next(left))
    monkeypatch.setattr("getpass.getpass", lambda question: key)

    keys = secret.new_keys(before)

    assert keys == {"keys": after} and list(left) == []
    secret.check(keys, secret.schema_of("webhook"))


def test_without_a_network_it_names_those_there_are():
    with pytest.raises(secret.Refused, match="cartstack, cashmycell, cpa_moe, shopback, webhook, click_cookie, shopify, woocommerce"):
        secret.main([""])


# ── Whose it is ─────────────────────────────────────────────────────────────────────────────────────────────────────


STAGING = """
[staging.deploy.parameters]
stack_name = "shop-staging"
region = "eu-west-1"
"""


@pytest.fixture
def environments(tmp_path, monkeypatch):
    monkeypatch.setattr(samconfig, "FILE", tmp_path / "samconfig.toml")
    (tmp_path / "samconfig.toml").write_text(STAGING)


def test_an_environments_secret_is_in_its_own_stack(environments):
    session, stack = secret.deployment("staging", "")

    assert (session.region_name, stack) == ("eu-west-1", "shop-staging")
    assert secret.deployment("staging", "another")[1] == "another"
    assert secret.deployment("default", "")[1] == "postback"


def test_an_environment_that_is_not_deployed_has_no_secret(environments):
    with pytest.raises(samconfig.Refused, match="make deploy ENV=production"):
        secret.deployment("production", "")


# ── What is asked ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def answers(monkeypatch):
    """Answers to the prompts, by the word that each question starts with; any other is left empty."""
    given = {}
    shown = []

    def answer(question=""):
        shown.append(question)
        return next((value for word, value in given.items() if question.strip().startswith(word)), "")

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(secret.getpass, "getpass", answer)
    given["shown"] = shown
    return given


def test_what_is_left_empty_stays_as_it_was(answers):
    answers["siteid"] = "new"

    settings = secret.prompted(secret.schema_of("cartstack"), {"key": "old", "siteid": "old", "total": "without_tax"})

    assert settings == {"key": "old", "siteid": "new", "total": "without_tax"}


def test_what_was_set_is_not_shown(answers):
    secret.prompted(secret.schema_of("cartstack"), {"key": CANARY, "siteid": CANARY})

    assert answers["shown"] and CANARY not in "".join(answers["shown"])


def test_a_new_key_of_the_webhook_overlaps_with_the_old_one_until_it_is_dropped(answers):
    first = secret.new_keys([])["keys"]
    second = secret.new_keys(first)["keys"]
    third = secret.new_keys(second)["keys"]

    assert len(first) == 1
    assert second[1:] == first and second[0] != first[0]
    assert third == second[:1]
    for keys in (first, second, third):
        secret.check({"keys": keys}, secret.schema_of("webhook"))


PRESENT = {
    "nothing": "",
    "no value": None,
    "no JSON": CANARY,
    "null": "null",
    "a list": "[]",
    "a number": "7",
    "no list of keys": '{"keys": null}',
    "a text as keys": f'{{"keys": "{CANARY}"}}',
    "keys that are no texts": '{"keys": [7]}',
}


class Account:
    """A session of an account whose stack has every secret, each with one text."""

    def __init__(self, text: str | None):
        self.text = text
        self.put = None

    def client(self, name: str):
        return self

    def describe_stacks(self, StackName: str):  # noqa: N803
        prefixes = [*secret.KEY_SECRETS.values(), *(known.prefix for known in [*secret.NETWORKS, *secret.PLATFORMS])]
        return {"Stacks": [{"Outputs": [{"OutputKey": f"{prefix}SecretArn", "OutputValue": "arn"} for prefix in prefixes]}]}

    def get_secret_value(self, SecretId: str):  # noqa: N803
        return {} if self.text is None else {"SecretString": self.text}

    def put_secret_value(self, SecretId: str, SecretString: str):  # noqa: N803
        self.put = json.loads(SecretString)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("wanted", ["webhook", "click_cookie", *secret.PLATFORMS_BY_NAME])
@pytest.mark.parametrize("text", PRESENT.values(), ids=PRESENT.keys())
def test_a_present_secret_that_holds_no_keys_is_replaced(monkeypatch, answers, wanted, text):
    account = Account(text)
    monkeypatch.setattr(secret, "deployment", lambda name, stack: (account, "postback"))
    monkeypatch.setattr(sys, "stdin", Terminal())
    answers["The new key"] = KEY
    answers["The secret that"] = KEY

    secret.main([wanted])

    assert account.put == {"keys": [KEY]}


@pytest.mark.parametrize("stdin", [Terminal(), io.StringIO('{"key": "k", "siteid": "s"}')], ids=["asked for", "by standard input"])
@pytest.mark.parametrize("text", [CANARY, "null", "[]"])
def test_a_present_secret_that_holds_no_settings_is_replaced(monkeypatch, answers, text, stdin):
    account = Account(text)
    stdin.seek(0)
    monkeypatch.setattr(secret, "deployment", lambda name, stack: (account, "postback"))
    monkeypatch.setattr(sys, "stdin", stdin)
    answers |= {"key": "k", "siteid": "s"}

    secret.main(["cartstack"])

    assert account.put == {"key": "k", "siteid": "s"}


# ── On the deployed bundle ──────────────────────────────────────────────────────────────────────────────────────────


def environment(stack) -> dict:
    return {**local_environment(), **ROOT_KEY, "AWS_ENDPOINT_URL": stack._endpoint, "AWS_DEFAULT_REGION": REGION}


def set_secret(stack, *arguments, text) -> subprocess.CompletedProcess:
    command = [*PROGRAM, *arguments]
    return subprocess.run(command, env=environment(stack), input=text, capture_output=True, text=True, timeout=60)


def started_anew(stack, function: str) -> None:
    """Has the next call start a new instance."""
    functions, name = stack.client("lambda"), f"{STACK_NAME}-{function}"
    # Lambda starts anew after any change; the emulator after one of these only, though nothing be different.
    memory = functions.get_function_configuration(FunctionName=name)["MemorySize"]
    functions.update_function_configuration(FunctionName=name, Description=new_id(), MemorySize=memory)


def test_a_function_without_its_secret_says_which_and_how_to_set_it(stack):
    arn = stack.outputs["CartstackSecretArn"]
    right = stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]

    def said() -> str:
        # What a function logs before it is ready goes to its log on AWS; the emulator keeps it in its own.
        lines = (stack.logs / "emulator.log").read_text().splitlines()
        return "\n".join(line for line in lines if "not_started" in line)

    try:
        stack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="{}")

        def refused() -> bool:
            # An instance that is busy while the function changes lives on and may take the call.
            started_anew(stack, "cartstack")
            return stack.api("POST", "/orders/cartstack", order(new_id())).status >= 500

        assert eventually(refused, True) is True
        assert eventually(lambda: "make secret NETWORK=cartstack" in said(), True)
        assert arn in said() and "/key: must be given" in said() and "/siteid: must be given" in said()
    finally:
        done = set_secret(stack, "cartstack", text=right)
    assert done.returncode == 0, done.stderr
    started_anew(stack, "cartstack")
    assert stack.api("POST", "/orders/cartstack", order(new_id())).json["state"] == "delivered"


def test_nothing_is_set_when_something_is_wrong(stack):
    arn = stack.outputs["ShopbackSecretArn"]
    before = stack.client("secretsmanager").get_secret_value(SecretId=arn)["VersionId"]

    for arguments, text, said in [
        (["shopback"], json.dumps({"security_token": CANARY}), "security_token is not valid"),
        (["shopback"], CANARY, "no JSON object"),
        (["shopback", "", "no-such-stack"], "{}", "There is no stack no-such-stack"),
    ]:
        done = set_secret(stack, *arguments, text=text)
        assert done.returncode != 0 and said in done.stderr, done.stderr
        assert CANARY not in done.stdout + done.stderr
    assert stack.client("secretsmanager").get_secret_value(SecretId=arn)["VersionId"] == before


def test_without_credentials_it_names_how_to_give_them():
    variables = {**local_environment(), "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    done = subprocess.run([*PROGRAM, "shopback"], env=variables, input="{}", capture_output=True, text=True, timeout=60)

    assert done.returncode != 0 and "No AWS credentials found: set AWS_PROFILE" in done.stderr, done.stderr


def test_at_a_terminal_a_secret_is_typed_unseen(stack):
    arn = stack.outputs["WebhookSecretArn"]

    try:
        shown = at_terminal([*PROGRAM, "webhook"], environment(stack), {"The new key": "whsec_" + "Y2Fu" * 8, "Keep the previous": ""})
        set_now = json.loads(stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    finally:
        set_secret(stack, "webhook", text=json.dumps({"keys": [WEBHOOK_KEY]}))

    assert set_now == {"keys": ["whsec_" + "Y2Fu" * 8, WEBHOOK_KEY]}
    assert "Set in postback: keys" in shown and "Y2Fu" not in shown and WEBHOOK_KEY not in shown


def at_terminal(command: list[str], variables: dict, typed: dict[str, str]) -> str:
    """Runs a program at a terminal, types after each question, and gives what the screen has shown."""
    child, screen = pty.fork()
    if child == 0:
        os.execve(command[0], command, variables)
    shown, deadline = "", time.monotonic() + 60
    waiting = dict(typed)
    while time.monotonic() < deadline:
        if not select.select([screen], [], [], 1)[0]:
            continue
        try:
            piece = os.read(screen, 4096).decode()
        except OSError:
            break
        if not piece:
            break
        shown += piece
        for question in [question for question in waiting if question in shown]:
            os.write(screen, f"{waiting.pop(question)}\n".encode())
    os.waitpid(child, 0)
    os.close(screen)
    return shown
