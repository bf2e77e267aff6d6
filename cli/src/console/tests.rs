//! The pages over an embedded ledger: the door, what is shown, and what is written.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use postback_core::{
    delivery::{Facts, State},
    redaction::{Details, Reason},
};

mod bed;
mod letters;
mod lists;
mod order;
mod reading;
mod reports;
mod unclaimed;
mod writes;

use bed::{Bed, HOST, ORIGIN, delivery};

const PAGES: [&str; 8] =
    ["/", "/networks", "/orders", "/decide", "/replay", "/money", "/activity", "/nowhere"];

#[tokio::test]
async fn the_token_opens_the_console_for_one_browser() {
    let mut bed = Bed::closed(false).await;
    let url = format!("/open?token={}", bed.token);

    for path in PAGES.into_iter().chain(["/console.css", "/open", "/open?token=", "/open?token=01"])
    {
        assert_eq!(bed.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let entered = bed.get(&url).await;
    assert_eq!(
        (entered.status, &entered.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/".parse().expect("a value"))
    );
    let cookie = entered.headers[header::SET_COOKIE].to_str().expect("text");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert!(!cookie.contains(&bed.token), "{cookie}");
    // Once.
    assert_eq!(bed.get(&url).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bed.get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_forged_host_reaches_nothing_and_spends_no_token() {
    let mut bed = Bed::closed(false).await;

    let url = format!("/open?token={}", bed.token);
    for host in ["evil.example", "evil.example:4600", "127.0.0.1", "127.0.0.1:80", "[::1]:4600", ""]
    {
        let request = Request::get(&url).header(header::HOST, host).body(Body::empty());
        let answer = bed.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert_eq!(bed.get(&url).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_or_without_the_key_is_refused() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    let fields =
        "order=A-1&delivery=net&attempt=1&conflicts=0&decisions=0&decision=confirm&why=seen";
    let keyed = format!("{fields}&key={}", "03".repeat(32));

    let foreign: [&[(&'static str, &str)]; 5] = [
        &[],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        // Another port is another origin, and so is another name.
        &[("origin", "http://localhost:4600")],
        &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
    ];
    for headers in foreign {
        let answer = bed.form("/decide/preview", &keyed, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    for key in ["", "&key=", "&key=01"] {
        let fields = format!("{fields}{key}");
        let answer = bed.form("/decide/preview", &fields, &[("origin", ORIGIN)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{key}");
    }
    assert_eq!(bed.submit("/decide/preview", fields).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_no_page_has_script_or_style_of_its_own() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed"), delivery("A-2", "parked")]).await;

    for path in PAGES.into_iter().chain(["/order?id=A-1", "/console.js", "/open"]) {
        let answer = bed.get(path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        let is = |name: &str, value: &str| assert_eq!(answer.headers[name], value, "{path}");
        is("x-frame-options", "DENY");
        is("x-content-type-options", "nosniff");
        is("cache-control", "no-store");
        is("referrer-policy", "same-origin");
        if answer.text.starts_with("<!DOCTYPE") {
            assert_eq!(answer.text.matches("<script").count(), 1, "{path}");
            assert!(
                !answer.text.contains(" style=") && !answer.text.contains(" onclick="),
                "{path}"
            );
            assert!(answer.text.contains("<html lang=\"en\">"), "{path}");
            assert_eq!(answer.text.matches("<h1>").count(), 1, "{path}");
        }
    }
}

#[tokio::test]
async fn hostile_order_ids_are_shown_as_text() {
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&#\u{202e}";
    let mut bed = Bed::open(true).await;
    let mut record = delivery(hostile, "unconfirmed");
    record.delivery = "net#<b>1</b>".to_owned();
    bed.put([record]).await;

    let encoded = "%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%27%26%23%E2%80%AE";
    let preview = format!(
        "order={encoded}&delivery=net%23%3Cb%3E1%3C%2Fb%3E&attempt=1&conflicts=0&decisions=0&decision=confirm&why=%3Cb%3E"
    );
    let mut pages = vec![bed.submit("/decide/preview", &preview).await];
    let paths = ["/", "/orders", "/decide?which=held"].map(str::to_owned);
    let order = format!("/order?id={encoded}");
    let nothing = format!("/orders?which=open&reason={encoded}");
    for path in paths.into_iter().chain([order, nothing, format!("/order?id=x{encoded}")]) {
        pages.push(bed.get(&path).await);
    }

    for page in &pages {
        assert!(
            !page.text.contains("<script>alert") && !page.text.contains("<img"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("<b>"), "{}", page.text);
        // A form keeps it as it is, and nothing else does.
        let shown: String = page
            .text
            .split(" value=\"")
            .map(|it| it.split_once('"').map_or(it, |(_, rest)| rest))
            .collect();
        assert!(!shown.contains('\u{202e}'), "{}", page.text);
    }
    let shown = pages.iter().filter(|page| page.text.contains("&lt;script&gt;alert(1)")).count();
    assert_eq!(shown, 6, "all but the first page name the order");
    // Its link leads to it.
    assert!(
        pages[2].text.contains(&format!("href=\"/order?id={}", &encoded[..12])),
        "{}",
        pages[2].text
    );
    assert_eq!(pages[4].status, StatusCode::OK);
}

#[tokio::test]
async fn without_write_nothing_can_be_changed() {
    let mut bed = Bed::open(false).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;

    for path in
        ["/decide/preview", "/decide/run", "/letters/run", "/pause", "/replay/run", "/nowhere"]
    {
        let answer = bed.submit(path, "order=A-1&delivery=net&decision=confirm&why=w&id=1").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("Start it with --write"), "{}", answer.text);
    }
    for path in PAGES.into_iter().chain(["/order?id=A-1", "/decide?which=held"]) {
        // The form of a report only compares.
        let page =
            bed.get(path).await.text.replace("action=\"/decide/report\" method=\"post\"", "");
        assert!(!page.contains("method=\"post\""), "{path}");
    }
    assert_eq!(bed.record("A-1").await.protocol.state, State::Unconfirmed);
}

#[tokio::test]
async fn what_needs_a_person_is_found_with_its_money() {
    let mut bed = Bed::open(true).await;
    assert!(bed.get("/").await.text.contains("Nothing needs you."));
    let because = |order_id: &str, state: &str, reason: &'static str| {
        let mut record = delivery(order_id, state);
        record.protocol.reason = Some(Reason::new(reason));
        record
    };
    Box::pin(bed.put([
        because("A-1", "unconfirmed", "answer_lost"),
        because("A-2", "unconfirmed", "answer_lost"),
        because("A-3", "parked", "wrong_key"),
        because("A-4", "rejected", "duplicate_elsewhere"),
        because("A-5", "delivered", "x"),
    ]))
    .await;

    // What was read a moment ago is shown again; a decision has it read anew.
    assert!(bed.get("/").await.text.contains("Nothing needs you."));
    bed.submit("/letters/run", "network=net").await;
    let page = bed.get("/").await.text;

    assert!(page.contains("net: 2 wait for a person (answer_lost): 21 EUR"), "{page}");
    assert!(page.contains("net: 1 is parked (wrong_key): 10.5 EUR"), "{page}");
    assert!(
        page.contains("net: 1 was refused unclearly (duplicate_elsewhere): 10.5 EUR"),
        "{page}"
    );
    assert!(page.contains("/orders?which=held&amp;network=net&amp;reason=answer%5Flost"), "{page}");
    assert!(!page.contains("Nothing needs you."), "{page}");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_never_calm() {
    let mut bed = Bed::open(true).await;
    bed.table.fail_all(Some("Scan"));

    for path in ["/", "/networks", "/money", "/activity", "/orders"] {
        let page = bed.get(path).await.text;
        assert!(page.contains("could not be reached for Scan"), "{path}: {page}");
        let part = if path == "/" { "part of what waits only" } else { "part of the ledger only" };
        assert!(page.contains(part), "{path}: {page}");
        let nothing = ["needs you", "matches", "changed in"].map(|verb| format!("Nothing {verb}"));
        for calm in nothing.iter().map(String::as_str).chain(["holds no money", "Nobody has"]) {
            assert!(!page.contains(calm), "{path}: {page}");
        }
    }
    // A file has no place for such words.
    for path in ["/money.csv", "/orders.csv"] {
        assert_eq!(bed.get(path).await.status, StatusCode::BAD_GATEWAY, "{path}");
    }
    let preview = bed.submit("/decide/preview", "which=held&decision=confirm&why=w").await;
    assert_eq!(preview.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn pauses_that_cannot_be_read_hide_nothing_else_and_are_never_calm() {
    let mut bed = Bed::open(true).await;
    bed.table.fail_all(Some("Query"));

    for path in ["/", "/networks"] {
        let page = bed.get(path).await.text;
        assert!(page.contains("Pauses are not shown: The ledger"), "{path}: {page}");
        assert!(!page.contains("Nothing needs you."), "{path}: {page}");
        assert!(!page.contains("dead letters are not shown"), "{path}: {page}");
    }
}

#[tokio::test]
async fn an_order_is_found_by_its_id_the_networks_id_and_its_click() {
    let mut bed = Bed::open(false).await;
    let mut by_id = delivery("A-1", "delivered");
    by_id.references = Details::none().id("conversion", "9912345");
    let mut by_click = delivery("B-2", "parked");
    by_click.protocol.facts = Facts::none().digest("click", "click-77");
    bed.put([by_id, by_click]).await;

    let exact = bed.get("/orders?find=A-1").await;
    assert_eq!(&exact.headers[header::LOCATION], "/order?id=A%2D1");
    for (query, found, not) in [
        ("find=9912345", "A-1", "B-2"),
        ("find=click-77", "B-2", "A-1"),
        ("which=parked", "B-2", "A-1"),
        ("min-amount=10", "A-1", "B-2"),
        ("which=delivered&network=net&sort=amount", "A-1", "B-2"),
    ] {
        let page = bed.get(&format!("/orders?{query}")).await.text;
        assert!(page.contains(&format!(">{found}</bdi>")), "{query}: {page}");
        assert!(!page.contains(&format!(">{not}</bdi>")), "{query}: {page}");
    }
    let file = bed.get("/orders.csv?which=delivered").await;
    assert!(
        file.text.starts_with("order_id,network,line,state") && file.text.contains("A-1,net"),
        "{file:?}"
    );
    let wrong = bed.get("/orders?which=lost").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("usage"), "{}", wrong.text);
}

#[tokio::test]
async fn localhost_is_the_same_console() {
    let mut bed = Bed::closed(false).await;
    let url = format!("/open?token={}", bed.token);
    let request = Request::get(&url).header(header::HOST, HOST.replace("127.0.0.1", "localhost"));

    let entered = bed.send(request.body(Body::empty()).expect("a request")).await;

    assert_eq!(entered.status, StatusCode::SEE_OTHER);
}
