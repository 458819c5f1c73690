//! What a build must not hold. A dependency that creeps in by a feature of a feature is seen here, by name.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::{step, workspace};

/// TLS, HTTP and cloud crates, by name or by the start of a name that ends in `*`.
const NETWORK: &[&str] = &[
    "aws-*",
    "h2",
    "http",
    "http-body*",
    "hyper",
    "hyper-*",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn*",
    "reqwest",
    "rustls*",
    "socket2",
    "tokio-rustls",
    "webpki*",
];

/// Two crypto libraries, or a version with known holes: never, whatever is switched on.
const UNWANTED: &[&str] =
    &["aws-lc-*", "native-tls", "openssl", "openssl-sys", "rsa", "hyper 0.*", "h2 0.3.*", "rustls 0.21.*"];

/// Plugins and what they bring, which come with their features and not otherwise.
const PLUGINS: &[&str] = &[
    "moka",
    "s3db-audit",
    "s3db-cache",
    "s3db-coordinator",
    "s3db-replicator",
    "s3db-replicator-postgres",
    "tokio-postgres*",
    "s3db-ttl",
    "s3db-costs",
    "metrics",
    "s3db-metrics",
];

/// The dependencies of `package`, built with `features`.
#[derive(Debug)]
struct Build {
    package: &'static str,
    features: &'static [&'static str],
    /// None of these is there.
    absent: &'static [&'static str],
    /// Each of these is there, in exactly one version.
    single: &'static [&'static str],
}

const BUILDS: &[Build] = &[
    Build { package: "s3db-core", features: &["--no-default-features"], absent: NETWORK, single: &[] },
    Build {
        package: "s3db-core",
        features: &["--all-features"],
        absent: UNWANTED,
        single: &["rustls", "ring"],
    },
    Build { package: "s3db", features: &["--no-default-features"], absent: NETWORK, single: &[] },
    Build { package: "s3db", features: &["--no-default-features"], absent: PLUGINS, single: &[] },
    Build { package: "s3db", features: &[], absent: PLUGINS, single: &[] },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=audit"],
        absent: NETWORK,
        single: &["s3db-audit"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=cache"],
        absent: NETWORK,
        single: &["moka", "s3db-cache"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=coordinator"],
        absent: NETWORK,
        single: &["s3db-coordinator"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=replicator"],
        absent: NETWORK,
        single: &["s3db-replicator"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=replicator"],
        absent: &["s3db-replicator-postgres", "tokio-postgres*", "deadpool*"],
        single: &[],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=replicator-postgres"],
        // Its TLS is that of the rest; no HTTP, no cloud.
        absent: &["aws-*", "h2", "http", "hyper*", "reqwest", "openssl", "openssl-sys", "native-tls", "rsa"],
        single: &["s3db-replicator-postgres", "tokio-postgres", "rustls", "ring"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=ttl"],
        absent: NETWORK,
        single: &["s3db-ttl"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=costs"],
        absent: NETWORK,
        single: &["s3db-costs"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=metrics"],
        // Its endpoint is a server of HTTP/1, without TLS.
        absent: &["aws-*", "h2", "reqwest", "rustls*", "openssl", "native-tls"],
        single: &["hyper", "metrics", "s3db-metrics"],
    },
    Build {
        package: "s3db",
        features: &["--no-default-features", "--features=passwords"],
        absent: NETWORK,
        single: &["bcrypt", "argon2"],
    },
    Build { package: "s3db", features: &[], absent: UNWANTED, single: &["rustls", "ring", "hyper", "tokio"] },
    Build {
        package: "s3db",
        features: &["--all-features"],
        absent: UNWANTED,
        single: &["rustls", "ring", "hyper"],
    },
    Build { package: "s3db-testkit", features: &["--no-default-features"], absent: NETWORK, single: &[] },
    Build { package: "s3db-cli", features: &["--no-default-features"], absent: NETWORK, single: &[] },
    Build {
        package: "s3db-cli",
        features: &["--all-features"],
        absent: UNWANTED,
        single: &["rustls", "ring"],
    },
];

/// Checks every build of the table, and prints it.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for build in BUILDS {
        let tree = step::run_quietly(
            workspace::cargo()
                .args(["tree", "--locked", "--package", build.package, "--edges=no-dev", "--target=all"])
                .args(["--prefix=none", "--format={p}"])
                .args(build.features),
        )?;
        let crates = crates(&tree);
        let complaints = complaints(build, &crates);
        println!(
            "{:<13} {:<43} {:>4} crates  {}",
            build.package,
            if build.features.is_empty() { "default features".to_owned() } else { build.features.join(" ") },
            crates.values().map(Vec::len).sum::<usize>(),
            if complaints.is_empty() { "ok" } else { "WRONG" },
        );
        wrong.extend(
            complaints
                .into_iter()
                .map(|complaint| format!("{} {}: {complaint}", build.package, build.features.join(" "))),
        );
    }
    if !wrong.is_empty() {
        bail!("a build holds what it must not:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The versions of each crate that `cargo tree` printed.
type Crates = BTreeMap<String, Vec<String>>;

fn crates(tree: &str) -> Crates {
    let mut crates = Crates::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let versions = crates.entry(name.to_owned()).or_default();
            let version = version.trim_start_matches('v').to_owned();
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    crates
}

fn complaints(build: &Build, crates: &Crates) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, versions) in crates {
        for version in versions {
            if build.absent.iter().any(|pattern| matches(pattern, name, version)) {
                complaints.push(format!("{name} {version} is there"));
            }
        }
    }
    for name in build.single {
        match crates.get(*name).map_or(0, Vec::len) {
            1 => {}
            found => complaints.push(format!("{name} is there in {found} versions, not in one")),
        }
    }
    complaints
}

/// Whether `name` and its `version` fit a pattern: `name`, `start*`, `name 0.*`.
fn matches(pattern: &str, name: &str, version: &str) -> bool {
    let fits = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    };
    match pattern.split_once(' ') {
        Some((of_name, of_version)) => fits(of_name, name) && fits(of_version, version),
        None => fits(pattern, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str =
        "s3db v0.1.0 (/src/s3db)\nhyper v0.14.32\nhyper v1.9.0 (*)\nrustls v0.23.45\naws-lc-sys v0.40.0\n";

    #[track_caller]
    fn check(absent: &'static [&'static str], single: &'static [&'static str], expected: &[&str]) {
        let build = Build { package: "s3db", features: &[], absent, single };
        assert_eq!(complaints(&build, &crates(TREE)), expected);
    }

    #[test]
    fn a_crate_that_must_not_be_there_is_named() {
        check(&["aws-lc-*", "h2"], &[], &["aws-lc-sys 0.40.0 is there"]);
        check(&["hyper 0.*"], &[], &["hyper 0.14.32 is there"]);
    }

    #[test]
    fn a_second_version_is_named() {
        check(&[], &["rustls", "hyper"], &["hyper is there in 2 versions, not in one"]);
    }

    #[test]
    fn a_missing_crate_is_named() {
        check(&[], &["ring"], &["ring is there in 0 versions, not in one"]);
    }

    #[test]
    fn a_name_that_only_starts_alike_is_no_match() {
        check(&["hype", "rust"], &["rustls"], &[]);
    }
}
