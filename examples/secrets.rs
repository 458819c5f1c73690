//! Fields of type `secret` are sealed with AES-256-GCM before they leave the process.
//!
//! `cargo run -p s3db-examples --example secrets`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::encoding::Passphrase;
use s3db::key::Keys;
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Take it from the environment or a vault in a real program. No error, log or `{:?}` shows it.
    let passphrase = Passphrase::new("only for this example");
    let db = Database::builder("memory://secrets")?.passphrase(passphrase).connect().await?;

    let schema = json!({ "login": "string", "token": "secret" });
    let accounts = db.create_resource(ResourceConfig::new("accounts", schema)).await?;
    accounts.insert(json!({ "id": "root", "login": "root", "token": "hunter2" })).await?;

    println!("with the passphrase:  token = {}", accounts.get("root").await?.data["token"]);

    let key = Keys::new(db.key_root()).document("accounts", "root")?;
    if let Some(object) = db.store().get(&key).await? {
        println!("in the bucket:        {:?}", object.head.metadata.iter().collect::<Vec<_>>());
    }

    // Another program without the passphrase, or with a wrong one, gets an error and never the sealed text.
    let stranger =
        Database::builder("memory://secrets")?.passphrase(Passphrase::new("a guess")).connect().await?;
    if let Err(error) = stranger.resource("accounts")?.get("root").await {
        println!("with a wrong one:     {error}");
    }
    Ok(())
}
