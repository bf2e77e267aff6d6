"""What must hold of the templates, read from what CloudFormation gets: after the SAM transform."""

import itertools
import json
import re

import pytest
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from build import FUNCTIONS, ROOT
from conditions import Deployment
from stack import LEFT_OUT, NETWORKS


class NoManagedPolicies:
    """The template names none, so there is nothing to load."""

    def load(self):
        return {}


@pytest.fixture(scope="module")
def template():
    source = yaml_parse((ROOT / "template.yaml").read_text())
    # The package step, which puts the code into a bucket, comes before the transform.
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return transform(source, {}, NoManagedPolicies())


def resources(template, kind):
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


# Turns on what is off unless asked for.
OPTIONS = {
    "WebhookEnabled": "true",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "VpcSubnetIds": "subnet-01,subnet-02",
    "VpcSecurityGroupIds": "sg-01",
}


def statements(template, given=OPTIONS):
    """Every statement of a role's policies with all options turned on."""
    for name, role in resources({"Resources": Deployment(template, given).resources}, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_every_function_has_a_block_and_every_block_a_function(template):
    deployed = resources(template, "AWS::Lambda::Function").values()

    names = {function["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for function in deployed}

    assert names == set(FUNCTIONS)


def words(name):
    return re.findall("[A-Z][a-z]*", name)


def test_the_networks_blocks_differ_by_names_and_by_the_rules_pattern_alone():
    text = (ROOT / "template.yaml").read_text()
    source = yaml_parse(text)["Resources"]

    def block(network):
        own = {
            name.removeprefix(network.prefix): resource
            for name, resource in source.items()
            if name.startswith(network.prefix) and not {"Alias", "Follow"} & set(words(name))
        }
        shape = json.loads(json.dumps(own, sort_keys=True))
        # Beside the block, a network may be followed.
        shape["Function"]["Properties"]["Environment"]["Variables"].pop("FOLLOW_QUEUE_URL", None)
        for policy in shape["Role"]["Properties"]["Policies"]:
            document = policy["PolicyDocument"]
            document["Statement"] = [one for one in document["Statement"] if one.get("Sid") != "Follow"]
        del shape["Rule"]["Properties"]["EventPattern"]
        for resource in shape.values():
            for prose in ("Description", "AlarmDescription"):
                resource["Properties"].pop(prose, None)
        text = json.dumps(shape)
        for name in sorted({network.prefix, network.folder, network.name}, reverse=True):
            text = text.replace(name, "#")
        return json.loads(text)

    first, *others = NETWORKS
    for other in others:
        assert block(other) == block(first), f"{other.name} and {first.name}"


OF_AWS = "arn:${AWS::Partition}:iam::aws:policy/"
TRACING = f"{OF_AWS}AWSXRayDaemonWriteAccess"
IN_A_VPC = f"{OF_AWS}service-role/AWSLambdaVPCAccessExecutionRole"


def variants():
    """What conditions ask about, in every combination: each of the template's policies is in one of them as it is deployed."""
    switched = [("Tracing", "PassThrough"), ("ApiAuthorization", "JWT"), ("ExistingLedgerTable", "left-behind")]
    switched += [*OPTIONS.items()]
    for chosen in itertools.product([False, True], repeat=len(switched)):
        yield dict(itertools.compress(switched, chosen))


def policy_statements(part):
    """Every statement of every policy in a part of a template, whatever kind of resource it belongs to."""
    if isinstance(part, list):
        for each in part:
            yield from policy_statements(each)
    elif isinstance(part, dict):
        if "Statement" in part:
            yield from as_list(part["Statement"])
        for each in part.values():
            yield from policy_statements(each)


# A statement names what it is about by one of each. Who may do it (Principal) and when (Condition) are other matters.
ABOUT = ("Action", "NotAction", "Resource", "NotResource")


def test_no_policy_has_a_wildcard_in_its_actions_or_resources(template):
    """Whole or in part. !GetAtt of a log group's ARN ends in :* once CloudFormation has made it one: that is how the
    group's own streams are named, which Lambda makes as it goes."""
    for given in variants():
        found = list(policy_statements(Deployment(template, given).resources))
        assert len(found) > 30, given
        for statement in found:
            said = [text for about in ABOUT for text in map(json.dumps, as_list(statement.get(about, [])))]
            assert said and not [text for text in said if "*" in text or "?" in text], statement


def test_what_a_role_is_allowed_is_named_action_by_action(template):
    for role, statement in statements(template):
        assert "NotAction" not in statement, role
        assert statement["Effect"] == "Deny" or "NotResource" not in statement, role


def test_in_a_vpc_a_functions_own_code_may_do_nothing_but_log(template):
    """AWS's policy for Lambda in a VPC gives everybody with the role its network interfaces and every log."""
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
    "events:PutEvents",
    "secretsmanager:GetSecretValue",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
}


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
        **{f"{network.prefix}Role": NETWORK_ACTIONS for network in NETWORKS},
        "CpaMoeRole": NETWORK_ACTIONS | {"sqs:ChangeMessageVisibility"},
    }
    assert allowed({}) == plain
    webhook = {"dynamodb:GetItem", "dynamodb:PutItem", "secretsmanager:GetSecretValue"}
    assert allowed({"WebhookEnabled": "true"}) == {**plain, "IntakeRole": plain["IntakeRole"] | webhook}
    key = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert allowed({"KmsKeyArn": OPTIONS["KmsKeyArn"]}) == {role: actions | key for role, actions in plain.items()}


def test_intake_reaches_receipts_and_no_delivery(template):
    [statement] = [
        statement
        for role, statement in statements(template)
        if role == "IntakeRole" and "dynamodb:PutItem" in statement["Action"]
    ]
    # An order's id has no outer blanks, so its deliveries have no such key.
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [" webhook#*"]}}


NETWORK_ROLES = {f"{network.prefix}Role" for network in NETWORKS}


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


def test_a_message_stays_hidden_for_six_times_the_functions_timeout(template):
    functions = resources(template, "AWS::Lambda::Function")
    for network in NETWORKS:
        queue = resources(template, "AWS::SQS::Queue")[f"{network.prefix}Queue"]
        assert queue["VisibilityTimeout"] >= 6 * functions[f"{network.prefix}Function"]["Timeout"]


def test_a_failed_message_is_kept_longer_than_a_waiting_one(template):
    # A message keeps its age when it moves to the dead-letter queue.
    queues = resources(template, "AWS::SQS::Queue")
    for network in NETWORKS:
        queue, dead = queues[f"{network.prefix}Queue"], queues[f"{network.prefix}DeadLetterQueue"]
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": [f"{network.prefix}DeadLetterQueue", "Arn"]},
            "maxReceiveCount": 5,
        }
        assert queue["MessageRetentionPeriod"] == {"Ref": "QueueRetentionSeconds"}
        assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert template["Parameters"]["QueueRetentionSeconds"]["MaxValue"] == 12 * 24 * 3600


def test_only_a_networks_own_rule_may_send_to_its_queues(template):
    for network in NETWORKS:
        policy = resources(template, "AWS::SQS::QueuePolicy")[f"{network.prefix}QueuePolicy"]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        rule = {"Fn::GetAtt": [f"{network.prefix}Rule", "Arn"]}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


def test_queues_report_partial_failures(template):
    mappings = resources(template, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == len(NETWORKS)
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_each_network_has_a_limit_of_its_own_to_what_it_takes_at_once(template):
    for network in NETWORKS:
        [mapping] = [
            mapping for name, mapping in resources(template, "AWS::Lambda::EventSourceMapping").items()
            if name.startswith(network.prefix)
        ]  # fmt: skip
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": f"{network.prefix}Concurrency"}}
        parameter = template["Parameters"][f"{network.prefix}Concurrency"]
        # Lambda takes no less than 2 and no more than 1000.
        assert [parameter[limit] for limit in ("Default", "MinValue", "MaxValue")] == [10, 2, 1000]
        function = resources(template, "AWS::Lambda::Function")[f"{network.prefix}Function"]
        assert function["ReservedConcurrentExecutions"] == {
            "Fn::If": ["IsReserved", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
        }


def test_an_order_may_go_back_to_its_queue_as_often_as_it_takes(template):
    for network in NETWORKS:
        function = resources(template, "AWS::Lambda::Function")[f"{network.prefix}Function"]
        assert function["RecursiveLoop"] == "Allow"


def test_everything_that_keeps_data_is_encrypted_and_the_ledger_outlives_the_stack(template):
    for name, queue in resources({"Resources": Deployment(template).resources}, "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True and "KmsMasterKeyId" not in queue, name
    ledger = template["Resources"]["Ledger"]
    assert ledger["DeletionPolicy"] == ledger["UpdateReplacePolicy"] == "Retain"
    plain = Deployment(template).resources["Ledger"]["Properties"]
    assert plain["SSESpecification"] == {"SSEEnabled": True}
    assert ledger["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert ledger["Properties"]["DeletionProtectionEnabled"] is True


def test_a_key_of_ones_own_is_used_for_everything_that_keeps_data(template):
    deployed = Deployment(template, OPTIONS)
    key = {"Ref": "KmsKeyArn"}
    places = {
        "AWS::Events::EventBus": "KmsKeyIdentifier",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
    }

    for kind, member in places.items():
        found = resources({"Resources": deployed.resources}, kind)
        assert found and all(properties.get(member) == key for properties in found.values()), kind
    assert not [queue for queue in resources({"Resources": deployed.resources}, "AWS::SQS::Queue").values()
                if "SqsManagedSseEnabled" in queue]  # fmt: skip
    table = deployed.resources["Ledger"]["Properties"]["SSESpecification"]
    assert table == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def test_a_stack_takes_up_the_ledger_of_a_former_one(template):
    deployed = Deployment(template, {**OPTIONS, "ExistingLedgerTable": "left-behind"})

    assert "Ledger" not in deployed.resources and deployed.dangling() == set()
    table = {"Ref": "ExistingLedgerTable"}
    for name, function in resources({"Resources": deployed.resources}, "AWS::Lambda::Function").items():
        assert function["Environment"]["Variables"]["LEDGER_TABLE"] == table, name
    assert deployed.outputs["LedgerTable"]["Value"] == table


def test_in_a_vpc_are_the_networks_functions_and_no_others(template):
    def placed(given):
        functions = resources({"Resources": Deployment(template, given).resources}, "AWS::Lambda::Function")
        return {name for name, function in functions.items() if "VpcConfig" in function}

    assert placed({}) == set()
    assert placed(OPTIONS) == {f"{network.prefix}Function" for network in NETWORKS}


def test_a_paused_network_takes_nothing_from_its_queue_and_is_deployed_all_the_same(template):
    for network in NETWORKS:
        paused = Deployment(template, {f"{network.prefix}Enabled": "paused"})

        mappings = resources({"Resources": paused.resources}, "AWS::Lambda::EventSourceMapping")
        enabled = {name.removesuffix("FunctionQueue"): mapping["Enabled"] for name, mapping in mappings.items()}
        assert enabled == {each.prefix: each != network for each in NETWORKS}
        assert set(paused.resources) == set(Deployment(template).resources)


def test_every_log_ends_some_day(template):
    groups = resources(template, "AWS::Logs::LogGroup")
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for name, function in resources(template, "AWS::Lambda::Function").items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        assert groups[group]["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"], name


def test_callers_must_sign_unless_the_operator_says_otherwise(template):
    assert template["Parameters"]["ApiAuthorization"]["Default"] == "AWS_IAM"
    for name, route in resources(template, "AWS::ApiGatewayV2::Route").items():
        if name != "WebhookRoute":
            assert route["AuthorizationType"] == {"Ref": "ApiAuthorization"}, name


def test_with_tokens_every_route_asks_the_same_authorizer(template):
    given = {"ApiAuthorization": "JWT", "JwtIssuer": "https://issuer.example", "JwtAudience": "postback"}
    deployed = Deployment(template, given)
    routes = resources({"Resources": deployed.resources}, "AWS::ApiGatewayV2::Route")

    assert deployed.dangling() == set() and len(routes) > len(NETWORKS)
    for name, route in routes.items():
        assert route["AuthorizerId"] == {"Ref": "ApiAuthorizer"}, name
    assert not [name for name in Deployment(template).resources if name == "ApiAuthorizer"]


def test_the_api_takes_no_more_than_its_limits(template):
    [stage] = resources(template, "AWS::ApiGatewayV2::Stage").values()

    # Of every route: none has settings of its own.
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRateLimit"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurstLimit"},
    }
    assert "RouteSettings" not in stage
    assert [template["Parameters"][f"Api{limit}Limit"]["Default"] for limit in ("Rate", "Burst")] == [100, 200]


def test_the_webhook_is_off_unless_turned_on(template):
    parts = {"WebhookRoute", "WebhookSecret"}

    assert not parts & set(Deployment(template).resources)
    assert "Webhook" not in json.dumps(Deployment(template).resources)
    on = Deployment(template, {"WebhookEnabled": "true"})
    assert parts <= set(on.resources) and on.dangling() == set()
    # The one route that asks for no signature of AWS's, for the function checks its own.
    assert on.resources["WebhookRoute"]["Properties"]["AuthorizationType"] == "NONE"


def test_the_access_log_says_nothing_of_the_buyer(template):
    [stage] = resources(template, "AWS::ApiGatewayV2::Stage").values()
    log = stage["AccessLogSettings"]["Format"]
    for personal in ("identity", "path", "userAgent", "queryString"):
        assert personal not in log
    assert json.loads(log)


def test_every_network_is_on_unless_turned_off(template):
    for network in NETWORKS:
        parameter = template["Parameters"][f"{network.prefix}Enabled"]
        assert (parameter["Default"], parameter["AllowedValues"]) == ("true", ["true", "paused", "false"])
    assert set(Deployment(template).resources) >= {f"{network.prefix}Function" for network in NETWORKS}


OFF = [*([network] for network in NETWORKS), NETWORKS[:2], NETWORKS[2:], NETWORKS]


@pytest.mark.parametrize("off", OFF, ids=lambda off: "+".join(network.name for network in off))
def test_of_a_network_that_is_off_nothing_is_deployed(template, off):
    deployed = Deployment(template, {f"{network.prefix}Enabled": "false" for network in off})

    prefixes = tuple(network.prefix for network in off)
    assert not [name for name in [*deployed.resources, *deployed.outputs] if name.startswith(prefixes)]
    # Nor does anything shared, a dashboard say, still speak of it.
    text = json.dumps([deployed.resources, deployed.outputs])
    assert not [network.name for network in off for name in (network.prefix, network.folder) if name in text]
    for network in NETWORKS:
        on = {name for name in deployed.resources if name.startswith(network.prefix)}
        assert bool(on) == (network not in off)


def test_the_template_holds_together_whichever_networks_are_on(template):
    for values in itertools.product(["true", "false"], repeat=len(NETWORKS)):
        given = {f"{network.prefix}Enabled": value for network, value in zip(NETWORKS, values)}
        assert Deployment(template, given).dangling() == set(), given


def test_the_secret_of_a_network_that_is_turned_off_is_kept(template):
    for network in NETWORKS:
        secret = template["Resources"][f"{network.prefix}Secret"]
        assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Retain"


def test_endpoints_default_to_the_real_networks(template):
    defaults = {network.name: template["Parameters"][f"{network.prefix}Endpoint"]["Default"] for network in NETWORKS}

    for endpoint in defaults.values():
        assert endpoint.startswith("https://")
    assert len(set(defaults.values())) == len(NETWORKS)


def test_the_archive_is_all_that_the_local_deployment_leaves_out():
    archive = yaml.load((ROOT / "archive.yaml").read_text(), Loader=yaml.BaseLoader)

    assert {resource["Type"] for resource in archive["Resources"].values()} == LEFT_OUT == {"AWS::Events::Archive"}
    assert archive["Resources"]["Archive"]["Properties"]["KmsKeyIdentifier"] == ["HasKey", "KmsKeyArn", "AWS::NoValue"]
