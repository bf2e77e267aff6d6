"""A deployment whose capture cookie a server signs (ClickCookieSigned=true): what the server's recipe signs is reported, what a
stranger wrote is not, and the order is taken either way. By the API, and by the webhook of a shop system.
"""

import json
import re

import pytest
from examples import read_back
from observability import metrics, now
from shop_system import Order
from stack import PLATFORMS
from test_click_capture import KEY, by_flask, by_script, clicks_of
from test_click_walk import click, reported
from test_end_to_end import eventually, new_id, order

SHOP_SYSTEM = PLATFORMS[0]


@pytest.fixture(scope="module")
def signing(stack):
    own = stack.sibling("signing", "facade07", ApiAuthorization="NONE", ClickCookieSigned="true", **{f"{SHOP_SYSTEM.prefix}Enabled": "true"})
    own.deploy()
    own.client("secretsmanager").put_secret_value(SecretId=own.outputs["ClickCookieSecretArn"], SecretString=json.dumps({"keys": [KEY]}))
    yield own
    own.stop()


def posted(stack, **members) -> tuple[str, list[str]]:
    """Posts an order without a buyer and without a click of its own. Returns its id and its networks."""
    sent = order(new_id(), customer={}, clicks={}, **members)
    answer = stack.api("POST", "/orders", sent)
    assert answer.status == 202, answer.text
    return sent["order_id"], answer.json["networks"]


def counted(stack, function: str, since: int, cookie: str) -> bool:
    """Whether a function has measured a cookie of this kind."""
    own = {"Stack": stack.name, "Cookie": cookie, "ClickCookies": 1}
    return eventually(lambda: any(own.items() <= each.items() for each in metrics(stack, function, since)), True, 30)


def test_what_the_server_signs_is_reported(signing):
    clicked, since = click(), now()

    order_id, networks = posted(signing, click_cookie=by_flask(clicked, "", True))

    assert networks == ["cashmycell", "shopback"]
    reported(signing, order_id, clicked)
    assert counted(signing, "intake", since, "read")


def test_what_a_stranger_wrote_is_counted_and_not_reported(signing):
    since, unsigned = now(), by_script(click(), "", True)
    signature = by_flask(click(), "", True).split(".")[2]

    # Not signed, and with the signature of another cookie.
    for cookie in (unsigned, f"{unsigned}.{signature}"):
        assert clicks_of(unsigned) and posted(signing, click_cookie=cookie)[1] == []

    assert counted(signing, "intake", since, "forged")


def test_an_order_without_a_cookie_is_counted(signing):
    since = now()

    assert posted(signing)[1] == []

    assert counted(signing, "intake", since, "missing")


@pytest.mark.parametrize(("is_signed", "cookie", "networks"), [(True, "read", ["cartstack", "shopback"]), (False, "forged", ["cartstack"])])
def test_a_shop_system_takes_signed_clicks_alone(signing, is_signed, cookie, networks):
    bought, since = Order.of(SHOP_SYSTEM), now()
    topic, body = bought.paid()
    if is_signed:
        signed = by_flask({"utm_source": "shopback", "transaction_id": bought.click}, "", True)
        body = re.sub(rb"v1\.[\w-]+", signed.encode(), body)
    headers = bought.signed((topic, body))

    answer = signing.api("POST", f"/webhooks/{SHOP_SYSTEM.name}", body, headers.pop("content-type"), headers)

    assert (answer.status, answer.json["networks"]) == (202, networks)
    wanted = dict.fromkeys(networks, "delivered")
    states = lambda: {name: each["state"] for name, each in read_back(signing, bought.order_id).items()}  # noqa: E731
    assert eventually(states, wanted) == wanted
    assert counted(signing, SHOP_SYSTEM.name, since, cookie)
