//! ShopBack's answers: `success=true;`, or `success=false; err_msg=` and a text for people.
//!
//! The texts are those of the document, of
//! <https://support.tune.com/hc/en-us/articles/4413247665431-Receiving-Conversions-via-Postback-URL>
//! and, for what the document leaves out, of the platform's list of conversion statuses:
//! <https://developers.tune.com/network-docs/conversion-status-codes>.

use postback_core::network::by_status;
use postback_core::{
    delivery::{Attempt, Proof, Verdict},
    http::Answer,
    network::Classification,
    redaction::Details,
};

use crate::Report;

/// Classifies an answer to `report`. With `several_offers` a wrong offer says nothing about the
/// others.
pub(crate) fn classify(
    answer: &Answer,
    report: &Report,
    attempt: &Attempt,
    several_offers: bool,
) -> Classification {
    if answer.is_redirect() {
        return by_status(answer).into();
    }
    let text = answer.text();
    let refusal = match first_pair(&text) {
        Some((true, _)) => return Verdict::Delivered(Proof::Response).into(),
        Some((false, refusal)) => refusal.to_lowercase(),
        None => return by_status(answer).into(),
    };
    let verdict = match Meaning::of(&refusal) {
        Meaning::InvalidClick => Verdict::rejected("invalid_click"),
        Meaning::OfferMismatch => {
            let details = offers(&refusal, report);
            let verdict = Verdict::parked_alone("offer_mismatch");
            return Classification { details, ..verdict.into() };
        }
        Meaning::Duplicate => duplicate(report, attempt),
        Meaning::CapExceeded => Verdict::rejected("cap_exceeded"),
        Meaning::Token => Verdict::parked("security_token_refused"),
        Meaning::SenderIp => Verdict::parked("ip_refused"),
        Meaning::Protocol => Verdict::parked("wrong_tracking_protocol"),
        Meaning::OfferInactive if several_offers => Verdict::parked_alone("offer_inactive"),
        Meaning::OfferInactive => Verdict::parked("offer_inactive"),
        // Under an error's status, an unknown text leaves the decision to the status.
        Meaning::Unknown if !answer.is_success() => by_status(answer),
        Meaning::Unknown => {
            let details = name(&refusal);
            let verdict = Verdict::rejected("unknown_refusal");
            return Classification { details, ..verdict.into() };
        }
    };
    verdict.into()
}

/// Returns whether the answer is a success; `None` if it is neither.
pub(crate) fn is_success(text: &str) -> Option<bool> {
    first_pair(text).map(|(is_success, _)| is_success)
}

/// Classifies the refusal of a validation. It has no click, and only its own setting can be wrong.
pub(crate) fn refused_validation(answer: &Answer) -> Verdict {
    let text = answer.text();
    let refusal = first_pair(&text).map_or_else(String::new, |(_, text)| text.to_lowercase());
    match Meaning::of(&refusal) {
        Meaning::OfferMismatch => Verdict::parked("offer_mismatch"),
        Meaning::Token => Verdict::parked("security_token_refused"),
        Meaning::SenderIp => Verdict::parked("ip_refused"),
        Meaning::Protocol => Verdict::parked("wrong_tracking_protocol"),
        Meaning::OfferInactive => Verdict::parked("offer_inactive"),
        Meaning::Unknown if !answer.is_success() => by_status(answer),
        Meaning::InvalidClick | Meaning::Duplicate | Meaning::CapExceeded | Meaning::Unknown => {
            Verdict::parked_until_fixed("validation_refused")
        }
    }
}

/// A duplicate of the same click. A second line of one click is none, so in line mode nothing shows
/// whose it is.
fn duplicate(report: &Report, attempt: &Attempt) -> Verdict {
    match (report.line(), attempt.in_doubt) {
        (None, _) => Verdict::Duplicate,
        (Some(_), true) => Verdict::unconfirmed("duplicate_of_a_line"),
        (Some(_), false) => Verdict::rejected("duplicate_elsewhere"),
    }
}

/// Parses the first pair: success or not, and the rest behind it. The document also spells `sucess`.
fn first_pair(text: &str) -> Option<(bool, &str)> {
    let (key, rest) = text.split_once('=')?;
    let key = key.trim_end();
    if !["success", "sucess"].iter().any(|known| key.eq_ignore_ascii_case(known)) {
        return None;
    }
    let rest = rest.trim_start();
    let (value, rest) = rest.split_once([';', '\r', '\n']).unwrap_or((rest, ""));
    let value = value.trim_end();
    let words = [("true", true), ("false", false)];
    let (_, is_success) = words.iter().find(|(word, _)| value.eq_ignore_ascii_case(word))?;
    Some((*is_success, rest))
}

/// The subject of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    InvalidClick,
    OfferMismatch,
    Duplicate,
    CapExceeded,
    Token,
    SenderIp,
    Protocol,
    OfferInactive,
    Unknown,
}

impl Meaning {
    /// The meaning of a text in lower case. A text with two meanings proves neither.
    fn of(text: &str) -> Self {
        let words = Words::of(text);
        let known = [
            (Self::InvalidClick, words.say_invalid_click()),
            (Self::OfferMismatch, words.say_offer_mismatch()),
            (Self::Duplicate, words.say_duplicate()),
            (Self::CapExceeded, words.any(&["cap", "caps"])),
            (Self::Token, words.say_of_settings(&["token"])),
            (Self::SenderIp, words.say_of_settings(&["ip", "whitelist", "whitelisted"])),
            (Self::Protocol, words.say_of_settings(&["protocol"])),
            (Self::OfferInactive, words.say_offer_inactive()),
        ];
        let mut found = known.into_iter().filter(|(_, found)| *found).map(|(meaning, _)| meaning);
        match (found.next(), found.next()) {
            (Some(meaning), None) => meaning,
            _ => Self::Unknown,
        }
    }
}

/// The words of a refusal, without echoes: `#` begins a click id or an offer, and anybody can write a
/// click id into a link. A click id `token` must not stop all orders.
struct Words<'t>(Vec<&'t str>);

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        let echoed = |word: &&str| !word.starts_with('#');
        let parts = text.split_whitespace().filter(echoed);
        let words = parts.flat_map(|part| part.split(|c: char| !c.is_alphanumeric()));
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    fn any(&self, known: &[&str]) -> bool {
        self.0.iter().any(|word| known.contains(word))
    }

    /// Returns whether one of `first` is right before one of `second`.
    fn pair(&self, first: &[&str], second: &[&str]) -> bool {
        self.0.windows(2).any(|pair| first.contains(&pair[0]) && second.contains(&pair[1]))
    }

    /// Returns whether the text is about this click, and so not about a setting.
    fn name_the_click(&self) -> bool {
        self.any(&["trans", "transaction", "click", "session"])
    }

    fn say_of_settings(&self, known: &[&str]) -> bool {
        !self.name_the_click() && self.any(known)
    }

    fn say_invalid_click(&self) -> bool {
        self.pair(&["invalid"], &["trans", "transaction", "click"])
    }

    fn say_offer_mismatch(&self) -> bool {
        self.any(&["offer"]) && self.any(&["match", "matches", "mismatch"])
    }

    fn say_duplicate(&self) -> bool {
        const OF: &[&str] = &["recorded", "conversion", "trans", "transaction"];
        let rest = self.0.iter().skip_while(|word| **word != "duplicate");
        rest.skip(1).any(|word| OF.contains(word))
    }

    fn say_offer_inactive(&self) -> bool {
        const GONE: &[&str] =
            &["inactive", "paused", "expired", "disabled", "deleted", "terminated"];
        const NOT: &[&str] = &["active", "available", "found"];
        let gone =
            self.any(GONE) || self.pair(&["not"], NOT) || self.pair(&["invalid"], &["offer"]);
        gone && self.say_of_settings(&["offer"])
    }
}

/// The name of a refusal that the platform lists without saying what to do.
fn name(text: &str) -> Details {
    const LISTED: [(&str, &str); 3] = [
        ("known proxy", "known_proxy"),
        ("no referral url", "no_referral_url"),
        ("pixel loop", "affiliate_pixel_loop"),
    ];
    let listed = LISTED.iter().find(|(listed, _)| text.contains(listed));
    listed.map_or_else(Details::none, |(_, name)| Details::none().code("refusal", name))
}

/// The two offers of a mismatch: ours, and the click's. A number that we sent is an echo and no
/// offer.
fn offers(text: &str, report: &Report) -> Details {
    let number = |label: &str| -> Option<u64> {
        let (_, rest) = text.split_once(label)?;
        let rest = rest.trim_start_matches([' ', '#']);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = &rest[..end];
        digits.parse().ok().filter(|_| !report.is_echoed_in(digits))
    };
    let details = Details::none();
    let details = match number("request offer") {
        Some(offer) => details.number("request_offer", offer),
        None => details,
    };
    match number("session offer") {
        Some(offer) => details.number("session_offer", offer),
        None => details,
    }
}
