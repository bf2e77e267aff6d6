"""`make release`: what dist/ holds, and that a shop deploys it with the SAM CLI alone and has an order reported.

The folder is assembled from the packages that the other tests have, by the code of `make release`. DIST=… names one that
`make release` has written, which is then the one that is tested.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from build import ROOT, TOOLS, architecture
from samcli.yamlhelper import yaml_parse
from stack import FUNCTIONS, PLAYED, REGION, ROOT_KEY, local_environment
from test_deploy import OFF, ON, at_a_terminal
from test_end_to_end import eventually, new_id, order
from test_environments import programs  # noqa: F401

sys.path.insert(0, str(ROOT / "deploy"))
import notices  # noqa: E402
import release  # noqa: E402

STACK = "postback-dist"


def assemble(folder: Path, architecture: str, tool: Path, sbom: Path) -> Path:
    sbom.mkdir(exist_ok=True)
    (sbom / "audit.cdx.json").write_text('{"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:1", "metadata": {"timestamp": "now"}}')
    release.assemble(folder, architecture, tool, sbom, "licences")
    return folder


@pytest.fixture(scope="module")
def dist(request, tmp_path_factory):
    """The folder that is tested. The tests change nothing in it."""
    if os.environ.get("DIST"):
        return Path(os.environ["DIST"]).resolve()
    request.getfixturevalue("stack")
    # Nobody ships what is not optimised, and it is large.
    release.COMPRESSION = 1 if os.environ.get("QUICK") else release.COMPRESSION
    tool = request.getfixturevalue("tool_program")
    return assemble(ROOT / "target" / "dist", architecture(), tool, tmp_path_factory.mktemp("sbom"))


# ── What is in it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sums_are_those_of_every_file(dist):
    check = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=dist, capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr

    named = set(re.findall(r"^[0-9a-f]{64}  (.+)$", (dist / "SHA256SUMS").read_text(), re.M))
    assert named == {str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert {"template.yaml", "archive.yaml", "postback", "LICENSE", "THIRD-PARTY.txt", "README.md", "docs/runbook.md", "cli/README.md"} <= named


def test_every_link_of_its_pages_leads_to_a_file_of_it(dist):
    links = [(page, link) for page in dist.rglob("*.md") for link in re.findall(r"]\(([^)\s#:]+)(?:#[^)\s]*)?\)", page.read_text())]
    assert len(links) > 100
    assert [] == [f"{page.relative_to(dist)}: {link}" for page, link in links if not (page.parent / link).exists()]


def test_two_builds_of_the_same_have_equal_sums(programs, tmp_path):  # noqa: F811
    tool = tmp_path / "tool"
    tool.write_text("the tool")
    first = assemble(tmp_path / "first", "x86_64", tool, tmp_path / "sbom")
    for path in (tool, *programs.glob("*/bootstrap")):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    second = assemble(tmp_path / "second", "x86_64", tool, tmp_path / "sbom")

    assert (first / "SHA256SUMS").read_text() == (second / "SHA256SUMS").read_text()


def test_each_function_is_a_package_with_its_program_alone(dist):
    assert {path.stem for path in (dist / "functions").glob("*.zip")} == set(FUNCTIONS)
    for function in FUNCTIONS:
        with zipfile.ZipFile(dist / "functions" / f"{function}.zip") as package:
            [entry] = package.infolist()
            assert (entry.filename, entry.external_attr >> 16 & 0o777) == ("bootstrap", 0o755)
            assert package.read(entry)[:4] == b"\x7fELF"


def test_the_template_is_that_of_the_repository_but_for_the_packages(dist):
    template = yaml_parse((dist / "template.yaml").read_text())
    source = yaml_parse((ROOT / "template.yaml").read_text())

    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            package = resource["Properties"].pop("CodeUri")
            assert (dist / package).is_file()
            assert package == source["Resources"][name]["Properties"].pop("CodeUri").replace("target/lambda/", "functions/")[:-1] + ".zip"
    parameter = template["Parameters"].pop("Architecture")
    assert (parameter["Default"], parameter["AllowedValues"]) == (architecture(), [architecture()])
    del source["Parameters"]["Architecture"]
    assert template == source


def test_its_readme_is_short_and_names_what_is_there(dist):
    text = (dist / "README.md").read_text()

    assert len(text.splitlines()) <= 40 and "ARCHITECTURE" not in text
    assert text.startswith(f"# Postback {release.version()}, {architecture()}\n")
    named = {name for row in re.findall(r"^\| (`.*?) \|", text, re.M) for name in re.findall(r"`([^` ]+)`", row)}
    assert named == {f"{path.name}/" if path.is_dir() else path.name for path in dist.iterdir()} - {"README.md"}


def test_an_sbom_is_kept_without_what_differs_from_build_to_build():
    document = f'{{"serialNumber": "1", "metadata": {{"timestamp": "now", "of": "path+file://{ROOT}/cli"}}, "components": []}}'

    assert release.timeless(document).split() == '{ "metadata": { "of": "path+file:///postback/cli" }, "components": [] }'.split()


def test_the_licences_are_of_every_crate_that_is_linked():
    text = notices.text(architecture())
    listed, *texts = text.split(notices.RULE)

    assert len(re.findall(r"^[\w-]+ \d\S*: \S", listed, re.M)) > 100 and "None" not in listed
    for crate in ("aws-sdk-dynamodb", "ring", "rustls", "tokio", "webpki-roots"):
        assert re.search(rf"^{crate} \d", listed, re.M), crate
        assert any(re.search(rf"\b{crate} \d", each.split("\n\n")[0]) for each in texts), crate
    # The allocator is C, under a licence of its own.
    assert any("Microsoft Corporation" in each for each in texts)
    # What only the tests need is not in it, nor is the project's own.
    assert not re.search(r"^(proptest|dynoxide-rs|postback|cashmycell) ", listed, re.M)


def test_the_version_is_the_same_wherever_it_is_written():
    version = release.version()

    metadata = yaml_parse((ROOT / "template.yaml").read_text())["Metadata"]["AWS::ServerlessRepo::Application"]
    assert metadata["SemanticVersion"] == version
    assert re.search(rf'"version": "{version}"', (ROOT / "functions/intake/openapi.json").read_text())
    [newest, *_] = re.findall(r"^## (\S+), \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest == version
    manifests = [*ROOT.glob("functions/**/Cargo.toml"), ROOT / "cli/Cargo.toml"]
    assert [path for path in manifests if "\nversion.workspace = true\n" not in path.read_text()] == []


# ── What a shop does with it ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def unpacked(dist, tmp_path_factory):
    """The folder where a shop has put it: beside nothing else."""
    return shutil.copytree(dist, tmp_path_factory.mktemp("shop") / "postback")


@pytest.fixture(scope="module")
def machine(stack, tmp_path_factory):
    """The environment of a shop's machine: the SAM CLI is the only program on it."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "sam").symlink_to(TOOLS / "sam")
    return {
        **local_environment(), **ROOT_KEY, "TERM": "xterm", "COLUMNS": "200", "PATH": str(programs),
        "HOME": str(tmp_path_factory.mktemp("home")), "SAM_CLI_TELEMETRY": "0",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.port}",
    }  # fmt: skip


def test_a_shop_deploys_it_with_the_sam_cli_alone_and_an_order_is_reported(stack, unpacked, machine):
    command = re.search(r"^    (sam deploy --template-file template.yaml .*) --stack-name", (unpacked / "README.md").read_text(), re.M)[1]
    answers = {
        "Parameter ApiAuthorization": "NONE",
        f"Parameter {ON.prefix}Endpoint": f"{stack.sandbox_url}/{ON.name}",
        "Confirm changes before deploy": "n",
    }
    assert ON in PLAYED

    done = at_a_terminal(["sam", *command.split()[1:], "--stack-name", STACK], unpacked, machine, answers | OFF)

    assert done.status == 0, done.shown
    [deployed] = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]}
    stack._count_in_numbers()
    secrets = stack.client("secretsmanager")
    # What the sandbox takes now: other tests rotate it.
    settings = secrets.get_secret_value(SecretId=stack.outputs[f"{ON.prefix}SecretArn"])["SecretString"]
    secrets.put_secret_value(SecretId=outputs[f"{ON.prefix}SecretArn"], SecretString=settings)
    shop = stack.sibling("shop", re.search(r"//([a-z0-9]+)\.execute-api", outputs["ApiUrl"])[1])
    order_id = new_id()
    assert shop.api("POST", "/orders", order(order_id)).status == 202

    def states() -> dict:
        answer = shop.api("GET", f"/orders/{order_id}")
        deliveries = answer.json["deliveries"] if answer.status == 200 else []
        return {each["network"]: (each["state"], each.get("reason")) for each in deliveries}

    delivered = {ON.name: ("delivered", None)}
    assert eventually(states, delivered) == delivered
    tool = subprocess.run(
        ["./postback", "--stack", STACK, "orders", "show", order_id], cwd=unpacked, env=machine, capture_output=True, text=True
    )
    assert tool.returncode == 0 and "delivered" in tool.stdout, tool.stderr
