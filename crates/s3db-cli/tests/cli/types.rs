//! `s3db types`: code that compiles, and that means what is stored.

use crate::support::Shell;

/// What `s3db types everything` prints; `S3DB_RECORD=1` writes it anew.
#[path = "generated/everything.rs"]
#[expect(unreachable_pub, reason = "it is as the command prints it")]
mod everything;

const SCHEMA: &str = r#"{
    "name": "string|min:2|max:80", "email": "email|unique", "site": "url|optional", "code": "uuid|optional",
    "age": "number|integer|min:0|optional", "score": "number", "price": "money:2|optional", "coins": "crypto:8|optional",
    "lat": "geo:lat:6|optional", "active": "boolean|default:true", "tags": "array|items:string|optional",
    "marks": "array|items:number|optional", "vector": "embedding:3|optional", "born": "dateonly|optional",
    "seen": "datetime|optional", "ip": "ip4|optional", "card": "secret|optional", "pin": "secretNumber|optional",
    "pass": "password|optional", "meta": "json|optional", "any": "any|optional", "type": "string|optional",
    "firstName": "string|optional",
    "address": {"city": "string", "geo": {"zone": "string|optional"}}
}"#;

const FILE: &str = "tests/cli/generated/everything.rs";

fn shell() -> Shell {
    let shell = Shell::new();
    let partitions =
        r#"{"byCity": {"fields": {"address.city": "string"}}, "byAge": {"fields": {"age": "number"}}}"#;
    shell.ok(&["create-resource", "everything", "-s", SCHEMA, "-p", partitions, "--timestamps"]);
    shell
}

#[test]
fn printed_rust_compiles_and_declares_the_stored_schema() {
    let shell = shell();
    let code = shell.ok(&["types", "everything"]);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("S3DB_RECORD").is_some() {
        std::fs::write(&file, &code).unwrap();
    }
    shell.ok(&["types", "everything", "--check", file.to_str().unwrap()]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = format!("file://{}/s3db-data", shell.path().display());
        let db = s3db::Database::connect(&place).await.unwrap();
        let diff = db.resource_of::<everything::Everything>().diff().unwrap();
        assert!(diff.is_none_or(|diff| diff.is_empty()), "the printed type is not what is stored");
    });
}

#[test]
fn drift_is_shown_and_fails() {
    let shell = Shell::with_users();
    let code = shell.ok(&["types", "users"]);
    shell.write("user.rs", &code);
    shell.ok(&["types", "users", "--check", "user.rs"]);
    shell.write("user.rs", &code.replace("pub name: String", "pub name: Option<String>"));
    let ran = shell.run(&["types", "users", "--check", "user.rs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("-    pub name: Option<String>,\n+    pub name: String,"), "{ran:?}");
    shell.fails(&["types", "users", "--check", "nowhere.rs"], 2, &["s3db types users > nowhere.rs"]);
    shell.fails(&["types", "nobody"], 3, &["nobody"]);
}

#[test]
fn typescript_has_an_interface() {
    let code = shell().ok(&["types", "everything", "--lang", "ts"]);
    for line in [
        "export interface Everything {",
        "  id: string;",
        "  age?: number;",
        "  tags?: string[];",
        "    city: string;",
        "  meta?: unknown;",
    ] {
        assert!(code.contains(line), "no `{line}` in {code}");
    }
}
