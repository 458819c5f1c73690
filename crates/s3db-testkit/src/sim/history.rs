//! Histories of operations, and whether one order of single steps explains them.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History as Checked};
use todc_utils::specifications::Specification;

/// What an object does when its operations come one after the other.
pub trait Model: 'static {
    /// State of the object.
    type State: Clone + Eq + Hash + Debug;
    /// An operation together with its result.
    type Operation: Clone + Debug + Send + 'static;

    /// The state before all operations.
    fn initial() -> Self::State;

    /// The state after `operation`, or `None` when it cannot have this result in this state.
    fn apply(state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;
}

/// Operations of several clients on several objects, with the order in which they began and ended. Cheap to clone.
///
/// An operation whose end nobody has seen may have happened at any time after it began, or not at all.
pub struct History<M: Model>(Arc<Mutex<Vec<Entry<M::Operation>>>>);

#[derive(Debug, Clone)]
struct Entry<O> {
    object: String,
    number: usize,
    /// `None` is the beginning.
    end: Option<End<O>>,
    begun_as: Option<O>,
}

#[derive(Debug, Clone)]
enum End<O> {
    Done(O),
    Nothing,
}

impl<M: Model> History<M> {
    /// No operations.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// An operation begins. `unknown` is what it is taken for if its end is never seen; an operation without effect, such
    /// as a read, gives `None`.
    pub fn begin(&self, object: &str, unknown: Option<M::Operation>) -> Pending<M> {
        let mut entries = self.entries();
        let number = entries.len();
        entries.push(Entry { object: object.to_owned(), number, end: None, begun_as: unknown });
        drop(entries);
        Pending { history: Self(self.0.clone()), object: object.to_owned(), number }
    }

    /// The objects whose operations no order of single steps explains, each with its operations as text.
    pub fn unexplained(&self) -> Vec<(String, String)> {
        let mut by_object: BTreeMap<String, Vec<Entry<M::Operation>>> = BTreeMap::new();
        for entry in self.entries().iter() {
            by_object.entry(entry.object.clone()).or_default().push(entry.clone());
        }
        by_object
            .into_iter()
            .filter(|(_, entries)| !is_explained::<M>(entries))
            .map(|(object, entries)| (object, shown(&entries)))
            .collect()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry<M::Operation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Model> Default for History<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Model> Clone for History<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Model> Debug for History<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("entries", &self.entries().len()).finish()
    }
}

/// An operation under way. Dropped without a word, its outcome is unknown.
#[derive(Debug)]
pub struct Pending<M: Model> {
    history: History<M>,
    object: String,
    number: usize,
}

impl<M: Model> Pending<M> {
    /// It ended with a result.
    pub fn done(self, operation: M::Operation) {
        self.end(End::Done(operation));
    }

    /// It ended and surely has changed nothing.
    pub fn nothing(self) {
        self.end(End::Nothing);
    }

    fn end(self, end: End<M::Operation>) {
        let entry = Entry { object: self.object, number: self.number, end: Some(end), begun_as: None };
        self.history.entries().push(entry);
    }
}

/// An operation as the checker sees it; one of unknown outcome fits into every state.
#[derive(Debug, Clone)]
struct Step<O> {
    operation: O,
    is_unknown: bool,
}

struct Steps<M>(PhantomData<M>);

impl<M: Model> Specification for Steps<M> {
    type State = M::State;
    type Operation = Step<M::Operation>;

    fn init() -> Self::State {
        M::initial()
    }

    fn apply(step: &Self::Operation, state: &Self::State) -> (bool, Self::State) {
        match M::apply(state, &step.operation) {
            Some(state) => (true, state),
            None => (step.is_unknown, state.clone()),
        }
    }
}

/// The search is that of Wing and Gong with Lowe's memory of states, as Horn and Kroening describe it. An operation whose
/// end was not seen ends after all others: put last, it has had no effect on them.
fn is_explained<M: Model>(entries: &[Entry<M::Operation>]) -> bool {
    let mut actions = Vec::new();
    let mut open: BTreeMap<usize, M::Operation> = BTreeMap::new();
    let ends: BTreeMap<usize, &End<M::Operation>> =
        entries.iter().filter_map(|entry| entry.end.as_ref().map(|end| (entry.number, end))).collect();
    for entry in entries {
        match (&entry.end, ends.get(&entry.number)) {
            (None, Some(End::Done(operation))) => {
                let step = Step { operation: operation.clone(), is_unknown: false };
                actions.push((entry.number, Action::Call(step)));
            }
            (None, None) => {
                if let Some(operation) = &entry.begun_as {
                    open.insert(entry.number, operation.clone());
                    let step = Step { operation: operation.clone(), is_unknown: true };
                    actions.push((entry.number, Action::Call(step)));
                }
            }
            (Some(End::Done(operation)), _) => {
                let step = Step { operation: operation.clone(), is_unknown: false };
                actions.push((entry.number, Action::Response(step)));
            }
            _ => {}
        }
    }
    for (number, operation) in open {
        actions.push((number, Action::Response(Step { operation, is_unknown: true })));
    }
    actions.is_empty() || WGLChecker::<Steps<M>>::is_linearizable(Checked::from_actions(actions))
}

fn shown<O: Debug>(entries: &[Entry<O>]) -> String {
    let mut lines = String::new();
    for entry in entries {
        let line = match (&entry.end, &entry.begun_as) {
            (None, begun) => format!("  {} begins {begun:?}\n", entry.number),
            (Some(End::Done(operation)), _) => format!("  {} ends   {operation:?}\n", entry.number),
            (Some(End::Nothing), _) => format!("  {} ends   without effect\n", entry.number),
        };
        lines.push_str(&line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Register;

    #[derive(Debug, Clone)]
    enum Op {
        Read(u32),
        Write(u32),
    }

    impl Model for Register {
        type State = u32;
        type Operation = Op;

        fn initial() -> u32 {
            0
        }

        fn apply(state: &u32, operation: &Op) -> Option<u32> {
            match operation {
                Op::Read(seen) => (seen == state).then_some(*state),
                Op::Write(value) => Some(*value),
            }
        }
    }

    fn is_explained(build: impl FnOnce(&History<Register>)) -> bool {
        let history = History::new();
        build(&history);
        history.unexplained().is_empty()
    }

    #[test]
    fn a_read_after_a_write_sees_it() {
        let read = |seen| {
            move |history: &History<Register>| {
                history.begin("a", Some(Op::Write(1))).done(Op::Write(1));
                history.begin("a", None).done(Op::Read(seen));
            }
        };
        assert!(is_explained(read(1)));
        assert!(!is_explained(read(0)));
    }

    #[test]
    fn a_write_of_unknown_outcome_may_be_seen_or_not_but_not_unseen_again() {
        let reads = |seen: &'static [u32]| {
            move |history: &History<Register>| {
                drop(history.begin("a", Some(Op::Write(1))));
                for value in seen {
                    history.begin("a", None).done(Op::Read(*value));
                }
            }
        };
        assert!(is_explained(reads(&[0, 0])));
        assert!(is_explained(reads(&[0, 1])));
        assert!(!is_explained(reads(&[1, 0])));
    }

    #[test]
    fn a_write_that_was_refused_is_never_seen() {
        assert!(!is_explained(|history| {
            history.begin("a", Some(Op::Write(1))).nothing();
            history.begin("a", None).done(Op::Read(1));
        }));
    }

    #[test]
    fn objects_are_explained_one_by_one() {
        let history = History::<Register>::new();
        history.begin("a", Some(Op::Write(1))).done(Op::Write(1));
        history.begin("b", None).done(Op::Read(1));
        let unexplained = history.unexplained();
        assert_eq!(unexplained.iter().map(|(object, _)| object.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
