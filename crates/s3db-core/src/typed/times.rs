//! Times, UUIDs and decimals as attributes.

use serde_json::Value;

use super::values::leaf;
use super::{Attribute, Field, Shape, Size};

/// An instant as ISO text with milliseconds, which is all that the format keeps of it.
const INSTANT: Size = Size::AtMost(27);

/// Implements [`Attribute`] for times that a type of the schema keeps.
macro_rules! time {
    ($($type:ty: $word:literal, $normal:path;)+) => {$(
        impl Attribute for $type {
            type Path<R, K> = Field<R, Self, K>;
            const SIZE: Size = INSTANT;

            fn shape() -> Shape {
                Shape::word($word)
            }

            fn at<R, K>(path: std::borrow::Cow<'static, str>) -> Self::Path<R, K> {
                Field::new(path)
            }

            fn normal(value: Value) -> Value {
                match value.as_str().and_then($normal) {
                    Some(text) => Value::String(text),
                    None => value,
                }
            }
        }
    )+};
}

/// What the schema makes of an instant: milliseconds, in UTC.
fn instant(text: &str) -> Option<String> {
    let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    crate::encoding::time::iso_from_ms(ms)
}

fn clock(text: &str) -> Option<String> {
    let time = text.parse::<jiff::civil::Time>().ok()?;
    Some(format!("{:02}:{:02}:{:02}.{:03}", time.hour(), time.minute(), time.second(), time.millisecond()))
}

fn day(text: &str) -> Option<String> {
    Some(text.to_owned())
}

time! {
    jiff::Timestamp: "datetime", instant;
    jiff::civil::Date: "dateonly", day;
    jiff::civil::Time: "timeonly", clock;
}

// A zone, or the lack of one, and a length of time have no type that keeps all of them.
leaf! {
    jiff::Zoned: Size::Unbounded, Shape::text();
    jiff::civil::DateTime: Size::AtMost(40), Shape::text();
    jiff::Span: Size::Unbounded, Shape::text();
    jiff::SignedDuration: Size::AtMost(40), Shape::text();
    uuid::Uuid: Size::AtMost(36), Shape::word("uuid");
}

#[cfg(feature = "chrono")]
time! {
    chrono::DateTime<chrono::Utc>: "datetime", instant;
    chrono::NaiveDate: "dateonly", day;
    chrono::NaiveTime: "timeonly", clock;
}

#[cfg(feature = "chrono")]
leaf! {
    chrono::DateTime<chrono::FixedOffset>: Size::AtMost(40), Shape::text();
    chrono::NaiveDateTime: Size::AtMost(40), Shape::text();
}

#[cfg(feature = "decimal")]
leaf! {
    rust_decimal::Decimal: Size::AtMost(32), Shape::text();
}
