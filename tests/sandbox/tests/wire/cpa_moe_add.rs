//! cpa.moe's add call.

use crate::client::{Tested, add, get, lead, post, request, send};
use postback_sandbox::cpa_moe::MAGIC_OFFERS;
use postback_sandbox::{Network, Sandbox};

/// The instant of the document's `ts=1704067200000`.
const DOCUMENTS_TS: u64 = 1_704_067_200_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn accepts_the_documents_examples_without_their_trailing_commas() -> Tested {
    let sandbox = Sandbox::start().await;
    let goods = r#"{"id":112358,"wm":42,"offer":217,"ip":"12.34.56.78","name":"Jane Doe","phone":"79000000000",
        "country":"ru","items":[{"id":135,"price":9900,"count":1}]}"#;
    let params = r#"{"id":112358,"wm":42,"offer":217,"ip":"12.34.56.78","name":"John","phone":"77000000000",
        "country":"kz","params":{"sirname":"Doe","phonecc":"+7"}}"#;

    for body in [&lead("112358", 217), goods, params] {
        let reply = post(&sandbox, &add(), body).await?.json()?;

        assert_eq!((&reply["status"], &reply["uid"]), (&"ok".into(), &112_358.into()));
    }
    assert_eq!(sandbox.violations(), []);
    assert_eq!(sandbox.held(Network::CpaMoe, "112358").len(), 3);

    let verbatim = lead("112358", 217).replace("\"kz\"}", "\"kz\",}");
    let refused = post(&sandbox, &add(), &verbatim).await?.json()?;
    assert_eq!(refused, serde_json::json!({"status": "error", "error": "data"}));
    assert_eq!(sandbox.held(Network::CpaMoe, "112358").len(), 3);
    Ok(())
}

#[tokio::test]
async fn names_missing_and_malformed_fields() -> Tested {
    let sandbox = Sandbox::start().await;
    let right = lead("\"A-1\"", 217);

    for (from, to, error) in [
        (r#""id":"A-1","#, "", "noid"),
        (r#""offer":217,"#, "", "nooffer"),
        (r#""phone":"77000000000","#, "", "nophone"),
        ("77000000000", "+7 700 000", "data"),
        ("12.34.56.78", "10.0.0.1", "data"),
        ("\"kz\"", "\"KZ\"", "data"),
        (r#""wm":42,"#, r#""wm":42,"colour":"red","#, "data"),
    ] {
        let before = sandbox.violations().len();

        let reply = post(&sandbox, &add(), &right.replace(from, to)).await?;

        assert_eq!((reply.status, &reply.json()?["error"]), (200, &error.into()), "{to}");
        assert!(sandbox.violations().len() > before, "{to}");
    }
    assert_eq!(sandbox.totals(Network::CpaMoe).effects, 0);
    Ok(())
}

#[tokio::test]
async fn reads_fields_in_a_json_body_only() -> Tested {
    let sandbox = Sandbox::start().await;
    let body = lead("\"A-1\"", 217);
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let in_query = format!("{}&offer=217&phone=77000000000", add());

    let as_form = send(&sandbox, request("POST", &add(), form, &body)).await?;
    let as_get = get(&sandbox, &in_query).await?;
    let with_charset = "content-type: Application/JSON; charset=utf-8\r\n";
    let as_json = send(&sandbox, request("POST", &add(), with_charset, &body)).await?;

    assert_eq!(as_form.json()?["error"], "noid");
    assert_eq!(as_get.json()?["error"], "noid");
    assert_eq!(as_json.json()?["status"], "ok");
    assert_eq!(sandbox.violations().iter().filter(|violation| violation.seq == 3).count(), 0);
    Ok(())
}

#[tokio::test]
async fn every_error_is_reachable_without_a_violation() -> Tested {
    let sandbox = Sandbox::start().await;

    for (offer, error) in MAGIC_OFFERS {
        let reply = post(&sandbox, &add(), &lead("1", offer)).await?.json()?;
        assert_eq!(reply["error"], error);
    }
    let phone = lead("1", 217).replace("77000000000", "79000000666");
    assert_eq!(post(&sandbox, &add(), &phone).await?.json()?["error"], "ban");
    let ip = lead("1", 217).replace("12.34.56.78", "198.51.100.66");
    assert_eq!(post(&sandbox, &add(), &ip).await?.json()?["error"], "ban");
    let key = add().replace("fake0key0", "fake1key1");
    assert_eq!(post(&sandbox, &key, &lead("1", 217)).await?.json()?["error"], "key");
    assert_eq!(sandbox.totals(Network::CpaMoe).effects, 0);

    assert_eq!(post(&sandbox, &add(), &lead("2", 9021)).await?.json()?["error"], "db");
    assert_eq!(
        post(&sandbox, &add(), &lead("3", 9022)).await?.json()?["id"],
        serde_json::Value::Null
    );
    assert_eq!(post(&sandbox, &add(), &lead("4", 9023)).await?.json()?["error"], "db");
    assert_eq!(sandbox.totals(Network::CpaMoe).effects, 3);
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn the_duplicate_filter_compares_offer_and_contact_but_not_our_id() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    post(&sandbox, &add(), &lead("1", 217)).await?;
    sandbox.change_settings(|settings| settings.cpa_moe.refuse_duplicates = true);

    let same_contact = post(&sandbox, &add(), &lead("2", 217)).await?.json()?;
    let other_offer = post(&sandbox, &add(), &lead("3", 218)).await?.json()?;
    let other_phone = lead("1", 217).replace("77000000000", "77000000001");
    let same_id = post(&sandbox, &add(), &other_phone).await?.json()?;
    sandbox.advance_clock(3 * DAY_MS);
    let days_later = post(&sandbox, &add(), &lead("4", 217)).await?.json()?;

    assert_eq!(same_contact["error"], "duplicate");
    assert_eq!(other_offer["status"], "ok");
    assert_eq!(same_id["status"], "ok");
    assert_eq!(days_later["status"], "ok");
    Ok(())
}

#[tokio::test]
async fn auto_is_accepted_and_a_violation() -> Tested {
    let sandbox = Sandbox::start().await;

    let reply = post(&sandbox, &add(), &lead("\"auto\"", 217)).await?.json()?;

    assert_eq!(reply["uid"], "auto500001");
    assert_eq!(sandbox.violations().len(), 1);
    Ok(())
}
