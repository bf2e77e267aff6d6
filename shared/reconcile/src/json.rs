//! The rows of a report in JSON: a list of objects, or an object of them.

use std::io::Read;

use serde_json::{Map, Value};

use crate::{fault::Fault, source::Each};

/// Reads the objects; the first row holds the names of their members.
pub(crate) fn each(file: impl Read, each: Each<'_>) -> Result<(), Fault> {
    let mut text = String::new();
    std::io::BufReader::new(file).read_to_string(&mut text)?;
    let value = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    let value: Value = value.map_err(|error| {
        Fault::Unreadable(format!(
            "it is no JSON in line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let objects = objects(value)
        .ok_or_else(|| Fault::Unreadable("it holds no list of objects".to_owned()))?;
    let mut names: Vec<&String> = Vec::new();
    for name in objects.iter().flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !each(0, &names.iter().map(|name| name.as_str()).collect())? {
        return Ok(());
    }
    for (number, object) in (1..).zip(&objects) {
        let cells = names.iter().map(|name| object.get(*name).map(cell).unwrap_or_default());
        if !each(number, &cells.collect())? {
            break;
        }
    }
    Ok(())
}

fn objects(value: Value) -> Option<Vec<Map<String, Value>>> {
    match value {
        Value::Array(values) => values
            .into_iter()
            .map(|value| if let Value::Object(object) = value { Some(object) } else { None })
            .collect(),
        Value::Object(members) => {
            if members.values().all(Value::is_object) {
                return Some(members.into_iter().filter_map(with_key).collect());
            }
            let mut lists = members.into_iter().filter(|(_, value)| value.is_array());
            let (_, list) = lists.next()?;
            if lists.next().is_some() { None } else { objects(list) }
        }
        _ => None,
    }
}

/// The object with its key in the list as its `id`, unless it names one itself.
fn with_key((key, value): (String, Value)) -> Option<Map<String, Value>> {
    let Value::Object(mut object) = value else { return None };
    if object.get("id").is_none_or(|id| cell(id).trim().is_empty()) {
        object.insert("id".to_owned(), Value::String(key));
    }
    Some(object)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, Fault> {
        let mut rows = Vec::new();
        each(text.as_bytes(), &mut |_, row| {
            rows.push(row.iter().map(str::to_owned).collect());
            Ok(true)
        })?;
        Ok(rows)
    }

    #[test]
    fn a_list_an_object_of_objects_and_a_list_within_are_rows() {
        let wanted = vec![vec!["id", "uid"], vec!["1", "7"], vec!["2", ""]];
        for text in [
            r#"[{"id": 1, "uid": "7"}, {"id": 2}]"#,
            r#"{"1": {"id": 1, "uid": "7"}, "2": {"id": 2, "x": null}}"#,
            r#"{"1": {"uid": "7"}, "2": {"id": "", "x": null}}"#,
            r#"{"ok": true, "rows": [{"id": 1, "uid": "7"}, {"id": 2}]}"#,
        ] {
            let read = rows(text).expect("rows");
            assert!(
                read.iter().zip(&wanted).all(|(row, wanted)| row.starts_with(
                    &wanted.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()
                )),
                "{read:?}"
            );
            assert_eq!(read.len(), 3);
        }
        // The sample of a vendor's document.
        assert!(rows("[\n 1234 : { }\n]").is_err());
        assert!(rows("[1, 2]").is_err());
    }
}
