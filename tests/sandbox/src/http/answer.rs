//! An HTTP answer and its bytes.

use serde_json::Value;

/// An answer, the network's own or a scripted one.
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

    /// The same answer with another status.
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

    /// A refusal in HTML, as a front server writes it.
    pub(crate) fn page(status: u16) -> Self {
        let title = reason(status);
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

/// The reason phrase; 520 to 524 are those of Cloudflare.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        520 => "Web Server Returned an Unknown Error",
        521 => "Web Server Is Down",
        522 => "Connection Timed Out",
        523 => "Origin Is Unreachable",
        524 => "A Timeout Occurred",
        _ => "Sandbox",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
