//! Queries over documents: filters, order, cursors. Pure.

mod compare;
mod cursor;
mod filter;
mod sort;

pub use cursor::Cursor;
pub use filter::{Constraint, Filter};
pub(crate) use sort::Position;
pub use sort::{Order, SortKey};

#[cfg(test)]
mod tests;
