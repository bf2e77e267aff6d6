//! A client that sends exactly the bytes it is given.

use std::error::Error;
use std::io;

use postback_sandbox::{CPA_MOE_KEY, CPA_MOE_USER, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The result of a test.
pub(crate) type Tested = Result<(), Box<dyn Error>>;

/// An answer, read up to the end of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(&self.body)
    }
}

/// Sends these bytes and returns the bytes of the answer.
pub(crate) async fn exchange(sandbox: &Sandbox, bytes: impl AsRef<[u8]>) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(sandbox.address()).await?;
    stream.write_all(bytes.as_ref()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// The bytes of a request that closes its connection.
pub(crate) fn request(method: &str, target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let framing = match length {
        0 => String::new(),
        _ => format!("content-length: {length}\r\n"),
    };
    format!(
        "{method} {target} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n{headers}{framing}\r\n{body}"
    )
}

/// Sends a whole request and reads the whole answer.
pub(crate) async fn send(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> io::Result<Reply> {
    let answer = exchange(sandbox, request).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Reply { status: status.unwrap_or_default(), head, body: answer[end + 4..].to_vec() })
}

pub(crate) async fn get(sandbox: &Sandbox, target: &str) -> io::Result<Reply> {
    send(sandbox, request("GET", target, "", "")).await
}

pub(crate) async fn post(sandbox: &Sandbox, target: &str, body: &str) -> io::Result<Reply> {
    let headers = "content-type: application/json\r\n";
    send(sandbox, request("POST", target, headers, body)).await
}

/// A valid completion of 1499 for this click.
pub(crate) fn completion(sandbox: &Sandbox, cmc_id: &str) -> String {
    let ts = sandbox.now_ms();
    let path = "/cashmycell/api/v1/public/order-complete";
    format!("{path}?status=COMPLETED&order_value=1499&cmc_id={cmc_id}&ts={ts}")
}

/// A valid confirmation for this (encoded) e-mail.
pub(crate) fn confirmation(email: &str) -> String {
    use postback_sandbox::{CARTSTACK_KEY, CARTSTACK_SITEID};
    format!(
        "/cartstack/ss/v1/?key={CARTSTACK_KEY}&siteid={CARTSTACK_SITEID}&email={email}&total=14.99"
    )
}

/// A valid conversion of 100 for this order and click.
pub(crate) fn conversion(order: &str, click: &str) -> String {
    use postback_sandbox::{SHOPBACK_OFFER_ID, SHOPBACK_SECURITY_TOKEN};
    format!(
        "/shopback/aff_lsr?offer_id={SHOPBACK_OFFER_ID}&adv_sub={order}&transaction_id={click}&amount=100\
         &security_token={SHOPBACK_SECURITY_TOKEN}"
    )
}

/// A click of 30 letters and digits that starts with `start`.
pub(crate) fn click(start: &str) -> String {
    format!("{start:0<30}")
}

/// The target of a request to add a lead.
pub(crate) fn add() -> String {
    format!("/cpa_moe/ext/add.json?id={CPA_MOE_USER}-{CPA_MOE_KEY}")
}

/// The target of a request to list these leads.
pub(crate) fn list(ids: &str) -> String {
    format!("/cpa_moe/ext/list.json?id={CPA_MOE_USER}-{CPA_MOE_KEY}&ids={ids}")
}

/// A valid lead for this id (JSON) and offer.
pub(crate) fn lead(id: &str, offer: u64) -> String {
    format!(
        r#"{{"id":{id},"wm":42,"offer":{offer},"ip":"12.34.56.78","name":"John Doe","phone":"77000000000","country":"kz"}}"#
    )
}
