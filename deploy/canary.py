#!/usr/bin/env python3
"""`make deploy CANARY=Canary10Percent5Minutes`: writes the template that shifts calls to new functions gradually.

The deployed template is template.yaml with this and nothing else: each function has an alias `live` whose calls CodeDeploy
shifts, and whoever calls a function calls that alias; the stack's output FunctionAlias tells the command-line tool. Each
has an alarm, too, that brings the old version back when the new one fails. It is a template of its own because the local AWS knows no
CodeDeploy; a test pins what differs, and both pass the linter. Event source mappings follow the alias by themselves.

The type is one of CodeDeploy's: Canary10Percent5Minutes, Linear10PercentEvery1Minute, AllAtOnce, …
"""

import json
import re
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
# Beside template.yaml, for both name files by where they stand, and SAM looks for samconfig.toml there.
VARIANT = ROOT / "canary.json"
ALIAS = "live"
ROLLBACK = "RollbackAlarm"
KINDS = re.compile(r"AllAtOnce|Canary10Percent\d+Minutes|Linear10PercentEvery\d+Minutes?")


def variant(template: dict, kind: str) -> dict:
    """The template with aliases: `template` itself is left as it is."""
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
                properties["DeploymentPreference"] = {"Type": kind, "PassthroughCondition": True, "Alarms": alarms}
            case "AWS::ApiGatewayV2::Integration":
                properties["IntegrationUri"] = alias_of(properties["IntegrationUri"], functions)
            case "AWS::Lambda::Permission":
                properties["FunctionName"] = alias_of(properties["FunctionName"], functions)
            case "AWS::Events::Rule":
                for target in properties["Targets"]:
                    target["Arn"] = alias_of(target["Arn"], functions)
    for name in functions:
        resources[name.replace("Function", ROLLBACK)] = rollback_alarm(name, resources[name])
    changed["Outputs"]["FunctionAlias"] = {"Description": "Whoever calls a function calls this alias of it", "Value": ALIAS}
    return changed


def rollback_alarm(name: str, function: dict) -> dict:
    """Raised by the first minute in which the new version fails, and by that version alone: a function that failed
    before must not keep its mending from being deployed."""
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": "The version that is being deployed fails: CodeDeploy brings the old one back by itself. Its "
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
    """The alias of the function that is referred to; what is no function stays."""
    match reference:
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name} if name in functions:
            return {"Ref": f"{name}.Alias"}
    return reference


def main(kind: str) -> None:
    if not KINDS.fullmatch(kind):
        sys.exit(f"\nCANARY={kind} is no way to shift calls. One that is: Canary10Percent5Minutes\n")
    template = yaml_parse((ROOT / "template.yaml").read_text())
    VARIANT.write_text(json.dumps(variant(template, kind), indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
