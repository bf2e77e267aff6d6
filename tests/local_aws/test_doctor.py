"""`postback doctor` on a deployment with every option: nothing is found on a healthy one, and each misconfiguration by its code.

Longer than 300 lines, because all of them are seeded in one deployment."""

import json
import re
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from build import ROOT
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS, PLATFORMS, REGION, ROOT_KEY, local_environment
from test_canary import KIND, canary
from test_end_to_end import new_id, order

ADDRESS = "198.51.100.7"
BY_NAME = {network.name: network for network in NETWORKS}
FUNCTIONS = [*BY_NAME, *(platform.name for platform in PLATFORMS), "audit", "intake", "publish", "sweep", "webhook"]

# ── A deployment with every option ──────────────────────────────────────────────────────────────────────────────────


def key_policy(stack, *services: str) -> str:
    """The policy of a key as docs/options.md wants it: for the account itself, and for these services."""
    account = stack.client("sts").get_caller_identity()["Account"]
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
    page = (ROOT / "docs/options.md").read_text()
    statements = json.loads(page.split("```json\n")[1].split("```")[0])
    wanted = [each for each in statements if each["Principal"]["Service"].split(".")[0] in services]
    return json.dumps({"Version": "2012-10-17", "Statement": [own, *wanted]})


def former_ledger(stack) -> dict:
    """A ledger that another stack left behind, with its stream, and the index that docs/options.md makes by hand."""
    client = stack.client("dynamodb")
    keys = {"order_id": "HASH", "delivery": "RANGE"}
    client.create_table(
        TableName="former-ledger", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )  # fmt: skip
    command = (ROOT / "docs/options.md").read_text().split("aws dynamodb update-table")[1].split("```")[0]
    client.update_table(
        TableName="former-ledger",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in re.findall(r"AttributeName=(\w+),AttributeType=(\w)", command)],
        GlobalSecondaryIndexUpdates=json.loads(command.split("'")[1]),
    )
    return client.describe_table(TableName="former-ledger")["Table"]


def way_out(stack) -> dict:
    """Two private subnets whose VPC has a NAT gateway with an address."""
    ec2, control = stack.client("ec2"), stack.client("cloudcontrol")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    blocks = {f"{REGION}a": "10.8.1.0/24", f"{REGION}b": "10.8.2.0/24"}
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone) for zone, block in blocks.items()]
    group = ec2.create_security_group(GroupName="doctor", Description="HTTPS out", VpcId=vpc)["GroupId"]
    # The emulator's Cloud Control knows what was made by it alone.
    for kind, state in {
        "EIP": {"AllocationId": "eipalloc-1", "PublicIp": ADDRESS},
        "NatGateway": {"NatGatewayId": "nat-1", "VpcId": vpc, "AllocationId": "eipalloc-1"},
    }.items():
        control.create_resource(TypeName=f"AWS::EC2::{kind}", DesiredState=json.dumps(state))
    ids = ",".join(subnet["Subnet"]["SubnetId"] for subnet in subnets)
    return {"VpcSubnetIds": ids, "VpcSecurityGroupIds": group}


def aliased(folder):
    """The template of a gradual deployment, without CodeDeploy, which the emulator does not know."""
    template = canary.variant(yaml_parse((ROOT / "template.yaml").read_text()), KIND)
    for resource in template["Resources"].values():
        resource["Properties"].pop("DeploymentPreference", None)
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = str(ROOT / resource["Properties"]["CodeUri"])
    application = template["Metadata"]["AWS::ServerlessRepo::Application"]
    for name in ("LicenseUrl", "ReadmeUrl"):
        application.pop(name)
    path = folder / "template.json"
    path.write_text(json.dumps(template))
    return path


@pytest.fixture(scope="module")
def patient(stack, tmp_path_factory):
    """A healthy deployment with a key, a VPC, aliases, a topic and a ledger that it took over."""
    topic = stack.client("sns").create_topic(Name="night")["TopicArn"]
    queue = stack.client("sqs").create_queue(QueueName="night")["QueueUrl"]
    arn = stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    ledger = former_ledger(stack)
    patient = stack.sibling(
        "patient", "facade04", ApiAuthorization="NONE", WebhookEnabled="true", AlarmTopicArn=topic,
        KmsKeyArn=stack.client("kms").create_key(Policy=key_policy(stack, "events", "logs"))["KeyMetadata"]["Arn"],
        ExistingLedgerTable=ledger["TableName"], ExistingLedgerStreamLabel=ledger["LatestStreamLabel"], **way_out(stack),
        **{f"{platform.prefix}Enabled": "true" for platform in PLATFORMS},
    )  # fmt: skip
    patient.template = aliased(tmp_path_factory.mktemp("aliased"))
    patient.deploy()
    # The emulator's CloudFormation puts no function into a VPC.
    vpc = {f"{name}s": patient.parameters[f"Vpc{name}s"].split(",") for name in ("SubnetId", "SecurityGroupId")}
    for name in BY_NAME:
        stack.client("lambda").update_function_configuration(FunctionName=f"{patient.name}-{name}", VpcConfig=vpc)
    yield patient
    patient.stop()


def requests(patient, since: int = 0) -> list[dict]:
    """What the networks were sent after the request of this number."""
    return [each for each in patient.sandbox("GET", "/_received").json if each["seq"] > since]


def latest(patient) -> int:
    """The number of the latest request."""
    return max((each["seq"] for each in requests(patient)), default=0)


@pytest.fixture(scope="module")
def doctor(patient, tool_program):
    """Runs `postback doctor` and returns the exit status and the findings' codes with their subjects. No network is sent an order."""

    def run(*options: str, **more: str):
        environment = {
            **local_environment(), **ROOT_KEY, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{patient.port}", **more,
        }  # fmt: skip
        command = [tool_program, "doctor", "--stack", patient.name, "--json", *options]
        before, started = latest(patient), time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert time.monotonic() - started < 30
        asked = requests(patient, before)
        assert {(each["call"], each["effect"]) for each in asked} <= {("list", False)}, asked
        assert done.stdout, done.stderr
        findings = json.loads(done.stdout)["findings"]
        assert all(finding["what"] and finding["cure"] for finding in findings)
        return done.returncode, {(finding["code"], finding["subject"]) for finding in findings}

    return run


# ── Misconfigurations ───────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def secret(patient, prefix: str, value: str):
    client, arn = patient.client("secretsmanager"), patient.outputs[f"{prefix}SecretArn"]
    before = client.get_secret_value(SecretId=arn)["SecretString"]
    client.put_secret_value(SecretId=arn, SecretString=value)
    try:
        yield
    finally:
        client.put_secret_value(SecretId=arn, SecretString=before)


def physical(patient, logical: str) -> str:
    pages = patient.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=patient.name)
    resources = [each for page in pages for each in page["StackResourceSummaries"]]
    return next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == logical)


@contextmanager
def disabled_rule(patient):
    events, rule = patient.client("events"), physical(patient, "ShopbackRule").split("|")[-1]
    events.disable_rule(Name=rule, EventBusName=patient.outputs["BusName"])
    try:
        yield
    finally:
        events.enable_rule(Name=rule, EventBusName=patient.outputs["BusName"])


@contextmanager
def rule_without_target(patient):
    events, rule = patient.client("events"), physical(patient, "CartstackRule").split("|")[-1]
    bus = patient.outputs["BusName"]
    targets = events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
    events.remove_targets(Rule=rule, EventBusName=bus, Ids=[target["Id"] for target in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, EventBusName=bus, Targets=targets)


@contextmanager
def stopped(patient, mapping: str):
    client, uuid = patient.client("lambda"), physical(patient, mapping)
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=uuid, Enabled=True)


@contextmanager
def alarm_turned_off(patient):
    client, name = patient.client("cloudwatch"), physical(patient, "ShopbackPausedAlarm")
    client.disable_alarm_actions(AlarmNames=[name])
    try:
        yield
    finally:
        client.enable_alarm_actions(AlarmNames=[name])


@contextmanager
def nobody_subscribed(patient):
    client, topic = patient.client("sns"), patient.parameters["AlarmTopicArn"]
    [subscription] = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    try:
        yield
    finally:
        client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=subscription["Endpoint"])


@contextmanager
def old_alias(patient):
    client, function = patient.client("lambda"), f"{patient.name}-audit"
    version = client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    client.update_alias(FunctionName=function, Name="live", FunctionVersion="$LATEST")
    try:
        yield
    finally:
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)


@contextmanager
def key_turned_off(patient):
    client, key = patient.client("kms"), patient.parameters["KmsKeyArn"]
    client.disable_key(KeyId=key)
    try:
        yield
    finally:
        client.enable_key(KeyId=key)


@contextmanager
def key_for_logs_alone(patient):
    client, key = patient.client("kms"), patient.parameters["KmsKeyArn"]
    client.put_key_policy(KeyId=key, PolicyName="default", Policy=key_policy(patient, "logs"))
    try:
        yield
    finally:
        client.put_key_policy(KeyId=key, PolicyName="default", Policy=key_policy(patient, "events", "logs"))


@contextmanager
def forbidden_to_run(patient, name: str):
    client, function = patient.client("lambda"), f"{patient.name}-{name}"
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=function)


@contextmanager
def digits(patient):
    """An order whose id a spreadsheet changes."""
    item = {"order_id": "000123", "delivery": "cartstack"}
    sent = {**order(new_id()), "order_id": item["order_id"]}
    answer = patient.api("POST", "/orders/cartstack", sent)
    assert answer.status in (200, 202), answer
    try:
        yield
    finally:
        key = {name: {"S": value} for name, value in item.items()}
        patient.client("dynamodb").delete_item(TableName=patient.outputs["LedgerTable"], Key=key)


# What differs in the template of a later version, and in that of a later commit of the same version.
LATER = {
    "version": (r"""(SemanticVersion["']?: ["']?)0\.1\.0""", r"\g<1>0.2.0"),
    "digest": (r"""(TemplateDigest["']?: ["']?)\w{16}""", r"\g<1>0123456789abcdef"),
}


@contextmanager
def newer_template(patient, pattern: str, replacement: str):
    """A later template is deployed, with the functions as they are."""
    client = patient.client("cloudformation")
    before = client.get_template(StackName=patient.name, TemplateStage="Original")["TemplateBody"]
    before = before if isinstance(before, str) else json.dumps(before)
    later = re.sub(pattern, replacement, before)
    assert later != before

    def update(body: str) -> None:
        # Too long to be sent along.
        patient.client("s3").put_object(Bucket="postback-packages", Key="later.yaml", Body=body.encode())
        url = f"http://127.0.0.1:{patient.port}/postback-packages/later.yaml"
        parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in known]
        client.update_stack(
            StackName=patient.name, TemplateURL=url, Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"],
        )  # fmt: skip
        client.get_waiter("stack_update_complete").wait(StackName=patient.name, WaiterConfig={"Delay": 1})

    [described] = client.describe_stacks(StackName=patient.name)["Stacks"]
    known = [parameter["ParameterKey"] for parameter in described["Parameters"]]
    update(later)
    try:
        yield
    finally:
        update(before)


SPOILT_TOKEN = json.dumps({"security_token": "too short", "offer_id": 7})
STRANGER = json.dumps({"user": 4711, "key": "of-somebody-else"})

SEEDED = {
    "an empty secret": (lambda patient: secret(patient, "Shopback", "{}"), ("secret_unset", "shopback")),
    "a malformed secret": (lambda patient: secret(patient, "Shopback", SPOILT_TOKEN), ("secret_malformed", "shopback")),
    "a secret that is no JSON": (lambda patient: secret(patient, "Cartstack", "key=7"), ("secret_malformed", "cartstack")),
    "no keys of the webhook": (lambda patient: secret(patient, "Webhook", "{}"), ("secret_unset", "webhook")),
    "another user's key": (lambda patient: secret(patient, "CpaMoe", STRANGER), ("key_refused", "cpa_moe")),
    "a disabled rule": (disabled_rule, ("rule_disabled", "ShopbackRule")),
    "a rule without a target": (rule_without_target, ("rule_without_target", "CartstackRule")),
    "a paused queue": (lambda patient: stopped(patient, "CartstackFunctionQueue"), ("queue_paused", "cartstack")),
    "a paused queue of the bus": (lambda patient: stopped(patient, "IntakeFunctionBusOrders"), ("queue_paused", "IntakeFunctionBusOrders")),
    "a paused stream": (lambda patient: stopped(patient, "PublishFunctionLedger"), ("stream_paused", "publish")),
    "an alarm that is turned off": (alarm_turned_off, ("alarm_disabled", "ShopbackPausedAlarm")),
    "a wrong alias": (old_alias, ("alias_wrong", "postback-patient-audit")),
    "a function that may not run": (lambda patient: forbidden_to_run(patient, "cashmycell"), ("function_throttled", "cashmycell")),
    "a sweep that may not run": (lambda patient: forbidden_to_run(patient, "sweep"), ("function_throttled", "sweep")),
    "no keys of a shop system": (lambda patient: secret(patient, "Woocommerce", "{}"), ("secret_unset", "woocommerce")),
    "a paused queue of a partner bus": (
        lambda patient: stopped(patient, "ShopifyFunctionPartnerEvents"), ("queue_paused", "ShopifyFunctionPartnerEvents"),
    ),
    "order ids of digits": (digits, ("order_ids_damaged", "orders")),
}  # fmt: skip


def test_every_function_is_asked(patient):
    pages = patient.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=patient.name)
    resources = [each for page in pages for each in page["StackResourceSummaries"]]
    functions = {each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Lambda::Function"}
    assert functions == {f"{patient.name}-{name}" for name in FUNCTIONS}


def test_nothing_is_found_on_a_healthy_deployment(patient, doctor):
    before = latest(patient)
    assert doctor() == (0, set())
    # The one network that can be asked is, for an order that nobody has.
    assert ("cpa_moe", "postback-doctor") in {(each["network"], each["order"]) for each in requests(patient, before)}
    assert patient.api("GET", "/orders/postback-doctor").status == 404
    assert doctor("--address", ADDRESS) == (0, set())


@pytest.mark.parametrize(("seed", "expected"), SEEDED.values(), ids=SEEDED.keys())
def test_a_misconfiguration_is_found_and_nothing_else(patient, doctor, seed, expected):
    with seed(patient):
        assert doctor() == (6, {expected})


def test_an_alarm_that_nobody_hears_is_found(patient, doctor):
    with nobody_subscribed(patient):
        assert doctor() == (6, {("alarm_without_subscriber", patient.parameters["AlarmTopicArn"])})


def test_a_key_that_can_not_be_used_is_found(patient, doctor):
    with key_turned_off(patient):
        status, found = doctor()
    assert status == 6 and ("key_unusable", patient.parameters["KmsKeyArn"]) in found


def test_a_key_that_the_bus_may_not_use_is_found(patient, doctor):
    with key_for_logs_alone(patient):
        assert doctor() == (6, {("key_unusable", patient.parameters["KmsKeyArn"])})


def test_an_address_that_is_not_the_vpcs_is_found(doctor):
    assert doctor("--address", "203.0.113.9") == (6, {("address_not_the_vpcs", "address")})


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_functions_that_are_older_than_the_template_are_found(patient, doctor, later):
    with newer_template(patient, *later):
        status, found = doctor()
    assert status == 6
    assert found == {("function_outdated", name) for name in FUNCTIONS}


def test_a_wrong_clock_is_found(doctor):
    class Late(BaseHTTPRequestHandler):
        """STS, whose clock is seven minutes ahead of ours."""

        def date_time_string(self, timestamp=None):
            there = datetime.now(timezone.utc) + timedelta(minutes=7)
            return there.strftime("%a, %d %b %Y %H:%M:%S GMT")

        def do_POST(self):
            self.send_response(403)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Late)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = doctor(AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
    assert answer == (6, {("clock_skew", "clock")})


def test_a_ledger_without_its_stream_and_its_index_is_found(patient, doctor):
    """The last one: a stream that is turned on again is another one."""
    client, table = patient.client("dynamodb"), patient.outputs["LedgerTable"]
    client.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    client.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "waiting"}}])

    status, found = doctor()

    assert status == 6 and {("ledger_without_stream", table), ("ledger_without_index", table)} <= found
