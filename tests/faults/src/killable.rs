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

/// Where, in all the waiting of all invocations of one order's life, they are killed.
///
/// Each time a future has to wait is two steps: first it waits, and what it waits for has not
/// happened; then it is woken, and what it waited for has happened and is not seen yet. Being
/// killed at either step is as different as a crash before and after.
#[derive(Clone, Debug, Default)]
pub struct KillPlan {
    kills: Arc<[u32]>,
    steps: Arc<AtomicU32>,
}

impl KillPlan {
    /// Killed at these steps, counted from 0.
    #[must_use]
    pub fn killed_at(steps: &[u32]) -> Self {
        Self { kills: steps.into(), steps: Arc::default() }
    }

    /// How many steps there have been.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Runs `life` under this fate: `None` when it was killed.
    pub const fn guard<F: Future>(self, life: F) -> Killable<F> {
        Killable { life: Some(life), fate: self, waited: false }
    }

    /// Whether the next step is the last one.
    fn strikes(&self) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        self.kills.contains(&step)
    }
}

/// A future under a [`KillPlan`].
#[derive(Debug)]
pub struct Killable<F> {
    life: Option<F>,
    fate: KillPlan,
    waited: bool,
}

impl<F: Future + Unpin> Future for Killable<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(life) = &mut this.life else { return Poll::Ready(None) };
        if !(this.waited && this.fate.strikes()) {
            match Pin::new(life).poll(context) {
                Poll::Ready(output) => return Poll::Ready(Some(output)),
                Poll::Pending => this.waited = true,
            }
            if !this.fate.strikes() {
                return Poll::Pending;
            }
        }
        this.life = None;
        Poll::Ready(None)
    }
}

/// A future that gives way before each of its steps as often as the next number of its pace says:
/// so that a drawn list of numbers is an interleaving.
#[derive(Debug)]
pub struct Paced<F> {
    life: F,
    pace: Vec<u8>,
    step: usize,
    left: u8,
}

impl<F> Paced<F> {
    /// `life` at this pace, over and over.
    pub fn new(life: F, pace: Vec<u8>) -> Self {
        let left = pace.first().copied().unwrap_or(0);
        Self { life, pace, step: 0, left }
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
        Pin::new(&mut this.life).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits twice.
    async fn life() -> &'static str {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        "over"
    }

    #[tokio::test]
    async fn each_wait_is_two_steps_to_be_killed_at() {
        for step in 0..4 {
            let fate = KillPlan::killed_at(&[step]);
            assert_eq!(fate.clone().guard(Box::pin(life())).await, None, "{step}");
            assert_eq!(fate.steps(), step + 1);
        }
        let fate = KillPlan::killed_at(&[4]);
        assert_eq!(fate.clone().guard(Box::pin(life())).await, Some("over"));
        assert_eq!(fate.steps(), 4);
    }

    #[tokio::test]
    async fn the_steps_of_all_invocations_are_counted_together() {
        let fate = KillPlan::killed_at(&[1, 3]);

        let ends = [
            fate.clone().guard(Box::pin(life())).await,
            fate.clone().guard(Box::pin(life())).await,
            fate.clone().guard(Box::pin(life())).await,
        ];

        assert_eq!(ends, [None, None, Some("over")]);
    }

    #[tokio::test]
    async fn a_pace_only_delays() {
        assert_eq!(Paced::new(Box::pin(life()), vec![0, 3, 1]).await, "over");
        assert_eq!(Paced::new(Box::pin(life()), Vec::new()).await, "over");
    }
}
