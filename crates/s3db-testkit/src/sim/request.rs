//! Requests and answers as data, so that they can be on their way.

use futures::FutureExt as _;
use s3db_core::store::{
    Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace, Store,
};
use s3db_core::{Error, ErrorKind, Result};

#[derive(Debug, Clone)]
pub(super) enum Request {
    Put { key: String, object: PutObject, condition: Condition },
    Get { key: String },
    Head { key: String },
    Copy { from: String, to: String, replace: Option<Replace>, condition: Condition },
    List(ListRequest),
    Delete { key: String, condition: Condition },
    DeleteMany(Vec<String>),
}

#[derive(Debug)]
pub(super) enum Answer {
    Put(PutResult),
    Get(Option<Object>),
    Head(Option<Head>),
    List(ListPage),
    Deleted,
    DeletedMany(Vec<Result<()>>),
}

impl Answer {
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Get(None) | Self::Head(None) => "absent",
            _ => "ok",
        }
    }
}

impl Request {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Put { condition: Condition::None, .. } => "PUT",
            Self::Put { condition: Condition::IfAbsent, .. } => "PUT-new",
            Self::Put { .. } => "PUT-if",
            Self::Get { .. } => "GET",
            Self::Head { .. } => "HEAD",
            Self::Copy { .. } => "COPY",
            Self::List(_) => "LIST",
            Self::Delete { condition: Condition::None, .. } => "DELETE",
            Self::Delete { .. } => "DEL-if",
            Self::DeleteMany(_) => "DELETES",
        }
    }

    pub(super) fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Get { key } | Self::Head { key } | Self::Delete { key, .. } => key,
            Self::Copy { to, .. } => to,
            Self::List(request) => &request.prefix,
            Self::DeleteMany(keys) => keys.first().map_or("", String::as_str),
        }
    }

    pub(super) fn is_write(&self) -> bool {
        !matches!(self, Self::Get { .. } | Self::Head { .. } | Self::List(_))
    }

    /// Does the request. A memory store never waits.
    pub(super) fn apply(&self, store: &MemoryStore) -> Result<Answer> {
        let done = async {
            Ok(match self.clone() {
                Self::Put { key, object, condition } => {
                    Answer::Put(store.put(&key, object, condition).await?)
                }
                Self::Get { key } => Answer::Get(store.get(&key).await?),
                Self::Head { key } => Answer::Head(store.head(&key).await?),
                Self::Copy { from, to, replace, condition } => {
                    Answer::Put(store.copy(&from, &to, replace, condition).await?)
                }
                Self::List(request) => Answer::List(store.list(request).await?),
                Self::Delete { key, condition } => {
                    store.delete(&key, condition).await?;
                    Answer::Deleted
                }
                Self::DeleteMany(keys) => Answer::DeletedMany(store.delete_many(&keys).await?),
            })
        };
        let waited = || Err(Error::new(ErrorKind::Unavailable, "the memory store waited"));
        done.now_or_never().unwrap_or_else(waited)
    }
}
