//! HTTP/1.1 as bytes: a server of its own, because a library would tidy up exactly what is judged here and would not
//! let go of a connection in the middle of a body.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// A request as it stood on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What no HTTP client may write.
    pub(crate) flaws: Vec<String>,
    pub(crate) keep_alive: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer, the vendor's or a scripted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names and values; a content length is added unless one is given.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// A bare status without a body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A 200 with this content type and body.
    #[must_use]
    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).with_header("content-type", content_type).with_body(body)
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same answer with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same answer under another status.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::of("application/json", value.to_string())
    }

    pub(crate) fn text(body: &str) -> Self {
        Self::of("text/plain; charset=utf-8", body)
    }

    /// A refusal in HTML, as a vendor's front server writes it.
    pub(crate) fn page(status: u16, title: &str) -> Self {
        Self::of("text/html", format!("<html><head><title>{status} {title}</title></head></html>"))
            .with_status(status)
    }

    /// The head as bytes, blank line included.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut lines = vec![format!("HTTP/1.1 {} {}", self.status, reason(self.status))];
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        let framed = self.headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        });
        if !framed && !matches!(self.status, 100..=199 | 204 | 304) {
            lines.push(format!("content-length: {}", self.body.len()));
        }
        (lines.join("\r\n") + "\r\n\r\n").into_bytes()
    }

    /// Head and body as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Sandbox",
    }
}

/// What came over a connection.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request(Request),
    /// The peer went away between two requests or within one.
    Closed,
    /// As many bytes as a fault allows were read.
    Cut,
    /// Not HTTP, or not of the kind served here.
    Bad(Answer, String),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    allowance: Option<usize>,
}

impl Wire {
    /// `allowance`: how many bytes may be read before the connection is to be cut.
    pub(crate) const fn new(stream: TcpStream, allowance: Option<usize>) -> Self {
        Self { stream, buffer: Vec::new(), allowance }
    }

    /// The next whole request.
    pub(crate) async fn next(&mut self) -> io::Result<Incoming> {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Ok(bad(431, "the head is too long"));
            }
            if let Some(end) = self.fill().await? {
                return Ok(end);
            }
        };
        let mut request = match read_head(&self.buffer[..head_end - 2]) {
            Ok(request) => request,
            Err(flaw) => return Ok(bad(400, flaw)),
        };
        if request.header("transfer-encoding").is_some() {
            return Ok(bad(411, "a body needs a content-length"));
        }
        let length = match request.header("content-length").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(length)) if length <= BODY_LIMIT => length,
            Some(Ok(_)) => return Ok(bad(413, "the body is too long")),
            Some(Err(_)) => return Ok(bad(400, "content-length is not a number")),
        };
        while self.buffer.len() < head_end + length {
            if let Some(end) = self.fill().await? {
                return Ok(end);
            }
        }
        request.body = self.buffer[head_end..head_end + length].to_vec();
        self.buffer.drain(..head_end + length);
        Ok(Incoming::Request(request))
    }

    async fn fill(&mut self) -> io::Result<Option<Incoming>> {
        let mut chunk = [0; 8 * 1024];
        let most = self.allowance.unwrap_or(chunk.len()).min(chunk.len());
        if most == 0 {
            return Ok(Some(Incoming::Cut));
        }
        let read = self.stream.read(&mut chunk[..most]).await?;
        if read == 0 {
            return Ok(Some(Incoming::Closed));
        }
        self.buffer.extend_from_slice(&chunk[..read]);
        self.allowance = self.allowance.map(|left| left - read);
        Ok(None)
    }

    /// Returns when the peer has closed the connection.
    pub(crate) async fn closed(&mut self) {
        while let Ok(None) = self.fill().await {}
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Ends the connection in order: everything written arrives, then its end.
    pub(crate) async fn finish(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Breaks the connection: the peer sees a reset.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}

fn bad(status: u16, flaw: impl Into<String>) -> Incoming {
    Incoming::Bad(Answer::page(status, reason(status)), flaw.into())
}

/// Reads the request line and the headers; `head` ends with the last header's line end.
fn read_head(head: &[u8]) -> Result<Request, String> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").ok_or("a line must end with CR and LF"));
    let line = lines.next().ok_or("no request line")??;
    let (method, rest) = split_at_byte(line, line.iter().position(|byte| *byte == b' '))
        .ok_or("the request line has no target")?;
    // The last blank, not the next one: a raw blank inside the target must be seen as what it is.
    let (target, version) = split_at_byte(rest, rest.iter().rposition(|byte| *byte == b' '))
        .ok_or("the request line has no version")?;
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err("the version is not HTTP/1.1".to_owned());
    }
    if !target.starts_with(b"/") {
        return Err("the target is not a path".to_owned());
    }

    let mut flaws = Vec::new();
    if let Some(byte) = target.iter().find(|byte| !byte.is_ascii_graphic()) {
        flaws.push(format!("the request target holds the raw byte 0x{byte:02X}"));
    }
    let mut headers = Vec::new();
    for line in lines.filter(|line| !matches!(line, Err(_) | Ok(b""))) {
        let line = line?;
        let (name, value) = split_at_byte(line, line.iter().position(|byte| *byte == b':'))
            .ok_or("a header has no colon")?;
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        headers.push((name, String::from_utf8_lossy(value).trim().to_owned()));
    }
    if !headers.iter().any(|(name, _)| name == "host") {
        flaws.push("no Host header".to_owned());
    }

    let target = String::from_utf8_lossy(target);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let keep_alive = version == b"HTTP/1.1"
        && !headers
            .iter()
            .any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"));
    Ok(Request {
        method: String::from_utf8_lossy(method).into_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
        flaws,
        keep_alive,
    })
}

fn split_at_byte(bytes: &[u8], at: Option<usize>) -> Option<(&[u8], &[u8])> {
    at.map(|at| (&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_blanks_and_bytes_in_the_target_are_seen() -> Result<(), String> {
        let blank = read_head(b"GET /a?x=1 2 HTTP/1.1\r\nHost: h\r\n")?;
        let accent = read_head("GET /a?x=é HTTP/1.1\r\nHost: h\r\n".as_bytes())?;

        assert_eq!(blank.query, "x=1 2");
        assert_eq!(blank.flaws, ["the request target holds the raw byte 0x20"]);
        assert_eq!(accent.flaws, ["the request target holds the raw byte 0xC3"]);
        Ok(())
    }

    #[test]
    fn nonsense_is_not_a_request() {
        assert!(read_head(b"GET /\r\n").is_err());
        assert!(read_head(b"GET / HTTP/3\r\n").is_err());
        assert!(read_head(b"GET http://x/ HTTP/1.1\r\n").is_err());
        assert!(read_head(b"GET / HTTP/1.1\r\nno colon\r\n").is_err());
    }

    #[test]
    fn an_answer_is_framed_once() {
        let own = Answer::of("text/plain", "abc").with_header("Content-Length", "9");

        assert!(Answer::status(204).head().ends_with(b"No Content\r\n\r\n"));
        assert_eq!(
            String::from_utf8_lossy(&own.head()).to_lowercase().matches("content-length").count(),
            1
        );
    }
}
