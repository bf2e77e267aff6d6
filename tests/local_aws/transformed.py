"""The template as CloudFormation receives it, after the SAM transform, and helpers for its tests."""

import json

import pytest
from build import ROOT
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform
from stack import PLATFORMS


class NoManagedPolicies:
    """The transform looks up none by name, so there is nothing to load."""

    def load(self):
        return {}


def written() -> dict:
    """template.yaml, before the transform."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def transformed(source: dict, policies) -> dict:
    # The package step, which puts the code into a bucket, comes before the transform.
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return transform(source, {}, policies)


def resources(template, kind):
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


# Turns on everything that is off by default.
OPTIONS = {
    "WebhookEnabled": "true",
    "ClickCookieSigned": "true",
    **{f"{platform.prefix}Enabled": "true" for platform in PLATFORMS},
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "VpcSubnetIds": "subnet-01,subnet-02",
    "VpcSecurityGroupIds": "sg-01",
}


def as_list(value):
    return value if isinstance(value, list) else [value]


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


# The members by which a statement names actions and resources.
ABOUT = ("Action", "NotAction", "Resource", "NotResource")


def has_wildcard(statement: dict) -> bool:
    """Finds a wildcard in its actions or resources, whole or in part."""
    said = [text for about in ABOUT for text in map(json.dumps, as_list(statement.get(about, [])))]
    assert len(said) >= 1, statement
    return any(sign in text for text in said for sign in "*?")
