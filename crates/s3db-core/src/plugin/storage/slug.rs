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
    let lower = namespace.unwrap_or_default().to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(base.to_owned());
    }
    Ok(format!("{base}{NAMESPACE}{}", words.join("-")))
}
