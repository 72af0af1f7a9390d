//! Messages about the fields of an input, all of them at once.

use std::collections::BTreeMap;
use std::fmt;

/// Django REST framework's message for a field that is not there.
pub const REQUIRED: &str = "This field is required.";

/// What is wrong with each bad field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// One message about one field.
    pub fn one(field: &str, message: impl fmt::Display) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message about a field.
    pub fn add(&mut self, field: &str, message: impl fmt::Display) {
        self.0
            .entry(field.to_owned())
            .or_default()
            .push(message.to_string());
    }

    /// Adds all that others have found wrong.
    pub fn extend(&mut self, others: &Self) {
        for (field, messages) in others.iter() {
            for message in messages {
                self.add(field, message);
            }
        }
    }

    /// Whether something was said about the field.
    pub fn mentions(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields in the order of their names, each with its messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }

    /// The value, or else a message about its field and none.
    pub fn take<T, E: fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    /// The value, or a message that the field is required, unless something was said about it already.
    pub fn require<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.mentions(field) {
            self.add(field, REQUIRED);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named_with_every_message() {
        let mut errors = FieldErrors::default();
        errors.add("password", "short");
        errors.add("password", "common");
        assert_eq!(errors.take("n", "5".parse::<i32>()), Some(5));
        assert_eq!(errors.take("m", "x".parse::<i32>()), None);
        assert_eq!(errors.require::<i32>("m", None), None);
        errors.extend(&FieldErrors::one("n", "odd"));
        assert_eq!(errors.require::<i32>("email", None), None);
        let said: Vec<_> = errors
            .iter()
            .map(|(field, messages)| (field, messages.len()))
            .collect();
        assert_eq!(said, [("email", 1), ("m", 1), ("n", 1), ("password", 2)]);
    }
}
