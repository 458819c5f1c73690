//! `explain`, `stats` and `analyze`: what a resource is, holds and weighs.

use serde_json::{Value, json};

use crate::support::Shell;

/// Three orders, one of which does not fit into the metadata.
fn shop() -> Shell {
    let shell = Shell::new();
    let partitions = r#"{"byRegion": {"fields": {"region": "string"}}}"#;
    let schema = r#"{"region": "string|optional", "note": "string|optional"}"#;
    shell.ok(&["create-resource", "orders", "-s", schema, "--partitions", partitions]);
    let long = "x".repeat(3000);
    shell.write(
        "orders.json",
        &json!([
            {"id": "a", "region": "EU", "note": "short"},
            {"id": "b", "region": "US"},
            {"id": "c", "region": "EU", "note": long},
        ])
        .to_string(),
    );
    shell.ok(&["insert", "orders", "--file", "orders.json"]);
    shell
}

#[test]
fn explain_shows_the_configuration_and_where_everything_lies() {
    let shown = shop().json(&["explain", "orders", "--json"]);
    assert_eq!(shown["behavior"], "body-overflow");
    assert_eq!(shown["key"], "resource=orders/data/id=<id>");
    assert_eq!(
        shown["partitions"],
        json!([{
            "partition": "byRegion",
            "fields": ["region"],
            "state": "complete",
            "key": "resource=orders/partition=byRegion/region=<region>/id=<id>",
        }])
    );
    assert_eq!(shown["plan"], Value::Null);
}

#[test]
fn explain_shows_the_requests_of_a_call_and_changes_nothing() {
    let shell = shop();
    for (call, requests, says) in [
        (vec!["-f", r#"{"region": "EU"}"#], "2 GET + 1 LIST", "byRegion"),
        (vec!["-f", r#"{"note": "short"}"#], "3 GET + 1 LIST", "every document is a candidate"),
        (vec!["--partition", "byRegion", "--value", "region=US"], "1 GET + 1 LIST", "byRegion"),
        (vec!["--limit", "1"], "2 GET + 1 LIST", "reads the document"),
        (vec!["-f", r#"{"region": "EU"}"#, "--limit", "1"], "GET", "at most"),
        (vec!["--get", "a"], "1 GET", "reads the document"),
        (vec!["--insert", r#"{"id": "d", "region": "EU"}"#], "2 PUT", "index entry of byRegion"),
        (vec!["--update", "a", r#"{"note": "other"}"#], "1 GET + 1 PUT", "the commit"),
        (vec!["--delete", "a"], "2 DELETE", "deletes the document"),
        (vec!["--insert", r#"{"id": "a", "region": "EU"}"#], "1 PUT", "refused"),
    ] {
        let text = shell.ok(&[vec!["explain", "orders"], call.clone()].concat());
        assert!(text.contains(says), "{call:?}: no `{says}` in {text}");
        assert!(text.contains(requests), "{call:?}: no `{requests}` in {text}");
        let plan = shell.json(&[vec!["explain", "orders", "--json"], call.clone()].concat());
        assert!(plan["plan"]["requests"].is_object(), "{call:?}: {plan:#}");
        assert_eq!(shell.json(&["count", "orders", "--json"])[0]["count"], 3, "{call:?} changed something");
    }
    assert_eq!(shell.json(&["get", "orders", "a"])["note"], "short");
}

#[test]
fn explain_of_a_partition_is_what_a_query_of_it_then_sends() {
    let shell = Shell::new();
    let partitions = r#"{"byPlace": {"fields": {"country": "string", "address.city": "string"}}}"#;
    let schema = r#"{"country": "string", "kind": "string|optional", "address": {"city": "string"}}"#;
    shell.ok(&["create-resource", "shops", "-s", schema, "--partitions", partitions]);
    let documents = r#"[{"id": "a", "country": "PT", "address": {"city": "Porto"}, "kind": "x"},
        {"id": "b", "country": "PT", "address": {"city": "Porto"}}, {"id": "c", "country": "PT", "address": {"city": "Faro"}},
        {"id": "d", "country": "ES", "address": {"city": "Vigo"}}]"#;
    shell.ok(&["insert", "shops", "-d", documents]);
    let shown = shell.json(&["explain", "shops", "--json"]);
    assert_eq!(shown["partitions"][0]["fields"], json!(["address.city", "country"]));
    let key = "resource=shops/partition=byPlace/address.city=<address.city>/country=<country>/id=<id>";
    assert_eq!(shown["partitions"][0]["key"], key);

    for (view, found) in [
        (&["--value", "country=PT"][..], 3),
        (&["--value", "country=PT", "--value", "address.city=Porto"], 2),
        (&["--value", "country=PT", "--value", "address.city=Porto", "-f", r#"{"kind": "x"}"#], 1),
        (&["--value", "country=FR"], 0),
    ] {
        let of_view = |command: &[&'static str], more: &[&'static str]| {
            [command, &["shops", "--partition", "byPlace"], view, more].concat()
        };
        let plan = shell.json(&of_view(&["explain"], &["--json"]))["plan"].clone();
        let ran = shell.run(&of_view(&["query"], &["--limit", "0", "--json", "--receipt"]));
        let records: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(records.as_array().unwrap().len(), found, "{view:?}");
        let receipt: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
        let mut sent = receipt["receipt"]["requests"].clone();
        // That of the catalogue, which the plan of one call does not have.
        sent["get"] = json!(sent["get"].as_u64().unwrap() - 1);
        assert_eq!(plan["requests"], sent, "{view:?}: {plan:#}");
    }

    // A partition that came later holds nothing yet, and explain says so.
    let late = r#"{"byKind": {"fields": {"kind": "string"}}}"#;
    shell.ok(&["partitions", "shops", "--add", late]);
    let states = |shown: Value| -> Vec<Value> {
        shown["partitions"].as_array().unwrap().iter().map(|partition| partition["state"].clone()).collect()
    };
    assert_eq!(states(shell.json(&["explain", "shops", "--json"])), ["incomplete", "complete"]);
    shell.ok(&["reindex", "shops"]);
    assert_eq!(states(shell.json(&["explain", "shops", "--json"])), ["complete", "complete"]);
    shell.fails(&["explain", "shops", "--partition", "byTown"], 1, &["byTown"]);
    shell.fails(&["explain", "shops", "--partition", "byPlace", "--value", "town=Faro"], 1, &["town"]);
}

#[test]
fn explain_refuses_what_makes_no_sense() {
    let shell = shop();
    shell.fails(&["explain", "orders", "--explain"], 2, &["changes nothing", "--receipt"]);
    shell.fails(&["explain", "orders", "--get", "a", "--delete", "a"], 2, &["cannot be used with"]);
    shell.fails(&["explain", "orders", "--insert", "{"], 2, &["--insert is not JSON"]);
    shell.fails(&["explain", "orders", "--update", "a"], 2, &["2 values required"]);
    shell.fails(&["explain", "nothing"], 3, &["nothing"]);
}

#[test]
fn stats_count_every_object_and_its_bytes() {
    let shell = shop();
    let stats = shell.json(&["stats", "orders", "--json"]);
    for (name, value) in [
        ("documents", json!(3)),
        ("references", json!(3)),
        ("partitions", json!({"byRegion": 3})),
        ("sampled", json!(3)),
        ("metadata_is_estimated", json!(false)),
        ("versions", json!({"v1": 3})),
        ("schema_versions", json!(["v1"])),
        ("dollars_per_month", json!(0.0)),
    ] {
        assert_eq!(stats[name], value, "{name}: {stats:#}");
    }
    let number = |name: &str| stats[name].as_u64().unwrap();
    assert!(number("body_bytes") > 3000, "{stats:#}");
    assert_eq!(number("bytes"), number("body_bytes") + number("key_bytes") + number("metadata_bytes"));
    let sampled = shell.json(&["stats", "orders", "--sample", "1", "--json"]);
    assert_eq!((&sampled["sampled"], &sampled["metadata_is_estimated"]), (&json!(1), &json!(true)));
    assert_eq!(sampled["body_bytes"], stats["body_bytes"]);
    let table = shell.ok(&["stats", "orders"]);
    assert!(table.contains("in byRegion") && table.contains("own server"), "{table}");
}

#[test]
fn stats_without_a_name_are_those_of_all_resources() {
    let shell = shop();
    shell.ok(&["create-resource", "empty", "-s", r#"{"name": "string"}"#]);
    let all = shell.json(&["stats", "--json"]);
    let names: Vec<&Value> = all.as_array().unwrap().iter().map(|stats| &stats["resource"]).collect();
    assert_eq!(names, ["empty", "orders"]);
    let ran = shell.run(&["stats"]);
    assert!(ran.out.contains("orders") && ran.err.contains("total: 3 documents"), "{ran:?}");
    shell.fails(&["stats", "nothing"], 3, &["nothing"]);
}

#[test]
fn analyze_says_which_fields_weigh_and_which_behavior_suits() {
    let shell = shop();
    let analysis = shell.json(&["analyze", "orders", "--json"]);
    assert_eq!((&analysis["documents"], &analysis["weighed"]), (&json!(3), &json!(3)));
    assert_eq!((&analysis["limit_bytes"], &analysis["over_limit"]), (&json!(2047), &json!(1)));
    assert_eq!(analysis["fields"][0]["field"], "note");
    assert_eq!(analysis["fields"][0]["filled_percent"], 67);
    assert!(analysis["fields"][0]["share_percent"].as_u64().unwrap() > 90, "{analysis:#}");
    assert_eq!(analysis["suits"], "body-overflow");
    let outcome = |name: &str| {
        analysis["behaviors"].as_array().unwrap().iter().find(|row| row["behavior"] == name).unwrap().clone()
    };
    for (behavior, fate) in [
        ("user-managed", "in_body"),
        ("enforce-limits", "refused"),
        ("truncate-data", "cut"),
        ("body-overflow", "split"),
    ] {
        assert_eq!(outcome(behavior)[fate], 1, "{behavior}: {analysis:#}");
        assert_eq!(outcome(behavior)["in_metadata"], 2, "{behavior}: {analysis:#}");
    }
    assert_eq!(outcome("body-only")["in_body"], 3);
    let text = shell.ok(&["analyze", "orders"]);
    assert!(text.contains("Suits body-overflow") && text.contains("note takes"), "{text}");
}

#[test]
fn analyze_advises_by_what_the_documents_need() {
    let shell = Shell::new();
    for (name, behavior, chars, suits, says) in [
        ("small", "body-overflow", 10, "body-overflow", "every document that was weighed fits"),
        ("strict", "enforce-limits", 1900, "enforce-limits", "enforce-limits refuses what grows"),
        ("cut", "truncate-data", 10, "body-overflow", "body-overflow keeps all"),
        ("large", "body-overflow", 3000, "body-only", "100 % of the documents do not fit"),
        ("managed", "user-managed", 3000, "body-only", "puts all of a document into the body"),
    ] {
        shell.ok(&["create-resource", name, "-s", r#"{"text": "string"}"#, "--behavior", behavior]);
        let document = json!({"id": "1", "text": "x".repeat(chars)}).to_string();
        shell.ok(&["insert", name, "-d", &document]);
        let analysis = shell.json(&["analyze", name, "--json"]);
        assert_eq!(analysis["suits"], suits, "{name}: {analysis:#}");
        assert!(analysis["advice"].to_string().contains(says), "{name}: {analysis:#}");
    }
    let empty = shell.run(&["create-resource", "empty", "-s", r#"{"text": "string"}"#]);
    assert_eq!(empty.code, 0);
    let ran = shell.run(&["analyze", "empty"]);
    assert!(ran.code == 0 && ran.err.contains("no documents to weigh"), "{ran:?}");
}

#[test]
fn a_sample_reads_no_more_than_it_says() {
    let shell = shop();
    let ran = shell.run(&["analyze", "orders", "--sample", "2", "--json", "--receipt"]);
    let line = ran.err.lines().find(|line| line.starts_with("{\"receipt\"")).unwrap();
    let receipt: Value = serde_json::from_str(line).unwrap();
    // One for the catalogue.
    assert_eq!(receipt["receipt"]["requests"]["get"], 3, "{receipt:#}");
    let analysis: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&analysis["documents"], &analysis["weighed"]), (&json!(3), &json!(2)));
}
