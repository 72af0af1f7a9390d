//! One record of `dumpdata`, as generously read as Django's models are various.

use doorward_services::import::DjangoUser;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// A record of any model. Its fields are looked at only where it is a person's.
#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) model: String,
    /// Missing in a dump with natural keys.
    #[serde(default)]
    pub(super) pk: Value,
    fields: Box<RawValue>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} {})", self.model, self.pk)
    }
}

impl Record {
    pub(super) fn is_of(&self, model: &str) -> bool {
        self.model == model
    }

    /// Whether it has a password, a name and what else Django's people have.
    pub(super) fn looks_like_a_person(&self) -> bool {
        let fields: Map<String, Value> =
            serde_json::from_str(self.fields.get()).unwrap_or_default();
        let has = |field| fields.contains_key(field);
        has("password")
            && (has("username") || has("email"))
            && (has("last_login") || has("is_active"))
    }
}

/// The person of a record, or else what he is known by and why he cannot be read.
pub(super) fn person(record: &Record) -> Result<DjangoUser, (String, String)> {
    let unreadable = |reason: &str| {
        let who = format!("key {}", record.pk);
        (who, reason.to_owned())
    };
    let fields: Map<String, Value> = serde_json::from_str(record.fields.get())
        .map_err(|_invalid| unreadable("its fields cannot be read"))?;
    let wrong = |field: &str, kind: &str| unreadable(&format!("{field} is no {kind}"));
    let text = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(wrong(field, "text")),
    };
    let switch = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        // SQLite has no booleans of its own.
        Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
        Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(wrong(field, "boolean"))
        }
    };
    let key = match &record.pk {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(wrong("pk", "key")),
    };
    Ok(DjangoUser {
        key,
        username: text("username")?,
        email: text("email")?,
        password: text("password")?.map(SecretString::from),
        first_name: text("first_name")?,
        last_name: text("last_name")?,
        role: text("role")?,
        is_active: switch("is_active")?,
        is_staff: switch("is_staff")?.unwrap_or(false),
        is_superuser: switch("is_superuser")?.unwrap_or(false),
        date_joined: text("date_joined")?.or(text("created_at")?),
        last_login: text("last_login")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pk: &str, fields: &str) -> Result<DjangoUser, (String, String)> {
        let text = format!(r#"{{"model": "auth.user", "pk": {pk}, "fields": {fields}}}"#);
        person(&serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn keys_and_switches_are_read_in_every_notation() {
        for (pk, key) in [("7", Some("7")), (r#""a-b""#, Some("a-b")), ("null", None)] {
            assert_eq!(read(pk, "{}").unwrap().key.as_deref(), key);
        }
        for (value, expected) in [
            ("true", Some(true)),
            ("1", Some(true)),
            ("0", Some(false)),
            ("null", None),
        ] {
            let person = read(
                "1",
                &format!(r#"{{"is_active": {value}, "is_staff": {value}}}"#),
            )
            .unwrap();
            assert_eq!(person.is_active, expected, "{value}");
            assert_eq!(person.is_staff, expected == Some(true), "{value}");
        }
        let joined = read("1", r#"{"created_at": "2020-01-01"}"#).unwrap();
        assert_eq!(joined.date_joined.as_deref(), Some("2020-01-01"));
    }

    #[test]
    fn what_cannot_be_read_names_its_field_and_not_its_value() {
        for (pk, fields, why) in [
            ("1", r#"{"is_active": "yes"}"#, "is_active is no boolean"),
            ("1", r#"{"is_staff": 2}"#, "is_staff is no boolean"),
            ("1", r#"{"password": ["x"]}"#, "password is no text"),
            ("[1]", "{}", "pk is no key"),
            ("1", "[]", "its fields cannot be read"),
        ] {
            assert_eq!(read(pk, fields).unwrap_err().1, why);
        }
        let printed = format!("{:?}", read("1", r#"{"password": "a$b"}"#).unwrap());
        assert!(!printed.contains("a$b"));
    }
}
