//! Numbers that were reserved together.

use crate::id::Incremental;

/// Ids that nobody else gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdBatch {
    /// The first number.
    pub start: i64,
    /// The number behind the last one.
    pub end: i64,
    settings: Incremental,
}

impl IdBatch {
    /// The batch of `count` numbers from `start`; the caller has checked that they can be counted.
    pub(super) fn new(start: i64, count: u32, settings: &Incremental) -> Self {
        let end = start.saturating_add(settings.increment.saturating_mul(count.into()));
        Self { start, end, settings: settings.clone() }
    }

    /// The numbers, in the order of the sequence.
    pub fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        let (step, end) = (self.settings.increment, self.end);
        std::iter::successors(Some(self.start), move |number| number.checked_add(step))
            .take_while(move |number| before(*number, end, step))
    }

    /// The numbers as ids.
    pub fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.numbers().map(|number| self.settings.format(number))
    }
}

/// What a process has left of the batch that it takes ids from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchStatus {
    /// The first number of the batch.
    pub start: i64,
    /// The number behind the last one.
    pub end: i64,
    /// The number that is handed out next.
    pub current: i64,
    /// How many are left.
    pub remaining: u64,
    /// When the batch was reserved, in milliseconds since 1970.
    pub reserved_at_ms: i64,
}

/// A batch that numbers are taken from.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    start: i64,
    end: i64,
    step: i64,
    current: i64,
    reserved_at_ms: i64,
}

impl Reserved {
    /// A batch whose first number is handed out already.
    pub(super) fn after_first(batch: &IdBatch, now_ms: i64) -> Self {
        let step = batch.settings.increment;
        let current = batch.start.saturating_add(step);
        Self { start: batch.start, end: batch.end, step, current, reserved_at_ms: now_ms }
    }

    /// The next number; `None` when all are taken.
    pub(super) fn take(&mut self) -> Option<i64> {
        let number = self.current;
        before(number, self.end, self.step).then(|| {
            self.current = number.saturating_add(self.step);
            number
        })
    }

    pub(super) fn status(&self) -> BatchStatus {
        BatchStatus {
            start: self.start,
            end: self.end,
            current: self.current,
            remaining: self.end.abs_diff(self.current) / self.step.unsigned_abs().max(1),
            reserved_at_ms: self.reserved_at_ms,
        }
    }
}

/// Whether a number comes before the end of a batch, upwards or downwards.
fn before(number: i64, end: i64, step: i64) -> bool {
    if step > 0 { number < end } else { number > end }
}
