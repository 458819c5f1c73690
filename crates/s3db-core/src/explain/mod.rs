//! Explanations: what a call would send and cost, without changing anything.
//!
//! A call is rehearsed: it runs as always, on a store that sends its reads, writes its writes down, and answers them as
//! the store would. So an explanation and the call itself come from the same code and cannot drift apart. Documents that
//! a query or listing would read are counted and not read.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::Error;
use crate::plan::QueryPlan;
use crate::price::Prices;
use crate::store::{Requests, Verb};

mod handle;
mod overlay;
mod query;
mod rehearsal;
mod script;
mod show;
mod store;
#[cfg(test)]
mod tests;
mod why;

pub use handle::{Explain, ExplainIfMatch};
pub use query::ExplainQuery;
pub use rehearsal::Rehearsal;

/// What a call would send, and what that costs. Made by [`Resource::explain`](crate::Resource::explain).
///
/// Hooks and layers do not run. Races with other writers are not foreseen: each costs the call another round. An id that the database makes up is
/// another one in the call itself.
///
/// `Display` is a table for people. As JSON it is an object with `stages`, `requests`, `in_background`, `dollars`,
/// `prices`, `at_most`, `query`, `refused`, `omitted` and `looked`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Requests, the first thousand one by one. Those of a stage are sent at once, when the stage before is answered.
    pub stages: Vec<Stage>,
    /// Requests by kind, all stages together.
    pub requests: Requests,
    /// Those of them that are sent after the call has returned.
    pub in_background: Requests,
    /// Requests that are not among the [`stages`](Self::stages), because there are too many.
    pub omitted: u64,
    /// Whether the call may send fewer: a query that stops at its limit does so when it has found enough.
    pub at_most: bool,
    /// How a query reads.
    pub query: Option<QueryExplanation>,
    /// Why the call, or items of it, would be refused. The requests are those that are sent before that.
    pub refused: Vec<Error>,
    /// What was sent to explain: reads whose answer decides what comes next, and looks at keys that a condition speaks of.
    pub looked: Requests,
    /// Prices of the database.
    pub prices: Prices,
}

/// Requests that are sent at once.
#[derive(Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Stage {
    /// Whether they are sent after the call has returned.
    pub background: bool,
    /// The requests.
    pub requests: Vec<PlannedRequest>,
}

/// One request of an [`Explanation`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRequest {
    /// Kind.
    pub verb: Verb,
    /// Key that it goes to; the prefix of a listing, the first key of a delete of many.
    pub key: String,
    /// `if-none-match` for an object that must be absent, `if-match` for one that must not have changed.
    pub condition: Option<&'static str>,
    /// Bytes of metadata and body that it writes.
    pub bytes: u64,
    /// What it is for.
    pub why: String,
}

/// How a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryExplanation {
    /// The plan.
    pub plan: QueryPlan,
    /// Why this one.
    pub why: String,
    /// Pages of listings that it reads.
    pub pages: u64,
    /// Documents that it reads.
    pub fetches: u64,
}

impl Explanation {
    /// Dollars that the requests cost, at the prices of the database.
    pub fn dollars(&self) -> f64 {
        self.prices.dollars(self.requests)
    }

    /// Requests that are sent before the call returns.
    pub fn in_call(&self) -> Requests {
        self.requests - self.in_background
    }
}

impl Serialize for PlannedRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("PlannedRequest", 5)?;
        out.serialize_field("verb", self.verb.as_str())?;
        out.serialize_field("key", &self.key)?;
        out.serialize_field("condition", &self.condition)?;
        out.serialize_field("bytes", &self.bytes)?;
        out.serialize_field("why", &self.why)?;
        out.end()
    }
}

impl Serialize for QueryExplanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("QueryExplanation", 4)?;
        out.serialize_field("plan", &self.plan.to_string())?;
        out.serialize_field("why", &self.why)?;
        out.serialize_field("pages", &self.pages)?;
        out.serialize_field("fetches", &self.fetches)?;
        out.end()
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let refused: Vec<serde_json::Value> = self.refused.iter().map(Error::to_json).collect();
        let mut out = serializer.serialize_struct("Explanation", 10)?;
        out.serialize_field("stages", &self.stages)?;
        out.serialize_field("requests", &self.requests)?;
        out.serialize_field("in_background", &self.in_background)?;
        out.serialize_field("dollars", &self.dollars())?;
        out.serialize_field("prices", &self.prices.name())?;
        out.serialize_field("at_most", &self.at_most)?;
        out.serialize_field("query", &self.query)?;
        out.serialize_field("refused", &refused)?;
        out.serialize_field("omitted", &self.omitted)?;
        out.serialize_field("looked", &self.looked)?;
        out.end()
    }
}
