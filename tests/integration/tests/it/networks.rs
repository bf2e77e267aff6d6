//! One order for all four networks: exactly the requests of the vendors' documents, each once.

use postback_integration::{Bundle, bare, with};
use postback_sandbox::{Network, Received};
use serde_json::{Value, from_str, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

/// The example orders, in the order of their file names.
fn examples() -> Vec<(String, Value)> {
    let folder = format!("{}/../../examples/orders", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).expect("the examples");
    let mut examples: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, from_str(&text).expect("JSON"))
        })
        .collect();
    examples.sort_by(|(one, _), (other, _)| one.cmp(other));
    examples
}

fn all_four() -> Value {
    let example = examples().into_iter().find(|(name, _)| name == "01-all-four.json");
    example.expect("the example").1["order"].take()
}

/// The request as it was on the wire.
fn line(received: &Received) -> String {
    format!("{} {}?{}", received.method, received.path, received.query)
}

/// The lead that cpa.moe receives of the order for all four.
const LEAD: &str = concat!(
    r#"{"addr":"12/4","area":"Karnataka","city":"Bengaluru","comm":"Please ring twice","#,
    r#""country":"in","currency":"INR","discount":10,"email":"asha+shop@example.com","#,
    r#""id":"A-1001","index":"560001","ip":"203.0.113.9","#,
    r#""items":[{"count":1,"id":135,"price":1499}],"more":0,"name":"Asha Rao","offer":217,"#,
    r#""params":{"gift":"yes"},"phone":"919876543210","street":"Mahatma Gandhi Road","#,
    r#""ua":"Mozilla/5.0","uc":"diwali","um":"email","un":"top","us":"newsletter","ut":"case","#,
    r#""wm":42}"#,
);

fn assert_sent_as_documented(bundle: &Bundle) {
    let sandbox = &bundle.bed.sandbox;
    let received = |network| sandbox.received(network);
    let lines = |network| received(network).iter().map(line).collect::<Vec<_>>();

    assert_eq!(
        lines(Network::CashMyCell),
        ["GET /api/v1/public/order-complete?status=COMPLETED&order_value=1499\
          &cmc_id=abc123xyz789&ts=1795256100000"]
    );
    assert_eq!(
        lines(Network::CartStack),
        ["GET /ss/v1/?key=Fake0ApiKey0CaseSensitive&siteid=FakeSite01\
          &email=asha%2Bshop%40example.com&total=1499.00"]
    );
    assert_eq!(lines(Network::CpaMoe), ["POST /ext/add.json?id=1001-fake0key0fake0key0"]);
    assert_eq!(
        lines(Network::ShopBack),
        ["GET /aff_lsr?offer_id=1234&adv_sub=A-1001\
          &transaction_id=102b983f153f632c9a0a1469e27b55&amount=1499\
          &security_token=fake0token0fake0token0fake0token"]
    );
    let lead = &received(Network::CpaMoe)[0];
    assert_eq!(lead.body, LEAD);
    assert_eq!(lead.headers["content-type"], "application/json");
    for network in NETWORKS {
        assert!(network == Network::CpaMoe || received(network)[0].body.is_empty(), "{network}");
        let totals = sandbox.totals(network);
        assert_eq!((totals.orders, totals.effects), (1, 1), "{network}");
    }
    assert_eq!(sandbox.violations(), []);
}

/// Posts to each network while the queues are worked off; the statuses.
async fn post_to_all_at_once(bundle: &Bundle, order: &Value) -> [u64; 4] {
    let post = async |path| bundle.post(path, order).await.status;
    let ((), cartstack, cashmycell, cpa_moe, shopback) = tokio::join!(
        bundle.work(),
        post("/orders/cartstack"),
        post("/orders/cashmycell"),
        post("/orders/cpa_moe"),
        post("/orders/shopback"),
    );
    [cartstack, cashmycell, cpa_moe, shopback]
}

#[tokio::test]
async fn an_order_for_all_four_is_sent_as_each_document_asks_for() {
    let bundle = Bundle::new(1).await;

    let reply = bundle.post("/orders", &all_four()).await;
    bundle.work().await;

    assert_eq!(reply.status, 202);
    assert_sent_as_documented(&bundle);
    for (network, services) in bundle.services() {
        assert!(services.queue().is_empty(), "{network}");
    }
}

#[tokio::test]
async fn an_order_posted_to_each_network_is_sent_in_the_same_words() {
    let bundle = Bundle::new(1).await;

    for network in NETWORKS {
        let reply = bundle.post(&format!("/orders/{network}"), &all_four()).await;
        assert_eq!(reply.status, 200, "{network}");
    }

    assert_sent_as_documented(&bundle);
}

#[tokio::test]
async fn an_order_by_all_ways_at_once_and_again_has_one_effect_each() {
    let bundle = Bundle::new(1).await;
    let order = all_four();

    for _ in 0..2 {
        bundle.post("/orders", &order).await;
        bundle.cartstack.enqueue(&order);
        bundle.cashmycell.enqueue(&order);
        bundle.cpa_moe.enqueue(&order);
        bundle.shopback.enqueue(&order);
    }
    let statuses = Box::pin(post_to_all_at_once(&bundle, &order)).await;
    bundle.work().await;

    // A caller that comes while another call is still sending gets a 202.
    assert!(statuses.iter().all(|status| matches!(status, 200 | 202)), "{statuses:?}");
    assert_sent_as_documented(&bundle);
}

#[tokio::test]
async fn an_order_that_concerns_no_network_is_skipped_with_nothing_sent() {
    let bundle = Bundle::new(1).await;

    for (path, reason) in [
        ("/orders/cartstack", "no_email"),
        ("/orders/cashmycell", "no_click"),
        ("/orders/cpa_moe", "no_click"),
        ("/orders/shopback", "no_click"),
    ] {
        let reply = bundle.post(path, &bare("A-1")).await;
        let body = reply.body();
        assert_eq!((reply.status, &body["state"]), (200, &json!("skipped")), "{path}");
        assert_eq!((&body["reason"], &body["attempt"]), (&json!(reason), &json!(0)), "{path}");
    }
    bundle.assert_unwritten("an order for nobody");
    bundle.post("/orders", &bare("A-1")).await;
    bundle.work().await;

    let calls = bundle.bed.table.calls();
    let written: Vec<_> = calls.iter().filter(|call| call.operation != "GetItem").collect();
    assert_eq!(written.len(), 1, "an order for nobody is noted: {written:?}");
    assert_eq!((bundle.bed.sandbox.requests(), bundle.bus.events()), (0, Vec::new()));
    let found = bundle.get("A-1").await;
    assert_eq!((found.status, &found.body()["deliveries"]), (200, &json!([])));
    assert_eq!(found.body()["unclaimed"]["source"], "api");
}

#[tokio::test]
async fn an_order_that_is_pending_is_sent_to_nobody() {
    let bundle = Bundle::new(1).await;

    let order = with(all_four(), "/status", json!("pending"));
    assert_eq!(bundle.post("/orders", &order).await.status, 202);
    let types: Vec<_> = bundle.bus.events().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["order.pending"]);
    bundle.work().await;
    for network in NETWORKS {
        let reply = bundle.post(&format!("/orders/{network}"), &order).await;
        assert_eq!(reply.body()["reason"], "not_completed", "{network}");
    }

    bundle.assert_unwritten("an order that is pending");
}

#[tokio::test]
async fn every_example_order_ends_as_it_says() {
    let bundle = Bundle::new(1).await;
    let examples = examples();
    assert!(examples.len() >= 12, "{}", examples.len());

    for (name, example) in &examples {
        let path = example["post"].as_str().expect("a path");
        let reply = bundle.post(path, &example["order"]).await;
        bundle.work().await;

        assert_eq!(example["expect"]["answer"], reply.status, "{name}: {}", reply.text);
    }
    // An example may be corrected or cancelled by a later one: both say how the order ends.
    for (name, example) in &examples {
        let order_id = example["order"]["order_id"].as_str().expect("an id");
        let expected = example["expect"]["states"].as_object().expect("states");
        let states = bundle.states(order_id).await;
        let networks: Vec<_> = states.iter().map(|(network, ..)| network).collect();
        assert_eq!(networks, expected.keys().collect::<Vec<_>>(), "{name}");
        for (network, state, reason) in states {
            assert_eq!(expected[&network]["state"], state, "{name}: {network} {reason:?}");
            assert_eq!(expected[&network]["reason"].as_str(), reason.as_deref(), "{name}");
        }
    }
    assert_eq!(bundle.bed.sandbox.violations(), []);
    for network in NETWORKS {
        assert!(bundle.bed.sandbox.totals(network).more_than_once.is_empty(), "{network}");
    }
}
