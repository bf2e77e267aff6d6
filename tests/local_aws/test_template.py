"""What must hold of the templates, read from what CloudFormation gets: after the SAM transform. Policies and parameters have
files of their own, test_policies.py and test_parameters.py."""

import json
import re

import yaml
from build import FUNCTIONS, ROOT
from samcli.yamlhelper import yaml_parse
from stack import LEFT_OUT, NETWORKS
from transformed import resources


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


def test_every_log_ends_some_day(template):
    groups = resources(template, "AWS::Logs::LogGroup")
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for name, function in resources(template, "AWS::Lambda::Function").items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        assert groups[group]["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"], name


def test_the_access_log_says_nothing_of_the_buyer(template):
    [stage] = resources(template, "AWS::ApiGatewayV2::Stage").values()
    log = stage["AccessLogSettings"]["Format"]
    for personal in ("identity", "path", "userAgent", "queryString"):
        assert personal not in log
    assert json.loads(log)


def test_the_archive_is_all_that_the_local_deployment_leaves_out():
    archive = yaml.load((ROOT / "archive.yaml").read_text(), Loader=yaml.BaseLoader)

    assert {resource["Type"] for resource in archive["Resources"].values()} == LEFT_OUT == {"AWS::Events::Archive"}
    assert archive["Resources"]["Archive"]["Properties"]["KmsKeyIdentifier"] == ["HasKey", "KmsKeyArn", "AWS::NoValue"]


# What the Serverless Application Repository takes.
PUBLISHED = {
    "Name": r"[a-zA-Z0-9-]{1,140}",
    "Description": r".{1,256}",
    "Author": r"(?!.*--)[a-z0-9]([a-z0-9-]{0,125}[a-z0-9])?",
    "SpdxLicenseId": r"Apache-2\.0",
    "SemanticVersion": r"\d+\.\d+\.\d+",
}


def test_the_repository_of_applications_takes_what_the_template_says_of_itself():
    said = yaml_parse((ROOT / "template.yaml").read_text())["Metadata"]["AWS::ServerlessRepo::Application"]

    for name, form in PUBLISHED.items():
        assert re.fullmatch(form, said[name]), name
    assert len(said["Labels"]) <= 10 and all(re.fullmatch(r"[a-zA-Z0-9+:/@_-]{1,127}", label) for label in said["Labels"])
    assert all((ROOT / said[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
