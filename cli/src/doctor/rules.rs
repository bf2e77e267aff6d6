//! The rules of the bus and the schedules: there, enabled, with a target.

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleError;
use aws_sdk_eventbridge::types::RuleState;
use futures_util::future::join_all;

use super::Finding;
use crate::{
    account::{Account, Resource, failed},
    failure::Failure,
};

/// The rule by which intake looks at the orders that senders put on the bus.
const ORDERS: &str = "BusOrdersRule";

/// A rule of the template.
#[derive(Clone, Debug)]
struct Rule {
    /// The name in the template.
    logical: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    Gone,
    /// It puts events nowhere.
    Aimless,
}

pub(super) async fn findings(
    account: &Account,
    resources: &[Resource],
) -> Result<Vec<Finding>, Failure> {
    let bus = account.output("BusName")?;
    let rules = resources.iter().filter(|resource| resource.kind == "AWS::Events::Rule");
    let asked = rules.map(|rule| ask(account, bus, rule));
    let rules: Result<Vec<_>, _> = join_all(asked).await.into_iter().collect();
    Ok(rules?.iter().filter_map(judge).collect())
}

async fn ask(account: &Account, bus: &str, rule: &Resource) -> Result<Rule, Failure> {
    // A rule of another bus than the default one has its bus before its name.
    let (bus, name) = match rule.physical.split_once('|') {
        Some((bus, name)) => (Some(bus), name),
        None => (rule.logical.ends_with("Rule").then_some(bus), rule.physical.as_str()),
    };
    let logical = rule.logical.clone();
    let describe = account.events.describe_rule().name(name);
    let state = match describe.set_event_bus_name(bus.map(str::to_owned)).send().await {
        Ok(rule) if rule.state() == Some(&RuleState::Disabled) => State::Disabled,
        Ok(_) => State::Enabled,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeRuleError::is_resource_not_found_exception) =>
        {
            return Ok(Rule { logical, state: State::Gone });
        }
        Err(error) => return Err(failed("EventBridge", "DescribeRule", &error)),
    };
    let list = account.events.list_targets_by_rule().rule(name);
    let targets = list.set_event_bus_name(bus.map(str::to_owned)).send().await;
    let targets = targets.map_err(|error| failed("EventBridge", "ListTargetsByRule", &error))?;
    let aims = !targets.targets().is_empty();
    Ok(Rule { logical, state: if aims { state } else { State::Aimless } })
}

fn judge(Rule { logical, state }: &Rule) -> Option<Finding> {
    let effect = match logical.as_str() {
        ORDERS => "nobody looks at the orders of the bus, and a faulty one vanishes",
        rule if rule.ends_with("Rule") => "no order from the bus reaches its function",
        _ => "its function is not called any more",
    };
    let deploy = "Deploy again (`make deploy`), which restores it.";
    let replay = "then bring what it missed: `postback orders replay`.";
    match state {
        State::Enabled => None,
        State::Disabled => {
            let cure = format!("Enable it (`aws events enable-rule`, or `make deploy`), {replay}");
            let what = format!("the rule is disabled: {effect}");
            Some(Finding::new("rule_disabled", logical, what, cure))
        }
        State::Gone => Some(Finding::new(
            "rule_missing",
            logical,
            format!("the rule is gone: {effect}"),
            deploy,
        )),
        State::Aimless => {
            let what = format!("the rule has no target: {effect}");
            Some(Finding::new("rule_without_target", logical, what, deploy))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_there_enabled_and_aims() {
        let found = |logical: &str, state| {
            judge(&Rule { logical: logical.to_owned(), state }).map(|it| (it.code, it.what))
        };
        let code = |state| found("NetRule", state).map(|(code, _)| code);

        assert_eq!(code(State::Enabled), None);
        assert_eq!(code(State::Disabled), Some("rule_disabled"));
        assert_eq!(code(State::Gone), Some("rule_missing"));
        assert_eq!(code(State::Aimless), Some("rule_without_target"));
        let (_, schedule) = found("SweepSchedule", State::Disabled).expect("a finding");
        assert!(schedule.contains("is not called"), "{schedule}");
        let (_, orders) = found(ORDERS, State::Disabled).expect("a finding");
        assert!(orders.contains("a faulty one vanishes"), "{orders}");
    }
}
