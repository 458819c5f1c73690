//! Tables for people.

use std::fmt::Write as _;

use clap::builder::styling::Style;
use comfy_table::{ContentArrangement, LineStyle, TableStyle};
use serde_json::Value;

use super::BOLD;

/// Longest text of a cell, in characters.
const CELL_CHARS_MAX: usize = 50;

/// Columns are not pressed below this width, or below their content; those that then do not fit are left out.
const COLUMN_WIDTH_MIN: usize = 12;

/// Blanks between columns.
const GAP: usize = 2;

/// One rule below the titles, and nothing between columns: easy to read, and easy to select with the mouse.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// Rows and columns of text.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<String>,
    cell_chars_max: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<T: Into<String>>(titles: impl IntoIterator<Item = T>) -> Self {
        Self {
            titles: titles.into_iter().map(Into::into).collect(),
            cell_chars_max: CELL_CHARS_MAX,
            rows: Vec::new(),
        }
    }

    /// Does not cut texts, where it is the whole that matters.
    pub(crate) fn uncut(mut self) -> Self {
        self.cell_chars_max = usize::MAX;
        self
    }

    /// Adds a row. Texts are cut to 50 characters.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(
            cells.into_iter().map(|cell| cut(&printable(cell.as_ref()), self.cell_chars_max)).collect(),
        );
    }

    /// The table for a terminal of so many columns, and the titles of what did not fit.
    pub(crate) fn render(&self, columns: Option<u16>) -> (String, Vec<&str>) {
        let mut widths = self.content_widths();
        if let Some(columns) = columns {
            fit(&mut widths, columns.into());
        }
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE).force_no_tty();
        if let Some(columns) = columns {
            // Nothing is left to arrange but for characters that are wider than one column.
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
        }
        let cut_row = |cells: &[String]| -> Vec<String> {
            cells.iter().zip(&widths).map(|(cell, width)| cut(cell, *width)).collect()
        };
        table.set_header(cut_row(&self.titles));
        table.add_rows(self.rows.iter().map(|row| cut_row(row)));
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }
        let left_out = self.titles.iter().skip(widths.len()).map(String::as_str).collect();
        (styled_header(&table.trim_fmt(), BOLD), left_out)
    }

    /// Characters of the widest cell of each column.
    fn content_widths(&self) -> Vec<usize> {
        let width = |(at, title): (usize, &String)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.chain([title]).map(|text| text.chars().count()).max().unwrap_or(0)
        };
        self.titles.iter().enumerate().map(width).collect()
    }
}

/// Narrows the widest columns until all fit. Where that would leave no more than a few characters of them, columns
/// at the end are left out.
fn fit(widths: &mut Vec<usize>, columns: usize) {
    let least =
        |widths: &[usize]| widths.iter().map(|width| width.min(&COLUMN_WIDTH_MIN) + GAP).sum::<usize>();
    while widths.len() > 1 && least(widths) > columns {
        widths.pop();
    }
    while widths.iter().map(|width| width + GAP).sum::<usize>() > columns {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => return,
        }
    }
}

/// Columns of the terminal: `COLUMNS`, or what the terminal says.
pub(super) fn terminal_columns() -> Option<u16> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    set.or_else(|| comfy_table::Table::new().width()).filter(|columns| *columns > 0)
}

/// A value on one line: a text as it is, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// The text without characters that would steer the terminal or break the line: they are shown as escapes.
pub(crate) fn printable(text: &str) -> String {
    // Control characters, and those that turn the direction of writing around.
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Puts a style on the titles, which stand above the rule.
///
/// The table library would look at the terminal itself; whether there are colours is decided in one place.
fn styled_header(table: &str, style: Style) -> String {
    let mut below = false;
    let lines = table.lines().map(|line| {
        below |= line.starts_with('─');
        if below { line.to_owned() } else { format!("{style}{line}{style:#}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_cells_are_cut_and_steering_characters_are_shown() {
        for (value, shown) in [
            (json!("plain"), "plain".to_owned()),
            (json!("two\nlines"), "two\\nlines".to_owned()),
            (json!("\u{1b}[31mred"), "\\u{1b}[31mred".to_owned()),
            (json!(0), "0".to_owned()),
            (json!(false), "false".to_owned()),
            (json!({"a": [1]}), "{\"a\":[1]}".to_owned()),
            (json!("é".repeat(50)), "é".repeat(50)),
            (json!("é".repeat(51)), format!("{}…", "é".repeat(49))),
        ] {
            assert_eq!(cut(&text(&value), CELL_CHARS_MAX), shown, "{value}");
        }
    }

    #[test]
    fn a_table_is_never_wider_than_the_terminal() {
        let mut table = Table::new((0..12).map(|n| format!("field{n}")));
        table.row((0..12).map(|_| "x".repeat(70)));
        let (text, left_out) = table.render(Some(80));
        let widest =
            text.lines().map(|line| anstream::adapter::strip_str(line).to_string().chars().count()).max();
        assert!(widest.unwrap() <= 80, "{text}");
        assert_eq!(left_out.first(), Some(&"field5"), "{text}");
        assert_eq!(table.render(None).1, Vec::<&str>::new(), "without a terminal everything is shown");
    }
}
