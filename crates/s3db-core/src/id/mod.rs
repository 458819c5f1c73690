//! Ids for documents that come without one. Pure but for the randomness and the time that it is given.

mod generator;
mod incremental;
mod random;
#[cfg(test)]
mod tests;
mod timed;

pub use generator::{CustomId, IdGenerator};
pub use incremental::{BATCH_SIZE, Incremental, SequenceMode};
pub(crate) use incremental::{NUMBER_MAX, NUMBER_MIN};
pub(crate) use random::{STAMP_BYTES_MAX, random_id, stamp};

/// Length of a generated id, in characters.
pub const ID_SIZE: usize = 22;

/// Longest generated id: with the rest of its key it must stay below the limit of keys.
pub(crate) const ID_SIZE_MAX: usize = 255;
