//! Round trips of every codec for all its values.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::text::{Decoded, decode, encode, encode_exact};
use super::super::{Codec, Encoded, base62, fixed, js};
use super::same;

/// Through the field codec and the text codec, as a metadata value goes.
fn through(codec: &Codec, value: &Value) -> Option<Value> {
    let text = match codec.encode(value) {
        Encoded::Text(text) => text,
        Encoded::AsIs => value.as_str()?.to_owned(),
    };
    let stored = encode_exact(&text).into_owned();
    assert!(stored.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{stored:?} is no header value");
    assert_eq!(stored.trim(), stored, "HTTP would trim {stored:?}");
    match decode(&stored) {
        Decoded::Text(text) => codec.decode(&text),
        other => panic!("{value} became {other:?}"),
    }
}

fn check(codec: &Codec, value: &Value) {
    let read = through(codec, value);
    assert!(read.as_ref().is_some_and(|read| same(read, value)), "{codec:?}: {value} came back as {read:?}");
}

/// Numbers as documents hold them: a double that is an integer of 64 bits comes back as that integer.
fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100_000_i64..100_000).prop_map(Value::from),
        (-1e9..1e9).prop_map(|n: f64| Value::from(n)),
        any::<f64>()
            .prop_filter_map("JSON has no NaN", |n| serde_json::Number::from_f64(n).map(Value::Number)),
    ]
}

fn integers() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100_i64..100).prop_map(Value::from)
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[dubz](85)?:.{0,6}",
        "(https://|/api/|http://localhost:)[a-zé ]{0,9}",
        Just("null".to_owned()),
        Just("undefined".to_owned()),
        Just("font/woff2".to_owned()),
    ]
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers(),
        texts().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((texts(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn texts_survive_the_text_codec(text in texts()) {
        let stored = encode_exact(&text);
        prop_assert_eq!(decode(&stored), Decoded::Text(text.as_str().into()));
        check(&Codec::Text, &Value::from(text));
    }

    #[test]
    fn the_faithful_form_differs_only_where_javascript_loses(text in texts()) {
        let (faithful, exact) = (encode(&text), encode_exact(&text));
        if faithful != exact {
            let lossy = decode(&faithful) != Decoded::Text(text.as_str().into());
            // S3 itself changes outer blanks, what is not ASCII, and encoded words of RFC 2047.
            let changed_by_s3 = faithful.trim() != faithful || !faithful.is_ascii() || faithful.contains("=?");
            prop_assert!(lossy || changed_by_s3, "{text:?}: {faithful} {exact}");
        }
    }

    #[test]
    fn an_embedding_is_rounded_as_its_text_is_read(
        items in prop::collection::vec(prop_oneof![numbers(), Just(json!(-0.0)), Just(json!(4.5e-7)), Just(Value::Null)], 0..9)
    ) {
        prop_assume!(fixed::can_round_batch(&items));
        if let Some(text) = fixed::encode_batch(&items, fixed::EMBEDDING_DECIMALS) {
            let mut rounded = items;
            fixed::round_batch(&mut rounded, fixed::EMBEDDING_DECIMALS);
            prop_assert_eq!(fixed::decode_batch(&text, fixed::EMBEDDING_DECIMALS), Some(Value::Array(rounded)));
        }
    }

    #[test]
    fn any_stored_text_is_read_without_panic(text in texts()) {
        for codec in all_codecs() {
            let _ = codec.decode(&text);
            let _ = codec.encode(&Value::from(text.as_str()));
        }
        let _ = decode(&text);
    }

    #[test]
    fn numbers_come_back_exactly(n in numbers()) {
        let read = through(&Codec::Number, &n).expect("a number");
        prop_assert!(same(&read, &n), "{n} came back as {read}");
        if n.is_i64() || n.is_u64() {
            prop_assert_eq!(&read, &n);
        }
        // s3db.js reads the nearest double.
        let Encoded::Text(text) = Codec::Number.encode(&n) else { panic!("numbers are encoded") };
        prop_assert_eq!(base62::decode_decimal(&text), n.as_f64().expect("a double"));
        check(&Codec::Integer, &n);
    }

    #[test]
    fn integers_come_back_exactly(n in integers()) {
        prop_assert_eq!(through(&Codec::Integer, &n), Some(n));
    }

    #[test]
    fn arrays_come_back(
        strings in prop::collection::vec(texts(), 0..6),
        numbers in prop::collection::vec(numbers(), 0..6),
        integers in prop::collection::vec(integers(), 0..6),
    ) {
        check(&Codec::StringArray, &json!(strings));
        check(&Codec::JsonArray, &json!(strings));
        check(&Codec::NumberArray { integer: false }, &json!(numbers));
        check(&Codec::NumberArray { integer: true }, &json!(integers));
    }

    #[test]
    fn json_comes_back(value in json_values()) {
        prop_assume!(!value.is_null());
        check(&Codec::Json, &value);
        let printed: Value = serde_json::from_str(&js::to_json(&value)).expect("JSON");
        prop_assert!(same(&printed, &value), "{value} printed as {printed}");
        if value.is_object() {
            check(&Codec::Object, &value);
            check(&Codec::Any, &value);
        }
    }

    #[test]
    fn dates_and_times_come_back(ms in -8_640_000_000_000_000_i64..=8_640_000_000_000_000, day in 0..86_400_000_i64) {
        let text = |codec: &Codec, n: i64| codec.decode(&base62::encode(n as f64)).expect("a text");
        check(&Codec::DateTime, &text(&Codec::DateTime, ms));
        check(&Codec::DateOnly, &text(&Codec::DateOnly, ms / 86_400_000));
        check(&Codec::TimeOnly, &text(&Codec::TimeOnly, day));
        let Encoded::Text(duration) = Codec::Duration.encode(&json!(ms.abs())) else { panic!("durations are numbers") };
        prop_assert_eq!(base62::decode(&duration), ms.abs() as f64);
        prop_assert!(!duration.starts_with('P'));
        check(&Codec::Duration, &Codec::Duration.decode(&duration).expect("a text"));
    }

    #[test]
    fn identifiers_come_back(a in any::<u128>(), b in any::<u64>(), c in any::<u32>(), bits in 0..=32_u8) {
        let h = format!("{a:032x}");
        check(&Codec::Uuid, &json!(format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])));
        let [p, q, r, s] = c.to_be_bytes();
        check(&Codec::Ip4, &json!(format!("{p}.{q}.{r}.{s}")));
        check(&Codec::Cidr, &json!(format!("{p}.{q}.{r}.{s}/{bits}")));
        check(&Codec::Color, &json!(format!("#{:06x}", c >> 8)));
        check(&Codec::Semver, &json!(format!("{p}.{}.{}", c % 1500, b % 1500)));
        check(&Codec::Phone, &json!(format!("+{b}")));
        check(&Codec::Phone, &json!(format!("+{c}")));
        let mac = b.to_be_bytes().map(|byte| format!("{byte:02x}"));
        check(&Codec::Mac, &json!(mac[2..].join(":")));
        for length in [8_u32, 12, 13, 14] {
            let n = b % 10_u64.pow(length);
            check(&Codec::Ean, &json!(format!("{n:0width$}", width = length as usize)));
        }
        let groups: Vec<String> = (0..8).map(|i| format!("{:x}", (a >> (16 * i)) as u16 * u16::from(c >> i & 1 == 1))).collect();
        let canonical = through(&Codec::Ip6, &json!(groups.join(":"))).expect("an address");
        prop_assert_eq!(canonical.as_str().and_then(|t| t.parse().ok()), groups.join(":").parse::<std::net::Ipv6Addr>().ok());
        check(&Codec::Ip6, &canonical);
    }

    #[test]
    fn fixed_point_values_come_back_as_they_were_rounded(n in -9e9..9e9_f64, decimals in 0..6_u32) {
        let rounded = fixed::round(n * 10_f64.powi(decimals as i32)) / 10_f64.powi(decimals as i32);
        for codec in [Codec::Money { decimals }, Codec::Decimal { decimals }] {
            let read = through(&codec, &json!(n)).and_then(|n| n.as_f64());
            prop_assert_eq!(read, Some(rounded));
        }
        let read = through(&Codec::Embedding, &json!([n, 0, null])).expect("a list");
        prop_assert!((read[0].as_f64().expect("a number") - n).abs() <= 1e-6);
    }

    #[test]
    fn coordinates_come_back_within_their_precision(latitude in -90.0..=90.0_f64, longitude in -180.0..=180.0_f64) {
        let near = |read: &Value, n: f64| (read.as_f64().expect("a number") - n).abs() < 6e-7;
        let read = through(&Codec::GeoLat { decimals: 6 }, &json!(latitude)).expect("a number");
        prop_assert!(near(&read, latitude));
        let point = through(&Codec::GeoPoint { decimals: 6 }, &json!([latitude, longitude])).expect("a point");
        prop_assert!(near(&point["latitude"], latitude) && near(&point["longitude"], longitude));
    }

    #[test]
    fn bytes_come_back(bytes in any::<Vec<u8>>()) {
        let Encoded::Text(text) = Codec::Buffer.encode(&json!(bytes)) else { panic!("bytes are encoded") };
        check(&Codec::Buffer, &json!(text));
    }

    #[test]
    fn booleans_come_back(flag in any::<bool>()) {
        check(&Codec::Boolean, &json!(flag));
    }
}

fn all_codecs() -> Vec<Codec> {
    use Codec::*;
    let mut codecs =
        vec![Text, Any, Number, Integer, Boolean, DateTime, DateOnly, TimeOnly, Uuid, Ip4, Ip6, Mac, Cidr];
    codecs.extend([
        Semver,
        Phone,
        Color,
        Duration,
        Ean,
        Embedding,
        StringArray,
        JsonArray,
        Object,
        Json,
        Buffer,
        Bits,
    ]);
    codecs.extend([Secret, Password, Money { decimals: 2 }, Decimal { decimals: 2 }, GeoLat { decimals: 6 }]);
    codecs.extend([GeoLon { decimals: 6 }, GeoPoint { decimals: 6 }, NumberArray { integer: true }]);
    codecs.push(NumberArray { integer: false });
    codecs
}
