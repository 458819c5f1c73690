//! Which codec an attribute gets, from its rule text or its explicit definition.
//!
//! s3db.js searches the whole rule text for type words, so that a default value or a pattern can choose the codec.
//! Its data can be read only by doing the same. Where that loses the declared type, the declared type wins if the
//! stored text allows it.

use serde_json::{Map, Value};

use super::Codec;

/// How the values of one attribute are written and read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// By a codec, both ways.
    Codec(Codec),
    /// By a codec that an accident of the substring search chose for an attribute that holds text.
    Accident(Codec),
    /// Text, which stays text even if it looks like JSON.
    Text,
    /// Text that a `text` attribute may hold compressed.
    Compressible,
    /// An explicit number: as JavaScript prints it.
    Number,
    /// An explicit boolean: `true` or `false`.
    Boolean,
    /// Anything: scalars as text, arrays and objects as JSON.
    Any,
    /// One of the listed values.
    OneOf(Vec<Value>),
    /// Sealed.
    Secret,
    /// Hashed.
    Password(PasswordAlgorithm),
}

/// How a password is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordAlgorithm {
    /// bcrypt, the default.
    Bcrypt,
    /// argon2id.
    Argon2id,
}

impl PasswordAlgorithm {
    fn of(rule: &str) -> Self {
        if rule.starts_with("password:argon2") { Self::Argon2id } else { Self::Bcrypt }
    }
}

impl Form {
    /// Whether decoded values are dates, which s3db.js cannot decode a second time.
    pub(crate) fn is_date(&self) -> bool {
        matches!(
            self,
            Self::Codec(Codec::DateTime | Codec::DateOnly)
                | Self::Accident(Codec::DateTime | Codec::DateOnly)
        )
    }
}

/// Types that s3db.js knows in explicit definitions; any other object is a nested one.
const EXPLICIT_TYPES: [&str; 44] = [
    "string",
    "number",
    "boolean",
    "bool",
    "any",
    "object",
    "array",
    "date",
    "dateonly",
    "datetime",
    "timeonly",
    "email",
    "url",
    "uuid",
    "enum",
    "custom",
    "ip4",
    "ip6",
    "mac",
    "cidr",
    "semver",
    "phone",
    "color",
    "duration",
    "cron",
    "locale",
    "currency",
    "country",
    "ean",
    "buffer",
    "bits",
    "money",
    "crypto",
    "decimal",
    "geo:lat",
    "geo:lon",
    "geo:point",
    "geo-lat",
    "geo-lon",
    "geo-point",
    "secret",
    "password",
    "password:bcrypt",
    "password:argon2id",
];

/// The type of an explicit definition; `None` when the object is a nested one.
pub(crate) fn explicit_type(definition: &Map<String, Value>) -> Option<&str> {
    let word = definition.get("type")?.as_str()?;
    let known = EXPLICIT_TYPES.contains(&word)
        || word == "embedding"
        || ["bits:", "embedding:"].iter().any(|prefix| word.starts_with(prefix) && !word.contains('|'));
    known.then_some(word)
}

/// The form of an explicit definition. s3db.js gives codecs only to arrays of strings and numbers, and stores all else
/// as plain text.
pub(crate) fn explicit(definition: &Map<String, Value>, word: &str) -> Form {
    match word {
        "number" | "money" | "crypto" | "decimal" | "geo:lat" | "geo:lon" | "geo-lat" | "geo-lon" => {
            Form::Number
        }
        "boolean" | "bool" => Form::Boolean,
        "any" | "custom" => Form::Any,
        "enum" => match definition.get("values").and_then(Value::as_array) {
            Some(values) => Form::OneOf(values.clone()),
            None => Form::Any,
        },
        "secret" => Form::Secret,
        "object" | "geo:point" | "geo-point" => Form::Codec(Codec::Object),
        "array" => explicit_array(definition),
        _ if word.starts_with("embedding") => Form::Codec(Codec::JsonArray),
        _ if word.starts_with("password") => Form::Password(PasswordAlgorithm::of(word)),
        _ => Form::Text,
    }
}

fn explicit_array(definition: &Map<String, Value>) -> Form {
    let items = definition.get("items").and_then(Value::as_str).unwrap_or_default();
    let length = definition.get("length").and_then(Value::as_u64).unwrap_or(0);
    Form::Codec(if items.contains("string") {
        Codec::StringArray
    } else if items.contains("number") {
        number_array(items.contains("integer"), length)
    } else {
        Codec::JsonArray
    })
}

fn number_array(integer: bool, length: u64) -> Codec {
    // Long vectors of doubles are embeddings.
    if !integer && length >= 256 { Codec::Embedding } else { Codec::NumberArray { integer } }
}

/// The form of a rule text.
pub(crate) fn rule(rule: &str) -> Form {
    let word = rule.split(['|', ':']).next().unwrap_or_default().trim();
    let holds_text = matches!(
        word,
        "string"
            | "email"
            | "url"
            | "cron"
            | "locale"
            | "currency"
            | "country"
            | "date"
            | "enum"
            | "forbidden"
            | "text"
    );
    match search(rule) {
        Some(Found::Secret) => Form::Secret,
        // Only the type hashes; the word elsewhere in a rule stops the search and leaves text.
        Some(Found::Password) if word == "password" => Form::Password(PasswordAlgorithm::of(rule)),
        Some(Found::Password) => Form::Text,
        Some(Found::Text) => Form::Compressible,
        Some(Found::Codec(codec)) if holds_text => match codec {
            // These change what s3db.js writes for a text.
            Codec::Number | Codec::Integer | Codec::Boolean | Codec::DateTime | Codec::DateOnly => {
                Form::Accident(codec)
            }
            Codec::Ip4 | Codec::Ip6 => Form::Codec(codec),
            // These leave a text as it is.
            _ => Form::Text,
        },
        Some(Found::Codec(codec)) => Form::Codec(codec),
        None if matches!(word, "any" | "custom" | "multi" | "record" | "tuple" | "class") => Form::Any,
        None => Form::Text,
    }
}

enum Found {
    Codec(Codec),
    Secret,
    Password,
    Text,
}

/// The substring search of s3db.js, in its order.
fn search(rule: &str) -> Option<Found> {
    let has = |word: &str| rule.contains(word);
    let is = |word: &str| rule == word || rule.strip_prefix(word).is_some_and(|rest| rest.starts_with('|'));
    let integer = has("integer:true") || has("|integer");
    let codec = if has("embedding") {
        Codec::Embedding
    } else if has("array") {
        if has("items:string") {
            Codec::StringArray
        } else if has("items:number") {
            number_array(integer, u64::from(digits_after(rule, "length:").unwrap_or(0)))
        } else {
            Codec::JsonArray
        }
    } else if has("secret") {
        return Some(Found::Secret);
    } else if has("password") {
        return Some(Found::Password);
    } else if has("ip4") {
        Codec::Ip4
    } else if has("ip6") {
        Codec::Ip6
    } else if has("buffer") {
        Codec::Buffer
    } else if has("bits") {
        Codec::Bits
    } else if has("money") || has("crypto") {
        let default = if has("crypto") { 8 } else { 2 };
        let decimals =
            digits_after(rule, "money:").or_else(|| digits_after(rule, "crypto:")).unwrap_or(default);
        Codec::Money { decimals }
    } else if has("decimal") {
        Codec::Decimal { decimals: digits_after(rule, "decimal:").unwrap_or(2) }
    } else if is("text") {
        return Some(Found::Text);
    } else if has("geo:lat") {
        Codec::GeoLat { decimals: digits_after(rule, "geo:lat:").unwrap_or(6) }
    } else if has("geo:lon") {
        Codec::GeoLon { decimals: digits_after(rule, "geo:lon:").unwrap_or(6) }
    } else if has("geo:point") {
        Codec::GeoPoint { decimals: digits_after(rule, "geo:point:").unwrap_or(6) }
    } else if has("number") {
        if integer { Codec::Integer } else { Codec::Number }
    } else if has("bool") {
        Codec::Boolean
    } else if has("json") {
        Codec::Json
    } else if has("object") {
        Codec::Object
    } else if is("uuid") {
        Codec::Uuid
    } else if has("datetime") {
        Codec::DateTime
    } else if has("dateonly") {
        Codec::DateOnly
    } else if is("timeonly") {
        Codec::TimeOnly
    } else if is("mac") {
        Codec::Mac
    } else if is("cidr") {
        Codec::Cidr
    } else if is("semver") {
        Codec::Semver
    } else if is("phone") {
        Codec::Phone
    } else if is("color") {
        Codec::Color
    } else if is("duration") {
        Codec::Duration
    } else if is("ean") {
        Codec::Ean
    } else {
        return None;
    };
    Some(Found::Codec(codec))
}

/// The number that follows the first `prefix` with digits after it.
fn digits_after(rule: &str, prefix: &str) -> Option<u32> {
    rule.match_indices(prefix).find_map(|(at, _)| {
        let rest = rule.get(at + prefix.len()..)?;
        let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    })
}

/// The form of a property of an explicit object as s3db.js stores it under a name of its own: plain text.
pub(crate) fn plain(definition: &Value) -> Form {
    let word = match definition {
        Value::String(rule) => rule.split(['|', ':']).next().unwrap_or_default(),
        Value::Object(definition) => definition.get("type").and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    match word {
        "number" | "money" | "crypto" | "decimal" | "geo" => Form::Number,
        "boolean" | "bool" => Form::Boolean,
        "array" | "object" | "json" | "any" | "embedding" => Form::Any,
        _ => Form::Text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_chooses_its_codec_as_s3db_js_does() {
        for (text, expected) in [
            ("string|required", Form::Text),
            ("email|default:x@numbers.com", Form::Accident(Codec::Number)),
            ("string|default:crypto", Form::Text),
            ("string|label:secretary", Form::Secret),
            ("string|label:password", Form::Text),
            ("password|min:8", Form::Password(PasswordAlgorithm::Bcrypt)),
            ("password:argon2id", Form::Password(PasswordAlgorithm::Argon2id)),
            ("number|integer:true", Form::Codec(Codec::Integer)),
            ("number|integer|min:1", Form::Codec(Codec::Integer)),
            ("number|min:1", Form::Codec(Codec::Number)),
            ("crypto:18", Form::Codec(Codec::Money { decimals: 18 })),
            ("crypto|optional", Form::Codec(Codec::Money { decimals: 8 })),
            ("money:4|optional", Form::Codec(Codec::Money { decimals: 4 })),
            ("decimal|min:0", Form::Codec(Codec::Decimal { decimals: 2 })),
            ("geo:point:4", Form::Codec(Codec::GeoPoint { decimals: 4 })),
            ("array|items:number|length:256", Form::Codec(Codec::Embedding)),
            ("array|items:number|length:255", Form::Codec(Codec::NumberArray { integer: false })),
            ("array|items:number|integer:true", Form::Codec(Codec::NumberArray { integer: true })),
            ("array|items:object", Form::Codec(Codec::JsonArray)),
            ("text|compress:false", Form::Compressible),
            ("any|optional", Form::Any),
            ("macro", Form::Text),
            ("mac|optional", Form::Codec(Codec::Mac)),
        ] {
            assert_eq!(rule(text), expected, "{text}");
        }
    }

    #[test]
    fn an_explicit_definition_keeps_its_type() {
        for (definition, expected) in [
            (json!({ "type": "number", "min": 1 }), Form::Number),
            (json!({ "type": "array", "items": "string" }), Form::Codec(Codec::StringArray)),
            (json!({ "type": "array", "items": "number", "length": 768 }), Form::Codec(Codec::Embedding)),
            (json!({ "type": "array", "items": { "type": "object" } }), Form::Codec(Codec::JsonArray)),
            (json!({ "type": "uuid" }), Form::Text),
        ] {
            let definition = definition.as_object().unwrap();
            assert_eq!(explicit(definition, explicit_type(definition).unwrap()), expected, "{definition:?}");
        }
        for nested in
            [json!({ "type": "string|optional" }), json!({ "type": "record" }), json!({ "bio": "string" })]
        {
            assert_eq!(explicit_type(nested.as_object().unwrap()), None, "{nested}");
        }
    }
}
