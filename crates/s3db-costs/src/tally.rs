//! Requests by resource, plugin, verb and minute, in bounded memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use s3db_core::store::Request;

use crate::options::CostsOptions;
use crate::stored::Stored;
use crate::sum::Sum;

/// Length of a slice of the history.
pub(crate) const SLICE_MS: i64 = 60_000;

/// What names are counted under that are too many.
pub(crate) const OTHER: &str = "(other)";

/// What requests are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Series {
    resource: Option<u32>,
    plugin: Option<u32>,
    pub(crate) operation: Option<&'static str>,
}

/// A slice of the history that is over.
#[derive(Debug)]
struct Slice {
    start_ms: i64,
    sums: Box<[(Series, Sum)]>,
}

#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) started_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) total: Sum,
    pub(crate) stored: Stored,
    names: Names,
    totals: HashMap<Series, Sum>,
    /// The slice of now.
    current_ms: i64,
    current: HashMap<Series, Sum>,
    past: VecDeque<Slice>,
    /// Entries of `past` together.
    points: usize,
    points_max: usize,
    history_ms: i64,
    /// Where the last slice ended that was forgotten.
    cut_ms: i64,
}

impl Tally {
    pub(crate) fn new(options: &CostsOptions, now_ms: i64) -> Self {
        Self {
            started_ms: now_ms,
            last_ms: now_ms,
            total: Sum::default(),
            stored: Stored::new(options.stored_keys_max),
            names: Names { max: options.names_max, ..Names::default() },
            totals: HashMap::new(),
            current_ms: slice_of(now_ms),
            current: HashMap::new(),
            past: VecDeque::new(),
            points: 0,
            points_max: options.points_max,
            cut_ms: i64::MIN,
            history_ms: i64::try_from(options.history.as_millis()).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn note(&mut self, request: &Request<'_>, now_ms: i64) {
        self.move_to(now_ms);
        let series = Series {
            resource: request.resource().map(|name| self.names.number(name)),
            plugin: request.plugin().map(|name| self.names.number(name)),
            operation: request.operation,
        };
        self.total.note(request);
        self.totals.entry(series).or_default().note(request);
        self.current.entry(series).or_default().note(request);
        self.stored.note(request);
    }

    /// Ends the slice of before, and forgets what is too old. A clock that goes back stays in the slice where it was.
    pub(crate) fn move_to(&mut self, now_ms: i64) {
        self.last_ms = self.last_ms.max(now_ms);
        let slice_ms = slice_of(now_ms);
        if slice_ms <= self.current_ms {
            return;
        }
        if !self.current.is_empty() {
            let sums: Box<[_]> = self.current.drain().collect();
            self.points += sums.len();
            self.past.push_back(Slice { start_ms: self.current_ms, sums });
        }
        self.current_ms = slice_ms;
        let too_old = now_ms.saturating_sub(self.history_ms);
        while self.past.front().is_some_and(|slice| self.points > self.points_max || slice.start_ms < too_old)
        {
            if let Some(slice) = self.past.pop_front() {
                self.points -= slice.sums.len();
                self.cut_ms = slice.start_ms.saturating_add(SLICE_MS);
            }
        }
    }

    /// From when on the history is whole.
    pub(crate) fn since_ms(&self) -> i64 {
        let oldest = self.last_ms.saturating_sub(self.history_ms);
        self.started_ms.max(self.cut_ms).max(oldest)
    }

    /// Sums by series of the slices that touch a time.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = (Series, Sum)> {
        let touches = move |start_ms: i64| start_ms.saturating_add(SLICE_MS) > from_ms && start_ms <= to_ms;
        let past = self.past.iter().filter(move |slice| touches(slice.start_ms));
        let current = self.current.iter().filter(move |_| touches(self.current_ms));
        past.flat_map(|slice| slice.sums.iter().copied()).chain(current.map(|(series, sum)| (*series, *sum)))
    }

    /// Sums by series since the beginning.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Series, Sum)> {
        self.totals.iter().map(|(series, sum)| (*series, *sum))
    }

    pub(crate) fn resource(&self, series: Series) -> Option<&str> {
        series.resource.and_then(|number| self.names.name(number))
    }

    pub(crate) fn plugin(&self, series: Series) -> Option<&str> {
        series.plugin.and_then(|number| self.names.name(number))
    }
}

fn slice_of(now_ms: i64) -> i64 {
    now_ms - now_ms.rem_euclid(SLICE_MS)
}

/// Names by numbers, so many at most.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    max: usize,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.names.len() >= self.max && name != OTHER {
            return self.number(OTHER);
        }
        let (number, name) = (self.names.len() as u32, Arc::<str>::from(name));
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(AsRef::as_ref)
    }
}
