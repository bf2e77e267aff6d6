#!/usr/bin/env python3
"""Writes template.yaml from head.yaml, from network.yaml and platform.yaml once for each network and shop system, and from their manifests;
archive.yaml from the one beside this file, with the shop systems' roles; and the template's digest for the functions, which answer `postback doctor`
with it.

`make generate` runs it; tests/local_aws/test_template.py fails when one of them is not what this writes.
"""

import hashlib
import sys
from pathlib import Path

import jinja2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from networks import NETWORKS, ROOT, Network  # noqa: E402
from platforms import PLATFORMS, Platform  # noqa: E402

PARTS = Path(__file__).resolve().parent
# The functions of the stack itself that put events on the bus.
PUTTING = ["Intake", "Publish", "Webhook"]


def template(networks: list[Network] = NETWORKS, platforms: list[Platform] = PLATFORMS) -> str:
    """The text of template.yaml for these networks and shop systems, with its digest."""
    return rendered(networks, platforms, digest(networks, platforms))


def digest(networks: list[Network] = NETWORKS, platforms: list[Platform] = PLATFORMS) -> str:
    """The digest of template.yaml for these networks and shop systems, from its text without one."""
    return hashlib.sha256(rendered(networks, platforms, "").encode()).hexdigest()[:16]


def rendered(networks: list[Network], platforms: list[Platform], digest: str) -> str:
    environment = parts()
    network, shop = (environment.get_template(name).module for name in ("network.yaml", "platform.yaml"))
    return environment.get_template("head.yaml").render(
        networks=networks, parts=network, platforms=platforms, shop=shop, digest=digest
    )


def archive(platforms: list[Platform] = PLATFORMS) -> str:
    """The text of archive.yaml for these shop systems."""
    putting = sorted(f"{prefix}Role" for prefix in [*PUTTING, *(platform.prefix for platform in platforms)])
    return parts().get_template("archive.yaml").render(putting=putting)


WRITTEN = {
    ROOT / "template.yaml": template,
    ROOT / "archive.yaml": archive,
    # Compiled into every function.
    ROOT / "shared/runtime/src/lambda/template_digest.txt": digest,
}


def parts() -> jinja2.Environment:
    """The parts beside this file."""
    # Not Jinja's own signs, because YAML has braces of its own.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS), undefined=jinja2.StrictUndefined, autoescape=False,
        variable_start_string="<<", variable_end_string=">>", comment_start_string="<#", comment_end_string="#>",
        block_start_string="<%", block_end_string="%>", trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"block": block, "secret": secret}
    return environment


def block(pattern: dict) -> str:
    """An event pattern as YAML: a line for each member and for each pattern of several (`$or`)."""
    lines = []
    for member, value in pattern.items():
        several = isinstance(value, list) and all(isinstance(each, dict) for each in value)
        lines += [f"{member}:", *(f"  - {flow(each)}" for each in value)] if several else [f"{member}: {flow(value)}"]
    return "\n".join(lines)


def flow(value) -> str:
    """A part of an event pattern on one line of YAML."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{name}: {flow(each)}" for name, each in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def secret(network: Network) -> str:
    """The description of its secret: the members that its schema requires, then the others."""
    schema = network.secret_schema
    # Of several choices, the first.
    choices = [name for choice in schema.get("anyOf", [])[:1] for name in choice["required"]]
    required = [*schema.get("required", []), *choices]
    optional = [name for name in schema["properties"] if name not in required]
    needed = "{" + ", ".join(f'"{name}": "..."' for name in required) + "}"
    others = f", optionally {', '.join(optional)}" if optional else ""
    return f"{network.title} settings: {needed}{others}. make secret NETWORK={network.name}"


if __name__ == "__main__":
    for path, text in WRITTEN.items():
        path.write_text(text())
        print(f"Wrote {path.relative_to(ROOT)}")
