//! Vectors of the functions below the codec: base62, fixed point, addresses, sizes.

use serde_json::Value;

use super::super::{base62, fixed, net, size};
use super::{Case, cases, double, same, same_double, vectors};

#[test]
fn base62_gives_the_digits_and_doubles_of_javascript() {
    for case in cases(vectors!("base62")) {
        let (input, text) = (double(case.get("input")), case.str("input"));
        let decimals = case.get("precision").as_u64().unwrap_or(6) as u32;
        let n = input.unwrap_or(f64::NAN);
        let written = match case.str("fn") {
            "encode" => base62::encode(n),
            "encodeDecimal" => base62::encode_decimal(n),
            "encodeKey" => base62::encode_key(n),
            "encodeFixedPoint" => fixed::encode('^', n, decimals).unwrap_or("undefined".into()),
            _ => {
                let read = match case.str("fn") {
                    "decode" => base62::decode(text),
                    "decodeDecimal" => base62::decode_decimal(text),
                    "decodeKey" => base62::decode_key(text),
                    "decodeFixedPoint" => {
                        fixed::decode('^', text, decimals).and_then(|n| n.as_f64()).unwrap_or(f64::NAN)
                    }
                    other => panic!("unknown function {other}"),
                };
                let expected = double(case.get("expected")).expect("a number");
                assert!(
                    same_double(read, expected),
                    "{}: {text} reads {read}, not {expected}",
                    case.str("name")
                );
                continue;
            }
        };
        assert_eq!(written, case.str("expected"), "{} {n}", case.str("name"));
    }
}

/// NaN has no JSON; items that are none become null.
fn without_nan(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_nan).collect(),
        Value::Object(_) => Value::Null,
        other => other.clone(),
    }
}

#[test]
fn embeddings_round_as_javascript() {
    for case in cases(vectors!("fixed_point")) {
        let decimals = case.get("precision").as_u64().expect("a precision") as u32;
        let (text, expected) = match case.str("fn") {
            "encodeFixedPointBatch" => {
                let items = without_nan(case.get("input"));
                let text = fixed::encode_batch(items.as_array().expect("a list"), decimals).expect("numbers");
                assert_eq!(text, case.str("expected"), "{}", case.str("name"));
                (text, case.get("decoded"))
            }
            _ => (case.str("input").to_owned(), case.get("expected")),
        };
        // Text without the prefix is not an embedding; s3db.js makes an empty list of it, we leave it alone.
        let read = fixed::decode_batch(&text, decimals).unwrap_or_else(|| Value::Array(Vec::new()));
        assert!(same(&read, &without_nan(expected)), "{}: {read}", case.str("name"));
    }
}

/// Addresses that s3db.js mangles; they stay text, which it reads as it is.
const MANGLED_IP6: [&str; 3] = ["::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "fe80::1%eth0"];

#[test]
fn addresses_become_bytes() {
    for case in cases(vectors!("ip")) {
        let input = case.str("input");
        let (encoded, decode): (_, fn(&str) -> Option<String>) = match case.str("kind") {
            "ip4" => (net::encode_ip4(input), net::decode_ip4),
            "ip6" => (net::encode_ip6(input), net::decode_ip6),
            "ip4-decode" => (Some(input.to_owned()), net::decode_ip4),
            "ip6-decode" => (Some(input.to_owned()), net::decode_ip6),
            other => panic!("unknown kind {other}"),
        };
        check_address(&case, encoded, decode);
    }
}

fn check_address(case: &Case, encoded: Option<String>, decode: fn(&str) -> Option<String>) {
    let input = case.str("input");
    if MANGLED_IP6.contains(&input) {
        assert_eq!(encoded, None, "{input} stays text");
        assert_eq!(decode(input), None, "{input} is read as text");
    } else if case.str("kind").ends_with("decode") {
        let read = decode(input).unwrap_or_else(|| input.to_owned());
        // Where s3db.js throws, the text stays as it is.
        assert_eq!(read, case.get("expected").as_str().unwrap_or(input));
    } else {
        assert_eq!(encoded.as_deref(), case.get("expected").as_str(), "{input}");
        assert_eq!(
            encoded.and_then(|text| decode(&text)).as_deref(),
            case.get("decoded").as_str(),
            "{input}"
        );
    }
    assert_eq!(decode("127.0.0.1"), None, "an address that was read before is not read again");
}

#[test]
fn sizes_are_those_of_the_calculator() {
    for case in cases(vectors!("calculator")) {
        let input = case.get("input");
        match case.str("fn") {
            "utf8Bytes" => assert_eq!(Some(size::value_bytes(input) as u64), case.get("expected").as_u64()),
            "transformValue" => {
                let text =
                    if input.get("$undefined").is_some() { String::new() } else { size::value_text(input) };
                assert_eq!(text, case.str("expected"));
            }
            "totalSize" => {
                let absent = |value: &Value| value.get("$undefined").is_some();
                let entries = input.as_object().expect("an object").iter();
                let entries = entries
                    .map(|(name, value)| (name.as_str(), if absent(value) { &Value::Null } else { value }));
                assert_eq!(Some(size::total_bytes(entries) as u64), case.get("expected").as_u64());
            }
            "effectiveLimit" => {
                let version = input["version"].as_str().unwrap_or("1");
                let timestamps = input["timestamps"].as_bool().unwrap_or(false);
                let id = input["id"].as_str();
                let limit = input["limit"].as_u64().expect("a limit") as usize;
                assert_eq!(
                    Some(size::effective_limit(limit, version, timestamps, id) as u64),
                    case.get("expected").as_u64()
                );
                assert_eq!(
                    Some(size::overhead_bytes(version, timestamps, id) as u64),
                    case.get("overhead").as_u64()
                );
            }
            other => panic!("unknown function {other}"),
        }
    }
}
