"""What must hold of the alarms and the dashboard: every network has each, each is explained, and each watches a metric
that somebody writes. Longer than 300 lines, because one set of alarms is asked for all of it."""

import json
import re

import pytest
from build import ROOT
from conditions import Deployment
from stack import NETWORKS, PLATFORMS
from transformed import resources

EACH_NETWORK = {
    "DeadLetter": "AWS/SQS ApproximateNumberOfMessagesVisible",
    "Undelivered": "AWS/Events FailedInvocations",
    "Lost": "AWS/Events InvocationsFailedToBeSentToDlq",
    "Conflict": "Postback Conflicts",
    "AllRejected": "Postback RejectedUnsent",
    "Paused": "Postback Paused",
    "Parked": "Postback Outcomes parked",
    "Tls": "Postback TlsFailures",
    "Unconfirmed": "Postback UnconfirmedHeld",
    "Held": "Postback HeldDeliveries",
    "Unwatched": "Postback UnwatchedDeliveries",
    "Permitted": "Postback PermittedDeliveries",
    "UnclearRefusal": "Postback UnclearRefusals",
    "OldestDelivery": "Postback UnresolvedAge",
    "OldestMessage": "AWS/SQS ApproximateAgeOfOldestMessage",
    "ErrorRate": "Postback AttemptFailed",
    "FunctionError": "AWS/Lambda Errors",
}
# Where the network's later status is polled.
EACH_POLLED = {
    "StatusDeadLetter": "AWS/SQS ApproximateNumberOfMessagesVisible",
    "StatusBehind": "AWS/SQS ApproximateNumberOfMessagesVisible",
    "StatusUndelivered": "AWS/Events FailedInvocations",
}
EACH_PLATFORM = {"Refusal": "Postback PlatformRefusals", "FunctionError": "AWS/Lambda Errors"}
# Where the shop system tries the address out without a signature.
EACH_PINGING = {"Ping": "Postback PlatformMessages"}
# Where it has messages whose content another webhook brings.
EACH_UNREAD = {"Unread": "Postback PlatformMessages"}
# Of every rule.
EACH_RULE = {"Undelivered": "AWS/Events FailedInvocations", "Lost": "AWS/Events InvocationsFailedToBeSentToDlq"}
# Where the shop system puts events on a partner bus.
EACH_PARTNER = EACH_RULE | {"OldestMessage": "AWS/SQS ApproximateAgeOfOldestMessage"}
# Where the network wants what it took validated.
EACH_VALIDATED = {"Validation": "Postback HeldValidations", "ClaimBack": "Postback OpenClaimBacks"}


def kinds(network) -> dict[str, str]:
    polled, validated = EACH_POLLED if network.status_poll else {}, EACH_VALIDATED if network.validates else {}
    return EACH_NETWORK | polled | validated


# Of the whole stack.
SHARED = {
    "NoOrders": "Postback OrdersTaken",
    "NoClicks": "Postback OrdersWithClick",
    "AllRefused": "Postback OrderRefused",
    "WebhookRefusal": "Postback WebhookRefusals",
    "WebhookAllRefused": "Postback WebhookRefusals",
    "ForgedClicks": "Postback ClickCookies",
    "FaultyOrder": "AWS/SQS ApproximateNumberOfMessagesVisible",
    "BusDeadLetter": "AWS/SQS ApproximateNumberOfMessagesVisible",
    "BusOrdersUndelivered": "AWS/Events FailedInvocations",
    "BusOrdersLost": "AWS/Events InvocationsFailedToBeSentToDlq",
    "BusOrdersOldestMessage": "AWS/SQS ApproximateAgeOfOldestMessage",
    "ApiError": "AWS/ApiGateway 5xx",
    "EventsLate": "AWS/Lambda IteratorAge",
    "SweepError": "AWS/Lambda Errors",
    "SweepUndelivered": "AWS/Events FailedInvocations",
}


# What a sweep measures stays on while it waits: a sweep's value holds until the next sweep.
SWEPT = ("Held", "Unwatched", "Permitted")


@pytest.fixture(scope="module")
def alarms(template):
    return resources(template, "AWS::CloudWatch::Alarm")


def measured() -> dict[str, list[set[str]]]:
    """The metrics that the code writes, with the sets of dimensions that each has, read from the code."""
    code = (ROOT / "shared/runtime/src/metrics.rs").read_text()
    assert 'NAMESPACE: &str = "Postback"' in code
    names = dict(re.findall(r'Self::(\w+) => "(\w+)",', code[: code.index("/// Its unit")]))
    own = dict(re.findall(r'Self::(\w+) => Some\("(\w+)"\)', code))
    assert len(names) == len(re.findall(r"^    \w+,$", code[code.index("pub enum Metric") : code.index("impl Metric")], re.M))
    sweep = (ROOT / "functions/sweep/src/lib.rs").read_text()
    gauges = re.findall(r'Gauge::(\w+)\("(\w+)"', sweep)
    assert len(gauges) == 13
    webhook = (ROOT / "shared/runtime/src/metrics/webhook.rs").read_text()
    [refusals] = re.findall(r'const \w+: &str = "(\w+)";', webhook)
    platform = (ROOT / "shared/runtime/src/metrics/platform.rs").read_text()
    of_platforms, messages = re.findall(r'const \w+: &str = "(\w+)";', platform)
    intake = re.findall(r'\("(\w+)", "\w+", &\[(.+)\]\)', (ROOT / "shared/runtime/src/metrics/intake.rs").read_text())
    assert len(intake) == 6
    return {
        refusals: [{"Stack"}],
        of_platforms: [{"Stack", "Platform"}],
        messages: [{"Stack", "Platform", "Result"}],
        **{name: [{"Stack", "Network", own.get(variant)} - {None}] for variant, name in names.items()},
        **{name: [{"Stack", "Network", *(["Currency"] if kind == "money" else [])}] for kind, name in gauges},
        **{name: [set(re.findall(r'"(\w+)"', each)) for each in re.findall(r"&\[(.+?)\]", sets)] for name, sets in intake},
    }


def test_the_stack_has_each_shared_alarm(alarms):
    prefixes = tuple(each.prefix for each in (*NETWORKS, *PLATFORMS))
    shared = {name: alarm for name, alarm in alarms.items() if not name.startswith(prefixes)}
    watched = {name.removesuffix("Alarm"): f"{alarm['Namespace']} {alarm['MetricName']}" for name, alarm in shared.items()}
    assert watched == SHARED


def test_an_alarm_for_what_stays_away_is_raised_by_missing_data_and_no_other(template, alarms):
    assert [name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"] == ["NoOrdersAlarm"]
    quiet = alarms["NoOrdersAlarm"]
    assert (quiet["Statistic"], quiet["Period"], quiet["EvaluationPeriods"]) == ("Sum", 3600, {"Ref": "NoOrdersHours"})
    assert "NoOrdersAlarm" not in Deployment(template, {"NoOrdersHours": "0"}).resources


def test_an_alarm_for_all_orders_needs_every_order_of_two_periods(template, alarms):
    everything = [alarms["AllRefusedAlarm"], *(alarms[f"{network.prefix}AllRejectedAlarm"] for network in NETWORKS)]
    everything.append(alarms["WebhookAllRefusedAlarm"])
    for alarm in everything:
        # 1 for each that is refused, 0 for each other: the least of them is 1 only if all are.
        assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == ("Minimum", 1, "GreaterThanOrEqualToThreshold")
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == ({"Ref": "AllOrdersSeconds"}, 2)
        assert alarm["TreatMissingData"] == "notBreaching"
    clicks = alarms["NoClicksAlarm"]
    assert (clicks["Statistic"], clicks["Threshold"], clicks["ComparisonOperator"]) == ("Maximum", 1, "LessThanThreshold")
    assert (clicks["Period"], clicks["EvaluationPeriods"]) == ({"Ref": "NoClicksSeconds"}, 3)
    assert clicks["TreatMissingData"] == "notBreaching"


def test_no_alarm_looks_further_back_than_cloudwatch_does(template, alarms):
    def most(value) -> int:
        parameter = template["Parameters"][value["Ref"]] if isinstance(value, dict) else {"MaxValue": value}
        return max(int(each) for each in parameter.get("AllowedValues", [parameter.get("MaxValue")]))

    for name, alarm in alarms.items():
        period = most(alarm["Period"])
        # A week, and a day for periods of less than an hour.
        assert period * most(alarm["EvaluationPeriods"]) <= (604_800 if period >= 3600 else 86_400), name


def test_an_alarm_says_in_time_that_nobody_looks_at_the_orders_of_the_bus(alarms):
    oldest = alarms["BusOrdersOldestMessageAlarm"]
    assert (oldest["Statistic"], oldest["Threshold"], oldest["Period"], oldest["EvaluationPeriods"]) == ("Maximum", 1800, 300, 3)


def test_every_network_has_each_alarm_and_goes_with_them(template, alarms):
    for network in NETWORKS:
        own = {name: alarm for name, alarm in alarms.items() if name.startswith(network.prefix)}
        assert set(own) == {f"{network.prefix}{kind}Alarm" for kind in kinds(network)}
        for name, alarm in own.items():
            [extra] = [each["Value"] for each in alarm["Dimensions"] if each["Name"] == "Outcome"] or [""]
            watched = f"{alarm['Namespace']} {alarm['MetricName']} {extra}".strip()
            assert watched == kinds(network)[name.removeprefix(network.prefix).removesuffix("Alarm")]
            assert template["Resources"][name]["Condition"] == f"{network.prefix}On"


def test_every_shop_system_has_each_alarm_and_goes_with_them(template, alarms):
    for platform in PLATFORMS:
        own = {name.removeprefix(platform.prefix): alarm for name, alarm in alarms.items() if name.startswith(platform.prefix)}
        watched = {name.removesuffix("Alarm"): f"{alarm['Namespace']} {alarm['MetricName']}" for name, alarm in own.items()}
        unread = EACH_UNREAD if platform.unread else {}
        assert watched == EACH_PLATFORM | (EACH_PINGING if platform.ping else {}) | unread | (EACH_PARTNER if platform.events else {})
        refused = own["RefusalAlarm"]
        assert {"Name": "Platform", "Value": platform.name} in refused["Dimensions"]
        # A small shop sends few orders an hour, and WooCommerce turns a webhook off after five refusals in a row.
        assert (refused["Statistic"], refused["Threshold"], refused["Period"], refused["EvaluationPeriods"]) == ("Sum", 2, 21600, 1)
        assert own["FunctionErrorAlarm"]["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{platform.prefix}Function"}}]
        if platform.events:
            queue = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [f"{platform.prefix}Queue", "QueueName"]}}]
            oldest = own["OldestMessageAlarm"]
            assert (oldest["Dimensions"], oldest["Threshold"], oldest["Period"], oldest["EvaluationPeriods"]) == (queue, 1800, 300, 3)
        for name in own:
            assert template["Resources"][f"{platform.prefix}{name}"]["Condition"] == f"{platform.prefix}On"


def test_an_alarm_of_the_sweep_lasts_until_a_sweep_finds_nothing(alarms):
    swept = [alarms[f"{network.prefix}{kind}Alarm"] for network in NETWORKS for kind in SWEPT] + [alarms["SweepErrorAlarm"]]
    swept += [alarms[f"{network.prefix}{kind}Alarm"] for network in NETWORKS if network.validates for kind in EACH_VALIDATED]
    for alarm in swept:
        assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"], alarm["Threshold"]) == ("ignore", 1, 0)
        assert alarm["OKActions"] == alarm["AlarmActions"]


def test_every_alarm_notifies_the_topic_if_there_is_one(alarms):
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == topic, name
        assert alarm.get("OKActions", topic) == topic, name


def sections() -> set[str]:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/runbook.md").read_text(), re.M)
    return {re.sub(r"[^a-z0-9-]", "", heading.lower().replace(" ", "-")) for heading in headings}


def test_every_alarm_says_what_it_means_and_where_to_read_on(alarms):
    named = set()
    for name, alarm in alarms.items():
        text = alarm["AlarmDescription"]
        [section] = re.findall(r"See docs/runbook\.md#([a-z-]+)$", text)
        assert section in sections(), f"{name}: no section {section} in the runbook"
        assert 80 < len(text) < 400, name
        named.add(section)
    assert named == {
        "dead-letters", "paused", "parked", "unconfirmed", "oldest-delivery", "oldest-message", "error-rate",
        "unclear-refusals", "function-errors", "api-errors", "events-late", "held", "unwatched", "permitted", "sweep-errors", "validations", "money-to-claim-back",
        "no-orders", "no-clicks", "all-orders-refused", "all-orders-rejected", "faulty-orders", "bus-dead-letters",
        "undelivered", "lost-events", "conflicts", "webhook-refusals", "forged-clicks", "platform-refusals", "unread-messages", "tls-failures", "status-poll",
        "schedules",
    }  # fmt: skip


def test_the_runbooks_first_look_names_every_alarm():
    rows = [line.split("|")[1] for line in (ROOT / "docs/runbook.md").read_text().splitlines() if line.startswith("| [`")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}

    of_networks = {f"<Network>{kind}" for kind in [*EACH_NETWORK, *EACH_VALIDATED]}
    polled = {f"{network.prefix}{kind}" for network in NETWORKS if network.status_poll for kind in EACH_POLLED}
    assert named == of_networks | polled | set(SHARED) | set(EACH_PLATFORM) | set(EACH_PINGING) | set(EACH_UNREAD) | set(EACH_PARTNER)


def test_every_alarm_of_ours_watches_a_metric_that_the_code_writes(template, alarms):
    written = measured()
    ours = {name: alarm for name, alarm in alarms.items() if alarm["Namespace"] == "Postback"}
    refusals = ours.pop("WebhookRefusalAlarm")
    assert {each["Name"] for each in refusals["Dimensions"]} in written[refusals["MetricName"]]
    assert ours.pop("WebhookAllRefusedAlarm")["Dimensions"] == refusals["Dimensions"]
    for name in ("WebhookRefusalAlarm", "WebhookAllRefusedAlarm"):
        assert template["Resources"][name]["Condition"] == "WebhookOn"
    assert (refusals["Statistic"], refusals["Threshold"], refusals["Period"]) == ("Sum", 20, 900)
    assert template["Resources"]["ForgedClicksAlarm"]["Condition"] == "ClickCookieIsSigned"
    forged = ours.pop("ForgedClicksAlarm")
    assert {each["Name"] for each in forged["Dimensions"]} in written[forged["MetricName"]]
    for platform in PLATFORMS:
        for kind in ("Refusal", *(["Ping"] if platform.ping else []), *(["Unread"] if platform.unread else [])):
            counted = ours.pop(f"{platform.prefix}{kind}Alarm")
            assert {each["Name"] for each in counted["Dimensions"]} in written[counted["MetricName"]]
    assert len(ours) == 12 * len(NETWORKS) + len(EACH_VALIDATED) * sum(network.validates for network in NETWORKS) + 3
    for name, alarm in ours.items():
        assert {each["Name"] for each in alarm["Dimensions"]} in written[alarm["MetricName"]], name
        values = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        network = next((network.name for network in NETWORKS if name.startswith(network.prefix)), None)
        assert (values["Stack"], values.get("Network")) == ({"Ref": "AWS::StackName"}, network)


# What AWS measures, and by which dimension.
OF_AWS = {
    "DeadLetter": ("QueueName", {"Fn::GetAtt": ["#DeadLetterQueue", "QueueName"]}),
    "OldestMessage": ("QueueName", {"Fn::GetAtt": ["#Queue", "QueueName"]}),
    "FunctionError": ("FunctionName", {"Ref": "#Function"}),
}
OF_POLLED = {
    "StatusDeadLetter": ("QueueName", {"Fn::GetAtt": ["#StatusDeadLetterQueue", "QueueName"]}),
    "StatusBehind": ("QueueName", {"Fn::GetAtt": ["#StatusQueue", "QueueName"]}),
}


def of_rule(template, name: str) -> list[dict]:
    """The dimensions by which EventBridge counts what a rule could not deliver: a schedule is on no bus of the stack's."""
    rule = resources(template, "AWS::Events::Rule")[name]
    if "EventBusName" not in rule:
        return [{"Name": "RuleName", "Value": {"Ref": name}}]
    return [{"Name": "EventBusName", "Value": rule["EventBusName"]}, {"Name": "RuleName", "Value": rule["Name"]}]


def test_every_rule_has_an_alarm_for_what_it_does_not_deliver_and_one_for_what_it_loses(template, alarms):
    rules = resources(template, "AWS::Events::Rule")
    schedules = {name for name, rule in rules.items() if "ScheduleExpression" in rule}
    assert schedules == {"SweepSchedule", *(f"{network.prefix}StatusSchedule" for network in NETWORKS if network.status_poll)}
    assert len(rules) == len(NETWORKS) + 1 + sum(bool(platform.events) for platform in PLATFORMS) + len(schedules)
    for name, rule in rules.items():
        # What is not delivered is kept; a schedule has nothing to keep, and so nothing to lose.
        assert {"DeadLetterConfig" in target for target in rule["Targets"]} == {name not in schedules}, name
        for metric in [EACH_RULE["Undelivered"]] if name in schedules else EACH_RULE.values():
            watching = [alarm for alarm in alarms.values() if f"{alarm['Namespace']} {alarm['MetricName']}" == metric]
            own = [alarm for alarm in watching if alarm["Dimensions"] == of_rule(template, name)]
            assert [(alarm["Statistic"], alarm["Threshold"]) for alarm in own] == [("Sum", 0)], f"{name}: {metric}"


def test_a_flood_of_trial_messages_raises_an_alarm(alarms):
    for platform in [platform for platform in PLATFORMS if platform.ping]:
        ping = alarms[f"{platform.prefix}PingAlarm"]
        assert {"Name": "Result", "Value": "ping"} in ping["Dimensions"]
        assert (ping["Statistic"], ping["Threshold"], ping["Period"], ping["EvaluationPeriods"]) == ("Sum", 20, 900, 1)


def test_every_alarm_of_awss_metrics_watches_the_networks_own_queue_or_function(template, alarms):
    shop_systems = tuple(platform.prefix for platform in PLATFORMS)
    watched = {name: alarm for name, alarm in alarms.items() if alarm["Namespace"] != "Postback" and not name.startswith(shop_systems)}

    for network in NETWORKS:
        for kind, (dimension, value) in (OF_AWS | (OF_POLLED if network.status_poll else {})).items():
            own = json.loads(json.dumps(value).replace("#", network.prefix))
            alarm = watched.pop(f"{network.prefix}{kind}Alarm")
            assert alarm["Dimensions"] == [{"Name": dimension, "Value": own}]
        for kind in ("Undelivered", "Lost"):
            assert watched.pop(f"{network.prefix}{kind}Alarm")["Dimensions"] == of_rule(template, f"{network.prefix}Rule")
        if network.status_poll:
            assert watched.pop(f"{network.prefix}StatusUndeliveredAlarm")["Dimensions"] == of_rule(template, f"{network.prefix}StatusSchedule")
    for kind in ("Undelivered", "Lost"):
        assert watched.pop(f"BusOrders{kind}Alarm")["Dimensions"] == of_rule(template, "BusOrdersRule")
    assert watched.pop("SweepUndeliveredAlarm")["Dimensions"] == of_rule(template, "SweepSchedule")
    kept = {"FaultyOrder": "FaultyOrdersQueue", "BusDeadLetter": "BusDeadLetterQueue", "BusOrdersOldestMessage": "BusOrdersQueue"}
    for kind, queue in kept.items():
        by = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
        assert watched.pop(f"{kind}Alarm")["Dimensions"] == by
    events = watched.pop("EventsLateAlarm")
    by = [{"Name": "FunctionName", "Value": {"Ref": "PublishFunction"}}]
    assert (events["Namespace"], events["MetricName"], events["Dimensions"]) == ("AWS/Lambda", "IteratorAge", by)
    sweep = watched.pop("SweepErrorAlarm")
    by = [{"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}]
    assert (sweep["Namespace"], sweep["MetricName"], sweep["Dimensions"]) == ("AWS/Lambda", "Errors", by)
    # An HTTP API has 5xx, a REST API 5XXError.
    [api] = watched.values()
    by = [{"Name": "ApiId", "Value": {"Ref": "Api"}}]
    assert (api["Namespace"], api["MetricName"], api["Dimensions"]) == ("AWS/ApiGateway", "5xx", by)


def test_the_dashboard_shows_every_metric_and_names_no_network(template):
    [dashboard] = resources(template, "AWS::CloudWatch::Dashboard").values()
    text = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(text)["widgets"]

    for metric, sets in measured().items():
        first = [name for name in ("Stack", "Network") if name in sets[-1]]
        own = ",".join([*first, *sorted(sets[-1] - {"Stack", "Network"})])
        wanted = f"{{Postback,{own}}} Stack=\"${{AWS::StackName}}\" MetricName=\"{metric}\""
        assert wanted in json.dumps(widgets).replace("\\\"", "\""), metric
    assert all(widget["properties"]["region"] == "${AWS::Region}" for widget in widgets)


def test_every_function_is_traced_as_the_operator_says(template):
    for name, function in resources(template, "AWS::Lambda::Function").items():
        assert function["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}, name
        assert function["Environment"]["Variables"]["STACK_NAME"] == {"Ref": "AWS::StackName"}, name
