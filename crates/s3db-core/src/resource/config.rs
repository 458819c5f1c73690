//! What a resource is made from.

use serde_json::Value;

use crate::behavior::Behavior;
use crate::id::{ID_SIZE, IdGenerator};
use crate::{Document, Error, ErrorKind, Result};

/// Definition of a resource, for [`Database::create_resource`](crate::Database::create_resource).
///
/// ```
/// use s3db_core::ResourceConfig;
/// use serde_json::json;
///
/// let config = ResourceConfig::new("users", json!({
///     "name": "string|min:2",
///     "email": "email",
///     "age": "number|integer|min:0|optional",
///     "profile": { "city": "string", "lang": "string|length:5|optional" },
/// }))
/// .timestamps(true)
/// .partitions(json!({ "byCity": { "fields": { "profile.city": "string" } } }));
/// ```
#[derive(Debug, Clone)]
pub struct ResourceConfig {
    pub(crate) name: String,
    pub(crate) attributes: Value,
    pub(crate) behavior: Behavior,
    pub(crate) timestamps: bool,
    pub(crate) paranoid: bool,
    pub(crate) partitions: Value,
    pub(crate) all_nested_objects_optional: bool,
    pub(crate) auto_decrypt: bool,
    pub(crate) id_size: usize,
    pub(crate) id_generator: Option<IdGenerator>,
    pub(crate) created_by: String,
}

impl ResourceConfig {
    /// A resource of `attributes`, an object in schema notation. The behavior is [`Behavior::BodyOverflow`].
    pub fn new(name: impl Into<String>, attributes: Value) -> Self {
        Self {
            name: name.into(),
            attributes,
            behavior: Behavior::BodyOverflow,
            timestamps: false,
            paranoid: true,
            partitions: Value::Null,
            all_nested_objects_optional: true,
            auto_decrypt: true,
            id_size: ID_SIZE,
            id_generator: None,
            created_by: "user".to_owned(),
        }
    }

    /// Name of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// What happens to documents over the metadata limit.
    #[must_use]
    pub fn behavior(mut self, behavior: Behavior) -> Self {
        self.behavior = behavior;
        self
    }

    /// Keeps `createdAt` and `updatedAt`, and the partitions `byCreatedDate` and `byUpdatedDate`.
    #[must_use]
    pub fn timestamps(mut self, timestamps: bool) -> Self {
        self.timestamps = timestamps;
        self
    }

    /// Refuses `delete_all` without force; on by default.
    #[must_use]
    pub fn paranoid(mut self, paranoid: bool) -> Self {
        self.paranoid = paranoid;
        self
    }

    /// Partitions: `{"byCity": {"fields": {"city": "string"}}}`, or a list of field names.
    #[must_use]
    pub fn partitions(mut self, partitions: Value) -> Self {
        self.partitions = partitions;
        self
    }

    /// Whether nested objects are optional unless they say otherwise; on by default.
    #[must_use]
    pub fn all_nested_objects_optional(mut self, optional: bool) -> Self {
        self.all_nested_objects_optional = optional;
        self
    }

    /// Whether reads open secrets; on by default.
    #[must_use]
    pub fn auto_decrypt(mut self, auto_decrypt: bool) -> Self {
        self.auto_decrypt = auto_decrypt;
        self
    }

    /// Which ids documents get that come without one. Not given, a resource that exists keeps its own, and a new one
    /// gives random ids of [`id_size`](Self::id_size) characters.
    #[must_use]
    pub fn id_generator(mut self, generator: IdGenerator) -> Self {
        self.id_generator = Some(generator);
        self
    }

    /// Length of random ids, in characters; 22 by default.
    #[must_use]
    pub fn id_size(mut self, id_size: usize) -> Self {
        self.id_size = id_size;
        self
    }

    /// Who made the resource: `user`, or the name of a plugin.
    #[must_use]
    pub fn created_by(mut self, created_by: impl Into<String>) -> Self {
        self.created_by = created_by.into();
        self
    }

    /// Reads a definition in the form of the catalogue: `{"name", "attributes", "behavior", "timestamps", …}`.
    ///
    /// Errors: `Config` for an unknown member or a member of the wrong type, naming it.
    pub fn from_json(definition: &Value) -> Result<Self> {
        let members = definition.as_object().ok_or_else(|| {
            Error::new(ErrorKind::Config, "a resource definition is a JSON object")
                .hint("{\"name\": …, \"attributes\": {…}}")
        })?;
        let name = members.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| wrong_member("name", "a text", members))?;
        let attributes = members.get("attributes").cloned();
        let attributes = attributes.ok_or_else(|| wrong_member("attributes", "an object", members))?;
        let mut config = Self::new(name, attributes);
        for (member, value) in members {
            let flag = || value.as_bool().ok_or_else(|| wrong_member(member, "true or false", members));
            match member.as_str() {
                "name" | "attributes" => {}
                "behavior" => {
                    let text = value.as_str().ok_or_else(|| wrong_member(member, "a text", members))?;
                    config.behavior = text.parse()?;
                }
                "timestamps" => config.timestamps = flag()?,
                "paranoid" => config.paranoid = flag()?,
                "partitions" => config.partitions = value.clone(),
                "allNestedObjectsOptional" => config.all_nested_objects_optional = flag()?,
                "autoDecrypt" => config.auto_decrypt = flag()?,
                "idSize" => {
                    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
                    config.id_size = size.ok_or_else(|| wrong_member(member, "a whole number", members))?;
                }
                // The word that catalogues have for ids of `idSize`.
                "idGenerator" if value == "default" => {}
                "idGenerator" => config.id_generator = Some(IdGenerator::from_json(value)?),
                "createdBy" => {
                    let text = value.as_str().ok_or_else(|| wrong_member(member, "a text", members))?;
                    config.created_by = text.to_owned();
                }
                _ => return Err(wrong_member(member, "no member of a definition", members)),
            }
        }
        Ok(config)
    }
}

fn wrong_member(member: &str, wanted: &str, members: &Document) -> Error {
    Error::new(ErrorKind::Config, "the resource definition has a wrong or missing member")
        .with("member", member)
        .with("wanted", wanted)
        .with("resource", members.get("name").and_then(Value::as_str).unwrap_or("?"))
        .hint("the members are name, attributes, behavior, timestamps, paranoid, partitions, allNestedObjectsOptional, autoDecrypt, idSize, idGenerator, createdBy")
}
