//! `cargo xtask test-matrix`: every published crate with none, the default, each and all of its features.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    absences, step,
    tally::Tally,
    test,
    workspace::{self, text},
};

/// Crates whose tests are run, not only compiled, with no feature at all: quick to build, and much to lose.
const TESTED_BARE: &[&str] = &["s3db-core"];

/// Lints each crate with each set of features, and looks for what a build must not hold.
pub(crate) fn run(tally: &mut Tally) -> anyhow::Result<()> {
    absences::check()?;
    for package in workspace::published()? {
        let name = text(&package, "name")?;
        for set in sets(&features(&package)) {
            println!("{name}: {}", set.label());
            step::run(
                workspace::cargo()
                    .args(["clippy", "--package", name])
                    .args(set.arguments())
                    .args(["--quiet", "--", "--deny", "warnings"]),
            )?;
        }
        if TESTED_BARE.contains(&name) {
            step::run_counting(test::runner().args(["--package", name, "--no-default-features"]), tally)?;
        }
    }
    Ok(())
}

/// What each feature switches on, as written in the manifest.
type Features = BTreeMap<String, Vec<String>>;

/// Features to build together, with all the names by which this set is known: `none`, `default`, `s3`, `all`.
#[derive(Debug, PartialEq, Eq)]
struct Set {
    names: Vec<String>,
    on: BTreeSet<String>,
}

impl Set {
    fn label(&self) -> String {
        let on = if self.on.is_empty() {
            "no feature".to_owned()
        } else {
            Vec::from_iter(self.on.clone()).join(", ")
        };
        format!("{} ({on})", self.names.join(" = "))
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--no-default-features".to_owned()];
        if !self.on.is_empty() {
            arguments.push(format!("--features={}", Vec::from_iter(self.on.clone()).join(",")));
        }
        arguments
    }
}

/// None, default, each alone, all. Sets that come to the same are built once.
fn sets(features: &Features) -> Vec<Set> {
    let alone = features.keys().filter(|name| *name != "default");
    let mut wanted =
        vec![("none".to_owned(), BTreeSet::new()), ("default".to_owned(), closure(features, ["default"]))];
    wanted.extend(alone.clone().map(|name| (name.clone(), closure(features, [name.as_str()]))));
    wanted.push(("all".to_owned(), closure(features, alone.map(String::as_str))));

    let mut sets: Vec<Set> = Vec::new();
    for (name, on) in wanted {
        match sets.iter_mut().find(|set| set.on == on) {
            Some(same) => same.names.push(name),
            None => sets.push(Set { names: vec![name], on }),
        }
    }
    sets
}

/// The features that `from` switches on in the same crate, without `default`, which is only a name for others.
fn closure<'a>(features: &'a Features, from: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    let mut open: Vec<&str> = from.into_iter().collect();
    while let Some(name) = open.pop() {
        // `dep:name` and `crate/feature` speak of other crates.
        let Some(switched) = features.get(name) else {
            continue;
        };
        if name == "default" || on.insert(name.to_owned()) {
            open.extend(switched.iter().map(String::as_str));
        }
    }
    on
}

fn features(package: &Value) -> Features {
    let Some(Value::Object(features)) = package.get("features") else {
        return Features::new();
    };
    let words = |value: &Value| {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    features.iter().map(|(name, switched)| (name.clone(), words(switched))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(features: &[(&str, &[&str])], expected: &[&str]) {
        let features = features
            .iter()
            .map(|(name, on)| ((*name).to_owned(), on.iter().map(|on| (*on).to_owned()).collect()))
            .collect();
        let labels: Vec<String> = sets(&features).iter().map(Set::label).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn every_feature_is_built_alone_and_together() {
        check(
            &[("default", &["a"]), ("a", &["dep:x"]), ("b", &["other/b"])],
            &["none (no feature)", "default = a (a)", "b (b)", "all (a, b)"],
        );
    }

    #[test]
    fn sets_that_come_to_the_same_are_built_once() {
        check(
            &[("default", &["full"]), ("full", &["a"]), ("a", &[])],
            &["none (no feature)", "default = full = all (a, full)", "a (a)"],
        );
    }

    #[test]
    fn a_crate_without_features_is_built_once() {
        check(&[], &["none = default = all (no feature)"]);
    }
}
