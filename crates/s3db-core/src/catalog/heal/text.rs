//! Reading JSON text that may be damaged.
//!
//! First strictly; then with a reader of our own, which knows exactly what it mends; last with the `jsonfix` crate,
//! which also guesses.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Loss, Mended, corrupt};
use crate::Result;

/// Brackets may nest this deep, which also is `serde_json`'s limit.
const DEPTH_MAX: usize = 128;

/// A text as read.
pub(super) struct Read {
    pub(super) value: Value,
    /// Whether something was missing that says where objects begin and end, so that a part may be lost or misplaced.
    pub(super) has_gaps: bool,
}

pub(super) fn read(bytes: &[u8], loss: Loss, mended: &mut Vec<Mended>) -> Result<Read> {
    let text = decode(bytes, loss, mended)?;
    let text = text.as_ref();
    if text.trim().is_empty() {
        return Err(corrupt("the catalogue is empty").with("bytes", bytes.len()));
    }
    let strict = match serde_json::from_str(text) {
        Ok(value) => {
            return Ok(Read { value, has_gaps: false });
        }
        Err(error) => error,
    };
    let mut reader =
        Reader { text, at: 0, depth: 0, arrays: 0, mended: Vec::new(), breaks_off: None, has_gaps: false };
    match reader.root() {
        Ok(value) => {
            if let Some(at) = reader.breaks_off {
                let what = "the text breaks off within a value or after a comma";
                if loss == Loss::Refuse {
                    return Err(corrupt(format!("the catalogue is cut short: {what}")).with("byte", at));
                }
                reader.mended.push(Mended::new(format!("{what}: what came after it is lost"), byte(at)));
            }
            mended.append(&mut reader.mended);
            Ok(Read { value, has_gaps: reader.has_gaps })
        }
        Err(Stuck) => {
            let unreadable = || corrupt("the catalogue is not JSON, and cannot be mended");
            let repaired = jsonfix::repair(text).map_err(|_| unreadable().caused_by(strict))?;
            let value: Value = serde_json::from_str(&repaired).map_err(|e| unreadable().caused_by(e))?;
            if !value.is_object() || loss == Loss::Refuse && content(text).ne(content(&value.to_string())) {
                return Err(unreadable());
            }
            mended.push(Mended::new("the text was rebuilt by a lenient reader", byte(reader.at)));
            Ok(Read { value, has_gaps: true })
        }
    }
}

/// All of a text but what a repair may change. A guess that changes or moves any of it has lost something.
fn content(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_whitespace() && !"{}[],:\"'".contains(*c))
}

/// The bytes as text, without a byte order mark or the zero bytes of a torn write.
fn decode<'b>(bytes: &'b [u8], loss: Loss, mended: &mut Vec<Mended>) -> Result<Cow<'b, str>> {
    let utf16 = |units: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = units.as_chunks::<2>().0.iter().map(|two| unit(*two));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    let (marked, rest) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (true, rest),
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => {
            let unit = if bytes.starts_with(&[0xFF, 0xFE]) { u16::from_le_bytes } else { u16::from_be_bytes };
            let text = utf16(rest, unit).ok_or_else(|| corrupt("the catalogue is UTF-16, and broken"))?;
            mended.push(Mended::new("UTF-16 turned into UTF-8", byte(0)));
            return Ok(Cow::Owned(text));
        }
        bytes => (false, bytes),
    };
    if marked {
        mended.push(Mended::new("byte order mark removed", byte(0)));
    }
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    let rest = rest.get(..rest.len() - zeros).unwrap_or(rest);
    if zeros > 0 {
        mended.push(Mended::new(format!("{zeros} zero bytes at the end removed"), byte(rest.len())));
    }
    match std::str::from_utf8(rest) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) if loss == Loss::Refuse => {
            Err(corrupt("the catalogue holds bytes that are not UTF-8").with("byte", error.valid_up_to()))
        }
        Err(error) => {
            mended.push(Mended::new("bytes that are not UTF-8 replaced", byte(error.valid_up_to())));
            Ok(String::from_utf8_lossy(rest))
        }
    }
}

fn byte(at: usize) -> String {
    format!("byte {at}")
}

/// The text is damaged in a way that this reader does not know.
struct Stuck;

/// What [`Reader::string`] found.
struct Scanned {
    /// The text; `None` when all ends within it.
    text: Option<String>,
    /// Whether its closing quote is there.
    closed: bool,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Arrays that are open, so that a `]` in an object can be told from nonsense.
    arrays: usize,
    mended: Vec<Mended>,
    /// Where the text ends too early for nothing to be lost.
    breaks_off: Option<usize>,
    has_gaps: bool,
}

impl Reader<'_> {
    fn root(&mut self) -> Result<Value, Stuck> {
        let value = match self.peek() {
            Some('{') => self.value()?.unwrap_or(Value::Null),
            Some(c) if c == '"' || c == '\'' || is_name_start(c) => {
                self.mend_gap("missing `{` added");
                self.members()?
            }
            _ => return Err(Stuck),
        };
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.trim().is_empty() {
            if !rest.chars().all(|c| c.is_whitespace() || matches!(c, '}' | ']' | ',' | ';')) {
                return Err(Stuck);
            }
            self.mend("text after the end removed");
        }
        Ok(value)
    }

    /// The next value; `None` when the text ends before it is whole.
    fn value(&mut self) -> Result<Option<Value>, Stuck> {
        if self.depth >= DEPTH_MAX {
            return Err(Stuck);
        }
        self.depth += 1;
        let value = match self.peek() {
            None => {
                self.break_off();
                Ok(None)
            }
            Some('{') => {
                self.at += 1;
                self.members().map(Some)
            }
            Some('[') => {
                self.at += 1;
                self.arrays += 1;
                let items = self.items();
                self.arrays -= 1;
                items.map(Some)
            }
            Some(']') => {
                self.mend_gap("missing `[` added");
                self.at += 1;
                Ok(Some(Value::Array(Vec::new())))
            }
            Some('"' | '\'') => self.text_value(),
            Some(_) => self.word(),
        };
        self.depth -= 1;
        value
    }

    /// Members up to the closing brace, which may be missing.
    fn members(&mut self) -> Result<Value, Stuck> {
        let mut members = Map::new();
        loop {
            let comma = self.commas(members.is_empty());
            match self.peek() {
                None => {
                    self.end_of_text(comma, "missing `}` added");
                    break;
                }
                Some('}') => {
                    self.close(comma);
                    break;
                }
                Some(']') if self.arrays > 0 => {
                    self.mend_gap("missing `}` added");
                    break;
                }
                Some(c) if c == '"' || c == '\'' || is_name_start(c) => {
                    if !comma && !members.is_empty() {
                        self.mend("missing comma added");
                    }
                    let Some(name) = self.name()? else { break };
                    let Some(value) = self.value()? else { break };
                    members.insert(name, value);
                }
                Some(_) => return Err(Stuck),
            }
        }
        Ok(Value::Object(members))
    }

    /// Items up to the closing bracket, which may be missing.
    fn items(&mut self) -> Result<Value, Stuck> {
        let mut items = Vec::new();
        loop {
            let comma = self.commas(items.is_empty());
            match self.peek() {
                None => {
                    self.end_of_text(comma, "missing `]` added");
                    break;
                }
                Some(']') => {
                    self.close(comma);
                    break;
                }
                Some('}') => {
                    self.mend_gap("missing `]` added");
                    break;
                }
                Some(_) => {
                    if !comma && !items.is_empty() {
                        self.mend("missing comma added");
                    }
                    let Some(item) = self.value()? else { break };
                    items.push(item);
                }
            }
        }
        Ok(Value::Array(items))
    }

    /// Skips commas, and says whether there was one.
    fn commas(&mut self, first: bool) -> bool {
        let mut count = 0;
        while self.peek() == Some(',') {
            if first || count > 0 {
                self.mend("extra comma removed");
            }
            self.at += 1;
            count += 1;
        }
        count > 0 && !first
    }

    fn close(&mut self, after_comma: bool) {
        if after_comma {
            self.mend("trailing comma removed");
        }
        self.at += 1;
    }

    fn end_of_text(&mut self, after_comma: bool, what: &str) {
        if after_comma {
            self.break_off();
        }
        self.mend_gap(what);
    }

    /// The name of a member and the colon after it.
    fn name(&mut self) -> Result<Option<String>, Stuck> {
        let start = self.at;
        if !matches!(self.peek(), Some('"' | '\'')) {
            let rest = self.rest();
            let end = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default().to_owned();
            self.mend(format!("quotes added around `{name}`"));
            self.at += end;
            // Its first quote alone was missing.
            if self.rest().starts_with('"') {
                self.at += 1;
            }
            return Ok(self.colon()?.then_some(name));
        }
        let scanned = self.string()?;
        let Some(name) = scanned.text else {
            self.break_off();
            return Ok(None);
        };
        if scanned.closed && self.peek() == Some(':') {
            self.at += 1;
            return Ok(Some(name));
        }
        // `"name: "value"` and `"name: {`: the quote before the colon is missing.
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let body = raw.trim_start().get(1..).unwrap_or_default();
        match body.split_once(':') {
            Some((name, _))
                if !name.contains(['\\', '"', '\n']) && (!scanned.closed || name.len() + 3 >= body.len()) =>
            {
                self.at = start + (raw.len() - body.len()) + name.len() + 1;
                self.mend_gap(format!("quote added after `{name}`"));
                Ok(Some(name.to_owned()))
            }
            _ if scanned.closed => Ok(self.colon()?.then_some(name)),
            _ => Err(Stuck),
        }
    }

    /// Skips a colon, which may be missing. `false` when the text ends here.
    fn colon(&mut self) -> Result<bool, Stuck> {
        match self.peek() {
            Some(':') => self.at += 1,
            Some('"' | '\'' | '{' | '[') => self.mend_gap("missing colon added"),
            Some(c) if c.is_ascii_alphanumeric() || c == '-' => self.mend_gap("missing colon added"),
            Some(_) => return Err(Stuck),
            None => {
                self.break_off();
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A text where a value stands.
    fn text_value(&mut self) -> Result<Option<Value>, Stuck> {
        let start = self.at;
        let scanned = self.string()?;
        let Some(text) = scanned.text else {
            self.break_off();
            return Ok(None);
        };
        if !scanned.closed {
            // The line ends: the closing quote is missing, before the comma if there is one.
            let raw = self.text.get(start..self.at).unwrap_or_default().trim_end();
            let without_comma = raw.strip_suffix(',').unwrap_or(raw);
            self.at = start + without_comma.len();
            self.mend_gap("closing quote added");
            let json = format!("{without_comma}\"");
            return serde_json::from_str(&json).map(|text| Some(Value::String(text))).map_err(|_| Stuck);
        }
        if self.peek() == Some(':') {
            // The text is the first name of an object whose brace is missing.
            self.at = start;
            self.mend_gap("missing `{` added");
            return self.members().map(Some);
        }
        Ok(Some(Value::String(text)))
    }

    /// A text up to its closing quote, or up to the end of the line when that comes first.
    fn string(&mut self) -> Result<Scanned, Stuck> {
        let rest = self.rest();
        let quote = rest.chars().next().ok_or(Stuck)?;
        let mut escaped = false;
        let mut json = String::from("\"");
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    // JSON knows no `\'`.
                    if c != '\'' {
                        json.push('\\');
                    }
                    json.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                c if c == quote => {
                    json.push('"');
                    if quote == '\'' {
                        self.mend("single quotes replaced");
                    }
                    self.at += at + 1;
                    let text = serde_json::from_str(&json).map_err(|_| Stuck)?;
                    return Ok(Scanned { text: Some(text), closed: true });
                }
                '"' => json.push_str("\\\""),
                '\n' | '\r' if quote == '"' => {
                    self.at += at;
                    return Ok(Scanned { text: Some(String::new()), closed: false });
                }
                c if c.is_control() => return Err(Stuck),
                c => json.push(c),
            }
        }
        Ok(Scanned { text: None, closed: false })
    }

    /// A number, `true`, `false` or `null`; or a text whose first quote is missing.
    fn word(&mut self) -> Result<Option<Value>, Stuck> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // A word that the text ends with may have been longer.
        if end.is_none() {
            self.break_off();
            return Ok(None);
        }
        if let Ok(value) = serde_json::from_str(word) {
            self.at += word.len();
            return Ok(Some(value));
        }
        let end = rest.find(['"', '\\', '\n', '\r']).filter(|end| rest.as_bytes().get(*end) == Some(&b'"'));
        let text = end.and_then(|end| rest.get(..end)).ok_or(Stuck)?.to_owned();
        self.at += text.len() + 1;
        self.mend_gap("opening quote added");
        Ok(Some(Value::String(text)))
    }

    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn mend(&mut self, what: impl Into<String>) {
        self.mended.push(Mended::new(what, byte(self.at)));
    }

    fn mend_gap(&mut self, what: impl Into<String>) {
        self.has_gaps = true;
        self.mend(what);
    }

    fn break_off(&mut self) {
        self.breaks_off.get_or_insert(self.at);
        self.at = self.text.len();
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$')
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.')
}
