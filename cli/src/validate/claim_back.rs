//! `validate claim-back`: the orders that networks took, and the shop took back since.

use std::{fs::File, io::BufWriter, path::Path};

use postback_reconcile::{
    claim_back::{Back, CLAIM_BACK},
    money::Sums,
    output::Table,
};
use postback_runtime::ledger::Filter;
use serde::Serialize;

use crate::{
    account::Account,
    args::ClaimBack,
    failure::Failure,
    reconcile::refused,
    scan::gather_all,
    screen,
    view::{Output, fitted},
};

/// The rows that are shown to people; JSON and the file have them all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct View<'a> {
    count: usize,
    sums: &'a Sums,
    claim_back: &'a [Back],
    /// The number of deliveries that a later version wrote.
    unreadable: usize,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &ClaimBack,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = wanted.network.as_deref().map(|name| account.network(name)).transpose()?;
    let network = network.map(|network| network.name);
    let filter = Filter { network, validations: true, ..Filter::default() };
    let mut all = Vec::new();
    let read = gather_all(account, &filter, |record| all.extend(Back::of(&record))).await?;
    all.sort();
    let mut sums = Sums::default();
    for back in &all {
        sums.add(Some(&back.currency), Some(back.claim_back));
    }
    if let Some(path) = &wanted.out {
        write(path, &all)?;
    }
    let (count, unreadable) = (all.len(), read.unreadable);
    let view = View { count, sums: &sums, claim_back: &all, unreadable };
    output.answer(&lines(&view), &view);
    output.note(&read.cost(count));
    if unreadable > 0 {
        return Err(Failure::NeedsPerson(format!(
            "{unreadable} deliveries are of a later version and not among these: update the tool."
        )));
    }
    match count {
        0 => Ok(()),
        count => Err(Failure::NeedsPerson(format!(
            "{count} to claim back: ask the network, or leave it; nothing here does it."
        ))),
    }
}

fn write(path: &Path, all: &[Back]) -> Result<(), Failure> {
    let file = File::create(path).map_err(|error| Failure::BadFile {
        file: path.display().to_string(),
        fault: error.kind().to_string(),
    })?;
    let bad = refused(path);
    let mut table = Table::new(Box::new(BufWriter::new(file)), &CLAIM_BACK).map_err(&bad)?;
    for back in all {
        table.row(&back.cells().each_ref().map(String::as_str)).map_err(&bad)?;
    }
    table.finish().map_err(&bad)
}

fn lines(view: &View<'_>) -> Vec<String> {
    let View { claim_back: all, sums, unreadable, .. } = view;
    if all.is_empty() {
        let of = if *unreadable > 0 { " of what this version can read" } else { "" };
        return vec![format!("Nothing{of} is to be claimed back.")];
    }
    let row = |back: &Back| {
        let [order_id, delivery, why, amount, _, currency, _, _, _, came_back_at] = back.cells();
        vec![order_id, delivery, why, format!("{amount} {currency}"), came_back_at]
    };
    let rows: Vec<_> = all.iter().take(SHOWN).map(row).collect();
    let headings = ["order", "delivery", "why", "claim back", "came back"];
    let mut lines = fitted(&headings, &rows, screen::width());
    if all.len() > SHOWN {
        lines.push(format!("{SHOWN} of {} are shown: write all with --out", all.len()));
    }
    lines.push(format!("to claim back: {}", sums.in_words()));
    lines
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use postback_core::delivery::{Proof, Record};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        args::{Arguments, Command, Validate},
        fixtures::{FakeAws, paid, validation},
    };

    const AT: &str = "2026-12-24T10:15:00Z";

    async fn claim_back(aws: &FakeAws, flags: &[&str]) -> (Value, Option<Failure>) {
        let line = ["postback", "validate", "claim-back"];
        let arguments = Arguments::try_parse_from(line.iter().chain(flags)).expect("arguments");
        let Command::Validate(Validate::ClaimBack(wanted)) = &arguments.command else {
            panic!("another command");
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: true, out: &mut out, err: &mut err };
        let failure = run(&aws.account, wanted, &mut output).await.err();
        (serde_json::from_slice(&out).expect("JSON"), failure)
    }

    /// An approved validation of which this sum has come back, 4 of it acknowledged by a person.
    fn claimed(approved: &Record, came_back: &str) -> Record {
        let mut claimed = approved.clone();
        let refunds = json!({ "r-1": { "amount": came_back } });
        claimed.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
        claimed.decisions = serde_json::from_value(json!({ "entries": [{
            "version": 2, "at": AT, "attempt": 1, "decision": "acknowledge", "by": "arn",
            "why": "claimed", "claim_back": "4",
        }]}))
        .expect("decisions");
        claimed
    }

    #[tokio::test]
    async fn what_came_back_after_the_network_took_it_is_listed_with_its_date() {
        let aws = FakeAws::start().await;
        assert_eq!(claim_back(&aws, &[]).await.1, None);
        let refunds = serde_json::from_value(json!({ "r-1": { "amount": "4" } })).expect("refunds");
        let cancelled = serde_json::from_value(json!({ "at": AT })).expect("a cancellation");
        // Approved, and a part came back. The delivery beside it is not counted again.
        let mut approved = validation("delivered", Some(("approved", "10.5")));
        approved.protocol.refunds = refunds;
        approved.returned = serde_json::from_value(json!({ "version": 3, "at": AT })).ok();
        let mut delivered = paid("net", "delivered", "10.5", "EUR");
        delivered.protocol.reported = approved.protocol.reported.clone();
        delivered.protocol.refunds = approved.protocol.refunds.clone();
        // Where nothing is validated.
        let mut whole = paid("net", "accepted", "7", "EUR");
        whole.protocol.cancelled = cancelled;
        // One of which a part was claimed before, and one of which all was.
        let (part, all) = (claimed(&approved, "5"), claimed(&approved, "4"));
        // Not to be claimed back: never there, or not validated yet.
        let mut gone = whole.clone();
        gone.protocol.state = postback_core::delivery::State::Withdrawn;
        let mut waiting = validation("retrying", None);
        waiting.protocol.refunds = approved.protocol.refunds.clone();
        let records = [
            ("A-1", approved),
            ("A-1", delivered),
            ("=A-2", whole),
            ("A-3", gone),
            ("A-4", waiting),
            ("A-5", part),
            ("A-6", all),
        ];
        for (order_id, mut record) in records {
            order_id.clone_into(&mut record.order_id);
            aws.table.ledger().put(&record, None).await.expect("a write");
        }
        let path = std::env::temp_dir().join(format!("postback-claim-back-{}", std::process::id()));

        let (view, failure) = claim_back(&aws, &["--out", &path.display().to_string()]).await;

        assert_eq!(failure.map(|it| it.exit_status()), Some(6));
        assert_eq!((&view["count"], &view["sums"]), (&json!(3), &json!({ "EUR": "12" })));
        let written = fs::read_to_string(&path).expect("a file");
        let rows: Vec<_> = written.lines().skip(1).collect();
        let expected = [
            format!("'=A-2,net,cancelled_after_delivery,7,0,EUR,7,,,{AT}"),
            format!("A-1,net,came_back_after_validation,4,0,EUR,10.5,,,{AT}"),
            format!("A-5,net,came_back_after_validation,1,4,EUR,10.5,,,{AT}"),
        ];
        assert_eq!(rows, expected);
        let (of_another, _) = claim_back(&aws, &["--network", "net"]).await;
        assert_eq!(of_another["count"], 3);
        fs::remove_file(&path).expect("removed");
    }

    #[tokio::test]
    async fn what_came_back_after_a_person_validated_it_is_listed_without_a_call() {
        let aws = FakeAws::start().await;
        let mut part = validation("delivered", None);
        part.protocol.proof = Some(Proof::Operator);
        part.protocol.refunds = serde_json::from_value(json!({
            "r-1": { "amount": "4", "at": AT },
            "r-2": { "amount": "0.5", "at": "2026-11-01T00:00:00Z" },
        }))
        .expect("refunds");
        let returned =
            |version: u64| serde_json::from_value(json!({ "version": version, "at": AT })).ok();
        part.returned = returned(3);
        // One of which nothing came back since, and one whose refund came to the ledger late.
        let known = Record { returned: returned(1), ..part.clone() };
        let mut late = part.clone();
        late.protocol.refunds = serde_json::from_value(
            json!({ "r-2": { "amount": "0.5", "at": "2026-11-01T00:00:00Z" } }),
        )
        .expect("refunds");
        let mut whole = part.clone();
        let cancelled = serde_json::from_value(json!({ "at": AT })).expect("a cancellation");
        whole.protocol.validation.as_mut().expect("a validation").cancelled = Some(cancelled);
        for (order_id, mut record) in
            [("PART", part), ("KNOWN", known), ("LATE", late), ("WHOLE", whole)]
        {
            order_id.clone_into(&mut record.order_id);
            aws.table.ledger().put(&record, None).await.expect("a write");
        }

        let (view, _) = claim_back(&aws, &[]).await;

        let rows = view["claim_back"].as_array().expect("rows").iter();
        let row = |row: &Value| {
            assert_eq!(row["why"], "came_back_after_confirmation");
            assert_eq!(row["validated_at"], "2026-11-21T10:15:00Z");
            [&row["order_id"], &row["claim_back"], &row["of_amount"]].map(Clone::clone)
        };
        let rows: Vec<_> = rows.map(row).collect();
        let expected = [["LATE", "0.5", "10.5"], ["PART", "4", "10"], ["WHOLE", "10", "10"]];
        assert_eq!(rows, expected.map(|row| row.map(Value::from)));
    }

    #[tokio::test]
    async fn what_a_later_version_wrote_is_counted() {
        let aws = FakeAws::start().await;
        aws.table
            .put_raw(&json!({
                "order_id": { "S": "A-1" }, "delivery": { "S": "net" }, "format": { "N": "2" },
                "version": { "N": "7" }, "attempt": { "N": "3" }, "state": { "S": "levitating" },
            }))
            .await;

        let (view, failure) = claim_back(&aws, &[]).await;

        assert_eq!((&view["count"], &view["unreadable"]), (&json!(0), &json!(1)));
        let said = failure.map(|failure| (failure.exit_status(), failure.to_string()));
        let words = "1 deliveries are of a later version and not among these: update the tool.";
        assert_eq!(said, Some((6, words.to_owned())));
    }
}
