//! Kinds of requests.

use std::fmt;

use super::Requests;

/// Kind of a request: one for each method of [`Store`](super::Store) that sends one. Old versions are read and listed as
/// objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Reads an object, or an old version of one.
    Get,
    /// Reads an object without its body.
    Head,
    /// Writes an object.
    Put,
    /// Copies an object.
    Copy,
    /// Reads a page of a listing, of objects or of their versions.
    List,
    /// Deletes an object.
    Delete,
    /// Deletes up to a thousand objects.
    DeleteMany,
}

impl Verb {
    /// As people read it, in the words of [`Requests::named`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Copy => "COPY",
            Self::List => "LIST",
            Self::Delete => "DELETE",
            Self::DeleteMany => "DELETE-MANY",
        }
    }

    /// So many requests of this kind.
    pub fn times(self, count: u64) -> Requests {
        let mut requests = Requests::NONE;
        match self {
            Self::Get => requests.get = count,
            Self::Head => requests.head = count,
            Self::Put => requests.put = count,
            Self::Copy => requests.copy = count,
            Self::List => requests.list = count,
            Self::Delete => requests.delete = count,
            Self::DeleteMany => requests.delete_many = count,
        }
        requests
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_request_has_one_name() {
        use Verb::{Copy, Delete, DeleteMany, Get, Head, List, Put};
        for verb in [Get, Head, Put, Copy, List, Delete, DeleteMany] {
            assert_eq!(verb.times(2).to_string(), format!("2 {verb}"));
        }
    }
}
