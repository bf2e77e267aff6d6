"""`make secret` where a secret holds something else than the settings or keys of a function: it is replaced."""

import io
import json
import sys

import pytest
from test_secret import CANARY, KEY, answers, secret

__all__ = ["answers"]

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
