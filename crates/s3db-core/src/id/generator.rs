//! Which ids a resource gives to documents that come without one.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::incremental::FORMS;
use super::{ID_SIZE, ID_SIZE_MAX, Incremental, random, timed};
use crate::env::Random;
use crate::{Document, Error, ErrorKind, Result};

/// A function that makes an id from the validated document.
pub type CustomId = Arc<dyn Fn(&Document) -> String + Send + Sync>;

/// Which ids a resource gives to documents that come without one.
///
/// ```
/// use s3db_core::ResourceConfig;
/// use s3db_core::id::{IdGenerator, Incremental};
/// use serde_json::json;
///
/// let attributes = json!({"label": "string"});
/// let config = |generator| ResourceConfig::new("orders", attributes.clone()).id_generator(generator);
/// config(IdGenerator::nanoid(12));
/// config(IdGenerator::UuidV7);
/// config(IdGenerator::Incremental(Incremental::parse("incremental:ORD-0001")?));
/// config(IdGenerator::custom(|order| format!("order-{}", order["label"].as_str().unwrap_or("none"))));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum IdGenerator {
    /// Random characters of `A-Za-z0-9_-`.
    Nanoid {
        /// How many, from 1 to 255.
        size: usize,
    },
    /// Random characters of an own alphabet.
    Alphabet {
        /// How many, from 1 to 255.
        size: usize,
        /// From 2 to 256 different characters, none of them `/ \ = %`.
        alphabet: String,
    },
    /// Random UUIDs, of version 4.
    UuidV4,
    /// UUIDs of version 7, which sort by the time that they were made.
    UuidV7,
    /// ULIDs: 26 characters, which sort by the time that they were made.
    Ulid,
    /// Numbers of a sequence that all writers share.
    Incremental(Incremental),
    /// A function of the program. It must be given again each time that the program starts: it is not stored.
    Custom(CustomId),
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self::nanoid(ID_SIZE)
    }
}

impl IdGenerator {
    /// Random characters of `A-Za-z0-9_-`.
    pub fn nanoid(size: usize) -> Self {
        Self::Nanoid { size }
    }

    /// A function of the validated document. An empty id from it fails the insert with `Validation`.
    pub fn custom(make: impl Fn(&Document) -> String + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(make))
    }

    /// Reads a setting: a number is the size of a nanoid; a text is `nanoid`, `uuid` (or `uuid:v4`), `uuid:v7`, `ulid`
    /// or one of the forms of [`Incremental::parse`]; an object has a `type`: `incremental`, or `nanoid` with `size`
    /// and `alphabet`.
    ///
    /// # Errors
    /// `Config`, which lists the forms.
    pub fn from_json(setting: &Value) -> Result<Self> {
        let generator = match setting {
            Value::Number(size) => {
                let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                Self::nanoid(size.ok_or_else(|| unknown(setting))?)
            }
            Value::String(text) => match text.as_str() {
                "nanoid" => Self::default(),
                "uuid" | "uuid:v4" => Self::UuidV4,
                "uuid:v7" => Self::UuidV7,
                "ulid" => Self::Ulid,
                text if text.starts_with("incremental") => Self::Incremental(Incremental::parse(text)?),
                _ => return Err(unknown(setting)),
            },
            Value::Object(members) => match members.get("type").and_then(Value::as_str) {
                Some("incremental") => Self::Incremental(Incremental::from_json(members)?),
                Some("nanoid") => nanoid_from_json(members).ok_or_else(|| unknown(setting))?,
                _ => return Err(unknown(setting)),
            },
            _ => return Err(unknown(setting)),
        };
        generator.check()?;
        Ok(generator)
    }

    /// The word that s3db.js has for it in the catalogue: `default`, `incremental` or `custom`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Nanoid { .. } => "default",
            Self::Incremental(_) => "incremental",
            _ => "custom",
        }
    }

    /// What the word and the size do not say, for the catalogue; read by [`Self::from_json`]. `None` where they say it
    /// all, and for functions.
    pub(crate) fn settings(&self) -> Option<Value> {
        match self {
            Self::Nanoid { .. } | Self::Custom(_) => None,
            Self::Incremental(settings) if *settings == Incremental::default() => None,
            Self::Incremental(settings) => Some(settings.to_json()),
            Self::Alphabet { size, alphabet } => {
                Some(json!({"type": "nanoid", "size": size, "alphabet": alphabet}))
            }
            Self::UuidV4 => Some("uuid:v4".into()),
            Self::UuidV7 => Some("uuid:v7".into()),
            Self::Ulid => Some("ulid".into()),
        }
    }

    /// Length of random ids.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Nanoid { size } | Self::Alphabet { size, .. } => Some(*size),
            _ => None,
        }
    }

    /// Refuses settings that no id can be made of.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Nanoid { size } | Self::Alphabet { size, .. } if !(1..=ID_SIZE_MAX).contains(size) => {
                Err(Error::new(ErrorKind::Config, "idSize is from 1 to 255").with("got", size))
            }
            Self::Alphabet { alphabet, .. } => {
                let mut characters: Vec<char> = alphabet.chars().collect();
                let count = characters.len();
                characters.sort_unstable();
                characters.dedup();
                let usable = crate::key::check_id(alphabet).is_ok();
                if usable && (2..=256).contains(&count) && characters.len() == count {
                    return Ok(());
                }
                Err(Error::new(ErrorKind::Config, "the alphabet of ids cannot be used")
                    .with("got", alphabet)
                    .hint("from 2 to 256 different characters, none of them `/`, `\\`, `=` or `%`"))
            }
            Self::Incremental(settings) => settings.check(),
            _ => Ok(()),
        }
    }

    /// An id for a document; `None` for [`Self::Incremental`], whose numbers are on the bucket.
    ///
    /// Errors: `Validation` for an empty id of a function.
    pub(crate) fn generate(
        &self,
        random: &dyn Random,
        now_ms: i64,
        document: &Document,
    ) -> Result<Option<String>> {
        Ok(Some(match self {
            Self::Nanoid { size } => random::random_id(random, *size),
            Self::Alphabet { size, alphabet } => {
                let alphabet: Vec<char> = alphabet.chars().collect();
                random::random_id_of(random, &alphabet, *size)
            }
            Self::UuidV4 => timed::uuid_v4(random),
            Self::UuidV7 => timed::uuid_v7(random, now_ms),
            Self::Ulid => timed::ulid(random, now_ms),
            Self::Incremental(_) => return Ok(None),
            Self::Custom(make) => {
                let id = make(document);
                if id.is_empty() {
                    return Err(Error::new(ErrorKind::Validation, "the id generator gave an empty id")
                        .with("field", "id")
                        .hint("the function must return a text for every document, or the document bring its id"));
                }
                id
            }
        }))
    }
}

impl fmt::Debug for IdGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(_) => f.write_str("Custom(..)"),
            Self::Nanoid { size } => write!(f, "Nanoid({size})"),
            other => write!(f, "{}", other.settings().unwrap_or_else(|| other.word().into())),
        }
    }
}

fn nanoid_from_json(members: &Map<String, Value>) -> Option<IdGenerator> {
    let known = members.keys().all(|name| matches!(name.as_str(), "type" | "size" | "alphabet"));
    let size = match members.get("size") {
        None => ID_SIZE,
        Some(size) => usize::try_from(size.as_u64()?).ok()?,
    };
    known.then_some(match members.get("alphabet") {
        None => IdGenerator::nanoid(size),
        Some(alphabet) => IdGenerator::Alphabet { size, alphabet: alphabet.as_str()?.to_owned() },
    })
}

fn unknown(setting: &Value) -> Error {
    Error::new(ErrorKind::Config, "the id generator is not known").with("got", setting).hint(format!(
        "a number from 1 to 255, nanoid, uuid:v4, uuid:v7, ulid, \
         {{\"type\": \"nanoid\", \"size\", \"alphabet\"}}, or incremental: {FORMS}"
    ))
}
