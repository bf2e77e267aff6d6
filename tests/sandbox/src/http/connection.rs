//! One connection: requests in, bytes out.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::head::parse_head;
use super::{Answer, Request};

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// The next thing a connection brought.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request(Request),
    /// The peer closed the connection between two requests or within one.
    Closed,
    /// As many bytes as a fault allows were read.
    Cut,
    /// Not HTTP, or a kind of request that is not served here.
    Bad(Answer, String),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    allowance: Option<usize>,
}

impl Connection {
    /// `allowance`: the number of bytes to read before the connection is cut.
    pub(crate) const fn new(stream: TcpStream, allowance: Option<usize>) -> Self {
        Self { stream, buffer: Vec::new(), allowance }
    }

    /// Reads the next whole request.
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
        let mut request = match parse_head(&self.buffer[..head_end - 2]) {
            Ok(request) => request,
            Err(violation) => return Ok(bad(400, violation)),
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

    /// Closes the connection in order: the peer receives everything written, then its end.
    pub(crate) async fn finish(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Breaks the connection: the peer receives a reset.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}

fn bad(status: u16, violation: impl Into<String>) -> Incoming {
    Incoming::Bad(Answer::page(status), violation.into())
}
