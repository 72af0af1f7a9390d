//! The catalogue of problems, as the document tells it.

use super::shared::Header;
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use doorward_services::FieldErrors;
use doorward_services::fields::REQUIRED;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{Ref, RefOr, Response};

/// The name of the schema of every problem.
pub(super) const SCHEMA: &str = "Problem";

/// The response with this status for these problems, and for what is answered with it otherwise.
pub(super) fn response(status: StatusCode, codes: &[Code], before: Option<Response>) -> Response {
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
    let examples = codes.iter().map(|code| {
        let place = format!("#/components/examples/{}", code.as_str());
        (code.as_str(), RefOr::Ref(Ref::new(place)))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(SCHEMA)))
        .examples_from_iter::<_, _, RefOr<Example>>(examples)
        .build();
    response
        .content
        .insert("application/problem+json".to_owned(), content.into());
    let mut headers = vec![Header::RequestId];
    match status {
        StatusCode::UNAUTHORIZED => headers.push(Header::WwwAuthenticate),
        StatusCode::SERVICE_UNAVAILABLE => headers.push(Header::RetryAfter),
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
    let problem = if code == Code::ValidationFailed {
        Problem::invalid(FieldErrors::one("email", REQUIRED))
    } else {
        Problem::new(code)
    };
    let body = problem.body("6963beb455ef45e88b01725e6f77a030");
    let example = ExampleBuilder::new()
        .summary(code.title())
        .value(serde_json::from_slice(&body).ok());
    (code.as_str(), example.into())
}
