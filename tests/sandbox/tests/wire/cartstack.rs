//! CartStack: answers by its document.

use crate::client::{Tested, confirmation, get};
use postback_sandbox::{Network, Sandbox};

#[tokio::test]
async fn answers_every_code_of_the_document() -> Tested {
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
async fn may_lose_the_cart_after_a_purchase() -> Tested {
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
