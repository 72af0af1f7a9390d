//! From when on sessions count, once a database was restored from a backup.

use crate::ids::SessionId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Sessions that began before it are over: those whose rows a backup has brought back to life, and those that it knows
/// nothing of.
///
/// The id of a session tells when it began, and each of its tokens names the session. So the whole seconds of `iat` do
/// not matter: in one second there may be tokens of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionCutoff {
    /// Milliseconds since 1970, as in a UUID of version 7.
    millis: i64,
}

impl SessionCutoff {
    /// The cutoff of a restore that was done by `now`. It lies behind what nodes have begun whose clocks are up to
    /// `tolerance` ahead, and behind every cutoff before.
    pub fn next(previous: Option<Self>, now: DateTime<Utc>, tolerance: TimeDelta) -> Self {
        let latest = Self::from(now + tolerance).max(previous.unwrap_or(Self::from_millis(0)));
        Self::from_millis(latest.millis + 1)
    }

    /// So many milliseconds after 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// The milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.millis
    }

    /// The instant, in whole milliseconds.
    pub fn at(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether the session began before. An id that is no UUID of version 7 tells no time, and counts as old.
    pub fn ends(self, session: SessionId) -> bool {
        made_at(session.as_uuid()) < self.millis
    }

    /// The id of a session that begins at `now`. It is never one that the cutoff ends, also where the clock that set the
    /// cutoff is ahead of this one.
    pub fn new_session_id(cutoff: Option<Self>, now: DateTime<Utc>) -> SessionId {
        SessionId::new(cutoff.map_or(now, |cutoff| now.max(cutoff.at())))
    }

    /// The ids of sessions that it ends are lower than this one; the others are not.
    pub fn lowest_id(self) -> SessionId {
        let millis = u128::try_from(self.millis).unwrap_or_default();
        SessionId::from_uuid(Uuid::from_u128(millis << 80))
    }
}

/// What is finer than a millisecond is cut off.
impl From<DateTime<Utc>> for SessionCutoff {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_millis(at.timestamp_millis())
    }
}

/// RFC 9562, section 5.7: the first 48 bits are milliseconds since 1970.
fn made_at(id: &Uuid) -> i64 {
    match id.get_version_num() {
        7 => i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX),
        _ => i64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
    }

    #[test]
    fn sessions_of_the_time_before_are_over_and_those_that_begin_after_are_not() {
        let cutoff = SessionCutoff::next(None, at(0), TimeDelta::seconds(5));
        for (micros, is_over) in [
            (-1, true),
            (0, true),
            (5_000_000, true),
            (5_000_999, true),
            (5_001_000, false),
            (5_999_999, false),
        ] {
            assert_eq!(cutoff.ends(SessionId::new(at(micros))), is_over, "{micros}");
        }
        for micros in [-3_600_000_000, 0, 5_000_999, 9_000_000] {
            let id = SessionCutoff::new_session_id(Some(cutoff), at(micros));
            assert!(!cutoff.ends(id), "{micros}");
        }
    }

    #[test]
    fn each_cutoff_lies_behind_the_one_before_also_when_the_clock_has_stepped_back() {
        let first = SessionCutoff::next(None, at(0), TimeDelta::zero());
        let id = SessionCutoff::new_session_id(Some(first), at(0));
        let second = SessionCutoff::next(Some(first), at(-7_000_000), TimeDelta::zero());
        assert!(second > first && second.ends(id));
    }

    #[test]
    fn an_id_that_tells_no_time_is_over_and_without_a_cutoff_an_id_tells_the_time() {
        let cutoff = SessionCutoff::from(at(0));
        for id in [Uuid::nil(), Uuid::max(), Uuid::from_u128(u128::MAX >> 2)] {
            assert!(cutoff.ends(SessionId::from_uuid(id)), "{id}");
        }
        let id = SessionCutoff::new_session_id(None, at(7_000));
        assert_eq!(made_at(id.as_uuid()), at(7_000).timestamp_millis());
    }

    proptest! {
        #[test]
        fn the_lowest_id_divides_the_ids(cutoff in 0_i64..1 << 44, made in 0_i64..1 << 44) {
            let instant = |millis| DateTime::from_timestamp_millis(millis).unwrap();
            let (cutoff, id) = (SessionCutoff::from(instant(cutoff)), SessionId::new(instant(made)));
            prop_assert_eq!(cutoff.ends(id), id < cutoff.lowest_id());
            prop_assert_eq!(SessionCutoff::from(cutoff.at()), cutoff);
        }
    }
}
