//! A query string, parsed as a network's server parses it. Everything RFC 3986 or the networks' documents forbid is
//! written down.

/// The decoded parameters, and the violations in the way they were written.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// Names and values, decoded, in order.
    pub(crate) pairs: Vec<(String, String)>,
    /// Everything the networks' documents or RFC 3986 forbid.
    pub(crate) violations: Vec<String>,
    /// A front server would answer 400 before the network's code sees the request.
    pub(crate) broken: bool,
}

impl Query {
    /// Parses `raw`. `commas` names the one parameter in which the network documents raw commas.
    ///
    /// Every network requires URL-encoded values, and CashMyCell names `encodeURIComponent`: letters, digits and
    /// `-_.~!'()*` may be raw, everything else is percent-encoded. A raw `+` reads as a blank.
    pub(crate) fn parse(raw: &str, commas: Option<&str>) -> Self {
        let mut query = Self::default();
        if raw.is_empty() {
            return query;
        }
        for piece in raw.split('&') {
            if !piece.contains('=') {
                query.note(format!("{piece:?} is not name=value"));
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = query.decode(name, "a parameter's name", false);
            let value = query.decode(value, &name, commas == Some(name.as_str()));
            if !name.is_empty() {
                query.pairs.push((name, value));
            }
        }
        query
    }

    /// The value of `name`; the last one if it appears twice, as in PHP.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Like [`get`](Self::get), but an empty value counts as none.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// Notes undocumented, repeated and empty parameters, and placeholders.
    pub(crate) fn check_names(&mut self, known: &[&str]) {
        let mut violations = Vec::new();
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                violations.push(format!("{name} is not a documented parameter"));
            }
            if self.pairs[..at].iter().any(|(other, _)| other == name) {
                violations.push(format!("{name} appears twice"));
            }
            if value.trim().is_empty() {
                violations.push(format!("{name} is empty"));
            }
            if is_placeholder(value) {
                violations.push(format!("{name} is an unfilled placeholder"));
            }
        }
        self.violations.append(&mut violations);
    }

    fn decode(&mut self, text: &str, what: &str, commas: bool) -> String {
        let bytes = text.as_bytes();
        let mut decoded = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            match byte {
                b'%' => {
                    let pair = bytes.get(at..at + 2).and_then(hex_pair);
                    if pair.is_some() {
                        at += 2;
                    } else {
                        self.note_broken(format!("{what}: % is not followed by two hex digits"));
                    }
                    decoded.push(pair.unwrap_or(byte));
                }
                b'+' => {
                    self.note(format!("{what}: a raw + reads as a blank; write %2B or %20"));
                    decoded.push(b' ');
                }
                _ if may_be_raw(byte) || (commas && byte == b',') => decoded.push(byte),
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#' => {
                    let shown = char::from(byte);
                    self.note_broken(format!("{what}: {shown} is not allowed in a URL"));
                    decoded.push(byte);
                }
                _ if byte.is_ascii_graphic() => {
                    let shown = char::from(byte);
                    self.note(format!("{what}: {shown} is not percent-encoded"));
                    decoded.push(byte);
                }
                // Blanks, control characters and bytes above ASCII: `parse_head` has noted them already.
                _ => {
                    self.broken = true;
                    decoded.push(byte);
                }
            }
        }
        String::from_utf8(decoded).unwrap_or_else(|error| {
            self.note_broken(format!("{what}: not UTF-8"));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })
    }

    fn note(&mut self, violation: String) {
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    fn note_broken(&mut self, violation: String) {
        self.broken = true;
        self.note(violation);
    }
}

/// True for a value that is a placeholder as a whole: `{transaction_id}`, `%%cmc_id%%`. Braces inside free text, or
/// around JSON, mean nothing.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let inside = |mark: &str, end: &str| value.strip_prefix(mark)?.strip_suffix(end);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let braced = inside("{", "}").is_some_and(|name| name.chars().all(is_name));
    braced || inside("%%", "%%").is_some()
}

fn may_be_raw(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&byte)
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    if !pair.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let text = std::str::from_utf8(pair).ok()?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(raw: &str) -> (Vec<String>, bool) {
        let query = Query::parse(raw, Some("ids"));
        (query.violations, query.broken)
    }

    #[test]
    fn encode_uri_component_is_accepted() {
        let query =
            Query::parse("a=%241%2C499.99&b=x%2By%40z.example&c=!'()*~-_.&ids=1,2", Some("ids"));

        assert_eq!(query.violations, [""; 0]);
        assert_eq!(query.get("a"), Some("$1,499.99"));
        assert_eq!(query.get("b"), Some("x+y@z.example"));
        assert_eq!(query.get("ids"), Some("1,2"));
    }

    #[test]
    fn a_raw_plus_is_a_blank_and_a_violation() {
        let query = Query::parse("email=a+b%40example.com", None);

        assert_eq!(query.get("email"), Some("a b@example.com"));
        assert_eq!(query.violations.len(), 1);
        assert!(!query.broken);
    }

    #[test]
    fn bytes_that_no_url_allows_break_it() {
        for raw in
            ["a=%", "a=%2", "a=%zz", "a=%+1", "a={b}", "a=\"", "a=%FF", "a=1 2", "a=é", "a=#"]
        {
            assert!(violations(raw).1, "{raw}");
        }
    }

    #[test]
    fn sloppy_encoding_is_noted_and_parsed() {
        for raw in ["a=1&&b=2", "a=1&", "a", "a=x@y", "a=1,2", "a=b=c", "a=$1"] {
            let (violations, broken) = violations(raw);

            assert!(!violations.is_empty() && !broken, "{raw}");
        }
    }

    #[test]
    fn unknown_repeated_empty_and_placeholder_parameters_are_noted() {
        let mut query = Query::parse("a=1&a=2&b=&c=%7Bx%7D&d=4", None);

        query.check_names(&["a", "b", "c"]);

        assert_eq!(
            query.violations,
            [
                "a appears twice",
                "b is empty",
                "c is an unfilled placeholder",
                "d is not a documented parameter",
            ]
        );
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.filled("b"), None);
    }

    #[test]
    fn only_a_whole_value_is_a_placeholder() {
        for placeholder in ["{cmc_id}", " {x} ", "{}", "%%cmc_id%%"] {
            assert!(is_placeholder(placeholder), "{placeholder}");
        }
        for text in ["", "a {b} c", "{a} and {b}", "100%", "50%% off"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
