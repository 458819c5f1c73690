//! Why a request is sent. Pure.

use crate::key::{CLAIM_SLUG, ParsedKey};
use crate::store::Verb;

/// What a request to a key is for.
pub(super) fn why(verb: Verb, key: &ParsedKey<'_>) -> String {
    use Verb::{Delete, Get, Head, Put};
    match (key, verb) {
        (ParsedKey::Document { .. }, Get) => "reads the document".to_owned(),
        (ParsedKey::Document { .. }, Head) => "looks whether the document is there".to_owned(),
        (ParsedKey::Document { .. }, Put) => "writes the document: the commit".to_owned(),
        (ParsedKey::Document { .. }, Delete) => "deletes the document: the commit".to_owned(),
        (ParsedKey::Historical { .. }, Head) => {
            "looks at the snapshot that is there, to replace only that one".to_owned()
        }
        (ParsedKey::Historical { .. }, Put) => "keeps what the document was under an older schema".to_owned(),
        (ParsedKey::Historical { .. }, Get) => "reads the snapshot of the document".to_owned(),
        (ParsedKey::Reference { partition, .. }, Put) => format!("index entry of {partition}"),
        (ParsedKey::Reference { partition, .. }, Head) => {
            format!("looks at the old index entry of {partition}, to delete only that one")
        }
        (ParsedKey::Reference { partition, .. }, Get) => format!("looks at the index entry of {partition}"),
        (ParsedKey::Reference { partition, .. }, Delete) => {
            format!("removes the old index entry of {partition}")
        }
        (ParsedKey::Claim { field, .. }, Put) => format!("claims the unique value of {field}"),
        (ParsedKey::Claim { field, .. }, Get) => format!("looks who holds the unique value of {field}"),
        (ParsedKey::Claim { field, .. }, Delete) => format!("gives the old unique value of {field} back"),
        (ParsedKey::Sequence { field, .. }, Get) => format!("reads the sequence of {field}"),
        (ParsedKey::Sequence { field, .. }, Put) => format!("takes numbers of the sequence of {field}"),
        (ParsedKey::Catalog, Get | Head) => "reads the catalogue".to_owned(),
        (ParsedKey::Catalog, _) => "writes the catalogue".to_owned(),
        (ParsedKey::CatalogBackup { .. }, _) => "keeps a copy of the damaged catalogue".to_owned(),
        (ParsedKey::Plugin { slug, rest, .. }, Put | Head) if *slug == CLAIM_SLUG && *rest == "clock" => {
            "asks the store for its time".to_owned()
        }
        (ParsedKey::Plugin { slug, .. }, _) => format!("storage of {slug}"),
        _ => String::new(),
    }
}

/// What a listing below a prefix is for.
pub(super) fn why_listed(prefix: &str) -> &'static str {
    let below = prefix.rsplit_once("resource=").map_or(prefix, |(_, below)| below);
    if prefix.contains(CLAIM_SLUG) {
        "finds claims of unique values"
    } else if below.contains("/data/") {
        "finds documents"
    } else if below.contains("/partition=") {
        "finds index entries"
    } else if below.contains("/sequence") {
        "finds sequences"
    } else {
        "finds objects"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Keys;

    #[test]
    fn every_request_of_a_write_says_what_it_is_for() {
        let keys = Keys::new("app");
        for (verb, key, expected) in [
            (Verb::Get, "app/resource=users/data/id=a", "reads the document"),
            (Verb::Put, "app/resource=users/data/id=a", "writes the document: the commit"),
            (Verb::Put, "app/resource=users/partition=byCity/city=x/id=a", "index entry of byCity"),
            (
                Verb::Delete,
                "app/resource=users/partition=byCity/city=x/id=a",
                "removes the old index entry of byCity",
            ),
            (Verb::Get, "app/s3db.json", "reads the catalogue"),
            (
                Verb::Put,
                "app/resource=users/historical/id=a",
                "keeps what the document was under an older schema",
            ),
            (Verb::Put, "app/resource=users/sequence=id/value", "takes numbers of the sequence of id"),
            (Verb::Put, "app/plugin=s3db-unique/clock", "asks the store for its time"),
            (Verb::Get, "elsewhere", ""),
        ] {
            assert_eq!(why(verb, &keys.parse(key)), expected, "{verb} {key}");
        }
        let prefix = keys.documents("users").expect("a prefix");
        assert_eq!(why_listed(&prefix), "finds documents");
    }
}
