//! One message waits for each open delivery.

use postback_integration::Bundle;
use postback_sandbox::{Answer, Fault, Network};

use super::{DAY, at_shopback, order, script, state};

#[tokio::test]
async fn fifty_repeats_of_a_waiting_order_leave_one_message() {
    for by_queue in [false, true] {
        let bundle = Bundle::new(1).await;
        let later = Answer::status(429).with_header("retry-after", "3600");
        script(&bundle, Network::ShopBack, Fault::answer(later));
        bundle.post("/orders/shopback", &order("A-1", "a")).await;

        for _ in 0..50 {
            if by_queue {
                bundle.shopback.enqueue(&order("A-1", "a"));
                bundle.shopback.work().await;
            } else {
                let reply = bundle.post("/orders/shopback", &order("A-1", "a")).await;
                assert_eq!(reply.status, 202);
            }
        }

        assert_eq!(bundle.shopback.services.queue().len(), 1, "by queue: {by_queue}");
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
        assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
        assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 2);
    }
}

#[tokio::test]
async fn a_waiting_order_whose_message_is_lost_goes_on_with_its_next_arrival() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    for message in bundle.shopback.services.queue() {
        bundle.shopback.services.delete(&message.id);
    }
    bundle.bed.advance(DAY);

    let reply = bundle.post("/orders/shopback", &order("A-1", "a")).await;

    assert_eq!(reply.body()["state"], "delivered");
}

#[tokio::test]
async fn a_waiting_order_whose_message_could_not_be_put_keeps_the_one_in_hand() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.shopback.enqueue(&order("A-1", "a"));

    services.queue_down(true);
    bundle.shopback.work().await;
    services.queue_down(false);
    let kept = services.queue().len();
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(kept, 1);
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
}
