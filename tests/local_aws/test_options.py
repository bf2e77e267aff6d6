"""Options that a deployment may have: a former ledger taken up, a network paused, its concurrency, a key of one's own, a VPC, the
aliases of a gradual deployment."""

import json
import subprocess
from contextlib import contextmanager

import pytest
from build import ROOT
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS, REGION, ROOT_KEY, local_environment
from test_canary import KIND, canary
from test_end_to_end import effects, eventually, new_id, order
from test_tool import lose
from tool import Tool

FEW = 3
PAUSED = next(network for network in NETWORKS if network.name == "cartstack")
OTHERS = [network for network in NETWORKS if network != PAUSED]


@pytest.fixture(scope="module")
def key(stack):
    """The ARN of a key of one's own."""
    return stack.client("kms").create_key(Description="of the shop")["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def network(stack):
    """Two private subnets and a security group, as docs/options.md wants them."""
    ec2 = stack.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    blocks = {f"{REGION}a": "10.7.1.0/24", f"{REGION}b": "10.7.2.0/24"}
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone) for zone, block in blocks.items()]
    group = ec2.create_security_group(GroupName="https-out", Description="HTTPS out", VpcId=vpc)["GroupId"]
    return {"SubnetIds": [subnet["Subnet"]["SubnetId"] for subnet in subnets], "SecurityGroupIds": [group]}


@pytest.fixture(scope="module")
def aliased(tmp_path_factory):
    """The template of a gradual deployment, without CodeDeploy, which the emulator does not know: it shifts all at once."""
    template = canary.variant(yaml_parse((ROOT / "template.yaml").read_text()), KIND)
    for resource in template["Resources"].values():
        resource["Properties"].pop("DeploymentPreference", None)
    for function in (each["Properties"] for each in template["Resources"].values() if "CodeUri" in each.get("Properties", {})):
        function["CodeUri"] = str(ROOT / function["CodeUri"])
    del template["Metadata"]
    path = tmp_path_factory.mktemp("aliased") / "template.json"
    path.write_text(json.dumps(template))
    return path


@pytest.fixture(scope="module")
def heir(stack, key, network, aliased):
    """A deployment that goes on with the shared one's ledger, its only network paused and with every option."""
    ledger = stack.outputs["LedgerTable"]
    label = stack.client("dynamodb").describe_table(TableName=ledger)["Table"]["LatestStreamLabel"]
    heir = stack.sibling(
        "heir", "facade03", ApiAuthorization="NONE", ExistingLedgerTable=ledger, ExistingLedgerStreamLabel=label, KmsKeyArn=key,
        ReceiptKey="yes",
        **{f"Vpc{name}": ",".join(ids) for name, ids in network.items()},
        **{f"{PAUSED.prefix}Enabled": "paused", f"{PAUSED.prefix}Concurrency": str(FEW)}, **{f"{network.prefix}Enabled": "false" for network in OTHERS},
    )  # fmt: skip
    heir.template = aliased
    heir.deploy()
    yield heir
    heir.stop()


def waiting(stack) -> int:
    names = ["ApproximateNumberOfMessages"]
    url = stack.outputs[f"{PAUSED.prefix}QueueUrl"]
    return int(stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def test_a_network_with_a_report_of_the_former_stack_gets_no_second_one(stack, heir):
    reported = order(new_id())
    first = stack.api("POST", f"/orders/{PAUSED.name}", reported)

    # Direct calls are taken by a paused network, too.
    again = heir.api("POST", f"/orders/{PAUSED.name}", reported)

    assert heir.outputs["LedgerTable"] == stack.outputs["LedgerTable"]
    assert (first.json["replayed"], again.status, again.json["replayed"]) == (False, 200, True)
    assert heir.api("GET", f"/orders/{reported['order_id']}").json["deliveries"][0]["attempt"] == 1
    assert effects(heir, reported) == {PAUSED.name: 1}


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


def test_a_network_takes_as_many_at_once_as_its_own_parameter_says(stack, heir):
    def most(deployment) -> int:
        client = deployment.client("lambda")
        function = f"{deployment.name}-{PAUSED.name}"
        [mapping] = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        return mapping["ScalingConfig"]["MaximumConcurrency"]

    assert (most(stack), most(heir)) == (10, FEW)


# The emulator's CloudFormation keeps neither a bus's or a table's key nor a function's place in a VPC. That the template has
# them stands in test_parameters.py; here, that all of it is deployed with them and orders are reported.


def test_a_key_of_ones_own_is_used_by_what_is_deployed(heir, key):
    sqs, logs = heir.client("sqs"), heir.client("logs")
    # Dead letters do not depend on the key that may have made them: they have one of their own, or none.
    for queue, its_key in (("QueueUrl", key), ("DeadLetterQueueUrl", None)):
        found = sqs.get_queue_attributes(QueueUrl=heir.outputs[f"{PAUSED.prefix}{queue}"], AttributeNames=["All"])
        assert found["Attributes"].get("KmsMasterKeyId") == its_key, queue
    secret = heir.outputs[f"{PAUSED.prefix}SecretArn"]
    assert heir.client("secretsmanager").describe_secret(SecretId=secret)["KmsKeyId"] == key
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{heir.name}-")["logGroups"]
    assert {group["logGroupName"].rsplit("-", 1)[1]: group.get("kmsKeyId") for group in groups} == {
        "intake": key, "audit": key, "publish": key, "sweep": key, PAUSED.name: key
    }  # fmt: skip


def test_a_receipt_that_the_stacks_key_signed_is_verified_without_aws(heir, tool_program, tmp_path):
    tool, reported = Tool(tool_program, heir), order(new_id())
    heir.api("POST", f"/orders/{PAUSED.name}", reported)
    claims, receipts, key = (tmp_path / name for name in ("claims.csv", "receipts.jsonl", "key.pem"))
    claims.write_text(f"Order ID,Date\n{reported['order_id']},2026-11-21\n")

    tool("claims", "answer", str(claims), "--network", PAUSED.name, "--receipts", str(receipts), "--stack", heir.name)
    key.write_text(tool("receipt", "key", "--stack", heir.name))

    def verified() -> tuple[int, str]:
        command = [tool_program, "receipt", "verify", receipts, "--key", key, "--order", reported["order_id"]]
        done = subprocess.run(command, env=local_environment(), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines()[-1]

    assert verified() == (0, "1 valid, 0 not valid")
    receipts.write_text(receipts.read_text().replace(PAUSED.name, "another", 1))
    assert verified() == (6, "0 valid, 1 not valid")


def test_in_a_vpc_a_networks_function_may_do_what_lambda_needs_for_it(heir, network):
    client, iam = heir.client("lambda"), heir.client("iam")

    def attached(folder: str) -> set[str]:
        role = client.get_function_configuration(FunctionName=f"{heir.name}-{folder}")["Role"].rsplit("/", 1)[1]
        return {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]}

    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in heir._describe()["Parameters"]}
    assert {name: given[f"Vpc{name}"].split(",") for name in network} == network
    of_aws = "arn:aws:iam::aws:policy/"
    tracing, in_a_vpc = f"{of_aws}AWSXRayDaemonWriteAccess", f"{of_aws}service-role/AWSLambdaVPCAccessExecutionRole"
    assert attached(PAUSED.name) == {tracing, in_a_vpc}
    assert attached("intake") == attached("audit") == {tracing}


def test_whoever_calls_a_function_calls_its_alias(heir):
    functions, api = heir.client("lambda"), heir.client("apigatewayv2")
    alias = f":function:{heir.name}-{PAUSED.name}:live"

    called = [each["IntegrationUri"] for each in api.get_integrations(ApiId=heir.outputs["ApiId"])["Items"]]
    [mapping] = functions.list_event_source_mappings(FunctionName=f"{heir.name}-{PAUSED.name}")["EventSourceMappings"]

    assert all(":live" in uri for uri in called) and any(alias in uri for uri in called)
    assert mapping["FunctionArn"].endswith(alias)
    assert functions.get_alias(FunctionName=f"{heir.name}-{PAUSED.name}", Name="live")["FunctionVersion"] != "$LATEST"


@contextmanager
def latest_broken(heir):
    """What is no version yet of the function can't start."""
    functions, name = heir.client("lambda"), f"{heir.name}-{PAUSED.name}"
    whole = functions.get_function_configuration(FunctionName=name)["Environment"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment=whole)


def test_the_tool_calls_the_alias_too(heir, tool_program):
    unclear = order(new_id())
    lose(heir, unclear, PAUSED.name, processed=False)
    assert heir.api("POST", f"/orders/{PAUSED.name}", unclear).json["state"] == "unconfirmed"
    environment = {
        **local_environment(), **ROOT_KEY, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{heir.port}",
    }  # fmt: skip
    settle = ["orders", "settle", unclear["order_id"], PAUSED.name, "--send-again", "--attempt", "1"]

    def sent_again() -> subprocess.CompletedProcess:
        return subprocess.run(
            [tool_program, "--stack", heir.name, *settle, "--order", "-", "--reason", "not in the portal", "--json"],
            env=environment, input=json.dumps(unclear), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    with latest_broken(heir):
        invoked = heir.client("lambda").invoke(FunctionName=f"{heir.name}-{PAUSED.name}", Payload=b"{}")
        done = sent_again()

    assert "FunctionError" in invoked, "without the alias it would not have worked"
    assert done.returncode == 0, done
    assert effects(heir, unclear) == {PAUSED.name: 1}
