//! What an operation answers when it is not a problem.

use super::body::example_key;
use super::shared::Header;
use actix_web::http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Schema};
use utoipa::openapi::{Content, Ref, RefOr};

/// An answer with its status, its body and its headers.
pub(crate) struct Reply {
    pub(super) status: StatusCode,
    pub(super) about: &'static str,
    pub(super) headers: Vec<Header>,
    pub(super) components: Vec<(String, RefOr<Schema>)>,
    media_types: Vec<&'static str>,
    schemas: Vec<RefOr<Schema>>,
    examples: Vec<(&'static str, Value)>,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode, about: &'static str) -> Self {
        Self {
            status,
            about,
            headers: vec![Header::RequestId],
            components: Vec::new(),
            media_types: vec!["application/json"],
            schemas: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// A JSON object.
    pub(crate) fn json<T: ToSchema>(status: StatusCode, about: &'static str) -> Self {
        Self::empty(status, about).or::<T>()
    }

    /// A JSON array of such objects.
    pub(crate) fn list<T: ToSchema>(status: StatusCode, about: &'static str) -> Self {
        Self::empty(status, about).or_list::<T>()
    }

    /// Anything that is not JSON.
    pub(crate) fn of_type(
        status: StatusCode,
        about: &'static str,
        media_type: &'static str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        Self {
            media_types: vec![media_type],
            schemas: vec![schema.into()],
            ..Self::empty(status, about)
        }
    }

    /// The same as another media type.
    pub(crate) fn or_type(mut self, media_type: &'static str) -> Self {
        self.media_types.push(media_type);
        self
    }

    /// The same status with another object, where it depends on the caller or on the request.
    pub(crate) fn or<T: ToSchema>(mut self) -> Self {
        let object = self.reference::<T>();
        self.schemas.push(object.into());
        self
    }

    /// The same status with an array of other objects.
    pub(crate) fn or_list<T: ToSchema>(mut self) -> Self {
        let items = self.reference::<T>();
        self.schemas.push(ArrayBuilder::new().items(items).into());
        self
    }

    /// One more example, by its name.
    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        self.examples.push((name, value));
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, header: Header) -> Self {
        self.headers.push(header);
        self
    }

    /// The media types with what they hold; none where the answer has no body.
    pub(super) fn contents(&self) -> Vec<(&'static str, Content)> {
        let schema: RefOr<Schema> = match self.schemas.as_slice() {
            [] => return Vec::new(),
            [schema] => schema.clone(),
            several => several
                .iter()
                .fold(AnyOfBuilder::new(), |any, schema| any.item(schema.clone()))
                .into(),
        };
        let examples = self.examples.iter().map(|(name, value)| {
            let example = ExampleBuilder::new()
                .summary(*name)
                .value(Some(value.clone()));
            (example_key(name), example)
        });
        let content = ContentBuilder::new()
            .schema(Some(schema))
            .examples_from_iter(examples)
            .build();
        let media_types = self.media_types.iter();
        media_types.map(|name| (*name, content.clone())).collect()
    }

    /// Notes the type, and those that it holds, for the document's components.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        self.components.push((T::name().into(), T::schema()));
        T::schemas(&mut self.components);
        Ref::from_schema_name(T::name())
    }
}
