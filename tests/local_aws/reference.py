"""Writes docs/configuration.md: the template's parameters, and the settings in each network's secret.

The parameters come from template.yaml, the settings from the networks' READMEs. `make generate` runs it; test_docs.py
fails when the page is not what this writes.
"""

import os
import re

from build import ROOT
from samcli.yamlhelper import yaml_parse
from stack import NETWORKS

PAGE = ROOT / "docs" / "configuration.md"

HEAD = """# Configuration

Written by `make generate` from [`template.yaml`](../template.yaml) and the networks' READMEs; a test fails when it is not current.

`make deploy` asks for the parameters the first time and keeps them in `samconfig.toml`. To change one later, edit `parameter_overrides` there and
run `make deploy` again: nothing in the ledger changes.
"""


def page() -> str:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    return "\n".join([HEAD, "## Parameters", *parameters(template), *secrets(template)])


def parameters(template: dict):
    """One table for each group, in the order in which CloudFormation shows them."""
    left = dict(template["Parameters"])
    for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        yield f"\n### {group['Label']['default']}\n"
        yield "| parameter | default | values | meaning |\n|---|---|---|---|"
        for name in group["Parameters"]:
            yield row(name, left.pop(name))
    assert not left, f"{', '.join(left)} belong to no ParameterGroup"
    yield "\n### The archive of the bus, [`archive.yaml`](../archive.yaml)\n"
    yield "| parameter | default | values | meaning |\n|---|---|---|---|"
    archive = yaml_parse((ROOT / "archive.yaml").read_text())
    yield from (row(name, parameter) for name, parameter in archive["Parameters"].items())


def row(name: str, parameter: dict) -> str:
    default = str(parameter.get("Default", ""))
    shown = f"`{default}`" if default else "empty" if "Default" in parameter else "none: must be set"
    return f"| `{name}` | {shown} | {may_be(parameter)} | {' '.join(parameter['Description'].split())} |".replace("|  |", "| |")


def may_be(parameter: dict) -> str:
    if values := parameter.get("AllowedValues"):
        return ", ".join(f"`{value}`" for value in values)
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    if least is not None and most is not None:
        return f"{least} to {most}"
    if least is not None:
        return f"{least} or more"
    return "a number" if parameter["Type"] == "Number" else "a text"


def secrets(template: dict):
    """The section Settings of each network's README."""
    yield "\n## Secrets\n"
    yield "One Secrets Manager secret for each network holds its settings as JSON. `make secret NETWORK=shopback` sets one. A change takes"
    yield "effect within two minutes, without a deployment; within ten seconds where the network refuses the settings in force. An order that was"
    yield "parked by the old ones goes out when it next comes round, 15 seconds after it was parked at first."
    for network in NETWORKS:
        folder = ROOT / "functions/networks" / network.name
        readme = (folder / "README.md").read_text()
        title = readme.splitlines()[0].removeprefix("# ")
        section = re.search(r"^## Settings\n(.*?)(?=^## |\Z)", readme, re.S | re.M)
        assert section, f"functions/networks/{network.name}/README.md has no Settings"
        text = re.sub(r"^### ", "#### ", section[1].strip(), flags=re.M)
        # Links of the README are relative to its folder.
        text = re.sub(r"\]\((?!https?:|#)([^)]+)", lambda link: f"]({os.path.relpath(folder / link[1], PAGE.parent)}", text)
        text = re.sub(r"\]\(#", f"](../functions/networks/{network.name}/README.md#", text)
        yield f"\n### {title}\n\nThe stack's output `{network.prefix}SecretArn` names the secret. See also [the network's README](../functions/networks/{network.name}/README.md).\n\n{text}"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(ROOT)}")
