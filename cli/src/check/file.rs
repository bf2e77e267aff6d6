//! The shop's export: orders from CSV or JSON, one after the other.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    dry_run::{each_order, read_order},
    failure::{Failure, why_not},
};

/// An order of the file, with its line; or the reason that it is none.
pub(crate) type Row = (u64, Result<Value, String>);

/// The orders of a file.
pub(crate) enum Export {
    Csv {
        columns: Vec<Vec<String>>,
        rows: csv::StringRecordsIntoIter<BufReader<File>>,
    },
    Lines {
        lines: Lines<BufReader<File>>,
        line: u64,
    },
    /// An array, or objects over several lines.
    Whole(std::vec::IntoIter<Row>),
}

impl Export {
    /// Opens a file. Its first characters say what it is.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let bad = |fault: String| Failure::BadFile { file: name.clone(), fault };
        let open = || File::open(path).map_err(|error| bad(why_not(&error)));
        let mut first = String::new();
        BufReader::new(open()?)
            .read_line(&mut first)
            .map_err(|_| bad("it is not text in UTF-8".to_owned()))?;
        let start = first.trim_start_matches('\u{feff}').trim();
        if !start.starts_with(['{', '[']) && !start.is_empty() {
            return Self::csv(open()?, start).map_err(bad);
        }
        if serde_json::from_str::<Map<String, Value>>(start).is_ok() || start.is_empty() {
            return Ok(Self::Lines { lines: BufReader::new(open()?).lines(), line: 0 });
        }
        let rows: Vec<_> = (1..).zip(each_order(path)?).collect();
        Ok(Self::Whole(rows.into_iter()))
    }

    fn csv(file: File, header: &str) -> Result<Self, String> {
        let delimiters = [b',', b';', b'\t'];
        let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
        let delimiter = delimiters.into_iter().max_by_key(count).unwrap_or(b',');
        let mut builder = csv::ReaderBuilder::new();
        let builder = builder.delimiter(delimiter).trim(csv::Trim::All);
        let mut reader = builder.from_reader(BufReader::new(file));
        let header = reader.headers().map_err(|error| error.to_string())?;
        let path = |name: &str| {
            name.trim_start_matches('\u{feff}').split('.').map(str::to_owned).collect()
        };
        let columns: Vec<Vec<String>> = header.iter().map(path).collect();
        if !columns.iter().any(|column| column.as_slice() == ["order_id"]) {
            return Err("it has no column order_id".to_owned());
        }
        let again = |(at, column): (usize, &Vec<String>)| {
            !column.concat().is_empty() && columns[..at].contains(column)
        };
        if let Some(at) = columns.iter().enumerate().position(again) {
            return Err(format!("it has the column {} twice", columns[at].join(".")));
        }
        Ok(Self::Csv { columns, rows: reader.into_records() })
    }
}

impl Iterator for Export {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        match self {
            Self::Csv { columns, rows } => {
                Some(match rows.next()? {
                    Ok(row) => {
                        let line = row.position().map_or(0, csv::Position::line);
                        (line, Ok(order(columns, &row)))
                    }
                    Err(error) => {
                        let line = error.position().map_or(0, csv::Position::line);
                        (line, Err("the row has another number of cells than the header, or is no UTF-8".to_owned()))
                    }
                })
            }
            Self::Lines { lines, line } => loop {
                *line += 1;
                let Ok(text) = lines.next()? else {
                    return Some((*line, Err("it is not text in UTF-8".to_owned())));
                };
                if !text.trim().is_empty() {
                    return Some((*line, read_order(text.trim())));
                }
            },
            Self::Whole(rows) => rows.next(),
        }
    }
}

/// The order of a row: each cell is the member that its column names.
fn order(columns: &[Vec<String>], row: &csv::StringRecord) -> Value {
    let mut order = Value::Object(Map::new());
    for (path, cell) in columns.iter().zip(row) {
        if !cell.is_empty() {
            put(&mut order, path, cell);
        }
    }
    order
}

/// Puts a cell at its path; a number in the path is a place in a list.
fn put(into: &mut Value, path: &[String], cell: &str) {
    let Some((name, rest)) = path.split_first() else {
        *into = value(cell);
        return;
    };
    let is_list = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty();
    let place = match name.parse::<usize>() {
        Ok(index) if is_list && index < 1_000 => {
            if !into.is_array() {
                *into = Value::Array(Vec::new());
            }
            let Value::Array(list) = into else { return };
            if list.len() <= index {
                list.resize(index + 1, Value::Object(Map::new()));
            }
            &mut list[index]
        }
        _ => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            let Value::Object(members) = into else { return };
            members.entry(name.clone()).or_insert(Value::Null)
        }
    };
    if rest.is_empty() && name == "quantity" {
        // The one member that is a number and no amount.
        *place = serde_json::from_str(cell).unwrap_or_else(|_| value(cell));
        return;
    }
    put(place, rest, cell);
}

fn value(cell: &str) -> Value {
    match cell {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use serde_json::json;

    use super::*;

    fn rows(name: &str, text: &str) -> Vec<Row> {
        let path = env::temp_dir().join(format!("postback-check-{}-{name}", process::id()));
        fs::write(&path, text).expect("a file");
        let rows = Export::open(&path).expect("an export").collect();
        fs::remove_file(&path).expect("removed");
        rows
    }

    #[test]
    fn a_cell_is_the_member_that_its_column_names() {
        let text = "\u{feff}order_id;total;customer.email;clicks.net.id;items.0.sku;items.0.quantity\n\
                    A-1;1499.00;;c1;S;2\nA-2;1;\"a;b@example.com\";;;\n";

        let found = rows("cells.csv", text);

        let item = json!([{ "sku": "S", "quantity": 2 }]);
        let first = json!({ "order_id": "A-1", "total": "1499.00", "clicks": { "net": { "id": "c1" } },
                            "items": item });
        let second =
            json!({ "order_id": "A-2", "total": "1", "customer": { "email": "a;b@example.com" } });
        assert_eq!(found, [(2, Ok(first)), (3, Ok(second))]);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_and_the_next_is_read() {
        let found = rows("short.csv", "order_id,total\nA-1\nA-2,2\n");

        assert!(matches!(&found[0], (2, Err(_))), "{found:?}");
        assert!(matches!(&found[1], (3, Ok(_))), "{found:?}");
    }

    #[test]
    fn json_is_read_by_lines_or_whole() {
        let lines = rows(
            "lines.jsonl",
            "{\"order_id\": \"A-1\"}\n\nnonsense\n{\"detail\": {\"order_id\": \"A-2\"}}",
        );
        let whole = rows("whole.json", "[\n {\"order_id\": \"A-1\"},\n {\"order_id\": \"A-2\"}]");

        let order = |id: &str| Ok(json!({ "order_id": id }));
        assert_eq!(
            lines,
            [(1, order("A-1")), (3, Err("it is not JSON".to_owned())), (4, order("A-2"))]
        );
        assert_eq!(whole, [(1, order("A-1")), (2, order("A-2"))]);
    }

    #[test]
    fn a_member_or_a_column_that_is_given_twice_is_named() {
        let twice = "{\"order_id\": \"A-1\", \"total\": \"1\", \"total\": \"1499\"}";
        let other = "{\"order_id\": \"A-2\"}";

        let lines = rows("twice.jsonl", &format!("{twice}\n{other}\n"));
        let events = rows("twice-events.jsonl", &format!("{{\"detail\": {twice}}}\n{other}\n"));
        let whole = rows("twice.json", &format!("[\n{twice},\n{other}]"));

        for (found, place) in [(lines, "/total"), (events, "/detail/total"), (whole, "/total")] {
            let (1, Err(why)) = &found[0] else { panic!("{found:?}") };
            assert!(why.starts_with(&format!("{place}: is given twice")), "{why}");
            assert_eq!(found[1], (2, Ok(json!({ "order_id": "A-2" }))));
        }
        let path = env::temp_dir().join(format!("postback-check-{}-columns.csv", process::id()));
        fs::write(&path, "order_id,total,,,total\nA-1,1,,,1499\n").expect("a file");
        let refused = Export::open(&path).err().map(|failure| failure.to_string());
        fs::remove_file(&path).expect("removed");
        assert!(refused.is_some_and(|said| said.contains("it has the column total twice")));
    }

    #[test]
    fn a_file_that_is_missing_is_said_to_be() {
        let Err(failure) = Export::open(Path::new("no-such-export.csv")) else {
            panic!("it was opened")
        };
        let said = "no-such-export.csv could not be read: there is no such file.";
        assert_eq!(failure.to_string(), said);
    }

    #[test]
    fn a_file_without_order_ids_is_refused() {
        let path = env::temp_dir().join(format!("postback-check-{}-none.csv", process::id()));
        fs::write(&path, "id,total\n1,2\n").expect("a file");

        assert!(matches!(Export::open(&path), Err(Failure::BadFile { .. })));
        fs::remove_file(&path).expect("removed");
    }
}
