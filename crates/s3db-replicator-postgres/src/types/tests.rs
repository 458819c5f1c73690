use s3db_core::schema::{Schema, SchemaOptions};
use serde_json::json;

use super::*;

/// Fields of a resource with one attribute, as columns.
fn columns(attribute: &Value) -> Vec<Wanted> {
    let attributes = json!({"field": attribute});
    let schema = Schema::compile(attributes.as_object().unwrap(), SchemaOptions::default()).unwrap();
    Wanted::all(schema.fields())
}

#[test]
fn every_type_of_the_notation_has_a_column() {
    #[track_caller]
    fn check(attribute: &str, expected: &str) {
        let [column] = columns(&attribute.into()).try_into().unwrap();
        let null = if column.is_required { "" } else { " null" };
        assert_eq!(format!("{}{null}", column.sql_type), expected, "{attribute}");
    }
    check("string", "text");
    check("string|optional", "text null");
    check("string|nullable", "text null");
    check("string|min:2|max:40", "character varying(40)");
    check("string|max:20000000", "text");
    check("string|length:24", "text");
    check("email", "text");
    check("url", "text");
    check("uuid", "uuid");
    check("number", "double precision");
    check("number|min:0|max:150", "double precision");
    check("number|integer|min:0|max:150", "integer");
    check("number|integer", "bigint");
    check("number|integer|min:0|max:4294967295", "bigint");
    check("money:2", "numeric");
    check("crypto:8|optional", "numeric null");
    check("decimal:4", "numeric");
    check("geo:lat:4", "double precision");
    check("geo:lon", "double precision");
    check("geo:point", "jsonb");
    check("boolean", "boolean");
    check("array|items:string", "jsonb");
    check("embedding:3", "jsonb");
    check("json", "jsonb");
    check("any", "jsonb");
    check("record", "jsonb");
    check("enum:a,b", "text");
    check("ip4", "inet");
    check("ip6", "inet");
    check("cidr", "text");
    check("mac", "text");
    check("date", "timestamp with time zone");
    check("datetime", "timestamp with time zone");
    check("dateonly", "date");
    check("timeonly", "time without time zone");
    check("buffer", "bytea");
    check("bits:16", "bytea");
    check("secret", "text");
    check("phone", "text");
}

#[test]
fn a_nested_object_is_one_column() {
    let columns = columns(&json!({"street": "string", "geo": {"lat": "number"}}));
    let names: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.sql_type)).collect();
    assert_eq!(names, [("field", SqlType::Jsonb)]);
}

fn found(base: &str, letters_max: Option<u32>) -> Column {
    Column {
        name: "field".to_owned(),
        sql_type: base.to_owned(),
        base: base.to_owned(),
        letters_max,
        is_not_null: false,
        is_generated: false,
        is_ours: true,
    }
}

#[test]
fn a_column_fits_when_it_holds_every_value_of_the_field() {
    #[track_caller]
    fn check(attribute: &str, base: &str, letters_max: Option<u32>, expected: bool) {
        let [wanted] = columns(&attribute.into()).try_into().unwrap();
        assert_eq!(wanted.fits(&found(base, letters_max)), expected, "{attribute} in {base}");
    }
    check("string", "text", None, true);
    check("string", "varchar", None, true);
    check("string", "varchar", Some(10), false);
    check("string|max:10", "varchar", Some(10), true);
    check("string|max:11", "varchar", Some(10), false);
    check("string", "int4", None, false);
    check("number", "float8", None, true);
    check("number", "float4", None, false);
    check("number", "int4", None, false);
    // As s3db.js makes it.
    check("number|min:0|max:150", "int4", None, true);
    check("object", "text", None, true);
    check("json", "json", None, true);
    check("money", "float8", None, true);
    check("datetime", "timestamptz", None, true);
    // Without a zone another moment would be read.
    check("datetime", "timestamp", None, false);
    check("uuid", "text", None, true);
    check("uuid", "int8", None, false);
}

#[test]
fn values_without_a_schema_get_the_type_they_all_have() {
    #[track_caller]
    fn check(values: &Value, expected: Option<SqlType>) {
        assert_eq!(of_values(values.as_array().unwrap()), expected);
    }
    check(&json!([null]), None);
    check(&json!(["a", null, "b"]), Some(SqlType::Text));
    check(&json!([1, 2.5]), Some(SqlType::Double));
    check(&json!([true]), Some(SqlType::Boolean));
    check(&json!([{"a": 1}, []]), Some(SqlType::Jsonb));
    check(&json!([1, "a"]), Some(SqlType::Jsonb));
}
