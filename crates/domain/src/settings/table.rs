//! The table of the settings: from it the API, the command, the OpenAPI document, the variables and the README's table
//! are made.

use super::{RateLimit, Settings};
use chrono::TimeDelta;

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
    /// How often something may be tried.
    Rate {
        /// Where the value stands.
        field: fn(&mut Settings) -> &mut RateLimit,
    },
}

pub(super) const DAY: i64 = 24 * 60 * 60;

/// Every setting.
pub static ALL: [Setting; 12] = [
    seconds(
        "ACCESS_TOKEN_LIFETIME",
        "How long an access token is good, in seconds.",
        (5, DAY),
        |settings| &mut settings.access_token_lifetime,
    ),
    seconds(
        "REFRESH_TOKEN_LIFETIME",
        "How long a session lasts at the most, from its login, in seconds.",
        (60, 366 * DAY),
        |settings| &mut settings.refresh_token_lifetime,
    ),
    seconds(
        "REFRESH_GRACE_PERIOD",
        "For how long a refresh token that was used up gives the same successor again, in seconds.",
        (0, 60),
        |settings| &mut settings.refresh_grace_period,
    ),
    seconds(
        "USER_LIST_CACHE_TTL",
        "How long the user list is kept in memory, in seconds; a write drops it at once.",
        (0, DAY),
        |settings| &mut settings.user_list_cache_ttl,
    ),
    seconds(
        "SESSION_CACHE_TTL",
        "How long a signed-in user is kept in memory, in seconds; a change drops it at once.",
        (0, 60 * 60),
        |settings| &mut settings.session_cache_ttl,
    ),
    seconds(
        "STEP_UP_WINDOW",
        "How young a login must be to change the email address without the password, in seconds.",
        (0, DAY),
        |settings| &mut settings.step_up_window,
    ),
    Setting {
        name: "REGISTRATION_OPEN",
        description: "Whether strangers may register.",
        kind: Kind::Switch {
            field: |settings| &mut settings.registration_open,
        },
    },
    Setting {
        name: "PUBLIC_USER_LIST",
        description: "Whether strangers may see the list of users.",
        kind: Kind::Switch {
            field: |settings| &mut settings.public_user_list,
        },
    },
    Setting {
        name: "LOGIN_RATE_LIMIT",
        description: "How often somebody may try to log in to one account from one address.",
        kind: Kind::Rate {
            field: |settings| &mut settings.login_rate_limit,
        },
    },
    Setting {
        name: "REGISTER_RATE_LIMIT",
        description: "How often somebody may try to register one account from one address.",
        kind: Kind::Rate {
            field: |settings| &mut settings.register_rate_limit,
        },
    },
    seconds(
        "TASK_RETENTION",
        "How long a task is kept after its end, in seconds.",
        (DAY, 3653 * DAY),
        |settings| &mut settings.task_retention,
    ),
    seconds(
        "AUDIT_RETENTION",
        "How long the rows of the audit log are kept, in seconds.",
        (DAY, 3653 * DAY),
        |settings| &mut settings.audit_retention,
    ),
];

const fn seconds(
    name: &'static str,
    description: &'static str,
    (minimum, maximum): (i64, i64),
    field: fn(&mut Settings) -> &mut TimeDelta,
) -> Setting {
    Setting {
        name,
        description,
        kind: Kind::Seconds {
            minimum,
            maximum,
            field,
        },
    }
}
