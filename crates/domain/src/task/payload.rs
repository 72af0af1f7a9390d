//! What a kind is told.

use serde_json::{Map, Value};

/// The most bytes of a payload, written as JSON.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// How deep arrays and objects stand in one another at the most, the payload itself being the first.
const MAX_DEPTH: usize = 32;

/// A JSON object of at most [`MAX_PAYLOAD_BYTES`], in which no more than 32 arrays and objects stand in one another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskPayload(Map<String, Value>);

/// Why an object is no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    /// It is no JSON, or something else than an object.
    #[error("Must be an object.")]
    NotAnObject,
    /// It is too long.
    #[error("Must have no more than 65536 bytes, written as JSON.")]
    TooLong,
    /// Too much stands in one another.
    #[error("Must not be nested deeper than 32 levels.")]
    TooDeep,
}

impl TaskPayload {
    /// A payload.
    ///
    /// # Errors
    /// [`InvalidPayload`] says what is wrong with it.
    pub fn new(object: Map<String, Value>) -> Result<Self, InvalidPayload> {
        let payload = Self(object);
        if payload
            .0
            .values()
            .any(|value| !is_within(value, MAX_DEPTH - 1))
        {
            Err(InvalidPayload::TooDeep)
        } else if payload.to_json().len() > MAX_PAYLOAD_BYTES {
            Err(InvalidPayload::TooLong)
        } else {
            Ok(payload)
        }
    }

    /// The payload that is written there as JSON.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn parse(json: &str) -> Result<Self, InvalidPayload> {
        match serde_json::from_str(json) {
            Ok(Value::Object(object)) => Self::new(object),
            Ok(_) | Err(_) => Err(InvalidPayload::NotAnObject),
        }
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        // Values under names that are text can always be written.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => {
            levels > 0 && values.iter().all(|value| is_within(value, levels - 1))
        }
        Value::Object(object) => {
            levels > 0 && object.values().all(|value| is_within(value, levels - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!(
            "{{\"a\":{}1{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    }

    #[test]
    fn a_payload_is_read_back_from_its_json() {
        for json in [
            "{}",
            r#"{"a":[1,null,{"b":"\u0000ü"}],"z":1.5}"#,
            &nested(32),
        ] {
            let payload = TaskPayload::parse(json).unwrap();
            assert_eq!(TaskPayload::parse(&payload.to_json()), Ok(payload));
        }
        assert_eq!(TaskPayload::parse("{}"), Ok(TaskPayload::default()));
    }

    #[test]
    fn a_payload_is_an_object_and_bounded() {
        for json in ["", "[]", "1", "null", "\"{}\"", "{", "{} {}", "{\"a\":NaN}"] {
            assert_eq!(
                TaskPayload::parse(json),
                Err(InvalidPayload::NotAnObject),
                "{json}"
            );
        }
        assert_eq!(
            TaskPayload::parse(&nested(33)),
            Err(InvalidPayload::TooDeep)
        );
        let filled = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(TaskPayload::parse(&filled(MAX_PAYLOAD_BYTES)).is_ok());
        let longer = TaskPayload::parse(&filled(MAX_PAYLOAD_BYTES + 1));
        assert_eq!(longer, Err(InvalidPayload::TooLong));
    }
}
