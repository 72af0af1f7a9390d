//! The runtime settings: typed, bounded and described in one table.

use chrono::TimeDelta;

/// The present values. Durations are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long an access token is good.
    pub access_token_lifetime: TimeDelta,
    /// How long a session lasts at the most, from its login.
    pub refresh_token_lifetime: TimeDelta,
    /// For how long a refresh token that was used up gives the same successor again.
    pub refresh_grace_period: TimeDelta,
    /// How long the user list is kept in memory.
    pub user_list_cache_ttl: TimeDelta,
    /// How long a signed-in user is kept in memory.
    pub session_cache_ttl: TimeDelta,
    /// How young a login must be to stand for the password.
    pub step_up_window: TimeDelta,
    /// Whether strangers may register.
    pub registration_open: bool,
    /// Whether strangers may see the list of users.
    pub public_user_list: bool,
    /// How long a task that has ended is kept.
    pub task_retention: TimeDelta,
}

/// The largest `ACCESS_TOKEN_LIFETIME`: no access token outlives its minting by more.
pub const MAX_ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// What one setting is.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name: that of the environment variable too.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub description: &'static str,
    /// What it may be.
    pub kind: Kind,
}

/// The type, the bounds and the place of a setting.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Whole seconds from `minimum` to `maximum`.
    Seconds {
        /// The smallest value.
        minimum: i64,
        /// The largest value.
        maximum: i64,
        /// Where the value stands.
        field: fn(&mut Settings) -> &mut TimeDelta,
    },
    /// On or off.
    Switch {
        /// Where the value stands.
        field: fn(&mut Settings) -> &mut bool,
    },
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
}

const DAY: i64 = 24 * 60 * 60;

/// Every setting.
pub const ALL: [Setting; 9] = [
    Setting {
        name: "ACCESS_TOKEN_LIFETIME",
        description: "How long an access token is good, in seconds.",
        kind: Kind::Seconds {
            minimum: 5,
            maximum: DAY,
            field: |s| &mut s.access_token_lifetime,
        },
    },
    Setting {
        name: "REFRESH_TOKEN_LIFETIME",
        description: "How long a session lasts at the most, from its login, in seconds.",
        kind: Kind::Seconds {
            minimum: 60,
            maximum: 366 * DAY,
            field: |s| &mut s.refresh_token_lifetime,
        },
    },
    Setting {
        name: "REFRESH_GRACE_PERIOD",
        description: "For how long a refresh token that was used up gives the same successor again, in seconds.",
        kind: Kind::Seconds {
            minimum: 0,
            maximum: 60,
            field: |s| &mut s.refresh_grace_period,
        },
    },
    Setting {
        name: "USER_LIST_CACHE_TTL",
        description: "How long the user list is kept in memory, in seconds; a write drops it at once.",
        kind: Kind::Seconds {
            minimum: 0,
            maximum: DAY,
            field: |s| &mut s.user_list_cache_ttl,
        },
    },
    Setting {
        name: "SESSION_CACHE_TTL",
        description: "How long a signed-in user is kept in memory, in seconds; a change drops it at once.",
        kind: Kind::Seconds {
            minimum: 0,
            maximum: 60 * 60,
            field: |s| &mut s.session_cache_ttl,
        },
    },
    Setting {
        name: "STEP_UP_WINDOW",
        description: "How young a login must be to change the email address without the password, in seconds.",
        kind: Kind::Seconds {
            minimum: 0,
            maximum: DAY,
            field: |s| &mut s.step_up_window,
        },
    },
    Setting {
        name: "REGISTRATION_OPEN",
        description: "Whether strangers may register.",
        kind: Kind::Switch {
            field: |s| &mut s.registration_open,
        },
    },
    Setting {
        name: "PUBLIC_USER_LIST",
        description: "Whether strangers may see the list of users.",
        kind: Kind::Switch {
            field: |s| &mut s.public_user_list,
        },
    },
    Setting {
        name: "TASK_RETENTION",
        description: "How long a task that has ended is kept, in seconds.",
        kind: Kind::Seconds {
            minimum: DAY,
            maximum: 3650 * DAY,
            field: |s| &mut s.task_retention,
        },
    },
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_lifetime: TimeDelta::seconds(300),
            refresh_token_lifetime: TimeDelta::seconds(30 * DAY),
            refresh_grace_period: TimeDelta::seconds(10),
            user_list_cache_ttl: TimeDelta::seconds(900),
            session_cache_ttl: TimeDelta::seconds(60),
            step_up_window: TimeDelta::seconds(300),
            registration_open: true,
            public_user_list: true,
            task_retention: TimeDelta::seconds(30 * DAY),
        }
    }
}

impl Setting {
    /// Reads `text` into its place.
    ///
    /// # Errors
    /// [`SettingError`] when the text is no value of this setting; nothing is changed then.
    pub fn set(&self, settings: &mut Settings, text: &str) -> Result<(), SettingError> {
        match self.kind {
            Kind::Seconds {
                minimum,
                maximum,
                field,
            } => {
                let seconds = text
                    .trim()
                    .parse()
                    .ok()
                    .filter(|seconds| (minimum..=maximum).contains(seconds));
                *field(settings) = seconds
                    .map(TimeDelta::seconds)
                    .ok_or(SettingError::OutOfBounds { minimum, maximum })?;
            }
            Kind::Switch { field } => {
                *field(settings) = parse_bool(text).ok_or(SettingError::NotBoolean)?;
            }
        }
        Ok(())
    }
}

/// true/false, yes/no, on/off, 1/0, in any case.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, text: &str) -> Result<Settings, SettingError> {
        let mut settings = Settings::default();
        let setting = ALL.iter().find(|setting| setting.name == name).unwrap();
        setting.set(&mut settings, text).map(|()| settings)
    }

    #[test]
    fn a_value_in_its_bounds_is_taken() {
        assert_eq!(
            set("ACCESS_TOKEN_LIFETIME", "30")
                .unwrap()
                .access_token_lifetime,
            TimeDelta::seconds(30)
        );
        assert!(!set("REGISTRATION_OPEN", "Off").unwrap().registration_open);
    }

    #[test]
    fn a_value_outside_its_bounds_is_refused_with_the_bounds() {
        for text in ["4", "86401", "x", "", "5.5", "99999999999999999999"] {
            let error = set("ACCESS_TOKEN_LIFETIME", text).unwrap_err();
            assert_eq!(
                error.to_string(),
                "must be a whole number of seconds from 5 to 86400",
                "{text}"
            );
        }
        assert_eq!(
            set("PUBLIC_USER_LIST", "maybe"),
            Err(SettingError::NotBoolean)
        );
    }

    #[test]
    fn every_default_is_within_its_own_bounds() {
        for setting in ALL {
            let mut settings = Settings::default();
            if let Kind::Seconds { field, .. } = setting.kind {
                let text = field(&mut settings).num_seconds().to_string();
                assert_eq!(
                    setting.set(&mut settings, &text),
                    Ok(()),
                    "{}",
                    setting.name
                );
            }
        }
    }
}
