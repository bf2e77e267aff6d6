//! ShopBack's validation: taken once, after the order and before the invoice, and refused otherwise.

use crate::client::{Tested, click, conversion, get};
use postback_sandbox::Sandbox;

/// A validating call for the order `id`, whose conversion is of 100.
fn validation(id: &str, status: &str, amount: &str) -> String {
    format!(
        "/shopback/aff_lsr?offer_id=4321&aff_id=77&adv_sub={id}&amount={amount}\
         &security_token=fake0token0fake0token0fake0token&status={status}"
    )
}

/// The breach of each validation so far.
fn breaches(sandbox: &Sandbox) -> Vec<Option<&'static str>> {
    sandbox.validations().iter().map(|validated| validated.breach).collect()
}

async fn with_order(id: &str) -> std::io::Result<Sandbox> {
    let sandbox = Sandbox::start().await;
    get(&sandbox, &conversion(id, &click("a"))).await?;
    Ok(sandbox)
}

#[tokio::test]
async fn takes_an_approval_of_less_and_a_rejection_of_the_whole() -> Tested {
    for (status, amount) in [("approved", "100"), ("approved", "99.99"), ("rejected", "100")] {
        let sandbox = with_order("A-1").await?;

        let reply = get(&sandbox, &validation("A-1", status, amount)).await?;

        assert_eq!(reply.text(), "success=true;", "{status} {amount}");
        assert_eq!(breaches(&sandbox), [None]);
        assert_eq!(sandbox.violations(), []);
    }
    Ok(())
}

#[tokio::test]
async fn refuses_a_wrong_offer_affiliate_and_token() -> Tested {
    let sandbox = with_order("A-1").await?;
    let right = validation("A-1", "approved", "100");

    for (from, to) in [
        // The offer of the orders.
        ("offer_id=4321", "offer_id=1234"),
        ("aff_id=77", "aff_id=78"),
        ("fake0token0", "fake1token1"),
        ("&status=approved", "&status=paid"),
        ("amount=100", "amount=100.001"),
        ("&adv_sub=A-1", ""),
        ("&amount=", "&transaction_id=x&amount="),
    ] {
        let reply = get(&sandbox, &right.replacen(from, to, 1)).await?;

        let is_noted = reply.text() == "success=true;" && !sandbox.violations().is_empty();
        assert!(reply.text().starts_with("success=false; err_msg=") || is_noted, "{to}");
    }
    Ok(())
}

#[tokio::test]
async fn takes_a_second_call_for_another_word_and_names_it() -> Tested {
    let sandbox = with_order("A-1").await?;

    get(&sandbox, &validation("A-1", "approved", "100")).await?;
    let second = get(&sandbox, &validation("A-1", "rejected", "100")).await?;

    assert_eq!(second.text(), "success=true;");
    assert_eq!(breaches(&sandbox), [None, Some("second call")]);
    assert!(sandbox.report(postback_sandbox::Network::ShopBack).contains(",rejected,"));
    Ok(())
}

#[tokio::test]
async fn refuses_an_order_that_it_does_not_have_and_other_ids_than_reported() -> Tested {
    let sandbox = with_order("A-1").await?;
    let other_ids = validation("A-1", "approved", "100") + "&adv_sub2=INR";

    for call in [validation("A-2", "approved", "100"), other_ids] {
        let reply = get(&sandbox, &call).await?;
        assert_eq!(reply.text(), "success=false; err_msg=No conversion found.;");
    }

    assert_eq!(breaches(&sandbox), [Some("unknown order"); 2]);
    Ok(())
}

#[tokio::test]
async fn refuses_a_higher_amount_and_the_rejection_of_a_part() -> Tested {
    let sandbox = with_order("A-1").await?;

    for (status, amount) in [("approved", "100.01"), ("rejected", "99.99")] {
        let reply = get(&sandbox, &validation("A-1", status, amount)).await?;
        assert_eq!(reply.text(), "success=false; err_msg=Sale amount does not match.;");
    }

    assert_eq!(breaches(&sandbox), [Some("changed amount"); 2]);
    assert!(sandbox.report(postback_sandbox::Network::ShopBack).contains(",pending,"));
    Ok(())
}

#[tokio::test]
async fn refuses_every_call_after_the_invoice() -> Tested {
    let sandbox = with_order("A-1").await?;
    sandbox.change_settings(|settings| settings.shopback.validation.invoiced_at_ms = 2_000);
    for now in [1_999, 2_000] {
        sandbox.set_clock(now);
        get(&sandbox, &validation("A-1", "approved", "100")).await?;
    }

    assert_eq!(breaches(&sandbox), [None, Some("after the invoice")]);
    Ok(())
}
