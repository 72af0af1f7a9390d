//! How values are written on pages.

use chrono::{DateTime, Utc};

/// A time, for people and for programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(DateTime<Utc>);

impl Time {
    /// To the minute.
    pub(crate) fn shown(self) -> String {
        self.0.format("%Y-%m-%d %H:%M").to_string()
    }

    /// As RFC 3339 has it.
    pub(crate) fn exact(self) -> String {
        self.0.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// 1234567 as 1,234,567.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
