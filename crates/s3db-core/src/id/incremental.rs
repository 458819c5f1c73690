//! Settings of ids that count: which numbers, and how a number looks as an id.

use serde_json::{Map, Value, json};

use crate::{Error, ErrorKind, Result};

/// Greatest number of a sequence: JavaScript counts exactly up to here.
pub(crate) const NUMBER_MAX: i64 = (1 << 53) - 1;

/// Least number of a sequence.
pub(crate) const NUMBER_MIN: i64 = -NUMBER_MAX;

/// Numbers that fast mode reserves at once, unless the settings say otherwise.
pub const BATCH_SIZE: u32 = 100;

const BATCH_SIZE_MAX: u32 = 100_000;
const PREFIX_MAX: usize = 20;
const PADDING_MAX: usize = 20;

/// The forms of texts, for messages.
pub(super) const FORMS: &str = "the forms are incremental, incremental:1000, incremental:-5, incremental:ORD-0001, \
    incremental:fast, incremental:fast:1000, incremental:fast:ORD-0001, and the object {\"type\": \"incremental\", \
    \"start\", \"increment\", \"mode\", \"batchSize\", \"prefix\", \"padding\"}";

/// How numbers of a sequence are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SequenceMode {
    /// One at a time: 2 requests an id, no gap unless a write fails.
    #[default]
    Standard,
    /// A batch at a time: 2 requests a batch. What is left of it when the process ends is a gap.
    Fast,
}

/// Settings of ids that count.
///
/// ```
/// use s3db_core::id::{IdGenerator, Incremental, SequenceMode};
///
/// let orders = Incremental::parse("incremental:ORD-0001")?;
/// assert_eq!(orders.format(7), "ORD-0007");
/// let tens = Incremental { start: 100, increment: 10, ..Incremental::default() };
/// assert_eq!(tens.mode, SequenceMode::Standard);
/// let generator = IdGenerator::Incremental(tens);
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Incremental {
    /// The first number, where the sequence has no value object yet.
    pub start: i64,
    /// The step from one number to the next; may be negative, not 0.
    pub increment: i64,
    /// One number or a batch at a time.
    pub mode: SequenceMode,
    /// Numbers of a batch in fast mode, from 1 to 100,000.
    pub batch_size: u32,
    /// What an id starts with: up to 20 of `A-Za-z0-9_-`.
    pub prefix: String,
    /// Least width of the number, filled up with zeros; up to 20.
    pub padding: usize,
}

impl Default for Incremental {
    fn default() -> Self {
        Self {
            start: 1,
            increment: 1,
            mode: SequenceMode::Standard,
            batch_size: BATCH_SIZE,
            prefix: String::new(),
            padding: 0,
        }
    }
}

impl Incremental {
    /// Reads the text form. s3db.js takes a text that it does not understand for `incremental`; here it is refused.
    ///
    /// # Errors
    /// `Config`, which lists the forms.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            Error::new(ErrorKind::Config, "the text is no form of an incremental id generator")
                .with("got", text)
                .hint(FORMS)
        };
        let mut settings = Self::default();
        let Some(rest) = text.strip_prefix("incremental") else {
            return Err(refused());
        };
        if rest.is_empty() {
            return Ok(settings);
        }
        let mut suffix = rest.strip_prefix(':').ok_or_else(refused)?;
        if suffix == "fast" {
            settings.mode = SequenceMode::Fast;
            return Ok(settings);
        }
        if let Some(rest) = suffix.strip_prefix("fast:") {
            settings.mode = SequenceMode::Fast;
            suffix = rest;
        }
        let (prefix, digits) = split(suffix).ok_or_else(refused)?;
        settings.start = digits.parse().map_err(|_| refused())?;
        if prefix.is_empty() {
            // A leading zero asks for a width, which this form does not have.
            if settings.start.to_string() != digits {
                return Err(refused().hint(format!("use the object with padding for leading zeros; {FORMS}")));
            }
        } else {
            prefix.clone_into(&mut settings.prefix);
            settings.padding = digits.len();
        }
        settings.check()?;
        Ok(settings)
    }

    /// Reads the object form; members that are left out have their defaults.
    ///
    /// # Errors
    /// `Config`, naming the member that is wrong or unknown.
    pub fn from_json(members: &Map<String, Value>) -> Result<Self> {
        let mut settings = Self::default();
        for (name, value) in members {
            let whole = || value.as_i64().ok_or_else(|| wrong(name, "a whole number", value));
            let text = || value.as_str().ok_or_else(|| wrong(name, "a text", value));
            let bounded = |max: i64, wanted: &str| {
                whole()?
                    .try_into()
                    .ok()
                    .filter(|n| i64::from(*n) <= max)
                    .ok_or_else(|| wrong(name, wanted, value))
            };
            match name.as_str() {
                "type" if value == "incremental" => {}
                "start" => settings.start = whole()?,
                "increment" => settings.increment = whole()?,
                "mode" => {
                    settings.mode = match text()? {
                        "standard" => SequenceMode::Standard,
                        "fast" => SequenceMode::Fast,
                        _ => return Err(wrong(name, "standard or fast", value)),
                    };
                }
                "batchSize" => settings.batch_size = bounded(BATCH_SIZE_MAX.into(), "from 1 to 100000")?,
                "prefix" => text()?.clone_into(&mut settings.prefix),
                "padding" => {
                    let padding: u32 = bounded(PADDING_MAX as i64, "from 0 to 20")?;
                    settings.padding = padding as usize;
                }
                _ => return Err(wrong(name, "no member of an incremental id generator", value)),
            }
        }
        settings.check()?;
        Ok(settings)
    }

    /// A number as an id. The padding counts the sign, as s3db.js does: -5 padded to four is `00-5`.
    pub fn format(&self, number: i64) -> String {
        let digits = number.to_string();
        let zeros = "0".repeat(self.padding.saturating_sub(digits.len()));
        format!("{}{zeros}{digits}", self.prefix)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "type": "incremental",
            "start": self.start,
            "increment": self.increment,
            "mode": match self.mode { SequenceMode::Standard => "standard", SequenceMode::Fast => "fast" },
            "batchSize": self.batch_size,
            "prefix": self.prefix,
            "padding": self.padding,
        })
    }

    /// Checks what the fields can hold and a sequence cannot.
    pub(crate) fn check(&self) -> Result<()> {
        if !(NUMBER_MIN..=NUMBER_MAX).contains(&self.start) {
            return Err(wrong("start", "within ±9007199254740991", &self.start.into()));
        }
        if self.increment == 0 || !(NUMBER_MIN..=NUMBER_MAX).contains(&self.increment) {
            return Err(wrong("increment", "not 0, and within ±9007199254740991", &self.increment.into()));
        }
        if !(1..=BATCH_SIZE_MAX).contains(&self.batch_size) {
            return Err(wrong("batchSize", "from 1 to 100000", &self.batch_size.into()));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if self.prefix.len() > PREFIX_MAX || !self.prefix.bytes().all(fits) {
            return Err(wrong("prefix", "up to 20 of A-Z a-z 0-9 _ -", &self.prefix.as_str().into()));
        }
        if self.padding > PADDING_MAX {
            return Err(wrong("padding", "from 0 to 20", &self.padding.into()));
        }
        Ok(())
    }
}

/// Splits `ORD-0001` into prefix and digits: letters, perhaps one `-`, digits. Without letters the digits may have a
/// sign.
fn split(suffix: &str) -> Option<(&str, &str)> {
    let letters = suffix.bytes().take_while(u8::is_ascii_alphabetic).count();
    let dash = usize::from(letters > 0 && suffix.as_bytes().get(letters) == Some(&b'-'));
    let (prefix, digits) = suffix.split_at_checked(letters + dash)?;
    let unsigned = if prefix.is_empty() { digits.strip_prefix('-').unwrap_or(digits) } else { digits };
    let whole = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    whole.then_some((prefix, digits))
}

fn wrong(member: &str, wanted: &str, got: &Value) -> Error {
    Error::new(ErrorKind::Config, "the incremental id generator has a wrong member")
        .with("member", member)
        .with("wanted", wanted)
        .with("got", got)
        .hint(FORMS)
}
