//! The one way in which every section takes its values, and in which it complains.

use super::dotenv::DotEnv;
use std::fmt;

/// The longest value that an error message repeats.
const MAX_ECHO_CHARS: usize = 60;

/// One thing that is wrong: a name, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or the file, that is wrong.
    pub name: String,
    /// What is wrong with it and what would be right, as the rest of a sentence.
    pub message: String,
}

/// Everything that is wrong with the configuration; it prints as one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Problem>);

/// Looks values up, and collects what is wrong with them.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The value to the letter; `None` when it is not set.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        if value.contains(['\0', char::REPLACEMENT_CHARACTER]) {
            self.refuse(name, "must be UTF-8 text");
            return None;
        }
        Some(value)
    }

    /// The value without the white space around it; `None` when it is not set or nothing is left.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.secret(name)?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// The value as `parse` understands it; where it does not, "NAME must be `expected`".
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.refuse(name, format!("must be {expected}, not {}", quoted(&text)));
        }
        value
    }

    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            name: name.to_owned(),
            message: message.into(),
        });
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Takes over what was noticed when the file was read.
    pub(super) fn extend(&mut self, file: &DotEnv) {
        self.problems.extend_from_slice(file.problems());
        self.warnings.extend_from_slice(file.warnings());
    }

    /// The warnings, unless there are problems.
    pub(super) fn finish(self) -> Result<Vec<String>, ConfigErrors> {
        if self.problems.is_empty() {
            Ok(self.warnings)
        } else {
            Err(ConfigErrors(self.problems))
        }
    }
}

impl ConfigErrors {
    /// Each problem by itself; there is at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.message)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// The value in quotation marks, on one line and not too long.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_ECHO_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
