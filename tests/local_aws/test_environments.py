"""`make deploy` without a stack: the environment it deploys, the one architecture it builds and deploys, and the mistakes it names."""

import argparse
import sys
import tomllib

import pytest
from build import ROOT
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse

sys.path.insert(0, str(ROOT / "deploy"))
import deploy  # noqa: E402
import packages  # noqa: E402
import samconfig  # noqa: E402
from samconfig import Refused  # noqa: E402

TWO = """\
version = 0.1

# The shop's own.
[default.deploy.parameters]
stack_name = "shop"
parameter_overrides = "Architecture=\\"x86_64\\" KmsKeyArn=\\"arn:aws:kms:eu-west-1:111122223333:key/a\\" AlarmTopicArn=\\"\\""

[staging.deploy.parameters]
stack_name = "shop-staging"
parameter_overrides = ["Architecture=arm64", "LogRetentionDays=7"]

[staging.global.parameters]
region = "eu-west-1"
profile = "tests"
"""


class Recorded:
    """A machine on which nothing is built or deployed: the commands are recorded."""

    def __init__(self, file):
        self.file = file
        self.built: list[str] = []
        self.deployed: list[argparse.Namespace] = []
        self.status = 0
        # What an operator answers to the SAM CLI's questions, beside the suggestions.
        self.answers: dict[str, str] = {}
        self.saved = True

    def sam(self, environment, template, *words) -> int:
        parser = argparse.ArgumentParser()
        parser.add_argument("--guided", action="store_true")
        parser.add_argument("--stack-name")
        parser.add_argument("--parameter-overrides", nargs="*", default=[])
        call, _ = parser.parse_known_args(words)
        call.environment, call.template = environment, template
        call.parameters = CfnParameterOverridesType().convert(tuple(call.parameter_overrides), None, None)
        self.deployed.append(call)
        if call.guided and self.saved:
            parameters = " ".join(samconfig.overrides({**call.parameters, **self.answers})).replace('"', '\\"')
            section = f'[{environment}.deploy.parameters]\nstack_name = "{call.stack_name}"\nparameter_overrides = "{parameters}"\n'
            self.file.write_text((self.file.read_text() if self.file.exists() else "") + section)
        return self.status

    @property
    def bundles(self) -> list[argparse.Namespace]:
        return [call for call in self.deployed if call.template == deploy.DEPLOYED]

    @property
    def archives(self) -> list[argparse.Namespace]:
        return [call for call in self.deployed if call.template != deploy.DEPLOYED]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    recorded = Recorded(tmp_path / "samconfig.toml")
    monkeypatch.setattr(samconfig, "FILE", recorded.file)
    monkeypatch.setattr(deploy, "DEPLOYED", tmp_path / "deployed.yaml")
    monkeypatch.setattr(deploy, "sam", recorded.sam)
    monkeypatch.setattr(packages, "build", recorded.built.append)
    return recorded


def architecture_of(template) -> dict:
    return yaml_parse(template.read_text())["Parameters"]["Architecture"]


def make_deploy(**options: str) -> None:
    given = {"environment": "", "architecture": "", "canary": "", **options}
    deploy.main([word for name, value in given.items() for word in (f"--{name}", value)])


# ── One architecture ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("environment", ["", "staging", "new"])
@pytest.mark.parametrize("given", ["", "x86_64", "arm64"])
def test_the_architecture_that_is_built_is_the_one_that_is_deployed(machine, environment, given):
    machine.file.write_text(TWO)

    make_deploy(environment=environment, architecture=given)

    expected = given or {"": "x86_64", "staging": "arm64", "new": "x86_64"}[environment]
    [bundle] = machine.bundles
    assert (machine.built, bundle.parameters["Architecture"]) == ([expected], expected)
    parameter = architecture_of(deploy.DEPLOYED)
    assert (parameter["Default"], parameter["AllowedValues"]) == (expected, [expected])


def test_a_change_of_architecture_is_kept_and_nothing_else_changes(machine):
    machine.file.write_text(TWO)

    make_deploy(architecture="arm64")
    make_deploy()

    assert machine.built == ["arm64", "arm64"]
    assert [call.parameters["Architecture"] for call in machine.bundles] == ["arm64", "arm64"]
    now, before = tomllib.loads(machine.file.read_text()), tomllib.loads(TWO)
    changed = now["default"]["deploy"]["parameters"].pop("parameter_overrides")
    kept = before["default"]["deploy"]["parameters"].pop("parameter_overrides")
    assert changed == kept.replace("x86_64", "arm64") and now == before
    assert "# The shop's own." in machine.file.read_text()


def test_an_architecture_that_was_not_deployed_is_not_kept(machine):
    machine.file.write_text(TWO)
    machine.status = 1

    with pytest.raises(Refused, match="The stack was not updated"):
        make_deploy(architecture="arm64")

    assert machine.file.read_text() == TWO and machine.archives == []


def test_an_answer_that_disagrees_is_built_the_next_time(machine):
    machine.answers, machine.status = {"Architecture": "arm64"}, 1

    with pytest.raises(Refused, match="built for x86_64, not for arm64: run this again"):
        make_deploy()
    machine.status = 0
    make_deploy()

    assert machine.built == ["x86_64", "arm64"] and machine.bundles[-1].parameters["Architecture"] == "arm64"


def test_parameters_that_are_given_are_deployed_and_kept(machine):
    machine.file.write_text(TWO)

    make_deploy(set="ShopifyEnabled=true AlarmTopicArn='arn:aws:sns:eu-central-1:1:alarms'")
    make_deploy()

    for call in machine.bundles:
        assert (call.parameters["ShopifyEnabled"], call.parameters["AlarmTopicArn"]) == ("true", "arn:aws:sns:eu-central-1:1:alarms")
        assert call.parameters["KmsKeyArn"].startswith("arn:")


def test_parameters_that_are_given_are_suggested_the_first_time(machine):
    make_deploy(set="ShopifyEnabled=true")

    [bundle] = machine.bundles
    assert bundle.guided and bundle.parameters["ShopifyEnabled"] == "true"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ShopifyEnable=true", "Did you mean ShopifyEnabled"),
        ("ShopifyEnabled", "has no value"),
        ("ShopifyEnabled=yes", "is one of true, false"),
    ],
)
def test_a_misspelt_parameter_is_refused_before_anything_is_built(machine, given, said):
    with pytest.raises(Refused, match=said):
        make_deploy(set=given)

    assert (machine.built, machine.deployed) == ([], [])


def test_a_gradual_deployment_is_of_one_architecture_too(machine):
    machine.file.write_text(TWO)

    make_deploy(environment="staging", canary="Canary10Percent5Minutes")

    assert architecture_of(deploy.DEPLOYED)["AllowedValues"] == ["arm64"]
    assert "FunctionAlias" in yaml_parse(deploy.DEPLOYED.read_text())["Outputs"]


# ── Environments ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_environment_is_deployed_with_its_own_settings_and_archive(machine):
    machine.file.write_text(TWO)

    make_deploy()
    make_deploy(environment="staging")

    assert [call.environment for call in machine.deployed] == ["default", "default", "staging", "staging"]
    assert machine.bundles[0].parameters["KmsKeyArn"].startswith("arn:") and machine.bundles[0].parameters["AlarmTopicArn"] == ""
    assert machine.bundles[1].parameters == {"Architecture": "arm64", "LogRetentionDays": "7"}
    first, second = machine.archives
    assert (first.stack_name, first.parameters["BusName"]) == ("shop-archive", "shop")
    assert first.parameters["KmsKeyArn"] == machine.bundles[0].parameters["KmsKeyArn"]
    assert (second.stack_name, second.parameters) == ("shop-staging-archive", {"BusName": "shop-staging"})


@pytest.mark.parametrize(("environment", "stack"), [("", "postback"), ("staging", "postback-staging")])
def test_the_first_time_it_asks_and_suggests_a_name(machine, environment, stack):
    make_deploy(environment=environment)

    [bundle], [archive] = machine.bundles, machine.archives
    assert bundle.guided and (bundle.stack_name, archive.stack_name) == (stack, f"{stack}-archive")


def test_an_environments_region_and_profile_may_be_global(tmp_path):
    path = tmp_path / "samconfig.toml"
    path.write_text(TWO)

    staging = samconfig.find("staging", path)

    assert (staging.stack, staging.region, staging.profile) == ("shop-staging", "eu-west-1", "tests")
    assert samconfig.find("production", path) is None


@pytest.mark.parametrize("value", ["", "a b", 'say "a"', "a,b", "rate(5 minutes)", "https://example.com/?a=b&c=d"])
def test_sam_reads_a_parameter_as_it_was(value):
    words = samconfig.overrides({"First": value, "Second": "2"})

    assert CfnParameterOverridesType().convert(tuple(words), None, None) == {"First": value, "Second": "2"}
    assert CfnParameterOverridesType().convert(" ".join(words), None, None) == {"First": value, "Second": "2"}


# ── Mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


MISTAKES = {
    "no architecture of Lambda's": ({"architecture": "aarch64"}, TWO, "use x86_64 or arm64"),
    "no name of an environment": ({"environment": "/root/.shinit"}, TWO, "letters, digits and hyphens"),
    "no way to shift calls": ({"canary": "Slowly"}, TWO, "CANARY=Canary10Percent5Minutes"),
    "no TOML": ({}, "[default", "Correct samconfig.toml"),
    "no stack": ({}, "[default.deploy.parameters]\nregion = 'eu-west-1'\n", "has no stack_name: add it"),
    "no parameters": ({}, '[default.deploy.parameters]\nstack_name = "a"\nparameter_overrides = "nonsense"\n', "Correct parameter_overrides"),
}


@pytest.mark.parametrize(("options", "settings", "named"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_in_one_sentence_before_anything_is_built(machine, options, settings, named):
    machine.file.write_text(settings)

    with pytest.raises(Refused) as refused:
        make_deploy(**options)

    assert named in str(refused.value) and (machine.built, machine.deployed) == ([], [])


def test_settings_that_were_not_saved_are_missed(machine):
    machine.saved = False

    with pytest.raises(Refused, match="let the SAM CLI save them"):
        make_deploy()

    assert machine.archives == []


# ── Packages ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The functions' packages, of an x86_64 that does nothing."""
    monkeypatch.setattr(packages, "PACKAGES", tmp_path)
    for function in packages.FUNCTIONS:
        (tmp_path / function).mkdir()
        (tmp_path / function / "bootstrap").write_bytes(b"\x7fELF" + bytes(14) + (0x3E).to_bytes(2, "little"))
    return tmp_path


def test_packages_of_another_architecture_are_refused(programs):
    packages.check("x86_64")
    with pytest.raises(Refused, match="is not built for arm64"):
        packages.check("arm64")


def test_a_missing_package_is_refused(programs):
    (programs / packages.FUNCTIONS[-1] / "bootstrap").unlink()

    with pytest.raises(Refused, match=f"{packages.FUNCTIONS[-1]}/bootstrap is missing"):
        packages.check("x86_64")


def test_a_template_that_lacks_a_function_is_refused():
    text = (ROOT / "template.yaml").read_text()

    with pytest.raises(Refused, match="make generate"):
        packages.template(text.replace("CodeUri: target/lambda/audit/", "CodeUri: elsewhere/"), "x86_64", "{}".format)
