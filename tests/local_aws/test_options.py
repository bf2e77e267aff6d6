"""Options that a deployment may have: a former ledger taken up, a network paused."""

import pytest
from stack import NETWORKS
from test_end_to_end import effects, eventually, new_id, order

PAUSED = next(network for network in NETWORKS if network.name == "cartstack")
OTHERS = [network for network in NETWORKS if network != PAUSED]


@pytest.fixture(scope="module")
def heir(stack):
    """A deployment that goes on with the shared one's ledger, its only network paused."""
    heir = stack.sibling(
        "heir", "facade03", ApiAuthorization="NONE", ExistingLedgerTable=stack.outputs["LedgerTable"],
        **{f"{PAUSED.prefix}Enabled": "paused"}, **{f"{network.prefix}Enabled": "false" for network in OTHERS},
    )  # fmt: skip
    heir.deploy()
    yield heir
    heir.stop()


def waiting(stack) -> int:
    names = ["ApproximateNumberOfMessages"]
    url = stack.outputs[f"{PAUSED.prefix}QueueUrl"]
    return int(stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def test_who_was_told_by_the_former_stack_is_not_told_again(stack, heir):
    told = order(new_id())
    first = stack.api("POST", f"/orders/{PAUSED.name}", told)

    # Direct calls are taken by a paused network, too.
    again = heir.api("POST", f"/orders/{PAUSED.name}", told)

    assert heir.outputs["LedgerTable"] == stack.outputs["LedgerTable"]
    assert (first.json["replayed"], again.status, again.json["replayed"]) == (False, 200, True)
    assert heir.api("GET", f"/orders/{told['order_id']}").json["deliveries"][0]["attempt"] == 1
    assert effects(heir, told) == {PAUSED.name: 1}


def test_orders_for_a_paused_network_wait_until_it_goes_on(heir):
    put = order(new_id())

    assert heir.api("POST", "/orders", put).status == 202
    assert eventually(lambda: waiting(heir), 1) == 1
    assert effects(heir, put) == {}

    heir.parameters[f"{PAUSED.prefix}Enabled"] = "true"
    heir._follower.stop()
    heir.deploy()
    try:
        assert eventually(lambda: effects(heir, put), {PAUSED.name: 1}) == {PAUSED.name: 1}
    finally:
        heir.parameters[f"{PAUSED.prefix}Enabled"] = "paused"
