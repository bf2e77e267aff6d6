//! cpa.moe's list call.

use crate::client::{Tested, add, get, lead, list, post, request, send};
use postback_sandbox::Sandbox;
use postback_sandbox::cpa_moe::LeadUpdate;

/// The instant of the document's `ts=1704067200000`.
const DOCUMENTS_TS: u64 = 1_704_067_200_000;

#[tokio::test]
async fn accepts_ids_in_a_posted_body_and_may_be_an_array() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| settings.cpa_moe.list_as_array = true);
    post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?;
    let target = list("").replace("&ids=", "");
    let form = "content-type: application/x-www-form-urlencoded\r\n";

    let as_json = post(&sandbox, &target, r#"{"ids":"A-1,A-2"}"#).await?.json()?;
    let as_form = send(&sandbox, request("POST", &target, form, "ids=A-1,A-2")).await?.json()?;

    assert_eq!(as_json[0]["id"], "A-1");
    assert_eq!(as_json, as_form);
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn swaps_the_ids_and_shows_the_leads_status() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| settings.cpa_moe.first_lead_id = 9_007_199_254_740_993);

    let added = post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?;
    let listed = get(&sandbox, &list("A-1,A-2")).await?;
    let update = LeadUpdate {
        id: Some("A-1".to_owned()),
        stage: Some("cancel".to_owned()),
        status: Some(5),
        reason: Some(2),
        ..LeadUpdate::default()
    };
    assert_eq!(sandbox.update_leads(&update), 1);
    let cancelled = send(&sandbox, request("POST", &list("A-1"), "", "")).await?;

    assert_eq!(added.text(), r#"{"id":9007199254740993,"status":"ok","uid":"A-1"}"#);
    assert_eq!(
        listed.text(),
        r#"{"A-1":{"id":"A-1","src":42,"stage":"wait","status":1,"uid":9007199254740993}}"#
    );
    assert_eq!(cancelled.json()?["A-1"]["reason"], 2);
    assert_eq!(get(&sandbox, &list("A-2")).await?.text(), "[]");
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn accepts_fifty_ids() -> Tested {
    let sandbox = Sandbox::start().await;
    let ids = |count: usize| (0..count).map(|id| id.to_string()).collect::<Vec<_>>().join(",");

    assert_eq!(get(&sandbox, &list(&ids(50))).await?.text(), "[]");
    assert_eq!(sandbox.violations(), []);
    assert_eq!(get(&sandbox, &list(&ids(51))).await?.json()?["error"], "data");
    assert_eq!(get(&sandbox, &list("")).await?.json()?["error"], "data");
    let wrong = list("1").replace("fake0key0", "fake1key1");
    assert_eq!(get(&sandbox, &wrong).await?.json()?["error"], "key");
    Ok(())
}

#[tokio::test]
async fn may_lag_by_requests_or_by_the_clock() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    sandbox.change_settings(|settings| {
        settings.cpa_moe.list_lag_requests = 2;
        settings.cpa_moe.list_lag_ms = 1000;
    });
    post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?;

    let mut shown = Vec::new();
    for advance in [1000, 0, 0] {
        sandbox.advance_clock(advance);
        shown.push(get(&sandbox, &list("A-1")).await?.text() != "[]");
    }
    post(&sandbox, &add(), &lead("\"A-2\"", 217)).await?;
    sandbox.change_settings(|settings| settings.cpa_moe.list_lag_requests = 0);
    for advance in [999, 0, 1] {
        sandbox.advance_clock(advance);
        shown.push(get(&sandbox, &list("A-2")).await?.text() != "[]");
    }

    assert_eq!(shown, [false, false, true, false, false, true]);
    assert_eq!(sandbox.leads("A-1").len(), 1);
    Ok(())
}
