"""The template of a gradual deployment: template.yaml with aliases and their alarms, and nothing else."""

import json
import subprocess
import sys

import pytest
from build import FUNCTIONS, ROOT, TOOLS
from conditions import Deployment
from stack import NETWORKS, PLATFORMS
from transformed import NoManagedPolicies, OPTIONS, has_wildcard, policy_statements, transformed, written

sys.path.insert(0, str(ROOT / "deploy"))
import canary  # noqa: E402
from samconfig import Refused  # noqa: E402

KIND = "Canary10Percent5Minutes"


@pytest.fixture(scope="module")
def source():
    return written()


@pytest.fixture(scope="module")
def template(source):
    return transformed(canary.variant(source, KIND), NoManagedPolicies())


def of_type(resources, kind):
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def test_it_differs_from_the_template_by_aliases_and_their_alarms_alone(source):
    text = json.dumps(canary.variant(source, KIND))

    for name in [name for name, each in source["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]:
        # Where a function is called it is called by its ARN, but for permissions.
        text = text.replace(f'"FunctionName": {{"Ref": "{name}.Alias"}}', f'"FunctionName": {{"Ref": "{name}"}}')
        text = text.replace(f'{{"Ref": "{name}.Alias"}}', f'{{"Fn::GetAtt": ["{name}", "Arn"]}}')
    back = json.loads(text)
    del back["Outputs"]["FunctionAlias"], back["Resources"]["CodeDeployRole"]
    for name in [name for name in back["Resources"] if name.endswith("RollbackAlarm")]:
        del back["Resources"][name]
    for resource in back["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Properties"].pop("AutoPublishAlias") == "live"
            preference = resource["Properties"].pop("DeploymentPreference")
            assert (preference["Type"], preference["PassthroughCondition"]) == (KIND, True)

    assert back == json.loads(json.dumps(source))


def test_every_caller_of_a_function_calls_its_alias(template):
    resources = template["Resources"]
    aliases = {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Alias"}

    called = [properties["IntegrationUri"] for properties in of_type(resources, "AWS::ApiGatewayV2::Integration").values()]
    called += [properties["FunctionName"] for properties in of_type(resources, "AWS::Lambda::Permission").values()]
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    called += [properties["FunctionName"] for properties in mappings]
    for rule in of_type(resources, "AWS::Events::Rule").values():
        called += [target["Arn"] for target in rule["Targets"] if "Function" in json.dumps(target["Arn"])]
    with_events = sum(bool(platform.events) for platform in PLATFORMS)
    assert len(aliases) == len(FUNCTIONS) and len(mappings) == len(NETWORKS) + 2 + with_events
    for reference in called:
        assert reference["Ref"] in aliases, reference


def test_each_functions_calls_are_shifted_by_codedeploy(template):
    groups = of_type(template["Resources"], "AWS::CodeDeploy::DeploymentGroup")

    assert len(groups) == len(FUNCTIONS)
    for group in groups.values():
        assert KIND in json.dumps(group["DeploymentConfigName"])
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_codedeploy_has_a_role_of_the_stack_and_every_role_the_boundary(template):
    resources = template["Resources"]
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
    assert {json.dumps(group["ServiceRoleArn"]) for group in groups} == {'{"Fn::GetAtt": ["CodeDeployRole", "Arn"]}'}
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    for given, expected in (({}, None), ({"PermissionsBoundaryArn": boundary}, {"Ref": "PermissionsBoundaryArn"})):
        roles = of_type(Deployment(template, {**OPTIONS, **given}).resources, "AWS::IAM::Role")
        assert "CodeDeployRole" in roles and len(roles) > 5 + len(NETWORKS)
        assert {name for name, role in roles.items() if role.get("PermissionsBoundary") != expected} == set()


def test_a_new_version_that_fails_is_taken_back_by_its_own_alarm(template):
    resources = template["Resources"]
    for name in [name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"]:
        group = resources[f"{name}DeploymentGroup"]["Properties"]
        [alarm] = group["AlarmConfiguration"]["Alarms"]
        assert group["AlarmConfiguration"]["Enabled"] is True
        watched = resources[alarm["Name"]["Ref"]]["Properties"]
        [version] = [each["Value"]["Fn::GetAtt"] for each in watched["Dimensions"] if each["Name"] == "ExecutedVersion"]
        versions = {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Version"}
        # Of this function, the version that is being deployed.
        assert version[0] in versions and version[0].startswith(f"{name}Version") and version[1] == "Version"
        by_name = {each["Name"]: each["Value"] for each in watched["Dimensions"]}
        assert (by_name["FunctionName"], by_name["Resource"]) == ({"Ref": name}, {"Fn::Sub": f"${{{name}}}:live"})
        assert (watched["Namespace"], watched["MetricName"]) == ("AWS/Lambda", "Errors")
        # Before the shortest deployment has ended: its first step takes a minute.
        assert watched["Period"] * watched["EvaluationPeriods"] == 60


def test_it_brings_no_wildcard_into_a_policy(template):
    found = list(policy_statements(Deployment(template, OPTIONS).resources))

    assert len(found) > 30 and [statement for statement in found if has_wildcard(statement)] == []


def test_of_a_network_that_is_off_nothing_is_deployed_gradually_either(template):
    for network in NETWORKS:
        deployed = Deployment(template, {f"{network.prefix}Enabled": "false"})

        assert not [name for name in deployed.resources if name.startswith(network.prefix)]
        assert not {name for name in deployed.dangling() if name.startswith(network.prefix)}


@pytest.mark.parametrize("kind", ["Canary10Percent", "canary10Percent5Minutes", "Canary10Percent5Minutes; ls", ""])
def test_a_kind_that_codedeploy_does_not_know_is_refused(kind):
    with pytest.raises(Refused, match="Canary10Percent5Minutes"):
        canary.check(kind)


def test_it_passes_the_linters(source, tmp_path):
    path = tmp_path / "canary.json"
    path.write_text(json.dumps(canary.variant(source, KIND)))

    for command in (
        [TOOLS / "cfn-lint", "--regions", "us-east-1", "--", path],
        [TOOLS / "sam", "validate", "--lint", "--region", "us-east-1", "--template-file", path],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
