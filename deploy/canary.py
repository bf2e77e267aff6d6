#!/usr/bin/env python3
"""`make deploy CANARY=Canary10Percent5Minutes`: writes the template that shifts calls to new functions gradually.

The deployed template is template.yaml with this and nothing else: each function has an alias `live` whose calls CodeDeploy
shifts, and whoever calls a function calls that alias. It is a template of its own because the local AWS knows no
CodeDeploy; a test pins what differs, and both pass the linter. Event source mappings follow the alias by themselves.

The type is one of CodeDeploy's: Canary10Percent5Minutes, Linear10PercentEvery1Minute, AllAtOnce, …
"""

import json
import re
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
# Beside the packages, which it names by where it stands.
VARIANT = ROOT / "target" / "canary.json"
ALIAS = "live"
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
                properties["DeploymentPreference"] = {"Type": kind, "PassthroughCondition": True}
                properties["CodeUri"] = properties["CodeUri"].removeprefix("target/")
            case "AWS::ApiGatewayV2::Integration":
                properties["IntegrationUri"] = alias_of(properties["IntegrationUri"], functions)
            case "AWS::Lambda::Permission":
                properties["FunctionName"] = alias_of(properties["FunctionName"], functions)
            case "AWS::Events::Rule":
                for target in properties["Targets"]:
                    target["Arn"] = alias_of(target["Arn"], functions)
    return changed


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
    VARIANT.parent.mkdir(exist_ok=True)
    VARIANT.write_text(json.dumps(variant(template, kind), indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
