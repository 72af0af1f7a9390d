//! The catalogue of problems, as the document tells it.

use super::shared::{Header, text};
use crate::dialect::{Asked, Dialect};
use crate::problem::{Code, Problem, TokenMessage};
use actix_web::http::StatusCode;
use doorward_services::FieldErrors;
use doorward_services::fields::REQUIRED;
use std::time::Duration;
use utoipa::PartialSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr, Response};

/// The name of the schema of every problem.
pub(super) const SCHEMA: &str = "Problem";
/// The name of the schema of every problem in Django's shapes.
pub(super) const DJANGO_SCHEMA: &str = "DjangoProblem";

const REQUEST_ID: &str = "6963beb455ef45e88b01725e6f77a030";

/// The response with this status for these problems, and for what is answered with it otherwise.
pub(super) fn response(
    dialect: Dialect,
    status: StatusCode,
    codes: &[Code],
    before: Option<Response>,
) -> Response {
    let titles = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.as_str(), code.title()));
    let titles = titles.collect::<Vec<_>>().join(" ");
    let mut response = before.unwrap_or_default();
    response.description = [response.description, titles]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let (media_type, schema) = match dialect {
        Dialect::Canonical => ("application/problem+json", SCHEMA),
        Dialect::Django => ("application/json", DJANGO_SCHEMA),
    };
    let examples = codes.iter().map(|code| match dialect {
        Dialect::Canonical => {
            let place = format!("#/components/examples/{}", code.as_str());
            (code.as_str(), RefOr::Ref(Ref::new(place)))
        }
        Dialect::Django => in_django(*code),
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .examples_from_iter::<_, _, RefOr<Example>>(examples)
        .build();
    response
        .content
        .insert(media_type.to_owned(), content.into());
    let mut headers = vec![Header::RequestId];
    match status {
        StatusCode::UNAUTHORIZED => headers.push(Header::WwwAuthenticate),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.push(Header::RetryAfter);
        }
        _ => {}
    }
    for header in headers {
        let reference = RefOr::Ref(header.reference());
        response.headers.insert(header.name().to_owned(), reference);
    }
    response
}

/// The problem as it is sent, by its code.
pub(super) fn example(code: Code) -> (&'static str, RefOr<Example>) {
    shown(code, &typical(code).body(REQUEST_ID))
}

fn in_django(code: Code) -> (&'static str, RefOr<Example>) {
    let asked = Asked {
        method: "POST",
        content_type: "text/plain",
        request_id: REQUEST_ID,
    };
    shown(code, &Dialect::Django.render(&typical(code), asked).1)
}

fn typical(code: Code) -> Problem {
    if code == Code::ValidationFailed {
        return Problem::invalid(FieldErrors::one("email", REQUIRED));
    }
    let retry_after = (code == Code::Throttled).then(|| Duration::from_secs(30));
    Problem {
        retry_after,
        ..Problem::new(code)
    }
}

fn shown(code: Code, body: &[u8]) -> (&'static str, RefOr<Example>) {
    let example = ExampleBuilder::new()
        .summary(code.title())
        .value(serde_json::from_slice(body).ok());
    (code.as_str(), example.into())
}

/// A problem in the shapes of Django REST framework.
pub(super) fn django() -> Schema {
    let messages = ArrayBuilder::new().items(text());
    let fields = ObjectBuilder::new()
        .description(Some("The messages about each bad field."))
        .additional_properties(Some(Schema::from(messages)));
    let error = ObjectBuilder::new()
        .property("error", text())
        .required("error");
    let detail = ObjectBuilder::new()
        .property("detail", text())
        .required("detail")
        .property("code", text())
        .property(
            "messages",
            ArrayBuilder::new().items(TokenMessage::schema()),
        );
    AnyOfBuilder::new()
        .description(Some(
            "What went wrong, in the shapes of Django REST framework.",
        ))
        .item(fields)
        .item(error)
        .item(detail)
        .into()
}
