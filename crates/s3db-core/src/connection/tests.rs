use std::path::Path;

use serde_json::{Value, json};

use super::*;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/keys_and_prefix.json"));

fn parse(text: &str) -> Connection {
    Connection::parse(text).unwrap()
}

/// What s3db.js makes of a string, where this makes something else of it on purpose.
fn ours(input: &str) -> Option<Value> {
    let differs = match input {
        // `region` and `forcePathStyle` are honoured; the prefix is normalised, with the same keys as a result.
        "s3://KEY:SECRET@bucket/a/b/?region=eu-west-1" => json!({"keyPrefix": "a/b", "region": "eu-west-1"}),
        "s3://K:S@bucket/x//y" => json!({"keyPrefix": "x/y"}),
        "https://K:S@nyc3.digitaloceanspaces.com/space?region=nyc3" => json!({"region": "nyc3"}),
        "s3://K:S@bucket?sessionToken=abc&forcePathStyle=true&httpClientOptions.timeout=5" => {
            json!({"forcePathStyle": true, "options": {"forcePathStyle": true, "httpClientOptions": {"timeout": 5}}})
        }
        _ => return None,
    };
    Some(differs)
}

#[test]
fn connection_strings_mean_what_they_mean_to_s3db_js() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases =
        vectors["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "connection_string");
    assert_eq!(cases.clone().count(), 14);
    for case in cases {
        let input = case["input"].as_str().unwrap();
        let mut expected = case["expected"].clone();
        for (name, value) in ours(input).iter().flat_map(|ours| ours.as_object().unwrap()) {
            expected[name] = value.clone();
        }
        let parsed = parse(input);
        let credentials = parsed.credentials.as_ref();
        let memory = parsed.scheme == Scheme::Memory;
        let no_key = if memory { Value::Null } else { json!("") };
        let endpoint = match parsed.scheme {
            Scheme::S3 => "https://s3.us-east-1.amazonaws.com",
            Scheme::Memory => "memory://localhost",
            _ => parsed.endpoint.as_deref().unwrap(),
        };
        let seen = json!({
            "bucket": parsed.bucket,
            "keyPrefix": parsed.prefix,
            "region": parsed.region.as_deref().unwrap_or("us-east-1"),
            "endpoint": endpoint,
            "accessKeyId": credentials.map_or(no_key.clone(), |c| c.access_key_id().into()),
            "secretAccessKey": credentials.map_or(no_key, |c| c.secret_access_key().into()),
            "sessionToken": credentials.and_then(Credentials::session_token),
            "forcePathStyle": parsed.path_style || memory,
            "options": parsed.parameters,
        });
        assert_eq!(seen, expected, "{input}");
    }
}

#[test]
fn file_strings_name_a_folder() {
    for (text, path) in [
        ("file:///var/lib/s3db", "/var/lib/s3db"),
        ("file:/var/lib/s3db", "/var/lib/s3db"),
        ("FILE:///var", "/var"),
        ("file://localhost/var", "/var"),
        ("file://./s3db-data", "./s3db-data"),
        ("file://../data", "../data"),
        ("file://.", "."),
        ("file://C:/data", "C:/data"),
        ("file://C:\\data", "C:/data"),
        ("file://server/share", "//server/share"),
        ("file:///with%20blank", "/with blank"),
        ("file:///a?executorPool.concurrency=20", "/a"),
    ] {
        let connection = parse(text);
        assert_eq!(connection.path.as_deref(), Some(Path::new(path)), "{text}");
        assert_eq!((connection.bucket.as_str(), connection.prefix.as_str()), ("s3db", ""));
    }
}

#[test]
fn a_wrong_string_says_what_is_wrong_and_what_to_try() {
    for (text, message) in [
        ("", "the connection string is empty"),
        ("my-bucket", "the connection string does not start with a scheme"),
        ("s3:bucket", "`s3:` is not followed by `//`"),
        (
            "ftp://h/b",
            "the scheme of the connection string is not one of s3, http, https, memory, file scheme=ftp",
        ),
        (
            "sqlite:///x.db",
            "the scheme of the connection string is not one of s3, http, https, memory, file scheme=sqlite",
        ),
        ("s3://bucket:9000/x", "`s3://` takes no port"),
        ("s3://KEY@bucket", "the connection string has an access key but no secret"),
        ("s3://:hunter2@bucket", "the connection string has a secret but no access key"),
        ("s3://bucket?sessionToken=x", "the connection string has a session token but no keys"),
        ("s3://KEY:hunter2%2@bucket", "the secret of the connection string holds a malformed percent escape"),
        (
            "s3://KEY:hunter2%FF@bucket",
            "the secret of the connection string holds a malformed percent escape",
        ),
        ("s3://KEY:hun/ter2@bucket", "the s3 connection string cannot be read: invalid port number"),
        ("s3://KEY:hun#ter2@bucket", "the s3 connection string cannot be read: invalid port number"),
        ("memory://b#x", "the connection string holds a `#`"),
        ("memory://KEY:hunter2@b", "`memory://` takes no keys"),
        ("http://", "the http connection string cannot be read: empty host"),
        ("http://h/a%2Fb", "the bucket name holds a `/` bucket=a/b"),
        (
            "s3://b?forcePathStyle=maybe",
            "a parameter of the connection string is not true or false parameter=forcePathStyle",
        ),
        ("file://", "the file connection string has no path"),
        ("file:///", "the file connection string has no path"),
        ("file:data", "`file:` is not followed by `//`"),
        ("file:///a%zz", "the path of the connection string holds a malformed percent escape"),
        ("file://KEY:hunter2@host/x", "`file://` takes no keys"),
    ] {
        let error = Connection::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message), "{text}");
        assert!(
            !format!("{error:?}").contains("hunter2") && !format!("{error:?}").contains("ter2"),
            "{error:?}"
        );
    }
    let raw_slash = Connection::parse("s3://KEY:hun/ter2@bucket").unwrap_err();
    assert!(raw_slash.suggestion().unwrap().contains("`/` is `%2F`"));
    let sqlite = Connection::parse("sqlite:///x.db").unwrap_err();
    assert!(sqlite.suggestion().unwrap().contains("SQLite"));
}

#[test]
fn nothing_prints_a_secret() {
    let connection =
        parse("s3://AKIA:hunter2@bucket/p?sessionToken=tok3n&apiToken=hunter3&region=eu-west-1&a.b=5");
    let printed = format!("{connection} {connection:?}");
    for secret in ["hunter2", "tok3n", "AKIA"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert_eq!(connection.to_string(), "s3://***:***@bucket/p?apiToken=***&region=eu-west-1&a.b=5");
    assert!(!printed.contains("hunter3"), "{printed}");
}

#[test]
fn a_session_token_may_hold_a_bare_plus() {
    let connection = parse("s3://K:S@b?sessionToken=a+b/c==");
    assert_eq!(connection.credentials.unwrap().session_token(), Some("a+b/c=="));
}

#[test]
fn parameters_nest_and_are_typed() {
    let connection =
        parse("memory://b?executorPool.concurrency=20&a=1&a.b=1.5&on=true&text=1e3&big=99999999999999999999");
    let expected = json!({
        "executorPool": {"concurrency": 20}, "a": {"b": 1.5}, "on": true, "text": "1e3", "big": "99999999999999999999"
    });
    assert_eq!(Value::Object(connection.parameters.clone()), expected);
    assert_eq!(connection.parameter_u64("executorPool.concurrency").unwrap(), Some(20));
    assert_eq!(connection.parameter_u64("executorPool.retries").unwrap(), None);
    assert_eq!(connection.parameter_bool("on").unwrap(), Some(true));
    let error = connection.parameter_u64("text").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a parameter of the connection string is not a whole number parameter=text"
    );
}

#[test]
fn a_command_finds_its_connection_in_order() {
    let check = |flag: Option<&str>, variables: &[(&str, &str)], expected: Option<&str>| {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let found = Connection::resolve(flag, variable).unwrap();
        assert_eq!(found.map(|c| c.to_string()).as_deref(), expected, "{variables:?}");
    };
    let all = [
        ("S3DB_CONNECTION", "memory://one"),
        ("S3DB_CONNECTION_STRING", "memory://two"),
        ("S3_CONNECTION_STRING", "memory://three"),
        ("DATABASE_URL", "memory://four"),
        ("AWS_ACCESS_KEY_ID", "AK"),
        ("AWS_SECRET_ACCESS_KEY", "s/k"),
        ("AWS_S3_BUCKET", "five"),
        ("S3_BUCKET", "six"),
    ];
    check(Some("memory://flag"), &all, Some("memory://flag"));
    check(None, &all, Some("memory://one"));
    check(None, &all[1..], Some("memory://two"));
    check(None, &all[2..], Some("memory://three"));
    check(None, &all[3..], Some("memory://four"));
    check(None, &all[4..], Some("s3://***:***@five"));
    check(None, &all[5..], None);
    check(None, &[("S3DB_CONNECTION", " "), ("DATABASE_URL", "postgres://u:p@h/db")], None);

    let broken = Connection::resolve(None, |name| (name == "S3_CONNECTION_STRING").then(|| "ftp://x".into()));
    assert_eq!(broken.unwrap_err().context("source"), Some("S3_CONNECTION_STRING"));
}

#[test]
fn the_environment_of_aws_gives_a_whole_connection() {
    let variable = |name: &str| {
        let value = match name {
            "AWS_ACCESS_KEY_ID" => "AK",
            "AWS_SECRET_ACCESS_KEY" => "s/k",
            "S3_BUCKET" => "data",
            "AWS_SESSION_TOKEN" => "t",
            "AWS_DEFAULT_REGION" => "eu-west-1",
            "AWS_ENDPOINT_URL" => "http://localhost:9000",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let found = Connection::resolve(None, variable).unwrap().unwrap();
    let mut expected = Connection::s3("data");
    expected.credentials = Some(Credentials::new("AK", "s/k").with_session_token("t"));
    expected.region = Some("eu-west-1".into());
    expected.endpoint = Some("http://localhost:9000".into());
    expected.path_style = true;
    assert_eq!(found, expected);
}
