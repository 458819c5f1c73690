//! Names of plugins' key spaces.

use crate::Result;
use crate::key::check_name;

/// Between a plugin's name and its namespace.
pub(super) const NAMESPACE: &str = "--";

/// The slug of a plugin: its name, and the namespace that tells several instances of it apart. As in s3db.js, a
/// namespace is written in lower case, with `-` for all but letters and digits; one without any is none.
///
/// ```
/// use s3db_core::plugin::storage::slug;
///
/// assert_eq!(slug("demo", Some("EU west!"))?, "demo--eu-west");
/// assert_eq!(slug("demo", None)?, "demo");
/// # Ok::<(), s3db_core::Error>(())
/// ```
///
/// Errors: `Config` for a name that no key can hold.
pub fn slug(base: &str, namespace: Option<&str>) -> Result<String> {
    check_name("plugin", base)?;
    Ok(match namespace.and_then(normal_namespace) {
        None => base.to_owned(),
        Some(namespace) => format!("{base}{NAMESPACE}{namespace}"),
    })
}

/// A namespace as keys and names of resources have it; `None` for one without letters and digits.
pub(crate) fn normal_namespace(namespace: &str) -> Option<String> {
    let lower = namespace.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("-"))
}
