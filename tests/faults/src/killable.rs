//! Futures that are dropped in the middle, as an invocation is when Lambda kills it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

/// The steps at which the invocations of one order are killed, counted over all of them.
///
/// Each wait of a future is two steps. At the first, the thing it waits for has not happened. At
/// the second the future is woken: the thing has happened, and the future has not seen it yet. A
/// kill at the one is a crash before, a kill at the other a crash after.
#[derive(Clone, Debug, Default)]
pub struct KillPlan {
    kills: Arc<[u32]>,
    steps: Arc<AtomicU32>,
}

impl KillPlan {
    /// A plan that kills at these steps, counted from 0.
    #[must_use]
    pub fn killed_at(steps: &[u32]) -> Self {
        Self { kills: steps.into(), steps: Arc::default() }
    }

    /// The number of steps so far.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Puts `future` under this plan: it returns `None` when it is killed.
    pub const fn guard<F: Future>(self, future: F) -> Killable<F> {
        Killable { future: Some(future), plan: self, waited: false }
    }

    /// Counts a step and returns true if the future is killed at it.
    fn strikes(&self) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        self.kills.contains(&step)
    }
}

/// A future under a [`KillPlan`].
#[derive(Debug)]
pub struct Killable<F> {
    future: Option<F>,
    plan: KillPlan,
    waited: bool,
}

impl<F: Future + Unpin> Future for Killable<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return Poll::Ready(None) };
        if !(this.waited && this.plan.strikes()) {
            match Pin::new(future).poll(context) {
                Poll::Ready(output) => return Poll::Ready(Some(output)),
                Poll::Pending => this.waited = true,
            }
            if !this.plan.strikes() {
                return Poll::Pending;
            }
        }
        this.future = None;
        Poll::Ready(None)
    }
}

/// A future that yields before each of its steps, as many times as the next number of its pace: a
/// drawn list of numbers is an interleaving.
#[derive(Debug)]
pub struct Paced<F> {
    future: F,
    pace: Vec<u8>,
    step: usize,
    left: u8,
}

impl<F> Paced<F> {
    /// `future` at this pace, which repeats.
    pub fn new(future: F, pace: Vec<u8>) -> Self {
        let left = pace.first().copied().unwrap_or(0);
        Self { future, pace, step: 0, left }
    }
}

impl<F: Future + Unpin> Future for Paced<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.left > 0 {
            this.left -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.pace.is_empty() {
            this.step = (this.step + 1) % this.pace.len();
            this.left = this.pace[this.step];
        }
        Pin::new(&mut this.future).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits twice.
    async fn two_waits() -> &'static str {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        "over"
    }

    #[tokio::test]
    async fn each_wait_is_two_steps_to_be_killed_at() {
        for step in 0..4 {
            let plan = KillPlan::killed_at(&[step]);
            assert_eq!(plan.clone().guard(Box::pin(two_waits())).await, None, "{step}");
            assert_eq!(plan.steps(), step + 1);
        }
        let plan = KillPlan::killed_at(&[4]);
        assert_eq!(plan.clone().guard(Box::pin(two_waits())).await, Some("over"));
        assert_eq!(plan.steps(), 4);
    }

    #[tokio::test]
    async fn the_steps_of_all_invocations_are_counted_together() {
        let plan = KillPlan::killed_at(&[1, 3]);

        let ends = [
            plan.clone().guard(Box::pin(two_waits())).await,
            plan.clone().guard(Box::pin(two_waits())).await,
            plan.clone().guard(Box::pin(two_waits())).await,
        ];

        assert_eq!(ends, [None, None, Some("over")]);
    }

    #[tokio::test]
    async fn a_pace_only_delays() {
        assert_eq!(Paced::new(Box::pin(two_waits()), vec![0, 3, 1]).await, "over");
        assert_eq!(Paced::new(Box::pin(two_waits()), Vec::new()).await, "over");
    }
}
