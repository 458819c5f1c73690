//! A struct as the schema of a resource; queries and changes that the compiler checks.
//!
//! `cargo run -p s3db-examples --example typed`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, Document};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, Document)]
#[document(resource = "users", timestamps)]
struct User {
    #[document(id)]
    login: String,
    #[document(min = 2, max = 80)]
    name: String,
    #[document(email, unique)]
    email: String,
    age: Option<u32>,
    address: Address,
    #[document(partition)]
    plan: Plan,
}

#[derive(Debug, Clone, Serialize, Deserialize, Document)]
struct Address {
    city: String,
    zip: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Document)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    Paid,
}

/// The struct of the next release.
mod next {
    use super::*;

    #[derive(Debug, Serialize, Deserialize, Document)]
    #[document(resource = "users", timestamps, no_paths)]
    pub(super) struct User {
        #[document(max = 100)]
        name: String,
        phone: Option<String>,
    }
}

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://typed").await?;
    let users = db.resource_of::<User>().await?;

    for (login, name, age, city) in [
        ("ann", "Ann", Some(30), "Lisbon"),
        ("bob", "Bob", Some(12), "Lisbon"),
        ("eve", "Eve", None, "Porto"),
    ] {
        users
            .insert(&User {
                login: login.into(),
                name: name.into(),
                email: format!("{login}@example.com"),
                age,
                address: Address { city: city.into(), zip: None },
                plan: Plan::Free,
            })
            .await?;
    }

    // A field that is not there, or a value of another type, does not compile.
    let in_lisbon = User::age().gte(18) & User::address().city().eq("Lisbon");
    let found = users.query(in_lisbon).sort(User::age().desc()).run().await?;
    println!("{} of them is grown up in Lisbon", found.records.len());

    // Only these fields change, and no change of another writer is lost.
    let changes = [User::plan().set(Plan::Paid), User::age().add(1), User::address().zip().set("1100-053")];
    let ann = users.update("ann", changes).await?;
    if ann.plan == Plan::Paid {
        println!("{} pays since today, aged {}", ann.name, ann.age.unwrap_or_default());
    }

    if let Err(error) = users.insert(&User { login: "ann2".into(), ..ann.value.clone() }).await {
        println!("refused: {error}");
    }

    // The next release has another struct. Nothing changes until somebody says so.
    if let Err(error) = db.resource_of::<next::User>().await {
        println!("{}", error.message());
    }
    let migrated = db.resource_of::<next::User>().migrate().await?;
    println!("{} is now at {}", migrated.name(), migrated.version());
    Ok(())
}
