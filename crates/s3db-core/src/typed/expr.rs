//! Filters over typed fields.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use serde_json::{Map, Value, json};

use crate::{Error, ErrorKind, Result};

/// A filter over documents `R`, made from their [`Field`](super::Field)s: `User::age().gt(30) & User::city().eq("Lisbon")`.
pub struct Expr<R> {
    filter: std::result::Result<Map<String, Value>, String>,
    of: PhantomData<fn() -> R>,
}

impl<R> Expr<R> {
    pub(super) fn from_parts(filter: std::result::Result<Map<String, Value>, String>) -> Self {
        Self { filter, of: PhantomData }
    }

    /// Matches every document.
    pub fn all() -> Self {
        Self::from_parts(Ok(Map::new()))
    }

    /// The filter as [`Resource::query`](crate::Resource::query) takes it.
    ///
    /// Errors: `Config` when a value could not be serialised.
    pub fn to_json(&self) -> Result<Value> {
        match &self.filter {
            Ok(filter) => Ok(Value::Object(filter.clone())),
            Err(error) => Err(Error::new(ErrorKind::Config, "a value of the filter cannot be serialised")
                .with("reason", error)),
        }
    }

    /// Matches what both match.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.combine("$and", other)
    }

    /// Matches what one of them matches.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.combine("$or", other)
    }

    /// Filters of one kind become one list, in which the planner finds what an index can answer.
    fn combine(self, operator: &str, other: Self) -> Self {
        let operands = |mut filter: Map<String, Value>| match filter.remove(operator) {
            Some(Value::Array(operands)) if filter.is_empty() => operands,
            Some(operand) => {
                filter.insert(operator.to_owned(), operand);
                vec![Value::Object(filter)]
            }
            None => vec![Value::Object(filter)],
        };
        Self::from_parts(self.filter.and_then(|left| {
            let mut list = operands(left);
            list.extend(operands(other.filter?));
            Ok(Map::from_iter([(operator.to_owned(), Value::Array(list))]))
        }))
    }
}

impl<R> BitAnd for Expr<R> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

impl<R> BitOr for Expr<R> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl<R> Not for Expr<R> {
    type Output = Self;

    fn not(self) -> Self {
        Self::from_parts(self.filter.map(|filter| Map::from_iter([("$not".to_owned(), json!(filter))])))
    }
}

impl<R> Clone for Expr<R> {
    fn clone(&self) -> Self {
        Self::from_parts(self.filter.clone())
    }
}

impl<R> fmt::Debug for Expr<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.filter {
            Ok(filter) => write!(f, "Expr({})", json!(filter)),
            Err(error) => write!(f, "Expr(cannot be serialised: {error})"),
        }
    }
}
