use serde_json::{Value, json};

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_every_type_arrives() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options()).await;
    #[rustfmt::skip]
    let rows: &[(&str, Value, &str, &str)] = &[
        ("string", json!("it's \\ \"ü\" 😀\n."), "text", "it's \\ \"ü\" 😀\n."),
        ("string|max:5", json!("äöüßx"), "character varying(5)", "äöüßx"),
        ("number", json!(0.1), "double precision", "0.1"),
        ("number", json!(-1e21), "double precision", "-1e+21"),
        ("number", json!(9_007_199_254_740_991_i64), "double precision", "9.007199254740991e+15"),
        ("number|integer", json!(-9_007_199_254_740_991_i64), "bigint", "-9007199254740991"),
        ("number|integer|min:0|max:2147483647", json!(2_147_483_647), "integer", "2147483647"),
        ("money:2", json!(1234.56), "numeric", "1234.56"),
        ("crypto:8", json!(0.000_000_01), "numeric", "0.00000001"),
        ("boolean", json!(true), "boolean", "t"),
        ("email", json!("a@b.de"), "text", "a@b.de"),
        ("url", json!("https://b.de/?q=1"), "text", "https://b.de/?q=1"),
        ("uuid", json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("ip4", json!("192.168.0.1"), "inet", "192.168.0.1"),
        ("ip6", json!("2001:db8::1"), "inet", "2001:db8::1"),
        ("cidr", json!("10.0.0.1/8"), "text", "10.0.0.1/8"),
        ("mac", json!("00:1b:44:11:3a:b7"), "text", "00:1b:44:11:3a:b7"),
        ("date", json!("2024-01-15T10:20:30.123Z"), "timestamp with time zone", "2024-01-15 10:20:30.123+00"),
        ("datetime", json!("2024-01-15T10:20:30+02:00"), "timestamp with time zone", "2024-01-15 08:20:30+00"),
        ("dateonly", json!("2024-02-29"), "date", "2024-02-29"),
        ("timeonly", json!("10:20:30.5"), "time without time zone", "10:20:30.5"),
        ("geo:lat:6", json!(-33.856_784), "double precision", "-33.856784"),
        ("enum:a,b", json!("b"), "text", "b"),
        ("buffer", json!("3q2+7w=="), "bytea", "\\xdeadbeef"),
        ("array|items:number", json!([1, 2.5, -3]), "jsonb", "[1, 2.5, -3]"),
        ("embedding:3", json!([0.25, -0.5, 1.0]), "jsonb", "[0.25, -0.5, 1]"),
        ("json", json!({"a": [null, "x", {"b": 1}]}), "jsonb", r#"{"a": [null, "x", {"b": 1}]}"#),
        ("json", json!("text"), "jsonb", "\"text\""),
        ("phone", json!("+4917012345678"), "text", "+4917012345678"),
        ("semver", json!("1.2.3"), "text", "1.2.3"),
    ];
    let mut attributes = json!({"nested": {"deep": {"list": "array|items:string"}, "n": "number|optional"}});
    let mut document = json!({"id": "all", "nested": {"deep": {"list": ["a", "ü"]}}});
    for (number, (attribute, value, ..)) in rows.iter().enumerate() {
        attributes[format!("f{number}")] = json!(attribute);
        document[format!("f{number}")] = value.clone();
    }
    let resource = source.resource("all", attributes).await;
    resource.insert(document).await.unwrap();
    source.flush().await;
    assert_eq!(source.dead().await, [""; 0]);
    server.run("SET TIME ZONE 'UTC'").await;
    for (number, (attribute, _, sql_type, expected)) in rows.iter().enumerate() {
        let found = server.rows(&format!("SELECT f{number} FROM \"all\"")).await;
        assert_eq!(found, [*expected], "{attribute}");
        let columns = server.columns("all").await;
        let column = format!("f{number} {sql_type}!");
        assert!(columns.contains(&column), "{column} in {columns:?}");
    }
    assert_eq!(server.rows("SELECT nested FROM \"all\"").await, [r#"{"deep": {"list": ["a", "ü"]}}"#]);
    source.close().await;
    server.clean().await;
}
