//! What a task does, by name.

use std::borrow::Cow;
use std::fmt;

/// The longest name, in bytes.
const MAX_BYTES: usize = 50;

/// The name of a kind of tasks: 1 to 50 characters of `a` to `z`, `0` to `9`, `_`, `-` and `.`, a letter first. Which
/// kinds there are is for the workers to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKind(Cow<'static, str>);

/// The text cannot name a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a kind is named by 1 to 50 of a-z, 0-9, '_', '-' and '.', a letter first")]
pub struct ParseTaskKindError;

impl TaskKind {
    /// Only completes.
    pub const NOOP: Self = Self(Cow::Borrowed("noop"));
    /// Sends a request to an address of the user's.
    pub const WEBHOOK: Self = Self(Cow::Borrowed("webhook"));

    /// The kind with this name.
    ///
    /// # Errors
    /// When the text cannot be one.
    pub fn parse(text: &str) -> Result<Self, ParseTaskKindError> {
        let is_named = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.len() <= MAX_BYTES
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.'));
        if is_named {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(ParseTaskKindError)
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_short_name_in_small_letters() {
        assert_eq!(TaskKind::parse("noop"), Ok(TaskKind::NOOP));
        let longest = "a".repeat(50);
        for name in ["webhook", "mail.digest-2", "a_b", &longest] {
            assert_eq!(TaskKind::parse(name).unwrap().as_str(), name);
        }
        let too_long = "a".repeat(51);
        for text in ["", "Noop", "1st", "a b", "é", "a\n", &too_long] {
            assert_eq!(TaskKind::parse(text), Err(ParseTaskKindError), "{text}");
        }
    }
}
