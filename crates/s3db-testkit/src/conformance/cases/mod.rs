//! The cases, by the part of the contract that they check.

use super::case::Case;

mod conditions;
mod copies;
mod deletes;
mod honesty;
mod keys;
mod listings;
mod metadata;
mod objects;
mod pages;
mod races;
mod ranges;
mod versions;

/// Every case, in the order of running.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [
        objects::CASES,
        metadata::CASES,
        conditions::CASES,
        races::CASES,
        ranges::CASES,
        copies::CASES,
        deletes::CASES,
        listings::CASES,
        pages::CASES,
        keys::CASES,
        versions::CASES,
        honesty::CASES,
    ]
    .into_iter()
    .flatten()
}
