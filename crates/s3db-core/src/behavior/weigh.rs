//! How many bytes of the metadata each field of a document takes, and what each behavior makes of the document.

use std::collections::HashMap;

use super::{Behavior, PlaceContext, Placement, place, private};
use crate::encoding::Mapper;
use crate::encoding::mapper::Flat;
use crate::{ErrorKind, Result};

/// What a document weighs. Made by [`Resource::weigh`](crate::Resource::weigh).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weight {
    /// Bytes of names and values that the document takes as metadata, all of it, as the store counts them.
    pub metadata_bytes: usize,
    /// Bytes that the store takes as metadata.
    pub limit_bytes: usize,
    /// Bytes that are not the fields' own: the version, and what the stored texts do not tell.
    pub system_bytes: usize,
    /// Fields by their dotted path, the heaviest first.
    pub fields: Vec<FieldWeight>,
    /// What becomes of the document under each behavior, in the order of [`Behavior::ALL`].
    pub outcomes: Vec<Outcome>,
}

/// What a field weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldWeight {
    /// Its dotted path. An object that is stored as one JSON text is one field.
    pub field: String,
    /// Bytes of its stored name and value.
    pub bytes: usize,
}

/// What becomes of a document under a behavior.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The behavior.
    pub behavior: Behavior,
    /// Where the document goes.
    pub fate: Fate,
    /// Bytes of the metadata of its object.
    pub metadata_bytes: usize,
    /// Bytes of the body of its object.
    pub body_bytes: usize,
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// All fields are in the metadata.
    Metadata,
    /// Some fields are in the metadata, the others in the body.
    Split,
    /// All fields are in the body.
    Body,
    /// The fields of these paths are cut or dropped.
    Cut(Vec<String>),
    /// The document is refused.
    Refused,
}

/// Weighs a document that the mapper has encoded, under behaviors and what each places with.
pub(crate) fn weigh(
    flat: &Flat<'_>,
    mapper: &Mapper,
    limit_bytes: usize,
    contexts: &[(Behavior, PlaceContext<'_>)],
) -> Result<Weight> {
    let endless = PlaceContext { limit_bytes: usize::MAX, ..PlaceContext::new(version(contexts)) };
    let whole = place(Behavior::BodyOverflow, flat, mapper, &endless)?.metadata;
    let mut system_bytes = 0;
    let mut by_field: HashMap<&str, usize> = HashMap::new();
    for (name, value) in whole.iter() {
        let bytes = name.len() + value.len();
        if matches!(name, private::VERSION | private::MARKS | private::PLUGIN_MAP) {
            system_bytes += bytes;
        } else {
            let node = mapper.node_of_key(name).and_then(|id| mapper.node(id));
            *by_field.entry(node.map_or(name, |node| node.path.as_str())).or_default() += bytes;
        }
    }
    let mut fields: Vec<FieldWeight> =
        by_field.into_iter().map(|(field, bytes)| FieldWeight { field: field.to_owned(), bytes }).collect();
    fields.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.field.cmp(&b.field)));
    let outcomes = contexts.iter().map(|(behavior, context)| {
        let behavior = *behavior;
        match place(behavior, flat, mapper, context) {
            Ok(placement) => Ok(outcome(behavior, placement)),
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                Ok(Outcome { behavior, fate: Fate::Refused, metadata_bytes: 0, body_bytes: 0 })
            }
            Err(error) => Err(error),
        }
    });
    Ok(Weight {
        metadata_bytes: whole.size_bytes(),
        limit_bytes,
        system_bytes,
        fields,
        outcomes: outcomes.collect::<Result<_>>()?,
    })
}

fn version<'a>(contexts: &[(Behavior, PlaceContext<'a>)]) -> &'a str {
    contexts.first().map_or("", |(_, context)| context.version)
}

fn outcome(behavior: Behavior, placement: Placement) -> Outcome {
    let (metadata_bytes, body_bytes) = (placement.metadata.size_bytes(), placement.body.len());
    let fate = if !placement.truncated.is_empty() {
        Fate::Cut(placement.truncated)
    } else if placement.overflowed {
        Fate::Split
    } else if placement.exceeds_limit.is_some() || behavior == Behavior::BodyOnly {
        Fate::Body
    } else {
        Fate::Metadata
    };
    Outcome { behavior, fate, metadata_bytes, body_bytes }
}
