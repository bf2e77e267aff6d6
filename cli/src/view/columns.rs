//! Tables, as wide as a screen has columns.

use super::visible;
use crate::screen::columns;

/// Rows under headings, in columns.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let widths = widths(headings, rows);
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let blank = |cell: &str, width: &usize| " ".repeat(width.saturating_sub(columns(cell)));
        let cells = cells.zip(&widths).map(|(cell, width)| cell.to_owned() + &blank(cell, width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = line(&mut headings.iter().copied());
    let body = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    [head].into_iter().chain(body).collect()
}

/// The columns of the screen that each column of a table takes.
fn widths(headings: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let longest = |(at, heading): (usize, &&str)| {
        let cells = rows.iter().map(|row| columns(&row[at]));
        cells.chain([columns(heading)]).max().unwrap_or_default()
    };
    headings.iter().enumerate().map(longest).collect()
}

/// A table of at most `width` columns of the screen: the widest cells are cut.
pub(crate) fn fitted(headings: &[&str], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut widths = widths(headings, rows);
    let between = 2 * headings.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + between > width {
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > 6) else { break };
        *widest -= 1;
    }
    let cut = |row: &Vec<String>| {
        row.iter().zip(&widths).map(|(cell, width)| shortened(cell, *width)).collect()
    };
    table(headings, &rows.iter().map(cut).collect::<Vec<_>>())
}

/// The text without control characters, cut to `width` columns of the screen with a sign that it is.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let text = visible(text);
    if columns(&text) <= width {
        return text;
    }
    let end = |(at, c): (usize, char)| at + c.len_utf8();
    let ends = text.char_indices().map(end).take_while(|end| columns(&text[..*end]) < width);
    text[..ends.last().unwrap_or_default()].to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_columns_as_wide_as_their_widest_cell() {
        let rows =
            [vec!["A-1".to_owned(), "parked".to_owned()], vec!["ü".to_owned(), String::new()]];

        assert_eq!(table(&["order", "state"], &rows), ["order  state", "A-1    parked", "ü"]);
    }

    #[test]
    fn a_table_fits_the_screen() {
        let id = "A-".repeat(64);
        let rows = [vec![id.clone(), "network\u{1b}[31m".to_owned(), "3d".to_owned()]];

        let lines = fitted(&["order", "delivery", "age"], &rows, 80);

        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        assert!(lines[1].ends_with("…  network?[31m  3d"), "{lines:?}");
        assert_eq!(fitted(&["order"], &[vec![id.clone()]], 200)[1], id);
    }

    #[test]
    fn what_turns_a_row_around_is_shown_as_a_sign() {
        let rows = [vec!["A-\u{202e}1\u{200b}".to_owned(), "מס\u{2067}9\u{1b}".to_owned()]];

        assert_eq!(fitted(&["order", "net"], &rows, 80)[1], "A-?1?  מס?9?");
        assert_eq!(shortened("A-\u{202e}12345", 5), "A-?1…");
    }

    #[test]
    fn a_character_of_two_columns_counts_as_two() {
        let rows = ["注文-1001", "A-1"].map(|id| vec![id.to_owned(), "注文".repeat(30)]);

        let lines = fitted(&["order", "reason"], &rows, 80);

        assert!(lines.iter().all(|line| columns(line) <= 80), "{lines:?}");
        assert!(lines[1].starts_with("注文-1001  注文"), "{lines:?}");
        assert!(lines[2].starts_with("A-1        注文"), "{lines:?}");
        assert_eq!(
            (shortened("注文番号", 8), shortened("注文番号", 7)),
            ("注文番号".to_owned(), "注文番…".to_owned())
        );
        assert_eq!(shortened("注文番号", 6), "注文…");
    }
}
