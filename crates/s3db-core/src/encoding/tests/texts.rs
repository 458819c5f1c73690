//! Vectors of the text codec and its dictionary, and the texts that only the exact form keeps.

use serde_json::Value;

use super::super::text::{Decoded, decode, encode, encode_exact};
use super::super::{base64, compress, js};
use super::{cases, vectors};

fn expect_decoded(stored: &str, expected: &Value) {
    let expected = match expected {
        Value::Null => Decoded::Null,
        Value::String(text) => Decoded::Text(text.as_str().into()),
        _ => Decoded::Absent,
    };
    assert_eq!(decode(stored), expected, "reading {stored:?}");
}

fn expect_text(stored: &str, text: &str) {
    assert_eq!(decode(stored), Decoded::Text(text.into()), "reading {stored:?}");
}

#[test]
fn metadata_values_are_those_of_javascript() {
    for case in cases(vectors!("metadata_encoding")) {
        if case.str("fn") == "decode" {
            expect_decoded(case.str("input"), case.get("expected"));
            continue;
        }
        let expected = case.str("expected");
        match case.get("input") {
            // `undefined` and the like are no values of ours; null is written by its own name.
            Value::Object(_) | Value::Null => continue,
            Value::String(text) => {
                assert_eq!(encode(text), expected);
                expect_decoded(expected, case.get("decoded"));
                let exact = encode_exact(text);
                expect_text(&exact, text);
                let kept = ["lossless", "ascii_header_safe", "survives_http_trim"];
                if kept.iter().all(|flag| case.get(flag) != false) && exact != expected {
                    panic!("{text:?} needs no other form than {expected:?}, not {exact:?}");
                }
            }
            // Arrays are joined with `,` when no field codec was there.
            value => assert_eq!(encode(&js::to_text(value)), expected),
        }
    }
}

#[test]
fn dictionary_words_and_prefixes_are_those_of_javascript() {
    for case in cases(vectors!("dictionary")) {
        let (input, expected) = (case.str("input"), case.get("expected").as_str());
        assert_eq!(encode(input), expected.unwrap_or(input), "{}", case.str("name"));
        if let (Some(stored), Some(read)) = (expected, case.get("decoded").as_str()) {
            expect_text(stored, read);
        }
        expect_text(&encode_exact(input), input);
    }
}

#[test]
fn exact_texts_take_the_forms_that_every_reader_knows() {
    let table = [
        ("null", "b:bnVsbA=="),
        ("undefined", "b:dW5kZWZpbmVk"),
        ("font/woff2", "b:Zm9udC93b2ZmMg=="),
        ("  a  ", "b:ICBhICA="),
        ("https://x.com/é", "u:https%3A%2F%2Fx.com%2F%C3%A9"),
        ("https://x.com/a", "d:@hx.com/a"),
        ("d:", "b:ZDo="),
        ("u:", "b:dTo="),
        ("constructor", "constructor"),
        ("__proto__", "__proto__"),
        ("plain", "plain"),
        ("", ""),
    ];
    for (text, stored) in table {
        assert_eq!(encode_exact(text), stored);
        expect_text(stored, text);
    }
}

#[test]
fn words_that_javascript_mangles_are_recovered() {
    // Written by s3db.js for texts that are names of its prototype's functions.
    expect_text("d:function Object() { [native code] }", "constructor");
    expect_text("d:function toString() { [native code] }", "toString");
    expect_text("d:function other() { [native code] }", "d:function other() { [native code] }");
}

#[test]
fn base64_is_as_lenient_as_node() {
    let table = [
        ("YQ==YQ==", "61"),
        ("YWJj=ZA", "616263"),
        ("=", ""),
        ("Y", ""),
        ("YWJjZ", "616263"),
        ("-_", "fb"),
        ("a+b/", "6be6ff"),
        ("aGk\n=", "6869"),
        ("YW=Jj", "61"),
        ("Y=Q", ""),
        ("\"YQ\"", "61"),
    ];
    for (text, bytes) in table {
        assert_eq!(hex::encode(base64::decode_lenient(text)), bytes, "{text:?}");
    }
}

#[test]
fn compressed_texts_are_read_and_bounded() {
    use std::io::Write;
    let deflate = |text: &[u8]| {
        let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(text).expect("memory");
        out.finish().expect("memory")
    };
    let stored = |bytes: &[u8]| {
        let mut out = "z:".to_owned();
        base64::push(&mut out, bytes);
        out
    };
    let text = "the same again and again, ".repeat(40);
    expect_text(&stored(&deflate(text.as_bytes())), &text);
    let bomb = stored(&deflate(&vec![b'a'; 5 << 20]));
    expect_text(&bomb, &bomb);
    let cut = stored(deflate(text.as_bytes()).split_last().expect("not empty").1);
    expect_text(&cut, &cut);
    // Written by s3db.js for "a".repeat(200) with base85.
    expect_text(Z85_OF_200_A, &"a".repeat(200));
    assert_eq!(compress::decode_base85("a\"b"), None);
}

const Z85_OF_200_A: &str = "z85:;4%>J!!!";
