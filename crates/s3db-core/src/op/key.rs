//! The text that tells two reads apart.

use serde_json::{Map, Value, json};

use super::{Op, PartitionArgs, QueryArgs, QueryOutput};
use crate::query::{Order, SortKey};
use crate::resource::ListOptions;

impl Op<'_> {
    /// A text that is the same for two reads of one resource exactly if they ask for the same; `None` for writes, content and old versions. A cache
    /// keeps answers under it, together with the name of the resource.
    ///
    /// It is the verb, a space, and a JSON object of the arguments: its members are sorted at every depth, and those that
    /// are not given are left out. It holds values of filters as they are: hash it where others could see it.
    ///
    /// ```
    /// use s3db_core::op::Op;
    /// use s3db_core::resource::ListOptions;
    ///
    /// let list = Op::List { partition: None, options: ListOptions { limit: Some(2), after: None } };
    /// assert_eq!(list.read_key().as_deref(), Some(r#"list {"limit":2}"#));
    /// assert_eq!(Op::DeleteAll { force: true }.read_key(), None);
    /// ```
    pub fn read_key(&self) -> Option<String> {
        let mut args = Map::new();
        match self {
            Self::Get { id } | Self::Exists { id } | Self::HasContent { id } => {
                put(&mut args, "id", id.as_str())
            }
            Self::GetMany { ids } => put(&mut args, "ids", ids.as_slice()),
            Self::List { partition, options } => {
                put_partition(&mut args, partition.as_ref());
                put_options(&mut args, options);
            }
            Self::ListIds { partition, options, verified } => {
                put_partition(&mut args, partition.as_ref());
                put_options(&mut args, options);
                put_flag(&mut args, "verified", *verified);
            }
            Self::Page { partition, size, cursor } => {
                put_partition(&mut args, partition.as_ref());
                put(&mut args, "size", *size);
                put_some(&mut args, "cursor", cursor.as_deref());
            }
            Self::Count { partition, verified } => {
                put_partition(&mut args, partition.as_ref());
                put_flag(&mut args, "verified", *verified);
            }
            Self::Query(query) => put_query(&mut args, query),
            Self::Insert { .. } | Self::Update { .. } | Self::Replace { .. } | Self::Upsert { .. } => {
                return None;
            }
            Self::Delete { .. } | Self::DeleteMany { .. } | Self::DeleteAll { .. } => return None,
            // Content is a stream, which no cache of answers keeps; whether there is any follows the document.
            Self::Content { .. } | Self::SetContent { .. } | Self::DeleteContent { .. } => return None,
            // The bucket forgets old versions when it likes, and tells nobody.
            Self::History { .. } | Self::GetVersion { .. } | Self::Undo { .. } => return None,
        }
        Some(format!("{} {}", self.verb(), canonical(Value::Object(args))))
    }
}

/// JSON with the members of every object sorted.
pub(crate) fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

fn put_query(args: &mut Map<String, Value>, query: &QueryArgs) {
    put_partition(args, query.partition.as_ref());
    put(args, "filter", query.filter.clone());
    if !query.sort.is_empty() {
        put(args, "sort", query.sort.iter().map(sort_text).collect::<Vec<_>>());
    }
    put_some(args, "limit", query.limit);
    put_some(args, "cursor", query.cursor.as_deref());
    put_flag(args, "verified", query.verified);
    put_flag(args, "scan", query.scan);
    match &query.output {
        QueryOutput::Documents => {}
        QueryOutput::Fields(fields) => put(args, "fields", fields.as_slice()),
        QueryOutput::Ids => put(args, "output", "ids"),
        QueryOutput::Count => put(args, "output", "count"),
    }
}

fn sort_text(key: &SortKey) -> String {
    let sign = if key.order == Order::Descending { '-' } else { '+' };
    format!("{sign}{}", key.path)
}

fn put_partition(args: &mut Map<String, Value>, partition: Option<&PartitionArgs>) {
    if let Some(PartitionArgs { name, values }) = partition {
        put(args, "partition", json!({"name": name, "values": values}));
    }
}

fn put_options(args: &mut Map<String, Value>, options: &ListOptions) {
    put_some(args, "limit", options.limit);
    put_some(args, "after", options.after.as_deref());
}

fn put_flag(args: &mut Map<String, Value>, name: &str, is_set: bool) {
    if is_set {
        put(args, name, true);
    }
}

fn put_some(args: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(args, name, value);
    }
}

fn put(args: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    args.insert(name.to_owned(), value.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reads_have_one_key_if_and_only_if_they_ask_for_the_same() {
        let list = |limit, after: Option<&str>| Op::List {
            partition: None,
            options: ListOptions { limit, after: after.map(str::to_owned) },
        };
        let within = |values: Value| {
            let values = values.as_object().cloned().unwrap_or_default();
            let partition = Some(PartitionArgs { name: "p".into(), values });
            Op::Count { partition, verified: false }
        };
        let query = |change: &dyn Fn(&mut QueryArgs)| {
            let mut args =
                QueryArgs { filter: json!({"a": 1, "b": {"$gt": 2, "$lt": 9}}), ..Default::default() };
            change(&mut args);
            Op::Query(Box::new(args))
        };
        let different = [
            list(None, None),
            list(Some(2), None),
            list(Some(2), Some("a")),
            Op::ListIds { partition: None, options: ListOptions::default(), verified: false },
            Op::ListIds { partition: None, options: ListOptions::default(), verified: true },
            Op::Page { partition: None, size: 2, cursor: None },
            Op::Page { partition: None, size: 2, cursor: Some("c".into()) },
            Op::Count { partition: None, verified: false },
            within(json!({})),
            within(json!({"x": 1})),
            within(json!({"x": "1"})),
            within(json!({"x": 1, "y": 2})),
            Op::Get { id: "a".into() },
            Op::Exists { id: "a".into() },
            Op::GetMany { ids: vec!["a".into(), "b".into()] },
            Op::GetMany { ids: vec!["b".into(), "a".into()] },
            Op::GetMany { ids: vec!["a\",\"b".into()] },
            query(&|_| {}),
            query(&|args| args.filter = json!({})),
            query(&|args| args.limit = Some(2)),
            query(&|args| args.cursor = Some("c".into())),
            query(&|args| args.verified = true),
            query(&|args| args.scan = true),
            query(&|args| args.sort = vec![SortKey::parse("a")]),
            query(&|args| args.sort = vec![SortKey::parse("-a")]),
            query(&|args| args.output = QueryOutput::Ids),
            query(&|args| args.output = QueryOutput::Count),
            query(&|args| args.output = QueryOutput::Fields(vec!["a".into()])),
        ];
        let keys: std::collections::BTreeSet<_> = different.iter().map(|op| op.read_key().unwrap()).collect();
        assert_eq!(keys.len(), different.len(), "{keys:#?}");

        let turned = query(&|args| args.filter = json!({"b": {"$lt": 9, "$gt": 2}, "a": 1}));
        assert!(keys.contains(&turned.read_key().unwrap()));
        assert_eq!(within(json!({"y": 2, "x": 1})).read_key(), within(json!({"x": 1, "y": 2})).read_key());
    }
}
