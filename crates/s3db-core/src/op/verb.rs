//! The verbs that calls are made of.

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Creates a document.
    Insert,
    /// Reads a document.
    Get,
    /// Reads several documents by their ids.
    GetMany,
    /// Asks whether a document is there.
    Exists,
    /// Changes fields of a document; `patch` and `update_with` too.
    Update,
    /// Writes a document whole.
    Replace,
    /// Updates or creates a document.
    Upsert,
    /// Deletes a document.
    Delete,
    /// Deletes several documents with as few requests as can be.
    DeleteMany,
    /// Deletes every document.
    DeleteAll,
    /// Reads documents in the order of their ids; `get_all` too.
    List,
    /// Lists ids.
    ListIds,
    /// Reads one page of documents.
    Page,
    /// Counts documents.
    Count,
    /// Runs a query: for documents, fields, ids or their number.
    Query,
    /// Reads the content of a document.
    Content,
    /// Asks whether a document has content.
    HasContent,
    /// Gives a document content.
    SetContent,
    /// Deletes the content of a document.
    DeleteContent,
    /// Reads the old versions of a document.
    History,
    /// Reads one old version of a document; `get_as_of`, `diff` and `snapshot` too.
    GetVersion,
    /// Writes an old version of a document back; `restore_version` too.
    Undo,
}

impl Verb {
    /// Name in lower case, such as `delete_many`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Exists => "exists",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::DeleteMany => "delete_many",
            Self::DeleteAll => "delete_all",
            Self::List => "list",
            Self::ListIds => "list_ids",
            Self::Page => "page",
            Self::Count => "count",
            Self::Query => "query",
            Self::Content => "content",
            Self::HasContent => "has_content",
            Self::SetContent => "set_content",
            Self::DeleteContent => "delete_content",
            Self::History => "history",
            Self::GetVersion => "get_version",
            Self::Undo => "undo",
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        match self {
            Self::Get | Self::GetMany | Self::Exists => true,
            Self::List | Self::ListIds | Self::Page | Self::Count | Self::Query => true,
            Self::Content | Self::HasContent => true,
            Self::History | Self::GetVersion => true,
            Self::SetContent | Self::DeleteContent | Self::Undo => false,
            Self::Insert | Self::Update | Self::Replace | Self::Upsert => false,
            Self::Delete | Self::DeleteMany | Self::DeleteAll => false,
        }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
