"""The rules for the template's policies, checked on the input of CloudFormation: least privilege, role by role. `make audit`
adds checkov and parliament."""

import itertools
import json
import re

from build import ROOT
from conditions import Deployment
from stack import NETWORKS, PLATFORMS
from transformed import OPTIONS, as_list, has_wildcard, policy_statements, resources


def statements(template, given=OPTIONS):
    """Every statement of a role's policies with all options turned on."""
    for name, role in resources({"Resources": Deployment(template, given).resources}, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


NETWORK_ROLES = {f"{network.prefix}Role" for network in NETWORKS}


OF_AWS = "arn:${AWS::Partition}:iam::aws:policy/"
TRACING = f"{OF_AWS}AWSXRayDaemonWriteAccess"
IN_A_VPC = f"{OF_AWS}service-role/AWSLambdaVPCAccessExecutionRole"


def variants():
    """Every combination of the parameters that conditions depend on."""
    switched = [("Tracing", "PassThrough"), ("ApiAuthorization", "JWT"), ("ExistingLedgerTable", "left-behind")]
    switched += [*OPTIONS.items()]
    for chosen in itertools.product([False, True], repeat=len(switched)):
        yield dict(itertools.compress(switched, chosen))


def test_no_policy_has_a_wildcard_in_its_actions_or_resources(template):
    """Whole or in part. !GetAtt of a log group's ARN ends in :* once CloudFormation resolves it: the group's own streams,
    which Lambda creates."""
    for given in variants():
        found = list(policy_statements(Deployment(template, given).resources))
        assert len(found) > 30 and [statement for statement in found if has_wildcard(statement)] == [], given


def test_a_role_is_granted_named_actions_only(template):
    for role, statement in statements(template):
        assert "NotAction" not in statement, role
        assert statement["Effect"] == "Deny" or "NotResource" not in statement, role


def test_in_a_vpc_a_functions_own_code_may_do_nothing_but_log(template):
    """AWS's policy for Lambda in a VPC grants the role network interfaces and every log."""
    by_aws = {
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    }  # fmt: skip
    denied = [(role, statement) for role, statement in statements(template) if statement["Effect"] == "Deny"]

    assert {role for role, _ in denied} == NETWORK_ROLES and len(denied) == len(NETWORK_ROLES)
    for role, statement in denied:
        assert set(statement["Action"]) == by_aws
        # No network interface is a log group, so of those it is all.
        assert statement["NotResource"] == {"Fn::GetAtt": [role.replace("Role", "LogGroup"), "Arn"]}
        # Calls of the function's code have it, calls of Lambda in its name do not.
        assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert not [role for role, statement in statements(template, {}) if statement["Effect"] == "Deny"]


LOGGING = {"logs:CreateLogStream", "logs:PutLogEvents"}
NETWORK_ACTIONS = LOGGING | {
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "secretsmanager:GetSecretValue",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
}


INTAKE_ACTIONS = LOGGING | {
    "dynamodb:PutItem",
    "dynamodb:Query",
    "events:PutEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
}
PUBLISH_ACTIONS = LOGGING | {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "events:PutEvents",
}
STATUS_ACTIONS = {"sqs:ChangeMessageVisibility"}


def test_each_function_may_do_what_it_needs_and_no_more(template):
    def allowed(given):
        actions: dict[str, set[str]] = {}
        for role, statement in statements(template, given):
            if statement["Effect"] == "Allow":
                actions.setdefault(role, set()).update(as_list(statement["Action"]))
        return actions

    plain = {
        "IntakeRole": INTAKE_ACTIONS,
        "AuditRole": LOGGING | {"dynamodb:Query"},
        "SweepRole": LOGGING
        | {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"}
        | ({"sqs:SendMessage"} if any(network.validates for network in NETWORKS) else set()),
        "PublishRole": PUBLISH_ACTIONS | ({"sqs:SendMessage"} if any(network.status_poll for network in NETWORKS) else set()),
        **{f"{network.prefix}Role": NETWORK_ACTIONS for network in NETWORKS},
        **{f"{network.prefix}Role": NETWORK_ACTIONS | STATUS_ACTIONS for network in NETWORKS if network.status_poll},
    }
    assert allowed({}) == plain
    webhook = LOGGING | {
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "events:PutEvents", "secretsmanager:GetSecretValue",
    }  # fmt: skip
    assert allowed({"WebhookEnabled": "true"}) == {**plain, "WebhookRole": webhook}
    for platform in PLATFORMS:
        own = webhook | {"sqs:SendMessage"} | ({"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"} if platform.events else set())
        own |= {"dynamodb:UpdateItem"} if platform.lone_refunds else set()
        assert allowed({f"{platform.prefix}Enabled": "true"}) == {**plain, f"{platform.prefix}Role": own}
    signed = allowed({"ClickCookieSigned": "true"})
    assert signed == {**plain, "IntakeRole": INTAKE_ACTIONS | {"secretsmanager:GetSecretValue"}}
    key = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert allowed({"KmsKeyArn": OPTIONS["KmsKeyArn"]}) == {role: actions | key for role, actions in plain.items()}
    # Those that put something among the dead letters.
    using = {"IntakeRole", *NETWORK_ROLES}
    second = {role: actions | key if role in using else actions for role, actions in plain.items()}
    assert allowed({"DeadLetterKmsKeyArn": OPTIONS["KmsKeyArn"]}) == second


def test_intake_and_webhook_put_orders_and_publish_puts_events(template):
    may = {role: statement for role, statement in statements(template) if "events:PutEvents" in as_list(statement["Action"])}
    # ForAllValues also allows a request whose context has no such key: the local AWS fills in none, AWS always does.
    condition = lambda source, of: {"ForAllValues:StringLike": {"events:source": [source], "events:detail-type": [of]}}  # noqa: E731
    assert {role: statement["Condition"] for role, statement in may.items()} == {
        "IntakeRole": condition("postback.*", "order.*"),
        "WebhookRole": condition("postback.*", "order.*"),
        **{f"{platform.prefix}Role": condition("postback.*", "order.*") for platform in PLATFORMS},
        "PublishRole": condition("postback", "postback.*"),
    }


def test_what_takes_orders_reaches_what_it_keeps_and_of_a_delivery_its_key_and_reason(template):
    platforms = [f"{platform.prefix}Role" for platform in PLATFORMS]
    reached = {
        (role, statement["Action"]): statement["Condition"]
        for role, statement in statements(template)
        if role in ("IntakeRole", "WebhookRole", *platforms) and "dynamodb" in str(statement["Action"])
    }
    # Both keys pass where they are not there: the local AWS fills in neither, AWS always does.
    reasons = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["order_id", "delivery", "first_seen_at", "reason", "version"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }
    # An order's id has no outer blanks, so its deliveries have no such key.
    keys = lambda *keys: {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*keys]}}  # noqa: E731
    assert reached == {
        ("IntakeRole", "dynamodb:PutItem"): keys(" unclaimed#*"),
        **{(role, "dynamodb:PutItem"): keys(" unclaimed#*", " webhook#*") for role in ("WebhookRole", *platforms)},
        **{(role, "dynamodb:GetItem"): keys(" webhook#*") for role in ("WebhookRole", *platforms)},
        **{(f"{platform.prefix}Role", "dynamodb:UpdateItem"): keys(" shop_order#*") for platform in PLATFORMS if platform.lone_refunds},
        **{(role, "dynamodb:Query"): reasons for role in ("IntakeRole", "WebhookRole", *platforms)},
    }


def test_every_role_has_only_the_policies_written_here_and_two_of_aws(template):
    for given, of_all, of_networks in [
        ({"Tracing": "PassThrough"}, [], []),
        ({}, [TRACING], [TRACING]),
        (OPTIONS, [TRACING], [TRACING, IN_A_VPC]),
    ]:
        deployed = Deployment(template, given)
        assert deployed.dangling() == set()
        for name, role in resources({"Resources": deployed.resources}, "AWS::IAM::Role").items():
            managed = [policy["Fn::Sub"] for policy in role.get("ManagedPolicyArns", [])]
            assert managed == (of_networks if name in NETWORK_ROLES else of_all), name
    for name, function in resources(template, "AWS::Lambda::Function").items():
        assert function["Role"] == {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]}
    assert not resources(template, "AWS::IAM::Policy") and not resources(template, "AWS::IAM::ManagedPolicy")


def test_a_function_reaches_nothing_of_another_network(template):
    for network, other in itertools.permutations(NETWORKS, 2):
        parts = [network_part for network_part in template["Resources"] if network_part.startswith(network.prefix)]
        text = json.dumps([template["Resources"][part] for part in parts])
        assert other.prefix not in text, f"{network.name} names {other.name}"


def test_a_network_only_sends_to_its_dead_letter_queue(template):
    for network in NETWORKS:
        queue = {"Fn::GetAtt": [f"{network.prefix}DeadLetterQueue", "Arn"]}
        granted = [(role, statement["Action"]) for role, statement in statements(template) if statement.get("Resource") == queue]
        assert granted == [(f"{network.prefix}Role", "sqs:SendMessage")]


def test_only_its_own_rule_may_send_to_a_queue_and_each_has_a_policy_of_its_own(template):
    def allowed(name):
        policy = resources(template, "AWS::SQS::QueuePolicy")[f"{name}Policy"]
        assert policy["Queues"] == [{"Ref": name}]
        [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", {"Fn::GetAtt": [name, "Arn"]})
        return statement["Condition"]

    rules = {f"{network.prefix}{queue}": f"{network.prefix}Rule" for network in NETWORKS for queue in ("Queue", "DeadLetterQueue")}
    partners = [platform.prefix for platform in PLATFORMS if platform.events]
    rules |= {"BusOrdersQueue": "BusOrdersRule", **{f"{prefix}Queue": f"{prefix}Rule" for prefix in partners}}
    arn = lambda rule: {"Fn::GetAtt": [rule, "Arn"]}  # noqa: E731
    off = {"Ref": "AWS::NoValue"}
    feeding = [arn("BusOrdersRule"), *({"Fn::If": [f"{prefix}On", arn(f"{prefix}Rule"), off]} for prefix in partners)]
    assert allowed("FaultyOrdersQueue") == {"ArnEquals": {"aws:SourceArn": feeding}}
    for queue, rule in rules.items():
        assert allowed(queue) == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}, queue
    bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${AWS::StackName}"
    assert allowed("BusDeadLetterQueue") == {"ArnEquals": {"aws:SourceArn": {"Fn::Sub": bus}}}
    assert resources(template, "AWS::Events::EventBus")["Bus"]["Name"] == {"Ref": "AWS::StackName"}


def test_every_queue_refuses_plain_http(template):
    queues = set()
    for name, policy in resources(template, "AWS::SQS::QueuePolicy").items():
        [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert statement["Principal"] == "*"
        assert {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"} <= set(statement["Action"]), name
        # No request reaches AWS from a loopback address: the exception is the local AWS, which has no certificate.
        assert statement["Condition"] == {
            "Bool": {"aws:SecureTransport": "false"},
            "NotIpAddress": {"aws:SourceIp": "127.0.0.1/32"},
        }
        named = [each["Fn::GetAtt"] for each in as_list(statement["Resource"])]
        assert named == [[each["Ref"], "Arn"] for each in policy["Queues"]], name
        queues |= {queue for queue, _ in named}
    assert queues == set(resources(template, "AWS::SQS::Queue"))


def test_a_service_may_call_a_function_from_this_account_and_resource_only(template):
    permissions = resources(template, "AWS::Lambda::Permission")
    assert len(permissions) > len(NETWORKS)
    for name, permission in permissions.items():
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}, name
        assert permission["SourceArn"], name


def test_every_check_that_the_audit_leaves_out_has_its_reason():
    lines = (ROOT / "tests/local_aws/checkov.yaml").read_text().splitlines()
    left_out = [index for index, line in enumerate(lines) if line.startswith("  - CKV")]

    assert left_out and [lines[index] for index in left_out if not lines[index - 1].startswith("  # ")] == []
    make = (ROOT / "Makefile").read_text()
    assert re.search(r"^test: .*\baudit\b", make, re.M)
