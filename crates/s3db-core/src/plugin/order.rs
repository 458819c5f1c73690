//! In which order plugins are installed: what others need comes first.

use super::Manifest;
use crate::{Error, ErrorKind, Result};

/// Positions of `manifests` in the order of installing. `present` are names of plugins that are there already.
///
/// Errors: `Config` for a need that nobody meets, naming the cargo feature, and for a circle.
pub(super) fn order(manifests: &[Manifest], present: &[String]) -> Result<Vec<usize>> {
    for manifest in manifests {
        for requirement in &manifest.requires {
            let name = &requirement.plugin;
            if present.contains(name) || manifests.iter().any(|other| other.name == *name) {
                continue;
            }
            let feature = match &requirement.feature {
                Some(feature) => format!("switch on the cargo feature `{feature}` and register it"),
                None => "register it".to_owned(),
            };
            return Err(Error::new(ErrorKind::Config, "the plugin needs another one that is not there")
                .with("plugin", manifest.slug()?)
                .with("needs", name)
                .hint(format!("{feature}, with this one or before it")));
        }
    }
    let mut order: Vec<usize> = Vec::with_capacity(manifests.len());
    while order.len() < manifests.len() {
        let is_met = |name: &String| {
            let placed = |at: usize| order.contains(&at);
            // Every instance of what is needed, so that any of them can be used.
            present.contains(name) && !manifests.iter().any(|other| other.name == *name)
                || manifests.iter().enumerate().all(|(at, other)| other.name != *name || placed(at))
        };
        let next = manifests.iter().enumerate().position(|(at, manifest)| {
            !order.contains(&at) && manifest.requires.iter().all(|requirement| is_met(&requirement.plugin))
        });
        let Some(next) = next else {
            let left = manifests.iter().enumerate().filter(|(at, _)| !order.contains(at));
            let names: Vec<&str> = left.map(|(_, manifest)| manifest.name.as_str()).collect();
            return Err(Error::new(ErrorKind::Config, "plugins need each other in a circle")
                .with("plugins", names.join(", ")));
        };
        order.push(next);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Requirement;

    fn plugins(plugins: &[(&str, &[&str])]) -> Vec<Manifest> {
        let manifest = |(name, needs): &(&str, &[&str])| {
            needs.iter().fold(Manifest::new(*name, "1"), |manifest, need| {
                manifest.requires(Requirement::plugin(*need).feature(*need))
            })
        };
        plugins.iter().map(manifest).collect()
    }

    #[track_caller]
    fn check(given: &[(&str, &[&str])], present: &[&str], expected: Result<&[usize], &str>) {
        let present: Vec<String> = present.iter().map(|name| (*name).to_owned()).collect();
        let found = order(&plugins(given), &present);
        let found = found.map_err(|error| format!("{error}; {}", error.suggestion().unwrap_or_default()));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn what_others_need_comes_first_and_else_the_order_stays() {
        check(&[("a", &[]), ("b", &[])], &[], Ok(&[0, 1]));
        check(&[("ttl", &["coordinator"]), ("cache", &[]), ("coordinator", &[])], &[], Ok(&[1, 2, 0]));
        check(&[("ttl", &["coordinator"])], &["coordinator"], Ok(&[0]));
        check(&[("c", &["b"]), ("b", &["a"]), ("a", &[])], &[], Ok(&[2, 1, 0]));
    }

    #[test]
    fn a_need_that_nobody_meets_names_the_feature_and_a_circle_its_members() {
        check(
            &[("ttl", &["coordinator"])],
            &[],
            Err("the plugin needs another one that is not there plugin=ttl needs=coordinator; \
                 switch on the cargo feature `coordinator` and register it, with this one or before it"),
        );
        check(
            &[("a", &["b"]), ("b", &["a"]), ("c", &[])],
            &[],
            Err("plugins need each other in a circle plugins=a, b; "),
        );
    }
}
