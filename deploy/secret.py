#!/usr/bin/env python3
"""`make secret NETWORK=shopback`: asks for a network's settings and puts them into its secret of the deployed stack.

Nothing secret is taken from the command line or shown again: members are asked for one by one, or the whole JSON object
comes by standard input (`make secret NETWORK=shopback < settings.json`). The network's `secret.schema.json` says what is asked
for and what is valid. A member that is left empty stays as it was.

`make secret NETWORK=webhook` makes a new key for the webhook, NETWORK=click_cookie one for the capture cookie;
NETWORK=shopify and the like asks for the secret that the shop system shows. The present one stays valid beside it until it is run again, unless it has
leaked; `none` in place of a key revokes all.

The stack is that of the environment in samconfig.toml (ENV=staging, else the default one), or STACK=…; the account is that of the
environment's profile, else of the AWS credentials in use.
"""

import base64
import getpass
import json
import re
import secrets
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from jsonschema import Draft202012Validator

import samconfig
from networks import NETWORKS
from platforms import PLATFORMS
from samconfig import Refused

BY_NAME = {network.name: network for network in NETWORKS}

# The secrets with keys that this program makes: the prefix of the output that names each.
KEY_SECRETS = {"webhook": "Webhook", "click_cookie": "ClickCookie"}

PLATFORMS_BY_NAME = {platform.name: platform for platform in PLATFORMS}

KEYS_SCHEMA = {
    "title": "Keys",
    "type": "object",
    "additionalProperties": False,
    "required": ["keys"],
    "properties": {
        "keys": {
            "type": "array",
            # None revokes all: the webhook refuses every message until there is one, and cookies count unsigned.
            "minItems": 0,
            "maxItems": 4,
            "items": {"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"},
            "description": "whsec_ and 24 to 64 bytes in base64, each",
        }
    },
}


# The keys of a shop system: the text that it shows.
PLATFORM_SCHEMA = json.loads(json.dumps(KEYS_SCHEMA))
PLATFORM_SCHEMA["properties"]["keys"] |= {
    "items": {"type": "string", "pattern": r"^[ -~]{16,256}\Z"}, "description": "the shop system's own secret: 16 to 256 printable ASCII characters, each",
}  # fmt: skip


def main(arguments: list[str]) -> None:
    wanted, name, stack = (*arguments, "", "", "")[:3]
    schema = schema_of(wanted)
    session, stack = deployment(name or samconfig.DEFAULT, stack)
    arn = arn_of(session, stack, wanted)
    client = session.client("secretsmanager")
    before = present(client.get_secret_value(SecretId=arn).get("SecretString"))
    settings = asked_for(wanted, schema, before)
    check(settings, schema)
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(settings))
    done = f"Set in {stack}: {', '.join(settings)}." if settings else f"{stack} needs nothing in this secret."
    print(f"{done} The functions read it within two minutes, without a deployment.")


def deployment(name: str, stack: str):
    """The account and the stack of an environment; `stack` is the operator's own choice, if any."""
    environment = samconfig.find(name)
    if environment is None and name != samconfig.DEFAULT and not stack:
        raise Refused(f"samconfig.toml has no environment {name}: deploy it first with `make deploy ENV={name}`.")
    if environment is None:
        return boto3.Session(), stack or samconfig.STACK
    session = boto3.Session(region_name=environment.region, profile_name=environment.profile)
    return session, stack or environment.stack


def present(text: str | None) -> dict:
    """The settings in a secret. A text that is no JSON object holds none: this program is how it is put right."""
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def keys_in(settings: dict) -> list[str]:
    """The keys in a secret. Anything but a list of texts holds none."""
    keys = settings.get("keys")
    return keys if isinstance(keys, list) and all(isinstance(key, str) for key in keys) else []


def asked_for(wanted: str, schema: dict, before: dict) -> dict:
    if not sys.stdin.isatty():
        try:
            settings = json.load(sys.stdin)
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            raise Refused("Standard input holds no JSON object.")
        return settings
    if wanted in KEY_SECRETS:
        return new_keys(keys_in(before))
    if wanted in PLATFORMS_BY_NAME:
        return new_keys(keys_in(before), PLATFORMS_BY_NAME[wanted].title)
    print(f"{schema['title']}. Enter leaves a member as it is.")
    return prompted(schema, before)


def schema_of(wanted: str) -> dict:
    """The JSON Schema of the secret."""
    if wanted in KEY_SECRETS:
        return KEYS_SCHEMA
    if wanted in PLATFORMS_BY_NAME:
        return PLATFORM_SCHEMA
    if wanted not in BY_NAME:
        raise Refused(f"Name whose secret it is: make secret NETWORK=… with one of {', '.join([*sorted(BY_NAME), *KEY_SECRETS, *PLATFORMS_BY_NAME])}.")
    return BY_NAME[wanted].secret_schema


def arn_of(session, stack: str, wanted: str) -> str:
    prefix = KEY_SECRETS.get(wanted) or (BY_NAME | PLATFORMS_BY_NAME)[wanted].prefix
    try:
        [found] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise Refused(f"There is no stack {stack} in this account and region: name yours with ENV=… or STACK=…") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if f"{prefix}SecretArn" not in outputs:
        turned_on = "ClickCookieSigned" if wanted == "click_cookie" else f"{prefix}Enabled"
        raise Refused(f"{stack} has no {wanted} secret: deploy it first, with `make deploy SET={turned_on}=true`.")
    return outputs[f"{prefix}SecretArn"]


def prompted(schema: dict, before: dict) -> dict:
    """The settings after asking for each member that fits on a line; the others stay as they were."""
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


def new_keys(before: list[str], shop_system: str = "") -> dict:
    """The new keys of a secret, the newest first. A shop system's key is its own."""
    if len(before) > 1 and input("Two keys are valid. Drop the older one? [Y/n] ").strip().lower() != "n":
        return {"keys": before[:1]}
    if shop_system:
        # A blank at an end is part of it.
        key = getpass.getpass(f"The secret that {shop_system} shows (none revokes all): ").rstrip("\r\n")
        if not key.strip():
            raise Refused("Nothing was set: no key was given.")
    else:
        key = getpass.getpass("The new key (whsec_…, Enter makes one, none revokes all): ").strip()
    if key == "none":
        print("No key is valid any more: the webhook refuses every message, or cookies count unsigned, until there is one.")
        return {"keys": []}
    if not key:
        key = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        print(f"Give this to the sender; it is not shown again:\n  {key}")
    if before and input("Keep the previous key valid beside it? n, if it has leaked. [Y/n] ").strip().lower() == "n":
        return {"keys": [key]}
    if before:
        print("The previous key stays valid beside it. Once the sender uses the new one, run this again to drop the old one.")
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
                faults.append(f"{place} is not valid; expected: {description}")
    if faults:
        raise Refused("Nothing was set:\n  " + "\n  ".join(dict.fromkeys(faults)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"\n{refused}\n")
    except NoCredentialsError:
        sys.exit("\nNo AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"\nAWS refused: {error}\n")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nNothing was set.\n")
