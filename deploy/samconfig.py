"""The environments of samconfig.toml. `ENV=staging` names one: a stack of its own, with its own settings.

The SAM CLI writes the file on the first `make deploy` of each environment. What it holds under `[staging.deploy.parameters]`
is what `make deploy ENV=staging` and `make secret ENV=staging` go by.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from click import BadParameter
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "samconfig.toml"
DEFAULT = "default"
STACK = "postback"


class Refused(Exception):
    """A mistake that the reader can fix; the message names the fix."""


@dataclass(frozen=True)
class Environment:
    """An environment that has been deployed before."""

    name: str
    stack: str
    region: str | None
    profile: str | None
    parameters: dict[str, str]


def suggested_stack(environment: str) -> str:
    """The name of an environment's stack unless the operator chooses another."""
    return STACK if environment == DEFAULT else f"{STACK}-{environment}"


def find(name: str, file: Path | None = None) -> Environment | None:
    """The environment of that name; none before its first deployment."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
        raise Refused(f"ENV={name} cannot name an environment: use letters, digits and hyphens, as in ENV=staging.")
    settings = _settings(name, file or FILE)
    if settings is None:
        return None
    section = f"[{name}.deploy.parameters] of samconfig.toml"
    if not settings.get("stack_name"):
        raise Refused(f"{section} has no stack_name: add it, or remove the section to be asked again.")
    try:
        parameters = CfnParameterOverridesType().convert(settings.get("parameter_overrides"), None, None)
    except BadParameter as error:
        raise Refused(f"Correct parameter_overrides in {section}: {error.message}") from None
    return Environment(name, settings["stack_name"], settings.get("region"), settings.get("profile"), parameters)


def _settings(name: str, file: Path) -> dict | None:
    if not file.exists():
        return None
    try:
        sections = tomllib.loads(file.read_text()).get(name, {})
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"Correct {file.name}, which is not valid TOML: {error}") from None
    deploy = sections.get("deploy", {}).get("parameters")
    return None if deploy is None else {**sections.get("global", {}).get("parameters", {}), **deploy}


def overrides(parameters: dict[str, str]) -> list[str]:
    """The parameters as words of a command line: quoted, because a value can be empty or hold blanks."""
    return [f'{name}="{quoted}"' for name, value in parameters.items() for quoted in [value.replace('"', '\\"')]]


def keep(name: str, parameters: dict[str, str], file: Path | None = None) -> None:
    """Writes an environment's parameters for the next deployments; the rest of the file stays as it is."""
    file = file or FILE
    config = SamConfig(file.parent, file.name)
    config.put(["deploy"], "parameters", "parameter_overrides", " ".join(overrides(parameters)), env=name)
    config.flush()
