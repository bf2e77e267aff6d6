//! The conversions of a month with the decision about each: core's, as the validating call takes it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use postback_core::{
    clock::Timestamp,
    delivery::{AttemptRecord, Key, Proof, Record, Reported, State, Status, Terms},
};
use rust_decimal::Decimal;
use serde::Serialize;
use time::{Date, OffsetDateTime, UtcOffset};

use crate::{
    date,
    fault::Fault,
    format::{Format, Role},
    id,
};

mod judge;

use judge::{Judged, judge, return_period};

/// A month in a zone: from its first instant up to, but not including, the next month's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant of the next month.
    pub to: Timestamp,
    zone: UtcOffset,
}

impl Period {
    /// Parses a month like `2026-10`, in a zone like `+08:00`, or UTC.
    pub fn month(month: &str, zone: Option<&str>) -> Result<Self, Fault> {
        let bad_zone = || Fault::BadZone(zone.unwrap_or_default().to_owned());
        let zone = zone.map_or(Some(UtcOffset::UTC), date::zone).ok_or_else(bad_zone)?;
        let first = |year: i32, month: u8| {
            let date = Date::from_calendar_date(year, month.try_into().ok()?, 1).ok()?;
            let seconds = date.midnight().assume_offset(zone).unix_timestamp();
            Some(Timestamp::from_millis(1_000 * seconds))
        };
        let parse = || {
            let is_month =
                month.len() == 7 && month.bytes().all(|b| b == b'-' || b.is_ascii_digit());
            let (year, number) = month.split_once('-').filter(|_| is_month)?;
            let (year, number): (i32, u8) = (year.parse().ok()?, number.parse().ok()?);
            let next = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
            Some(Self { from: first(year, number)?, to: first(next.0, next.1)?, zone })
        };
        parse().ok_or_else(|| Fault::BadMonth(month.to_owned()))
    }

    /// The zone, like `+08:00`.
    #[must_use]
    pub fn zone(&self) -> String {
        crate::understand::zone_text(self.zone)
    }

    /// The instant by the clocks of the zone, like `2026-10-05T10:15:00`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        let utc = OffsetDateTime::from_unix_timestamp(at.as_secs());
        let Ok(utc) = utc else { return at.to_string() };
        let local = utc.to_offset(self.zone);
        let (hour, minute, second) = local.to_hms();
        format!("{}T{hour:02}:{minute:02}:{second:02}", local.date())
    }
}

/// A conversion that is decided: a row of the workbook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversion {
    /// The time when it was reported.
    pub at: Timestamp,
    /// The order's id as reported.
    pub order_id: String,
    /// The further ids as reported, by the network's names.
    pub ids: BTreeMap<String, String>,
    /// The status.
    pub status: Status,
    /// The amount: what is left of an approved conversion, the whole of a rejected one.
    pub amount: Decimal,
    /// Its currency.
    pub currency: String,
}

/// A word about a conversion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// The order's id.
    pub order_id: String,
    /// The delivery.
    pub delivery: String,
    /// The code.
    pub reason: String,
    /// The time until which it stands in the way, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The particulars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A month's conversions, each in exactly one of the first three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Decided.
    pub conversions: Vec<Conversion>,
    /// Not decided yet, or a person's matter: with one of them there is no workbook.
    pub in_the_way: Vec<Remark>,
    /// Settled by a person without a content: not in the workbook.
    pub left_out: Vec<Remark>,
    /// To be known about those in the workbook.
    pub warnings: Vec<Remark>,
}

/// The ledger's records of a network, as far as a month needs them.
#[derive(Debug)]
pub struct Month {
    period: Period,
    deliveries: Vec<(Timestamp, Record)>,
    validations: HashMap<Key, Record>,
    /// The longest return period that the ledger knows, by validations and by what a workbook validates.
    longest: Option<Duration>,
}

impl Month {
    /// A month without records yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self { period, deliveries: Vec::new(), validations: HashMap::new(), longest: None }
    }

    /// Keeps a record if it is of the month, or the validation of a delivery.
    pub fn add(&mut self, record: Record) {
        if record.is_order_of_lines() {
            return;
        }
        self.longest = self.longest.max(return_period(&record.protocol));
        if record.is_validation() {
            self.validations.insert(record.key(), record);
        } else if let Some(at) = reported_at(&record)
            && (self.period.from..self.period.to).contains(&at)
        {
            self.deliveries.push((at, record));
        }
    }

    /// Decides about each conversion at `now`. The return period is the one given or the ledger's own,
    /// whichever is longer.
    #[must_use]
    pub fn decide(&self, format: &Format, given: Option<Duration>, now: Timestamp) -> Decided {
        let mut decided = Decided::default();
        let decimals = format.validated_decimals.unwrap_or(Decimal::MAX_SCALE);
        for (at, record) in &self.deliveries {
            let validation = self.validations.get(&record.key().validation());
            let own = return_period(&validation.unwrap_or(record).protocol);
            let period = own.max(given).or(self.longest);
            let terms = period.map(|return_period| Terms { return_period, decimals });
            let reported = reported(record, *at);
            let remark = |reason: &str, until| Remark {
                order_id: record.order_id.clone(),
                delivery: record.delivery.clone(),
                reason: reason.to_owned(),
                until,
                detail: None,
            };
            match judge(record, validation, reported.as_ref(), terms, now) {
                Judged::Decided(status, amount, reported) => {
                    let conversion = conversion(record, &reported, *at, (status, amount), format);
                    let warnings = warnings(record, validation, &conversion).into_iter();
                    decided.warnings.extend(warnings.map(|(reason, detail)| Remark {
                        detail: Some(detail),
                        ..remark(reason, None)
                    }));
                    decided.conversions.push(conversion);
                }
                Judged::InTheWay(reason, until) => {
                    decided.in_the_way.push(remark(&reason, until));
                }
                Judged::LeftOut(reason) => decided.left_out.push(remark(reason, None)),
            }
        }
        decided.conversions.sort();
        decided.in_the_way.sort();
        decided.left_out.sort();
        decided.warnings.sort();
        decided
    }
}

/// The time of the attempt that the network took: the one that it answered, else the first that it may
/// have processed. `None` where it certainly holds nothing.
pub(crate) fn reported_at(record: &Record) -> Option<Timestamp> {
    let protocol = &record.protocol;
    let attempts = record.attempts.entries();
    let took = |attempt: &&AttemptRecord| attempt.state.is_some_and(State::is_success);
    let may = |attempt: &&AttemptRecord| {
        attempt.state.is_none_or(|state| state.is_success() || state == State::Unconfirmed)
    };
    let answered = attempts.iter().find(took).filter(|_| protocol.proof == Some(Proof::Response));
    let at = answered.or_else(|| attempts.iter().find(may)).map(|attempt| attempt.started_at);
    match protocol.state {
        State::Abandoned => at,
        _ if protocol.is_certainly_absent() => None,
        _ => at.or(Some(protocol.first_seen_at)),
    }
}

/// The content of the report. The ledger keeps it where the network's validation is on; else it knows
/// the amount, and the ids are the shop's own. The completion is not later than the report.
fn reported(record: &Record, at: Timestamp) -> Option<Reported> {
    record.protocol.reported.clone().or_else(|| {
        let (amount, currency) = record.money()?;
        Some(Reported {
            amount: amount.parse().ok()?,
            currency: currency.to_owned(),
            completed_at: at,
            ids: BTreeMap::new(),
            differs: false,
            workbook_days: None,
        })
    })
}

fn conversion(
    record: &Record,
    reported: &Reported,
    at: Timestamp,
    (status, mut amount): (Status, Decimal),
    format: &Format,
) -> Conversion {
    amount.rescale(amount.scale().max(reported.amount.scale()));
    let mut ids = reported.ids.clone();
    let name = ids.keys().find(|name| format.role(name) == Some(Role::Order)).cloned();
    let order_id = name.and_then(|name| ids.remove(&name));
    let order_id = order_id.unwrap_or_else(|| record.order_id.clone());
    Conversion { at, order_id, ids, status, amount, currency: reported.currency.clone() }
}

fn warnings(
    record: &Record,
    validation: Option<&Record>,
    conversion: &Conversion,
) -> Vec<(&'static str, String)> {
    let ids = [&conversion.order_id].into_iter().chain(conversion.ids.values());
    let changed = ids.filter_map(|id| Some((id, id::changed(id)?)));
    let mut warnings: Vec<_> = changed
        .map(|(id, becomes)| ("id_changes", format!("{id} read as a number is {becomes}")))
        .collect();
    if record.protocol.reported.is_none() {
        let detail = "the ids are the shop's own: reported without the setting `validation`";
        warnings.push(("ids_not_kept", detail.to_owned()));
    }
    if let Some(back) = validation.and_then(|validation| validation.protocol.claim_back()) {
        let detail = format!("{back} {} came back after the validating call", conversion.currency);
        warnings.push(("claim_back", detail));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins_in_its_zone() {
        let shown = |month: &str, zone: Option<&str>| {
            Period::month(month, zone).map(|it| (it.from.to_string(), it.to.to_string()))
        };
        let texts = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));

        assert_eq!(shown("2026-12", None), texts("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"));
        assert_eq!(
            shown("2026-10", Some("+08:00")),
            texts("2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z")
        );
        for wrong in ["2026-13", "2026-00", "2026-1", "10-2026", "2026-10-", "+026-10", ""] {
            let code = shown(wrong, None).map_err(|fault| fault.code());
            assert_eq!(code, Err("bad_month"), "{wrong}");
        }
        assert_eq!(shown("2026-10", Some("Asia")).map_err(|it| it.code()), Err("bad_zone"));
    }

    #[test]
    fn an_instant_is_shown_by_the_clocks_of_the_zone() {
        let period = Period::month("2026-10", Some("+08:00")).expect("a month");
        let at = Timestamp::parse("2026-10-04T16:00:01.750Z").expect("an instant");

        assert_eq!(
            (period.local(at), period.zone()),
            ("2026-10-05T00:00:01".into(), "+08:00".into())
        );
    }
}
