//! What else there is to say of an event.

use std::fmt::Write;

/// A small JSON object (RFC 8259), written as it is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    fields: String,
}

impl Details {
    /// With a text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.field(name, |out| quote(out, value))
    }

    /// With a text, where there is one.
    #[must_use]
    pub fn text_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// With a whole number.
    #[must_use]
    pub fn number(self, name: &str, value: impl TryInto<u64>) -> Self {
        let value = value.try_into().unwrap_or_default();
        self.field(name, |out| {
            let _ = write!(out, "{value}");
        })
    }

    /// With a list of texts.
    #[must_use]
    pub fn texts(self, name: &str, values: &[&str]) -> Self {
        self.field(name, |out| {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(out, value);
            }
            out.push(']');
        })
    }

    /// With an object.
    #[must_use]
    pub fn object(self, name: &str, value: Self) -> Self {
        self.field(name, |out| out.push_str(&value.into_json()))
    }

    /// The text of the object.
    pub fn into_json(self) -> String {
        format!("{{{}}}", self.fields)
    }

    fn field(mut self, name: &str, value: impl FnOnce(&mut String)) -> Self {
        if !self.fields.is_empty() {
            self.fields.push(',');
        }
        quote(&mut self.fields, name);
        self.fields.push(':');
        value(&mut self.fields);
        self
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // All of these are below U+00A0.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_an_object_whatever_the_texts_are() {
        assert_eq!(Details::default().into_json(), "{}");
        let inner = Details::default().text("to", "é\"\\\n\u{0}");
        let details = Details::default()
            .number("n", 3_usize)
            .text_if("none", None)
            .texts("list", &["a", "b"])
            .texts("empty", &[])
            .object("in", inner);
        assert_eq!(
            details.into_json(),
            r#"{"n":3,"list":["a","b"],"empty":[],"in":{"to":"é\"\\\u000a\u0000"}}"#
        );
    }
}
