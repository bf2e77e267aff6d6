//! ShopBack: accepts its document's examples and refuses what the document forbids.

use crate::client::{Tested, click, conversion, get, post};
use postback_sandbox::shopback::{DEMONSTRATION_CLICK, MAGIC_CLICKS};
use postback_sandbox::{Network, Sandbox, ShopBackDuplicates};

#[tokio::test]
async fn accepts_the_documents_demonstration_once() -> Tested {
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
async fn answers_clicks_by_their_first_letters() -> Tested {
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
async fn refuses_missing_and_malformed_parameters() -> Tested {
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
async fn refuses_a_wrong_offer_and_a_wrong_token() -> Tested {
    let sandbox = Sandbox::start().await;
    let offer = conversion("A-1", &click("a")).replace("offer_id=1234", "offer_id=77");
    let token = conversion("A-1", &click("a")).replace("fake0token", "fake1token");

    let mismatch = "success=false; err_msg=Request offer #77 does not match session offer #1234.;";
    assert_eq!(get(&sandbox, &offer).await?.text(), mismatch);
    let invalid = "success=false; err_msg=Invalid Advertiser security token.;";
    assert_eq!(get(&sandbox, &token).await?.text(), invalid);

    sandbox.change_settings(|settings| {
        settings.shopback.other_offers = [(77, ShopBackDuplicates::TransactionId)].into();
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
async fn notes_clicks_and_amounts_that_no_merchant_should_send() -> Tested {
    let sandbox = Sandbox::start().await;
    let click_of = |length: usize| conversion("A-1", &"a".repeat(length));

    let longest = get(&sandbox, &click_of(64)).await?;
    assert!(longest.text().contains("Invalid Trans. ID"), "{}", longest.text());
    assert_eq!(sandbox.violations(), []);
    get(&sandbox, &click_of(65)).await?;
    get(&sandbox, &conversion("A-2", &click("a")).replace("=100&", "=100.50&")).await?;

    let what: Vec<_> = sandbox.violations().into_iter().map(|violation| violation.what).collect();
    assert_eq!(
        what,
        ["transaction_id is not 1 to 64 letters and digits", "amount has trailing zeros"]
    );
    assert_eq!(sandbox.held(Network::ShopBack, "A-2").len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_offer_may_allow_several_conversions_per_click() -> Tested {
    let sandbox = Sandbox::start().await;
    let settings = r#"{"shopback":{"other_offers":{"77":"never"}}}"#;
    post(&sandbox, "/_settings", settings).await?;
    let line = |offer: u64, number: u32| {
        let target =
            conversion("A-1", &click("a")).replace("offer_id=1234", &format!("offer_id={offer}"));
        format!("{target}&adv_unique1=L{number}")
    };

    for number in [1, 2, 2] {
        get(&sandbox, &line(77, number)).await?;
    }
    let first = get(&sandbox, &line(1234, 1)).await?;
    let second = get(&sandbox, &line(1234, 2)).await?;

    assert_eq!(first.text(), "success=true;");
    assert!(second.text().contains("Duplicate recorded with Trans. ID"), "{}", second.text());
    let lines = sandbox.held(Network::ShopBack, "A-1");
    let details: Vec<_> =
        lines.iter().map(|effect| effect.detail["adv_unique1"].as_str()).collect();
    assert_eq!(details, ["L1", "L2", "L2", "L1"]);
    Ok(())
}

#[tokio::test]
async fn a_conversion_unique_id_replaces_the_click_in_the_de_duplication() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_settings(|settings| {
        settings.shopback.duplicates = ShopBackDuplicates::ConversionUniqueId;
        settings.shopback.other_offers = [(77, ShopBackDuplicates::ConversionUniqueId)].into();
    });
    let target = |start: &str, id: &str| {
        format!("{}&conversion_unique_id={id}", conversion(id, &click(start)))
    };
    let other_offer = target("c", "A-1").replace("offer_id=1234", "offer_id=77");

    for (target, answer) in [
        (target("a", "A-1"), "success=true;"),
        (target("a", "A-2"), "success=true;"),
        (target("b", "A-1"), "success=false; err_msg=Duplicate conversion.;"),
        (other_offer, "success=false; err_msg=Duplicate conversion.;"),
        (conversion("A-3", &click("a")), "success=true;"),
        (conversion("A-3", &click("a")), "success=true;"),
    ] {
        assert_eq!(get(&sandbox, &target).await?.text(), answer, "{target}");
    }

    assert_eq!(sandbox.totals(Network::ShopBack).more_than_once, ["A-3"]);
    assert_eq!(sandbox.violations(), []);
    Ok(())
}
