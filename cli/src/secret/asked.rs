//! The questions that `secret` asks on a terminal, and what the answers make.

use std::io::{self, BufRead, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use serde_json::{Map, Value, json};

/// The byte of Ctrl-C.
const CTRL_C: u8 = 3;

/// Somebody who answers.
pub(super) trait Asks {
    /// Asks for a line; a hidden one is not shown while it is typed. The line's end is not part of it.
    fn ask(&mut self, question: &str, is_hidden: bool) -> io::Result<String>;

    fn show(&mut self, line: &str) -> io::Result<()>;

    /// Fills the bytes at random.
    fn random(&mut self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The person at the terminal.
pub(super) struct Terminal;

impl Asks for Terminal {
    fn ask(&mut self, question: &str, is_hidden: bool) -> io::Result<String> {
        let shown = tcgetattr(io::stdin())?;
        // Before the question: what is typed right after it is hidden, too.
        if is_hidden {
            let mut quiet = shown.clone();
            // Ctrl-C ends the line instead of the program: the terminal has to show again what is typed.
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
            quiet.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
            tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        }
        write!(io::stderr(), "{question}")?;
        let line = line_of(io::stdin().lock());
        if is_hidden {
            tcsetattr(io::stdin(), OptionalActions::Flush, &shown)?;
            writeln!(io::stderr())?;
        }
        line
    }

    fn show(&mut self, line: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{line}")
    }

    fn random(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}

/// A line without its end. Fails as interrupted by a Ctrl-C in it.
fn line_of(input: impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    let mut is_ended = false;
    for byte in input.bytes() {
        match byte? {
            CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
            b'\n' => {
                is_ended = true;
                break;
            }
            byte => line.push(byte),
        }
    }
    if line.is_empty() && !is_ended {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(line.trim_end_matches('\r').to_owned())
}

/// The settings after asking for each that fits on a line; the others stay as they were.
pub(super) fn settings(
    schema: &Value,
    before: &Map<String, Value>,
    person: &mut impl Asks,
) -> io::Result<Map<String, Value>> {
    let title = schema["title"].as_str().unwrap_or_default();
    person.show(&format!("{title}. Enter leaves a setting as it is."))?;
    let mut settings = before.clone();
    let members = schema["properties"].as_object().into_iter().flatten();
    for (name, member) in members.filter(|(_, member)| fits_on_a_line(member)) {
        let is_hidden = member["writeOnly"] == true;
        let answer = person.ask(&question(schema, name, member, before), is_hidden)?;
        let answer = answer.trim();
        if !answer.is_empty() {
            let is_flag = member["type"] == "boolean";
            let flag = answer.parse().ok().filter(|_| is_flag).map(Value::Bool);
            settings.insert(name.clone(), flag.unwrap_or_else(|| answer.into()));
        }
    }
    Ok(settings)
}

fn fits_on_a_line(member: &Value) -> bool {
    !["object", "array"].iter().any(|kind| member["type"] == *kind)
}

fn question(schema: &Value, name: &str, member: &Value, before: &Map<String, Value>) -> String {
    let about = member["description"].as_str().unwrap_or_default();
    let words: Vec<_> =
        member["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let choice = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    let is_needed =
        schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    let needed = if is_needed { "" } else { ", optional" };
    let kept = if before.contains_key(name) { ", set" } else { "" };
    format!("  {name} ({about}{choice}{needed}{kept}): ")
}

/// The keys after asking for a new one, the newest first. Some are made here; a shop system shows its own,
/// and an empty one is an invalid input.
pub(super) fn new_keys(
    before: &Map<String, Value>,
    is_made_here: bool,
    person: &mut impl Asks,
) -> io::Result<Map<String, Value>> {
    let keys = before.get("keys").and_then(Value::as_array);
    let keys = keys.filter(|keys| keys.iter().all(Value::is_string)).cloned().unwrap_or_default();
    let previous = keys.first();
    if keys.len() > 1 && !is_no(person, "Two keys are valid. Drop the older one? [Y/n] ")? {
        return Ok(secret(previous.into_iter().cloned()));
    }
    let key = key(is_made_here, person)?;
    if key == "none" {
        person.show("No key is valid any more, until there is one again.")?;
        return Ok(secret([]));
    }
    let key = Value::from(key);
    let Some(previous) = previous else { return Ok(secret([key])) };
    if is_no(person, "Keep the previous key valid beside it? n, if it has leaked. [Y/n] ")? {
        return Ok(secret([key]));
    }
    person.show("Once the sender uses the new key, run this again to drop the old one.")?;
    Ok(secret([key, previous.clone()]))
}

fn key(is_made_here: bool, person: &mut impl Asks) -> io::Result<String> {
    if !is_made_here {
        // A blank at an end is part of it.
        let key = person.ask("The secret that the shop system shows (none revokes all): ", true)?;
        let is_blank = key.trim().is_empty();
        return if is_blank { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(key) };
    }
    let question = "The new key (whsec_…, Enter makes one, none revokes all): ";
    let key = person.ask(question, true)?.trim().to_owned();
    if !key.is_empty() {
        return Ok(key);
    }
    let mut bytes = [0; 32];
    person.random(&mut bytes)?;
    let key = format!("whsec_{}", BASE64_STANDARD.encode(bytes));
    person.show("Give this to the sender; it is not shown again:")?;
    person.show(&format!("  {key}"))?;
    Ok(key)
}

fn is_no(person: &mut impl Asks, question: &str) -> io::Result<bool> {
    Ok(person.ask(question, false)?.trim().eq_ignore_ascii_case("n"))
}

fn secret(keys: impl IntoIterator<Item = Value>) -> Map<String, Value> {
    let keys: Vec<_> = keys.into_iter().collect();
    Map::from_iter([("keys".to_owned(), json!(keys))])
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    /// Somebody with these answers, by the word that a question starts with.
    #[derive(Default)]
    struct Person {
        answers: Vec<(&'static str, &'static str)>,
        shown: String,
        hidden: Vec<String>,
    }

    impl Asks for Person {
        fn ask(&mut self, question: &str, is_hidden: bool) -> io::Result<String> {
            self.shown.push_str(question);
            if is_hidden {
                self.hidden.push(question.to_owned());
            }
            let of = |(word, _): &&(&str, &str)| question.trim_start().starts_with(word);
            Ok(self.answers.iter().find(of).map_or("", |(_, answer)| answer).to_owned())
        }

        fn show(&mut self, line: &str) -> io::Result<()> {
            self.shown.push_str(line);
            Ok(())
        }

        fn random(&mut self, bytes: &mut [u8]) -> io::Result<()> {
            bytes.fill(7);
            Ok(())
        }
    }

    #[test]
    fn a_setting_that_is_left_empty_stays_as_it_was() {
        let schema = json!({ "title": "Settings", "required": ["token"], "properties": {
            "token": { "type": "string", "writeOnly": true, "description": "the token" },
            "mode": { "enum": ["order", "lines"], "description": "the mode" },
            "on": { "type": "boolean", "description": "whether" },
            "offers": { "type": "object", "description": "by country" },
        } });
        let before = json!({ "token": "hunter2", "mode": "order", "offers": { "SG": "1" } });
        let before = before.as_object().expect("an object");
        let answers = vec![("mode", " lines "), ("on", "true")];
        let mut person = Person { answers, ..Person::default() };

        let after = settings(&schema, before, &mut person).expect("settings");

        let expected =
            json!({ "token": "hunter2", "mode": "lines", "on": true, "offers": { "SG": "1" } });
        assert_eq!(Value::Object(after), expected);
        assert_eq!(person.hidden, ["  token (the token, set): "]);
        assert!(person.shown.contains("mode (the mode: order, lines, optional, set)"));
        assert!(!person.shown.contains("hunter2") && !person.shown.contains("by country"));
    }

    fn keys(before: &[&str], answers: &[(&'static str, &'static str)]) -> (Vec<String>, String) {
        let before = secret(before.iter().map(|key| (*key).into()));
        let mut person = Person { answers: answers.to_vec(), ..Person::default() };
        let after = new_keys(&before, true, &mut person).expect("keys");
        let keys = after["keys"].as_array().expect("keys").iter();
        (keys.map(|key| key.as_str().unwrap_or_default().to_owned()).collect(), person.shown)
    }

    #[test]
    fn a_new_key_overlaps_with_the_old_one_unless_that_has_leaked() {
        let given = ("The new key", NEW);

        assert_eq!(keys(&[], &[given]).0, [NEW]);
        assert_eq!(keys(&[OLD], &[given]).0, [NEW, OLD]);
        assert_eq!(keys(&[OLD], &[given, ("Keep", "n")]).0, [NEW]);
        assert_eq!(keys(&[NEW, OLD], &[given]).0, [NEW]);
        assert_eq!(keys(&[OLD, OLD], &[given, ("Two", "n"), ("Keep", "N")]).0, [NEW]);
        assert_eq!(keys(&[OLD], &[("The new key", "none")]).0, Vec::<String>::new());
        let (made, shown) = keys(&[], &[]);
        assert_eq!((made.len(), made[0].len()), (1, 50));
        assert!(shown.contains(&made[0]) && made[0].starts_with("whsec_BwcH"), "{made:?}");
    }

    #[test]
    fn the_key_of_a_shop_system_keeps_its_blanks_and_is_not_made_here() {
        let answers = vec![("The secret", " shown with blanks ")];
        let mut person = Person { answers, ..Person::default() };
        let set = new_keys(&Map::new(), false, &mut person).expect("keys");
        assert_eq!(set["keys"], json!([" shown with blanks "]));

        let none = new_keys(&Map::new(), false, &mut Person::default());
        assert_eq!(none.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn a_line_ends_with_enter_and_not_with_ctrl_c() {
        let line = |typed: &str| line_of(typed.as_bytes()).map_err(|error| error.kind());

        assert_eq!(line(" a key \r\nmore"), Ok(" a key ".to_owned()));
        assert_eq!(line("\n"), Ok(String::new()));
        assert_eq!(line("half a k\u{3}"), Err(io::ErrorKind::Interrupted));
        assert_eq!(line(""), Err(io::ErrorKind::UnexpectedEof));
    }
}
