//! The scripts of an examination, in the order of running.

use futures::future::BoxFuture;

use super::trial::Trial;
use super::{ExamineOptions, Finding};
use crate::Result;
use crate::store::Requests;

mod conditions;
mod copies;
mod etags;
mod keys;
mod listings;
mod metadata;
mod order;
mod races;
mod reads;

/// Requests that are the same whatever the answers, and what the answers say.
pub(super) struct Script {
    pub(super) requests: fn(&ExamineOptions) -> Requests,
    pub(super) run: for<'t> fn(&'t Trial<'t>) -> BoxFuture<'t, Result<Vec<Finding>>>,
}

/// Makes a script of a function and the requests that it sends.
macro_rules! script {
    ($module:ident :: $function:ident) => {
        Script { requests: $module::requests, run: |trial| Box::pin($module::$function(trial)) }
    };
}

pub(super) const ALL: &[Script] = &[
    script!(reads::run),
    script!(conditions::run),
    script!(races::run),
    script!(copies::run),
    script!(etags::run),
    script!(metadata::run),
    script!(keys::run),
    script!(order::run),
    script!(listings::run),
];
