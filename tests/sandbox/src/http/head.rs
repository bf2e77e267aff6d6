//! The request line and the headers.

use super::Request;

/// Parses a request's head; `head` ends with the last header's line end.
pub(super) fn parse_head(head: &[u8]) -> Result<Request, String> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").ok_or("a line must end with CR and LF"));
    let line = lines.next().ok_or("no request line")??;
    let (method, rest) = split_at_byte(line, line.iter().position(|byte| *byte == b' '))
        .ok_or("the request line has no target")?;
    // The last blank, not the next one: a raw blank in the target stays visible.
    let (target, version) = split_at_byte(rest, rest.iter().rposition(|byte| *byte == b' '))
        .ok_or("the request line has no version")?;
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err("the version is not HTTP/1.1".to_owned());
    }
    if !target.starts_with(b"/") {
        return Err("the target is not a path".to_owned());
    }

    let mut violations = Vec::new();
    if let Some(byte) = target.iter().find(|byte| !byte.is_ascii_graphic()) {
        violations.push(format!("the request target contains the raw byte 0x{byte:02X}"));
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
        violations.push("no Host header".to_owned());
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
        violations,
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
    fn raw_blanks_and_bytes_in_the_target_are_violations() -> Result<(), String> {
        let blank = parse_head(b"GET /a?x=1 2 HTTP/1.1\r\nHost: h\r\n")?;
        let accent = parse_head("GET /a?x=é HTTP/1.1\r\nHost: h\r\n".as_bytes())?;

        assert_eq!(blank.query, "x=1 2");
        assert_eq!(blank.violations, ["the request target contains the raw byte 0x20"]);
        assert_eq!(accent.violations, ["the request target contains the raw byte 0xC3"]);
        Ok(())
    }

    #[test]
    fn nonsense_is_not_a_request() {
        assert!(parse_head(b"GET /\r\n").is_err());
        assert!(parse_head(b"GET / HTTP/3\r\n").is_err());
        assert!(parse_head(b"GET http://x/ HTTP/1.1\r\n").is_err());
        assert!(parse_head(b"GET / HTTP/1.1\r\nno colon\r\n").is_err());
    }
}
