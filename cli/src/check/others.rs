//! The other direction: what the ledger holds as reported, and the file does not hold.

use postback_runtime::ledger::Filter;

use super::{Bucket, Checker, Judgement, Report, Subject, was_reported_in};
use crate::{failure::Failure, scan::gather};

impl Checker<'_> {
    /// Adds what the ledger holds as reported in the span, and the file does not hold.
    pub(super) async fn look_for_others(&mut self, report: &mut Report) -> Result<(), Failure> {
        let (Some(account), Some(span)) = (self.account, self.span()?) else { return Ok(()) };
        // Of what was reported in the span, the order may have come before it.
        let since = Some(span.from).filter(|_| self.between.is_none());
        let filter = Filter { since, until: Some(span.to), ..Filter::default() };
        let mut others = Vec::new();
        gather(account, &filter, None, None, |record| {
            let is_wanted = match self.between {
                Some(span) => was_reported_in(&record, span),
                None => record.protocol.state.is_success(),
            };
            if is_wanted && !self.known.ids.contains(&record.order_id) {
                others.push(record);
            }
        })
        .await?;
        for record in others {
            let was =
                record.money().map(|(amount, currency)| (amount.to_owned(), currency.to_owned()));
            let why = format!("{}, and not in the file", record.protocol.state.as_str());
            let judgement = Judgement { was, ..Judgement::new(Bucket::NotInFile, why) };
            let subject = Subject {
                order_id: &record.order_id,
                network: record.network(),
                ..Subject::default()
            };
            report.add(&subject, judgement)?;
        }
        Ok(())
    }
}
