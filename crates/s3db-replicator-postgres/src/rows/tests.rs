use serde_json::json;

use super::*;

fn column(name: &str, base: &str) -> Column {
    Column {
        name: name.to_owned(),
        sql_type: base.to_owned(),
        base: base.to_owned(),
        letters_max: None,
        is_not_null: false,
        is_generated: name == "computed",
        is_ours: true,
    }
}

#[test]
fn a_value_takes_the_form_that_its_column_reads() {
    #[track_caller]
    fn check(base: &str, value: Value, expected: Result<Value, &str>) {
        assert_eq!(adapt(value, &column("field", base)), expected);
    }
    check("int4", json!(3.0), Ok(json!(3)));
    check("int4", json!(3.5), Ok(json!(3.5)));
    check("int8", json!("3"), Ok(json!("3")));
    check("float8", json!(3.0), Ok(json!(3.0)));
    check("bytea", json!("3q2+7w=="), Ok(json!("\\xdeadbeef")));
    check("bytea", json!("3q2+7w"), Ok(json!("\\xdeadbeef")));
    check("bytea", json!("no base64!"), Err("22P02"));
    check("timestamptz", json!(1_735_689_600_000_i64), Ok(json!("2025-01-01T00:00:00Z")));
    check("timestamptz", json!("2025-01-01"), Ok(json!("2025-01-01")));
    check("timestamptz", json!("now"), Err("22007"));
    check("date", json!("-infinity"), Err("22007"));
    check("text", json!("now"), Ok(json!("now")));
    check("jsonb", json!([1, {"a": null}]), Ok(json!([1, {"a": null}])));
}

#[test]
fn fields_without_a_column_are_told_of_unless_they_are_empty() {
    let table = Table {
        columns: vec![column("id", "text"), column("name", "text"), column("computed", "text")],
        has_unique_id: true,
    };
    let document = json!({"id": "ann", "name": "Ann", "computed": 1, "none": null, "age": 3});
    let fitted = fit(document.as_object().unwrap().clone(), "ann", &table).unwrap();
    assert_eq!(Value::from(fitted.row), json!({"id": "ann", "name": "Ann"}));
    assert_eq!(fitted.left_out, [("age".to_owned(), json!(3))]);
}

#[test]
fn one_statement_writes_any_number_of_rows() {
    #[track_caller]
    fn check(kind: Kind, columns: &[&str], expected: &str) {
        let columns: Vec<_> = columns.iter().map(|name| column(name, "text")).collect();
        let statement = statement(kind, &TableName::new("s", "t"), &columns.iter().collect::<Vec<_>>());
        let shorter = statement.replace("json_to_recordset(($1::text)::json) AS ", "");
        assert_eq!(shorter, expected);
    }
    check(
        Kind::Upsert,
        &["id", "a"],
        r#"INSERT INTO "s"."t" ("id", "a") SELECT r."id", r."a" FROM r("id" text, "a" text) ON CONFLICT ("id") DO UPDATE SET "a" = EXCLUDED."a""#,
    );
    check(
        Kind::Upsert,
        &["id"],
        r#"INSERT INTO "s"."t" ("id") SELECT r."id" FROM r("id" text) ON CONFLICT ("id") DO NOTHING"#,
    );
    check(
        Kind::InsertOnly,
        &["id", "a"],
        r#"INSERT INTO "s"."t" ("id", "a") SELECT r."id", r."a" FROM r("id" text, "a" text) ON CONFLICT ("id") DO NOTHING"#,
    );
    check(
        Kind::UpdateOnly,
        &["id", "a"],
        r#"UPDATE "s"."t" SET "a" = r."a" FROM r("id" text, "a" text) WHERE "s"."t"."id" = r."id""#,
    );
    check(Kind::Delete, &["id"], r#"DELETE FROM "s"."t" USING r("id" text) WHERE "s"."t"."id" = r."id""#);
}
