//! The format of a file of answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use postback_core::{
    delivery::Attempt,
    http::{Answer, retry_after},
};

use super::Recorded;
use crate::NOW;

/// Parses a file of answers.
pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Recorded, String> {
    let mut lines = Lines { rest: bytes };
    let mut file = Recorded {
        name: name.to_owned(),
        expect: Vec::new(),
        attempt: Attempt::first(NOW),
        keeps: Vec::new(),
        answer: Answer::new(0, ""),
    };
    let mut base64 = false;
    let status_line = loop {
        let line = lines.next()?;
        let Some(comment) = line.strip_prefix('#') else { break line };
        let (key, value) = comment.split_once(':').ok_or_else(|| format!("what is `{line}`?"))?;
        let value = value.trim();
        match key.trim() {
            "note" => {}
            "expect" => file.expect = value.split_whitespace().map(str::to_owned).collect(),
            "attempt" => file.attempt = attempt(value)?,
            "keeps" => {
                let pair = value.split_once('=').ok_or("`# keeps:` wants name=value")?;
                file.keeps.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            "body" if value == "base64" => base64 = true,
            _ => return Err(format!("what is `{line}`?")),
        }
    };
    if file.expect.is_empty() {
        return Err("`# expect:` is missing".to_owned());
    }
    file.answer.status = status(status_line)?;
    let (mut content_type, mut content_encoding) = (None, None);
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            break;
        }
        let (key, value) = line.split_once(':').ok_or_else(|| format!("what is `{line}`?"))?;
        match key.to_ascii_lowercase().as_str() {
            "retry-after" => file.answer.retry_after = retry_after(value, NOW),
            "content-type" => content_type = Some(value),
            "content-encoding" => content_encoding = Some(value),
            _ => {}
        }
    }
    file.answer = file.answer.with_headers(content_type, content_encoding);
    let body = lines.rest.strip_suffix(b"\n").unwrap_or(lines.rest);
    file.answer.body = if base64 { decode(body)? } else { body.to_vec() };
    Ok(file)
}

fn attempt(value: &str) -> Result<Attempt, String> {
    match value {
        "first" => Ok(Attempt::first(NOW)),
        "after_a_lost_answer" => Ok(Attempt::after_a_lost_answer(NOW)),
        _ => {
            let number = value.strip_prefix("number ").and_then(|number| number.parse().ok());
            let number: u32 = number.filter(|number| *number > 0).ok_or("which attempt?")?;
            Ok(Attempt { number, ..Attempt::first(NOW) })
        }
    }
}

fn status(line: &str) -> Result<u16, String> {
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/"));
    let status = words.next().and_then(|word| word.parse().ok());
    status
        .filter(|status| is_http && (100..600).contains(status))
        .ok_or_else(|| format!("`{line}` is no status line"))
}

fn decode(body: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|error| format!("the body is no base64: {error}"))
}

/// The lines before the body.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or("it ends before the empty line that the body follows")?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        let line = str::from_utf8(line).map_err(|_| "a line before the body is not text")?;
        Ok(line.strip_suffix('\r').unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use postback_core::network::by_status;

    use super::*;
    use crate::corpus::verdict_words;

    #[test]
    fn reads_a_file_and_keeps_the_body_byte_for_byte() {
        let text = b"# expect: retrying http_429 after 120\n# attempt: number 3\n# keeps: a=b\n\
            HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\n\r\n\xff\n\n";

        let file = parse("a.http", text).expect("a file");

        assert_eq!(file.expect, ["retrying", "http_429", "after", "120"]);
        assert_eq!(file.attempt.number, 3);
        assert_eq!(file.answer.status, 429);
        assert_eq!(file.answer.body, b"\xff\n");
        assert_eq!(file.keeps, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(verdict_words(&by_status(&file.answer)), file.expect);
    }

    #[test]
    fn reads_a_body_in_base64() {
        let text = b"# expect: accepted\n# body: base64\nHTTP/1.1 200 OK\n\nR0lG\nODlh\n";

        let file = parse("a.http", text).expect("a file");

        assert_eq!(file.answer.body, b"GIF89a");
    }

    #[test]
    fn a_file_that_says_too_little_or_too_much_is_refused() {
        let cases: [&[u8]; 6] = [
            b"HTTP/1.1 200 OK\n\n",
            b"# expct: delivered\nHTTP/1.1 200 OK\n\n",
            b"# expect: delivered response\nHTTP/1.1 OK\n\n",
            b"# expect: delivered response\nHTTP/1.1 200 OK\n",
            b"# expect: delivered response\n# attempt: number 0\nHTTP/1.1 200 OK\n\n",
            b"# expect: delivered response\n# body: base64\nHTTP/1.1 200 OK\n\n!\n",
        ];

        for case in cases {
            assert!(parse("a.http", case).is_err(), "{}", String::from_utf8_lossy(case));
        }
    }
}
