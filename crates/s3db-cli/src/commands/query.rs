//! `s3db query`.

use s3db::Resource;
use s3db::resource::{Page, Query};
use serde_json::{Map, Value};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::input::{self, field_value};
use crate::output::{Output, Records};

/// Records of a page, where pages are printed as they come.
const PAGE_DOCS: usize = 1000;

/// Operators that may be written without their `$`.
const BARE_OPERATORS: [&str; 7] = ["gt", "gte", "lt", "lte", "ne", "in", "nin"];

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db query users
  s3db query users -f '{\"age\": {\"gt\": 25}, \"profile.city\": \"Porto\"}' --sort -age
  s3db query users -f '{\"$or\": [{\"name\": {\"$startsWith\": \"A\"}}, {\"tags\": {\"$exists\": false}}]}'
  s3db query users --partition byCity --value city=Porto
  s3db query users --limit 0 --csv > users.csv

Operators: $eq $ne $gt $gte $lt $lte $in $nin $exists $regex $startsWith, and $and $or $not over filters.
gt gte lt lte ne in nin may be written without the $.

A document that cannot be read is reported on standard error beside the others, and the exit code stays 0; with --strict
it is 1. A table and CSV leave out the system fields (_v, _etag, …); JSON has them.

Requests: 1 GET when the filter names an id; else 1 LIST per 1,000 references of the best partition, or per 1,000
documents where none fits, and 1 GET for each document looked at.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// What documents must match, as JSON, or `@FILE`
    #[arg(short, long, value_name = "JSON")]
    filter: Option<String>,

    /// Partition to read, in place of the best one
    #[arg(short, long, value_name = "NAME")]
    partition: Option<String>,

    /// Value of a field of the partition; repeat it for more fields
    #[arg(short, long = "value", value_name = "FIELD=VALUE", requires = "partition", value_parser = field_value)]
    values: Vec<(String, String)>,

    /// Most documents; 0 is all
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Fields to sort by, `-field` for largest first; several are separated by commas
    #[arg(short, long, value_name = "FIELD", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,

    /// Go on where the query before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,

    /// Exit with 1 when a document cannot be read
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let filter = args.filter.as_deref().map(|filter| input::json(filter, "--filter")).transpose()?;
    let filter = filter.map_or(Value::Null, with_dollars);
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let mut run = Run { records: Records::new(out), unreadable: 0 };
    let streams = args.limit == 0 && args.sort.is_empty() && out.format_or(Format::Table).is_json();
    let next_cursor = if streams {
        run.pages(&resource, &args, &filter, out).await?
    } else {
        run.page(build(&resource, &args, &filter, args.limit, args.cursor.clone())?.run().await?, out)?
    };
    run.records.finish(out)?;
    if let Some(cursor) = next_cursor {
        out.flush()?;
        out.note(&format!("there is more: --limit 0 for all, or --cursor {cursor}"));
    }
    if args.strict && run.unreadable > 0 { Err(Failure::Reported(Code::Failed)) } else { Ok(()) }
}

struct Run {
    records: Records,
    unreadable: usize,
}

impl Run {
    /// Prints pages as they come, so that a database of any size needs little memory.
    async fn pages(
        &mut self,
        resource: &Resource,
        args: &Args,
        filter: &Value,
        out: &mut Output,
    ) -> Outcome<Option<String>> {
        let mut cursor = args.cursor.clone();
        loop {
            let page = build(resource, args, filter, PAGE_DOCS, cursor)?.run().await?;
            cursor = self.page(page, out)?;
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    fn page(&mut self, page: Page, out: &mut Output) -> Outcome<Option<String>> {
        for record in page.records {
            self.records.push(record, out)?;
        }
        self.unreadable += page.unreadable.len();
        out.unreadable(&page.unreadable);
        Ok(page.next_cursor)
    }
}

fn build(
    resource: &Resource,
    args: &Args,
    filter: &Value,
    limit: usize,
    cursor: Option<String>,
) -> Outcome<Query> {
    let mut query = match &args.partition {
        Some(partition) => resource.partition_of_texts(partition, args.values.clone())?.query(filter.clone()),
        None => resource.query(filter.clone()),
    };
    for field in &args.sort {
        query = query.sort(field);
    }
    if limit > 0 {
        query = query.limit(limit);
    }
    Ok(match cursor {
        Some(cursor) => query.cursor(cursor),
        None => query,
    })
}

/// Writes `{"age": {"gt": 25}}` as `{"age": {"$gt": 25}}`, at every depth of `$and`, `$or` and `$not`.
pub(super) fn with_dollars(filter: Value) -> Value {
    let Value::Object(members) = filter else { return filter };
    let members = members.into_iter().map(|(name, operand)| {
        let operand = match operand {
            Value::Array(filters) if matches!(name.as_str(), "$and" | "$or") => {
                Value::Array(filters.into_iter().map(with_dollars).collect())
            }
            Value::Object(_) if name == "$not" => with_dollars(operand),
            Value::Object(operators) if !operators.is_empty() && operators.keys().all(|key| is_bare(key)) => {
                let named = operators.into_iter().map(|(name, value)| (format!("${name}"), value));
                Value::Object(named.collect())
            }
            other => other,
        };
        (name, operand)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn is_bare(name: &str) -> bool {
    BARE_OPERATORS.contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operators_may_be_written_without_their_dollar() {
        for (given, meant) in [
            (json!({"age": {"gt": 25}}), json!({"age": {"$gt": 25}})),
            (json!({"age": {"$gt": 25}}), json!({"age": {"$gt": 25}})),
            (json!({"gt": 1}), json!({"gt": 1})),
            (json!({"place": {"gt": 1, "city": "x"}}), json!({"place": {"gt": 1, "city": "x"}})),
            (json!({"$or": [{"a": {"in": [1]}}]}), json!({"$or": [{"a": {"$in": [1]}}]})),
            (json!({"$not": {"a": {"lte": 1}}}), json!({"$not": {"a": {"$lte": 1}}})),
            (json!([1]), json!([1])),
        ] {
            assert_eq!(with_dollars(given.clone()), meant, "{given}");
        }
    }
}
