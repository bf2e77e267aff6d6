//! The ledger: its stream, and the ids of the orders in it.

use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{IndexStatus, StreamViewType, TableDescription};
use postback_core::{delivery::WAITING, order::OrderId};
use postback_runtime::ledger::Filter;

use super::Finding;
use crate::{
    account::{Account, failed},
    failure::Failure,
};

/// The pages of the ledger whose order ids are looked at: about five megabytes, which is a sample, because the
/// ledger is ordered by a hash.
const SAMPLE: usize = 5;

/// The ledger's table.
#[derive(Clone, Debug, Default)]
struct Table {
    name: String,
    /// The label of its stream, if that has new and old images.
    stream: Option<String>,
    /// The label that the stack was deployed with, if it took the table over.
    expected: Option<String>,
    /// The state of its index of what waits, if it has one.
    index: Option<IndexStatus>,
}

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    let name = account.output("LedgerTable")?.to_owned();
    let client = aws_sdk_dynamodb::Client::new(&account.place.config);
    let described = match client.describe_table().table_name(&name).send().await {
        Ok(described) => described.table,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
        {
            None
        }
        Err(error) => return Err(failed("DynamoDB", "DescribeTable", &error)),
    };
    let Some(table) = described else {
        let cure = "Restore the table from a backup, or deploy with ExistingLedgerTable set to the one \
                    that is there.";
        let what = "the ledger's table is gone: nothing is reported";
        return Ok(vec![Finding::new("ledger_missing", name, what, cure)]);
    };
    let parameter = |name: &str| account.place.parameters.get(name).filter(|it| !it.is_empty());
    let taken_over = parameter("ExistingLedgerTable").is_some();
    let label = parameter("ExistingLedgerStreamLabel").cloned().unwrap_or_default();
    let (stream, index) = (stream(&table), index(&table));
    let table = Table { name, stream, expected: taken_over.then_some(label), index };
    let mut findings: Vec<_> = judge(&table).into_iter().chain(judge_index(&table)).collect();
    findings.extend(judge_ids(&ids(account).await?));
    Ok(findings)
}

fn stream(table: &TableDescription) -> Option<String> {
    let stream = table.stream_specification()?;
    let is_whole = stream.stream_view_type() == Some(&StreamViewType::NewAndOldImages);
    let label = table.latest_stream_label().unwrap_or_default();
    (stream.stream_enabled() && is_whole).then(|| label.to_owned())
}

fn index(table: &TableDescription) -> Option<IndexStatus> {
    let indexes = table.global_secondary_indexes();
    let own = indexes.iter().find(|index| index.index_name() == Some(WAITING))?;
    own.index_status().cloned()
}

/// A sample of the order ids.
async fn ids(account: &Account) -> Result<Vec<String>, Failure> {
    let (mut ids, mut after) = (Vec::new(), None);
    for _ in 0..SAMPLE {
        let page = account.ledger.scan(&Filter::default(), after.as_ref()).await;
        let page = page.map_err(account.ledger_failed("Scan"))?;
        ids.extend(page.records.into_iter().map(|record| record.order_id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

fn judge(Table { name, stream, expected, .. }: &Table) -> Option<Finding> {
    let Some(stream) = stream else {
        let what = "the ledger has no stream with new and old images: no event is published";
        let cure = "Turn the stream on (NEW_AND_OLD_IMAGES), deploy with its label as \
                    ExistingLedgerStreamLabel if the table was taken over, then `postback events replay`.";
        return Some(Finding::new("ledger_without_stream", name, what, cure));
    };
    let expected = expected.as_ref().filter(|expected| *expected != stream)?;
    let what = format!("the stack reads the stream {expected}, and the ledger's is {stream}");
    let cure =
        format!("Deploy with ExistingLedgerStreamLabel={stream}, then `postback events replay`.");
    Some(Finding::new("ledger_without_stream", name, what, cure))
}

fn judge_index(Table { name, index, .. }: &Table) -> Option<Finding> {
    let (what, cure) = match index {
        Some(IndexStatus::Active) => return None,
        Some(_) => (
            "the ledger's index of what waits is being made: `status` and `orders list --held` fail",
            "Wait until it is active.",
        ),
        None => (
            "the ledger has no index of what waits: `status` and `orders list --held` fail",
            "Deploy the stack's template again. Of a table that was taken over, make the index \
             `waiting` by hand (docs/options.md).",
        ),
    };
    Some(Finding::new("ledger_without_index", name, what, cure))
}

fn judge_ids(ids: &[String]) -> Option<Finding> {
    let damaged: Vec<_> = ids.iter().filter(|id| OrderId::is_changed_by_spreadsheets(id)).collect();
    let first = damaged.first()?;
    let what = format!(
        "{} of {} order ids in a sample of the ledger are digits that a spreadsheet changes, as {first}",
        damaged.len(),
        ids.len()
    );
    let cure = "Let the shop send ids with a letter (A-00123), or never open a network's report in a \
                spreadsheet: it drops leading zeros and all digits after the 15th.";
    Some(Finding::new("order_ids_damaged", "orders", what, cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(stream: Option<&str>, expected: Option<&str>) -> Option<&'static str> {
        let [stream, expected] = [stream, expected].map(|label| label.map(str::to_owned));
        let table = Table { name: "ledger".to_owned(), stream, expected, index: None };
        judge(&table).map(|finding| finding.code)
    }

    #[test]
    fn an_index_that_is_missing_or_not_ready_is_named() {
        let found = |index: Option<IndexStatus>| {
            judge_index(&Table { index, ..Table::default() }).map(|finding| finding.code)
        };

        assert_eq!(found(Some(IndexStatus::Active)), None);
        assert_eq!(found(Some(IndexStatus::Creating)), Some("ledger_without_index"));
        assert_eq!(found(None), Some("ledger_without_index"));
    }

    #[test]
    fn the_stack_reads_the_ledgers_stream() {
        assert_eq!(found(Some("2026-11-21T10:15:00.000"), None), None);
        assert_eq!(found(Some("2026"), Some("2026")), None);
        assert_eq!(found(Some("2026"), Some("2025")), Some("ledger_without_stream"));
        assert_eq!(found(Some("2026"), Some("")), Some("ledger_without_stream"));
        assert_eq!(found(None, None), Some("ledger_without_stream"));
    }

    #[test]
    fn digits_that_a_spreadsheet_changes_are_found() {
        for id in ["0012", "00", "1234567890123456"] {
            assert!(OrderId::is_changed_by_spreadsheets(id), "{id}");
        }
        for id in ["0", "123456789012345", "A-0012", "0012-A", ""] {
            assert!(!OrderId::is_changed_by_spreadsheets(id), "{id}");
        }
        let ids =
            |ids: &[&str]| judge_ids(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(ids(&["A-1", "12"]), None);
        assert!(
            ids(&["A-1", "0012"])
                .is_some_and(|it| it.what.starts_with("1 of 2 order ids in a sample"))
        );
    }
}
