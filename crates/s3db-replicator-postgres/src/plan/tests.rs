use super::*;
use crate::table::Column;

fn name() -> TableName {
    TableName::new("shop", "users")
}

fn wanted(name: &str, sql_type: SqlType, is_required: bool) -> Wanted {
    let mut wanted = Wanted::new(name.to_owned(), sql_type);
    wanted.is_required = is_required;
    wanted
}

fn column(name: &str, sql_type: &str, base: &str) -> Column {
    Column {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        base: base.to_owned(),
        letters_max: None,
        is_not_null: false,
        is_generated: false,
        is_ours: true,
    }
}

fn table(columns: Vec<Column>) -> Table {
    let mut all = vec![column("id", "text", "text")];
    all.extend(columns);
    Table { columns: all, has_unique_id: true }
}

/// Statements first, then what is left as `column: expected, found`.
#[track_caller]
fn check(wanted: &[Wanted], found: Option<&Table>, sync: SchemaSync, expected: &[&str]) {
    let Plan { statements, mismatches } = plan(&name(), wanted, found, &sync);
    let left = mismatches.iter().map(|mismatch| {
        let column = mismatch.column.as_deref().unwrap_or("table");
        format!("{column}: {}, {}", mismatch.expected, mismatch.found)
    });
    let all: Vec<_> =
        statements.into_iter().filter(|statement| !statement.starts_with("COMMENT")).chain(left).collect();
    assert_eq!(all, expected);
}

#[test]
fn a_table_that_is_not_there_is_made() {
    let columns = [wanted("name", SqlType::Varchar(9), true), wanted("a\"b", SqlType::Jsonb, false)];
    let create = r#"CREATE TABLE "shop"."users" ("id" text PRIMARY KEY, "name" character varying(9) NOT NULL, "a""b" jsonb)"#;
    check(&columns, None, SchemaSync::new(), &[create]);
    check(&columns, None, SchemaSync::new().strategy(Strategy::DropCreate), &[create]);
    check(&columns, None, SchemaSync::new().auto_create_table(false), &["table: a table, none"]);
    check(&columns, None, SchemaSync::new().strategy(Strategy::ValidateOnly), &["table: a table, none"]);
}

#[test]
fn columns_that_it_makes_are_marked() {
    let Plan { statements, .. } =
        plan(&name(), &[wanted("name", SqlType::Text, true)], None, &SchemaSync::new());
    assert_eq!(statements.len(), 3);
    assert_eq!(statements[2], r#"COMMENT ON COLUMN "shop"."users"."name" IS E'written by s3db'"#);
}

#[test]
fn a_column_that_is_not_there_is_added_and_may_be_empty() {
    let columns = [wanted("name", SqlType::Text, true)];
    let found = table(vec![]);
    let missing = "name: text, none";
    check(
        &columns,
        Some(&found),
        SchemaSync::new(),
        &[r#"ALTER TABLE "shop"."users" ADD COLUMN "name" text"#],
    );
    check(&columns, Some(&found), SchemaSync::new().auto_create_columns(false), &[missing]);
    check(&columns, Some(&found), SchemaSync::new().strategy(Strategy::ValidateOnly), &[missing]);
    check(
        &columns,
        Some(&found),
        SchemaSync::new().strategy(Strategy::DropCreate),
        &[
            r#"DROP TABLE "shop"."users""#,
            r#"CREATE TABLE "shop"."users" ("id" text PRIMARY KEY, "name" text NOT NULL)"#,
        ],
    );
}

#[test]
fn a_column_of_ours_is_widened_and_that_of_another_is_told_of() {
    let columns = [wanted("name", SqlType::Varchar(20), false)];
    let narrow = |is_ours, is_not_null| {
        let letters_max = Some(10);
        let column = column("name", "character varying(10)", "varchar");
        table(vec![Column { letters_max, is_ours, is_not_null, ..column }])
    };
    check(
        &columns,
        Some(&narrow(true, false)),
        SchemaSync::new(),
        &[r#"ALTER TABLE "shop"."users" ALTER COLUMN "name" TYPE character varying(20)"#],
    );
    let told = "name: character varying(20), character varying(10)";
    check(&columns, Some(&narrow(false, false)), SchemaSync::new(), &[told]);
    let validate = SchemaSync::new().strategy(Strategy::ValidateOnly);
    check(&columns, Some(&narrow(true, false)), validate, &[told]);
}

#[test]
fn a_field_that_may_be_absent_now_makes_its_column_nullable() {
    let found = table(vec![Column { is_not_null: true, ..column("name", "text", "text") }]);
    let allow = r#"ALTER TABLE "shop"."users" ALTER COLUMN "name" DROP NOT NULL"#;
    check(&[wanted("name", SqlType::Text, true)], Some(&found), SchemaSync::new(), &[]);
    check(&[wanted("name", SqlType::Text, false)], Some(&found), SchemaSync::new(), &[allow]);
    // The schema has it no longer.
    check(&[], Some(&found), SchemaSync::new(), &[allow]);
}

#[test]
fn a_table_without_a_unique_id_is_told_of() {
    let found = Table { has_unique_id: false, ..table(vec![]) };
    check(
        &[],
        Some(&found),
        SchemaSync::new(),
        &["id: a primary key or unique index of its own, no unique index"],
    );
}

#[test]
fn a_mismatch_names_table_column_and_both_types() {
    let error = Mismatch::new("age", SqlType::Double, "text").into_error(&name());
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "the table is not as the resource asks table=users column=age expected=double precision found=text"
    );
}
