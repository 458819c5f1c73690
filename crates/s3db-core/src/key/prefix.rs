//! The key prefix of a database.

/// A prefix as a POSIX path join leaves it, without the final `/`: repeated `/` collapse, `.` and `..` are resolved,
/// a leading `/` stays.
///
/// ```
/// use s3db_core::key::normalize_prefix;
///
/// assert_eq!(normalize_prefix("a//b/"), "a/b");
/// assert_eq!(normalize_prefix("/a/./b/../c"), "/a/c");
/// assert_eq!(normalize_prefix("./"), "");
/// ```
pub fn normalize_prefix(prefix: &str) -> String {
    let rooted = prefix.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in prefix.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}
