//! Values of settings: from text and from typed values, into their places and back.

use super::table::{ALL, Kind, Setting};
use super::{NotARateLimit, RateLimit, Settings, parse_bool};
use chrono::TimeDelta;
use std::fmt;

/// A value of a setting. Its text is what is stored, and what the command line shows and takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingValue {
    /// Whole seconds.
    Seconds(i64),
    /// On or off.
    Switch(bool),
    /// How often something may be tried.
    Rate(RateLimit),
}

/// Why a value is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Not a whole number in the bounds.
    #[error("must be a whole number of seconds from {minimum} to {maximum}")]
    OutOfBounds {
        /// The smallest value.
        minimum: i64,
        /// The largest value.
        maximum: i64,
    },
    /// Not one of the words for on and off.
    #[error("must be true or false")]
    NotBoolean,
    /// No rate limit.
    #[error(transparent)]
    NotARateLimit(#[from] NotARateLimit),
}

impl Setting {
    /// The setting with this name, exactly.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|setting| setting.name == name)
    }

    /// Its present value.
    pub fn value(&self, settings: &Settings) -> SettingValue {
        let mut settings = settings.clone();
        match self.kind {
            Kind::Seconds { field, .. } => {
                SettingValue::Seconds(field(&mut settings).num_seconds())
            }
            Kind::Switch { field } => SettingValue::Switch(*field(&mut settings)),
            Kind::Rate { field } => SettingValue::Rate(*field(&mut settings)),
        }
    }

    /// Reads a value. Seconds are a whole number, a switch is one of the words of [`parse_bool`].
    ///
    /// # Errors
    /// [`SettingError`] when the text is no value of this setting.
    pub fn parse(&self, text: &str) -> Result<SettingValue, SettingError> {
        let value = match self.kind {
            Kind::Seconds { .. } => text.trim().parse().ok().map(SettingValue::Seconds),
            Kind::Switch { .. } => parse_bool(text).map(SettingValue::Switch),
            Kind::Rate { .. } => Some(SettingValue::Rate(text.parse()?)),
        };
        self.accept(value)
    }

    /// The value again, if it is one of this setting; `None` stands for what is no value of any.
    ///
    /// # Errors
    /// [`SettingError`] when it is of another type or out of bounds.
    pub fn accept(&self, value: Option<SettingValue>) -> Result<SettingValue, SettingError> {
        match (self.kind, value) {
            (
                Kind::Seconds {
                    minimum, maximum, ..
                },
                value,
            ) => match value {
                Some(SettingValue::Seconds(seconds)) if (minimum..=maximum).contains(&seconds) => {
                    Ok(SettingValue::Seconds(seconds))
                }
                _ => Err(SettingError::OutOfBounds { minimum, maximum }),
            },
            (Kind::Switch { .. }, Some(SettingValue::Switch(is_on))) => {
                Ok(SettingValue::Switch(is_on))
            }
            (Kind::Switch { .. }, _) => Err(SettingError::NotBoolean),
            (Kind::Rate { .. }, Some(SettingValue::Rate(limit))) => Ok(SettingValue::Rate(limit)),
            (Kind::Rate { .. }, _) => Err(NotARateLimit.into()),
        }
    }

    /// Puts `value` into its place.
    ///
    /// # Errors
    /// [`SettingError`] when it is no value of this setting; nothing is changed then.
    pub fn put(&self, settings: &mut Settings, value: SettingValue) -> Result<(), SettingError> {
        match (self.kind, self.accept(Some(value))?) {
            (Kind::Seconds { field, .. }, SettingValue::Seconds(seconds)) => {
                *field(settings) = TimeDelta::seconds(seconds);
            }
            (Kind::Switch { field }, SettingValue::Switch(is_on)) => *field(settings) = is_on,
            (Kind::Rate { field }, SettingValue::Rate(limit)) => *field(settings) = limit,
            // An accepted value is of its setting's kind.
            (Kind::Seconds { .. } | Kind::Switch { .. } | Kind::Rate { .. }, _) => {}
        }
        Ok(())
    }

    /// Reads `text` into its place.
    ///
    /// # Errors
    /// [`SettingError`] when the text is no value of this setting; nothing is changed then.
    pub fn set(&self, settings: &mut Settings, text: &str) -> Result<(), SettingError> {
        self.put(settings, self.parse(text)?)
    }

    /// What it may be, in a few words for a table: `5 to 86400`.
    pub fn allowed(&self) -> String {
        match self.kind {
            Kind::Seconds {
                minimum, maximum, ..
            } => format!("{minimum} to {maximum}"),
            Kind::Switch { .. } => "true or false".to_owned(),
            Kind::Rate { .. } => format!(
                "off, or 1 to {} followed by /sec, /min or /hour",
                RateLimit::MAX_COUNT
            ),
        }
    }

    /// The smallest and the largest value, where it is a number.
    pub fn bounds(&self) -> Option<(i64, i64)> {
        match self.kind {
            Kind::Seconds {
                minimum, maximum, ..
            } => Some((minimum, maximum)),
            Kind::Switch { .. } | Kind::Rate { .. } => None,
        }
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => seconds.fmt(f),
            Self::Switch(is_on) => is_on.fmt(f),
            Self::Rate(limit) => limit.fmt(f),
        }
    }
}
