#!/usr/bin/env python3
"""`make deploy`: builds the functions and deploys them with the SAM CLI, then the archive of the bus.

    make deploy                              the stack of samconfig.toml; the first time, the SAM CLI asks for the settings
    make deploy ENV=staging                  another environment: a stack of its own, asked for and kept in the same file
    make deploy ARCHITECTURE=arm64           builds and deploys for another processor from now on
    make deploy SET="ShopifyEnabled=true"    changes parameters, for this and the next deployments
    make deploy CANARY=Canary10Percent5Minutes   shifts calls to the new functions gradually

The functions are built for the architecture that the same command deploys: the one given, else the environment's, else
x86_64. The deployed template allows no other, so an answer or a parameter that disagrees changes nothing.
"""

import argparse
import difflib
import json
import shlex
import subprocess
import sys

import canary
import packages
import samconfig
from packages import ROOT, TOOLS
from samcli.yamlhelper import yaml_parse
from samconfig import Environment, Refused

SAM = TOOLS / "sam"
# Beside template.yaml: its paths are relative to it, and the SAM CLI looks for samconfig.toml there.
DEPLOYED = ROOT / "deployed.yaml"
QUIET = ["--no-fail-on-empty-changeset"]


def main(arguments: list[str]) -> None:
    options = parsed(arguments)
    given = chosen(options.set)
    before = samconfig.find(options.environment)
    kept = before.parameters.get("Architecture") if before else None
    architecture = packages.checked(options.architecture or given.get("Architecture") or kept or "x86_64")
    if options.canary:
        canary.check(options.canary)
    stack = before.stack if before else samconfig.suggested_stack(options.environment)
    print(f"Environment {options.environment}: stack {stack}, {architecture}", flush=True)
    packages.build(architecture)
    write_template(architecture, options.canary)
    if before:
        deploy_again(before, {**given, "Architecture": architecture})
    else:
        deploy_first(options.environment, {**given, "Architecture": architecture})
    deploy_archive(samconfig.find(options.environment))


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options. The Makefile passes those that were not given as empty."""
    parser = argparse.ArgumentParser()
    for option in ("--environment", "--architecture", "--set", "--canary"):
        parser.add_argument(option, default="")
    options = parser.parse_args(arguments)
    options.environment = options.environment or samconfig.DEFAULT
    return options


def chosen(text: str) -> dict[str, str]:
    """The parameters of SET, as in `SET="ShopifyEnabled=true AlarmTopicArn=arn:…"`."""
    known = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    given = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise Refused(f'SET: {word} has no value: write it as SET="Name=value Other=value".')
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise Refused(f"SET: {name} is no parameter of template.yaml.{meant} docs/configuration.md lists them.")
        allowed = known[name].get("AllowedValues")
        if allowed and value not in map(str, allowed):
            raise Refused(f"SET: {name} is one of {', '.join(map(str, allowed))}, not {value}.")
        given[name] = value
    return given


def write_template(architecture: str, kind: str) -> None:
    """Writes template.yaml as it is deployed: for one architecture, with aliases if calls are shifted gradually."""
    text = packages.template((ROOT / "template.yaml").read_text(), architecture, "target/lambda/{}/".format)
    DEPLOYED.write_text(json.dumps(canary.variant(yaml_parse(text), kind), indent=2) if kind else text)


def deploy_first(name: str, given: dict[str, str]) -> None:
    """Has the SAM CLI ask for the settings, those given suggested, and keep them in samconfig.toml."""
    architecture = given["Architecture"]
    suggested = ["--stack-name", samconfig.suggested_stack(name), "--parameter-overrides", *samconfig.overrides(given)]
    done = sam(name, DEPLOYED, "--guided", *suggested, *QUIET)
    after = samconfig.find(name)
    answered = after.parameters.get("Architecture", architecture) if after else architecture
    if answered != architecture:
        raise Refused(f"The functions were built for {architecture}, not for {answered}: run this again to build them for {answered}.")
    if done != 0:
        raise Refused("Nothing was deployed: the lines above say why.")
    if after is None:
        raise Refused(f"The settings were not kept as environment {name}: run this again and let the SAM CLI save them.")


def deploy_again(environment: Environment, given: dict[str, str]) -> None:
    """Deploys with the settings that were kept, and keeps those given once they are deployed."""
    parameters = {**environment.parameters, **given}
    # Given on the command line, parameters replace those of samconfig.toml: so all are given.
    if sam(environment.name, DEPLOYED, "--parameter-overrides", *samconfig.overrides(parameters), *QUIET) != 0:
        raise Refused("The stack was not updated: the lines above say why.")
    if parameters != environment.parameters:
        samconfig.keep(environment.name, parameters)


def deploy_archive(environment: Environment) -> None:
    """Deploys the archive of the environment's bus, as a stack of its own."""
    parameters = {"BusName": environment.stack, "KmsKeyArn": environment.parameters.get("KmsKeyArn", "")}
    given = samconfig.overrides({name: value for name, value in parameters.items() if value})
    stack = ["--stack-name", f"{environment.stack}-archive", "--parameter-overrides", *given]
    if sam(environment.name, ROOT / "archive.yaml", *stack, "--no-confirm-changeset", *QUIET) != 0:
        raise Refused(f"{environment.stack} is deployed, but not the archive of its bus: the lines above say why.")


def sam(environment: str, template, *words: str) -> int:
    """Runs `sam deploy`. Returns its exit status."""
    command = [SAM, "deploy", "--config-env", environment, "--template-file", template, *words]
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"\n{refused}\n")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: run this again to see what is deployed.\n")
