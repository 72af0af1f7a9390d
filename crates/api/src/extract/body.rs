//! A JSON object whose fields are taken one by one, so that every bad one is reported at once.

use crate::dialect::Dialect;
use crate::problem::{Code, Problem};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpRequest, web};
use doorward_services::FieldErrors;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// A client that has not sent its whole body by then is cut off.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// The deepest nesting of arrays and objects.
const MAX_DEPTH: usize = 64;

/// The object in a request's body; an empty body is an empty object.
pub(crate) struct JsonBody {
    fields: Map<String, Value>,
    errors: FieldErrors,
    dialect: Dialect,
}

impl JsonBody {
    /// Whether the field is there and nobody has taken it yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The text of a field.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name)? {
            Value::String(text) => Some(text),
            Value::Null => self.refuse(name, "This field may not be null."),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.refuse(name, "Not a valid string.")
            }
        }
    }

    /// The text of a field that must not be printed.
    pub(crate) fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// A field that is true or false.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.fields.remove(name)? {
            Value::Bool(flag) => Some(flag),
            Value::Null => self.refuse(name, "This field may not be null."),
            Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.refuse(name, "Must be a valid boolean.")
            }
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.fields.remove(name)? {
            Value::Array(items) => {
                let text = |item| match item {
                    Value::String(text) => Some(text),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_) => None,
                };
                let texts: Option<Vec<_>> = items.into_iter().map(text).collect();
                texts.or_else(|| self.refuse(name, "Expected a list of strings."))
            }
            Value::Null => self.refuse(name, "This field may not be null."),
            Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.refuse(name, "Expected a list of strings.")
            }
        }
    }

    /// A field that is a whole number.
    pub(crate) fn whole(&mut self, name: &str) -> Option<i64> {
        match self.fields.remove(name)? {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| self.refuse(name, "A valid integer is required.")),
            Value::Null => self.refuse(name, "This field may not be null."),
            Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                self.refuse(name, "A valid integer is required.")
            }
        }
    }

    /// A field that is an object, of whatever; null is as good as nothing.
    pub(crate) fn optional_object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.fields.remove(name)? {
            Value::Object(object) => Some(object),
            Value::Null => None,
            Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                self.refuse(name, "Must be an object.")
            }
        }
    }

    /// What `read` takes out of a field that is an object itself; null is as good as nothing. What is wrong in it is told
    /// of `name.field`.
    pub(crate) fn optional_within<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let mut inner = Self {
            fields: self.optional_object(name)?,
            errors: FieldErrors::default(),
            dialect: self.dialect,
        };
        let taken = read(&mut inner);
        for (field, messages) in inner.finish().iter() {
            for message in messages {
                self.errors.add(&format!("{name}.{field}"), message);
            }
        }
        Some(taken)
    }

    /// Takes the field, if it is there and null.
    pub(crate) fn take_null(&mut self, name: &str) -> bool {
        let is_null = self.fields.get(name).is_some_and(Value::is_null);
        if is_null {
            self.fields.remove(name);
        }
        is_null
    }

    /// All fields that nobody has taken yet, for inputs whose names are data.
    pub(crate) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    /// What is wrong so far, with a message for every field that nobody has taken; but the clients of older services
    /// may send whatever they have always sent.
    pub(crate) fn finish(mut self) -> FieldErrors {
        if self.dialect == Dialect::Canonical {
            for name in self.fields.keys() {
                self.errors.add(name, "Unknown field.");
            }
        }
        self.errors
    }

    /// For inputs with no other rules than the fields' own.
    pub(crate) fn finish_or_refuse(self) -> Result<(), Problem> {
        let errors = self.finish();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors))
        }
    }

    /// The text of the one field that there is, which is required.
    pub(crate) fn only(mut self, name: &str) -> Result<String, Problem> {
        let text = self.text(name);
        let mut errors = self.finish();
        match errors.require(name, text) {
            Some(text) if errors.is_empty() => Ok(text),
            Some(_) | None => Err(Problem::invalid(errors)),
        }
    }

    fn refuse<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.errors.add(name, message);
        None
    }

    fn parse(dialect: Dialect, content_type: Option<&str>, body: &[u8]) -> Result<Self, Problem> {
        let fields = if body.is_empty() {
            Map::new()
        } else if content_type.is_some_and(is_json) {
            parse_object(body)?
        } else {
            return Err(Problem::new(Code::UnsupportedMediaType)
                .detail("Send a JSON object with Content-Type: application/json."));
        };
        Ok(Self {
            fields,
            errors: FieldErrors::default(),
            dialect,
        })
    }
}

impl FromRequest for JsonBody {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let dialect = Dialect::of(request.match_info());
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.map(|kind| kind.to_str().unwrap_or_default().to_owned());
        let body = web::Bytes::from_request(request, payload);
        async move {
            let body = timeout(BODY_WITHIN, body)
                .await
                .map_err(|_late| Problem::new(Code::RequestTimeout))?
                .map_err(|error| unreadable(&error))?;
            Ok(Self::parse(dialect, content_type.as_deref(), &body)?)
        }
        .boxed_local()
    }
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::new(Code::PayloadTooLarge),
        Some(_) | None => Problem::new(Code::MalformedRequest)
            .detail("The body could not be read.")
            .because(&error.to_string()),
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let malformed = Problem::new(Code::MalformedRequest);
    if is_too_deep(body) {
        return Err(malformed.detail("The body is nested over 64 levels deep."));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(malformed.detail("The body is not a JSON object.")),
        Err(error) => Err(malformed
            .detail("The body is not valid JSON.")
            .because(&format!("line {}, column {}", error.line(), error.column()))),
    }
}

/// Counted before parsing, so that nothing deep is ever built.
fn is_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<JsonBody, Code> {
        JsonBody::parse(
            Dialect::Canonical,
            Some("application/json"),
            body.as_bytes(),
        )
        .map_err(|problem| problem.code)
    }

    #[test]
    fn fields_are_taken_and_every_bad_one_is_named() {
        let mut body =
            parse(r#"{"a": "x", "b": 1, "c": null, "d": true, "e": "yes", "role": [], "id": 5}"#)
                .unwrap();
        assert_eq!(body.text("a"), Some("x".to_owned()));
        assert_eq!(body.text("b"), None);
        assert_eq!(body.text("c"), None);
        assert_eq!(body.flag("d"), Some(true));
        assert_eq!(body.flag("e"), None);
        assert_eq!(body.text("missing"), None);
        let errors = body.finish();
        let names: Vec<_> = errors.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "c", "e", "id", "role"]);
    }

    #[test]
    fn lists_whole_numbers_and_what_may_be_null_are_taken_too() {
        let mut body = parse(
            r#"{"a": ["x", "y"], "b": [], "c": ["x", 1], "d": "x", "e": null,
                "f": -5, "g": 1.5, "h": "1", "i": null, "j": null, "k": "x"}"#,
        )
        .unwrap();
        assert_eq!(body.texts("a").unwrap(), ["x", "y"]);
        assert!(body.texts("b").unwrap().is_empty());
        for name in ["c", "d", "e", "missing"] {
            assert_eq!(body.texts(name), None, "{name}");
        }
        assert_eq!(body.whole("f"), Some(-5));
        for name in ["g", "h", "i", "missing"] {
            assert_eq!(body.whole(name), None, "{name}");
        }
        assert!(body.take_null("j") && !body.take_null("k") && !body.take_null("missing"));
        assert_eq!(body.text("k").as_deref(), Some("x"));
        let errors = body.finish();
        let names: Vec<_> = errors.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["c", "d", "e", "g", "h", "i"]);
    }

    #[test]
    fn objects_within_are_taken_and_what_is_wrong_in_them_is_named() {
        let mut body = parse(
            r#"{"a": {"x": [1]}, "b": null, "c": [], "d": {"p": "x", "q": 1, "r": 2}, "e": null, "f": 1}"#,
        )
        .unwrap();
        assert_eq!(body.optional_object("a").unwrap().len(), 1);
        for name in ["b", "c", "missing"] {
            assert_eq!(body.optional_object(name), None, "{name}");
        }
        let read = |inner: &mut JsonBody| (inner.text("p"), inner.text("q"));
        let taken = body.optional_within("d", read).unwrap();
        assert_eq!(taken, (Some("x".to_owned()), None));
        assert!(body.optional_within("e", read).is_none());
        assert!(body.optional_within("f", read).is_none());
        let errors = body.finish();
        let names: Vec<_> = errors.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["c", "d.q", "d.r", "f"]);
    }

    #[test]
    fn a_dialect_ignores_what_it_does_not_know_and_still_refuses_what_is_bad() {
        let json = br#"{"email": 1, "csrfmiddlewaretoken": "x"}"#;
        let body = JsonBody::parse(Dialect::Django, Some("application/json"), json);
        let mut body = body.map_err(|problem| problem.code).unwrap();
        assert!(body.has("email") && !body.has("username"));
        assert_eq!(body.text("email"), None);
        let errors = body.finish();
        assert_eq!(errors, FieldErrors::one("email", "Not a valid string."));
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert!(
            JsonBody::parse(Dialect::Canonical, None, b"")
                .is_ok_and(|body| body.finish().is_empty())
        );
    }

    #[test]
    fn what_is_not_json_is_refused_by_its_content_type() {
        let refused = |kind| {
            JsonBody::parse(Dialect::Canonical, kind, b"{}")
                .is_err_and(|p| p.code == Code::UnsupportedMediaType)
        };
        assert!(
            refused(Some("text/plain"))
                && refused(None)
                && refused(Some("application/x-www-form-urlencoded"))
        );
        assert!(
            !refused(Some("Application/JSON; charset=utf-8"))
                && !refused(Some("application/merge-patch+json"))
        );
    }

    #[test]
    fn what_is_no_object_or_too_deep_is_malformed() {
        let deep =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(63)).is_ok());
        for body in [
            "[]",
            "\"text\"",
            "{",
            "{\"a\": \u{7}}",
            &deep(64),
            &deep(30_000),
        ] {
            assert_eq!(
                parse(body).err(),
                Some(Code::MalformedRequest),
                "{body:.40}"
            );
        }
        assert_eq!(
            JsonBody::parse(
                Dialect::Canonical,
                Some("application/json"),
                b"{\"a\": \"\xff\"}"
            )
            .err()
            .map(|p| p.code),
            Some(Code::MalformedRequest)
        );
    }

    #[test]
    fn brackets_in_texts_do_not_count_as_nesting() {
        assert!(
            parse(&format!(
                r#"{{"a": "{}\"{}"}}"#,
                "[".repeat(100),
                "{".repeat(100)
            ))
            .is_ok()
        );
    }
}
