//! The runbook's words about an alarm: the part of its section that says what to do.

use maud::{Markup, html};

use crate::account::Network;

const RUNBOOK: &str = include_str!("../../../docs/runbook.md");

/// The beginning of what to do, and of what comes after it.
const DO: &str = "**Do**";
const AFTER: &str = "\n**Recover";

/// The part of a section.
pub(super) struct Section<'a> {
    title: &'static str,
    steps: &'static str,
    /// The network to name where the runbook names `shopback`.
    network: Option<&'a str>,
}

/// The section of an alarm by its name in the template.
pub(super) fn section<'a>(alarm: &str, networks: &'a [Network]) -> Option<Section<'a>> {
    let name = alarm.strip_suffix("Alarm")?;
    let network = networks.iter().find(|network| name.starts_with(&network.prefix));
    let is_its = |wanted: &str| match (wanted.strip_prefix("<Network>"), network) {
        (Some(rest), Some(network)) => name.strip_prefix(&network.prefix) == Some(rest),
        (Some(_), None) => false,
        (None, Some(_)) => name == wanted,
        (None, None) => name.ends_with(wanted),
    };
    // A row: | [`One`, `Another`](#section) | the first look |
    let rows = RUNBOOK.lines().filter_map(|line| line.strip_prefix("| [")?.split_once("](#"));
    let named = rows.flat_map(|(names, rest)| {
        names
            .split('`')
            .filter(|name| !name.is_empty() && is_its(name))
            .map(|name| (name.len(), rest))
            .collect::<Vec<_>>()
    });
    let (_, rest) = named.max_by_key(|(length, _)| *length)?;
    let (anchor, _) = rest.split_once(')')?;
    let mut sections = RUNBOOK.split("\n## ").skip(1).filter_map(|text| text.split_once('\n'));
    let (title, text) =
        sections.find(|(title, _)| title.to_lowercase().replace(' ', "-") == anchor)?;
    let (_, steps) = text.split_once(DO)?;
    let steps = steps.trim_start_matches([',', ' ']);
    let steps = steps.split_once(AFTER).map_or(steps, |(steps, _)| steps);
    Some(Section { title, steps, network: network.map(|network| network.name.as_str()) })
}

/// The steps, with the commands apart.
pub(super) fn shown(section: &Section<'_>) -> Markup {
    let of_network = |text: &str| match section.network {
        Some(name) => text.replace("shopback", name),
        None => text.to_owned(),
    };
    html! {
        p.quiet { "The runbook, " (section.title) ":" }
        // Every other part is between fences.
        @for (at, part) in section.steps.split("\n```").enumerate() {
            @if at % 2 == 1 { pre tabindex="0" { (of_network(part.strip_prefix("sh\n").unwrap_or(part))) } }
            @else { @for paragraph in part.split("\n\n").filter(|it| !it.trim().is_empty()) {
                p { (plain(&of_network(paragraph))) }
            } }
        }
    }
}

/// A paragraph without its marks.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        shown.push_str(before);
        let words = link.split_once("](");
        let words = words.and_then(|(words, rest)| Some((words, rest.split_once(')')?.1)));
        let (words, after) = words.unwrap_or(("[", link));
        shown.push_str(words);
        rest = after;
    }
    shown.push_str(rest);
    let shown = shown.replace("**", "").replace('`', "");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks() -> [Network; 2] {
        [("shopback", "Shopback"), ("cpa_moe", "CpaMoe")]
            .map(|(name, prefix)| Network { name: name.to_owned(), prefix: prefix.to_owned() })
    }

    #[test]
    fn every_alarm_of_the_template_leads_to_what_to_do() {
        let template = include_str!("../../../template.yaml");
        let prefixes = template.lines().filter_map(|line| line.trim().strip_suffix("PausedAlarm:"));
        let network =
            |prefix: &str| Network { name: prefix.to_lowercase(), prefix: prefix.to_owned() };
        let networks: Vec<_> = prefixes.map(network).collect();
        let alarms =
            template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
        let alarms: Vec<_> = alarms.filter(|name| !name.starts_with(' ')).collect();
        assert!(alarms.len() > 50, "{alarms:?}");

        for alarm in alarms {
            let alarm = format!("{alarm}Alarm");
            let section = section(&alarm, &networks).unwrap_or_else(|| panic!("{alarm}"));
            let text = shown(&section).into_string();
            assert!(
                !text.contains("](") && !text.contains("**") && !text.contains("```"),
                "{text}"
            );
            assert!(!section.steps.contains("**It means**"), "{alarm}");
        }
    }

    #[test]
    fn a_section_is_about_the_alarms_own_network() {
        let networks = networks();
        let title = |alarm| section(alarm, &networks).map(|section| section.title);

        assert_eq!(title("CpaMoePausedAlarm"), Some("Paused"));
        assert_eq!(title("CpaMoeStatusDeadLetterAlarm"), Some("Status poll"));
        assert_eq!(title("ShopifyFunctionErrorAlarm"), Some("Platform refusals"));
        assert_eq!(title("CpaMoeFunctionErrorAlarm"), Some("Function errors"));
        assert_eq!(title("BusOrdersLostAlarm"), Some("Lost events"));
        let paused = shown(&section("CpaMoePausedAlarm", &networks).expect("a section"));
        assert!(paused.0.contains("postback secret cpa_moe"), "{}", paused.0);
        assert!(title("SomeOtherAlarm").is_none());
    }

    #[test]
    fn marks_are_left_out() {
        assert_eq!(plain("see [the\nlist](a.md#b), `x` **now** [y"), "see the list, x now [y");
    }
}
