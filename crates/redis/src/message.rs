//! How an announcement looks on its way: a version, the sender, and each change as a tag and its fields.

use chrono::{DateTime, Utc};
use doorward_domain::{ApiKeyId, Change, SessionId, UserId};
use doorward_services::ports::News;
use uuid::Uuid;

const VERSION: u8 = 1;

/// Names a node as long as it runs.
pub(crate) type Sender = [u8; 8];

mod tag {
    pub(super) const SESSION_ENDED: u8 = 1;
    pub(super) const USER_CHANGED: u8 = 2;
    pub(super) const USER_LIST_CHANGED: u8 = 3;
    pub(super) const TASK_DUE: u8 = 4;
    pub(super) const SIGNING_KEYS_CHANGED: u8 = 5;
    pub(super) const API_KEY_CHANGED: u8 = 6;
    pub(super) const SETTINGS_CHANGED: u8 = 7;
}

pub(crate) fn encode(sender: Sender, changes: &[Change]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9 + 25 * changes.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&sender);
    for change in changes {
        match change {
            Change::SessionEnded { session, until } => {
                bytes.push(tag::SESSION_ENDED);
                bytes.extend_from_slice(session.as_uuid().as_bytes());
                bytes.extend_from_slice(&until.timestamp_micros().to_be_bytes());
            }
            Change::UserChanged(user) => {
                bytes.push(tag::USER_CHANGED);
                bytes.extend_from_slice(user.as_uuid().as_bytes());
            }
            Change::UserListChanged => bytes.push(tag::USER_LIST_CHANGED),
            Change::SigningKeysChanged => bytes.push(tag::SIGNING_KEYS_CHANGED),
            Change::ApiKeyChanged(key) => {
                bytes.push(tag::API_KEY_CHANGED);
                bytes.extend_from_slice(key.as_uuid().as_bytes());
            }
            Change::SettingsChanged => bytes.push(tag::SETTINGS_CHANGED),
            Change::TaskDue(at) => {
                bytes.push(tag::TASK_DUE);
                bytes.extend_from_slice(&at.timestamp_micros().to_be_bytes());
            }
        }
    }
    bytes
}

/// What another node says; none for what this node has said itself. Whatever cannot be read in full, such as the words
/// of a newer release, is a hint to look.
pub(crate) fn decode(own: Sender, bytes: &[u8]) -> Option<News> {
    let mut reader = Reader(bytes);
    if reader.take() != Some([VERSION]) {
        return Some(News::LookNow);
    }
    if reader.take() == Some(own) {
        return None;
    }
    Some(match reader.changes() {
        Some(changes) if !changes.is_empty() => News::Changes(changes),
        Some(_) | None => News::LookNow,
    })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn changes(mut self) -> Option<Vec<Change>> {
        let mut changes = Vec::new();
        while !self.0.is_empty() {
            let [tag] = self.take()?;
            changes.push(match tag {
                tag::SESSION_ENDED => Change::SessionEnded {
                    session: SessionId::from_uuid(self.uuid()?),
                    until: self.instant()?,
                },
                tag::USER_CHANGED => Change::UserChanged(UserId::from_uuid(self.uuid()?)),
                tag::USER_LIST_CHANGED => Change::UserListChanged,
                tag::SIGNING_KEYS_CHANGED => Change::SigningKeysChanged,
                tag::API_KEY_CHANGED => Change::ApiKeyChanged(ApiKeyId::from_uuid(self.uuid()?)),
                tag::SETTINGS_CHANGED => Change::SettingsChanged,
                tag::TASK_DUE => Change::TaskDue(self.instant()?),
                _ => return None,
            });
        }
        Some(changes)
    }

    fn instant(&mut self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(i64::from_be_bytes(self.take()?))
    }

    fn uuid(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_services::testing::change_bus::each_kind_of_change;
    use proptest::prelude::*;

    const ME: Sender = [1; 8];
    const YOU: Sender = [2; 8];

    #[test]
    fn every_kind_of_change_arrives_as_it_was_sent() {
        let changes = each_kind_of_change();
        assert_eq!(
            decode(ME, &encode(YOU, &changes)),
            Some(News::Changes(changes))
        );
    }

    #[test]
    fn a_node_does_not_hear_itself() {
        assert_eq!(decode(ME, &encode(ME, &each_kind_of_change())), None);
    }

    /// Other releases speak it: this is no test to adapt.
    #[test]
    fn the_words_are_what_they_were() {
        let user = UserId::from_uuid(Uuid::from_bytes([7; 16]));
        let bytes = encode(YOU, &[Change::UserListChanged, Change::UserChanged(user)]);
        let expected = [&[1][..], &[2; 8], &[3, 2], &[7; 16]].concat();
        assert_eq!(bytes, expected);
        let session = SessionId::from_uuid(Uuid::from_bytes([9; 16]));
        let until = DateTime::from_timestamp_micros(258).unwrap();
        let bytes = encode(YOU, &[Change::SessionEnded { session, until }]);
        let expected = [&[1][..], &[2; 8], &[1], &[9; 16], &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
        assert_eq!(bytes, expected);
        let bytes = encode(YOU, &[Change::SigningKeysChanged]);
        assert_eq!(bytes, [&[1][..], &[2; 8], &[5]].concat());
        let key = ApiKeyId::from_uuid(Uuid::from_bytes([5; 16]));
        let bytes = encode(YOU, &[Change::ApiKeyChanged(key)]);
        assert_eq!(bytes, [&[1][..], &[2; 8], &[6], &[5; 16]].concat());
        let bytes = encode(YOU, &[Change::SettingsChanged]);
        assert_eq!(bytes, [&[1][..], &[2; 8], &[7]].concat());
        let bytes = encode(YOU, &[Change::TaskDue(until)]);
        let expected = [&[1][..], &[2; 8], &[4], &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_cannot_be_read_in_full_is_a_hint() {
        let good = encode(YOU, &each_kind_of_change());
        for (what, bytes) in [
            ("nothing", vec![]),
            ("no changes", encode(YOU, &[])),
            ("another version", [&[2], &good[1..]].concat()),
            ("an unknown change", [&good[..], &[200]].concat()),
            ("a cut change", good[..good.len() - 3].to_vec()),
            ("no time", [&good[..], &[1], &[9; 16], &[0x7f; 8]].concat()),
        ] {
            assert_eq!(decode(ME, &bytes), Some(News::LookNow), "{what}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            decode(ME, &bytes);
            decode(ME, &[&[VERSION][..], &YOU, &bytes].concat());
        }
    }
}
