//! `s3db demo`: a small shop, and what happens underneath.

use s3db::Database;
use s3db::connection::Connection;
use s3db::encoding::Passphrase;
use s3db::key::Keys;
use s3db::store::Requests;
use serde_json::{Value, json};

use crate::args::{DEFAULT_CONNECTION, Global};
use crate::connect;
use crate::exit::{Failure, Outcome};
use crate::output::{BOLD, DIM, GREEN, Output, Table, of_documents, printable};

mod shop;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db demo
  s3db demo -c 'http://KEY:SECRET@localhost:9000/bucket/demo'

Uses ./s3db-data, whatever S3DB_CONNECTION says, unless --connection names another place. Running it again writes the
same documents again; those that you have added stay. The secrets are sealed under the passphrase of S3DB_PASSPHRASE, or,
when there is none, under one made for this run.")]
pub(crate) struct Args {}

pub(crate) async fn run(Args {}: Args, global: &Global, out: &mut Output) -> Outcome {
    let place = global.connection.as_deref().unwrap_or(DEFAULT_CONNECTION);
    let connection = Connection::parse(place).map_err(Failure::Connection)?;
    let given = connect::passphrase(global)?;
    let made = given.is_none().then(shop::passphrase);
    let passphrase = given.unwrap_or_else(|| Passphrase::new(made.clone().unwrap_or_default()));

    out.styled(&format!("{BOLD}A small shop in {connection}{BOLD:#}"))?;
    out.line("Each step says which requests it sent; on S3 they would be the same.")?;
    let mut tour = Tour { global, out, steps: 0 };
    let db = tour.open(&connection, &passphrase).await?;
    tour.create(&db).await?;
    tour.insert(&db).await?;
    tour.read(&db).await?;
    tour.update(&db).await?;
    tour.race(&db, &connection, &passphrase).await?;
    tour.query(&db).await?;
    tour.refuse(&db).await?;
    tour.try_next(&db, global, made.as_deref())
}

struct Tour<'a> {
    global: &'a Global,
    out: &'a mut Output,
    steps: usize,
}

impl Tour<'_> {
    async fn open(&mut self, connection: &Connection, passphrase: &Passphrase) -> Outcome<Database> {
        let builder =
            self.global.costs.builder(self.global, connection.clone()).passphrase(passphrase.clone());
        let db = builder.connect().await.map_err(Failure::Connection)?;
        self.step("Open the database: its catalogue is one object, s3db.json", db.requests())?;
        Ok(db)
    }

    async fn create(&mut self, db: &Database) -> Outcome {
        shop::refuse_foreign(db)?;
        let before = db.requests();
        let (customers, orders) = shop::resources();
        db.create_resource(customers).await?;
        db.create_resource(orders).await?;
        self.step("Create two resources, customers and orders", db.requests() - before)?;
        let attributes = shop::customer_attributes();
        self.out.styled(&format!("  {DIM}customers{DIM:#}"))?;
        for (name, rule) in attributes.as_object().into_iter().flatten() {
            let rule = rule.as_str().map_or_else(|| rule.to_string(), str::to_owned);
            self.out.styled(&format!("    {name:<10} {DIM}{rule}{DIM:#}"))?;
        }
        Ok(())
    }

    async fn insert(&mut self, db: &Database) -> Outcome {
        shop::clear(db).await?;
        let before = db.requests();
        let customers = db.resource("customers")?.insert_many(shop::customers()).await.into_result()?;
        let orders = db.resource("orders")?.insert_many(shop::orders()).await.into_result()?;
        let title = format!("Insert {} customers and {} orders", customers.len(), orders.len());
        self.step(&title, db.requests() - before)?;
        self.out.styled("  A document is one object, put only if its id is free.")
    }

    async fn read(&mut self, db: &Database) -> Outcome {
        let before = db.requests();
        let record = db.resource("customers")?.get("ann").await?;
        self.step("Read one document", db.requests() - before)?;
        let document = Value::Object(record.fields());
        self.indented(&format!("{document:#}"))?;

        let key = Keys::new(db.key_root()).document("customers", "ann")?;
        let Some(object) = db.store().get(&key).await? else { return Ok(()) };
        let metadata = &object.head.metadata;
        self.line_of("What the object holds: the fields, in its metadata")?;
        self.out.styled(&format!("  {DIM}{key}{DIM:#}"))?;
        for (name, value) in metadata.iter() {
            self.out.styled(&format!("    {name:<4} {}", shorten(value)))?;
        }
        let body = String::from_utf8_lossy(&object.body);
        self.out.styled(&format!("    {DIM}body{DIM:#} {}", printable(&body)))?;
        self.out.styled(&format!(
            "  {} bytes of metadata, of 2,047, for {} bytes of JSON. Names and numbers\n  \
             are short, the card is sealed with AES-256-GCM, and the body is a stamp that\n  \
             gives every version of the document its own ETag.",
            metadata.size_bytes(),
            document.to_string().len(),
        ))
    }

    async fn update(&mut self, db: &Database) -> Outcome {
        let before = db.requests();
        let changes = json!({ "address.city": "Porto" });
        let record = db.resource("customers")?.update("ann", changes.clone()).await?;
        self.step(&format!("Update one nested field: {changes}"), db.requests() - before)?;
        let address = record.get("address").cloned().unwrap_or_default();
        self.out.styled(&format!("  address is now {address}:"))?;
        self.out.styled("  the street and the zip stayed.")
    }

    /// Two processes would do the same: here two handles that share nothing.
    async fn race(&mut self, db: &Database, connection: &Connection, passphrase: &Passphrase) -> Outcome {
        let builder =
            self.global.costs.builder(self.global, connection.clone()).passphrase(passphrase.clone());
        let other = builder.connect().await?;
        let before = db.requests() + other.requests();
        let (mine, theirs) = (db.resource("customers")?, other.resource("customers")?);
        let (first, second) = tokio::join!(
            mine.update("bob", json!({ "points": 700 })),
            theirs.update("bob", json!({ "tags": ["vip", "newsletter"] })),
        );
        first?;
        second?;
        self.step("Two writers change the same document at once", db.requests() + other.requests() - before)?;
        let bob = mine.get("bob").await?;
        let (points, tags) =
            (bob.get("points").cloned().unwrap_or_default(), bob.get("tags").cloned().unwrap_or_default());
        self.out.styled(&format!(
            "  points is {points} and tags is {tags}: {GREEN}both changes are there{GREEN:#}."
        ))?;
        self.out
            .styled("  A write goes through only on what it has read. The one that comes second reads")?;
        self.out.styled("  again, and applies its change to what the first has left.")
    }

    async fn query(&mut self, db: &Database) -> Outcome {
        let before = db.requests();
        let filter = json!({ "status": { "$in": ["paid", "shipped"] }, "total": { "$gt": 50 } });
        let page = db.resource("orders")?.query(filter.clone()).sort("-total").limit(5).run().await?;
        self.step("Query orders: paid or shipped, over 50, largest first", db.requests() - before)?;
        self.out.styled(&format!("  {DIM}{filter}{DIM:#}"))?;
        let documents: Vec<_> = page.records.iter().map(s3db::Record::fields).collect();
        self.table(&of_documents(&documents))
    }

    async fn refuse(&mut self, db: &Database) -> Outcome {
        let before = db.requests();
        let wrong = json!({ "name": "X", "email": "not an address", "ip": "999.1.1.1", "points": -1 });
        let refused = db.resource("customers")?.insert(wrong).await;
        self.step("Insert a document that breaks the schema", db.requests() - before)?;
        let Err(error) = refused else { return Ok(()) };
        self.out.styled("  Nothing is sent. Every wrong field is named at once:")?;
        for field in error.fields() {
            self.out.styled(&format!("    {:<10} {}", field.field, field.message))?;
        }
        Ok(())
    }

    fn try_next(&mut self, db: &Database, global: &Global, made: Option<&str>) -> Outcome {
        let at = global.connection.as_deref().map(|_| " -c …").unwrap_or_default();
        // As it was called, so that the commands can be copied: `s3db`, or a path such as `target/debug/s3db`.
        let me = std::env::args().next().unwrap_or_else(|| "s3db".to_owned());
        self.out.styled("")?;
        self.out.styled(&format!("{BOLD}In all: {}. Try next:{BOLD:#}", db.requests()))?;
        if let Some(made) = made {
            self.out.styled(&format!("  {DIM}# made for this run, it opens the card numbers:{DIM:#}"))?;
            self.out.styled(&format!("  export S3DB_PASSPHRASE={made}"))?;
        }
        for command in [
            "list",
            "query customers",
            r#"query orders -f '{"total": {"gt": 100}}' --sort -total --json"#,
            "get customers ann",
            r#"update customers ann -d '{"address.street": "Rua Nova 1"}'"#,
            r#"insert customers -d '{"name": "Eve Okafor", "email": "eve@example.com"}'"#,
            "count orders --by status",
            "dump shop.json",
            "--help",
        ] {
            self.out.styled(&format!("  {me} {command}{at}"))?;
        }
        Ok(())
    }

    fn step(&mut self, title: &str, requests: Requests) -> Outcome {
        self.line_of(title)?;
        self.out.styled(&format!("  {GREEN}→ {requests}{GREEN:#}"))
    }

    fn line_of(&mut self, title: &str) -> Outcome {
        self.steps += 1;
        self.out.styled("")?;
        self.out.styled(&format!("{BOLD}{}. {title}{BOLD:#}", self.steps))
    }

    fn indented(&mut self, text: &str) -> Outcome {
        text.lines().try_for_each(|line| self.out.line(&format!("  {line}")))
    }

    fn table(&mut self, table: &Table) -> Outcome {
        self.out.table(table)
    }
}

/// A sealed value is long and says nothing.
fn shorten(value: &str) -> String {
    const SHOWN_CHARS: usize = 48;
    let text = printable(value);
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text,
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], value.chars().count()),
    }
}
