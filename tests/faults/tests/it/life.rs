//! The handler, the person's decision and the sweep are dropped at every await of an order's whole
//! life: cancelled, corrected, decided about and swept, at every state. Then everything comes again.
//!
//! More than 300 lines: all stories stand here.

use std::time::Duration;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{
    delivery::{Decision, State},
    network::Network,
};
use postback_faults::{Happening, KillPlan, Lifecycle, NetworkCase, Redelivery, Trigger};
use postback_harness::{RecordingBus, publish_to};
use postback_sandbox::Fault;
use shopback::ShopBack;

use Happening::{
    Arrives, Begins, IsCancelled, IsDecided, IsPaused, IsPostedOnce, IsSwept, Meets, MeetsSecond,
    Shrinks, Waits,
};

pub(crate) type Story = (&'static str, Vec<Happening>);

const HOUR: Duration = Duration::from_hours(1);

/// The stories in which the way of the order matters, for a caller who repeats it until there is an
/// answer.
fn calls() -> Vec<Story> {
    let lost = Fault::close_after_reading();
    vec![
        ("cancelled before it is posted", vec![IsCancelled(None), Arrives(0, None)]),
        ("cancelled in doubt", then(&lost, None, &[IsCancelled(None)])),
        ("corrected in doubt", then(&lost, Some(10), &[Arrives(1, Some(20))])),
    ]
}

/// The answers after which a delivery waits, is parked, and is in doubt.
fn states() -> [(&'static str, Fault); 3] {
    [
        ("retrying", Fault::status(429)),
        ("parked", Fault::redirect("https://elsewhere.example/")),
        ("in doubt", Fault::close_after_reading()),
    ]
}

/// The order is in a state, and then this happens to it.
fn then(fault: &Fault, minute: Option<u32>, happenings: &[Happening]) -> Vec<Happening> {
    let mut story = vec![Meets(fault.clone()), Arrives(0, minute), Begins];
    story.extend_from_slice(happenings);
    story
}

pub(crate) fn cancellations() -> Vec<Story> {
    let mut stories = vec![
        ("cancelled before it comes", vec![IsCancelled(None), Arrives(0, None)]),
        ("cancelled, then completed again", vec![IsCancelled(Some(20)), Arrives(0, Some(30))]),
        ("cancelled after its delivery", vec![Arrives(0, None), IsCancelled(None)]),
    ];
    for (state, fault) in states() {
        stories.push((state, then(&fault, None, &[IsCancelled(None)])));
    }
    stories
}

pub(crate) fn corrections() -> Vec<Story> {
    let corrected = vec![Arrives(0, Some(10)), Arrives(1, Some(20))];
    let mut stories = vec![("corrected after its delivery", corrected)];
    for (state, fault) in states() {
        stories.push((state, then(&fault, Some(10), &[Arrives(1, Some(20))])));
    }
    let lost = Fault::close_after_reading().not_processed();
    stories.push(("not there", then(&lost, Some(10), &[Arrives(1, Some(20))])));
    stories
}

pub(crate) fn decisions() -> Vec<Story> {
    let permitted = [IsDecided(Decision::PermitSending)];
    let permit = |(state, fault)| (state, then(&fault, None, &permitted));
    let mut stories: Vec<_> = states().into_iter().map(permit).collect();
    let lost = Fault::close_after_reading();
    stories.push(("confirmed", then(&lost, None, &[IsDecided(Decision::Confirm)])));
    stories.extend([Decision::Abandon, Decision::Acknowledge].map(|decision| {
        ("decided, repeated", then(&lost, None, &[IsDecided(decision), Arrives(0, None)]))
    }));
    stories
}

fn reopenings() -> Vec<Story> {
    let lost = Fault::close_after_reading();
    let reopened = [IsDecided(Decision::Abandon), IsDecided(Decision::Reopen), Arrives(0, None)];
    vec![("abandoned, then reopened", then(&lost, None, &reopened))]
}

/// The network is paused when the order comes, while it waits and while it is in doubt.
fn pauses() -> Vec<Story> {
    let begins = vec![IsPaused(true), Begins, Arrives(0, None), IsPaused(false)];
    let mut stories = vec![("paused before it comes", begins)];
    for (state, fault) in states() {
        stories.push((
            state,
            then(&fault, None, &[IsPaused(true), Arrives(0, None), IsPaused(false)]),
        ));
    }
    stories
}

#[tokio::test]
async fn an_order_survives_a_pause_of_its_network() {
    survives::<ShopBack>(NetworkCase::shopback, Trigger::Queue, pauses()).await;
    survives::<ShopBack>(NetworkCase::shopback_lines, Trigger::Api, pauses()).await;
    survives::<CpaMoe>(NetworkCase::cpa_moe, Trigger::Queue, pauses()).await;
}

pub(crate) fn sweeps() -> Vec<Story> {
    let dead = Waits(Duration::from_mins(2));
    let gone = vec![IsPostedOnce, dead.clone(), IsSwept, Waits(HOUR), Arrives(0, None)];
    vec![
        ("swept while its message comes again", vec![Arrives(0, None), dead.clone(), IsSwept]),
        ("swept, because its caller is gone", gone),
        ("swept and cancelled", vec![IsPostedOnce, dead, IsSwept, IsCancelled(None)]),
    ]
}

/// The second line is in a state, and then the order is cancelled, corrected, or comes without it.
fn second_lines() -> Vec<Story> {
    let mut stories = Vec::new();
    for (_, fault) in states() {
        let changes = [
            ("its second line is cancelled", IsCancelled(Some(20))),
            ("its second line is corrected", Arrives(1, Some(20))),
            ("it loses its second line", Shrinks(20)),
        ];
        for (name, change) in changes {
            let story = vec![MeetsSecond(fault.clone()), Arrives(0, Some(10)), Begins, change];
            stories.push((name, story));
        }
    }
    stories.push(("it loses a line under way", vec![Arrives(0, Some(10)), Shrinks(20)]));
    stories
}

#[tokio::test]
async fn the_second_line_survives_every_change() {
    survives::<ShopBack>(NetworkCase::shopback_lines, Trigger::Queue, second_lines()).await;
}

#[tokio::test]
async fn the_second_line_survives_every_change_for_a_caller() {
    survives::<ShopBack>(NetworkCase::shopback_lines, Trigger::Api, second_lines()).await;
}

/// Kills at every step of each story once; then, where the first invocation of the first was killed
/// with the answer unseen, at every later step as well.
async fn survives<N: Network>(
    case: impl Fn() -> NetworkCase<N>,
    trigger: Trigger,
    stories: Vec<Story>,
) {
    let mut killed = 0;
    for (name, story) in stories {
        let (kills, unseen) =
            Box::pin(kill_at_each_step(case(), (name, &story), trigger, None)).await;
        killed += kills;
        let goes_on = name.contains("cancelled") || name.contains("swept");
        if let Some(unseen) = unseen.filter(|_| goes_on) {
            let again = kill_at_each_step(case(), (name, &story), trigger, Some(unseen));
            killed += Box::pin(again).await.0;
        }
    }
    println!("{}: killed at {killed} steps", N::NAME);
}

/// Lives until a life is not killed any more, each killed one step later. Returns the number of
/// kills, and the last step that was killed between the answer and the settling write.
async fn kill_at_each_step<N: Network>(
    case: NetworkCase<N>,
    (name, story): (&str, &[Happening]),
    trigger: Trigger,
    first: Option<u32>,
) -> (u32, Option<u32>) {
    let lifecycle = Lifecycle::new(case).await;
    let unkilled = KillPlan::default();
    let way = (trigger, Redelivery::AfterTimeout);
    let begins_at = lifecycle.live("B", story, way, &unkilled).await.begins_at;
    let (mut unseen, begins_at) = (None, first.map_or(begins_at, |first| first + 1));
    for step in begins_at.. {
        let kills: Vec<_> = first.into_iter().chain([step]).collect();
        let redelivery = match step % 2 {
            0 => Redelivery::AfterTimeout,
            _ => Redelivery::AfterOneSecond,
        };
        let (id, plan) = (format!("A{step}"), KillPlan::killed_at(&kills));
        let what = format!(
            "{} {name}, {trigger:?}, {redelivery:?}, killed at {kills:?}: {story:?}",
            N::NAME
        );
        let life = lifecycle.live(&id, story, (trigger, redelivery), &plan).await;
        lifecycle.check_life(&id, life, &what).await;
        let is_unseen = lifecycle
            .take_remains()
            .first()
            .is_some_and(|remains| remains.requests > 0 && remains.state == Some(State::Sending));
        if is_unseen && first.is_none() {
            unseen = Some(step);
        }
        if plan.steps() <= step {
            return (step - begins_at, unseen);
        }
    }
    unreachable!("the steps never end")
}

macro_rules! lives {
    ($($network:ty, $case:ident:
        $cancelled:ident, $corrected:ident, $decided:ident, $swept:ident, $called:ident;)*) => {
        $(
            #[tokio::test]
            async fn $cancelled() {
                survives::<$network>(NetworkCase::$case, Trigger::Queue, cancellations()).await;
            }

            #[tokio::test]
            async fn $corrected() {
                survives::<$network>(NetworkCase::$case, Trigger::Queue, corrections()).await;
            }

            #[tokio::test]
            async fn $decided() {
                survives::<$network>(NetworkCase::$case, Trigger::Queue, decisions()).await;
            }

            #[tokio::test]
            async fn $swept() {
                survives::<$network>(NetworkCase::$case, Trigger::Queue, sweeps()).await;
            }

            #[tokio::test]
            async fn $called() {
                survives::<$network>(NetworkCase::$case, Trigger::Api, calls()).await;
            }
        )*
    };
}

lives! {
    ShopBack, shopback: shopback_survives_a_cancellation, shopback_survives_a_correction,
        shopback_survives_a_decision, shopback_survives_a_sweep,
        shopback_survives_for_a_caller;
    CpaMoe, cpa_moe: cpa_moe_survives_a_cancellation, cpa_moe_survives_a_correction,
        cpa_moe_survives_a_decision, cpa_moe_survives_a_sweep,
        cpa_moe_survives_for_a_caller;
    CashMyCell, cashmycell: cashmycell_survives_a_cancellation, cashmycell_survives_a_correction,
        cashmycell_survives_a_decision, cashmycell_survives_a_sweep,
        cashmycell_survives_for_a_caller;
    CartStack, cartstack: cartstack_survives_a_cancellation, cartstack_survives_a_correction,
        cartstack_survives_a_decision, cartstack_survives_a_sweep,
        cartstack_survives_for_a_caller;
    ShopBack, shopback_lines: lines_survive_a_cancellation, lines_survive_a_correction,
        lines_survive_a_decision, lines_survive_a_sweep, lines_survive_for_a_caller;
    CartStack, cartstack_resend: a_consent_survives_a_cancellation, a_consent_survives_a_correction,
        a_consent_survives_a_decision, a_consent_survives_a_sweep,
        a_consent_survives_for_a_caller;
}

#[tokio::test]
async fn what_is_in_doubt_survives_being_reopened() {
    survives::<CashMyCell>(NetworkCase::cashmycell, Trigger::Queue, reopenings()).await;
    survives::<CartStack>(NetworkCase::cartstack, Trigger::Queue, reopenings()).await;
    survives::<ShopBack>(NetworkCase::shopback, Trigger::Queue, reopenings()).await;
    survives::<CpaMoe>(NetworkCase::cpa_moe, Trigger::Queue, reopenings()).await;
    survives::<ShopBack>(NetworkCase::shopback_lines, Trigger::Queue, reopenings()).await;
}

/// `publish` is dropped at each of its awaits, and Lambda repeats the batch.
#[tokio::test]
async fn every_event_of_a_life_reaches_the_bus_wherever_publish_dies() {
    let lifecycle = Lifecycle::new(NetworkCase::shopback()).await;
    let way = (Trigger::Queue, Redelivery::AfterTimeout);
    for (number, (_, story)) in cancellations().into_iter().chain(decisions()).enumerate() {
        lifecycle.live(&format!("A{number}"), &story, way, &KillPlan::default()).await;
    }
    let stream = lifecycle.bed.table.stream();
    let expected = RecordingBus::default();
    publish_to(&expected, &stream).await.expect("published");

    let mut step = 0;
    loop {
        let (bus, plan) = (RecordingBus::default(), KillPlan::killed_at(&[step]));
        let first = plan.clone().guard(Box::pin(publish_to(&bus, &stream))).await;
        if first.is_some() {
            break;
        }
        publish_to(&bus, &stream).await.expect("published");
        assert_eq!(ids(&bus), ids(&expected), "killed at {step}");
        step += 1;
    }
    assert!(step > 10, "killed at {step} steps");
}

fn ids(bus: &RecordingBus) -> std::collections::BTreeSet<String> {
    bus.events().iter().map(|(_, detail)| detail["id"].to_string()).collect()
}
