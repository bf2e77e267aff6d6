//! The control API over HTTP, as a test in another language uses it.

use crate::client::{
    Tested, add, click, completion, confirmation, conversion, exchange, get, lead, list, post,
};
use postback_sandbox::{Network, Options, Sandbox};
use serde_json::json;

#[tokio::test]
async fn everything_received_can_be_read_back() -> Tested {
    let sandbox = Sandbox::start().await;
    get(&sandbox, &completion(&sandbox, "abc")).await?;
    get(&sandbox, &confirmation("a%2Bb%40example.com")).await?;
    post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?;
    get(&sandbox, &list("A-0,A-1")).await?;
    get(&sandbox, &conversion("A-1", &click("a"))).await?;

    let all = get(&sandbox, "/_received").await?.json()?;
    let of_lead = get(&sandbox, "/_received?network=cpa_moe&order=A-1").await?.json()?;
    let unknown = get(&sandbox, "/_received?network=shopback&order=A-2").await?.json()?;

    let seen = |name: &str| -> Vec<_> {
        all.as_array().into_iter().flatten().map(|received| received[name].clone()).collect()
    };
    assert_eq!(seen("seq"), [1, 2, 3, 4, 5]);
    assert_eq!(seen("order"), ["abc", "a+b@example.com", "A-1", "A-0,A-1", "A-1"]);
    assert_eq!(seen("call"), ["order-complete", "confirmation", "add", "list", "conversion"]);
    assert_eq!(seen("effect"), [true, true, true, false, true]);
    assert_eq!(all[1]["path"], "/ss/v1/");
    assert_eq!(all[1]["params"][2], json!(["email", "a+b@example.com"]));
    assert!(all[1]["query"].as_str().is_some_and(|query| query.contains("a%2Bb%40")));
    assert_eq!(all[2]["headers"]["content-type"], "application/json");
    assert_eq!(all[2]["body"], lead("\"A-1\"", 217));
    assert_eq!(all[4]["answered"], json!({"status": 200, "body": "success=true;", "fault": null}));
    assert_eq!(of_lead.as_array().map(Vec::len), Some(2));
    assert_eq!(unknown, json!([]));
    Ok(())
}

#[tokio::test]
async fn effects_of_each_network_can_be_counted() -> Tested {
    let sandbox = Sandbox::start().await;
    for _ in 0..2 {
        get(&sandbox, &confirmation("a%40example.com")).await?;
        get(&sandbox, &conversion("A-1", &click("a"))).await?;
    }

    let held = get(&sandbox, "/_held").await?.json()?;
    let one = get(&sandbox, "/_held?network=shopback&order=A-1").await?.json()?;
    let totals = get(&sandbox, "/_held?totals=1").await?.json()?;

    assert_eq!(held["cartstack"]["a@example.com"]["count"], 2);
    assert_eq!(held["cartstack"]["a@example.com"]["amounts"], json!(["14.99", "14.99"]));
    assert_eq!(held["cashmycell"], json!({}));
    assert_eq!(one["shopback"]["A-1"]["count"], 1);
    assert_eq!(one.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(
        totals["cartstack"],
        json!({"orders": 1, "effects": 2, "more_than_once": ["a@example.com"]})
    );
    Ok(())
}

#[tokio::test]
async fn violations_name_the_request() -> Tested {
    let sandbox = Sandbox::start().await;
    get(&sandbox, &format!("{}&x=1", conversion("A-1", &click("a")))).await?;

    let violations = get(&sandbox, "/_violations?network=shopback").await?.json()?;

    let what = "x is not a documented parameter";
    let expected = json!([{"seq": 1, "network": "shopback", "order": "A-1", "what": what}]);
    assert_eq!(violations, expected);
    assert_eq!(get(&sandbox, "/_violations?network=cartstack").await?.json()?, json!([]));
    Ok(())
}

#[tokio::test]
async fn rules_outages_and_releases_work_over_http() -> Tested {
    let sandbox = Sandbox::start().await;
    let rule =
        r#"{"network":"shopback","order":"A-1","after":1,"fault":{"answer":{"status":503}}}"#;
    assert_eq!(post(&sandbox, "/_script", rule).await?.json()?, json!({"rules": 1}));
    assert_eq!(get(&sandbox, "/_script").await?.json()?[0]["times"], 1);
    let target = conversion("A-1", &click("a"));

    assert_eq!(get(&sandbox, &target).await?.status, 200);
    assert_eq!(get(&sandbox, &target).await?.status, 503);
    assert_eq!(get(&sandbox, &target).await?.status, 200);

    let down = r#"{"network":"shopback","on":true,"fault":{"hang":true}}"#;
    post(&sandbox, "/_outage", down).await?;
    let (answer, released) = tokio::join!(get(&sandbox, &target), async {
        sandbox.wait_for_received(Network::ShopBack, "A-1", 4).await;
        post(&sandbox, "/_release", "").await
    });
    assert_eq!(released?.status, 200);
    assert_eq!(answer?.status, 200);
    post(&sandbox, "/_outage", r#"{"network":"shopback","on":false}"#).await?;
    assert_eq!(get(&sandbox, &target).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn accounts_settings_leads_and_the_clock_change_in_part() -> Tested {
    let sandbox = Sandbox::start().await;
    let before = sandbox.accounts();

    let token = r#"{"shopback":{"security_token":"ffffffffffffffffffffffffffffffff"}}"#;
    post(&sandbox, "/_accounts", token).await?;
    post(&sandbox, "/_settings", r#"{"cpa_moe":{"ids_as_strings":true}}"#).await?;
    let clock = post(&sandbox, "/_clock", r#"{"now_ms":1704067200000,"advance_ms":5}"#).await?;
    let added = post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?.json()?;
    let moved = post(&sandbox, "/_leads", r#"{"stage":"approve","status":10}"#).await?;
    let leads = get(&sandbox, "/_leads?id=A-1").await?.json()?;

    assert_eq!(sandbox.accounts().shopback.offer_id, before.shopback.offer_id);
    assert_ne!(sandbox.accounts().shopback, before.shopback);
    assert_eq!(clock.json()?, json!({"now_ms": 1_704_067_200_005_u64, "frozen": true}));
    assert_eq!(added["id"], "500001");
    assert_eq!(moved.json()?, json!({"updated": 1}));
    assert_eq!((&leads[0]["stage"], &leads[0]["status"]), (&json!("approve"), &json!(10)));

    post(&sandbox, "/_reset", "").await?;
    assert_eq!(sandbox.accounts(), before);
    assert_eq!(get(&sandbox, "/_clock").await?.json()?["frozen"], false);
    let health = get(&sandbox, "/_health").await?.json()?;
    assert_eq!((&health["received"], &health["hanging"]), (&json!(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn mistakes_in_the_control_api_get_a_400() -> Tested {
    let sandbox = Sandbox::start().await;

    for (target, body) in [
        ("/_script", r#"{"fault":{"sleep":1}}"#),
        ("/_script", r#"{"network":"paypal","fault":{"hang":true}}"#),
        ("/_script", r#"{"network":"shopback","fault":{"close":"at_accept"}}"#),
        ("/_script", "{"),
        ("/_settings", r#"{"shopback":{"lines":true}}"#),
        ("/_accounts", r#"{"shopback":{"offer_id":"x"}}"#),
        ("/_clock", r#"{"now":1}"#),
        ("/_leads", r#"{"stages":"x"}"#),
    ] {
        let reply = post(&sandbox, target, body).await?;
        assert_eq!(reply.status, 400, "{target} {body}");
        assert!(reply.json()?["error"].is_string());
    }
    assert_eq!(get(&sandbox, "/_held?network=paypal").await?.status, 400);
    assert_eq!(get(&sandbox, "/_nothing").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_not_http_are_refused_and_noted() -> Tested {
    let sandbox = Sandbox::start().await;

    for bytes in
        ["hello\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"]
    {
        let answer = exchange(&sandbox, bytes).await?;
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{bytes}");
    }

    assert_eq!(
        sandbox.violations().iter().filter(|violation| violation.network.is_none()).count(),
        4
    );
    Ok(())
}

#[tokio::test]
async fn the_record_is_bounded_and_the_effects_are_not() -> Tested {
    let options = Options { record_limit: 3, ..Options::default() };
    let sandbox = Sandbox::start_with(options).await?;

    for order in 0..10 {
        let order = order.to_string();
        get(&sandbox, &conversion(&order, &click(&order))).await?;
    }

    let kept: Vec<_> =
        sandbox.received(Network::ShopBack).iter().map(|received| received.seq).collect();
    assert_eq!(kept, [8, 9, 10]);
    assert_eq!(sandbox.requests(), 10);
    assert_eq!(sandbox.totals(Network::ShopBack).effects, 10);
    Ok(())
}
