"""The rules for the template under each of its parameters, checked on the input of CloudFormation. Longer than 300 lines, because each parameter has its test here."""

import itertools
import json
import re

import pytest
from conditions import Deployment
from stack import NETWORKS, PLATFORMS
from test_template import DEAD_LETTERS
from transformed import OPTIONS, resources


def test_everything_that_keeps_data_is_encrypted_and_the_ledger_outlives_the_stack(template):
    for name, queue in resources({"Resources": Deployment(template).resources}, "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True and "KmsMasterKeyId" not in queue, name
    ledger = template["Resources"]["Ledger"]
    assert ledger["DeletionPolicy"] == ledger["UpdateReplacePolicy"] == "Retain"
    plain = Deployment(template).resources["Ledger"]["Properties"]
    assert plain["SSESpecification"] == {"SSEEnabled": True}
    assert ledger["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert ledger["Properties"]["DeletionProtectionEnabled"] is True


def test_a_key_for_receipts_is_made_if_asked_for_and_outlives_the_stack(template):
    assert not resources({"Resources": Deployment(template).resources}, "AWS::KMS::Key")
    key = Deployment(template, {"ReceiptKey": "yes"}).resources["ReceiptSigningKey"]
    assert key["Properties"]["KeySpec"] == "ECC_NIST_P256" and key["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"


def test_a_key_of_ones_own_is_used_for_everything_that_keeps_data(template):
    deployed = Deployment(template, OPTIONS)
    key = {"Ref": "KmsKeyArn"}
    places = {
        "AWS::Events::EventBus": "KmsKeyIdentifier",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
    }

    for kind, member in places.items():
        found = resources({"Resources": deployed.resources}, kind)
        found = {name: properties for name, properties in found.items() if name not in DEAD_LETTERS}
        assert found and all(properties.get(member) == key for properties in found.values()), kind
    assert not [name for name, queue in resources({"Resources": deployed.resources}, "AWS::SQS::Queue").items()
                if "SqsManagedSseEnabled" in queue and name not in DEAD_LETTERS]  # fmt: skip
    table = deployed.resources["Ledger"]["Properties"]["SSESpecification"]
    assert table == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def test_dead_letters_do_not_depend_on_the_key_that_may_have_made_them(template):
    def queues(given):
        found = resources({"Resources": Deployment(template, given).resources}, "AWS::SQS::Queue")
        return [found[name] for name in DEAD_LETTERS]

    for queue in queues(OPTIONS):
        assert queue["SqsManagedSseEnabled"] is True and "KmsMasterKeyId" not in queue
    second = {"DeadLetterKmsKeyArn": OPTIONS["KmsKeyArn"].replace("key/k", "key/second")}
    for queue in queues({**OPTIONS, **second}):
        assert queue["KmsMasterKeyId"] == {"Ref": "DeadLetterKmsKeyArn"} and "SqsManagedSseEnabled" not in queue


def test_every_role_has_the_boundary_if_there_is_one(template):
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    for given, expected in (({}, None), ({"PermissionsBoundaryArn": boundary}, {"Ref": "PermissionsBoundaryArn"})):
        roles = resources({"Resources": Deployment(template, {**OPTIONS, **given}).resources}, "AWS::IAM::Role")
        assert len(roles) > 4 + len(NETWORKS)
        assert {name for name, role in roles.items() if role.get("PermissionsBoundary") != expected} == set()


def test_a_stack_takes_up_the_ledger_of_a_former_one(template):
    given = {"ExistingLedgerTable": "left-behind", "ExistingLedgerStreamLabel": LABEL}
    deployed = Deployment(template, {**OPTIONS, **given})

    assert "Ledger" not in deployed.resources and deployed.dangling() == set()
    table = {"Ref": "ExistingLedgerTable"}
    for name, function in resources({"Resources": deployed.resources}, "AWS::Lambda::Function").items():
        assert function["Environment"]["Variables"].get("LEDGER_TABLE", table) == table, name
    source = deployed.resources["PublishFunctionLedger"]["Properties"]["EventSourceArn"]["Fn::Sub"]
    assert source.endswith(":table/${ExistingLedgerTable}/stream/${ExistingLedgerStreamLabel}")
    assert deployed.outputs["LedgerTable"]["Value"] == table


def test_in_a_vpc_are_the_networks_functions_and_no_others(template):
    def placed(given):
        functions = resources({"Resources": Deployment(template, given).resources}, "AWS::Lambda::Function")
        return {name for name, function in functions.items() if "VpcConfig" in function}

    assert placed({}) == set()
    assert placed(OPTIONS) == {f"{network.prefix}Function" for network in NETWORKS}


def test_a_paused_network_takes_nothing_from_its_queue_and_is_deployed_all_the_same(template):
    for network in NETWORKS:
        paused = Deployment(template, {f"{network.prefix}Enabled": "paused"})

        mappings = resources({"Resources": paused.resources}, "AWS::Lambda::EventSourceMapping")
        for each in NETWORKS:
            assert mappings[f"{each.prefix}FunctionQueue"]["Enabled"] == (each != network)
        assert set(paused.resources) == set(Deployment(template).resources)


@pytest.mark.parametrize(("variable", "bound"), [("LARGEST_TOTALS", "LargestTotals"), ("LARGEST_TOTAL_TO_LINES", "LargestTotalToLines")])
def test_a_bound_of_plausibility_reaches_every_network_and_there_is_none_by_default(template, variable, bound):
    assert template["Parameters"][bound]["Default"] == ""
    for network in NETWORKS:
        variables = template["Resources"][f"{network.prefix}Function"]["Properties"]["Environment"]["Variables"]
        assert variables[variable] == {"Ref": bound}, network.name


def test_callers_must_sign_unless_the_operator_says_otherwise(template):
    assert template["Parameters"]["ApiAuthorization"]["Default"] == "AWS_IAM"
    for name, route in resources(template, "AWS::ApiGatewayV2::Route").items():
        if name not in {"WebhookRoute", *(f"{platform.prefix}Route" for platform in PLATFORMS)}:
            assert route["AuthorizationType"] == {"Ref": "ApiAuthorization"}, name


def test_with_tokens_every_route_asks_the_same_authorizer(template):
    given = {"ApiAuthorization": "JWT", "JwtIssuer": "https://issuer.example", "JwtAudience": "postback"}
    deployed = Deployment(template, given)
    routes = resources({"Resources": deployed.resources}, "AWS::ApiGatewayV2::Route")

    assert deployed.dangling() == set() and len(routes) > len(NETWORKS)
    for name, route in routes.items():
        assert route["AuthorizerId"] == {"Ref": "ApiAuthorizer"}, name
        assert route["AuthorizationScopes"] == scopes(route["RouteKey"]), name
    assert not [name for name in Deployment(template).resources if name == "ApiAuthorizer"]
    for route in resources({"Resources": Deployment(template).resources}, "AWS::ApiGatewayV2::Route").values():
        assert "AuthorizationScopes" not in route
    # Empty = every token of the audience.
    unscoped = Deployment(template, {**given, "JwtSendScope": "", "JwtReadScope": ""})
    for route in resources({"Resources": unscoped.resources}, "AWS::ApiGatewayV2::Route").values():
        assert route.get("AuthorizationScopes", []) == []


def scopes(route: str) -> list[dict]:
    """The scopes of which a token needs one."""
    send, read = {"Ref": "JwtSendScope"}, {"Ref": "JwtReadScope"}
    if route == "$default":
        return [send, read]
    return [read] if route.startswith(("GET ", "HEAD ")) else [send]


def test_the_api_takes_no_more_than_its_limits(template):
    stage = Deployment(template).resources["ApiStage"]["Properties"]

    # Of every route: none but the webhook's has settings of its own.
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRateLimit"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurstLimit"},
    }
    assert "RouteSettings" not in stage
    assert [template["Parameters"][f"Api{limit}Limit"]["Default"] for limit in ("Rate", "Burst")] == [100, 200]


def test_the_webhook_is_off_unless_turned_on(template):
    parts = {"WebhookFunction", "WebhookRole", "WebhookRoute", "WebhookSecret", "WebhookLogGroup"}

    assert not parts & set(Deployment(template).resources)
    # The dashboard searches for metrics by name, whether or not somebody writes them.
    off = {name: resource for name, resource in Deployment(template).resources.items() if name != "Dashboard"}
    assert "Webhook" not in json.dumps(off)
    on = Deployment(template, {"WebhookEnabled": "true"})
    assert parts <= set(on.resources) and on.dangling() == set()
    # The one route that asks for no signature of AWS's, for the function checks its own.
    assert on.resources["WebhookRoute"]["Properties"]["AuthorizationType"] == "NONE"


def test_a_shop_system_is_off_unless_turned_on(template):
    for platform in PLATFORMS:
        off = {name: resource for name, resource in Deployment(template).resources.items() if name != "Dashboard"}
        assert f"{platform.prefix}Route" not in json.dumps(off) and not [name for name in off if name.startswith(platform.prefix)]
        on = Deployment(template, {f"{platform.prefix}Enabled": "true"})
        assert on.dangling() == set()
        parts = {f"{platform.prefix}{part}" for part in ("Function", "Role", "Route", "Secret", "LogGroup", "Integration", "Permission")}
        assert parts <= set(on.resources)
        route = on.resources[f"{platform.prefix}Route"]["Properties"]
        assert (route["AuthorizationType"], route["RouteKey"]) == ("NONE", f"POST /webhooks/{platform.name}")
        stage = on.resources["ApiStage"]["Properties"]
        limits = {f"Throttling{name}Limit": {"Ref": f"Webhook{name}Limit"} for name in ("Rate", "Burst")}
        assert stage["RouteSettings"] == {route["RouteKey"]: limits}
        assert stage["StageVariables"] == {f"{platform.name}_route": {"Ref": f"{platform.prefix}Route"}}
        function = on.resources[f"{platform.prefix}Function"]["Properties"]
        assert function["ReservedConcurrentExecutions"] == {"Ref": "WebhookConcurrency"}
        variables = function["Environment"]["Variables"]
        for setting in platform.settings:
            assert variables[setting.variable] == {"Ref": f"{platform.prefix}{setting.name}"}
            assert template["Parameters"][f"{platform.prefix}{setting.name}"]["Default"] == setting.values[0]
        assert (f"{platform.prefix}Rule" in on.resources) == bool(platform.events)
        if platform.events:
            pattern = on.resources[f"{platform.prefix}Rule"]["Properties"]["EventPattern"]
            assert pattern == {"source": [{"prefix": platform.events["source"]}], "detail-type": [platform.events["type"]]}


def test_a_flood_of_the_webhook_can_use_up_its_own_limits_alone(template):
    on = Deployment(template, {"WebhookEnabled": "true"}).resources
    names = ("Rate", "Burst")

    # The stage counts this route's requests by themselves, and makes the route before its settings.
    stage = on["ApiStage"]["Properties"]
    assert stage["RouteSettings"] == {
        "POST /webhooks/orders": {f"Throttling{name}Limit": {"Ref": f"Webhook{name}Limit"} for name in names}
    }
    assert on["WebhookRoute"]["Properties"]["RouteKey"] in stage["RouteSettings"]
    assert stage["StageVariables"] == {"webhook_route": {"Ref": "WebhookRoute"}}
    default = {name: template["Parameters"][f"Webhook{name}Limit"]["Default"] for name in names}
    assert default == {"Rate": 25, "Burst": 50}
    # A function that nothing else calls, with a concurrency that is reserved and so its limit.
    function = on["WebhookFunction"]["Properties"]
    assert function["ReservedConcurrentExecutions"] == {"Ref": "WebhookConcurrency"}
    assert template["Parameters"]["WebhookConcurrency"]["Default"] == 10
    target = on["WebhookRoute"]["Properties"]["Target"]
    calling = {name for name, resource in on.items() if resource["Properties"].get("Target") == target}
    assert calling == {"WebhookRoute"}
    uri = on["WebhookIntegration"]["Properties"]["IntegrationUri"]
    assert uri == {"Fn::GetAtt": ["WebhookFunction", "Arn"]}
    others = {name for name, integration in resources({"Resources": on}, "AWS::ApiGatewayV2::Integration").items()
              if integration["IntegrationUri"] == uri}  # fmt: skip
    assert others == {"WebhookIntegration"}
    none = Deployment(template, {"WebhookEnabled": "true", "WebhookConcurrency": "0"}).resources
    assert "ReservedConcurrentExecutions" not in none["WebhookFunction"]["Properties"]


def test_a_flood_of_the_api_can_be_kept_from_the_concurrency_of_the_others(template):
    functions = ("IntakeFunction", "AuditFunction")
    default = Deployment(template).resources
    limited = Deployment(template, {"ApiConcurrency": "50"}).resources

    assert template["Parameters"]["ApiConcurrency"]["Default"] == 0
    for name in functions:
        assert "ReservedConcurrentExecutions" not in default[name]["Properties"]
        assert limited[name]["Properties"]["ReservedConcurrentExecutions"] == {"Ref": "ApiConcurrency"}
    reserved = [name for name in limited if "ReservedConcurrentExecutions" in limited[name]["Properties"]]
    assert sorted(reserved) == sorted(functions)


def test_every_network_is_on_unless_turned_off(template):
    for network in NETWORKS:
        parameter = template["Parameters"][f"{network.prefix}Enabled"]
        assert (parameter["Default"], parameter["AllowedValues"]) == ("true", ["true", "paused", "false"])
    assert set(Deployment(template).resources) >= {f"{network.prefix}Function" for network in NETWORKS}


OFF = [*([network] for network in NETWORKS), NETWORKS[:2], NETWORKS[2:], NETWORKS]


@pytest.mark.parametrize("off", OFF, ids=lambda off: "+".join(network.name for network in off))
def test_of_a_network_that_is_off_nothing_is_deployed(template, off):
    deployed = Deployment(template, {f"{network.prefix}Enabled": "false" for network in off})

    prefixes = tuple(network.prefix for network in off)
    assert not [name for name in [*deployed.resources, *deployed.outputs] if name.startswith(prefixes)]
    # Nor does anything shared, a dashboard say, still speak of it.
    text = json.dumps([deployed.resources, deployed.outputs])
    assert not [network.name for network in off for name in (network.prefix, network.name) if name in text]
    for network in NETWORKS:
        on = {name for name in deployed.resources if name.startswith(network.prefix)}
        assert bool(on) == (network not in off)


def test_the_template_holds_together_whichever_networks_are_on(template):
    for values in itertools.product(["true", "false"], repeat=len(NETWORKS)):
        given = {f"{network.prefix}Enabled": value for network, value in zip(NETWORKS, values)}
        assert Deployment(template, given).dangling() == set(), given


def test_the_secret_of_a_network_that_is_turned_off_is_kept(template):
    for network in NETWORKS:
        secret = template["Resources"][f"{network.prefix}Secret"]
        assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Retain"


def test_endpoints_default_to_the_real_networks(template):
    for network in NETWORKS:
        assert template["Parameters"][f"{network.prefix}Endpoint"]["Default"] == network.endpoint
        assert network.endpoint.startswith("https://")
    assert len({network.endpoint for network in NETWORKS}) == len(NETWORKS)


TABLE = "Postback-Ledger-1A2B3C"
LABEL = "2026-11-21T10:15:00.000"
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"
# Values that a parameter accepts, and values that CloudFormation refuses before it changes anything.
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PEM = "-----BEGIN CERTIFICATE-----\nMIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw\n-----END CERTIFICATE-----\n"
FORMS = {
    "JwtAudience": (["", "postback", "https://api.example/orders", "3abc_DEF.x"], ["a b", "<script>", "x" * 257]),
    "JwtSendScope": (["", "postback/send", "https://api.example/orders.write"], ["a b", "*", '"']),
    "JwtReadScope": (["", "postback/read"], ["postback/read postback/send", "x" * 65]),
    "KmsKeyArn": (["", KEY], ["alias/shop", KEY.replace(":key/", ":alias/"), f" {KEY}", f"{KEY} "]),
    "DeadLetterKmsKeyArn": (["", KEY], ["alias/shop", KEY.replace(":key/", ":alias/")]),
    "PrivateCaPem": (["", PEM, PEM.replace("\n", " ")], ["MIIB", PEM.replace("CERTIFICATE", "PRIVATE KEY"), f"x{PEM}", "<script>"]),
    "PermissionsBoundaryArn": (["", "arn:aws:iam::123456789012:policy/ct/boundary"], ["boundary", "arn:aws:iam::1:role/x"]),
    "SweepEvery": (["rate(1 hour)", "cron(0 3 * * ? *)"], ["1 hour", "rate()", "cron(*)", "rate(1 hour) "]),
    "LargestTotals": (
        ["", "SGD=5000", "SGD=5000,EUR=3000.50,JPY=500000"],
        ["5000", "sgd=5000", "SGD=", "SGD=-1", "SGD=5000,", "SGD=5000;EUR=3000", "SGD=5000, EUR=3000", "SGD=1e9"],
    ),
    "LargestTotalToLines": (["", "1", "2", "1.5", "10.25"], ["0", "0.5", "-2", "2,5", "1e3", "2x", "1.999", " 2"]),
    "JwtIssuer": (
        ["", "https://issuer.example", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1", "http://127.0.0.1:8080"],
        ["issuer.example", "http://issuer.example", "https://user@issuer.example", "https://issuer.example/?a=b", "https:// "],
    ),
    "ExistingLedgerTable": (["", TABLE], ["ab", f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}", "a b c", "x" * 256]),
    "ExistingLedgerStreamLabel": (["", LABEL], ["latest", f"{LABEL} "]),
    "AlarmTopicArn": (["", TOPIC], ["on-call", TOPIC.replace("sns", "sqs"), f"{TOPIC} "]),
    **{
        f"{network.prefix}Endpoint": (
            [network.endpoint, "http://127.0.0.1:4580/network", "https://example.com:8443/a/b"],
            ["", "example.com", "https://", "http://@host", "https://user:key@host", "https://host/?a=b", "https://ho st", "ftp://host"],
        )
        for network in NETWORKS
    },
}


def test_a_private_authority_reaches_every_function(template):
    inspected = Deployment(template, {"PrivateCaPem": PEM})
    functions = resources({"Resources": inspected.resources}, "AWS::Lambda::Function")
    assert len(functions) > len(NETWORKS)
    for name, function in functions.items():
        assert function["Environment"]["Variables"]["PRIVATE_CA_PEM"] == {"Ref": "PrivateCaPem"}, name
    for name, function in resources({"Resources": Deployment(template).resources}, "AWS::Lambda::Function").items():
        assert "PRIVATE_CA_PEM" not in function["Environment"]["Variables"], name


def test_every_parameter_is_a_number_a_choice_or_has_a_form(template):
    for name, parameter in template["Parameters"].items():
        assert parameter["Type"] == "Number" or "AllowedValues" in parameter or "AllowedPattern" in parameter, name


@pytest.mark.parametrize("name", FORMS)
def test_a_malformed_parameter_is_refused(template, name):
    pattern = template["Parameters"][name]["AllowedPattern"]
    accepted, refused = FORMS[name]

    # CloudFormation matches the whole value.
    assert [value for value in accepted if not re.fullmatch(pattern, value)] == []
    assert [value for value in refused if re.fullmatch(pattern, value)] == []
