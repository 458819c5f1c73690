//! Vectors of values written through a resource of s3db.js, and the forms where ours is better.

use serde_json::{Value, json};

use super::super::text::{Decoded, decode, encode_exact};
use super::super::{Codec, Encoded};
use super::{cases, same, vectors};

/// The codec of a rule's first words. Choosing it for any rule is the schema's business.
fn codec_of(rule: &str) -> Codec {
    let rule = rule.trim_end_matches("|optional");
    match rule {
        "boolean" => Codec::Boolean,
        "datetime" => Codec::DateTime,
        "dateonly" => Codec::DateOnly,
        "timeonly" => Codec::TimeOnly,
        "uuid" => Codec::Uuid,
        "ip4" => Codec::Ip4,
        "ip6" => Codec::Ip6,
        "mac" => Codec::Mac,
        "cidr" => Codec::Cidr,
        "semver" => Codec::Semver,
        "phone" => Codec::Phone,
        "color" => Codec::Color,
        "duration" => Codec::Duration,
        "ean" => Codec::Ean,
        "money" => Codec::Money { decimals: 2 },
        "money:4" => Codec::Money { decimals: 4 },
        "crypto" => Codec::Money { decimals: 8 },
        "crypto:18" => Codec::Money { decimals: 18 },
        "decimal" => Codec::Decimal { decimals: 2 },
        "decimal:4" => Codec::Decimal { decimals: 4 },
        "geo:lat" => Codec::GeoLat { decimals: 6 },
        "geo:lat:4" => Codec::GeoLat { decimals: 4 },
        "geo:lon" => Codec::GeoLon { decimals: 6 },
        "geo:lon:4" => Codec::GeoLon { decimals: 4 },
        "geo:point" => Codec::GeoPoint { decimals: 6 },
        "embedding:3" | "embedding|length:4" => Codec::Embedding,
        "array|items:string" => Codec::StringArray,
        "array|items:number" => Codec::NumberArray { integer: false },
        "array|items:number|integer:true" => Codec::NumberArray { integer: true },
        "array" | "array|items:object" | "array|items:boolean" => Codec::JsonArray,
        "object" => Codec::Object,
        "json" => Codec::Json,
        "any" => Codec::Any,
        "number" | "number|min:0|max:10" => Codec::Number,
        "number|integer" | "number|integer:true" => Codec::Integer,
        "cron" | "locale" | "currency" | "country" | "email" | "url" | "string" | "string|trim:false" => {
            Codec::Text
        }
        other if other.starts_with("secret") => Codec::Secret,
        other => panic!("no codec for the rule {other}"),
    }
}

/// The metadata value of a field, as the schema writes it.
fn write(codec: &Codec, value: &Value) -> String {
    let text = match codec.encode(value) {
        Encoded::Text(text) => text,
        Encoded::AsIs => value.as_str().expect("only texts stand for themselves").to_owned(),
    };
    encode_exact(&text).into_owned()
}

fn read(codec: &Codec, stored: &str) -> Option<Value> {
    match decode(stored) {
        Decoded::Null => Some(Value::Null),
        Decoded::Absent => None,
        Decoded::Text(text) => codec.decode(&text),
    }
}

/// `stored` by s3db.js and ours, where ours is another: HTTP trims blanks at the ends of a header's value.
const BETTER: [(&str, &str); 1] = [(" padded ", "b:IHBhZGRlZCA=")];

#[test]
fn values_are_stored_as_javascript_stores_them() {
    for case in cases(vectors!("types")) {
        let (rule, input, expected) = (case.str("type"), case.get("input"), case.get("expected"));
        let codec = codec_of(rule);
        let sealed = codec == Codec::Secret;
        let Some(stored) = case.get("stored").as_str().filter(|_| !sealed) else {
            continue;
        };
        let wanted = (expected.get("$undefined").is_none()).then(|| expected.clone());
        let got = read(&codec, stored);
        assert!(
            same(&got.clone().unwrap_or(json!("(absent)")), &wanted.clone().unwrap_or(json!("(absent)"))),
            "{rule}: {stored:?} reads {got:?}, not {wanted:?}"
        );
        // Null and absent never reach the codec.
        if input.is_null() || input.get("$undefined").is_some() {
            continue;
        }
        let ours = BETTER.iter().find(|(theirs, _)| *theirs == stored).map_or(stored, |(_, ours)| ours);
        // The schema brings a value into its normal form first (`v1.2.3`, `usd`, blanks): that is what is read back.
        let normal = wanted.unwrap_or_default();
        let raw = normal == *input || !input.is_string();
        let value = if raw { input } else { &normal };
        assert_eq!(write(&codec, value), ours, "{rule}: writing {value}");
        assert!(same(&read(&codec, ours).unwrap_or_default(), &normal), "{rule}: reading back {ours:?}");
    }
}

/// Writes `value`, expects `stored`, and expects the same value when it is read.
fn check(codec: Codec, value: Value, stored: &str) {
    assert_eq!(write(&codec, &value), stored, "{codec:?} writing {value}");
    assert_eq!(read(&codec, stored), Some(value), "{codec:?} reading {stored:?}");
}

#[test]
fn numbers_that_javascript_would_lose_take_an_exponent() {
    check(Codec::Number, json!(1e-7), "1.e-7");
    check(Codec::Number, json!(-2.5e-9), "-2.5e-9");
    check(Codec::Number, json!(5e-324), "5.e-324");
    check(Codec::Number, json!(1e300), "1.e300");
    check(Codec::Number, json!(-1e300), "-1.e300");
    check(Codec::Number, json!(f64::MAX), "1.7976931348623157e+308");
    check(Codec::Number, json!(-0.0), "-0");
    check(Codec::Integer, json!(-0.0), "-0");
    check(Codec::Number, json!(1_u64 << 53), "FfGNdXsE8");
    check(Codec::Number, json!((1_u64 << 53) + 1), "9.007199254740993e15");
    check(Codec::Number, json!(i64::MAX), "9.223372036854775807e18");
    check(Codec::Number, json!(u64::MAX), "1.8446744073709551615e19");
    check(Codec::Number, json!(i64::MAX - 7), "9.2233720368547758e18");
    check(Codec::Integer, json!(i64::MAX), "aZl8N0y58M7");
    check(Codec::Integer, json!(i64::MIN), "-aZl8N0y58M8");
    check(Codec::Integer, json!(u64::MAX), "lYGhA16ahyf");
    check(Codec::NumberArray { integer: false }, json!([1e-7, 2, 1.5e-9, null]), "1.e-7|2|1.5e-9|");
    // In base62 this number is the text that stands for null.
    check(Codec::Number, json!(5_598_187), "b:bnVsbA==");
}

#[test]
fn numbers_print_as_integers_when_they_are() {
    assert_eq!(Codec::Number.decode("u").map(|n| n.to_string()).as_deref(), Some("30"));
    assert_eq!(Codec::Money { decimals: 2 }.decode("$Mo").map(|n| n.to_string()).as_deref(), Some("30"));
    assert_eq!(Codec::Number.decode("12$"), None);
}

#[test]
fn arrays_that_javascript_would_misread_are_json() {
    check(Codec::StringArray, json!([""]), r#"[""]"#);
    check(Codec::StringArray, json!(["null"]), r#"["null"]"#);
    check(Codec::StringArray, json!(["undefined"]), r#"["undefined"]"#);
    check(Codec::StringArray, json!(["[1]"]), r#"["[1]"]"#);
    check(Codec::StringArray, json!(["{\"a\":1}", "b|c"]), r#"["{\"a\":1}","b|c"]"#);
    check(Codec::StringArray, json!(["a", ""]), "a|");
    check(Codec::NumberArray { integer: false }, json!([null]), "[null]");
    check(Codec::Embedding, json!([null]), "[null]");
    // What s3db.js wrote for `["[1]"]`.
    assert_eq!(Codec::StringArray.decode("[1]"), Some(json!(["[1]"])));
    // An array without item type once held joined text.
    assert_eq!(Codec::JsonArray.decode("a|b"), Some(json!(["a", "b"])));
}

#[test]
fn identifiers_that_javascript_would_damage_stay_whole() {
    check(Codec::Duration, json!("PT0.051S"), "0P");
    check(Codec::Duration, json!("P99999999DT23H59M59.001S"), "Dzq2NzPvj");
    check(Codec::Ean, json!("3638023796362"), "100000012345678");
    check(Codec::Semver, json!("1.1000.0"), "1.1000.0");
    check(Codec::Semver, json!("1.0.0-beta.1"), "1.0.0-beta.1");
    check(Codec::Phone, json!("+0123"), "+0123");
    check(Codec::Phone, json!("+1234567890123456"), "+1234567890123456");
    check(Codec::Ip6, json!("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    check(Codec::Ip6, json!("fe80::1%eth0"), "fe80::1%eth0");
    check(Codec::Cidr, json!("2001:db8::/32"), "2001:db8::/32");
    check(
        Codec::GeoPoint { decimals: 6 },
        json!({"lat": 1, "lon": 2, "alt": 3}),
        r#"{"lat":1,"lon":2,"alt":3}"#,
    );
}

#[test]
fn json_texts_that_would_parse_are_quoted() {
    check(Codec::Json, json!("5"), r#""5""#);
    check(Codec::Json, json!("null"), r#""null""#);
    check(Codec::Json, json!("{\"a\":1}"), r#""{\"a\":1}""#);
    check(Codec::Json, json!("{oops"), r#""{oops""#);
    check(Codec::Json, json!("nothing"), "nothing");
    check(Codec::Json, json!(1.5), "1.5");
    assert_eq!(Codec::Json.decode("abc"), Some(json!("abc")));
}

#[test]
fn a_text_field_holding_json_stays_text() {
    check(Codec::Text, json!("{\"a\":1}"), "{\"a\":1}");
    check(Codec::Text, json!("[1,2]"), "[1,2]");
    check(Codec::Any, json!({"a": 1}), "{\"a\":1}");
}

#[test]
fn forms_of_older_releases_are_read() {
    let same_text = [
        (Codec::DateTime, "2024-01-15T10:20:30.123Z"),
        (Codec::DateTime, "2024-01-15"),
        (Codec::DateOnly, "2024-01-15"),
        (Codec::TimeOnly, "10:20:30.000"),
        (Codec::Uuid, "550e8400-e29b-41d4-a716-446655440000"),
        (Codec::Mac, "aa:bb:cc:dd:ee:ff"),
        (Codec::Cidr, "10.0.0.0/8"),
        (Codec::Semver, "1.2.3"),
        (Codec::Phone, "+12025550123"),
        (Codec::Color, "#ff5733"),
        (Codec::Duration, "P1D"),
        (Codec::Ean, "4006381333931"),
        (Codec::Ip4, "not-an-ip"),
        (Codec::Ip6, "2001:db8::1"),
        (Codec::Money { decimals: 2 }, "12"),
    ];
    for (codec, text) in same_text {
        assert_eq!(codec.decode(text), Some(json!(text)), "{codec:?}");
    }
    assert_eq!(Codec::Embedding.decode("^1|^2|^-3"), Some(json!([1e-6, 2e-6, -3e-6])));
    assert_eq!(Codec::Object.decode("[object Object]"), Some(json!({})));
    // s3db.js leaves durations whose digits start with `P` unread.
    assert_eq!(Codec::Duration.decode("P1"), Some(json!("PT3.163S")));
}

#[test]
fn booleans_read_the_words_of_javascript() {
    for (text, flag) in
        [("1", true), ("true", true), ("yes", true), ("y", true), ("TRUE", false), ("0", false)]
    {
        assert_eq!(Codec::Boolean.decode(text), Some(json!(flag)), "{text}");
    }
}

#[test]
fn dates_keep_to_the_calendar() {
    check(Codec::DateTime, json!("1970-01-01T00:00:00.000Z"), "0");
    check(Codec::DateTime, json!("1969-12-31T23:59:59.999Z"), "-1");
    for text in ["-000001-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.000Z", "2000-02-29T00:00:00.000Z"] {
        assert_eq!(read(&Codec::DateTime, &write(&Codec::DateTime, &json!(text))), Some(json!(text)));
    }
    assert_eq!(write(&Codec::DateOnly, &json!("2024-02-30")), write(&Codec::DateOnly, &json!("2024-03-01")));
    assert_eq!(Codec::DateTime.encode(&json!("tomorrow")), Encoded::AsIs);
    assert_eq!(Codec::DateTime.encode(&json!("2024-13-01")), Encoded::AsIs);
    assert_eq!(Codec::TimeOnly.encode(&json!("25:00")), Encoded::AsIs);
    assert_eq!(Codec::DateTime.decode("zzzzzzzzzzzzzz"), Some(json!("zzzzzzzzzzzzzz")));
}

#[test]
fn bytes_are_standard_base64() {
    check(Codec::Buffer, json!("AQID"), "AQID");
    assert_eq!(Codec::Buffer.encode(&json!([1, 2, 3])), Encoded::Text("AQID".into()));
    assert_eq!(Codec::Bits.encode(&json!({"type": "Buffer", "data": [1, 2]})), Encoded::Text("AQI=".into()));
    assert_eq!(Codec::Buffer.encode(&json!("not base64!")), Encoded::AsIs);
}
