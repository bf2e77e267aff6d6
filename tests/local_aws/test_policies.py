"""The rules for the template's policies, checked on the input of CloudFormation: least privilege, role by role."""

import itertools
import json

from conditions import Deployment
from stack import NETWORKS
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
        "IntakeRole": LOGGING | {"events:PutEvents"},
        "AuditRole": LOGGING | {"dynamodb:Query"},
        "SweepRole": LOGGING | {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"},
        "PublishRole": PUBLISH_ACTIONS | ({"sqs:SendMessage"} if any(network.status_poll for network in NETWORKS) else set()),
        **{f"{network.prefix}Role": NETWORK_ACTIONS for network in NETWORKS},
        **{f"{network.prefix}Role": NETWORK_ACTIONS | STATUS_ACTIONS for network in NETWORKS if network.status_poll},
    }
    assert allowed({}) == plain
    webhook = {"dynamodb:GetItem", "dynamodb:PutItem", "secretsmanager:GetSecretValue"}
    assert allowed({"WebhookEnabled": "true"}) == {**plain, "WebhookRole": plain["IntakeRole"] | webhook}
    key = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert allowed({"KmsKeyArn": OPTIONS["KmsKeyArn"]}) == {role: actions | key for role, actions in plain.items()}


def test_intake_and_webhook_put_orders_and_publish_puts_events(template):
    may = {role: statement for role, statement in statements(template) if "events:PutEvents" in as_list(statement["Action"])}
    # ForAllValues also allows a request whose context has no such key: the local AWS fills in none.
    condition = lambda pattern: {"ForAllValues:StringLike": {"events:detail-type": [pattern]}}  # noqa: E731
    assert {role: statement["Condition"] for role, statement in may.items()} == {
        "IntakeRole": condition("order.*"),
        "WebhookRole": condition("order.*"),
        "PublishRole": condition("postback.*"),
    }


def test_the_webhook_reaches_receipts_and_no_delivery(template):
    [statement] = [
        statement
        for role, statement in statements(template)
        if role == "WebhookRole" and "dynamodb:PutItem" in statement["Action"]
    ]
    # An order's id has no outer blanks, so its deliveries have no such key.
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [" webhook#*"]}}


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


def test_only_a_networks_own_rule_may_send_to_its_queues(template):
    for network in NETWORKS:
        policy = resources(template, "AWS::SQS::QueuePolicy")[f"{network.prefix}QueuePolicy"]
        [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        rule = {"Fn::GetAtt": [f"{network.prefix}Rule", "Arn"]}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


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
