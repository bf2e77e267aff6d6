//! Any answer of CashMyCell: the status decides, and whether it is a page for people.

#![no_main]

use std::sync::LazyLock;

use cashmycell::CashMyCell;
use libfuzzer_sys::fuzz_target;
use postback_core::{delivery::Verdict, http::Answer, network::Network};
use postback_fuzz::{
    answers::{given, is_sound},
    networks::{self, Fixture},
    seeds,
};

static FIXTURE: LazyLock<Fixture<CashMyCell>> = LazyLock::new(networks::cashmycell);

fuzz_target!(init: seeds::from_answers(&["cashmycell/answers"]), |data: &[u8]| {
    let Some(mut given) = given(data) else { return };
    let content_type = given.flag(0).then_some("text/html");
    let encoding = given.flag(1).then_some("gzip");
    given.answer = given.answer.with_headers(content_type, encoding);

    let classification = FIXTURE.network.verdict(&FIXTURE.report, &given.answer, &given.attempt);

    is_sound(&classification);
    if given.answer.is_success() {
        // UTF-16 has a nought beside every letter, and a mark that is no UTF-8.
        let text = given.text().to_lowercase().replace('\0', "");
        let is_mark = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{fffd}');
        let text = text.trim_start_matches(is_mark);
        let page = ["<!doctype html", "<html", "<head", "<body", "<title", "<script"];
        let frames = ["<!doctype html", "<html", "<body"];
        if given.answer.is_encoded || (given.answer.is_typed_html() && !given.text().is_empty()) {
            assert!(matches!(classification.verdict, Verdict::Unconfirmed { .. }));
        } else if !text.starts_with('<') && !frames.iter().any(|frame| text.contains(frame)) {
            assert_eq!(classification.verdict, Verdict::Accepted(None));
        } else if page.iter().any(|start| text.starts_with(start)) {
            assert!(matches!(classification.verdict, Verdict::Unconfirmed { .. }));
        }
    } else {
        let bare = Answer { body: Vec::new(), ..given.answer };
        let bare = FIXTURE.network.verdict(&FIXTURE.report, &bare, &given.attempt);
        assert!(!matches!(classification.verdict, Verdict::Delivered(_) | Verdict::Accepted(_)));
        // 1xx is never an answer; what it says of itself may be anything that is not success.
        assert!(bare == classification || given.answer.status < 200, "the body decides");
    }
});
