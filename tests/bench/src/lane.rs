//! One function's part of a round.

use std::{collections::BTreeMap, time::Duration};

use postback_sandbox::Network;
use serde_json::Value;

use crate::{
    Failure,
    function::{Function, Package},
    orders,
    rounds::Figures,
    summary::{median, percentile},
    test_bed::TestBed,
};

/// Orders in a batch.
pub(crate) const BATCH: usize = 10;

/// One function's part of a round.
pub(crate) struct Lane<'a> {
    pub(crate) package: &'a Package,
    /// The prefix of its orders' ids, unlike that of any other lane.
    prefix: String,
    /// The number of its last order.
    pub(crate) last: usize,
    cold: Vec<Duration>,
    cold_cpu: Vec<Duration>,
    pub(crate) warm: Vec<Duration>,
    pub(crate) batches: Vec<Duration>,
    pub(crate) duplicate: Vec<Duration>,
    /// By the pause's seconds.
    pub(crate) after_pause: BTreeMap<u64, Vec<Duration>>,
    pub(crate) figures: Figures,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(package: &'a Package, at: usize) -> Self {
        Self {
            package,
            prefix: format!("{at}{}", package.name.replace('_', "-")),
            last: 0,
            cold: Vec::new(),
            cold_cpu: Vec::new(),
            warm: Vec::new(),
            batches: Vec::new(),
            duplicate: Vec::new(),
            after_pause: BTreeMap::new(),
            figures: Figures::default(),
        }
    }

    fn next_order(&mut self) -> Value {
        self.last += 1;
        orders::order(&self.prefix, self.last)
    }

    /// A cold start with one order.
    pub(crate) async fn cold(&mut self, test_bed: &TestBed) -> Result<(), Failure> {
        let order = self.next_order();
        let function = test_bed.function(self.package, Network::ShopBack).await?;
        let answer = function.first_call(&orders::by_api(&order)).await?;
        self.cold.push(answer.took);
        self.cold_cpu.push(function.cpu());
        function.stop().await?;
        check_accepted(&answer.body)?;
        test_bed.check_one(&self.prefix, self.last)
    }

    /// One order to a running function.
    pub(crate) async fn order(
        &mut self,
        test_bed: &TestBed,
        function: &Function,
    ) -> Result<Duration, Failure> {
        let order = self.next_order();
        let answer = function.call(&orders::by_api(&order)).await?;
        check_accepted(&answer.body)?;
        test_bed.check_one(&self.prefix, self.last)?;
        Ok(answer.took)
    }

    /// One of the last orders, a second time. The round's end checks that it had no second effect.
    pub(crate) async fn repeat(&mut self, function: &Function, back: usize) -> Result<(), Failure> {
        let order = orders::order(&self.prefix, self.last - back);
        let answer = function.call(&orders::by_api(&order)).await?;
        check_accepted(&answer.body)?;
        self.duplicate.push(answer.took);
        Ok(())
    }

    /// The first order that the running function took, a second time. Returns how long it took.
    pub(crate) async fn repeat_first(&self, function: &Function) -> Result<Duration, Failure> {
        let order = orders::order(&self.prefix, self.cold.len() + 1);
        let answer = function.call(&orders::by_api(&order)).await?;
        check_accepted(&answer.body)?;
        Ok(answer.took)
    }

    /// A batch of orders from the queue.
    pub(crate) async fn batch(
        &mut self,
        test_bed: &TestBed,
        function: &Function,
    ) -> Result<Duration, Failure> {
        let orders: Vec<_> = (0..BATCH).map(|_| self.next_order()).collect();
        let answer = function.call(&orders::by_queue(&orders)).await?;
        let failures = answer.body["batchItemFailures"].as_array();
        if failures.is_none_or(|failures| !failures.is_empty()) {
            return Err(Failure::new(format!("a batch was not accepted: {}", answer.body)));
        }
        for back in 0..BATCH {
            test_bed.check_one(&self.prefix, self.last - back)?;
        }
        Ok(answer.took)
    }

    pub(crate) fn summary(self) -> Figures {
        Figures {
            cold_ms: median(&self.cold),
            cold_cpu_ms: median(&self.cold_cpu),
            warm_ms: median(&self.warm),
            warm_p99_ms: percentile(&self.warm, 99),
            batch_ms: median(&self.batches),
            duplicate_ms: median(&self.duplicate),
            after_pause_ms: self
                .after_pause
                .iter()
                .map(|(pause, took)| (*pause, median(took)))
                .collect(),
            ..self.figures
        }
    }
}

/// Fails unless the API would have answered with a success.
fn check_accepted(answer: &Value) -> Result<(), Failure> {
    if answer["statusCode"] == 200 {
        Ok(())
    } else {
        Err(Failure::new(format!("an order was not accepted: {answer}")))
    }
}
