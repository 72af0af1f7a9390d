//! What a form sends, and how it is shown again.

use crate::failure::Failure;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Query};
use actix_web::{FromRequest, HttpRequest};
use doorward_services::FieldErrors;
use std::collections::HashMap;

/// The fields of a form or of a query; the last of the same name counts.
#[derive(Debug, Default)]
pub(crate) struct Fields(HashMap<String, String>);

impl Fields {
    /// Of a form that was sent.
    pub(crate) async fn sent(
        request: &HttpRequest,
        payload: &mut Payload,
    ) -> Result<Self, Failure> {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Failure::NoForm);
        }
        let body = Bytes::from_request(request, payload).await;
        let body = body.map_err(|_too_large| Failure::TooLarge)?;
        let text = str::from_utf8(&body).map_err(|_not_text| Failure::NoForm)?;
        Ok(Self::parse(text))
    }

    /// Of a query.
    pub(crate) fn of_query(request: &HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    fn parse(text: &str) -> Self {
        let pairs = Query::<HashMap<String, String>>::from_query(text);
        Self(pairs.map(Query::into_inner).unwrap_or_default())
    }

    /// The field, if it is there, as it is.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The field without blanks around it; none where nothing was entered.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The same, as its own.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// A field of a form, to be shown.
#[derive(Debug, Default)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) help: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) is_required: bool,
    pub(crate) errors: Vec<String>,
}

impl Field {
    /// A line of text.
    pub(crate) fn text(name: &'static str, label: &'static str, value: &str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: value.to_owned(),
            autocomplete: "off",
            ..Self::default()
        }
    }

    /// A password: what was entered is not shown again.
    pub(crate) fn password(name: &'static str, label: &'static str) -> Self {
        Self {
            kind: "password",
            autocomplete: "new-password",
            ..Self::text(name, label, "")
        }
    }

    pub(crate) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    /// With what is wrong with it.
    pub(crate) fn judged(self, errors: &FieldErrors) -> Self {
        Self {
            errors: messages(errors, self.name),
            ..self
        }
    }

    /// Which elements describe it.
    pub(crate) fn described_by(&self) -> String {
        let help = (!self.help.is_empty()).then(|| format!("{}-help", self.name));
        let error = (!self.errors.is_empty()).then(|| format!("{}-error", self.name));
        let ids: Vec<_> = help.into_iter().chain(error).collect();
        ids.join(" ")
    }
}

/// What is wrong with a field.
pub(crate) fn messages(errors: &FieldErrors, name: &str) -> Vec<String> {
    let found = errors.iter().find(|(field, _)| *field == name);
    found
        .map(|(_, messages)| messages.to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod strangers;
