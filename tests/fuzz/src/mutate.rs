//! Changes to JSON that stay JSON: a value replaced, moved, quoted, a member twice or gone. Bytes
//! changed at random hardly ever get past the parser.

use std::mem;

use libfuzzer_sys::fuzzer_mutate;

use crate::json::Json;

/// The values that replace another.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "-0",
    "100",
    "102",
    "0.5",
    "1e3",
    "1.000",
    "1.001",
    "9007199254740993",
    "18446744073709551616",
    "123456789012345678901234567890123456789012345",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"null\"",
    "\"undefined\"",
    "\"{x}\"",
    "\"a@b.example\"",
    "\"ok\"",
    "\"error\"",
    "\"auto\"",
    "[]",
    "[0]",
    "{}",
    "{\"a\":1}",
];

/// The pieces that are put into a text.
const PIECES: &[&str] = &[
    "0", " ", "\n", "\t", "{", "}", "-", ".", ",", "_", "%25", "\u{feff}", "\u{a0}", "é", "\u{0}",
];

/// Mutates `data[..size]`: in half of all cases what follows `head` bytes, as JSON, if it is JSON.
/// For `fuzz_mutator!`.
pub fn json(data: &mut [u8], size: usize, max_size: usize, seed: u32, head: usize) -> usize {
    let mut dice = Dice(u64::from(seed) | 1 << 40);
    let body = data.get(head..size).and_then(|body| str::from_utf8(body).ok());
    let Some(mut value) = body.filter(|_| dice.roll(2) == 0).and_then(Json::parse) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..=dice.roll(3) {
        change(&mut value, &mut dice);
    }
    let text = value.to_string();
    match data[..max_size].get_mut(head..head + text.len()) {
        Some(room) => {
            room.copy_from_slice(text.as_bytes());
            head + text.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
}

/// Changes one value somewhere in `root`.
fn change(root: &mut Json, dice: &mut Dice) {
    let count = count(root);
    let other = at(root, &mut dice.roll(count)).map_or(Json::Null, |other| other.clone());
    let Some(value) = at(root, &mut dice.roll(count)) else { return };
    if let Some(next) = inside(value, other, dice) {
        *value = next;
    }
}

/// Changes `value` in itself, or gives another in its place.
fn inside(value: &mut Json, other: Json, dice: &mut Dice) -> Option<Json> {
    match (dice.roll(8), value) {
        // An event's body is JSON in a text.
        (_, Json::Text(text)) if text.starts_with('{') && dice.roll(8) > 0 => {
            let mut inner = Json::parse(text)?;
            change(&mut inner, dice);
            *text = inner.to_string();
        }
        (0, _) => return Json::parse(dice.pick(VALUES)),
        (1, _) => return Some(other),
        (2, value) => return Some(Json::List(vec![value.clone()])),
        (3, Json::Object(members)) if !members.is_empty() => {
            let (name, _) = members[dice.roll(members.len())].clone();
            members.insert(dice.roll(members.len() + 1), (name, other));
        }
        (4, Json::Object(members)) if !members.is_empty() => {
            members.remove(dice.roll(members.len()));
        }
        (5, Json::Object(members)) if !members.is_empty() => {
            let (one, two) = (dice.roll(members.len()), dice.roll(members.len()));
            let name = mem::take(&mut members[one].0);
            members[one].0 = mem::replace(&mut members[two].0, name);
        }
        (_, Json::Object(members)) if !members.is_empty() => {
            let index = dice.roll(members.len());
            let name = &mut members[index].0;
            *name = if dice.roll(2) == 0 { name.to_uppercase() } else { format!("{name}x") };
        }
        (3, Json::List(values)) => values.push(other),
        (_, Json::List(values)) => drop(values.pop()),
        (3, Json::Number(digits)) => return Some(Json::Text(digits.clone())),
        (3, Json::Text(text)) => return Some(Json::Number(text.clone())),
        (4, Json::Number(text) | Json::Text(text)) => *text = text.repeat(1 + dice.roll(70)),
        (_, Json::Number(text) | Json::Text(text)) => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let ends: Vec<_> = ends.collect();
            text.insert_str(ends[dice.roll(ends.len())], dice.pick(PIECES));
        }
        (_, _) => return Json::parse(dice.pick(VALUES)),
    }
    None
}

fn count(value: &Json) -> usize {
    let below: usize = match value {
        Json::List(values) => values.iter().map(count).sum(),
        Json::Object(members) => members.iter().map(|member| count(&member.1)).sum(),
        _ => 0,
    };
    1 + below
}

/// The value of that number, counted from the root.
fn at<'a>(value: &'a mut Json, number: &mut usize) -> Option<&'a mut Json> {
    let Some(next) = number.checked_sub(1) else { return Some(value) };
    *number = next;
    match value {
        Json::List(values) => values.iter_mut().find_map(|value| at(value, number)),
        Json::Object(members) => members.iter_mut().find_map(|member| at(&mut member.1, number)),
        _ => None,
    }
}

/// Chance, from libFuzzer's seed.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides.max(1) as u64).unwrap_or(0)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.roll(from.len())]
    }
}
