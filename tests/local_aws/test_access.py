"""Who may send, and what is deployed of a bundle with some networks turned off: a deployment beside the shared one,
with the template's own defaults, so that IAM guards its API."""

import json
from uuid import uuid4

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from issuer import Issuer
from stack import NETWORKS, REGION
from test_end_to_end import effects, eventually, new_id, order

# Off at first; one of them is turned on later.
OFF = [network for network in NETWORKS if network.name in ("cashmycell", "cpa_moe")]
LATER = OFF[-1]
ON = [network for network in NETWORKS if network not in OFF]


class Caller:
    """An IAM user with an access key."""

    def __init__(self, stack, policy=None):
        iam = stack.client("iam")
        self.stack = stack
        self.name = f"shop-{uuid4().hex[:8]}"
        iam.create_user(UserName=self.name)
        if policy:
            iam.put_user_policy(UserName=self.name, PolicyName="api", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self.credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def call(self, method, path, body=None, credentials=None):
        """Calls the API with a signed request."""
        text = None if body is None else json.dumps(body)
        url = f"{self.stack.base_url}{path}"
        request = AWSRequest(method, url, {"Content-Type": "application/json"} if text else {}, text)
        SigV4Auth(credentials or self.credentials, "execute-api", REGION).add_auth(request)
        return self.stack.api(method, path, text, headers=dict(request.headers))


def may_invoke(stack, *routes) -> dict:
    """A policy that allows these routes of the API, as the README shows it."""
    account = stack.client("sts").get_caller_identity()["Account"]
    arns = [f"arn:aws:execute-api:{REGION}:{account}:{stack.api_id}/$default/{route}" for route in routes]
    allow = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arns}
    return {"Version": "2012-10-17", "Statement": [allow]}


@pytest.fixture(scope="module")
def guarded(stack):
    off = {f"{network.prefix}Enabled": "false" for network in OFF}
    guarded = stack.sibling("guarded", "facade01", **off)
    guarded.deploy()
    yield guarded
    guarded.stop()


@pytest.fixture(scope="module")
def shop(guarded):
    return Caller(guarded, may_invoke(guarded, "POST/orders", "POST/orders/*", "GET/orders/*", "GET/openapi.json"))


# ── Who may send ────────────────────────────────────────────────────────────────────────────────────────────────────


CALLS = [("POST", "/orders"), ("POST", "/orders/shopback"), ("GET", "/orders/A-1"), ("GET", "/openapi.json"), ("GET", "/")]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_an_unsigned_call_is_refused(guarded, method, path):
    sent = order(new_id())

    answer = guarded.api(method, path, sent if method == "POST" else None)

    assert answer.status == 403
    assert effects(guarded, sent) == {}


def test_a_call_signed_by_somebody_entitled_is_taken(shop, guarded):
    sent = order(new_id(), clicks={})

    answer = shop.call("POST", "/orders", sent)

    assert (answer.status, answer.json["order_id"]) == (202, sent["order_id"])
    assert eventually(lambda: effects(guarded, sent), {"cartstack": 1}) == {"cartstack": 1}
    assert shop.call("GET", f"/orders/{sent['order_id']}").status == 200


def test_a_call_signed_by_somebody_not_entitled_is_refused(guarded):
    nobody, reader = Caller(guarded), Caller(guarded, may_invoke(guarded, "GET/orders/*"))
    sent = order(new_id())

    assert nobody.call("POST", "/orders", sent).status == 403
    assert reader.call("POST", "/orders", sent).status == 403
    assert reader.call("GET", f"/orders/{sent['order_id']}").status == 404
    assert effects(guarded, sent) == {}


def test_a_wrong_signature_is_refused(shop, guarded):
    sent = order(new_id())
    wrong = Credentials(shop.credentials.access_key, "not the secret")

    assert shop.call("POST", "/orders", sent, credentials=wrong).status == 403
    assert effects(guarded, sent) == {}


# ── Networks that are off ───────────────────────────────────────────────────────────────────────────────────────────


def resources(stack) -> set[str]:
    found = stack.client("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    return {resource["LogicalResourceId"] for resource in found}


def ledger(stack) -> list[dict]:
    """Every item, in an order of its own."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["LedgerTable"])
    items = [item for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def test_a_network_is_turned_on_later_and_the_ledger_stays_as_it_is(shop, guarded):
    everywhere = order(new_id())
    assert shop.call("POST", "/orders", everywhere).status == 202
    once = {network.name: 1 for network in ON}
    assert eventually(lambda: effects(guarded, everywhere), once) == once

    # Of those that are off nothing is there, and the answer to a call says so.
    prefixes = tuple(network.prefix for network in OFF)
    assert not [name for name in resources(guarded) if name.startswith(prefixes)]
    for network in OFF:
        answer = shop.call("POST", f"/orders/{network.name}", everywhere)
        assert (answer.status, answer.json["code"]) == (404, "network_off")

    before, table = eventually_still(guarded), guarded.outputs["LedgerTable"]
    assert before
    # Said outright: what is not said stays as it was deployed.
    guarded.parameters[f"{LATER.prefix}Enabled"] = "true"
    guarded._follower.stop()
    guarded.deploy()

    assert guarded.outputs["LedgerTable"] == table
    assert ledger(guarded) == before
    answer = shop.call("POST", f"/orders/{LATER.name}", everywhere)
    assert (answer.status, answer.json["state"], answer.json["replayed"]) == (200, "delivered", False)
    again = shop.call("POST", f"/orders/{ON[0].name}", everywhere)
    assert (again.status, again.json["replayed"]) == (200, True)
    assert effects(guarded, everywhere) == once | {LATER.name: 1}


def eventually_still(stack) -> list[dict]:
    """The ledger once nothing is on its way any more."""
    final = {"delivered", "accepted", "rejected"}
    eventually(lambda: {item["state"]["S"] for item in ledger(stack) if "state" in item} <= final, True)
    return ledger(stack)


# ── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def by_token(stack, issuer):
    off = {f"{network.prefix}Enabled": "false" for network in NETWORKS}
    jwt = {"ApiAuthorization": "JWT", "JwtIssuer": issuer.url, "JwtAudience": "postback"}
    by_token = stack.sibling("tokens", "facade02", **jwt, **off)
    by_token.deploy()
    yield by_token
    by_token.stop()


SEND, READ = {"scope": "openid postback/send"}, {"scope": "postback/read"}
TOKENS = {
    "a good one": (SEND, 202),
    "of another audience": ({**SEND, "aud": "another"}, 401),
    "of another issuer": ({**SEND, "iss": "http://127.0.0.1:1"}, 401),
    "expired": ({**SEND, "exp": 1}, 401),
    "for reading": (READ, 403),
    "for nothing": ({}, 403),
}


@pytest.mark.parametrize(("claims", "status"), TOKENS.values(), ids=TOKENS.keys())
def test_a_call_needs_a_token_that_is_meant_for_this(by_token, issuer, claims, status):
    bearer = {"Authorization": f"Bearer {issuer.token(**claims)}"}

    assert by_token.api("POST", "/orders", order(new_id()), headers=bearer).status == status


def test_a_token_for_sending_reads_nothing(by_token, issuer):
    def status(method, path, claims):
        return by_token.api(method, path, headers={"Authorization": f"Bearer {issuer.token(**claims)}"}).status

    assert [status("GET", "/orders/A-1", claims) for claims in (READ, SEND, {})] == [404, 403, 403]
    # Of what is nobody's order, one of the two scopes is enough.
    assert [status("GET", "/openapi.json", claims) for claims in (READ, SEND, {})] == [200, 200, 403]


def test_a_call_without_a_token_or_with_one_of_a_stranger_is_refused(by_token, issuer):
    with Issuer() as stranger:
        forged = stranger.token(iss=issuer.url)

    for headers in ({}, {"Authorization": f"Bearer {forged}"}, {"Authorization": "Bearer no-token"}):
        assert by_token.api("POST", "/orders", order(new_id()), headers=headers).status == 401
