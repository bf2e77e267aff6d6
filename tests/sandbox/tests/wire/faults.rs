//! Each fault on a real socket.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::client::{
    Tested, add, click, completion, confirmation, conversion, exchange, get, lead, list, post,
    request,
};
use postback_sandbox::{Answer, Fault, Network, Rule, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ORDER: &str = "A-1";

fn the_order() -> String {
    request("GET", &conversion(ORDER, &click("a")), "", "")
}

fn held(sandbox: &Sandbox) -> usize {
    sandbox.held(Network::ShopBack, ORDER).len()
}

fn on_the_order(fault: Fault) -> Rule {
    Rule::on(Network::ShopBack, fault).order(ORDER)
}

/// A connection that has served a request and waits for the next.
async fn open_connection(sandbox: &Sandbox) -> std::io::Result<TcpStream> {
    let mut open = TcpStream::connect(sandbox.address()).await?;
    let alive = request("GET", "/_health", "", "").replace("connection: close\r\n", "");
    open.write_all(alive.as_bytes()).await?;
    assert!(open.read(&mut [0; 1024]).await? > 0);
    Ok(open)
}

#[tokio::test]
async fn close_before_reading_resets_without_an_effect() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.script(on_the_order(Fault::close_before_reading()))?;

    let error = exchange(&sandbox, the_order()).await.err();

    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::ConnectionReset));
    assert_eq!(held(&sandbox), 0);
    assert_eq!(sandbox.received(Network::ShopBack)[0].answered.status, None);
    Ok(())
}

#[tokio::test]
async fn close_after_reading_ends_the_connection_with_or_without_the_effect() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.script(on_the_order(Fault::close_after_reading().not_processed()))?;
    sandbox.script(on_the_order(Fault::close_after_reading()))?;

    assert_eq!(exchange(&sandbox, the_order()).await?, b"");
    assert_eq!(held(&sandbox), 0);
    assert_eq!(exchange(&sandbox, the_order()).await?, b"");
    assert_eq!(held(&sandbox), 1);
    let after = get(&sandbox, &conversion(ORDER, &click("a"))).await?.text();
    assert!(after.contains("Duplicate recorded"), "{after}");
    Ok(())
}

#[tokio::test]
async fn an_answer_can_be_cut_at_every_byte() -> Tested {
    let sandbox = Sandbox::start().await;
    let whole = exchange(&sandbox, the_order()).await?;

    for bytes in 0..whole.len() {
        sandbox.reset();
        sandbox.script(on_the_order(Fault::cut_answer_at(bytes)))?;
        assert_eq!(exchange(&sandbox, the_order()).await?, whole[..bytes]);
        assert_eq!(held(&sandbox), 1);
    }
    sandbox.reset();
    sandbox.script(on_the_order(Fault::cut_body_at(4)))?;
    let cut = exchange(&sandbox, the_order()).await?;
    assert!(cut.ends_with(b"\r\n\r\nsucc"));
    assert!(String::from_utf8_lossy(&cut).contains("content-length: 13\r\n"));
    Ok(())
}

#[tokio::test]
async fn a_request_can_be_cut_at_every_byte() -> Tested {
    let sandbox = Sandbox::start().await;
    let request = the_order();

    for bytes in 0..request.len() {
        sandbox.script(Rule::on_connection(Fault::cut_request_at(bytes)))?;
        assert!(exchange(&sandbox, &request).await.is_err(), "{bytes}");
    }
    assert_eq!(sandbox.requests(), 0);
    sandbox.script(Rule::on_connection(Fault::close_at_accept()))?;
    assert!(exchange(&sandbox, &request).await.is_err());
    assert!(exchange(&sandbox, &request).await.is_ok());
    assert_eq!((sandbox.requests(), held(&sandbox)), (1, 1));
    Ok(())
}

#[tokio::test]
async fn any_answer_can_replace_the_true_one() -> Tested {
    let sandbox = Sandbox::start().await;
    let busy =
        Answer::of("text/html", [0xff, 0xfe]).with_status(503).with_header("retry-after", "7");
    sandbox.script(on_the_order(Fault::answer(busy)))?;
    sandbox.script(on_the_order(Fault::redirect("https://example.com/")))?;
    sandbox.script(on_the_order(Fault::status(502).processed()))?;

    let busy = get(&sandbox, &conversion(ORDER, &click("a"))).await?;
    let moved = get(&sandbox, &conversion(ORDER, &click("a"))).await?;
    assert_eq!(held(&sandbox), 0);
    let lost = get(&sandbox, &conversion(ORDER, &click("a"))).await?;

    assert_eq!((busy.status, busy.body.as_slice()), (503, [0xff, 0xfe].as_slice()));
    assert!(busy.head.contains("retry-after: 7"));
    assert!(moved.head.contains("302") && moved.head.contains("location: https://example.com/"));
    assert_eq!((lost.status, held(&sandbox)), (502, 1));
    assert_eq!(sandbox.violations(), []);
    Ok(())
}

#[tokio::test]
async fn every_status_of_a_proxy_can_be_answered() -> Tested {
    let sandbox = Sandbox::start().await;

    for status in [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524] {
        sandbox.script(on_the_order(Fault::status(status)))?;
        let reply = get(&sandbox, &conversion(ORDER, &click("a"))).await?;
        assert_eq!((reply.status, reply.body.len()), (status, 0));
        assert!(!reply.head.contains("retry-after"));
    }
    assert_eq!(held(&sandbox), 0);
    Ok(())
}

#[tokio::test]
async fn an_empty_list_can_come_with_another_status_than_200() -> Tested {
    let sandbox = Sandbox::start().await;
    post(&sandbox, &add(), &lead("\"A-1\"", 217)).await?;

    for status in [202, 206] {
        let empty = Answer::of("application/json", "[]").with_status(status);
        sandbox.script(Rule::on(Network::CpaMoe, Fault::answer(empty)).call("list"))?;
        let reply = get(&sandbox, &list("A-1")).await?;
        assert_eq!((reply.status, reply.text().as_str()), (status, "[]"));
    }
    assert_eq!(get(&sandbox, &list("A-1")).await?.json()?["A-1"]["stage"], "wait");
    Ok(())
}

#[tokio::test]
async fn a_hanging_request_has_arrived_and_is_answered_on_release() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.script(on_the_order(Fault::hang()))?;

    let (answer, ()) = tokio::join!(exchange(&sandbox, the_order()), async {
        sandbox.wait_for_received(Network::ShopBack, ORDER, 1).await;
        assert_eq!(held(&sandbox), 1);
        sandbox.release();
    });

    assert!(answer?.ends_with(b"success=true;"));
    assert_eq!(sandbox.received(Network::ShopBack)[0].answered.status, Some(200));
    assert_eq!(sandbox.hanging(), 0);
    Ok(())
}

#[tokio::test]
async fn a_late_request_takes_effect_after_its_caller_has_left() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.script(Rule::on(Network::CpaMoe, Fault::hang().processed_late()).order(ORDER))?;

    let mut stream = TcpStream::connect(sandbox.address()).await?;
    let json = "content-type: application/json\r\n";
    let request = request("POST", &add(), json, &lead("\"A-1\"", 217));
    stream.write_all(request.as_bytes()).await?;
    sandbox.wait_for_received(Network::CpaMoe, ORDER, 1).await;
    drop(stream);

    assert_eq!(get(&sandbox, &list(ORDER)).await?.text(), "[]");
    sandbox.release();
    while sandbox.leads(ORDER).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sandbox.held(Network::CpaMoe, ORDER)[0].seq, 1);
    assert!(sandbox.received(Network::CpaMoe)[0].effect);
    Ok(())
}

#[tokio::test]
async fn a_request_that_hung_before_a_reset_takes_no_effect_after_it() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.script(on_the_order(Fault::hang().processed_late()))?;

    let (answer, ()) = tokio::join!(exchange(&sandbox, the_order()), async {
        sandbox.wait_for_received(Network::ShopBack, ORDER, 1).await;
        sandbox.reset();
    });

    assert_eq!(answer?, b"");
    assert_eq!((held(&sandbox), sandbox.requests()), (0, 0));
    Ok(())
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test measures a real delay")]
async fn a_delayed_answer_comes_later() -> Tested {
    let sandbox = Sandbox::start().await;
    let delay = Duration::from_millis(30);
    sandbox.script(on_the_order(Fault::delay(delay)))?;
    sandbox.script(on_the_order(Fault::delay(delay).not_processed()))?;
    let started = Instant::now();

    let answer = exchange(&sandbox, the_order()).await?;

    assert!(started.elapsed() >= delay);
    assert!(answer.ends_with(b"success=true;"));
    assert_eq!(exchange(&sandbox, the_order()).await?, b"");
    assert_eq!(held(&sandbox), 1);
    Ok(())
}

#[tokio::test]
async fn an_outage_affects_one_network_only() -> Tested {
    let sandbox = Sandbox::start().await;
    sandbox.outage(Network::ShopBack, Some(Fault::close_before_reading()))?;

    assert!(exchange(&sandbox, the_order()).await.is_err());
    assert!(exchange(&sandbox, the_order()).await.is_err());
    assert_eq!(get(&sandbox, &completion(&sandbox, "abc")).await?.status, 204);
    assert_eq!(get(&sandbox, &confirmation("a%40example.com")).await?.status, 200);
    assert_eq!(post(&sandbox, &add(), &lead("1", 1)).await?.json()?["status"], "ok");
    sandbox.outage(Network::ShopBack, None)?;
    assert!(exchange(&sandbox, the_order()).await.is_ok());
    assert_eq!(held(&sandbox), 1);
    Ok(())
}

#[tokio::test]
async fn a_stopped_sandbox_refuses_connections_and_keeps_its_state() -> Tested {
    let sandbox = Sandbox::start().await;
    exchange(&sandbox, the_order()).await?;
    let mut open = open_connection(&sandbox).await?;

    sandbox.stop().await;
    let refused = exchange(&sandbox, the_order()).await.err();
    let cut = open.read(&mut [0]).await;
    sandbox.resume().await?;

    assert_eq!(refused.map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    assert!(!matches!(cut, Ok(1..)));
    assert!(exchange(&sandbox, the_order()).await.is_ok());
    assert_eq!(sandbox.requests(), 2);
    Ok(())
}

#[tokio::test]
async fn a_dropped_sandbox_cuts_its_connections() -> Tested {
    let sandbox = Sandbox::start().await;
    let address = sandbox.address();
    let mut open = open_connection(&sandbox).await?;

    drop(sandbox);

    assert!(!matches!(open.read(&mut [0]).await, Ok(1..)));
    assert!(TcpStream::connect(address).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_pipelined_ones() -> Tested {
    let sandbox = Sandbox::start().await;
    let keep = |order: &str| {
        let target = conversion(order, &click(order));
        request("GET", &target, "", "").replace("connection: close\r\n", "")
    };
    let last = request("GET", &conversion("c", &click("c")), "", "");

    let answers = exchange(&sandbox, keep("a") + &keep("b") + &last).await?;

    assert_eq!(String::from_utf8_lossy(&answers).matches("success=true;").count(), 3);
    assert_eq!(sandbox.totals(Network::ShopBack).orders, 3);
    Ok(())
}
