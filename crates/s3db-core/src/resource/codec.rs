//! Between documents and objects: encoding and decoding, off the async threads where they are slow.

use std::sync::Arc;

use super::{Record, RecordMeta, Resource, State};
use crate::behavior::{self, Behavior, Exceeded, PlaceContext, Placement};
use crate::database::{Action, Event};
use crate::encoding::{DecodeContext, Decoded, Derive, EncodeContext, KeyRing};
use crate::plan::{Reference, STAMP};
use crate::store::{Object, PutObject};
use crate::unique::Claim;
use crate::{Document, Error, ErrorKind, Result};

/// Which write an object is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Update,
    Replace,
    SetContent,
    DeleteContent,
}

impl Operation {
    pub(super) fn action(self) -> Action {
        match self {
            Self::Insert => Action::Insert,
            Self::Update => Action::Update,
            Self::Replace => Action::Replace,
            Self::SetContent => Action::SetContent,
            Self::DeleteContent => Action::DeleteContent,
        }
    }

    /// Whether a document that is there goes on.
    fn keeps_document(self) -> bool {
        matches!(self, Self::Update | Self::SetContent | Self::DeleteContent)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::SetContent => "set_content",
            Self::DeleteContent => "delete_content",
        }
    }
}

/// A document, encoded and placed, ready for a plan.
pub(super) struct Placed {
    pub(super) data: Document,
    /// What listeners hear once the write is committed.
    pub(super) event: Option<Event>,
    pub(super) object: PutObject,
    pub(super) stamp: Option<String>,
    pub(super) references: Vec<Reference>,
    pub(super) claims: Vec<(Claim, PutObject)>,
    pub(super) overflowed: bool,
    pub(super) truncated: Vec<String>,
}

/// Where an encoded document is to be placed.
pub(super) struct Target {
    pub(super) behavior: Behavior,
    pub(super) limit_bytes: usize,
    /// The id, of an update.
    pub(super) updates: Option<String>,
    pub(super) stamp: Option<String>,
    pub(super) keeps_empty: bool,
}

impl Target {
    pub(super) fn context<'a>(&'a self, state: &'a State) -> PlaceContext<'a> {
        // The body of these is the document alone, so that their stamp needs room in the metadata.
        let stamp_in_metadata = self.stamp.as_ref().filter(|_| self.behavior == Behavior::BodyOnly);
        PlaceContext {
            limit_bytes: self
                .limit_bytes
                .saturating_sub(stamp_in_metadata.map_or(0, |stamp| STAMP.len() + stamp.len())),
            version: &state.version,
            timestamps: state.timestamps,
            id: self.updates.as_deref(),
            stamp: self.stamp.as_deref(),
            keeps_empty: self.keeps_empty,
        }
    }
}

impl Resource {
    /// Encodes and places a validated document.
    pub(super) async fn place(
        &self,
        state: &Arc<State>,
        id: &str,
        data: Document,
        operation: Operation,
    ) -> Result<Placed> {
        self.place_as(state.behavior, self.db.metadata_bytes_max(), state, id, data, operation).await
    }

    /// Places a document under another behavior or limit than the resource's own.
    pub(super) async fn place_as(
        &self,
        behavior: Behavior,
        limit_bytes: usize,
        state: &Arc<State>,
        id: &str,
        data: Document,
        operation: Operation,
    ) -> Result<Placed> {
        let target = Target {
            behavior,
            limit_bytes,
            updates: operation.keeps_document().then(|| id.to_owned()),
            stamp: self.db.options.stamps.then(|| crate::id::stamp(self.db.env.as_ref())),
            keeps_empty: self.db.store.capability().keeps_empty_metadata,
        };
        let (data, placement, Target { stamp, .. }) = self.encode(state, data, target).await?;
        let data =
            if placement.truncated.is_empty() { data } else { self.read_back(state, behavior, &placement)? };
        let mut metadata = placement.metadata;
        if let Some(stamp) = stamp.as_deref().filter(|_| behavior == Behavior::BodyOnly) {
            metadata.insert(STAMP, stamp);
        }
        let mut references = Vec::with_capacity(state.partitions.len());
        for partition in &state.partitions {
            if let Some(key) = partition.key(&self.db.keys, self.name(), id, &data, &state.version)? {
                references.push(Reference::new(key, &state.version, stamp.as_deref()));
            }
        }
        let claims = self.claims(state, id, &data, stamp.as_deref())?;
        let event = self.event_of(
            id,
            operation,
            behavior,
            &placement.truncated,
            placement.overflowed,
            placement.exceeds_limit,
        );
        Ok(Placed {
            data,
            event,
            object: PutObject {
                metadata: Arc::new(metadata),
                body: placement.body,
                content_type: placement.content_type.map(Into::into),
            },
            stamp,
            references,
            claims,
            overflowed: placement.overflowed,
            truncated: placement.truncated,
        })
    }

    fn event_of(
        &self,
        id: &str,
        operation: Operation,
        behavior: Behavior,
        truncated: &[String],
        overflowed: bool,
        exceeded: Option<Exceeded>,
    ) -> Option<Event> {
        let (resource, id) = (self.name().to_owned(), id.to_owned());
        if !truncated.is_empty() {
            return Some(Event::Truncated { resource, id, fields: truncated.to_vec() });
        }
        if overflowed {
            return Some(Event::Overflowed { resource, id });
        }
        let Exceeded { size_bytes, limit_bytes } = exceeded.filter(|_| behavior == Behavior::UserManaged)?;
        Some(Event::ExceedsLimit { resource, id, operation: operation.name(), size_bytes, limit_bytes })
    }

    /// Encodes and places a document, and gives it back as a reader will see it: amounts rounded, durations as ISO text.
    async fn encode(
        &self,
        state: &Arc<State>,
        data: Document,
        target: Target,
    ) -> Result<(Document, Placement, Target)> {
        let keys = self.keyring();
        let is_blocking = |data: &Document| state.mapper.encode_is_blocking(data, keys.as_deref());
        let mut blocks = is_blocking(&data);
        if blocks && let Some(warming) = self.db.warm_up() {
            warming.await;
            blocks = is_blocking(&data);
        }
        if !blocks {
            let (data, placement) = self.encode_now(state, data, &target, keys.as_deref())?;
            return Ok((data, placement, target));
        }
        let (this, state) = (self.clone(), state.clone());
        blocking(move || {
            let (data, placement) = this.encode_now(&state, data, &target, keys.as_deref())?;
            Ok((data, placement, target))
        })
        .await
    }

    fn encode_now(
        &self,
        state: &State,
        mut data: Document,
        target: &Target,
        keys: Option<&KeyRing>,
    ) -> Result<(Document, Placement)> {
        let random = self.db.env.as_ref();
        let hash = |password: &str, algorithm| self.db.hash_password(password, algorithm);
        let flat = state.mapper.encode(&data, &EncodeContext { keys, hash_password: Some(&hash), random })?;
        let placement = behavior::place(target.behavior, &flat, &state.mapper, &target.context(state))?;
        if flat.exact && (state.auto_decrypt || !state.mapper.has_sealed()) {
            let rounded = flat.rounded;
            state.mapper.round(&mut data, &rounded);
            return Ok((data, placement));
        }
        // The keys that encoding has used are cached by now.
        let context = DecodeContext { keys, derive: Derive::CachedOnly, auto_decrypt: state.auto_decrypt };
        match state.mapper.decode(&flat, &context)? {
            Decoded::Read(reading) => Ok((reading.document, placement)),
            Decoded::NotCached => Ok((data, placement)),
        }
    }

    fn read_back(&self, state: &State, behavior: Behavior, placement: &Placement) -> Result<Document> {
        let flat = behavior::gather(behavior, &placement.metadata, &placement.body, &state.mapper);
        let keys = self.keyring();
        let context = DecodeContext {
            keys: keys.as_deref(),
            derive: Derive::CachedOnly,
            auto_decrypt: state.auto_decrypt,
        };
        match state.mapper.decode(&flat, &context)? {
            Decoded::Read(reading) => Ok(reading.document),
            Decoded::NotCached => Err(Error::new(ErrorKind::Crypto, "a secret could not be opened")),
        }
    }

    /// Reads an object for what its index entries and claims must be. Without a passphrase secrets stay sealed, which
    /// no index is made of.
    pub(crate) async fn decode_for_index(
        &self,
        state: &Arc<State>,
        id: &str,
        object: Object,
    ) -> Result<Record> {
        let form = state.form_of(&object);
        if self.keyring().is_some() || !form.mapper.has_sealed() {
            return self.decode_stored(state, id, object).await;
        }
        let flat = behavior::gather(form.behavior, &object.head.metadata, &object.body, form.mapper);
        let data = form.mapper.plain_values(&flat).map_err(|error| self.at_object(error, id))?;
        Ok(Record { id: id.to_owned(), data, meta: RecordMeta::of(&object, form.behavior, &state.version) })
    }

    /// Reads an object as a record of the current version.
    pub(super) async fn decode(&self, state: &Arc<State>, id: &str, object: Object) -> Result<Record> {
        let record = self.decode_stored(state, id, object).await?;
        self.migrated(state, record).await
    }

    /// Reads an object as a record of the version that it was written under. What its index entries and claims are made
    /// of is this, and never what a migration makes of it.
    pub(super) async fn decode_stored(&self, state: &Arc<State>, id: &str, object: Object) -> Result<Record> {
        let keys = self.keyring();
        let mut decoded = decode_now(state, &object, keys.as_deref(), Derive::CachedOnly)
            .map_err(|error| self.at_object(error, id))?;
        if matches!(decoded, Decoded::NotCached) {
            let (state, object) = (state.clone(), object.clone());
            decoded = blocking(move || decode_now(&state, &object, keys.as_deref(), Derive::Allowed))
                .await
                .map_err(|error| self.at_object(error, id))?;
        }
        let Decoded::Read(reading) = decoded else {
            return Err(self.at(Error::new(ErrorKind::Crypto, "a secret could not be opened"), id));
        };
        for warning in &reading.warnings {
            tracing::warn!(resource = self.name(), id, field = warning.field, warning.message);
        }
        let data = reading.document;
        let meta = RecordMeta::of(&object, state.form_of(&object).behavior, &state.version);
        Ok(Record { id: id.to_owned(), data, meta })
    }
}

fn decode_now(state: &State, object: &Object, keys: Option<&KeyRing>, derive: Derive) -> Result<Decoded> {
    let form = state.form_of(object);
    let flat = behavior::gather(form.behavior, &object.head.metadata, &object.body, form.mapper);
    form.mapper.decode(&flat, &DecodeContext { keys, derive, auto_decrypt: state.auto_decrypt })
}

/// Runs slow work, such as deriving keys and hashing passwords, where it blocks no async thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "the work was cut off").caused_by(error)),
    }
}
