"""The rules for the templates, checked on the input of CloudFormation: after the SAM transform. Policies and parameters
have files of their own, test_policies.py and test_parameters.py. Longer than 300 lines, because all of it reads one template."""

import json
import re
import sys
from dataclasses import replace

import pytest
import yaml
from build import FUNCTIONS, ROOT
from conditions import Deployment
from samcli.yamlhelper import yaml_parse
from stack import ARCHIVED, LEFT_OUT, NETWORKS, PLATFORMS
from transformed import NoManagedPolicies, resources, transformed

sys.path.insert(0, str(ROOT / "deploy/template"))
import generate  # noqa: E402


@pytest.mark.parametrize("path", generate.WRITTEN, ids=lambda path: path.name)
def test_the_templates_are_current(path):
    assert path.read_text() == generate.WRITTEN[path](), "`make generate` writes it anew"


def test_the_template_is_written_out():
    """Without anchors, a block can be read, copied and deleted by itself."""
    for token in yaml.scan((ROOT / "template.yaml").read_text()):
        assert not isinstance(token, yaml.AnchorToken | yaml.AliasToken), token.start_mark.line


def test_a_networks_names_are_its_own(template):
    shared = [name for part in ("Resources", "Parameters", "Outputs") for name in template[part]]
    for network in NETWORKS:
        others = [other.prefix for other in NETWORKS if other != network]
        shared = [name for name in shared if not name.startswith(network.prefix)]
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", network.prefix) and not network.prefix.startswith(tuple(others)), network
    assert "Bus" in shared and not {network.prefix for network in NETWORKS} & set(shared)


@pytest.mark.parametrize("every_order", ["", "for a test"])
@pytest.mark.parametrize("status_poll", [False, True])
def test_a_network_more_is_a_block_more(template, every_order, status_poll):
    extras = {"every_order": every_order, "status_poll": status_poll}
    plain = next(network for network in NETWORKS if not (network.every_order or network.status_poll or network.validates))
    added = replace(plain, prefix="Added", title="Added", pattern={"clicks": {"a": [{"numeric": [">", 0]}]}}, **extras)

    more = transformed(yaml_parse(generate.template([*NETWORKS, added])), NoManagedPolicies())

    for part in ("Resources", "Parameters", "Conditions", "Outputs"):
        own = {name: value for name, value in more[part].items() if name.startswith("Added")}
        others = {name: value for name, value in more[part].items() if name not in own}
        # The function publish sends to the status queues; intake and sweep measure every network.
        shops = [f"{platform.prefix}Function" for platform in PLATFORMS]
        naming = {"IntakeFunction", "WebhookFunction", *shops, "SweepFunction", *(("PublishFunction", "PublishRole") if status_poll else ())}
        assert others == {**template[part], **{name: others[name] for name in naming if name in others}}
        kinds = {name.removeprefix("Added") for name in own}
        alike = {name.removeprefix(plain.prefix) for name in template[part] if name.startswith(plain.prefix)}
        extra = {name for name in kinds - alike if name not in ("Concerns", "GetsEveryOrder")}
        assert kinds >= alike and all(name.startswith("Status") for name in extra) and bool(extra) <= status_poll
        assert ("Concerns" in kinds) == (part == "Parameters" and bool(every_order))
    for given in ({}, {"AddedEnabled": "false"}, *([{"AddedConcerns": "every-order"}] if every_order else [])):
        assert Deployment(more, given).dangling() == set()


@pytest.mark.parametrize("events", [{}, {"source": "aws.partner/shop.example", "type": "order"}])
def test_a_shop_system_more_is_a_block_more(template, events):
    added = replace(PLATFORMS[0], name="added", prefix="Added", title="Added", events=events)

    more = transformed(yaml_parse(generate.template(platforms=[*PLATFORMS, added])), NoManagedPolicies())

    for part in ("Resources", "Parameters", "Conditions", "Outputs"):
        own = {name for name in more[part] if name.startswith("Added")}
        # The stage limits its route, its rule may send to the queue of faulty orders, and its role may put orders on the bus.
        naming = {"ApiStage", "FaultyOrdersQueuePolicy", "TakesWebhooks"}
        others = {name: value for name, value in more[part].items() if name not in own | naming}
        assert own and others == {name: value for name, value in template[part].items() if name not in naming}
    for given in ({}, {"AddedEnabled": "true"}):
        assert Deployment(more, given).dangling() == set()


def test_every_function_has_a_block_and_every_block_a_function(template):
    deployed = resources(template, "AWS::Lambda::Function").values()

    names = {function["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for function in deployed}

    assert names == set(FUNCTIONS)


def test_a_message_stays_hidden_for_six_timeouts_and_the_longest_window(template):
    functions = resources(template, "AWS::Lambda::Function")
    longest = template["Parameters"]["BatchingWindow"]["MaxValue"]
    for network in NETWORKS:
        queue = resources(template, "AWS::SQS::Queue")[f"{network.prefix}Queue"]
        assert queue["VisibilityTimeout"] >= 6 * functions[f"{network.prefix}Function"]["Timeout"] + longest


def test_the_networks_functions_have_the_time_that_their_code_counts_on(template):
    source = (ROOT / "shared" / "runtime" / "src" / "lambda" / "mod.rs").read_text()
    seconds = int(re.search(r"pub const TIMEOUT: Duration = Duration::from_secs\((\d+)\)", source)[1])
    functions = resources(template, "AWS::Lambda::Function")

    assert {functions[f"{network.prefix}Function"]["Timeout"] for network in NETWORKS} == {seconds}


def test_a_failed_message_is_kept_longer_than_a_waiting_one(template):
    # A message keeps its age when it moves to the dead-letter queue.
    queues = resources(template, "AWS::SQS::Queue")
    for network in NETWORKS:
        queue, dead = queues[f"{network.prefix}Queue"], queues[f"{network.prefix}DeadLetterQueue"]
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": [f"{network.prefix}DeadLetterQueue", "Arn"]},
            "maxReceiveCount": 1000,
        }
        assert queue["MessageRetentionPeriod"] == {"Ref": "QueueRetentionSeconds"}
        assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert template["Parameters"]["QueueRetentionSeconds"]["MaxValue"] == 12 * 24 * 3600


def test_a_network_learns_of_completed_orders_of_its_own_and_of_everything_cancelled(template):
    rules = resources(template, "AWS::Events::Rule")
    for network in NETWORKS:
        completed, cancelled = rules[f"{network.prefix}Rule"]["EventPattern"]["$or"]
        assert completed["detail-type"] == ["order.completed"]
        details = completed["detail"].get("Fn::If", [None, completed["detail"]])[1:]
        assert all(detail["click_cookie"] == [{"exists": False}] for detail in details)
        assert cancelled == {
            "detail-type": ["order.completed", "order.cancelled", "order.refunded", "order.partially_refunded"],
            "detail": {"status": ["cancelled", "refunded", "partially_refunded"]},
        }


def test_intake_looks_at_the_orders_that_it_did_not_put_on_the_bus_itself(template):
    rule = resources(template, "AWS::Events::Rule")["BusOrdersRule"]
    # Any spelling of the type: a misspelt one is what this is for. What publish puts has another type, `postback.*`.
    assert rule["EventPattern"] == {
        "source": [{"anything-but": {"prefix": "postback."}}],
        "detail-type": [{"prefix": {"equals-ignore-case": "order"}}, {"suffix": {"equals-ignore-case": "der.completed"}}],
    }
    queue, faulty = ({"Fn::GetAtt": [name, "Arn"]} for name in ("BusOrdersQueue", "FaultyOrdersQueue"))
    [target] = rule["Targets"]
    assert (target["Arn"], target["DeadLetterConfig"]) == (queue, {"Arn": faulty})
    mapping = resources(template, "AWS::Lambda::EventSourceMapping")["IntakeFunctionBusOrders"]
    assert (mapping["EventSourceArn"], mapping["FunctionResponseTypes"]) == (queue, ["ReportBatchItemFailures"])
    properties = resources(template, "AWS::SQS::Queue")
    assert properties["BusOrdersQueue"]["RedrivePolicy"]["deadLetterTargetArn"] == faulty
    assert properties["FaultyOrdersQueue"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_intake_knows_the_networks_and_which_of_them_get_every_order(template):
    def known(given):
        variables = Deployment(template, given).resources["IntakeFunction"]["Properties"]["Environment"]["Variables"]
        return [variables[name]["Fn::Join"][1] for name in ("NETWORKS", "EVERY_ORDER")]

    names = [network.name for network in NETWORKS]
    assert known({}) == [names, []]
    every = next(network for network in NETWORKS if network.every_order)
    assert known({f"{every.prefix}Concerns": "every-order"}) == [names, [every.name]]
    off = {f"{every.prefix}Concerns": "every-order", f"{every.prefix}Enabled": "false"}
    assert known(off) == [[name for name in names if name != every.name], []]


def test_what_the_bus_can_not_handle_is_kept_and_so_is_what_a_rule_can_not_deliver(template):
    bus = resources(template, "AWS::Events::EventBus")["Bus"]
    assert bus["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["BusDeadLetterQueue", "Arn"]}}
    rules = {name: rule for name, rule in resources(template, "AWS::Events::Rule").items() if "EventBusName" in rule}
    assert len(rules) == len(NETWORKS) + 1 + len([platform for platform in PLATFORMS if platform.events])
    for name, rule in rules.items():
        for target in rule["Targets"]:
            own = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            # A key that is gone for the queue is not gone for its dead letters.
            assert own != target["Arn"]["Fn::GetAtt"][0] and own in DEAD_LETTERS, name
        # The name by which CloudWatch counts what the rule could not deliver.
        assert rule["Name"]["Fn::Sub"].startswith("${AWS::StackName}-"), name


DEAD_LETTERS = {
    "BusDeadLetterQueue", "FaultyOrdersQueue", *(f"{network.prefix}DeadLetterQueue" for network in NETWORKS),
    *(f"{network.prefix}StatusDeadLetterQueue" for network in NETWORKS if network.status_poll),
}  # fmt: skip


def test_every_queue_has_a_policy_of_its_own_and_every_queue_of_dead_letters_a_key_of_its_own(template):
    queues = resources(template, "AWS::SQS::Queue")
    policies = [policy["Queues"] for policy in resources(template, "AWS::SQS::QueuePolicy").values()]
    assert sorted(map(json.dumps, policies)) == sorted(json.dumps([{"Ref": name}]) for name in queues)
    # By their names and by what refers to them: none is left out of the list.
    named = {name for name in queues if "DeadLetter" in name}
    redriven = {queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in queues.values() if "RedrivePolicy" in queue}
    assert named | redriven == DEAD_LETTERS


def test_the_archive_keeps_everything_that_a_rule_lets_through():
    archive = yaml.load((ROOT / "archive.yaml").read_text(), Loader=yaml.BaseLoader)
    kept = archive["Resources"]["Archive"]["Properties"]["EventPattern"]
    assert kept == {"detail-type": ["order.completed", "order.cancelled", "order.refunded", "order.partially_refunded"]} == ARCHIVED


def test_a_sweep_measures_every_network_that_is_on(template):
    def measured(given):
        function = Deployment(template, given).resources["SweepFunction"]["Properties"]
        return function["Environment"]["Variables"]["NETWORKS"]["Fn::Join"]

    names = [network.name for network in NETWORKS]
    assert measured({}) == [",", names]
    assert measured({f"{NETWORKS[0].prefix}Enabled": "false"}) == [",", names[1:]]


def test_a_sweep_comes_by_its_schedule(template):
    schedule = resources(template, "AWS::Events::Rule")["SweepSchedule"]
    assert schedule["ScheduleExpression"] == {"Ref": "SweepEvery"}
    assert [target["Arn"] for target in schedule["Targets"]] == [{"Fn::GetAtt": ["SweepFunction", "Arn"]}]


def test_a_deleted_network_or_stack_leaves_no_queue_behind(template):
    """A queue holds orders and has no fixed name: left behind, nobody would find it."""
    queues = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::SQS::Queue"]
    assert len(queues) >= 2 * len(NETWORKS)
    for queue in queues:
        assert queue["DeletionPolicy"] == queue["UpdateReplacePolicy"] == "Delete"


def test_queues_report_partial_failures(template):
    mappings = resources(template, "AWS::Lambda::EventSourceMapping")
    for network in NETWORKS:
        assert mappings[f"{network.prefix}FunctionQueue"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_each_network_has_a_concurrency_limit_of_its_own(template):
    for network in NETWORKS:
        mapping = resources(template, "AWS::Lambda::EventSourceMapping")[f"{network.prefix}FunctionQueue"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": f"{network.prefix}Concurrency"}}
        parameter = template["Parameters"][f"{network.prefix}Concurrency"]
        # Lambda's own limits.
        assert [parameter[limit] for limit in ("Default", "MinValue", "MaxValue")] == [10, 2, 1000]
        function = resources(template, "AWS::Lambda::Function")[f"{network.prefix}Function"]
        assert function["ReservedConcurrentExecutions"] == {
            "Fn::If": ["IsReserved", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
        }


def test_an_order_may_go_back_to_its_queue_as_often_as_it_takes(template):
    for network in NETWORKS:
        function = resources(template, "AWS::Lambda::Function")[f"{network.prefix}Function"]
        assert function["RecursiveLoop"] == "Allow"


def test_every_log_ends_some_day(template):
    groups = resources(template, "AWS::Logs::LogGroup")
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for name, function in resources(template, "AWS::Lambda::Function").items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        assert groups[group]["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"], name


def test_the_access_log_does_not_identify_the_buyer(template):
    [stage] = resources(template, "AWS::ApiGatewayV2::Stage").values()
    log = stage["AccessLogSettings"]["Format"]
    for personal in ("path", "userAgent", "queryString", "requestBody", "email", "cognito"):
        assert personal not in log
    # Who sent it: a system of the shop.
    said = json.loads(log)
    assert {said[name] for name in ("request_id", "source_ip", "caller", "subject")} == {
        "$context.requestId", "$context.identity.sourceIp", "$context.identity.userArn", "$context.authorizer.claims.sub",
    }  # fmt: skip


def test_the_archive_is_all_that_the_local_deployment_leaves_out():
    archive = yaml.load((ROOT / "archive.yaml").read_text(), Loader=yaml.BaseLoader)

    # A budget is no part of a local deployment: nothing is charged there. Nor is the policy of a bus, which is off by default.
    kinds = {resource["Type"] for resource in archive["Resources"].values()}
    assert kinds - {"AWS::Budgets::Budget", "AWS::Events::EventBusPolicy"} == LEFT_OUT == {"AWS::Events::Archive"}
    assert archive["Resources"]["Archive"]["Properties"]["KmsKeyIdentifier"] == ["HasKey", "KmsKeyArn", "AWS::NoValue"]


def test_the_policy_of_the_bus_keeps_everybody_else_out(template):
    archive = yaml_parse((ROOT / "archive.yaml").read_text())
    policies = {name: part for name, part in archive["Resources"].items() if part["Type"] == "AWS::Events::EventBusPolicy"}
    statements = {name: part["Properties"]["Statement"] for name, part in policies.items()}

    assert {part["Condition"] for part in policies.values()} == {"NamesSenders"}
    for statement in statements.values():
        # A denial outweighs whatever IAM allows.
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "events:PutEvents")
    own = [role_pattern(name) for name in sorted(putting_roles(template))]
    excepted = {name: statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"] for name, statement in statements.items()}
    senders = {"Fn::Split": [",", {"Fn::Join": [",", [{"Ref": "BusSenders"}, *own]]}]}
    assert excepted == {"OnlySenders": senders, "OnlyOwnSources": own, "OnlyPublishPublishes": role_pattern("PublishRole")}
    denied = {name: statement["Condition"].get("StringLike") for name, statement in statements.items()}
    assert denied == {
        "OnlySenders": None, "OnlyOwnSources": {"events:source": ["postback", "postback.*"]},
        "OnlyPublishPublishes": {"events:detail-type": "postback.*"},
    }  # fmt: skip
    # An export in use can't change, so nothing that an update of the stack changes is imported.
    assert "ImportValue" not in (ROOT / "archive.yaml").read_text()
    assert [name for name, output in template["Outputs"].items() if "Export" in output] == []


def putting_roles(template) -> set[str]:
    """The roles that may put events on the bus. CloudFormation names them: none has a name or a path of its own."""
    roles = {name: role for name, role in resources(template, "AWS::IAM::Role").items() if "events:PutEvents" in json.dumps(role)}
    assert all(not {"RoleName", "Path"} & set(role) for role in roles.values())
    # The name is not cut off as long as it has 64 characters: the stack's, the logical id's and 12 at random.
    assert max(map(len, roles)) <= 64 - 34 - 12 - 2
    return set(roles)


def role_pattern(name: str) -> dict:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{BusName}}-{name}-*"}


def test_a_budget_notifies_somebody_before_it_is_spent():
    text = yaml_parse((ROOT / "archive.yaml").read_text())
    budget = text["Resources"]["Budget"]
    assert budget["Condition"] == "HasBudget" and text["Parameters"]["MonthlyBudget"]["Default"] == 0
    assert budget["Properties"]["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    notified = budget["Properties"]["NotificationsWithSubscribers"]
    assert {(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in notified} == {
        ("ACTUAL", 80), ("FORECASTED", 100)
    }  # fmt: skip
    assert all(each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": {"Ref": "BudgetEmail"}}] for each in notified)
    # Without an address CloudFormation refuses the stack.
    [assertion] = text["Rules"]["SomebodyIsNotified"]["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "BudgetEmail"}, ""]}]}


# The rules of the Serverless Application Repository.
PUBLISHED = {
    "Name": r"[a-zA-Z0-9-]{1,140}",
    "Description": r".{1,256}",
    "Author": r"(?!.*--)[a-z0-9]([a-z0-9-]{0,125}[a-z0-9])?",
    "SpdxLicenseId": r"Apache-2\.0",
    "SemanticVersion": r"\d+\.\d+\.\d+",
}


def test_the_serverless_application_repository_accepts_the_templates_metadata():
    said = yaml_parse((ROOT / "template.yaml").read_text())["Metadata"]["AWS::ServerlessRepo::Application"]

    for name, form in PUBLISHED.items():
        assert re.fullmatch(form, said[name]), name
    assert len(said["Labels"]) <= 10 and all(re.fullmatch(r"[a-zA-Z0-9+:/@_-]{1,127}", label) for label in said["Labels"])
    assert all((ROOT / said[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
