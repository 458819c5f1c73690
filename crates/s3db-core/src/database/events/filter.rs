//! Which events a listener hears.

use super::super::Action;
use super::{Event, EventKind};
use crate::op::Verb;

/// Events that may wait for a slow listener, unless it asks for another number.
const QUEUE_EVENTS: usize = 1024;

/// Which events a listener hears, and how many may wait for it.
///
/// ```
/// use s3db_core::database::{Action, EventFilter, EventKind};
///
/// let created = EventFilter::of([EventKind::Changed(Action::Insert)]).resource("users");
/// ```
#[derive(Debug, Clone)]
pub struct EventFilter {
    kinds: Kinds,
    resources: Vec<String>,
    ids: Vec<String>,
    capacity: usize,
}

#[derive(Debug, Clone)]
enum Kinds {
    All,
    Notices,
    These(Vec<EventKind>),
}

impl EventFilter {
    fn new(kinds: Kinds) -> Self {
        Self { kinds, resources: Vec::new(), ids: Vec::new(), capacity: QUEUE_EVENTS }
    }

    /// Everything, also each change and each call.
    pub fn all() -> Self {
        Self::new(Kinds::All)
    }

    /// What no result of a call shows: see [`EventKind::is_notice`].
    pub fn notices() -> Self {
        Self::new(Kinds::Notices)
    }

    /// Events of these kinds.
    pub fn of(kinds: impl IntoIterator<Item = EventKind>) -> Self {
        Self::new(Kinds::These(kinds.into_iter().collect()))
    }

    /// Changes of documents, and of their content.
    pub fn changes() -> Self {
        let whole = [Action::Insert, Action::Update, Action::Replace, Action::Delete];
        let content = [Action::SetContent, Action::DeleteContent];
        Self::of(whole.into_iter().chain(content).map(EventKind::Changed))
    }

    /// Calls of these verbs.
    pub fn calls(verbs: impl IntoIterator<Item = Verb>) -> Self {
        Self::of(verbs.into_iter().map(EventKind::Called))
    }

    /// Only events of this resource; calls add up.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resources.push(name.into());
        self
    }

    /// Only events of the document with this id; calls add up.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }

    /// Events that may wait, at least 1. When more would, the oldest are dropped, and counted.
    #[must_use]
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events.max(1);
        self
    }

    pub(super) fn queue_capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn wants(&self, event: &Event) -> bool {
        let kind = event.kind();
        let is_kind = match &self.kinds {
            Kinds::All => true,
            Kinds::Notices => kind.is_notice(),
            Kinds::These(kinds) => kinds.contains(&kind),
        };
        is_kind && is_one_of(&self.resources, event.resource()) && is_one_of(&self.ids, event.id())
    }

    /// Whether it may want changes of a resource.
    pub(super) fn wants_changes(&self, resource: &str) -> bool {
        self.has_kind(|kind| matches!(kind, EventKind::Changed(_)))
            && is_one_of(&self.resources, Some(resource))
    }

    /// Whether it may want calls.
    pub(super) fn wants_calls(&self) -> bool {
        self.has_kind(|kind| matches!(kind, EventKind::Called(_)))
    }

    fn has_kind(&self, is_it: impl Fn(&EventKind) -> bool) -> bool {
        match &self.kinds {
            Kinds::All => true,
            Kinds::Notices => false,
            Kinds::These(kinds) => kinds.iter().any(is_it),
        }
    }
}

fn is_one_of(wanted: &[String], found: Option<&str>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|wanted| wanted == found))
}
