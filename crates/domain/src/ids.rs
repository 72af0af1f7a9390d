//! Ids are UUIDs of version 7 (RFC 9562): unique everywhere and, but for imported ones, in the order of their making.

use chrono::{DateTime, Utc};
use std::fmt;
use std::str::FromStr;
use uuid::{NoContext, Timestamp, Uuid};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, made at `now`.
            pub fn new(now: DateTime<Utc>) -> Self {
                Self(uuid_v7(now))
            }

            /// An id that was made before: read from a row, a token or a path.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.as_hyphenated())
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    };
}

id!(
    /// Names a user for ever; a deleted user's id is never given again.
    UserId
);
id!(
    /// Names a session: the `sid` claim of its tokens.
    SessionId
);
id!(
    /// Names an API key, whatever secret it has at the moment.
    ApiKeyId
);
id!(
    /// Names a change of a runtime setting.
    SettingChangeId
);

id!(
    /// Names an event of the audit log.
    AuditEventId
);

impl AuditEventId {
    /// The least id that an event of this millisecond or a later one can have.
    pub fn first_at(at: DateTime<Utc>) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let [_, _, time @ ..] = millis.to_be_bytes();
        let mut bytes = [0; 16];
        for (byte, of_time) in bytes.iter_mut().zip(time) {
            *byte = of_time;
        }
        Self(Uuid::from_bytes(bytes))
    }
}

id!(
    /// Names a task: of one that repeats, one firing.
    TaskId
);

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid UUID")]
pub struct ParseIdError;

fn uuid_v7(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn ids_made_later_sort_later() {
        let now = DateTime::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let ids: Vec<_> = (0..10)
            .map(|i| UserId::new(now + TimeDelta::milliseconds(i)))
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn events_are_bounded_by_their_time() {
        let now = DateTime::from_timestamp_micros(1_700_000_000_123_999).unwrap();
        let bound = AuditEventId::first_at(now);
        assert!(bound <= AuditEventId::new(now));
        assert!(bound > AuditEventId::new(now - TimeDelta::milliseconds(1)));
        assert!(AuditEventId::first_at(DateTime::<Utc>::MIN_UTC) < bound);
    }

    #[test]
    fn an_id_is_read_back_from_its_text_and_from_nothing_else() {
        let id = SessionId::new(DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("not-an-id".parse::<SessionId>(), Err(ParseIdError));
    }
}
