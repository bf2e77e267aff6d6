//! The classification of any answer.

use std::time::Duration;

use fastrand::Rng;
use postback_core::{
    delivery::{Attempt, Verdict},
    http::Answer,
    network::Network,
};
use serde_json::json;

use super::Bench;
use crate::{
    NOW,
    corpus::{recorded, verdict_words},
    noise,
};

impl<N: Network> Bench<'_, N> {
    pub(super) fn the_transport_is_read_alike(&self, faults: &mut Vec<String>) {
        let classes: [(&[u16], &str); 5] = [
            (&[301, 302, 303, 307, 308], "parked"),
            (&[401, 402, 403, 404, 405, 407, 409, 410, 415, 418, 499], "parked"),
            (&[400, 406, 411, 413, 414, 416, 417, 422, 431, 451], "rejected"),
            (&[429, 503, 521, 523], "retrying"),
            (&[408, 425, 500, 502, 504, 520, 522, 524], "unconfirmed"),
        ];
        let bodies = [Vec::new(), b"garbage".to_vec()].into_iter().chain(noise::pages());
        for body in bodies {
            for (statuses, expected) in &classes {
                for status in *statuses {
                    let mut answer = Answer::new(*status, body.clone());
                    answer.retry_after = Some(Duration::from_secs(77));
                    let verdict = self.verdict(&answer);
                    let words = verdict_words(&verdict);
                    if words[0] != **expected {
                        faults.push(format!("{status} is `{}`, not {expected}", words.join(" ")));
                    }
                    if *status == 503
                        && !is_in_doubt(&self.verdict(&Answer::new(503, body.clone())))
                    {
                        faults.push("a 503 without Retry-After is no doubt".to_owned());
                    }
                    if let Verdict::Retry { after, sent, .. } = verdict
                        && (after != answer.retry_after || !sent)
                    {
                        faults.push(format!("{status}: Retry-After, or that it was sent, is lost"));
                    }
                }
            }
        }
    }

    /// A redirect is never followed, and its body proves nothing.
    pub(super) fn a_redirect_is_parked_whatever_its_body_says(&self, faults: &mut Vec<String>) {
        for file in recorded(self.subject.answers) {
            for status in [300, 302, 304, 399] {
                let verdict = self.verdict(&Answer { status, ..file.answer.clone() });
                if verdict != Verdict::parked("redirected") {
                    faults.push(format!("{} is not parked under {status}", file.name));
                }
            }
        }
    }

    pub(super) fn nothing_is_delivered_from_noise(&self, faults: &mut Vec<String>) {
        let means_nothing = |verdict: &Verdict| match verdict {
            Verdict::Unconfirmed { .. } => true,
            Verdict::Accepted(_) => !self.subject.confirms,
            _ => false,
        };
        let mut rng = Rng::with_seed(1);
        let random = (0..2_000).map(|_| noise::random(&mut rng));
        for body in noise::nothings().into_iter().chain(random) {
            for status in [200, 204] {
                let verdict = self.verdict(&Answer::new(status, body.clone()));
                if !means_nothing(&verdict) {
                    let (start, is) = (excerpt(&body), verdict_words(&verdict).join(" "));
                    faults.push(format!("{status} {start} is `{is}`"));
                }
            }
        }
        for body in noise::pages() {
            let verdict = self.verdict(&Answer::new(200, body.clone()));
            if !matches!(verdict, Verdict::Unconfirmed { .. }) {
                let (start, is) = (excerpt(&body), verdict_words(&verdict).join(" "));
                faults.push(format!("200 {start} is `{is}`"));
            }
        }
    }

    pub(super) fn nothing_panics_and_nothing_is_given_away(&self, faults: &mut Vec<String>) {
        let mut rng = Rng::with_seed(2);
        let files = recorded(self.subject.answers);
        for round in 0..4_000 {
            let file = &files[round % files.len()];
            let status = if rng.bool() { 200 } else { rng.u16(100..600) };
            let answer = Answer::new(status, noise::mutated(&mut rng, &file.answer.body));
            let attempt = Attempt { number: rng.u32(1..30), at: NOW, in_doubt: rng.bool() };
            self.gives_nothing_away(&answer, &attempt, &file.name, faults);
        }
        // Where the network's own id or code stands, too: what stands there may be an echo.
        for file in &files {
            for canary in self.subject.canaries {
                for body in noise::each_word_replaced(&file.answer.body, canary) {
                    let answer = Answer { body, ..file.answer.clone() };
                    self.gives_nothing_away(&answer, &file.attempt, &file.name, faults);
                }
            }
        }
    }

    fn gives_nothing_away(
        &self,
        answer: &Answer,
        attempt: &Attempt,
        name: &str,
        faults: &mut Vec<String>,
    ) {
        let classification = self.classify(answer, attempt);
        let kept = json!([classification.references, classification.details]);
        for shown in [kept.to_string(), format!("{classification:?}"), format!("{answer:?}")] {
            if let Some(canary) = self.canary_in(&shown) {
                faults.push(format!("{name}: an answer that echoes {canary} gives it away"));
            }
        }
    }
}

const fn is_in_doubt(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unconfirmed { .. })
}

fn excerpt(body: &[u8]) -> String {
    let start = &body[..body.len().min(60)];
    format!("{:?}", String::from_utf8_lossy(start))
}
