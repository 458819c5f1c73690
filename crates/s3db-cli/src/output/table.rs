//! Tables for people.

use std::fmt::Write as _;

use clap::builder::styling::Style;
use comfy_table::{ContentArrangement, LineStyle, TableStyle};
use serde_json::Value;

use super::BOLD;

/// Longest text of a cell, in characters.
const CELL_CHARS_MAX: usize = 50;

/// Columns are not pressed below this width, or below their content; those that then do not fit are left out.
const COLUMN_WIDTH_MIN: usize = 14;

/// Three rules, and nothing between columns: easy to read, and easy to select with the mouse.
const RULES: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// Rows and columns of text.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<T: Into<String>>(titles: impl IntoIterator<Item = T>) -> Self {
        Self { titles: titles.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row. Texts are cut to 50 characters.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| cut(cell.as_ref())).collect());
    }

    /// The table for a terminal of so many columns, and the titles of what did not fit.
    pub(crate) fn render(&self, columns: Option<u16>) -> (String, Vec<&str>) {
        let shown = columns.map_or(self.titles.len(), |columns| self.columns_that_fit(columns.into()));
        let mut table = comfy_table::Table::new();
        table.load_style(RULES).force_no_tty();
        if let Some(columns) = columns {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
        }
        table.set_header(self.titles.iter().take(shown));
        for row in &self.rows {
            table.add_row(row.iter().take(shown));
        }
        let left_out = self.titles.iter().skip(shown).map(String::as_str).collect();
        (styled_header(&table.trim_fmt(), BOLD), left_out)
    }

    /// Takes columns from the left while each can have at least its content or the least width.
    fn columns_that_fit(&self, columns: usize) -> usize {
        let mut used = 1;
        let mut shown = 0;
        for (at, title) in self.titles.iter().enumerate() {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let content = cells.chain([title]).map(|text| text.chars().count()).max().unwrap_or(0);
            used += content.min(COLUMN_WIDTH_MIN) + 2;
            if used > columns && shown > 0 {
                break;
            }
            shown += 1;
        }
        shown
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

fn cut(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(CELL_CHARS_MAX) {
        None => text,
        Some(_) => text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect(),
    }
}

/// Puts a style on the lines between the top rule and the rule below the header.
///
/// The table library would look at the terminal itself; whether there are colours is decided in one place, the stream.
fn styled_header(table: &str, style: Style) -> String {
    let mut rules = 0;
    let lines = table.lines().map(|line| {
        if line.starts_with('─') {
            rules += 1;
            return line.to_owned();
        }
        if rules == 1 { format!("{style}{line}{style:#}") } else { line.to_owned() }
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
            assert_eq!(cut(&text(&value)), shown, "{value}");
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
        assert_eq!(left_out.first(), Some(&"field4"), "{text}");
        assert_eq!(table.render(None).1, Vec::<&str>::new(), "without a terminal everything is shown");
    }
}
