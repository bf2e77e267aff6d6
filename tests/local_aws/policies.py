"""Audits every policy of the templates, of roles, queues and the bus, with parliament: actions that do not exist, resources or
conditions that do not fit.

Run by `make audit` with the Python of .local/venv-audit, after test_policies.py's own rules: those say who may do what, this
says that it is written so that IAM understands it. ACCEPTED names the findings that do not apply, each with its reason.
"""

import json
import re
import sys
from pathlib import Path

import yaml
from parliament import analyze_policy_string

TEMPLATES = [Path(__file__).resolve().parents[2] / name for name in ("template.yaml", "archive.yaml")]
# Role and finding, and the reason.
ACCEPTED = {
    ("PublishRole", "RESOURCE_MISMATCH"): "ListStreams, which Lambda needs of a stream's reader: AWS's own policy template "
    "for that (DynamoDBStreamReadPolicy) names the stream as its resource, too",
}
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/ledger",
    "AWS::Events::EventBus": "arn:aws:events:us-east-1:123456789012:event-bus/postback",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:queue",
}
STREAM = ARNS["AWS::DynamoDB::Table"] + "/stream/2026-11-21T10:15:00.000"
ROLE = "arn:aws:iam::123456789012:role/postback"
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions."""


def construct(loader, tag, node):
    read = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence, yaml.MappingNode: loader.construct_mapping}
    deep = {} if isinstance(node, yaml.ScalarNode) else {"deep": True}
    return {f"!{tag}": read[type(node)](node, **deep)}


Loader.add_multi_constructor("!", construct)


def resolved(part, resources):
    """A part of a policy with every choice made for all that is on, and ARNs in place of functions."""
    if isinstance(part, list):
        return [each for each in (resolved(each, resources) for each in part) if each is not None]
    if not isinstance(part, dict):
        return part
    match next(iter(part.items()), None):
        case ("!If", [_, chosen, _]):
            return resolved(chosen, resources)
        case ("!Ref", "KmsKeyArn" | "DeadLetterKmsKeyArn"):
            return KEY
        case ("!Ref", "AWS::NoValue"):
            return None
        case ("!Ref", "AWS::AccountId"):
            return "123456789012"
        case ("!GetAtt", name):
            name, attribute = name.split(".")
            return STREAM if attribute == "StreamArn" else ARNS[resources[name]["Type"]] if name in resources and resources[name]["Type"] in ARNS else KEY
        case ("!Sub", text):
            return re.sub(r"\$\{([^}]*)\}", lambda name: PSEUDO.get(name[1], "x"), text if isinstance(text, str) else text[0])
        case ("!Split", _):
            return [ROLE]
    return {name: resolved(value, resources) for name, value in part.items()}


def anonymous(document: dict) -> dict:
    """A resource's policy without its principals, which parliament does not read. A statement has to name some."""
    statements = document["Statement"]
    assert all("Principal" in statement for statement in statements), document
    return {**document, "Statement": [{name: value for name, value in each.items() if name != "Principal"} for each in statements]}


def policies(resources: dict):
    """The policies of roles, queues and the bus, each with the resource's name."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role":
                for policy in properties["Policies"]:
                    yield name, resolved(policy["PolicyDocument"], resources)
            case "AWS::SQS::QueuePolicy":
                yield name, anonymous(resolved(properties["PolicyDocument"], resources))
            case "AWS::Events::EventBusPolicy":
                yield name, anonymous({"Version": "2012-10-17", "Statement": [resolved(properties["Statement"], resources)]})


def main() -> int:
    looked_at, found = 0, []
    for template in TEMPLATES:
        resources = yaml.load(template.read_text(), Loader=Loader)["Resources"]
        for name, policy in policies(resources):
            looked_at += 1
            for finding in analyze_policy_string(json.dumps(policy)).findings:
                if (name, finding.issue) not in ACCEPTED:
                    found.append(f"{name}: {finding.issue}: {finding.detail or finding.location}")
    print("\n".join([*found, f"{looked_at} policies, {len(found)} findings"]))
    return 1 if found or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main())
