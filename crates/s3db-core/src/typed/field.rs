//! Names of fields, from which filters, changes and orders are made.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Attribute, Expr, Patch};
use crate::query::{Order, SortKey};

/// Marks a field that every document has.
#[derive(Debug, Clone, Copy)]
pub struct Required;

/// Marks a field that may be empty: an `Option`.
#[derive(Debug, Clone, Copy)]
pub struct Nullable;

/// The name of a field of type `T` in the documents `R`. `K` is [`Required`] or [`Nullable`].
///
/// The derive macro makes one for each field: `User::age().gt(30)`, `User::age().set(31)`, `User::age().desc()`.
pub struct Field<R, T, K = Required> {
    path: Cow<'static, str>,
    of: Types<R, T, K>,
}

/// Names types without holding values of them.
type Types<R, T, K> = PhantomData<fn() -> (R, T, K)>;

impl<R, T, K> Field<R, T, K> {
    /// Names the field at a dotted path. Nothing checks that it exists: prefer the names that the derive macro makes.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), of: PhantomData }
    }

    /// The dotted path.
    pub fn path(&self) -> &str {
        &self.path
    }

    #[doc(hidden)]
    pub fn join(&self, name: &'static str) -> Cow<'static, str> {
        if self.path.is_empty() { Cow::Borrowed(name) } else { format!("{}.{name}", self.path).into() }
    }

    /// Smallest first.
    pub fn asc(&self) -> SortBy<R> {
        SortBy::new(&self.path, Order::Ascending)
    }

    /// Largest first.
    pub fn desc(&self) -> SortBy<R> {
        SortBy::new(&self.path, Order::Descending)
    }

    fn test(&self, operator: &str, operand: Result<Value, String>) -> Expr<R> {
        Expr::from_parts(operand.map_err(|error| format!("{}: {error}", self.path)).map(|operand| {
            let test = Map::from_iter([(operator.to_owned(), operand)]);
            Map::from_iter([(self.path.to_string(), Value::Object(test))])
        }))
    }

    fn list<I>(&self, operator: &str, values: I) -> Expr<R>
    where
        I: IntoIterator,
        I::Item: Operand<T>,
    {
        let operands: Result<Vec<Value>, String> = values.into_iter().map(Operand::operand).collect();
        self.test(operator, operands.map(Value::Array))
    }

    /// Equal to a value.
    pub fn eq(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$eq", value.operand())
    }

    /// Not equal to a value, or empty.
    pub fn ne(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$ne", value.operand())
    }

    /// Greater than a value.
    pub fn gt(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$gt", value.operand())
    }

    /// Greater than a value or equal.
    pub fn gte(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$gte", value.operand())
    }

    /// Less than a value.
    pub fn lt(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$lt", value.operand())
    }

    /// Less than a value or equal.
    pub fn lte(&self, value: impl Operand<T>) -> Expr<R> {
        self.test("$lte", value.operand())
    }

    /// One of some values.
    pub fn is_in<I>(&self, values: I) -> Expr<R>
    where
        I: IntoIterator,
        I::Item: Operand<T>,
    {
        self.list("$in", values)
    }

    /// None of some values.
    pub fn not_in<I>(&self, values: I) -> Expr<R>
    where
        I: IntoIterator,
        I::Item: Operand<T>,
    {
        self.list("$nin", values)
    }

    /// Sets the field.
    pub fn set(&self, value: impl Operand<T>) -> Patch<R> {
        Patch::set(&self.path, value.operand())
    }
}

impl<R, T> Field<R, T, Nullable> {
    /// Empty: null or absent.
    pub fn is_none(&self) -> Expr<R> {
        self.test("$eq", Ok(Value::Null))
    }

    /// Not empty.
    pub fn is_some(&self) -> Expr<R> {
        self.test("$ne", Ok(Value::Null))
    }

    /// Empties the field.
    pub fn clear(&self) -> Patch<R> {
        Patch::set(&self.path, Ok(Value::Null))
    }
}

impl<R, K> Field<R, String, K> {
    /// Begins with a text.
    pub fn starts_with(&self, start: &str) -> Expr<R> {
        self.test("$startsWith", Ok(json!(start)))
    }

    /// Holds a match of a regular expression.
    pub fn matches(&self, pattern: &str) -> Expr<R> {
        self.test("$regex", Ok(json!(pattern)))
    }
}

impl<R, T: Number, K> Field<R, T, K> {
    /// Adds to the number; an empty field counts as 0.
    pub fn add(&self, amount: T) -> Patch<R> {
        Patch::add(&self.path, serde_json::to_value(amount).map_err(|error| error.to_string()))
    }
}

/// Types that can be added to.
pub trait Number: Serialize {}

macro_rules! numbers {
    ($($type:ty)+) => { $(impl Number for $type {})+ };
}

numbers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64);

impl<R, T, K> Clone for Field<R, T, K> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), of: PhantomData }
    }
}

impl<R, T, K> fmt::Debug for Field<R, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.path)
    }
}

/// A value that a field of type `T` can be compared with or set to: a `T`, a reference to one, and `&str` for `String`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{T}` cannot be compared with or set to `{Self}`",
    label = "expected `{T}`"
)]
pub trait Operand<T> {
    /// The value as it is stored, or why it cannot be.
    fn operand(self) -> Result<Value, String>;
}

impl<T: Attribute + Serialize> Operand<T> for T {
    fn operand(self) -> Result<Value, String> {
        serde_json::to_value(self).map(T::normal).map_err(|error| error.to_string())
    }
}

impl<T: Attribute + Serialize> Operand<T> for &T {
    fn operand(self) -> Result<Value, String> {
        serde_json::to_value(self).map(T::normal).map_err(|error| error.to_string())
    }
}

impl Operand<String> for &str {
    fn operand(self) -> Result<Value, String> {
        Ok(json!(self))
    }
}

/// One field to sort the documents `R` by: [`Field::asc`], [`Field::desc`].
#[derive(Clone)]
pub struct SortBy<R> {
    pub(super) key: SortKey,
    of: PhantomData<fn() -> R>,
}

impl<R> SortBy<R> {
    fn new(path: &str, order: Order) -> Self {
        Self { key: SortKey { path: path.to_owned(), order }, of: PhantomData }
    }
}

impl<R> fmt::Debug for SortBy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
