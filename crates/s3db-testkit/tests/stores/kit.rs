use std::collections::BTreeSet;
use std::sync::Arc;

use s3db_core::store::MemoryStore;
use s3db_testkit::conformance::{self, Options, Verdict};
use s3db_testkit::wrong::{Fault, WrongStore};

#[tokio::test]
async fn each_fault_fails_exactly_the_cases_that_forbid_it() {
    for fault in Fault::ALL {
        let report = conformance::check(Arc::new(WrongStore::new(fault)), Options::default()).await;
        assert_eq!(report.failed(), expected(fault), "{fault:?}\n{report}");
    }
}

#[expect(clippy::panic, reason = "a new fault needs a row here")]
fn expected(fault: Fault) -> Vec<&'static str> {
    const RACES: &[&str] = &[
        "race_put_if_absent",
        "race_put_if_match",
        "race_counter",
        "race_copy_if_absent",
        "race_delete_if_match",
    ];
    const KEYS: &[&str] = &[
        "keys_with_odd_characters",
        "keys_with_control_characters",
        "keys_with_dot_segments",
        "keys_with_double_slash",
        "keys_with_trailing_slash",
        "keys_below_keys",
        "keys_differ_by_case",
        "keys_of_full_length",
        "keys_with_long_segment",
    ];
    const PUTS: &[&str] = &["put_if_absent", "put_if_match", "put_if_match_absent"];
    const ORDER: &[&str] = &["list_order", "list_order_flat", "list_prefix", "list_delimiter"];
    const PAGES: &[&str] =
        &["pages_of_any_size", "pages_after_start", "pages_under_deletes", "pages_of_many"];
    let parts: &[&[&str]] = match fault {
        Fault::IgnoresConditions => {
            &[PUTS, RACES, &["copy_if_absent", "copy_if_match", "delete_if_match", "delete_if_match_absent"]]
        }
        Fault::ChecksBeforeWrite => &[RACES],
        // Of many deletes with one ETag, every one that comes after the first finds nothing, and succeeds.
        Fault::MatchesAbsent => {
            &[&["put_if_match_absent", "race_delete_if_match", "copy_if_match", "delete_if_match_absent"]]
        }
        Fault::DropsMetadata => &[
            &["overwrite_replaces_all", "never_half_written"],
            &["metadata_exact", "metadata_empty_values", "metadata_at_limit"],
            &["range_is_exact", "copy_keeps", "copy_replaces"],
        ],
        Fault::HasNoLimit => &[&["metadata_over_limit"]],
        Fault::DropsContentType => {
            &[&["overwrite_replaces_all", "content_types", "range_is_exact", "copy_keeps"]]
        }
        Fault::ListsBackwards => {
            &[ORDER, &["list_other_delimiter", "list_start_after", "list_after_write"], PAGES]
        }
        Fault::LosesLastOfPage => &[
            &["pages_of_any_size", "pages_with_delimiter", "pages_after_start"],
            &["pages_under_deletes", "pages_of_many", "pages_at_zero"],
            // These list in pages of one.
            KEYS,
        ],
        Fault::StartsAtStart => &[&["list_start_after", "pages_after_start"]],
        Fault::ListsLate => &[
            &["etags_agree", "heads_agree", "delete_removes", "delete_many"],
            ORDER,
            &["list_start_after", "list_after_write"],
            PAGES,
            KEYS,
        ],
        Fault::IgnoresDelimiter => &[&["list_delimiter", "list_other_delimiter", "pages_with_delimiter"]],
        Fault::CopyKeepsMetadata => &[&["copy_replaces", "copy_onto_itself"]],
        Fault::DeleteNeedsObject => &[&["delete_absent"]],
        Fault::IgnoresCase => &[
            &["list_order", "list_order_flat"],
            &["keys_with_odd_characters", "keys_differ_by_case", "keys_with_long_segment"],
        ],
        Fault::NormalisesKeys => {
            &[&["keys_with_dot_segments", "keys_with_double_slash", "keys_with_trailing_slash"]]
        }
        Fault::IgnoresWhatItCannot => &[&["refuses_conditional_delete"]],
        Fault::ListsOldestFirst => &[
            &["versions_newest_first", "versions_of_copies", "versions_of_delete_many"],
            &["versions_in_pages", "versions_of_neighbours", "versions_absent"],
        ],
        Fault::ForgetsVersions => {
            &[&["versions_newest_first", "versions_whole", "versions_of_copies", "versions_of_delete_many"]]
        }
        Fault::HidesVersions => &[&["refuses_versions"]],
        Fault::IgnoresRange => {
            &[&["range_is_exact", "range_without_bytes", "range_if_match", "stream_is_whole"]]
        }
        Fault::ReadsUnchecked => &[&["range_if_match"]],
        Fault::MixesVersions => &[&["stream_is_of_one_version"]],
        other => panic!("say which cases {other:?} fails"),
    };
    parts.concat()
}

#[tokio::test]
async fn an_exception_is_reported_and_must_be_needed() {
    let wrong = Arc::new(WrongStore::new(Fault::DropsContentType));
    let options = Options::default().except("content_types", "it keeps none");
    let report = conformance::check(wrong, options).await;
    let case = report.cases().iter().find(|case| case.name == "content_types").unwrap();
    assert!(matches!(&case.verdict, Verdict::Excepted { reason, .. } if reason == "it keeps none"));
    assert!(report.to_string().contains("exception content_types: it keeps none"), "{report}");

    let options = Options::default().except("content_types", "not so").except("no_such_case", "?");
    let report = conformance::check(Arc::new(MemoryStore::new()), options).await;
    assert_eq!(report.failed(), ["content_types", "no_such_case"]);
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let names = conformance::cases().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[tokio::test]
async fn a_run_without_cases_is_not_green() {
    let mut options = Options::default();
    options.only = Some("no_such_case".into());
    assert!(!conformance::check(Arc::new(MemoryStore::new()), options).await.is_green());
}
