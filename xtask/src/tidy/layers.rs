//! The edges between the modules of `s3db-core`: what each layer may not know. `docs/architecture.md` says why.

use super::{
    File,
    code::{before_tests, code_only, crate_paths, has_word},
};

const CORE: &str = "crates/s3db-core/src";

/// Modules of one height.
#[derive(Debug)]
struct Layer {
    modules: &'static [&'static str],
    /// Paths, behind `crate::`, that these modules may not name.
    forbidden: &'static [&'static str],
    /// Exceptions from `forbidden`.
    allowed: &'static [&'static str],
    /// Words that must not stand in the code.
    words: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer {
        modules: &["encoding", "schema", "behavior", "key", "plan", "query", "id"],
        forbidden: &[
            "store",
            "exec",
            "resource",
            "database",
            "catalog",
            "plugin",
            "env::Env",
            "env::SystemEnv",
        ],
        // Plain data, which a plan is made of.
        allowed: &[
            "store::Metadata",
            "store::Condition",
            "store::ETag",
            "store::PutObject",
            "store::Replace",
            "store::Requests",
        ],
        words: &["async", "await", "tokio", "futures", "SystemTime", "Instant", "getrandom"],
    },
    Layer {
        modules: &["store"],
        forbidden: &["schema", "behavior", "plan", "exec", "resource", "database", "catalog", "plugin"],
        allowed: &[],
        words: &[],
    },
    Layer {
        modules: &["exec", "catalog", "lease", "sequence"],
        forbidden: &["resource", "database", "plugin"],
        allowed: &[],
        words: &[],
    },
];

/// Complains of every edge that leads upwards or out of the pure part.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let Ok(inside) = file.path.strip_prefix(CORE) else {
            continue;
        };
        let Some(module) = inside.iter().next().and_then(|part| part.to_str()) else {
            continue;
        };
        let module = module.trim_end_matches(".rs");
        for layer in LAYERS.iter().filter(|layer| layer.modules.contains(&module) && !file.is_test()) {
            let found = complaints_of(layer, &file.text);
            complaints.extend(
                found.into_iter().map(|(line, what)| {
                    format!("{}:{line}: {what}, which {module} must not know", file.name())
                }),
            );
        }
    }
    complaints
}

fn complaints_of(layer: &Layer, text: &str) -> Vec<(usize, String)> {
    let code = code_only(text);
    let code = before_tests(&code);
    let mut complaints = Vec::new();
    for (line, path) in crate_paths(code) {
        let is_in = |tops: &[&str]| tops.iter().any(|top| is_under(top, &path));
        if is_in(layer.forbidden) && !is_in(layer.allowed) {
            complaints.push((line, format!("crate::{path}")));
        }
    }
    for (at, line) in code.lines().enumerate() {
        let words = layer.words.iter().filter(|word| has_word(line, word));
        complaints.extend(words.map(|word| (at + 1, format!("`{word}`"))));
    }
    complaints
}

/// Whether `path` is `top` or something in it.
fn is_under(top: &str, path: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(module: &str, text: &str, expected: &[&str]) {
        let file = File { path: format!("{CORE}/{module}/mod.rs").into(), text: text.to_owned() };
        let complaints = super::check(&[file]);
        let whats: Vec<&str> = complaints.iter().filter_map(|text| text.split(": ").nth(1)).collect();
        assert_eq!(whats, expected);
    }

    #[test]
    fn a_pure_module_knows_no_store_but_its_metadata() {
        check("encoding", "use crate::store::Metadata;", &[]);
        check(
            "encoding",
            "use crate::{store::{Store, Metadata}};",
            &["crate::store::Store, which encoding must not know"],
        );
    }

    #[test]
    fn a_pure_module_has_no_clock_and_does_not_wait() {
        check(
            "plan",
            "fn f() { std::time::SystemTime::now(); }",
            &["`SystemTime`, which plan must not know"],
        );
        check("key", "async fn f() {}", &["`async`, which key must not know"]);
        check("key", "// async\nfn asynchronous() {}", &[]);
    }

    #[test]
    fn a_store_does_not_know_who_uses_it() {
        check(
            "store",
            "use crate::resource::Resource;",
            &["crate::resource::Resource, which store must not know"],
        );
        check("resource", "use crate::store::Store;", &[]);
    }

    #[test]
    fn tests_may_use_anything() {
        check("schema", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::store::Store; }", &[]);
    }
}
