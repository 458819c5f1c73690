//! Runs the examples: each must end well, and print what it promises.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds the examples of a package along with its tests, into the folder beside that of the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    built.with_extension(std::env::consts::EXE_EXTENSION)
}

fn check(name: &str, args: &[&str], prints: &[&str]) {
    let output = Command::new(example(name))
        .args(args)
        .env_remove("S3DB_CONNECTION")
        .env_remove("S3DB_SIM_SEED")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {out}{}", String::from_utf8_lossy(&output.stderr));
    for text in prints {
        assert!(out.contains(text), "{name} does not print `{text}`: {out}");
    }
}

#[test]
fn every_example_runs() {
    check(
        "quickstart",
        &["memory://quickstart"],
        &["(zip is still \"1100-053\")", "refused  email", "0 users left"],
    );
    check(
        "behaviors",
        &[],
        &["body-overflow   kept 4999", "truncate-data   kept 20", "enforce-limits  refused"],
    );
    #[cfg(feature = "audit")]
    check(
        "audit",
        &[],
        &[
            "insert by alice: null -> \"Ann\"",
            "update by bob: \"Ann\" -> \"Anna\"",
            "pin: \"[redacted]\"",
            "rows of users: 2",
        ],
    );
    #[cfg(feature = "cache")]
    check(
        "cache",
        &[],
        &[
            "first read: 1 GET",
            "second read: no requests",
            "after the update: \"Anna\"",
            "past the cache: 1 GET",
            "a list from the bucket: 1 GET",
            "\"hits\":1",
        ],
    );
    #[cfg(feature = "replicator")]
    check(
        "replicator",
        &[],
        &[
            "in the copy: Ann of Rome, without her pin",
            "after the delete: 0 documents",
            "put aside: \"too-long\": ",
            "taken after all: 1",
        ],
    );
    // Without a server it says so.
    #[cfg(feature = "replicator-postgres")]
    if std::env::var_os("S3DB_TEST_POSTGRES").is_some() {
        check("replicator_postgres", &[], &["postgres: 4 changes delivered, 0 behind"]);
    } else {
        check("replicator_postgres", &[], &["skipped: POSTGRES names no server"]);
    }
    #[cfg(feature = "ttl")]
    check("ttl", &[], &["deleted 1, archived 1", "left: [\"open\"]", "in the archive: offers-spring"]);
    #[cfg(feature = "coordinator")]
    check(
        "coordinator",
        &[],
        &["one leader of two", "confirmed: true", "after it has stopped, the other leads under epoch 2"],
    );
    #[cfg(feature = "costs")]
    check(
        "costs",
        &[],
        &[
            "11 PUT and 100 GET: $0.000095",
            "get: 100 requests",
            "a month like this hour: $0.07",
            "after the delete 0 bytes are stored",
        ],
    );
    #[cfg(feature = "metrics")]
    check(
        "metrics",
        &[],
        &[
            "7 calls, 1 failed: {\"not_found\": 1}",
            "s3db_operations_total{operation=\"insert\",resource=\"users\"} 3",
        ],
    );
    check("events", &[], &["connected", "Update of ann", "list: 1 documents", "missed 0"]);
    check(
        "hooks",
        &[],
        &["filled in: \"hello-world\"", "refused: the post is locked", "seen by the layer: 4"],
    );
    check(
        "history",
        &[],
        &[
            ": deleted",
            "~ name: \"Ann\" -> \"Anna\"",
            "undeleted: \"Anna\"",
            "as it was at first: \"ann@x.io\"",
            "refused: ",
        ],
    );
    check(
        "versions",
        &[],
        &[
            "v2 became v3",
            "as it was written: \"30\"",
            "\"Ann\" \"Lee\", 30",
            "it is v1",
            "1 of 1",
            "it is v3",
        ],
    );
    check("validators", &[], &["slug: use lower-case", "place.city: there is no city `atlantis`", "1 shop"]);
    check("lease", &[], &["second try: None", "late writer refused: a later holder", "total 100"]);
    check(
        "orphaned_partitions",
        &[],
        &[
            "EU orders: 2",
            "refused: a partition names a field that the resource does not have",
            "orphaned: byRegion misses region",
            "removed 1, left 0",
            "before: 1 LIST per 1,000 ids: all ids",
            "indexed 4 of 4",
            "wrote 4 references",
            "after: 1 LIST per 1,000 references: partition=byStatus status=open",
            "3 open orders for 1 LIST",
        ],
    );
    check(
        "receipts",
        &[],
        &["writes the document: the commit", "1 GET + 1 HEAD + 2 PUT + 1 DELETE", "3 inserted, 2 refused"],
    );
    check(
        "simulate",
        &[],
        &[
            "tickets were sold for 3 seats",
            "the seed replays it, event for event: true",
            "careful: no violation in 200 worlds",
        ],
    );
    check(
        "content",
        &[],
        &[
            "14 bytes of image/png",
            "3 of 14 bytes: PNG",
            "\"name\":\"Anna\"",
            "refused: too_large",
            "content left: false",
        ],
    );
    check(
        "streams",
        &[],
        &[
            "written: 3000",
            "total of both halves: 4498500 ms",
            "visits of home: 750",
            "stopped: budget, 10 written",
        ],
    );
    check("secrets", &[], &["token = \"hunter2\"", "a secret does not open"]);
    check(
        "typed",
        &[],
        &[
            "Ann pays since today",
            "  ~ name: stored string|max:80|min:2|no-trim",
            "1 of them is grown up in Lisbon",
        ],
    );
    #[cfg(feature = "s3")]
    check(
        "s3",
        &["memory://s3"],
        &["wrote 20 documents: 20 PUT", "found 3 slow visits", "deleted 20 documents"],
    );
}
