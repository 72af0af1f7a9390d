//! How an announcement looks on its way: a version, the sender, a mark that shows that it is one of ours, and each change
//! as a tag and its fields.

use chrono::{DateTime, Utc};
use doorward_domain::{ApiKeyId, Change, SessionId, UserId};
use doorward_services::ports::News;
use doorward_services::ports::change_bus::{AnnouncementSeal, MARK_BYTES};
use uuid::Uuid;

/// 1 had no mark.
const VERSION: u8 = 2;
const SENDER_BYTES: usize = 8;
/// The version and the sender.
const HEAD_BYTES: usize = 1 + SENDER_BYTES;

/// Names a node as long as it runs.
pub(crate) type Sender = [u8; SENDER_BYTES];

/// Speaks for one node on one channel.
pub(crate) struct Tongue {
    pub(crate) me: Sender,
    pub(crate) channel: Vec<u8>,
    pub(crate) seal: AnnouncementSeal,
}

/// What came over the channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// One of us says so.
    News(News),
    /// It is from this node.
    Own,
    /// None of us has said it, or one that has another secret key or is of another release.
    Foreign,
}

mod tag {
    pub(super) const SESSION_ENDED: u8 = 1;
    pub(super) const USER_CHANGED: u8 = 2;
    pub(super) const USER_LIST_CHANGED: u8 = 3;
    pub(super) const TASK_DUE: u8 = 4;
    pub(super) const SIGNING_KEYS_CHANGED: u8 = 5;
    pub(super) const API_KEY_CHANGED: u8 = 6;
    pub(super) const SETTINGS_CHANGED: u8 = 7;
}

impl Tongue {
    pub(crate) fn encode(&self, changes: &[Change]) -> Vec<u8> {
        let mut words = Vec::with_capacity(HEAD_BYTES + MARK_BYTES + 25 * changes.len());
        words.push(VERSION);
        words.extend_from_slice(&self.me);
        for change in changes {
            write(&mut words, change);
        }
        let mark = self.seal.mark(&self.channel, &words);
        words.splice(HEAD_BYTES..HEAD_BYTES, mark);
        words
    }

    /// Whatever one of us says and cannot be read in full, such as the words of a newer release, is a hint to look.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Heard {
        let mut reader = Reader(bytes);
        let (version, sender, mark) = (reader.take(), reader.take(), reader.take());
        let (Some([VERSION]), Some(sender), Some(mark)) = (version, sender, mark) else {
            return Heard::Foreign;
        };
        let words = [&[VERSION][..], &sender, reader.0].concat();
        if !self.seal.is_ours(&self.channel, &words, &mark) {
            return Heard::Foreign;
        }
        if sender == self.me {
            return Heard::Own;
        }
        Heard::News(match reader.changes() {
            Some(changes) if !changes.is_empty() => News::Changes(changes),
            Some(_) | None => News::LookNow,
        })
    }
}

fn write(bytes: &mut Vec<u8>, change: &Change) {
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
    const KEY: &str = "a key for tests, 32 bytes and more";

    fn tongue(me: Sender) -> Tongue {
        on(me, b"channel", KEY)
    }

    fn on(me: Sender, channel: &[u8], key: &str) -> Tongue {
        Tongue {
            me,
            channel: channel.to_vec(),
            seal: AnnouncementSeal::derive(&key.into(), &[]),
        }
    }

    /// These bytes after the head, with a mark that fits.
    fn said(rest: &[u8]) -> Vec<u8> {
        let head = [&[VERSION][..], &YOU].concat();
        let mark = tongue(YOU).seal.mark(b"channel", &[&head, rest].concat());
        [&head[..], &mark, rest].concat()
    }

    fn rest(changes: &[Change]) -> Vec<u8> {
        tongue(YOU).encode(changes)[HEAD_BYTES + MARK_BYTES..].to_vec()
    }

    #[test]
    fn every_kind_of_change_arrives_as_it_was_sent() {
        let changes = each_kind_of_change();
        assert_eq!(
            tongue(ME).decode(&tongue(YOU).encode(&changes)),
            Heard::News(News::Changes(changes))
        );
    }

    #[test]
    fn a_node_does_not_hear_itself() {
        let own = tongue(ME).encode(&each_kind_of_change());
        assert_eq!(tongue(ME).decode(&own), Heard::Own);
    }

    /// Other releases speak it: this is no test to adapt.
    #[test]
    fn the_words_are_what_they_were() {
        let user = UserId::from_uuid(Uuid::from_bytes([7; 16]));
        let changes = [Change::UserListChanged, Change::UserChanged(user)];
        let whole = tongue(YOU).encode(&changes);
        let words = [&[3, 2][..], &[7; 16]].concat();
        assert_eq!(whole, said(&words));
        let session = SessionId::from_uuid(Uuid::from_bytes([9; 16]));
        let until = DateTime::from_timestamp_micros(258).unwrap();
        let ended = rest(&[Change::SessionEnded { session, until }]);
        let expected = [&[1][..], &[9; 16], &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
        assert_eq!(ended, expected);
        assert_eq!(rest(&[Change::SigningKeysChanged]), [5]);
        let key = ApiKeyId::from_uuid(Uuid::from_bytes([5; 16]));
        assert_eq!(
            rest(&[Change::ApiKeyChanged(key)]),
            [&[6][..], &[5; 16]].concat()
        );
        assert_eq!(rest(&[Change::SettingsChanged]), [7]);
        assert_eq!(rest(&[Change::TaskDue(until)]), [4, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn what_one_of_us_says_and_cannot_be_read_in_full_is_a_hint() {
        let good = rest(&each_kind_of_change());
        for (what, bytes) in [
            ("no changes", vec![]),
            ("an unknown change", [&good[..], &[200]].concat()),
            ("a cut change", good[..good.len() - 3].to_vec()),
            ("no time", [&good[..], &[1], &[9; 16], &[0x7f; 8]].concat()),
        ] {
            let heard = tongue(ME).decode(&said(&bytes));
            assert_eq!(heard, Heard::News(News::LookNow), "{what}");
        }
    }

    #[test]
    fn what_none_of_us_has_said_here_is_foreign() {
        let changes = each_kind_of_change();
        let good = tongue(YOU).encode(&changes);
        let other_key = on(YOU, b"channel", "another key for tests, 32 bytes too");
        let mut without_mark = good.clone();
        without_mark.drain(HEAD_BYTES..HEAD_BYTES + MARK_BYTES);
        let first = [&[1][..], &without_mark[1..]].concat();
        for (what, bytes) in [
            ("nothing", vec![]),
            ("words", b"words of somebody else".to_vec()),
            ("the version before", first),
            ("no mark", without_mark),
            ("another version", [&[3], &good[1..]].concat()),
            ("one change more", [&good[..], &[3]].concat()),
            ("another sender", [&good[..1], &[3; 8], &good[9..]].concat()),
            ("another key", other_key.encode(&changes)),
            ("another channel", on(YOU, b"other", KEY).encode(&changes)),
        ] {
            assert_eq!(tongue(ME).decode(&bytes), Heard::Foreign, "{what}");
        }
        for at in 0..good.len() {
            let mut forged = good.clone();
            forged[at] ^= 1;
            assert_eq!(tongue(ME).decode(&forged), Heard::Foreign, "{at}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_in_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            tongue(ME).decode(&bytes);
            tongue(ME).decode(&said(&bytes));
        }
    }
}
