//! What somebody calls a task.

/// The longest name, in characters.
const MAX_CHARS: usize = 100;

/// What somebody calls a task: 1 to 100 characters, none of them a control character, and no space at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskName(String);

/// Why a text is no name of a task, in the words of Django REST framework where it has some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTaskNameError {
    /// There is nothing in it but space.
    #[error("This field may not be blank.")]
    Blank,
    /// It is too long.
    #[error("Ensure this field has no more than 100 characters.")]
    TooLong,
    /// There is something in it that cannot be seen.
    #[error("Control characters are not allowed.")]
    ControlCharacter,
}

impl TaskName {
    /// The name in `text`, without the space around it.
    ///
    /// # Errors
    /// [`ParseTaskNameError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseTaskNameError> {
        let name = text.trim();
        if name.is_empty() {
            Err(ParseTaskNameError::Blank)
        } else if name.chars().any(char::is_control) {
            Err(ParseTaskNameError::ControlCharacter)
        } else if name.chars().count() > MAX_CHARS {
            Err(ParseTaskNameError::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_1_to_100_characters() {
        let longest = "ü".repeat(100);
        for (text, name) in [
            ("My Task", Ok("My Task")),
            ("  x\t", Ok("x")),
            (&longest, Ok(&*longest)),
            ("", Err(ParseTaskNameError::Blank)),
            (" \n ", Err(ParseTaskNameError::Blank)),
            ("a\0b", Err(ParseTaskNameError::ControlCharacter)),
            ("a\nb", Err(ParseTaskNameError::ControlCharacter)),
            (&format!("{longest}x"), Err(ParseTaskNameError::TooLong)),
        ] {
            let parsed = TaskName::parse(text);
            let parsed = parsed.as_ref().map(TaskName::as_str);
            assert_eq!(parsed.map_err(|error| *error), name, "{text}");
        }
    }
}
