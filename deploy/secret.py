#!/usr/bin/env python3
"""`make secret NETWORK=shopback`: asks for a network's settings and puts them into its secret of the deployed stack.

Nothing secret is taken from the command line or shown again: members are asked for one by one, or the whole JSON object
comes by standard input (`make secret NETWORK=shopback < settings.json`). What is asked for, and what is right, stands in
the network's `secret.schema.json`. A member that is left empty stays as it was.

`make secret NETWORK=webhook` makes a new key for the webhook, and keeps the one in force beside it until it is run again.

The stack is the one of samconfig.toml, or STACK=…; the account is that of the AWS credentials in the environment.
"""

import base64
import getpass
import json
import re
import secrets
import sys
import tomllib
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from jsonschema import Draft202012Validator
from networks import NETWORKS

BY_NAME = {network.name: network for network in NETWORKS}
ROOT = Path(__file__).resolve().parents[1]

WEBHOOK_SCHEMA = {
    "title": "Keys of the webhook",
    "type": "object",
    "additionalProperties": False,
    "required": ["keys"],
    "properties": {
        "keys": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"},
            "description": "whsec_ and 24 to 64 bytes in base64, each",
        }
    },
}


class Refused(Exception):
    """Something the reader can mend; the message says how, and shows no value."""


def main(arguments: list[str]) -> None:
    wanted, stack = (*arguments, "", "")[:2]
    schema = schema_of(wanted)
    stack, region = stack or samconfig("stack_name") or "postback", samconfig("region")
    session = boto3.Session(region_name=region) if region else boto3.Session()
    arn = arn_of(session, stack, wanted)
    client = session.client("secretsmanager")
    before = json.loads(client.get_secret_value(SecretId=arn)["SecretString"] or "{}")
    settings = asked_for(wanted, schema, before)
    check(settings, schema)
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(settings))
    print(f"Set: {', '.join(settings) or 'nothing, which is enough'}. It is in force within a minute, without a deployment.")


def asked_for(wanted: str, schema: dict, before: dict) -> dict:
    if not sys.stdin.isatty():
        try:
            settings = json.load(sys.stdin)
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            raise Refused("Standard input holds no JSON object.")
        return settings
    if wanted == "webhook":
        return new_keys(before.get("keys", []))
    print(f"{schema['title']}. Enter leaves a member as it is.")
    return prompted(schema, before)


def schema_of(wanted: str) -> dict:
    """The JSON Schema of the secret."""
    if wanted == "webhook":
        return WEBHOOK_SCHEMA
    if wanted not in BY_NAME:
        raise Refused(f"Say whose secret it is: make secret NETWORK=…, one of {', '.join([*sorted(BY_NAME), 'webhook'])}")
    return BY_NAME[wanted].secret_schema


def samconfig(name: str) -> str | None:
    """A setting that `make deploy` has kept."""
    path = ROOT / "samconfig.toml"
    if not path.exists():
        return None
    default = tomllib.loads(path.read_text()).get("default", {})
    for section in ("deploy", "global"):
        value = default.get(section, {}).get("parameters", {}).get(name)
        if value:
            return value
    return None


def arn_of(session, stack: str, wanted: str) -> str:
    prefix = BY_NAME[wanted].prefix if wanted in BY_NAME else "Webhook"
    try:
        [found] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise Refused(f"There is no stack {stack} in this account and region. Another one: STACK=…") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if f"{prefix}SecretArn" not in outputs:
        raise Refused(f"{stack} has it turned off. Turn it on first: {prefix}Enabled=true")
    return outputs[f"{prefix}SecretArn"]


def prompted(schema: dict, before: dict) -> dict:
    """Each member that fits on a line, asked for; the others as they were."""
    settings = dict(before)
    for name, member in schema["properties"].items():
        if member.get("type") in ("object", "array"):
            continue
        choice = f": {', '.join(member['enum'])}" if "enum" in member else ""
        needed = "" if name in schema.get("required", []) else ", optional"
        kept = ", set" if name in before else ""
        question = f"  {name} ({member['description']}{choice}{needed}{kept}): "
        answer = (getpass.getpass(question) if member.get("writeOnly") else input(question)).strip()
        if answer:
            settings[name] = {"true": True, "false": False}.get(answer, answer) if member.get("type") == "boolean" else answer
    return settings


def new_keys(before: list[str]) -> dict:
    """The webhook's keys after this: the newest first."""
    if len(before) > 1 and input("Two keys are in force. Drop the older one? [Y/n] ").strip().lower() != "n":
        return {"keys": before[:1]}
    key = getpass.getpass("The new key (whsec_…, Enter makes one): ").strip()
    if not key:
        key = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        print(f"Give this to the sender; it is not shown again:\n  {key}")
    if before:
        print("The key so far stays in force beside it. Once the sender uses the new one, run this again to drop it.")
    return {"keys": [key, *before[:1]]}


def check(settings: dict, schema: dict) -> None:
    """Refuses what the function would refuse. jsonschema's own messages quote the value, so they are not used."""
    faults = []
    for error in sorted(Draft202012Validator(schema).iter_errors(settings), key=lambda error: list(map(str, error.path))):
        place = "/".join(str(part) for part in error.path)
        description = schema["properties"].get(place.split("/")[0], {}).get("description", "")
        match error.validator:
            case "required":
                faults += [f"{name} must be given" for name in error.validator_value if name not in error.instance]
            case "additionalProperties":
                known = [*schema["properties"], *schema.get("patternProperties", {})]
                strange = [name for name in settings if not any(re.search(f"^{each}$", name) for each in known)]
                faults.append(f"there is no member {', '.join(strange)}")
            case "anyOf":
                choices = [" and ".join(each["required"]) for each in error.validator_value]
                faults.append(f"{' or '.join(choices)} must be given")
            case _:
                faults.append(f"{place} is not what it should be: {description}")
    if faults:
        raise Refused("Nothing was set:\n  " + "\n  ".join(dict.fromkeys(faults)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"\n{refused}\n")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"\nAWS did not take it: {error}\n")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nNothing was set.\n")
