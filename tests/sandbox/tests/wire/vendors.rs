//! Each network accepts its own document's examples and refuses what its document forbids.

use crate::client::{
    Tested, add, click, completion, confirmation, conversion, get, lead, list, post, request, send,
};
use postback_sandbox::cpa_moe::{LeadUpdate, MAGIC_OFFERS};
use postback_sandbox::shopback::{DEMONSTRATION_CLICK, MAGIC_CLICKS};
use postback_sandbox::{CashMyCellAnswer, Network, Sandbox, ShopBackDuplicates};

/// The instant of the documents' `ts=1704067200000`.
const DOCUMENTS_TS: u64 = 1_704_067_200_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn cashmycells_own_examples_are_accepted() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);

    for query in [
        "status=COMPLETED&order_value=1499&cmc_id=abc123xyz&ts=1704067200000",
        "status=COMPLETED&order_value=1499&cmc_id=abc123xyz789&ts=1704067200000",
        "status=COMPLETED&order_value=100&cmc_id=test123&ts=1704067200000",
        "status=COMPLETED&order_value=14.99&cmc_id=decimal&ts=1704067200000",
    ] {
        let reply =
            get(&sandbox, &format!("/cashmycell/api/v1/public/order-complete?{query}")).await?;

        assert_eq!((reply.status, reply.body.len()), (204, 0), "{query}");
    }

    assert_eq!(sandbox.violations(), []);
    let held = sandbox.held(Network::CashMyCell, "abc123xyz789");
    assert_eq!(held[0].amount.as_deref(), Some("1499"));
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 4);
    Ok(())
}

#[tokio::test]
async fn cashmycell_records_nothing_of_what_its_document_forbids() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    let right = "status=COMPLETED&order_value=1499&cmc_id=abc&ts=1704067200000";

    for (from, to, status) in [
        ("status=COMPLETED", "status=completed", 204),
        ("status=COMPLETED&", "", 400),
        ("order_value=1499", "order_value=", 400),
        ("order_value=1499", "order_value=1%2C499", 204),
        ("order_value=1499", "order_value=-1", 204),
        ("order_value=1499", "order_value=$1,499.99", 204),
        ("cmc_id=abc", "cmc_id=undefined", 204),
        ("cmc_id=abc", "cmc_id=%20", 400),
        ("cmc_id=abc", "cmc_id=a%252Bb", 204),
        ("cmc_id=abc", "cmc_id=a+b", 204),
        ("cmc_id=abc", "cmc_id=a b", 400),
        ("cmc_id=abc", "cmc_id=é", 400),
        ("ts=1704067200000", "ts=1704067200", 204),
        ("ts=1704067200000", "ts=1704067500001", 204),
        ("ts=1704067200000", "ts=1704066899999", 204),
        ("ts=1704067200000", "ts=%2B1704067200000", 204),
    ] {
        let target =
            format!("/cashmycell/api/v1/public/order-complete?{}", right.replace(from, to));
        let before = sandbox.violations().len();

        let reply = get(&sandbox, &target).await?;

        assert_eq!(reply.status, status, "{to}");
        assert!(sandbox.violations().len() > before, "{to}");
    }

    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 0);
    Ok(())
}

#[tokio::test]
async fn cashmycell_allows_five_minutes_and_counts_every_call() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.set_clock(DOCUMENTS_TS);
    let target = completion(&sandbox, "abc");

    for (advance, answer, body) in [
        (300_000, CashMyCellAnswer::NoContent, 0),
        (0, CashMyCellAnswer::Gif, 43),
        (0, CashMyCellAnswer::Text, 2),
    ] {
        sandbox.advance_clock(advance);
        sandbox.change_settings(|settings| settings.cashmycell.answer = answer);
        assert_eq!(get(&sandbox, &target).await?.body.len(), body);
    }
    get(&sandbox, &completion(&sandbox, "unmatched1")).await?;
    get(&sandbox, &format!("{}&reference_id=A-1", completion(&sandbox, "ref"))).await?;

    assert_eq!(sandbox.violations(), []);
    assert_eq!(sandbox.held(Network::CashMyCell, "abc").len(), 3);
    assert_eq!(sandbox.held(Network::CashMyCell, "unmatched1"), []);
    assert_eq!(sandbox.held(Network::CashMyCell, "ref")[0].reference.as_deref(), Some("A-1"));
    assert_eq!(sandbox.totals(Network::CashMyCell).more_than_once, ["abc"]);
    Ok(())
}

#[tokio::test]
async fn an_undocumented_parameter_is_noted_and_the_call_counts() -> Tested {
    let sandbox = Sandbox::start().await;

    get(&sandbox, &format!("{}&currency=INR", completion(&sandbox, "abc"))).await?;
    get(&sandbox, &format!("{}&adv_sub2=", conversion("A-1", &click("a")))).await?;

    let what: Vec<_> = sandbox.violations().into_iter().map(|violation| violation.what).collect();
    assert_eq!(what, ["currency is not a documented parameter", "adv_sub2 is empty"]);
    assert_eq!(sandbox.held(Network::CashMyCell, "abc").len(), 1);
    assert_eq!(sandbox.held(Network::ShopBack, "A-1").len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_broken_on_the_wire_never_reaches_the_vendor() -> Tested {
    let sandbox = Sandbox::start().await;
    let right = conversion("A-1", &click("a"));

    for broken in ["A%zz", "A%FF", "A 1", "Aé", "A\"1", "A\u{1}"] {
        let before = sandbox.violations().len();
        let reply = get(&sandbox, &right.replace("A-1", broken)).await?;
        assert_eq!(reply.status, 400, "{broken}");
        assert!(sandbox.violations().len() > before, "{broken}");
    }
    let without_host = request("GET", &right, "", "").replace("host: sandbox\r\n", "");
    assert_eq!(send(&sandbox, without_host).await?.status, 400);
    assert_eq!(sandbox.totals(Network::ShopBack).effects, 0);
    Ok(())
}

#[tokio::test]
async fn a_get_with_a_body_is_noted() -> Tested {
    let sandbox = Sandbox::start().await;

    for target in [
        conversion("A-1", &click("a")),
        confirmation("a%40example.com"),
        completion(&sandbox, "abc"),
        list("A-1"),
    ] {
        send(&sandbox, request("GET", &target, "", "body")).await?;
    }

    let what = sandbox.violations().into_iter().map(|violation| violation.what);
    assert_eq!(what.collect::<Vec<_>>(), ["a GET with a body"; 4]);
    Ok(())
}

#[tokio::test]
async fn cashmycell_may_ignore_what_is_missing_and_count_a_click_once() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| {
        settings.cashmycell.ignore_missing = true;
        settings.cashmycell.deduplicate = true;
    });
    let right = completion(&sandbox, "abc");

    assert_eq!(get(&sandbox, &right.replace("status=COMPLETED&", "")).await?.status, 204);
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 0);
    get(&sandbox, &right).await?;
    get(&sandbox, &right).await?;
    assert_eq!(sandbox.totals(Network::CashMyCell).effects, 1);
    Ok(())
}

#[tokio::test]
async fn cpa_moes_list_takes_ids_from_a_posted_body_and_may_be_an_array() -> Tested {
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
async fn a_wrong_path_or_method_is_refused_by_every_network() -> Tested {
    let sandbox = Sandbox::start().await;

    for (method, target, status) in [
        ("POST", completion(&sandbox, "abc"), 405),
        ("HEAD", conversion("A-1", &click("a")), 405),
        ("POST", confirmation("a%40example.com"), 405),
        ("DELETE", list("1"), 405),
        ("GET", "/cashmycell/api/v1/order-complete?cmc_id=abc".to_owned(), 404),
        ("GET", "/shopback/aff_lsr/?adv_sub=A-1".to_owned(), 404),
        ("GET", "/cpa_moe/ext/delete.json".to_owned(), 404),
        ("GET", "/elsewhere".to_owned(), 404),
        ("GET", confirmation("a%40example.com").replace("/?", "?"), 301),
    ] {
        let before = sandbox.violations().len();

        let reply = send(&sandbox, request(method, &target, "", "")).await?;

        assert_eq!(reply.status, status, "{method} {target}");
        assert_eq!(sandbox.violations().len(), before + 1, "{method} {target}");
    }
    assert!(Network::ALL.iter().all(|network| sandbox.totals(*network).effects == 0));
    Ok(())
}

#[tokio::test]
async fn cartstack_answers_every_code_of_its_document() -> Tested {
    let sandbox = Sandbox::start().await;
    let right = confirmation("a%2Bb%40example.com");

    for (target, resp, text) in [
        (right.clone(), 100, ""),
        (right.replace("&total=14.99", ""), 100, ""),
        (right.replace("key=Fake", "key=fake"), 103, "API Key does not match"),
        (right.replace("siteid=Fake", "siteid=fake"), 102, "Not a valid site id."),
        (
            right.replace("siteid=FakeSite01&", ""),
            101,
            "missing required field (api key, site id, or email)",
        ),
        (right.replace("a%2Bb%40", ""), 101, "Invalid Email Address"),
        (right.replace("%2B", "+"), 101, "Invalid Email Address"),
        (right.replace("14.99", "14.9"), 102, "Purchase Insert Failed"),
        (right.replace("14.99", "1%2C499.00"), 102, "Purchase Insert Failed"),
        (
            confirmation("nocart1%40x.example"),
            102,
            "Cart not found for email address [nocart1@x.example]",
        ),
        (
            confirmation("cartless%40x.example"),
            102,
            "No cart exists for this email address. Please create a cart first before marking a purchase.",
        ),
        (confirmation("insertfails%40x.example"), 102, "Purchase Insert Failed"),
        (confirmation("generalerror%40x.example"), 102, ""),
    ] {
        let reply = get(&sandbox, &target).await?;

        assert_eq!(reply.status, 200, "{target}");
        assert_eq!(reply.json()?, serde_json::json!({"resp": resp, "err_txt": text}), "{target}");
    }

    let amounts = sandbox.held(Network::CartStack, "a+b@example.com").into_iter();
    let amounts: Vec<_> = amounts.map(|effect| effect.amount).collect();
    assert_eq!(amounts, [Some("14.99".to_owned()), None]);
    assert_eq!(sandbox.totals(Network::CartStack).effects, 2);
    Ok(())
}

#[tokio::test]
async fn cartstacks_cart_can_be_gone_after_a_purchase() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| settings.cartstack.cart_gone_after_purchase = true);

    let first = get(&sandbox, &confirmation("a%40example.com")).await?;
    let second = get(&sandbox, &confirmation("a%40example.com")).await?;

    assert_eq!(first.json()?["resp"], 100);
    assert_eq!(second.json()?["resp"], 102);
    assert_eq!(sandbox.held(Network::CartStack, "a@example.com").len(), 1);
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn cpa_moes_own_examples_are_accepted_but_for_their_trailing_commas() -> Tested {
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
async fn cpa_moe_names_what_is_missing_or_wrong() -> Tested {
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
async fn cpa_moe_sees_fields_only_in_a_json_body() -> Tested {
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
async fn cpa_moes_every_error_is_reachable_and_no_violation() -> Tested {
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
async fn cpa_moes_list_swaps_the_ids_and_follows_the_lead() -> Tested {
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
async fn cpa_moes_list_takes_fifty_ids() -> Tested {
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
async fn cpa_moes_list_may_lag_by_requests_or_by_the_clock() -> Tested {
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

#[tokio::test]
async fn cpa_moes_duplicate_filter_compares_offer_and_contact_not_our_id() -> Tested {
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
async fn cpa_moe_takes_auto_and_the_sandbox_objects() -> Tested {
    let sandbox = Sandbox::start().await;

    let reply = post(&sandbox, &add(), &lead("\"auto\"", 217)).await?.json()?;

    assert_eq!(reply["uid"], "auto500001");
    assert_eq!(sandbox.violations().len(), 1);
    Ok(())
}

#[tokio::test]
async fn shopbacks_own_demonstration_is_accepted_once() -> Tested {
    let sandbox = Sandbox::start().await;
    let demonstration = conversion("order_123", DEMONSTRATION_CLICK);

    let first = get(&sandbox, &demonstration).await?;
    let second = get(&sandbox, &demonstration).await?;

    assert_eq!((first.status, first.text()), (200, "success=true;".to_owned()));
    assert_eq!(
        (second.status, second.text()),
        (200, "success=false; err_msg=Duplicate recorded with Trans. ID #ABCD1234.;".to_owned())
    );
    let held = sandbox.held(Network::ShopBack, "order_123");
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].amount.as_deref(), Some("100"));
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn shopbacks_clicks_answer_by_their_first_letters() -> Tested {
    let sandbox = Sandbox::start().await;

    for (start, text) in MAGIC_CLICKS {
        let id = click(start);
        let reply = get(&sandbox, &conversion("A-1", &id)).await?;
        let text = text.replace("{id}", &id).replace("{offer}", "1234");
        assert_eq!(reply.text(), format!("success=false; err_msg={text}.;"));
    }
    let short = get(&sandbox, &conversion("A-1", "abc")).await?;
    assert_eq!(short.text(), "success=false; err_msg=Invalid Trans. ID #abc.;");
    assert_eq!(sandbox.totals(Network::ShopBack).effects, 0);

    get(&sandbox, &conversion("A-2", &click("silent"))).await?;
    assert!(!sandbox.held(Network::ShopBack, "A-2")[0].approved);
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn shopback_refuses_what_is_missing_or_malformed() -> Tested {
    let sandbox = Sandbox::start().await;
    let right = conversion("A-1", &click("a"));

    for (from, to) in [
        ("offer_id=1234&", ""),
        ("offer_id=1234", "offer_id=12a"),
        ("adv_sub=A-1&", ""),
        ("adv_sub=A-1", "adv_sub=%7Border_id%7D&adv_sub="),
        ("amount=100", "amount=1.234"),
        ("amount=100", "amount=RM100"),
        ("amount=100", "amount=-1"),
        ("amount=100", "amount=1e2"),
        ("&security_token=fake0token0fake0token0fake0token", ""),
        ("security_token=fake0", "security_token="),
        ("transaction_id=a000", "transaction_id=a-00"),
    ] {
        let before = sandbox.violations().len();

        let reply = get(&sandbox, &right.replacen(from, to, 1)).await?;

        assert!(reply.text().starts_with("success=false; err_msg="), "{to}: {}", reply.text());
        assert_eq!(reply.status, 200, "{to}");
        assert!(sandbox.violations().len() > before, "{to}");
    }
    assert_eq!(sandbox.totals(Network::ShopBack).effects, 0);
    Ok(())
}

#[tokio::test]
async fn shopback_refuses_a_wrong_offer_and_a_wrong_token() -> Tested {
    let sandbox = Sandbox::start().await;
    let offer = conversion("A-1", &click("a")).replace("offer_id=1234", "offer_id=77");
    let token = conversion("A-1", &click("a")).replace("fake0token", "fake1token");

    let mismatch = "success=false; err_msg=Request offer #77 does not match session offer #1234.;";
    assert_eq!(get(&sandbox, &offer).await?.text(), mismatch);
    let invalid = "success=false; err_msg=Invalid Advertiser security token.;";
    assert_eq!(get(&sandbox, &token).await?.text(), invalid);

    sandbox.change_settings(|settings| {
        settings.shopback.other_offers = vec![77];
        settings.shopback.silent_refusals = true;
    });
    assert_eq!(get(&sandbox, &token).await?.text(), "success=true;");
    assert!(!sandbox.held(Network::ShopBack, "A-1")[0].approved);
    let other_click = offer.replace("=a000", "=b000");
    assert_eq!(get(&sandbox, &other_click).await?.text(), "success=true;");
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn shopback_counts_lines_by_the_merchants_contract() -> Tested {
    let sandbox = Sandbox::start().await;
    let line = |number: u32| format!("{}&adv_unique1=L{number}", conversion("A-1", &click("a")));

    sandbox.change_settings(|settings| settings.shopback.duplicates = ShopBackDuplicates::UniqueId);
    for number in [1, 2, 2] {
        get(&sandbox, &line(number)).await?;
    }
    assert_eq!(sandbox.held(Network::ShopBack, "A-1").len(), 2);

    sandbox.change_settings(|settings| settings.shopback.duplicates = ShopBackDuplicates::Never);
    get(&sandbox, &line(2)).await?;
    let lines = sandbox.held(Network::ShopBack, "A-1");
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2].detail["adv_unique1"], "L2");
    Ok(())
}

#[tokio::test]
async fn a_rotated_credential_replaces_the_old_one() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_accounts(|accounts| accounts.cartstack.key = "FakeRotated".to_owned());
    let target = confirmation("a%40example.com");

    assert_eq!(get(&sandbox, &target).await?.json()?["resp"], 103);
    let rotated = target.replace(postback_sandbox::CARTSTACK_KEY, "FakeRotated");
    assert_eq!(get(&sandbox, &rotated).await?.json()?["resp"], 100);
    Ok(())
}
