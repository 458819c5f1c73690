//! The types of the standard library as attributes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::{Attribute, Field, Nullable, Shape, Size};

/// Implements [`Attribute`] for types whose field has no fields of its own.
macro_rules! leaf {
    ($($type:ty: $size:expr, $shape:expr;)+) => {$(
        impl crate::typed::Attribute for $type {
            type Path<R, K> = crate::typed::Field<R, Self, K>;
            const SIZE: crate::typed::Size = $size;

            fn shape() -> crate::typed::Shape {
                $shape
            }

            fn at<R, K>(path: std::borrow::Cow<'static, str>) -> Self::Path<R, K> {
                crate::typed::Field::new(path)
            }
        }
    )+};
}
pub(super) use leaf;

/// Digits of a number with sign, point and exponent, in any of its stored forms.
const NUMBER: Size = Size::AtMost(26);

leaf! {
    bool: Size::AtMost(1), Shape::word("boolean");
    u8: Size::AtMost(2), Shape::word("number|integer|min:0");
    u16: Size::AtMost(3), Shape::word("number|integer|min:0");
    u32: Size::AtMost(6), Shape::word("number|integer|min:0");
    u64: NUMBER, Shape::word("number|integer|min:0");
    usize: NUMBER, Shape::word("number|integer|min:0");
    i8: Size::AtMost(3), Shape::word("number|integer");
    i16: Size::AtMost(4), Shape::word("number|integer");
    i32: Size::AtMost(7), Shape::word("number|integer");
    i64: NUMBER, Shape::word("number|integer");
    isize: NUMBER, Shape::word("number|integer");
    f32: NUMBER, Shape::word("number");
    f64: NUMBER, Shape::word("number");
    char: Size::text(2), Shape::text();
    String: Size::Text, Shape::text();
    Box<str>: Size::Text, Shape::text();
    Arc<str>: Size::Text, Shape::text();
    Ipv4Addr: Size::AtMost(15), Shape::word("ip4");
    Ipv6Addr: Size::AtMost(45), Shape::word("ip6");
    IpAddr: Size::AtMost(45), Shape::text();
    Value: Size::Unbounded, Shape::any();
    serde_json::Map<String, Value>: Size::Unbounded, Shape::json();
}

/// Implements [`Attribute`] for lists.
macro_rules! list {
    ($($type:ty),+) => {$(
        impl<T: Attribute> Attribute for $type {
            type Path<R, K> = Field<R, Self, K>;
            const SIZE: Size = Size::Unbounded;

            fn shape() -> Shape {
                Shape::list(T::shape())
            }

            fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
                Field::new(path)
            }
        }
    )+};
}

list! {
    Vec<T>,
    VecDeque<T>,
    BTreeSet<T>,
    Box<[T]>
}

impl<T: Attribute, S> Attribute for HashSet<T, S> {
    type Path<R, K> = Field<R, Self, K>;
    const SIZE: Size = Size::Unbounded;

    fn shape() -> Shape {
        Shape::list(T::shape())
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        Field::new(path)
    }
}

impl<T: Attribute, const N: usize> Attribute for [T; N] {
    type Path<R, K> = Field<R, Self, K>;
    const SIZE: Size = Size::Unbounded;

    fn shape() -> Shape {
        Shape::list(T::shape()).rule("length", N)
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        Field::new(path)
    }
}

impl<T: Attribute> Attribute for BTreeMap<String, T> {
    type Path<R, K> = Field<R, Self, K>;
    const SIZE: Size = Size::Unbounded;

    fn shape() -> Shape {
        Shape::map(&T::shape())
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        Field::new(path)
    }
}

impl<T: Attribute, S> Attribute for HashMap<String, T, S> {
    type Path<R, K> = Field<R, Self, K>;
    const SIZE: Size = Size::Unbounded;

    fn shape() -> Shape {
        Shape::map(&T::shape())
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        Field::new(path)
    }
}

impl<T: Attribute> Attribute for Option<T> {
    type Path<R, K> = T::Path<R, Nullable>;
    const SIZE: Size = T::SIZE;

    fn shape() -> Shape {
        T::shape().optional()
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        T::at(path)
    }

    fn normal(value: Value) -> Value {
        if value.is_null() { value } else { T::normal(value) }
    }
}

/// Implements [`Attribute`] for pointers, which are what they point to.
macro_rules! pointer {
    ($($type:ty),+) => {$(
        impl<T: Attribute> Attribute for $type {
            type Path<R, K> = T::Path<R, K>;
            const SIZE: Size = T::SIZE;

            fn shape() -> Shape {
                T::shape()
            }

            fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
                T::at(path)
            }

            fn normal(value: Value) -> Value {
                T::normal(value)
            }
        }
    )+};
}

pointer!(Box<T>, Rc<T>, Arc<T>);
