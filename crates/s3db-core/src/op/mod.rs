//! Calls of a resource's verbs, as layers and hooks see them.
//!
//! A call goes through the [layers](OpLayer) of its database and its resource, outermost [stage](Stage) first, then
//! through the [hooks](HookPoint), then to the verb. Where nothing is registered a call costs nothing more.

mod answer;
mod args;
mod call;
mod hook;
mod key;
mod layer;
mod list;
mod point;
mod registration;
mod verb;

pub use answer::Answer;
pub use args::{PartitionArgs, QueryArgs, QueryOutput};
pub use call::{Edit, Op, VersionAt};
pub use hook::HookCall;
pub(crate) use hook::Hooks;
pub(crate) use key::canonical;
pub(crate) use layer::{Chain, Layers};
pub use layer::{Next, OpLayer, Stage};
pub(crate) use list::{HookList, Point, Subject};
pub use point::HookPoint;
pub use registration::Registration;
pub use verb::Verb;
