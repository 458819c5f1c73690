//! Queries and changes that the types of the fields rule out.

use s3db::Document;
use s3db::typed::Typed;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "users")]
struct User {
    name: String,
    age: Option<u32>,
    plan: Plan,
    address: Address,
    #[document(path = "kind_field")]
    kind: String,
}

#[derive(Serialize, Deserialize, Document)]
struct Address {
    city: String,
}

#[derive(Serialize, Deserialize, Document)]
enum Plan {
    Free,
    Paid,
}

#[derive(Serialize, Deserialize, Document)]
#[document(resource = "orders")]
struct Order {
    total: f64,
}

async fn wrong(users: Typed<User>) {
    let _ = User::age().gt("x");
    let _ = User::age().is_in(["1", "2"]);
    let _ = User::name().eq(5);
    let _ = User::plan().eq("Free");
    let _ = User::nam().eq("Ann");
    let _ = User::address().town().eq("Lisbon");
    let _ = User::kind().eq("guest");
    let _ = User::name().is_none();
    let _ = User::name().add(1);
    let _ = User::age().starts_with("3");
    let _ = User::age().set(-1);
    let _ = User::age().gt(3) & Order::total().gt(3.0);
    let _ = users.query(Order::total().gt(3.0));
    let _ = users.update("ann", [Order::total().set(3.0)]);
}

fn main() {}
