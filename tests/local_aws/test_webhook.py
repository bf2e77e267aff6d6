"""The webhook on the deployed bundle, as a sender meets it."""

import json

import pytest
from stack import PLAYED, WEBHOOK_KEY
from test_end_to_end import NAMES, effects, eventually, new_id, order, reported_networks, without
from webhook import send

OTHER_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NO_KEY = "whsec_bm8ga2V5IG9mIHRoaXMgd2ViaG9vayEh"
# How old the function's keys may be when a signature does not fit, in seconds.
IN_DOUBT = 10


def problem(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json["code"]


def test_a_signed_order_reaches_every_network_once(stack):
    sent = order(new_id())

    answer = send(stack, sent, new_id())

    assert (answer.status, answer.json["order_id"]) == (202, sent["order_id"])
    assert eventually(lambda: reported_networks(stack, sent["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, sent) == dict.fromkeys(NAMES, 1)


REFUSED = {
    "a wrong key": ({"keys": [OTHER_KEY]}, "webhook_signature_wrong"),
    "another body": ({"signed": b"{}"}, "webhook_signature_wrong"),
    "an old signature": ({"age": 310}, "webhook_too_old"),
    "a clock ahead": ({"age": -320}, "webhook_too_new"),
    "no signature": ({"keys": []}, "webhook_unsigned"),
}


@pytest.mark.parametrize(("how", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_rightly_signed_is_refused_and_goes_nowhere(stack, how, code):
    sent = order(new_id())

    answer = send(stack, sent, new_id(), **how)

    assert problem(answer) == (401, code)
    assert effects(stack, sent) == {}


def test_a_message_sent_again_is_answered_as_before_and_one_with_another_order_is_refused(stack):
    sent, message_id = order(new_id()), new_id()
    first = send(stack, sent, message_id, age=100)

    again = send(stack, sent, message_id)
    other = send(stack, order(new_id()), message_id)

    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert problem(other) == (409, "webhook_id_reused")
    assert eventually(lambda: reported_networks(stack, sent["order_id"]), set(NAMES)) == set(NAMES)
    assert effects(stack, sent) == dict.fromkeys(NAMES, 1)


def test_a_body_that_the_gateway_encodes_is_checked_as_it_was_sent(stack):
    # What is not plainly JSON by its type comes to the function in base64.
    answer = send(stack, order(new_id()), new_id(), content_type="application/cloudevents+json")

    assert answer.status == 202


def test_a_key_is_changed_while_orders_come(stack):
    secrets, arn = stack.client("secretsmanager"), stack.outputs["WebhookSecretArn"]

    def set_keys(*keys):
        secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"keys": keys}))

    def status(key) -> int:
        return send(stack, order(new_id(), clicks={}, customer={}), new_id(), keys=[key]).status

    try:
        assert (status(WEBHOOK_KEY), status(OTHER_KEY)) == (202, 401)
        set_keys(OTHER_KEY, WEBHOOK_KEY)
        # The old key never fails while the new one comes into force.
        assert eventually(lambda: (status(WEBHOOK_KEY), status(OTHER_KEY)), (202, 202), IN_DOUBT + 20) == (202, 202)
        # A sender that signs with both, as senders do while they change over.
        both = send(stack, order(new_id(), clicks={}, customer={}), new_id(), keys=[WEBHOOK_KEY, OTHER_KEY])
        assert both.status == 202
        set_keys(OTHER_KEY)
        # A signature that fits nothing has the keys read again, so this needs no minute.
        assert eventually(lambda: (status(NO_KEY), status(WEBHOOK_KEY)), (401, 401), IN_DOUBT + 20) == (401, 401)
        assert status(OTHER_KEY) == 202
    finally:
        set_keys(WEBHOOK_KEY)
        eventually(lambda: status(WEBHOOK_KEY), 202, IN_DOUBT + 20)


@pytest.mark.parametrize(
    ("action", "code"),
    [("dynamodb:GetItem", "ledger_unavailable"), ("dynamodb:PutItem", None)],
)
def test_the_webhook_needs_its_receipts(stack, action, code):
    sent, message_id = order(new_id()), new_id()

    with without(stack, "Webhook", action):
        answer = send(stack, sent, message_id)

    if code:
        assert problem(answer) == (503, code)
        assert effects(stack, sent) == {}
    else:
        # The bus has it, so the answer stands; sent again, it goes over the bus once more and is reported once.
        assert answer.status == 202
        assert send(stack, sent, message_id).status == 202
        assert eventually(lambda: reported_networks(stack, sent["order_id"]), set(NAMES)) == set(NAMES)
        assert effects(stack, sent) == dict.fromkeys((network.name for network in PLAYED), 1)
