//! The runtime settings: typed, bounded and described in one table.

mod rate_limit;
mod stored;
mod table;
mod value;

pub use rate_limit::{NotARateLimit, Period, RateLimit};
pub use stored::{SettingChange, StoredSetting};
pub use table::{ALL, Kind, Setting};
pub use value::{SettingError, SettingValue};

use chrono::TimeDelta;
use table::DAY;

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
    /// How long events of the audit log are kept.
    pub audit_retention: TimeDelta,
    /// Whether strangers may register.
    pub registration_open: bool,
    /// Whether strangers may see the list of users.
    pub public_user_list: bool,
    /// How often somebody may try to log in.
    pub login_rate_limit: RateLimit,
    /// How often somebody may try to register.
    pub register_rate_limit: RateLimit,
    /// How long a task is kept after its end.
    pub task_retention: TimeDelta,
}

/// The largest `ACCESS_TOKEN_LIFETIME`: no access token outlives its minting by more.
pub const MAX_ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(24);

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_lifetime: TimeDelta::seconds(300),
            refresh_token_lifetime: TimeDelta::seconds(30 * DAY),
            refresh_grace_period: TimeDelta::seconds(10),
            user_list_cache_ttl: TimeDelta::seconds(900),
            session_cache_ttl: TimeDelta::seconds(60),
            step_up_window: TimeDelta::seconds(300),
            audit_retention: TimeDelta::days(365),
            registration_open: true,
            public_user_list: true,
            login_rate_limit: per_minute(10),
            register_rate_limit: per_minute(20),
            task_retention: TimeDelta::days(30),
        }
    }
}

const fn per_minute(count: u32) -> RateLimit {
    match RateLimit::new(count, Period::Minute) {
        Some(limit) => limit,
        None => RateLimit::OFF,
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
        let setting = Setting::named(name).unwrap();
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
    fn every_value_comes_back_from_its_text_and_no_other_place_is_touched() {
        for setting in &ALL {
            let default = setting.value(&Settings::default());
            let mut settings = Settings::default();
            assert_eq!(setting.set(&mut settings, &default.to_string()), Ok(()));
            assert_eq!(settings, Settings::default(), "{}", setting.name);
            let other = match setting.kind {
                Kind::Seconds { minimum, .. } => minimum.to_string(),
                Kind::Switch { .. } => "false".to_owned(),
                Kind::Rate { .. } => "off".to_owned(),
            };
            setting.set(&mut settings, &other).unwrap();
            for another in &ALL {
                let expected = another.value(&Settings::default());
                let is_same = another.value(&settings) == expected;
                assert_eq!(is_same, another.name != setting.name, "{}", another.name);
            }
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_and_changes_nothing() {
        let values = [
            SettingValue::Seconds(-1),
            SettingValue::Switch(false),
            SettingValue::Rate(RateLimit::OFF),
        ];
        for setting in &ALL {
            let mut settings = Settings::default();
            let accepted = values
                .into_iter()
                .filter(|value| setting.accept(Some(*value)).is_ok());
            assert!(accepted.count() <= 1, "{}", setting.name);
            assert!(setting.accept(None).is_err());
            assert!(
                setting
                    .put(&mut settings, SettingValue::Seconds(-1))
                    .is_err()
            );
            assert_eq!(settings, Settings::default());
        }
    }
}
