//! When hooks run.

use std::fmt;

use super::{Point, Verb};

/// Defines the points from one table: variant, name in the catalogue.
macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// When a hook runs.
        ///
        /// Several hooks of one point run in the order in which they were registered, each with what the one before gave. An
        /// error of a hook ends the call: before a write nothing is written then; after it the error says that the write has
        /// happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HookPoint {
            $($(#[$doc])* $point,)*
        }

        impl HookPoint {
            /// Every point.
            pub const ALL: &'static [Self] = &[$(Self::$point,)*];

            /// Its name in the catalogue, such as `beforeInsert`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// Before the document is validated; it holds its id where the caller gave one.
    BeforeInsert = "beforeInsert",
    /// After the document was written.
    AfterInsert = "afterInsert",
    /// Before the changed document is validated, with the stored one beside it. Runs again for each lost race.
    BeforeUpdate = "beforeUpdate",
    /// After the document was written.
    AfterUpdate = "afterUpdate",
    /// Before the document is validated.
    BeforeReplace = "beforeReplace",
    /// After the document was written.
    AfterReplace = "afterReplace",
    /// Before it is known whether an upsert updates or inserts; the hooks of what it does run inside.
    BeforeUpsert = "beforeUpsert",
    /// After the document was written, and the hooks of the update or insert.
    AfterUpsert = "afterUpsert",
    /// Before the document is deleted, with the stored one beside it, which costs 1 GET in place of 1 HEAD. Runs again
    /// for each lost race.
    BeforeDelete = "beforeDelete",
    /// After the document was deleted, with what was stored.
    AfterDelete = "afterDelete",
    /// Before several documents are deleted by their ids.
    BeforeDeleteMany = "beforeDeleteMany",
    /// After several documents were deleted, with what became of each.
    AfterDeleteMany = "afterDeleteMany",
    /// Before every document is deleted.
    BeforeDeleteAll = "beforeDeleteAll",
    /// After every document was deleted, with their number.
    AfterDeleteAll = "afterDeleteAll",
    /// Before the store is asked for a document by its id, by `get`, `get_or_none` or `get_many`.
    BeforeGet = "beforeGet",
    /// After a whole document was read, by any verb that gives it to the caller: those by id, `list`, `page` and `query`.
    AfterGet = "afterGet",
    /// Before several documents are read by their ids.
    BeforeGetMany = "beforeGetMany",
    /// After several documents were read by their ids.
    AfterGetMany = "afterGetMany",
    /// Before the store is asked whether a document is there.
    BeforeExists = "beforeExists",
    /// After that, with the answer.
    AfterExists = "afterExists",
    /// Before documents are listed, by `list` or `get_all`.
    BeforeList = "beforeList",
    /// After documents were listed.
    AfterList = "afterList",
    /// Before ids are listed.
    BeforeListIds = "beforeListIds",
    /// After ids were listed.
    AfterListIds = "afterListIds",
    /// Before a page is read.
    BeforePage = "beforePage",
    /// After a page was read.
    AfterPage = "afterPage",
    /// Before documents are counted.
    BeforeCount = "beforeCount",
    /// After documents were counted.
    AfterCount = "afterCount",
    /// Before a query runs, whatever it gives.
    BeforeQuery = "beforeQuery",
    /// After a query has run.
    AfterQuery = "afterQuery",
}

impl HookPoint {
    /// The points around a verb as a whole. Those of the other verbs stand inside them, where what is stored is known.
    pub(super) fn around(verb: Verb) -> Option<(Self, Self)> {
        match verb {
            Verb::Upsert => Some((Self::BeforeUpsert, Self::AfterUpsert)),
            Verb::DeleteMany => Some((Self::BeforeDeleteMany, Self::AfterDeleteMany)),
            Verb::DeleteAll => Some((Self::BeforeDeleteAll, Self::AfterDeleteAll)),
            Verb::GetMany => Some((Self::BeforeGetMany, Self::AfterGetMany)),
            Verb::Exists => Some((Self::BeforeExists, Self::AfterExists)),
            Verb::List => Some((Self::BeforeList, Self::AfterList)),
            Verb::ListIds => Some((Self::BeforeListIds, Self::AfterListIds)),
            Verb::Page => Some((Self::BeforePage, Self::AfterPage)),
            Verb::Count => Some((Self::BeforeCount, Self::AfterCount)),
            Verb::Query => Some((Self::BeforeQuery, Self::AfterQuery)),
            Verb::Insert | Verb::Get | Verb::Update | Verb::Replace | Verb::Delete => None,
            Verb::Content | Verb::HasContent | Verb::SetContent | Verb::DeleteContent => None,
            Verb::History | Verb::GetVersion | Verb::Undo => None,
        }
    }
}

impl Point for HookPoint {
    fn is_around(self) -> bool {
        !matches!(
            self,
            Self::BeforeInsert
                | Self::AfterInsert
                | Self::BeforeUpdate
                | Self::AfterUpdate
                | Self::BeforeReplace
                | Self::AfterReplace
                | Self::BeforeDelete
                | Self::AfterDelete
                | Self::BeforeGet
                | Self::AfterGet
        )
    }

    fn is_after_write(self) -> bool {
        matches!(
            self,
            Self::AfterInsert
                | Self::AfterUpdate
                | Self::AfterReplace
                | Self::AfterUpsert
                | Self::AfterDelete
                | Self::AfterDeleteMany
                | Self::AfterDeleteAll
        )
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
