//! The reports that the networks export of what they hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::{
    effects::{Effect, Effects},
    network::Network,
    shopback::{UNIQUE_ID, Validated},
    state::State,
};

/// The report of a network, in its own shape.
pub(crate) fn of(state: &State, network: Network) -> String {
    let effects = &state.effects;
    match network {
        Network::ShopBack => shopback(effects, state.shopback.validated()),
        Network::CpaMoe => Value::Object(state.cpa_moe.all(&state.settings.cpa_moe)).to_string(),
        Network::CartStack => cartstack(effects),
        Network::CashMyCell => cashmycell(effects),
    }
}

/// All effects of a network, in the order in which they came.
fn sorted(effects: &Effects, network: Network) -> Vec<(&str, &Effect)> {
    let all = effects.all(network).into_iter();
    let mut all: Vec<_> =
        all.flat_map(|(key, effects)| effects.iter().map(move |effect| (key, effect))).collect();
    all.sort_by_key(|(_, effect)| effect.seq);
    all
}

/// An instant in a zone that is so many hours ahead of UTC.
fn at(at_ms: u64, hours: i64) -> OffsetDateTime {
    let instant = i64::try_from(at_ms / 1_000).ok();
    let instant = instant.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    instant.unwrap_or(OffsetDateTime::UNIX_EPOCH) + Duration::hours(hours)
}

/// The date, with the parts joined by hyphens, and the time of day.
fn written(at: OffsetDateTime) -> (String, String) {
    let (date, time) = (at.date(), at.time());
    let time = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    (format!("{}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()), time)
}

/// A cell of a CSV.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

fn csv(header: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows = rows.map(|row| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(","));
    let mut text = header.to_owned();
    for row in rows {
        text.push('\n');
        text.push_str(&row);
    }
    text + "\n"
}

/// TUNE's conversion report, in the network's zone, eight hours ahead of UTC.
fn shopback(effects: &Effects, validated: &[Validated]) -> String {
    // Of several the last one holds. One that was refused changed nothing.
    let taken = validated.iter().filter(|one| matches!(one.breach, None | Some("second call")));
    let taken: BTreeMap<_, _> = taken.map(|one| (&one.ids, one)).collect();
    let rows = sorted(effects, Network::ShopBack).into_iter().map(|(order, effect)| {
        let (date, time) = written(at(effect.at_ms, 8));
        let mut ids = effect.detail.clone();
        ids.remove(UNIQUE_ID);
        ids.insert("adv_sub".to_owned(), order.to_owned());
        let validated = taken.get(&ids);
        let pending = if effect.approved { "pending" } else { "rejected" };
        let status = validated.map_or(pending, |validated| &validated.status);
        let amount =
            validated.map(|validated| validated.amount.clone()).or_else(|| effect.amount.clone());
        let sub = |name: &str| effect.detail.get(name).cloned().unwrap_or_default();
        vec![
            "Shop".to_owned(),
            "Offer".to_owned(),
            status.to_owned(),
            String::new(),
            "0.00".to_owned(),
            "0.00".to_owned(),
            amount.unwrap_or_default(),
            effect.reference.clone().unwrap_or_default(),
            effect.seq.to_string(),
            format!("{date} {time}"),
            String::new(),
            order.to_owned(),
            sub("adv_sub2"),
            sub("adv_sub3"),
            sub("adv_sub4"),
            sub("adv_sub5"),
        ]
    });
    let header = "Partner,Offer,Status,Status Message,Payout,Revenue,Sale Amount,Transaction ID,\
                  Tune Event ID,Date / Time,Partner Sub ID 1,Advertiser Sub ID 1,Advertiser Sub ID 2,\
                  Advertiser Sub ID 3,Advertiser Sub ID 4,Advertiser Sub ID 5";
    csv(header, rows)
}

/// The recoveries, with dates and amounts as in the United States.
fn cartstack(effects: &Effects) -> String {
    let recoveries = sorted(effects, Network::CartStack).into_iter().map(|(email, effect)| {
        let at = at(effect.at_ms, 0);
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        let half = if hour < 12 { "AM" } else { "PM" };
        let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
        json!({
            "email": email,
            "date_recovered": format!("{month}/{day}/{year} {hour}:{minute:02}:{second:02} {half}"),
            "total": effect.amount.as_deref().map(dollars),
        })
    });
    json!({ "recoveries": recoveries.collect::<Vec<_>>() }).to_string()
}

/// `1499.00` as `$1,499.00`.
fn dollars(amount: &str) -> String {
    let (whole, places) = amount.split_once('.').unwrap_or((amount, "00"));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("${grouped}.{places}")
}

fn cashmycell(effects: &Effects) -> String {
    let rows = sorted(effects, Network::CashMyCell).into_iter().map(|(click, effect)| {
        let (date, time) = written(at(effect.at_ms, 0));
        vec![
            click.to_owned(),
            effect.reference.clone().unwrap_or_default(),
            effect.amount.clone().unwrap_or_default(),
            "COMPLETED".to_owned(),
            format!("{date}T{time}Z"),
        ]
    });
    csv("cmc_id,reference_id,order_value,status,completed_at", rows)
}
