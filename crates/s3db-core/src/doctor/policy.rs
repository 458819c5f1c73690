//! The least that a database needs to be allowed.

use serde_json::{Value, json};

use crate::connection::{Connection, Scheme};
use crate::key::Keys;
use crate::{Error, ErrorKind, Result};

/// What a policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everything that s3db does.
    ReadWrite,
    /// Opening, reading, listing and querying.
    ReadOnly,
}

impl Access {
    /// What is done with objects, and so what must be allowed on them. HEAD is `s3:GetObject` too; copies are a read
    /// and a write; a delete under a condition needs both of its actions.
    pub fn object_actions(self) -> &'static [&'static str] {
        match self {
            Self::ReadWrite => &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            Self::ReadOnly => &["s3:GetObject"],
        }
    }

    /// What is done with the bucket. Without it, S3 says of an absent object that it is denied.
    pub fn bucket_actions(self) -> &'static [&'static str] {
        &["s3:ListBucket"]
    }
}

/// The least IAM policy for the bucket and prefix of a connection. Pure: nothing is connected to.
///
/// ```
/// use s3db_core::connection::Connection;
/// use s3db_core::doctor::{Access, policy};
///
/// let connection = Connection::parse("s3://my-bucket/app")?;
/// let policy = policy(&connection, Access::ReadOnly)?;
/// assert_eq!(policy["Statement"][0]["Action"][0], "s3:GetObject");
/// assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::my-bucket/app/*");
/// # Ok::<(), s3db_core::Error>(())
/// ```
///
/// # Errors
/// `Config` for a connection that does not go to S3.
pub fn policy(connection: &Connection, access: Access) -> Result<Value> {
    if !matches!(connection.scheme, Scheme::S3 | Scheme::Http | Scheme::Https) {
        return Err(Error::new(ErrorKind::Config, "only a bucket has a policy")
            .with("scheme", connection.scheme)
            .hint("name a bucket, for example --connection s3://my-bucket/prefix"));
    }
    let arn = format!("arn:{}:s3:::{}", partition(connection.region.as_deref()), connection.bucket);
    let keys = format!("{}*", literal(Keys::new(&connection.prefix).root()));
    let objects = json!({
        "Sid": "S3dbObjects",
        "Effect": "Allow",
        "Action": access.object_actions(),
        "Resource": format!("{arn}/{keys}"),
    });
    let mut bucket = json!({
        "Sid": "S3dbBucket",
        "Effect": "Allow",
        "Action": access.bucket_actions(),
        "Resource": arn,
    });
    if keys != "*"
        && let Some(statement) = bucket.as_object_mut()
    {
        statement.insert("Condition".into(), json!({ "StringLike": { "s3:prefix": keys } }));
    }
    Ok(json!({ "Version": "2012-10-17", "Statement": [objects, bucket] }))
}

/// The part of AWS that a region belongs to.
fn partition(region: Option<&str>) -> &'static str {
    match region {
        Some(region) if region.starts_with("cn-") => "aws-cn",
        Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// A text in which no character is a wildcard or starts a variable:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => out.extend(['$', '{', c, '}']),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(connection: &str, access: Access) -> Value {
        policy(&Connection::parse(connection).unwrap(), access).unwrap()
    }

    #[test]
    fn a_policy_reaches_no_further_than_the_prefix() {
        let policy = of("s3://data/app/one?region=eu-west-1", Access::ReadWrite);
        let expected = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "S3dbObjects",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    "Resource": "arn:aws:s3:::data/app/one/*",
                },
                {
                    "Sid": "S3dbBucket",
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": "arn:aws:s3:::data",
                    "Condition": { "StringLike": { "s3:prefix": "app/one/*" } },
                },
            ],
        });
        assert_eq!(policy, expected);
    }

    #[test]
    fn a_database_at_the_root_of_a_bucket_has_the_bucket() {
        let policy = of("http://k:s@127.0.0.1:9000/data", Access::ReadOnly);
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::data/*");
        assert_eq!(policy["Statement"][0]["Action"], json!(["s3:GetObject"]));
        assert_eq!(policy["Statement"][1]["Condition"], Value::Null);
    }

    #[test]
    fn wildcards_of_a_prefix_are_letters_and_other_parts_of_aws_have_their_name() {
        let policy = of("s3://data/a*b$c?region=cn-north-1", Access::ReadWrite);
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws-cn:s3:::data/a${*}b${$}c/*");
        let policy = of("s3://data?region=us-gov-west-1", Access::ReadWrite);
        assert_eq!(policy["Statement"][1]["Resource"], "arn:aws-us-gov:s3:::data");
    }

    #[test]
    fn a_folder_has_no_policy() {
        let refused = policy(&Connection::memory("b"), Access::ReadWrite).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Config);
    }
}
