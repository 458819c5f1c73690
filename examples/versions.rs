//! A schema that changes: old documents stay readable, and become new ones when they are read, or all at once.
//!
//! `cargo run -p s3db-examples --example versions`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::resource::Migration;
use s3db::{Database, Error, ErrorKind, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://versions").await?;
    let config = ResourceConfig::new("users", json!({"name": "string", "age": "string", "mail": "string"}))
        .partitions(json!({"byMail": {"fields": {"mail": "string"}}}));
    let users = db.create_resource(config).await?;
    users.insert(json!({"id": "ann", "name": "Ann Lee", "age": "30", "mail": "a@x.io"})).await?;

    // Version 2 has a number where version 1 had a text, version 3 two names in place of one.
    users.update_attributes(json!({"name": "string", "age": "number", "mail": "string"})).await?;
    let update = users
        .update_attributes(
            json!({"first": "string", "last": "string|optional", "age": "number", "mail": "string"}),
        )
        .await?;
    println!("{} became {}", update.old_version, update.new_version);
    println!("as it was written: {}", users.get("ann").await?.data["age"]);

    let numbers = Migration::new(1, 2, |mut user| {
        let age = user["age"].as_str().unwrap_or_default().parse::<u32>();
        let age = age.map_err(|e| Error::new(ErrorKind::Validation, "the age is no number").caused_by(e))?;
        user.insert("age".into(), age.into());
        Ok(user)
    });
    let names = Migration::new(2, 3, |mut user| {
        let name = user.shift_remove("name").unwrap_or_default();
        let mut parts = name.as_str().unwrap_or_default().splitn(2, ' ').map(str::to_owned);
        user.insert("first".into(), parts.next().into());
        user.extend(parts.next().map(|last| ("last".to_owned(), last.into())));
        Ok(user)
    });
    // Queries go on using the partition by mail, which neither of the two changes.
    users.migrate(numbers.keeps(["mail"]))?;
    users.migrate(names.keeps(["mail"]))?;
    let ann = users.get("ann").await?;
    println!("migrated on read: {} {}, {}", ann.data["first"], ann.data["last"], ann.data["age"]);
    println!("on the bucket it is {}", ann.meta.version);

    let done = users.migrate_documents(&mut |_| {}).await?;
    println!("{} of {} written anew", done.migrated, done.documents);
    println!("on the bucket it is {}", users.get("ann").await?.meta.version);
    Ok(())
}
