//! Small plots as SVG: bars by hour, and a delivery's life on a line.

use maud::{Markup, PreEscaped, html};
use plotters::{coord::Shift, prelude::*};
use postback_core::{
    clock::Timestamp,
    delivery::{Record, State},
};

use super::survey::Traffic;
use crate::{
    screen::Zone,
    view::{Wait, clear, decided, other_content, outcome, pairs, visible, waits, word},
};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A plot, and its words for who does not see it. The page's style replaces its colours.
fn plot(label: &str, height: u32, draw: impl Fn(&Area<'_>) -> Drawn) -> Markup {
    let mut svg = String::new();
    let _never_fails = draw(&SVGBackend::with_string(&mut svg, (700, height)).into_drawing_area());
    html! { div role="img" aria-label=(label) { (PreEscaped(svg)) } }
}

/// The attempts of the last day by hour: a bar each, those that failed on top.
pub(super) fn hours(traffic: &Traffic) -> Markup {
    let most = traffic.ended.iter().map(|(passed, failed)| passed + failed).fold(1, usize::max);
    let (passed, failed) = traffic.ended.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let label =
        format!("Attempts in 24 hours: {passed} reported, {failed} not; at most {most} an hour");
    // However few there are, they can be seen.
    let height = |count: usize| if count > 0 { count.max(most.div_ceil(40)) } else { 0 };
    plot(&label, 120, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            .set_left_and_bottom_label_area_size(24)
            .build_cartesian_2d(-240..0, 0..most)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().x_labels(5).y_labels(3);
        mesh.x_label_formatter(&|tenth| format!("{} h ago", -tenth / 10)).draw()?;
        let bars = (-24..).zip(&traffic.ended).flat_map(|(hour, (passed, failed))| {
            let (passed, failed, x) = (height(*passed), height(*failed), 10 * hour);
            let bar = |from, to, colour| Rectangle::new([(x + 1, from), (x + 9, to)], colour);
            [bar(0, passed, GREEN.filled()), bar(passed, passed + failed, RED.filled())]
        });
        chart.draw_series(bars).map(drop)
    })
}

/// Something that happened to a delivery, or will.
pub(super) struct Mark {
    pub(super) at: Timestamp,
    pub(super) shape: Shape,
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Arrived,
    Passed,
    Failed,
    Doubtful,
    Asked,
    Person,
    Next,
}

impl Shape {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Arrived => "order",
            Self::Passed | Self::Failed | Self::Doubtful => "attempt",
            Self::Asked => "network",
            Self::Person => "person or shop",
            Self::Next => "to come",
        }
    }
}

/// Everything that is kept of a delivery's life, oldest first.
pub(super) fn marks(record: &Record, now: Timestamp) -> Vec<Mark> {
    let protocol = &record.protocol;
    let mut marks = Vec::new();
    let mut add = |at, shape, text: String| marks.push(Mark { at, shape, text });
    add(protocol.first_seen_at, Shape::Arrived, "first seen".to_owned());
    for attempt in record.attempts.entries() {
        let shape = match attempt.state {
            Some(state) if state.is_success() => Shape::Passed,
            Some(State::Unconfirmed) | None => Shape::Doubtful,
            Some(_) => Shape::Failed,
        };
        let text = format!("attempt {}, {}", attempt.number, outcome(attempt));
        add(attempt.started_at, shape, text);
    }
    for lookup in record.lookups.entries() {
        let text = format!("asked the network: {}, so {}", lookup.result, lookup.state.as_str());
        add(lookup.at, Shape::Asked, text);
    }
    for status in record.statuses.entries() {
        let text = format!("the network's status: {}", pairs(&status.status));
        add(status.at, Shape::Asked, text);
    }
    for conflict in record.conflicts.entries() {
        let text = format!("came with other content: {}", other_content(record, conflict));
        add(conflict.at, Shape::Person, text);
    }
    for cancellation in record.cancellations.entries() {
        let text = format!("the shop: {}", word(&cancellation.word).replace('_', " "));
        add(cancellation.at, Shape::Person, text);
    }
    for (id, refund) in protocol.refunds.entries() {
        // One whose time the shop does not give is shown with the last that came.
        let at = refund.at.or(record.returned.map(|returned| returned.at));
        let text = format!("the shop: refund of {}: {}", clear(refund.amount), visible(id));
        add(at.unwrap_or(record.updated_at), Shape::Person, text);
    }
    for decision in record.decisions.entries() {
        add(decision.at, Shape::Person, format!("decided: {}", decided(decision)));
    }
    for Wait { name, at, bound } in waits(record) {
        if at > now {
            add(at, Shape::Next, [name, bound].join(" ").trim_end().to_owned());
        }
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

/// The life of a delivery on a line: attempts as dots, those that failed filled.
pub(super) fn lane(marks: &[Mark], title: &str, zone: Zone) -> Markup {
    let times = || marks.iter().map(|mark| mark.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return html! {} };
    let (count, begin, end) = (marks.len(), zone.time(first), zone.time(last));
    let label = format!("{title}: {count} marks between {begin} and {end}, listed below");
    let (first, last) = (first.as_millis(), last.as_millis().max(first.as_millis() + 1));
    plot(&label, 60, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_left(80)
            .margin_right(80)
            .x_label_area_size(24)
            .build_cartesian_2d(first..last, -1..1)?;
        let time = |at: &i64| zone.time(Timestamp::from_millis(*at));
        chart.configure_mesh().disable_mesh().x_labels(4).x_label_formatter(&time).draw()?;
        let area = chart.plotting_area();
        marks.iter().try_for_each(|mark| {
            let at = (mark.at.as_millis(), 0);
            let dot = |style| area.draw(&Circle::new(at, 7, style));
            match mark.shape {
                Shape::Arrived => area.draw(&Circle::new(at, 3, BLACK.filled())),
                Shape::Passed => dot(GREEN.stroke_width(2)),
                Shape::Failed => dot(RED.filled()),
                Shape::Doubtful => dot(YELLOW.filled()),
                Shape::Next => dot(CYAN.stroke_width(2)),
                Shape::Person => area.draw(&TriangleMarker::new(at, 8, BLUE.filled())),
                Shape::Asked => {
                    let square = Rectangle::new([(-6, -6), (6, 6)], BLUE.stroke_width(2));
                    area.draw(&(EmptyElement::at(at) + square))
                }
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_follows_the_colours_of_the_page_and_its_policy() {
        use Shape::{Arrived, Asked, Doubtful, Failed, Next, Passed, Person};
        let mark =
            |(at, shape)| Mark { at: Timestamp::from_millis(at), shape, text: String::new() };
        let shapes = [Arrived, Passed, Failed, Doubtful, Asked, Person, Next];
        let marks: Vec<_> = (0..).zip(shapes).map(mark).collect();
        let mut traffic = Traffic::default();
        traffic.ended[23] = (3, 1);
        traffic.ended[20] = (900, 1);

        let lane = lane(&marks, "net <1>", Zone::default()).into_string();
        let hours = hours(&traffic).into_string();

        assert!(
            lane.contains(r#"role="img" aria-label="net &lt;1&gt;: 7 marks between "#),
            "{lane}"
        );
        assert!(hours.contains("903 reported, 2 not; at most 901 an hour"), "{hours}");
        let style = include_str!("assets/console.css");
        for svg in [&lane, &hours] {
            assert!(svg.contains("<svg") && !svg.contains("style="), "{svg}");
            for name in ["fill", "stroke"] {
                let attribute = format!(" {name}=\"#");
                let colours = svg.split(&attribute).skip(1);
                for colour in colours.filter_map(|rest| rest.split('"').next()) {
                    let rule = format!("[{name}=\"#{colour}\"]");
                    assert!(style.contains(&rule), "{rule} in {svg}");
                }
            }
        }
    }
}
