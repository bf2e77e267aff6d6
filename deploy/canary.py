"""The template of `make deploy CANARY=Canary10Percent5Minutes`, which shifts calls to new functions gradually.

It is template.yaml with this and nothing else: each function has an alias `live` whose calls CodeDeploy shifts, and every caller
of a function calls that alias; the stack's output FunctionAlias names it for the command-line tool. Each function has an alarm, too, that
restores the old version when the new one fails, and CodeDeploy a role: the one that SAM would write has no permissions boundary. The local AWS knows no CodeDeploy, so template.yaml does not hold this;
a test pins the difference, and both pass the linter. Event source mappings follow the alias by themselves.

The kind is one of CodeDeploy's: Canary10Percent5Minutes, Linear10PercentEvery1Minute, AllAtOnce, …
"""

import json
import re

from samconfig import Refused

ALIAS = "live"
ROLLBACK = "RollbackAlarm"
ROLE = "CodeDeployRole"
KINDS = re.compile(r"AllAtOnce|Canary10Percent\d+Minutes|Linear10PercentEvery\d+Minutes?")


def check(kind: str) -> None:
    """Refuses what CodeDeploy does not know."""
    if not KINDS.fullmatch(kind):
        raise Refused(f"CANARY={kind} is not a way to shift calls: use one of CodeDeploy's, as in CANARY=Canary10Percent5Minutes.")


def variant(template: dict, kind: str) -> dict:
    """The template with aliases; `template` itself does not change."""
    changed = json.loads(json.dumps(template))
    resources = changed["Resources"]
    functions = [name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"]
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                properties["AutoPublishAlias"] = ALIAS
                # A network that is off has no deployment either.
                alarms = [{"Ref": name.replace("Function", ROLLBACK)}]
                role = {"Fn::GetAtt": [ROLE, "Arn"]}
                properties["DeploymentPreference"] = {"Type": kind, "PassthroughCondition": True, "Alarms": alarms, "Role": role}
            case "AWS::ApiGatewayV2::Integration":
                properties["IntegrationUri"] = alias_of(properties["IntegrationUri"], functions)
            case "AWS::Lambda::Permission":
                properties["FunctionName"] = alias_of(properties["FunctionName"], functions)
            case "AWS::Events::Rule":
                for target in properties["Targets"]:
                    target["Arn"] = alias_of(target["Arn"], functions)
    for name in functions:
        resources[name.replace("Function", ROLLBACK)] = rollback_alarm(name, resources[name])
    resources[ROLE] = codedeploy_role()
    changed["Outputs"]["FunctionAlias"] = {"Description": "The alias by which every caller calls a function", "Value": ALIAS}
    return changed


def codedeploy_role() -> dict:
    """The role in which CodeDeploy shifts the calls."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "codedeploy.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
            "PermissionsBoundary": {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]},
            "ManagedPolicyArns": [policy],
        },
    }


def rollback_alarm(name: str, function: dict) -> dict:
    """The alarm of the first minute in which the new version fails. It counts that version alone: a function that failed
    before must not keep its fix from being deployed."""
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": "The version that is being deployed fails, so CodeDeploy restores the old one. Its "
            "log says why. See docs/upgrading.md",
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [
                {"Name": "FunctionName", "Value": {"Ref": name}},
                {"Name": "Resource", "Value": {"Fn::Sub": f"${{{name}}}:{ALIAS}"}},
                {"Name": "ExecutedVersion", "Value": {"Fn::GetAtt": [f"{name}.Version", "Version"]}},
            ],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }
    return alarm | ({"Condition": function["Condition"]} if "Condition" in function else {})


def alias_of(reference, functions: list[str]):
    """The alias of the function that is referred to; any other reference stays."""
    match reference:
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name} if name in functions:
            return {"Ref": f"{name}.Alias"}
    return reference
