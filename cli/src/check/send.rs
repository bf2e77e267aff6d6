//! The orders that were never seen: which of them the networks' settings leave out, and the others sent.

use futures_util::future::join_all;
use postback_core::order::Status;
use serde_json::Value;

use super::{
    Answers, Checker,
    file::Export,
    judge::{Bucket, Judgement, answered},
    order::Checked,
};
use crate::{
    account::Network,
    failure::Failure,
    invoke::{GivenOrder, deliver, left_out},
};

impl Checker<'_> {
    /// Asks the functions which of the orders that were never seen their settings leave out: the ledger keeps
    /// nothing of those. Nothing is sent.
    pub(super) async fn ask(&mut self) -> Result<Answers, Failure> {
        let mut answers = Answers::new();
        let Some(account) = self.account.filter(|_| !self.known.unseen.is_empty()) else {
            return Ok(answers);
        };
        for (_, value) in Export::open(&self.wanted.file)? {
            let Some(checked) = self.completed(value) else { continue };
            let order_id = checked.order.order_id().as_str();
            let detail = &checked.detail;
            let asked = self.unseen_by(account.networks(), order_id).into_iter();
            // Each is another function.
            let asked = asked.map(async |network: Network| {
                let answer = left_out(account, &network, detail).await;
                (network.name, answer)
            });
            for (network, answer) in join_all(asked).await {
                let key = (order_id.to_owned(), network);
                match answer {
                    Ok(None) => {}
                    Ok(Some(reason)) => {
                        self.known.unseen.remove(&key);
                        answers.insert(key, Judgement::new(Bucket::LeftOut, reason));
                    }
                    Err(failure) if self.wanted.send => return Err(failure),
                    // Who may only look sees at the first that the others were not asked either.
                    Err(failure) => {
                        let why = format!("the settings were not asked: {failure}");
                        answers.insert(key, Judgement::new(Bucket::NeverSeen, why));
                        return Ok(answers);
                    }
                }
            }
        }
        Ok(answers)
    }

    /// Sends what was never seen, to the networks that have not seen it.
    pub(super) async fn send(&self) -> Result<Answers, Failure> {
        let mut sent = Answers::new();
        let Some(account) = self.account else { return Ok(sent) };
        for (_, value) in Export::open(&self.wanted.file)? {
            let Some(checked) = self.completed(value) else { continue };
            let order_id = checked.order.order_id().as_str();
            for network in self.unseen_by(account.networks(), order_id) {
                let key = (order_id.to_owned(), network.name.clone());
                // Once, although the file may hold the order twice.
                if sent.contains_key(&key) {
                    continue;
                }
                let order =
                    GivenOrder::of(&checked.detail, self.wanted.file.display().to_string())?;
                let answer = deliver(account, &network, &order).await;
                sent.insert(key, answered(answer)?);
            }
        }
        Ok(sent)
    }

    /// The order of a line, if it is one that was completed.
    fn completed(&self, value: Result<Value, String>) -> Option<Checked> {
        let checked = value.and_then(|value| self.checked(&value)).ok()?;
        (checked.order.status() == Status::Completed).then_some(checked)
    }

    /// Those of the networks that have never seen the order.
    fn unseen_by(&self, mut networks: Vec<Network>, order_id: &str) -> Vec<Network> {
        let unseen = &self.known.unseen;
        networks.retain(|network| unseen.contains(&(order_id.to_owned(), network.name.clone())));
        networks
    }
}
