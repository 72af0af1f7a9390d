//! What a request's body holds.

use super::shared::{role, text};
use doorward_domain::{email, password, username};
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, Array, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr, Required};

/// A field of a JSON object that a client sends.
pub(crate) struct Field {
    name: &'static str,
    schema: Schema,
    is_required: bool,
}

impl Field {
    /// A field with this schema, which may be left out.
    pub(crate) fn new(name: &'static str, about: &str, mut schema: Object) -> Self {
        schema.description = Some(about.to_owned());
        Self {
            name,
            schema: schema.into(),
            is_required: false,
        }
    }

    /// A field with several values, which may be left out.
    pub(crate) fn list(name: &'static str, about: &str, mut schema: Array) -> Self {
        schema.description = Some(about.to_owned());
        Self {
            name,
            schema: schema.into(),
            is_required: false,
        }
    }

    /// Any text.
    pub(crate) fn text(name: &'static str, about: &str) -> Self {
        Self::new(name, about, text().build())
    }

    /// A text that must not be shown.
    pub(crate) fn secret(name: &'static str, about: &str) -> Self {
        Self::new(name, about, secret().build())
    }

    /// A password that somebody has, or is to have.
    pub(crate) fn password(name: &'static str, about: &str) -> Self {
        let schema = secret().max_length(Some(password::MAX_CHARS));
        Self::new(name, about, schema.build())
    }

    /// True or false.
    pub(crate) fn flag(name: &'static str, about: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Boolean).build();
        Self::new(name, about, schema)
    }

    /// A username.
    pub(crate) fn username(about: &str) -> Self {
        let lengths = text()
            .min_length(Some(1))
            .max_length(Some(username::MAX_LENGTH));
        Self::new("username", about, lengths.build())
    }

    /// An email address.
    pub(crate) fn email(about: &str) -> Self {
        let format = Some(SchemaFormat::KnownFormat(KnownFormat::Email));
        let longest = Some(email::MAX_LENGTH);
        let schema = text().format(format).max_length(longest);
        Self::new("email", about, schema.build())
    }

    /// A role.
    pub(crate) fn role(about: &str) -> Self {
        Self::new("role", about, role())
    }

    /// The same, but it must be there.
    pub(crate) fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// The JSON object that a request brings.
pub(crate) struct Body {
    name: &'static str,
    fields: Vec<Field>,
    examples: Vec<(&'static str, Value)>,
    ignores_others: bool,
}

impl Body {
    /// An object with these fields and no others; `name` is what the document calls it.
    pub(crate) fn new(name: &'static str, fields: impl Into<Vec<Field>>) -> Self {
        Self {
            name,
            fields: fields.into(),
            examples: Vec::new(),
            ignores_others: false,
        }
    }

    /// Other fields are ignored, not refused.
    pub(crate) fn ignoring_others(self) -> Self {
        Self {
            ignores_others: true,
            ..self
        }
    }

    /// One more example, by its name.
    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        self.examples.push((name, value));
        self
    }

    /// The first example.
    pub(super) fn first_example(&self) -> Option<&Value> {
        self.examples.first().map(|(_, value)| value)
    }

    /// The name and the schema, for the document's components.
    pub(super) fn component(&self) -> (String, RefOr<Schema>) {
        let others = AdditionalProperties::FreeForm(self.ignores_others);
        let mut object = ObjectBuilder::new().additional_properties(Some(others));
        for field in &self.fields {
            object = object.property(field.name, field.schema.clone());
            if field.is_required {
                object = object.required(field.name);
            }
        }
        (self.name.to_owned(), object.into())
    }

    pub(super) fn described(&self) -> RequestBody {
        let is_required = self.fields.iter().any(|field| field.is_required);
        let examples = self.examples.iter().map(|(name, value)| {
            let example = ExampleBuilder::new()
                .summary(*name)
                .value(Some(value.clone()));
            (example_key(name), example)
        });
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(self.name)))
            .examples_from_iter(examples)
            .build();
        RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(if is_required {
                Required::True
            } else {
                Required::False
            }))
            .build()
    }
}

fn secret() -> ObjectBuilder {
    let format = Some(SchemaFormat::KnownFormat(KnownFormat::Password));
    text().format(format).write_only(true)
}

/// A name as keys of components are spelled.
pub(super) fn example_key(name: &str) -> String {
    name.to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}
