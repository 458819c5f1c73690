//! What this process has written down and not yet delivered. Pure.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::entry::EntryKey;
use crate::change::RecordedChange;

/// Objects that are delivered and could not be deleted yet. Those beyond are found by sweeps.
const FINISHED_MAX: usize = 10_000;

/// Objects that are kept to be looked at once more. Those beyond are looked at by the next sweep.
const LINGERING_MAX: usize = 10_000;

/// How an object is left to the sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Memory had no room for it: it is to be delivered.
    Undelivered,
    /// It is delivered, and to be looked at once more when nothing of before can arrive.
    Lingering,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not over.
    Open,
    /// It was committed.
    Committed,
    /// Nobody knows.
    Unknown,
    /// It was not committed.
    Refused,
}

/// Changes of this process in the order of their numbers, from the oldest that some target does not have.
#[derive(Debug)]
pub(crate) struct Book {
    source: String,
    next: u64,
    segments: VecDeque<Segment>,
    changes: usize,
    /// Number up to which every change is over.
    settled: u64,
    /// Number up to which each target is done.
    positions: Vec<u64>,
    finished: Vec<String>,
    /// First numbers of objects.
    lingering: BTreeSet<u64>,
    memory_max: usize,
    left_behind: u64,
}

/// The changes of one object.
#[derive(Debug)]
struct Segment {
    first: u64,
    changes: Vec<Noted>,
}

#[derive(Debug)]
struct Noted {
    change: Arc<RecordedChange>,
    targets: Arc<[usize]>,
    state: State,
    lingers: bool,
}

/// Changes for one target, and the number up to which it is done once it has them.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) changes: Vec<Arc<RecordedChange>>,
    pub(crate) up_to: u64,
}

impl Segment {
    fn last(&self) -> u64 {
        self.first + self.changes.len() as u64 - 1
    }
}

impl Book {
    pub(crate) fn new(source: String, targets: usize, memory_max: usize) -> Self {
        Self {
            source,
            next: 1,
            segments: VecDeque::new(),
            changes: 0,
            settled: 0,
            positions: vec![0; targets],
            finished: Vec::new(),
            lingering: BTreeSet::new(),
            memory_max,
            left_behind: 0,
        }
    }

    /// Gives numbers to changes that are to be written down as one object.
    pub(crate) fn reserve(&mut self, changes: Vec<(RecordedChange, Arc<[usize]>)>) -> EntryKey {
        let key = EntryKey { source: self.source.clone(), first: self.next, count: changes.len() };
        let note = |(at, (mut change, targets)): (usize, (RecordedChange, Arc<[usize]>))| {
            key.name(at, &mut change);
            Noted { change: Arc::new(change), targets, state: State::Open, lingers: false }
        };
        let changes: Vec<Noted> = changes.into_iter().enumerate().map(note).collect();
        self.next += changes.len() as u64;
        self.changes += changes.len();
        if !changes.is_empty() {
            self.segments.push_back(Segment { first: key.first, changes });
        }
        key
    }

    /// Notes how a change ended. Returns the number up to which all are over, where that has grown.
    pub(crate) fn settle(&mut self, number: u64, state: State) -> Option<u64> {
        let noted = self.noted(number)?;
        noted.state = state;
        if state == State::Unknown {
            Arc::make_mut(&mut noted.change).is_certain = false;
        }
        let before = self.settled;
        self.settle_on();
        self.forget_oldest();
        (self.settled > before).then_some(self.settled)
    }

    fn settle_on(&mut self) {
        let mut at = self.segments.partition_point(|segment| segment.last() <= self.settled);
        while let Some(segment) = self.segments.get(at) {
            let from =
                usize::try_from((self.settled + 1).saturating_sub(segment.first)).unwrap_or(usize::MAX);
            let over =
                segment.changes.iter().skip(from).take_while(|noted| noted.state != State::Open).count();
            self.settled += over as u64;
            if from + over < segment.changes.len() {
                break;
            }
            at += 1;
        }
    }

    /// Leaves the oldest to the sweeps, which read them from the store, when more are kept than may be.
    fn forget_oldest(&mut self) {
        while self.changes > self.memory_max
            && let Some(segment) = self.segments.front()
            && segment.last() <= self.settled
        {
            let forgotten = segment.changes.len();
            self.changes -= forgotten;
            self.left_behind += forgotten as u64;
            self.segments.pop_front();
        }
    }

    /// The next changes that are over and that a target does not have, up to `max`.
    pub(crate) fn due(&self, target: usize, max: usize) -> Due {
        let position = self.position(target);
        let mut due = Due { changes: Vec::new(), up_to: position };
        let start = self.segments.partition_point(|segment| segment.last() <= position);
        for segment in self.segments.iter().skip(start) {
            for (at, noted) in segment.changes.iter().enumerate() {
                let number = segment.first + at as u64;
                if number <= position {
                    continue;
                }
                if number > self.settled || due.changes.len() == max {
                    return due;
                }
                due.up_to = number;
                if noted.state != State::Refused && noted.targets.contains(&target) {
                    due.changes.push(noted.change.clone());
                }
            }
        }
        due
    }

    /// Notes that a target is done up to this number.
    pub(crate) fn done(&mut self, target: usize, up_to: u64) {
        if let Some(position) = self.positions.get_mut(target) {
            *position = up_to.max(*position);
        }
        let all = self.positions.iter().min().copied().unwrap_or(self.settled);
        while let Some(segment) = self.segments.front()
            && segment.last() <= all
        {
            let count = segment.changes.len();
            let key = EntryKey { source: self.source.clone(), first: segment.first, count };
            self.changes -= count;
            let lingers = segment.changes.iter().any(|noted| noted.lingers);
            self.segments.pop_front();
            if lingers {
                self.keep(key.first);
            } else {
                self.keep_finished([key.key()]);
            }
        }
    }

    /// Keeps the objects of these changes, once they are delivered.
    pub(crate) fn linger(&mut self, changes: &[Arc<RecordedChange>]) {
        for change in changes {
            if let Some(noted) = self.noted(change.number) {
                noted.lingers = true;
            }
        }
    }

    /// Keeps an object that a sweep has delivered.
    pub(crate) fn keep(&mut self, first: u64) {
        if self.lingering.len() < LINGERING_MAX {
            self.lingering.insert(first);
        }
    }

    fn noted(&mut self, number: u64) -> Option<&mut Noted> {
        let at = self.segments.partition_point(|segment| segment.last() < number);
        let segment = self.segments.get_mut(at)?;
        segment.changes.get_mut(usize::try_from(number.checked_sub(segment.first)?).ok()?)
    }

    /// Keys of objects that every target is done with.
    pub(crate) fn take_finished(&mut self, at_least: usize) -> Vec<String> {
        if self.finished.len() < at_least.max(1) {
            return Vec::new();
        }
        std::mem::take(&mut self.finished)
    }

    /// Gives back those that could not be deleted.
    pub(crate) fn keep_finished(&mut self, keys: impl IntoIterator<Item = String>) {
        let room = FINISHED_MAX.saturating_sub(self.finished.len());
        self.finished.extend(keys.into_iter().take(room));
    }

    /// How an object of this source is left to the sweeps, if it is.
    pub(crate) fn left(&self, first: u64) -> Option<Left> {
        if self.lingering.contains(&first) {
            return Some(Left::Lingering);
        }
        let is_left = first < self.segments.front().map_or(self.next, |segment| segment.first);
        is_left.then_some(Left::Undelivered)
    }

    /// Notes that an object is gone.
    pub(crate) fn gone(&mut self, first: u64) {
        self.lingering.remove(&first);
    }

    /// Number of the last change.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    pub(crate) fn left_behind(&self) -> u64 {
        self.left_behind
    }

    pub(crate) fn is_done(&self, target: usize, number: u64) -> bool {
        self.position(target) >= number
    }

    fn position(&self, target: usize) -> u64 {
        self.positions.get(target).copied().unwrap_or(u64::MAX)
    }

    /// How many changes a target does not have, and the time of the oldest.
    pub(crate) fn lag(&self, target: usize) -> (u64, Option<i64>) {
        let position = self.position(target);
        let start = self.segments.partition_point(|segment| segment.last() <= position);
        let (mut count, mut oldest) = (0, None);
        for segment in self.segments.iter().skip(start) {
            for (at, noted) in segment.changes.iter().enumerate() {
                let waits = segment.first + at as u64 > position
                    && !matches!(noted.state, State::Refused | State::Open)
                    && noted.targets.contains(&target);
                if waits {
                    count += 1;
                    oldest.get_or_insert(noted.change.at_ms);
                }
            }
        }
        (count, oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Operation;

    fn change(id: &str) -> RecordedChange {
        RecordedChange {
            change_id: String::new(),
            number: 0,
            resource: "users".to_owned(),
            id: id.to_owned(),
            operation: Operation::Insert,
            before: None,
            after: None,
            at_ms: 0,
            actor: None,
            is_certain: true,
        }
    }

    /// A book with two targets and the changes `ids`, each for both, in objects of these sizes.
    fn book(memory_max: usize, sizes: &[&[&str]]) -> Book {
        let mut book = Book::new("s".to_owned(), 2, memory_max);
        for ids in sizes {
            book.reserve(ids.iter().map(|id| (change(id), Arc::from([0, 1].as_slice()))).collect());
        }
        book
    }

    fn ids(due: &Due) -> Vec<&str> {
        due.changes.iter().map(|change| change.id.as_str()).collect()
    }

    #[test]
    fn a_target_gets_what_is_over_in_order_and_no_more() {
        let mut book = book(100, &[&["a", "b"], &["c"]]);
        assert_eq!(book.settle(2, State::Committed), None);
        assert_eq!(ids(&book.due(0, 10)), [""; 0]);
        assert_eq!(book.settle(1, State::Committed), Some(2));
        assert_eq!(ids(&book.due(0, 10)), ["a", "b"]);
        assert_eq!(ids(&book.due(0, 1)), ["a"]);
        book.done(0, 2);
        assert_eq!(book.settle(3, State::Unknown), Some(3));
        let due = book.due(0, 10);
        assert_eq!(
            (ids(&due), due.changes[0].is_certain, due.changes[0].change_id.as_str()),
            (vec!["c"], false, "s-3")
        );
        assert_eq!((book.lag(0).0, book.lag(1).0), (1, 3));
    }

    #[test]
    fn what_was_refused_is_passed_over() {
        let mut book = book(100, &[&["a", "b"], &["c"]]);
        for (number, state) in [(1, State::Refused), (2, State::Committed), (3, State::Refused)] {
            book.settle(number, state);
        }
        let due = book.due(0, 10);
        assert_eq!((ids(&due), due.up_to), (vec!["b"], 3));
    }

    #[test]
    fn an_object_is_deleted_when_every_target_has_all_of_it() {
        let mut book = book(100, &[&["a", "b"], &["c"]]);
        for number in 1..=3 {
            book.settle(number, State::Committed);
        }
        book.done(0, 3);
        assert!(book.take_finished(1).is_empty());
        book.done(1, 1);
        assert!(book.take_finished(1).is_empty());
        book.done(1, 2);
        assert_eq!(book.take_finished(1), ["outbox/s/0000000000001-2"]);
        assert_eq!((book.left(1), book.left(3)), (Some(Left::Undelivered), None));
        book.done(1, 3);
        assert!(book.take_finished(2).is_empty());
        assert_eq!(book.take_finished(1).len(), 1);
    }

    #[test]
    fn when_memory_is_full_the_oldest_are_left_to_the_sweeps() {
        let mut book = book(2, &[&["a", "b"], &["c"], &["d"]]);
        for number in 1..=4 {
            book.settle(number, State::Committed);
        }
        assert_eq!(ids(&book.due(0, 10)), ["c", "d"]);
        assert_eq!((book.left_behind(), book.left(1)), (2, Some(Left::Undelivered)));
        book.done(0, 4);
        book.done(1, 4);
        // Only what the targets have is deleted.
        assert_eq!(book.take_finished(1).len(), 2);
    }
}
