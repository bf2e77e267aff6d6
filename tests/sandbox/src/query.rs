//! A query string read the way a vendor's server reads it, with every liberty the sender took written down.

/// The decoded parameters and what was wrong with the way they were written.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// Names and values, decoded, in order.
    pub(crate) pairs: Vec<(String, String)>,
    /// What the vendors' documents or RFC 3986 forbid.
    pub(crate) flaws: Vec<String>,
    /// So broken that a front server answers 400 before the vendor's code sees it.
    pub(crate) broken: bool,
}

impl Query {
    /// Reads `raw`. `commas` names the one parameter in which the vendor documents raw commas.
    ///
    /// Every vendor asks for URL-encoded values, CashMyCell names `encodeURIComponent`: letters, digits, `-_.~!'()*`
    /// stand for themselves, everything else is percent-encoded. A raw `+` reads as a blank.
    pub(crate) fn read(raw: &str, commas: Option<&str>) -> Self {
        let mut query = Self::default();
        if raw.is_empty() {
            return query;
        }
        for piece in raw.split('&') {
            if !piece.contains('=') {
                query.flaw(format!("{piece:?} is not name=value"));
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

    /// The value of `name`; the last one where it stands twice, as PHP has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Like [`get`](Self::get), an empty value counting as none.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// Notes parameters the vendor does not document, doubled ones, empty ones and leftover templates.
    pub(crate) fn check_names(&mut self, known: &[&str]) {
        let mut flaws = Vec::new();
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                flaws.push(format!("{name} is not a documented parameter"));
            }
            if self.pairs[..at].iter().any(|(other, _)| other == name) {
                flaws.push(format!("{name} stands there twice"));
            }
            if value.trim().is_empty() {
                flaws.push(format!("{name} is empty"));
            }
            if looks_like_template(value) {
                flaws.push(format!("{name} is a template nobody filled in"));
            }
        }
        self.flaws.append(&mut flaws);
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
                        self.breakage(format!("{what}: % is not followed by two hex digits"));
                    }
                    decoded.push(pair.unwrap_or(byte));
                }
                b'+' => {
                    self.flaw(format!("{what}: a raw + reads as a blank; write %2B or %20"));
                    decoded.push(b' ');
                }
                _ if may_stand_raw(byte) || (commas && byte == b',') => decoded.push(byte),
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#' => {
                    let shown = char::from(byte);
                    self.breakage(format!("{what}: {shown} may not stand in a URL"));
                    decoded.push(byte);
                }
                _ if byte.is_ascii_graphic() => {
                    let shown = char::from(byte);
                    self.flaw(format!("{what}: {shown} is not percent-encoded"));
                    decoded.push(byte);
                }
                // Blanks, control characters and bytes above ASCII: the head's reader has noted them already.
                _ => {
                    self.broken = true;
                    decoded.push(byte);
                }
            }
        }
        String::from_utf8(decoded).unwrap_or_else(|error| {
            self.breakage(format!("{what}: not UTF-8"));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })
    }

    fn flaw(&mut self, flaw: String) {
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    fn breakage(&mut self, flaw: String) {
        self.broken = true;
        self.flaw(flaw);
    }
}

/// `{transaction_id}` and the like: a value somebody forgot to fill in.
pub(crate) fn looks_like_template(value: &str) -> bool {
    value.contains('{') && value.contains('}')
}

fn may_stand_raw(byte: u8) -> bool {
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

    fn flaws(raw: &str) -> (Vec<String>, bool) {
        let query = Query::read(raw, Some("ids"));
        (query.flaws, query.broken)
    }

    #[test]
    fn encode_uri_component_is_accepted() {
        let query =
            Query::read("a=%241%2C499.99&b=x%2By%40z.example&c=!'()*~-_.&ids=1,2", Some("ids"));

        assert_eq!(query.flaws, [""; 0]);
        assert_eq!(query.get("a"), Some("$1,499.99"));
        assert_eq!(query.get("b"), Some("x+y@z.example"));
        assert_eq!(query.get("ids"), Some("1,2"));
    }

    #[test]
    fn a_raw_plus_is_a_blank_and_a_flaw() {
        let query = Query::read("email=a+b%40example.com", None);

        assert_eq!(query.get("email"), Some("a b@example.com"));
        assert_eq!(query.flaws.len(), 1);
        assert!(!query.broken);
    }

    #[test]
    fn what_no_url_may_hold_is_broken() {
        for raw in
            ["a=%", "a=%2", "a=%zz", "a=%+1", "a={b}", "a=\"", "a=%FF", "a=1 2", "a=é", "a=#"]
        {
            assert!(flaws(raw).1, "{raw}");
        }
    }

    #[test]
    fn sloppy_writing_is_noted_and_read() {
        for raw in ["a=1&&b=2", "a=1&", "a", "a=x@y", "a=1,2", "a=b=c", "a=$1"] {
            let (flaws, broken) = flaws(raw);

            assert!(!flaws.is_empty() && !broken, "{raw}");
        }
    }

    #[test]
    fn unknown_doubled_empty_and_template_parameters_are_noted() {
        let mut query = Query::read("a=1&a=2&b=&c=%7Bx%7D&d=4", None);

        query.check_names(&["a", "b", "c"]);

        assert_eq!(
            query.flaws,
            [
                "a stands there twice",
                "b is empty",
                "c is a template nobody filled in",
                "d is not a documented parameter",
            ]
        );
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.filled("b"), None);
    }
}
