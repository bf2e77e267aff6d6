//! Nothing of the customer gets out of a shop system's messages, whatever is wrong with them: signed,
//! forged, faulty, no JSON, by a partner bus, and with capture cookies of every kind.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use postback_core::clock::Timestamp;
use postback_integration::{
    Bundle, Reply,
    log::Log,
    outputs::{Outputs, canary_order, received},
    sign::{KEY, PLATFORM_KEY, platform_message, secret},
};
use postback_runtime::lambda::messages::ApiAndQueueHandler;
use postback_sandbox::Network;
use serde_json::{Value, json};

/// A shop system: its path, its headers, a topic and its order.
struct Shop {
    path: &'static str,
    headers: [&'static str; 3],
    topic: &'static str,
    order: fn(&str) -> Value,
}

const SHOPS: [Shop; 2] = [
    Shop {
        path: "/webhooks/shopify",
        headers: ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-event-id"],
        topic: "orders/paid",
        order: shopify,
    },
    Shop {
        path: "/webhooks/woocommerce",
        headers: ["x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"],
        topic: "order.updated",
        order: woocommerce,
    },
];

/// A key of nobody's.
const OTHER_KEY: &str = "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";

fn shopify(cookie: &str) -> Value {
    let at = "2026-11-21T10:15:00Z";
    let mail = "canary.mail+x@canary-mail.example";
    let address = json!({
        "first_name": "Canaryname", "last_name": "Quill", "address1": "canaryline 7",
        "city": "canarycity", "province": "canaryregion", "country_code": "IN",
        "zip": "canarypostal", "phone": "+7 351 940-26-1",
    });
    json!({
        "id": 8_209_829, "name": "#1008", "created_at": at, "processed_at": at, "updated_at": at,
        "currency": "INR", "total_price": "1499.00", "current_total_price": "1499.00",
        "financial_status": "paid", "test": false, "source_name": "web", "email": mail,
        "contact_email": mail, "browser_ip": "203.0.113.73",
        "client_details": { "browser_ip": "203.0.113.73", "user_agent": "CanaryAgent/7.3" },
        "customer": { "email": mail, "first_name": "Canaryname", "last_name": "Quill" },
        "shipping_address": address, "note": "canarycomment",
        "line_items": [{
            "sku": "canarysku", "title": "canaryitem", "quantity": 1, "current_quantity": 1,
            "price": "1499.00", "total_discount": "0.00", "discount_allocations": [],
        }],
        "note_attributes": [{ "name": "pb_clicks", "value": cookie }],
        "landing_site": "/?utm_source=canaryutm&transaction_id=canaryclick8", "refunds": [],
    })
}

fn woocommerce(cookie: &str) -> Value {
    let at = "2026-11-21T10:15:00";
    let address = json!({
        "first_name": "Canaryname", "last_name": "Quill", "address_1": "canaryline 7",
        "city": "canarycity", "state": "canaryregion", "postcode": "canarypostal", "country": "IN",
        "email": "canary.mail+x@canary-mail.example", "phone": "+7 351 940-26-1",
    });
    json!({
        "id": 3084, "number": "3084", "created_via": "checkout", "status": "processing",
        "currency": "INR", "total": "1499.00", "total_tax": "0.00", "shipping_total": "0.00",
        "date_created_gmt": at, "date_modified_gmt": at, "date_paid_gmt": at,
        "customer_ip_address": "203.0.113.73", "customer_user_agent": "CanaryAgent/7.3",
        "customer_note": "canarycomment", "billing": address, "shipping": address,
        "line_items": [{
            "sku": "canarysku", "name": "canaryitem", "quantity": 1, "total": "1499.00",
            "total_tax": "0.00",
        }],
        "refunds": [],
        "meta_data": [
            { "key": "pb_clicks", "value": cookie },
            {
                "key": "_wc_order_attribution_session_entry",
                "value": "https://shop.example/?transaction_id=canaryclick8",
            },
        ],
    })
}

fn cookie() -> String {
    let clicks = json!({ "shopback": { "transaction_id": "canaryclick7351" } });
    format!("v1.{}", BASE64_URL_SAFE_NO_PAD.encode(clicks.to_string()))
}

async fn bundle(seed: u64) -> Box<Bundle> {
    let bundle = Bundle::new(seed).await;
    bundle.bed.advance_to(Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant"));
    bundle
}

/// All that left the functions, but for the orders that were kept for a person.
async fn assert_clean(bundle: &Bundle, log: &Log, replies: &[Reply]) {
    let outputs = Outputs::of(bundle, log).await.with_replies(replies);
    outputs.assert_clean();
    assert_eq!(outputs.seen(&[&cookie()]), [], "the cookie");
}

#[tokio::test]
async fn a_message_of_a_shop_system_leaves_nothing_of_the_customer_behind() {
    for (seed, shop) in SHOPS.iter().enumerate() {
        let bundle = bundle(seed as u64).await;
        let (log, _guard) = Log::capture();
        let good = (shop.order)(&cookie());
        let mut faulty = good.clone();
        faulty["currency"] = json!("canarycustom");
        let no_json = format!("{{ {good}");
        let mut replies = Vec::new();
        for (number, (key, body)) in [
            (PLATFORM_KEY, good.to_string()),
            (OTHER_KEY, good.to_string()),
            (PLATFORM_KEY, faulty.to_string()),
            (PLATFORM_KEY, no_json),
        ]
        .iter()
        .enumerate()
        {
            let delivery = format!("d{number}");
            let message =
                platform_message(shop.path, shop.headers, key, shop.topic, &delivery, body);
            replies.push(bundle.call(&message).await);
        }
        bundle.work().await;

        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [202, 401, 200, 200], "{}", shop.path);
        assert_eq!(bundle.intake_services.faulty().len(), 2);
        assert!(!received(&bundle.bed.sandbox, Network::CartStack).is_empty(), "it was reported");
        assert!(!received(&bundle.bed.sandbox, Network::ShopBack).is_empty(), "it was reported");
        assert_clean(&bundle, &log, &replies).await;
    }
}

#[tokio::test]
async fn an_event_of_a_partner_bus_leaves_nothing_of_the_customer_behind() {
    let bundle = bundle(3).await;
    let (log, _guard) = Log::capture();
    let good = shopify(&cookie());
    let mut faulty = good.clone();
    faulty["currency"] = json!("canarycustom");
    let metadata = |id: &str| json!({ "X-Shopify-Topic": "orders/paid", "X-Shopify-Event-Id": id });
    for detail in [
        json!({ "payload": good, "metadata": metadata("e1") }),
        json!({ "payload": faulty, "metadata": metadata("e2") }),
        json!({ "payload": good }),
    ] {
        let event = json!({
            "source": "aws.partner/shopify.com/1/postback", "detail-type": "shopifyWebhook",
            "detail": detail,
        });
        bundle.shopify.take(&event.to_string(), bundle.bed.now()).await.expect("taken");
    }
    bundle.work().await;

    assert_eq!(bundle.intake_services.faulty().len(), 2);
    assert!(!received(&bundle.bed.sandbox, Network::CartStack).is_empty(), "it was reported");
    assert_clean(&bundle, &log, &[]).await;
}

/// It is kept until its order comes.
#[tokio::test]
async fn a_refund_without_its_order_leaves_nothing_of_the_customer_behind() {
    let bundle = bundle(4).await;
    let (log, _guard) = Log::capture();
    let line = json!({ "title": "canaryitem", "sku": "canarysku", "name": "Canaryname" });
    let paid = json!({
        "kind": "refund", "status": "success", "amount": "1.00", "currency": "INR", "message": "canarycomment",
        "receipt": { "email": "canary.mail+x@canary-mail.example" }, "gateway": "canarycustom",
    });
    let other = json!({ "kind": "canarycustom", "status": "canarycustom", "currency": "canarycustom",
        "amount": "canarycustom" });
    let refund = json!({
        "id": 1, "order_id": 8_209_829, "created_at": "2026-11-22T00:00:00Z", "note": "canarycomment",
        "refund_line_items": [{
            "line_item_id": "canaryitem", "quantity": 1, "subtotal": "1.00", "line_item": line,
        }],
        "order_adjustments": [{ "kind": "canarycustom", "reason": "canarycomment" }],
        "transactions": [paid, other],
    });
    let shop = &SHOPS[0];
    let mut replies = Vec::new();
    for (topic, body) in [
        ("refunds/create", &refund),
        ("orders/paid", &shopify(&cookie())),
        ("refunds/create", &refund),
    ] {
        let (delivery, body) = (replies.len().to_string(), body.to_string());
        let message =
            platform_message(shop.path, shop.headers, PLATFORM_KEY, topic, &delivery, &body);
        replies.push(bundle.call(&message).await);
    }
    bundle.work().await;

    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 202, 202]);
    assert_clean(&bundle, &log, &replies).await;
}

#[tokio::test]
async fn a_capture_cookie_leaves_nothing_of_its_clicks_behind() {
    let bundle = bundle(4).await;
    bundle.intake_services.sign_cookies(Ok(&secret(&[KEY])));
    let (log, _guard) = Log::capture();
    let forged = format!("{}.{}", cookie(), BASE64_URL_SAFE_NO_PAD.encode("canarysecret"));
    let mut replies = Vec::new();
    for (number, value) in [
        json!(cookie()),
        json!(forged),
        json!("canaryclick7351"),
        json!({ "a": "canaryclick7351" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut order = canary_order(&format!("A-{number}"));
        order["click_cookie"] = value.clone();
        replies.push(bundle.post("/orders", &order).await);
        let mut on_bus = canary_order(&format!("B-{number}"));
        on_bus["click_cookie"] = value;
        bundle.put_on_bus("order.completed", &on_bus).await;
    }
    bundle.work().await;

    assert!(!received(&bundle.bed.sandbox, Network::CartStack).is_empty(), "they were reported");
    assert_clean(&bundle, &log, &replies).await;
}
