//! What many operations have: headers, parameters, small schemas.

use doorward_domain::{Role, Scope, Scopes};
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, Required, header};

/// A header of an answer that is worth a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// The name under which the log has the request.
    RequestId,
    /// The version of what was sent.
    ETag,
    /// Where the list goes on.
    Link,
    /// When it is worth another try.
    RetryAfter,
    /// What is left of the budgets.
    RateLimit,
    /// How large they are.
    RateLimitPolicy,
    /// What a 401 asks for.
    WwwAuthenticate,
    /// Who calls, for a proxy.
    UserId,
    /// What he may do.
    UserRole,
    /// What his credential may be used for.
    Scopes,
}

impl Header {
    /// Every one.
    pub(super) const ALL: [Self; 10] = [
        Self::RequestId,
        Self::ETag,
        Self::Link,
        Self::RetryAfter,
        Self::RateLimit,
        Self::RateLimitPolicy,
        Self::WwwAuthenticate,
        Self::UserId,
        Self::UserRole,
        Self::Scopes,
    ];

    /// Its name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "X-Request-ID",
            Self::ETag => "ETag",
            Self::Link => "Link",
            Self::RetryAfter => "Retry-After",
            Self::RateLimit => "RateLimit",
            Self::RateLimitPolicy => "RateLimit-Policy",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::UserId => "X-User-Id",
            Self::UserRole => "X-User-Role",
            Self::Scopes => "X-Scopes",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::RequestId => {
                "The request's name in the log: the one that it brought in the same header, if that has at most 64 letters, digits, `-`, `_` and `.`, else a new one."
            }
            Self::ETag => {
                "The version of this answer, for `If-None-Match`, and for `If-Match` where there is a way to change it."
            }
            Self::Link => {
                "Where the next page is, as `<…>; rel=\"next\"`; not there on the last page."
            }
            Self::RetryAfter => "After how many seconds it is worth another try.",
            Self::RateLimit => {
                "How many attempts are left (`r`) of each budget, and in how many seconds there are more (`t`); not there where nothing is limited."
            }
            Self::RateLimitPolicy => {
                "How many attempts each budget has (`q`) in how many seconds (`w`); not there where nothing is limited."
            }
            Self::WwwAuthenticate => "How to authenticate (RFC 6750).",
            Self::UserId => "Who calls.",
            Self::UserRole => "What he may do.",
            Self::Scopes => {
                "What the credential may be used for, with spaces between: all scopes for an access token."
            }
        }
    }

    fn example(self) -> Value {
        match self {
            Self::RequestId => json!("6963beb455ef45e88b01725e6f77a030"),
            Self::ETag => json!("\"sT3e1M7dVhQ2bZcA\""),
            Self::Link => {
                json!(
                    "</api/v1/users?cursor=01a1fac8-772b-76f8-8b87-aa860a220012&limit=50>; rel=\"next\""
                )
            }
            Self::RetryAfter => json!(1),
            Self::RateLimit => json!("\"address\";r=199;t=60, \"account\";r=9;t=60"),
            Self::RateLimitPolicy => json!("\"address\";q=200;w=60, \"account\";q=10;w=60"),
            Self::WwwAuthenticate => json!("Bearer realm=\"api\""),
            Self::UserId => json!("01a1fac8-772b-76f8-8b87-aa860a220012"),
            Self::UserRole => json!("user"),
            Self::Scopes => json!("profile:read users:read"),
        }
    }

    pub(super) fn reference(self) -> Ref {
        Ref::new(format!("#/components/headers/{}", self.name()))
    }

    pub(super) fn described(self) -> header::Header {
        let kind = match self {
            Self::RetryAfter => Type::Integer,
            Self::RequestId
            | Self::ETag
            | Self::Link
            | Self::RateLimit
            | Self::RateLimitPolicy
            | Self::WwwAuthenticate
            | Self::UserId
            | Self::UserRole
            | Self::Scopes => Type::String,
        };
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .description(Some(self.about()))
            .example(Some(self.example()))
            .build()
    }
}

/// A text of any kind.
pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The id of anything.
pub(crate) fn id() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

/// One of the roles.
pub(crate) fn role() -> Object {
    text()
        .enum_values(Some(Role::ALL.map(Role::as_str)))
        .description(Some("What the account may do."))
        .build()
}

/// A moment.
pub(crate) fn moment() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A moment, or none.
pub(crate) fn time() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .build()
}

/// What an API key may be used for.
pub(crate) fn scopes() -> Array {
    let names = Scopes::ALL.iter().map(Scope::as_str);
    ArrayBuilder::new()
        .items(text().enum_values(Some(names)))
        .build()
}

/// A parameter that is part of the path.
pub(crate) fn path_parameter(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Path, name, about, schema)
        .required(Required::True)
        .build()
}

/// A parameter of the query, which may be left out.
pub(crate) fn query_parameter(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Query, name, about, schema).build()
}

/// A header of the request, which may be left out.
pub(super) fn header_parameter(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Header, name, about, schema).build()
}

fn parameter(
    place: ParameterIn,
    name: &str,
    about: &str,
    schema: ObjectBuilder,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}
