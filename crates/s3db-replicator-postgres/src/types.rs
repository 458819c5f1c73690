//! Which type of PostgreSQL holds a field.

use std::fmt;

use s3db_core::schema::FieldInfo;
use serde_json::Value;

use crate::table::Column;

/// Most letters of a `VARCHAR`.
const LETTERS_MAX: u64 = 10_485_760;

/// A type that columns are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlType {
    Text,
    Varchar(u32),
    Integer,
    Bigint,
    Double,
    Numeric,
    Boolean,
    Jsonb,
    Inet,
    Uuid,
    Timestamptz,
    Date,
    Time,
    Bytea,
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Varchar(letters) => return write!(f, "character varying({letters})"),
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Double => "double precision",
            Self::Numeric => "numeric",
            Self::Boolean => "boolean",
            Self::Jsonb => "jsonb",
            Self::Inet => "inet",
            Self::Uuid => "uuid",
            Self::Timestamptz => "timestamp with time zone",
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Bytea => "bytea",
        })
    }
}

/// A column that a field asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its name in the table.
    pub(crate) name: String,
    pub(crate) sql_type: SqlType,
    pub(crate) is_required: bool,
    /// Whether s3db.js would have taken `integer`.
    was_integer: bool,
}

impl Wanted {
    #[cfg(test)]
    pub(crate) fn new(name: String, sql_type: SqlType) -> Self {
        Self { name, sql_type, is_required: false, was_integer: false }
    }

    /// The columns of a resource: one for each field of the top level, the id left out.
    pub(crate) fn all(fields: &[FieldInfo]) -> Vec<Self> {
        fields
            .iter()
            .filter(|field| !field.path.contains(['.', '[']) && field.path != "id")
            .filter_map(|field| {
                let (sql_type, was_integer) = sql_type(field)?;
                Some(Self {
                    name: crate::name::name_of(&field.path),
                    sql_type,
                    is_required: !field.optional && !field.nullable,
                    was_integer,
                })
            })
            .collect()
    }

    /// Whether a column that is there holds all values of the field.
    pub(crate) fn fits(&self, found: &Column) -> bool {
        let base = found.base.as_str();
        if found.is_plain_text() {
            return true;
        }
        match self.sql_type {
            SqlType::Text => false,
            SqlType::Varchar(letters) => found.letters_max.is_some_and(|max| max >= letters),
            SqlType::Integer => matches!(base, "int4" | "int8" | "numeric" | "float8"),
            SqlType::Bigint => matches!(base, "int8" | "numeric" | "float8"),
            SqlType::Double => matches!(base, "float8" | "numeric") || self.was_integer && base == "int4",
            SqlType::Numeric => matches!(base, "numeric" | "float8"),
            SqlType::Boolean => base == "bool",
            SqlType::Jsonb => matches!(base, "jsonb" | "json"),
            SqlType::Inet => base == "inet",
            SqlType::Uuid => base == "uuid",
            SqlType::Timestamptz => base == "timestamptz",
            SqlType::Date => matches!(base, "date" | "timestamptz"),
            SqlType::Time => base == "time",
            SqlType::Bytea => base == "bytea",
        }
    }

    /// Whether a column becomes fit by a change that keeps each of its values.
    pub(crate) fn may_widen(&self, found: &Column) -> bool {
        match self.sql_type {
            SqlType::Text | SqlType::Varchar(_) => found.base == "varchar",
            SqlType::Bigint => found.base == "int4",
            SqlType::Double => found.base == "int4" || found.base == "int8",
            SqlType::Numeric => matches!(found.base.as_str(), "int4" | "int8"),
            _ => false,
        }
    }
}

/// The type of a field, and whether s3db.js would have taken `integer`; `None` where it has no values.
fn sql_type(field: &FieldInfo) -> Option<(SqlType, bool)> {
    let text = field.type_word.as_str();
    let word = text.split(':').next().unwrap_or_default();
    let mut was_integer = false;
    let sql_type = match word {
        "string" | "text" => match number(field, "max") {
            Some(max) if (1.0..=LETTERS_MAX as f64).contains(&max) && max.fract() == 0.0 => {
                SqlType::Varchar(max as u32)
            }
            _ => SqlType::Text,
        },
        "number" | "secretNumber" => {
            let is_small = number(field, "min").is_some_and(|min| min >= 0.0)
                && number(field, "max").is_some_and(|max| max <= f64::from(i32::MAX));
            was_integer = is_small;
            match (is_set(field, "integer"), is_small) {
                (true, true) => SqlType::Integer,
                (true, false) => SqlType::Bigint,
                // Without the rule there may be fractions.
                (false, _) => SqlType::Double,
            }
        }
        "money" | "crypto" | "decimal" => SqlType::Numeric,
        "geo" | "geo-lat" | "geo-lon" | "geo-point" => {
            if text.starts_with("geo:point") || text.starts_with("geo-point") {
                SqlType::Jsonb
            } else {
                SqlType::Double
            }
        }
        "boolean" | "bool" => SqlType::Boolean,
        "any" | "json" | "array" | "embedding" | "object" | "record" | "tuple" | "multi" | "secretAny" => {
            SqlType::Jsonb
        }
        "enum" if !has_text_values(field) => SqlType::Jsonb,
        "uuid" => SqlType::Uuid,
        "ip4" | "ip6" => SqlType::Inet,
        "date" | "datetime" => SqlType::Timestamptz,
        "dateonly" => SqlType::Date,
        "timeonly" => SqlType::Time,
        "buffer" | "bits" => SqlType::Bytea,
        "forbidden" => return None,
        _ => SqlType::Text,
    };
    Some((sql_type, was_integer))
}

fn number(field: &FieldInfo, rule: &str) -> Option<f64> {
    let value = field.rules.get(rule)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn is_set(field: &FieldInfo, rule: &str) -> bool {
    field.rules.get(rule).is_some_and(|value| !matches!(value, Value::Bool(false) | Value::Null))
}

fn has_text_values(field: &FieldInfo) -> bool {
    match field.rules.get("values") {
        Some(Value::Array(values)) => values.iter().all(Value::is_string),
        _ => true,
    }
}

/// The type of a column for values that no schema speaks of; `None` while there are none.
pub(crate) fn of_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<SqlType> {
    let mut found = None;
    for value in values {
        let of_value = match value {
            Value::Null => continue,
            Value::Bool(_) => SqlType::Boolean,
            Value::Number(_) => SqlType::Double,
            Value::String(_) => SqlType::Text,
            Value::Array(_) | Value::Object(_) => SqlType::Jsonb,
        };
        found = match found {
            None => Some(of_value),
            Some(before) if before == of_value => found,
            Some(_) => return Some(SqlType::Jsonb),
        };
    }
    found
}

#[cfg(test)]
mod tests;
