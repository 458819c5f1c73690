//! The field codec: one value of a known type as text, and back.

use serde_json::{Map, Number, Value};

use super::fixed::{self, Axis, EMBEDDING_DECIMALS};
use super::{array, bytes, ident, js, json, net, number, time};

/// How the values of one attribute are written. Chosen once, when a schema is compiled.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Codec {
    /// The text itself; scalars as JavaScript prints them, arrays and objects as JSON. Reads as text.
    Text,
    /// As [`Text`](Self::Text), but what reads as a JSON object or array is one: `any`, and explicit objects.
    Any,
    /// Base62 integer part and decimal digits.
    Number,
    /// Base62 integer.
    Integer,
    /// `1` or `0`.
    Boolean,
    /// Base62 of epoch milliseconds.
    DateTime,
    /// Base62 of days since 1970.
    DateOnly,
    /// Base62 of milliseconds since midnight.
    TimeOnly,
    /// Four base62 words.
    Uuid,
    /// Base64 of four bytes.
    Ip4,
    /// Base64 of sixteen bytes.
    Ip6,
    /// Base62 of 48 bits.
    Mac,
    /// Base62 of address and prefix length.
    Cidr,
    /// Base62 of a packed version.
    Semver,
    /// Base62 of the digits.
    Phone,
    /// Base62 of RGB.
    Color,
    /// Base62 of milliseconds.
    Duration,
    /// Length digit and base62.
    Ean,
    /// `$` and base62 of the scaled amount.
    Money {
        /// Decimal digits kept.
        decimals: u32,
    },
    /// `^` and base62 of the scaled value.
    Decimal {
        /// Decimal digits kept.
        decimals: u32,
    },
    /// `~` and base62 of the scaled latitude.
    GeoLat {
        /// Decimal digits kept.
        decimals: u32,
    },
    /// `~` and base62 of the scaled longitude.
    GeoLon {
        /// Decimal digits kept.
        decimals: u32,
    },
    /// Latitude and longitude.
    GeoPoint {
        /// Decimal digits kept.
        decimals: u32,
    },
    /// `^[…]` of scaled items.
    Embedding,
    /// Items joined with `|`.
    StringArray,
    /// Numbers joined with `|`.
    NumberArray {
        /// Items are base62 integers.
        integer: bool,
    },
    /// JSON.
    JsonArray,
    /// JSON object.
    Object,
    /// Any JSON.
    Json,
    /// Bytes, given as base64 text.
    Buffer,
    /// Bits, given as base64 text.
    Bits,
    /// Sealed text.
    Secret,
    /// Hashed text.
    Password,
}

/// Outcome of [`Codec::encode`].
#[derive(Debug, Clone, PartialEq)]
pub enum Encoded {
    /// The compact text.
    Text(String),
    /// The value is not of the codec's type and is written as it is.
    AsIs,
}

impl Codec {
    /// Writes `value`, which is neither null nor absent, as compact text. Not for secrets and passwords.
    ///
    /// The text is the form that loses nothing and that s3db.js reads right, where there is one. In metadata it goes
    /// through [`text::encode_exact`](super::text::encode_exact), since it may look like `null`.
    ///
    /// A string given back as [`Encoded::AsIs`] is its own text; anything else that is of another type than the
    /// attribute's comes back as text when it is read.
    ///
    /// ```
    /// use s3db_core::encoding::{Codec, Encoded};
    /// use serde_json::json;
    ///
    /// let encoded = Codec::Money { decimals: 2 }.encode(&json!(19.99));
    /// assert_eq!(encoded, Encoded::Text("$wf".into()));
    /// assert_eq!(Codec::Money { decimals: 2 }.decode("$wf"), Some(json!(19.99)));
    /// ```
    pub fn encode(&self, value: &Value) -> Encoded {
        let text = match value {
            Value::Null => return Encoded::AsIs,
            Value::String(text) => self.encode_string(value, text),
            Value::Number(n) => self.encode_number(n),
            Value::Bool(flag) => self.encode_bool(*flag),
            Value::Array(items) => self.encode_array(value, items),
            Value::Object(_) => self.encode_object(value),
        };
        text.map_or(Encoded::AsIs, Encoded::Text)
    }

    /// Reads compact text. Text that is not in the codec's form stays text; `None` is an absent value.
    ///
    /// Accepts what any release of s3db.js has written: ISO text in dates, plain uuids, JSON arrays.
    pub fn decode(&self, text: &str) -> Option<Value> {
        let read = match self {
            Self::Number if !text.is_empty() => return number::decode(text),
            Self::Integer if !text.is_empty() => return number::decode_as_integer(text),
            Self::Boolean => Some(Value::Bool(is_true(text))),
            Self::DateTime => time::decode_datetime(text).map(Value::String),
            Self::DateOnly => time::decode_dateonly(text).map(Value::String),
            Self::TimeOnly => time::decode_timeonly(text).map(Value::String),
            Self::Duration => time::decode_duration(text).map(Value::String),
            Self::Uuid => ident::decode_uuid(text).map(Value::String),
            Self::Semver => ident::decode_semver(text).map(Value::String),
            Self::Phone => ident::decode_phone(text).map(Value::String),
            Self::Color => ident::decode_color(text).map(Value::String),
            Self::Ean => ident::decode_ean(text).map(Value::String),
            Self::Ip4 => net::decode_ip4(text).map(Value::String),
            Self::Ip6 => net::decode_ip6(text).map(Value::String),
            Self::Mac => net::decode_mac(text).map(Value::String),
            Self::Cidr => net::decode_cidr(text).map(Value::String),
            Self::Money { decimals } => fixed::decode('$', text, *decimals),
            Self::Decimal { decimals } => fixed::decode('^', text, *decimals),
            Self::GeoLat { decimals } => fixed::decode_degrees(Axis::Latitude, text, *decimals),
            Self::GeoLon { decimals } => fixed::decode_degrees(Axis::Longitude, text, *decimals),
            Self::GeoPoint { decimals } => {
                fixed::decode_point(text, *decimals).or_else(|| json::parse_container(text))
            }
            Self::Embedding => {
                fixed::decode_batch(text, EMBEDDING_DECIMALS).or_else(|| json::parse_container(text))
            }
            Self::StringArray => Some(array::decode_strings(text)),
            Self::NumberArray { integer } => Some(array::decode_numbers(text, *integer)),
            Self::JsonArray => Some(array::decode_any(text)),
            // s3db.js wrote objects that nobody had turned into JSON as this text.
            Self::Object if text == "[object Object]" => Some(Value::Object(Map::new())),
            Self::Any | Self::Object => json::parse_container(text),
            Self::Json => json::parse(text),
            Self::Text
            | Self::Number
            | Self::Integer
            | Self::Buffer
            | Self::Bits
            | Self::Secret
            | Self::Password => None,
        };
        Some(read.unwrap_or_else(|| Value::String(text.to_owned())))
    }

    /// Whether an array or object can be had back from what it is written as.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Object | Self::Json | Self::GeoPoint { .. } => true,
            Self::Embedding | Self::StringArray | Self::NumberArray { .. } | Self::JsonArray => {
                value.is_array()
            }
            _ => false,
        }
    }

    /// Whether `text`, as which `value` was written, surely reads as `value`. Arrays and objects are not looked into.
    pub(crate) fn is_exact(&self, value: &Value, text: &str) -> bool {
        match (self, value) {
            (Self::Boolean, Value::Bool(_)) => true,
            (Self::Number | Self::Integer, Value::Number(n)) => match (n.as_i64(), n.as_f64()) {
                (Some(n), _) => n.unsigned_abs() <= 1 << 53,
                (None, Some(n)) => n.fract() != 0.0,
                (None, None) => false,
            },
            (Self::StringArray, Value::Array(items)) => items.iter().all(Value::is_string),
            (Self::Ip4, Value::String(address)) => address.parse::<std::net::Ipv4Addr>().is_ok(),
            (_, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                self.decode(text).as_ref() == Some(value)
            }
            _ => false,
        }
    }

    fn encode_string(&self, value: &Value, text: &str) -> Option<String> {
        match self {
            Self::Number | Self::Integer => number::of_value(value).and_then(|n| self.encode_number(&n)),
            Self::Boolean => self.encode_bool(is_true(text)),
            Self::DateTime => time::parse_datetime(text).and_then(|ms| time::encode_ms(ms as f64)),
            Self::DateOnly => time::encode_dateonly(text),
            Self::TimeOnly => time::encode_timeonly(text),
            Self::Duration => time::parse_duration(text).and_then(time::encode_duration_ms),
            Self::Uuid => ident::encode_uuid(text),
            Self::Semver => ident::encode_semver(text),
            Self::Phone => ident::encode_phone(text),
            Self::Color => ident::encode_color(text),
            Self::Ean => ident::encode_ean(text),
            Self::Ip4 => net::encode_ip4(text),
            Self::Ip6 => net::encode_ip6(text),
            Self::Mac => net::encode_mac(text),
            Self::Cidr => net::encode_cidr(text),
            Self::Json => json::is_ambiguous(text).then(|| js::to_json(value)),
            Self::Buffer | Self::Bits => bytes::encode(value),
            _ => None,
        }
    }

    fn encode_number(&self, n: &Number) -> Option<String> {
        let double = n.as_f64()?;
        let mut out = String::new();
        match self {
            Self::Number => number::push(&mut out, n),
            Self::Integer => number::push_as_integer(&mut out, n),
            Self::Boolean => return self.encode_bool(double == 1.0),
            Self::DateTime if double.fract() == 0.0 => return time::encode_ms(double),
            Self::Duration => return time::encode_duration_ms(double),
            Self::Money { decimals } => return fixed::encode('$', double, *decimals),
            Self::Decimal { decimals } => return fixed::encode('^', double, *decimals),
            Self::GeoLat { decimals } => return fixed::encode_degrees(Axis::Latitude, double, *decimals),
            Self::GeoLon { decimals } => return fixed::encode_degrees(Axis::Longitude, double, *decimals),
            Self::Ean => return ident::encode_ean(&n.to_string()),
            Self::Text | Self::Any | Self::Json => js::push_exact(&mut out, n),
            _ => return None,
        }
        Some(out)
    }

    fn encode_bool(&self, flag: bool) -> Option<String> {
        match self {
            Self::Boolean => Some(if flag { "1" } else { "0" }.to_owned()),
            Self::Text | Self::Any | Self::Json => Some(if flag { "true" } else { "false" }.to_owned()),
            _ => None,
        }
    }

    fn encode_array(&self, value: &Value, items: &[Value]) -> Option<String> {
        match self {
            Self::StringArray => Some(array::encode_strings(items)),
            Self::NumberArray { integer } => array::encode_numbers(items, *integer),
            Self::Embedding => fixed::encode_batch(items, EMBEDDING_DECIMALS),
            Self::GeoPoint { decimals } => fixed::encode_point(value, *decimals),
            Self::Buffer | Self::Bits => bytes::encode(value),
            _ => None,
        }
        .or_else(|| self.encode_json(value))
    }

    fn encode_object(&self, value: &Value) -> Option<String> {
        match self {
            Self::GeoPoint { decimals } => fixed::encode_point(value, *decimals),
            Self::Buffer | Self::Bits => bytes::encode(value),
            _ => None,
        }
        .or_else(|| self.encode_json(value))
    }

    /// JSON is what arrays and objects become under every codec that has no form of its own for them.
    fn encode_json(&self, value: &Value) -> Option<String> {
        match self {
            Self::Secret | Self::Password => None,
            _ => Some(js::to_json(value)),
        }
    }
}

/// The texts that s3db.js takes for true.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "true" | "yes" | "y")
}
