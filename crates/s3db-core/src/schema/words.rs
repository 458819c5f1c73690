//! The vocabulary: every type word and every rule word, one row each.

use super::types::formats::{FORMATS, Format};

/// Types that share their rules and their way of checking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    Json,
    Text,
    Number,
    Boolean,
    Array,
    Object,
    Record,
    Tuple,
    Multi,
    Email,
    Url,
    Uuid,
    Enum,
    Equal,
    Forbidden,
    /// A row of [`FORMATS`].
    Format,
    Bits,
    /// Known to s3db.js, impossible in a stored schema.
    Unsupported,
}

/// What may follow the word after a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    None,
    /// Number of decimal digits, read by the codec.
    Decimals,
    /// Number of items.
    Length,
    /// Number of bits.
    Bits,
    /// Allowed values, separated by commas.
    Values,
}

/// One type word.
#[derive(Debug)]
pub(super) struct TypeWord {
    pub(super) word: &'static str,
    pub(super) family: Family,
    pub(super) argument: Argument,
    /// The value never leaves this process in an error or a log.
    pub(super) sensitive: bool,
}

const fn row(word: &'static str, family: Family) -> TypeWord {
    TypeWord { word, family, argument: Argument::None, sensitive: false }
}

const fn with(word: &'static str, family: Family, argument: Argument) -> TypeWord {
    TypeWord { word, family, argument, sensitive: false }
}

const fn sealed(word: &'static str, family: Family) -> TypeWord {
    TypeWord { word, family, argument: Argument::None, sensitive: true }
}

/// Every type word. The first takes every value, and stands in for those that are not known.
pub(super) const TYPES: &[TypeWord] = &[
    row("any", Family::Any),
    row("json", Family::Json),
    row("string", Family::Text),
    row("text", Family::Text),
    row("number", Family::Number),
    with("money", Family::Number, Argument::Decimals),
    with("crypto", Family::Number, Argument::Decimals),
    with("decimal", Family::Number, Argument::Decimals),
    with("geo:lat", Family::Number, Argument::Decimals),
    with("geo:lon", Family::Number, Argument::Decimals),
    with("geo-lat", Family::Number, Argument::Decimals),
    with("geo-lon", Family::Number, Argument::Decimals),
    with("geo:point", Family::Format, Argument::Decimals),
    with("geo-point", Family::Format, Argument::Decimals),
    row("boolean", Family::Boolean),
    row("bool", Family::Boolean),
    row("array", Family::Array),
    with("embedding", Family::Array, Argument::Length),
    row("object", Family::Object),
    row("record", Family::Record),
    row("tuple", Family::Tuple),
    row("multi", Family::Multi),
    row("email", Family::Email),
    row("url", Family::Url),
    row("uuid", Family::Uuid),
    with("enum", Family::Enum, Argument::Values),
    row("equal", Family::Equal),
    row("forbidden", Family::Forbidden),
    row("date", Family::Format),
    row("datetime", Family::Format),
    row("dateonly", Family::Format),
    row("timeonly", Family::Format),
    row("mac", Family::Format),
    row("luhn", Family::Format),
    row("ip4", Family::Format),
    row("ip6", Family::Format),
    row("cidr", Family::Format),
    row("phone", Family::Format),
    row("color", Family::Format),
    row("semver", Family::Format),
    row("duration", Family::Format),
    row("cron", Family::Format),
    row("locale", Family::Format),
    row("currency", Family::Format),
    row("country", Family::Format),
    row("ean", Family::Format),
    row("buffer", Family::Format),
    with("bits", Family::Bits, Argument::Bits),
    sealed("secret", Family::Text),
    sealed("secretAny", Family::Any),
    sealed("secretNumber", Family::Number),
    sealed("password", Family::Text),
    sealed("password:bcrypt", Family::Text),
    sealed("password:argon2id", Family::Text),
    row("custom", Family::Unsupported),
    row("function", Family::Unsupported),
    row("class", Family::Unsupported),
    // In a new definition both become `string|lowercase|length:24|hex`.
    row("objectid", Family::Any),
    row("objectID", Family::Any),
];

/// The row of a type text such as `geo:lat:4`, and the argument after the word.
pub(super) fn type_word(text: &str) -> Option<(&'static TypeWord, Option<&str>)> {
    TYPES
        .iter()
        .filter_map(|row| match text.strip_prefix(row.word)? {
            "" => Some((row, None)),
            rest if row.argument != Argument::None => Some((row, Some(rest.strip_prefix(':')?))),
            _ => None,
        })
        .max_by_key(|(row, _)| row.word.len())
}

/// Families a rule belongs to; empty for all.
#[derive(Debug)]
pub(super) struct RuleWord {
    pub(super) word: &'static str,
    pub(super) on: &'static [Family],
}

const fn rule(word: &'static str, on: &'static [Family]) -> RuleWord {
    RuleWord { word, on }
}

use Family as F;

/// Families whose values are checked where they stand, so that a validator of the program can look at them.
const CHECKABLE: [Family; 15] = [
    F::Any,
    F::Json,
    F::Text,
    F::Number,
    F::Boolean,
    F::Array,
    F::Object,
    F::Record,
    F::Tuple,
    F::Multi,
    F::Email,
    F::Url,
    F::Uuid,
    F::Enum,
    F::Format,
];

/// Every rule word that is not the name of a text format.
pub(super) const RULES: &[RuleWord] = &[
    rule("optional", &[]),
    rule("required", &[]),
    rule("nullable", &[]),
    rule("default", &[]),
    rule("messages", &[]),
    rule("label", &[]),
    rule("unique", &[]),
    // A validator that the program registers under this name.
    rule("custom", &CHECKABLE),
    rule("description", &[]),
    // Marks of attributes that a plugin of s3db.js has added.
    rule("__plugin__", &[]),
    rule("__pluginCreated__", &[]),
    rule("empty", &[F::Text, F::Array, F::Tuple, F::Email, F::Url]),
    rule("min", &[F::Text, F::Number, F::Array, F::Email]),
    rule("max", &[F::Text, F::Number, F::Array, F::Email]),
    rule("length", &[F::Text, F::Array]),
    rule("pattern", &[F::Text]),
    rule("patternFlags", &[F::Text]),
    rule("contains", &[F::Text, F::Array]),
    rule("enum", &[F::Text, F::Array]),
    rule("numeric", &[F::Text]),
    rule("alpha", &[F::Text]),
    rule("alphanum", &[F::Text]),
    rule("alphadash", &[F::Text]),
    rule("hex", &[F::Text]),
    rule("base64", &[F::Text]),
    rule("singleLine", &[F::Text]),
    rule("trim", &[F::Text]),
    rule("trimLeft", &[F::Text]),
    rule("trimRight", &[F::Text]),
    rule("padStart", &[F::Text]),
    rule("padEnd", &[F::Text]),
    rule("padChar", &[F::Text]),
    rule("lowercase", &[F::Text]),
    rule("uppercase", &[F::Text]),
    rule("localeLowercase", &[F::Text]),
    rule("localeUppercase", &[F::Text]),
    rule("compress", &[F::Text]),
    rule("threshold", &[F::Text]),
    rule("encoding", &[F::Text]),
    rule("convert", &[F::Text, F::Number, F::Boolean, F::Array, F::Format]),
    rule("equal", &[F::Number]),
    rule("notEqual", &[F::Number]),
    rule("integer", &[F::Number]),
    rule("positive", &[F::Number]),
    rule("negative", &[F::Number]),
    rule("items", &[F::Array, F::Tuple]),
    rule("props", &[F::Object]),
    rule("properties", &[F::Object]),
    rule("strict", &[F::Object, F::Equal]),
    rule("minProps", &[F::Object]),
    rule("maxProps", &[F::Object]),
    rule("mode", &[F::Email]),
    rule("normalize", &[F::Email]),
    rule("version", &[F::Uuid]),
    rule("values", &[F::Enum]),
    rule("value", &[F::Equal, F::Record]),
    rule("field", &[F::Equal]),
    rule("key", &[F::Record]),
    rule("rules", &[F::Multi]),
    rule("remove", &[F::Forbidden]),
];

/// The row of a rule word.
pub(super) fn rule_word(word: &str) -> Option<&'static RuleWord> {
    RULES.iter().find(|row| row.word == word)
}

/// The text format of this name, such as `email` in `string|email`.
pub(super) fn format_word(word: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.word == word)
}

/// Words that may follow a type of `family`.
pub(super) fn words_for(family: Family) -> impl Iterator<Item = &'static str> {
    let rules =
        RULES.iter().filter(move |row| row.on.is_empty() || row.on.contains(&family)).map(|row| row.word);
    let formats = FORMATS.iter().filter(move |_| family == Family::Text).map(|format| format.word);
    rules.chain(formats)
}
