//! Checks that all networks share.

use crate::client::{
    Tested, click, completion, confirmation, conversion, get, list, request, send,
};
use postback_sandbox::{Network, Sandbox};

#[tokio::test]
async fn note_an_undocumented_parameter_and_count_the_call() -> Tested {
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
async fn refuse_requests_that_are_broken_on_the_wire() -> Tested {
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
async fn note_a_get_with_a_body() -> Tested {
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
async fn refuse_a_wrong_path_or_method() -> Tested {
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
async fn accept_a_rotated_credential_only() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.change_accounts(|accounts| accounts.cartstack.key = "FakeRotated".to_owned());
    let target = confirmation("a%40example.com");

    assert_eq!(get(&sandbox, &target).await?.json()?["resp"], 103);
    let rotated = target.replace(postback_sandbox::CARTSTACK_KEY, "FakeRotated");
    assert_eq!(get(&sandbox, &rotated).await?.json()?["resp"], 100);
    Ok(())
}
