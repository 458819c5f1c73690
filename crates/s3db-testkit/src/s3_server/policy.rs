//! An IAM policy, enforced as AWS does it: what no statement allows is denied.
//!
//! Statements that allow actions on resources, with `*` and `?` as wildcards, and the condition `StringLike` on
//! `s3:prefix`: that is what s3db's own policies are made of.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::{
    CopyObjectInput, CopySource, DeleteObjectInput, DeleteObjectsInput, GetObjectInput, HeadBucketInput,
    HeadObjectInput, ListObjectVersionsInput, ListObjectsV2Input, PutObjectInput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};
use serde_json::Value;

/// Operations of S3 that a policy of s3db has actions for.
const OPERATIONS: [&str; 9] = [
    "GetObject",
    "HeadObject",
    "PutObject",
    "CopyObject",
    "DeleteObject",
    "DeleteObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "HeadBucket",
];

/// The statements of a policy, or no limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy(Option<Arc<Value>>);

impl Policy {
    pub(super) fn of(policy: Option<&Value>) -> Self {
        Self(policy.map(|policy| Arc::new(policy.clone())))
    }

    /// Whether the existence of a key may be known: AWS takes the key for the prefix of a listing.
    pub(super) fn may_know(&self, bucket: &str, key: &str) -> bool {
        self.allows("s3:ListBucket", bucket, None, Some(key))
    }

    fn allows(&self, action: &str, bucket: &str, key: Option<&str>, prefix: Option<&str>) -> bool {
        let Some(policy) = &self.0 else {
            return true;
        };
        let arn = match key {
            Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
            None => format!("arn:aws:s3:::{bucket}"),
        };
        let statements = policy.get("Statement").and_then(Value::as_array).into_iter().flatten();
        statements.filter(|statement| text(statement, "Effect") == Some("Allow")).any(|statement| {
            let actions = statement.get("Action").and_then(Value::as_array).into_iter().flatten();
            let condition = statement.pointer("/Condition/StringLike/s3:prefix").and_then(Value::as_str);
            actions.filter_map(Value::as_str).any(|allowed| allowed == action)
                && text(statement, "Resource").is_some_and(|pattern| is_like(pattern, &arn))
                && condition.is_none_or(|pattern| prefix.is_some_and(|prefix| is_like(pattern, prefix)))
        })
    }

    fn object(&self, action: &str, bucket: &str, key: &str) -> S3Result<()> {
        allowed(self.allows(action, bucket, Some(key), None))
    }

    fn bucket(&self, bucket: &str, prefix: Option<&str>) -> S3Result<()> {
        allowed(self.allows("s3:ListBucket", bucket, None, prefix))
    }
}

#[async_trait]
impl S3Access for Policy {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        allowed(context.credentials().is_some() && OPERATIONS.contains(&context.s3_op().name()))
    }

    async fn get_object(&self, request: &mut S3Request<GetObjectInput>) -> S3Result<()> {
        let input = &request.input;
        let action = if input.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        self.object(action, &input.bucket, &input.key)
    }

    async fn list_object_versions(&self, request: &mut S3Request<ListObjectVersionsInput>) -> S3Result<()> {
        let input = &request.input;
        allowed(self.allows("s3:ListBucketVersions", &input.bucket, None, input.prefix.as_deref()))
    }

    async fn head_object(&self, request: &mut S3Request<HeadObjectInput>) -> S3Result<()> {
        self.object("s3:GetObject", &request.input.bucket, &request.input.key)
    }

    async fn put_object(&self, request: &mut S3Request<PutObjectInput>) -> S3Result<()> {
        let input = &request.input;
        if input.if_match.is_some() {
            self.object("s3:GetObject", &input.bucket, &input.key)?;
        }
        self.object("s3:PutObject", &input.bucket, &input.key)
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let input = &request.input;
        if let CopySource::Bucket { bucket, key, .. } = &input.copy_source {
            self.object("s3:GetObject", bucket, key)?;
        }
        self.object("s3:PutObject", &input.bucket, &input.key)
    }

    async fn delete_object(&self, request: &mut S3Request<DeleteObjectInput>) -> S3Result<()> {
        let input = &request.input;
        if input.if_match.is_some() {
            self.object("s3:GetObject", &input.bucket, &input.key)?;
        }
        self.object("s3:DeleteObject", &input.bucket, &input.key)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let input = &request.input;
        let mut keys = input.delete.objects.iter().map(|object| &object.key);
        keys.try_for_each(|key| self.object("s3:DeleteObject", &input.bucket, key))
    }

    async fn list_objects_v2(&self, request: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        self.bucket(&request.input.bucket, request.input.prefix.as_deref())
    }

    async fn head_bucket(&self, request: &mut S3Request<HeadBucketInput>) -> S3Result<()> {
        self.bucket(&request.input.bucket, None)
    }
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

fn allowed(is_allowed: bool) -> S3Result<()> {
    if is_allowed { Ok(()) } else { Err(denied()) }
}

pub(super) fn denied() -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied")
}

/// Whether a text is like a pattern, in which `*` is any text, `?` any character, and `${*}` a star.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    for (escaped, plain) in [("${*}", '*'), ("${?}", '?'), ("${$}", '$')] {
        if let Some(rest) = pattern.strip_prefix(escaped) {
            return text.strip_prefix(plain).is_some_and(|text| is_like(rest, text));
        }
    }
    let rest = pattern.get(first.len_utf8()..).unwrap_or_default();
    let mut chars = text.chars();
    match first {
        '*' => (0..=text.len()).filter_map(|at| text.get(at..)).any(|tail| is_like(rest, tail)),
        '?' => chars.next().is_some() && is_like(rest, chars.as_str()),
        first => chars.next() == Some(first) && is_like(rest, chars.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_aws() {
        for (pattern, text, is_allowed) in [
            ("app/*", "app/", true),
            ("app/*", "app/a/b", true),
            ("app/*", "app", false),
            ("app/*", "other/app/", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a${*}/*", "a*/b", true),
            ("a${*}/*", "ab/b", false),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern, text), is_allowed, "{pattern} {text}");
        }
    }
}
