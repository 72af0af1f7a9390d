//! The refresh secret of a session: derived from (session, generation, salt) whenever it is needed, kept nowhere.
//!
//! It travels in one of two forms, derived under different labels: as the `jti` of a signed token, or as a bare UUID.
//! The session row holds a keyed digest of the UUID, by which it is found.

use crate::keys::{KeyRing, Keys};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use doorward_domain::SessionId;
use doorward_domain::session::{Presented, RefreshDigest, Salt, Session};
use std::fmt;
use uuid::{Builder, Uuid};

/// What a client presents, already known to be well-formed; a token, to be signed by us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PresentedSecret {
    Token { session: SessionId, jti: Uuid },
    Uuid(Uuid),
}

impl fmt::Debug for PresentedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedSecret(…)")
    }
}

/// The refresh secret of one generation, in both its forms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshSecret {
    pub(crate) jti: Uuid,
    pub(crate) uuid: Uuid,
}

impl fmt::Debug for RefreshSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSecret(…)")
    }
}

impl RefreshSecret {
    pub(crate) fn derive(keys: &Keys, session: SessionId, generation: u32, salt: Salt) -> Self {
        let mut input = [0; 36];
        let (id, rest) = input.split_at_mut(16);
        let (number, salt_bytes) = rest.split_at_mut(4);
        id.copy_from_slice(session.as_uuid().as_bytes());
        number.copy_from_slice(&generation.to_be_bytes());
        salt_bytes.copy_from_slice(&salt.0);
        Self {
            jti: truncated(&hmac::sign(&keys.refresh_jti, &input)),
            uuid: truncated(&hmac::sign(&keys.refresh_uuid, &input)),
        }
    }

    pub(crate) fn digest(&self, keys: &Keys) -> RefreshDigest {
        digest(keys, self.uuid)
    }
}

impl KeyRing {
    /// The digests under which a UUID may be stored, one for each key.
    pub(crate) fn digests(&self, uuid: Uuid) -> Vec<RefreshDigest> {
        self.iter().map(|keys| digest(keys, uuid)).collect()
    }

    /// The present refresh secret of the session, under whichever key it was made. None when that key is gone.
    pub(crate) fn secret_of(&self, session: &Session) -> Option<RefreshSecret> {
        self.iter().find_map(|keys| {
            let secret = RefreshSecret::derive(keys, session.id, session.generation, session.salt);
            is_same(&secret.digest(keys).0, &session.digest.0).then_some(secret)
        })
    }

    /// Which of the session's secrets is presented. Whatever we have signed for it and is neither the present one nor
    /// the one before is an older one.
    pub(crate) fn recognise(&self, session: &Session, presented: &PresentedSecret) -> Presented {
        let is_generation = |generation: Option<u32>| {
            generation.is_some_and(|generation| match presented {
                PresentedSecret::Token { jti, .. } => self.iter().any(|keys| {
                    let secret = RefreshSecret::derive(keys, session.id, generation, session.salt);
                    is_same(secret.jti.as_bytes(), jti.as_bytes())
                }),
                PresentedSecret::Uuid(uuid) => {
                    let stored = if generation == session.generation {
                        Some(session.digest)
                    } else {
                        session.previous_digest
                    };
                    self.digests(*uuid)
                        .iter()
                        .any(|digest| stored.is_some_and(|stored| is_same(&digest.0, &stored.0)))
                }
            })
        };
        if is_generation(Some(session.generation)) {
            Presented::Current
        } else if is_generation(session.generation.checked_sub(1)) {
            Presented::Previous
        } else {
            Presented::Older
        }
    }
}

fn digest(keys: &Keys, uuid: Uuid) -> RefreshDigest {
    let mut digest = [0; 32];
    digest.copy_from_slice(hmac::sign(&keys.refresh_digest, uuid.as_bytes()).as_ref());
    RefreshDigest(digest)
}

/// 122 bits of the tag, as a UUID of version 4.
fn truncated(tag: &hmac::Tag) -> Uuid {
    let mut bytes = [0; 16];
    for (byte, tag) in bytes.iter_mut().zip(tag.as_ref()) {
        *byte = *tag;
    }
    Builder::from_random_bytes(bytes).into_uuid()
}

fn is_same(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use doorward_domain::{Origin, UserId};

    fn ring() -> KeyRing {
        KeyRing::new(&"a key for tests, 32 bytes and more".to_owned().into(), &[])
    }

    fn session(ring: &KeyRing, generation: u32) -> Session {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (id, salt) = (SessionId::new(at), Salt([9; 16]));
        let digest = |generation| {
            RefreshSecret::derive(&ring.present, id, generation, salt).digest(&ring.present)
        };
        Session {
            id,
            user_id: UserId::new(at),
            generation,
            salt,
            digest: digest(generation),
            previous_digest: generation.checked_sub(1).map(digest),
            created_at: at,
            rotated_at: at,
            expires_at: at,
            access_expires_at: at,
            origin: Origin::default(),
            end: None,
        }
    }

    fn secret(ring: &KeyRing, session: &Session, generation: u32) -> RefreshSecret {
        RefreshSecret::derive(&ring.present, session.id, generation, session.salt)
    }

    #[test]
    fn the_secret_of_a_generation_is_recognised_in_both_forms() {
        let ring = ring();
        let session = session(&ring, 5);
        for (generation, presented) in [
            (5, Presented::Current),
            (4, Presented::Previous),
            (3, Presented::Older),
        ] {
            let secret = secret(&ring, &session, generation);
            let token = PresentedSecret::Token {
                session: session.id,
                jti: secret.jti,
            };
            assert_eq!(
                ring.recognise(&session, &token),
                presented,
                "token of {generation}"
            );
            assert_eq!(
                ring.recognise(&session, &PresentedSecret::Uuid(secret.uuid)),
                presented,
                "uuid of {generation}"
            );
        }
    }

    #[test]
    fn the_first_generation_has_none_before_it() {
        let ring = ring();
        let session = session(&ring, 0);
        let token = PresentedSecret::Token {
            session: session.id,
            jti: Uuid::nil(),
        };
        assert_eq!(ring.recognise(&session, &token), Presented::Older);
    }

    #[test]
    fn a_jti_is_not_the_uuid_and_no_generation_tells_another() {
        let ring = ring();
        let session = session(&ring, 1);
        let (one, two) = (secret(&ring, &session, 0), secret(&ring, &session, 1));
        let all = [one.jti, one.uuid, two.jti, two.uuid];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
        assert!(!ring.digests(two.jti).contains(&session.digest));
    }

    #[test]
    fn a_secret_made_under_an_earlier_key_is_found_again_as_long_as_the_key_is_there() {
        let old = ring();
        let session = session(&old, 2);
        let new = "another key for tests, 32 bytes too";
        let both = KeyRing::new(
            &new.to_owned().into(),
            &["a key for tests, 32 bytes and more".to_owned().into()],
        );
        assert_eq!(both.secret_of(&session), Some(secret(&old, &session, 2)));
        assert_eq!(
            KeyRing::new(&new.to_owned().into(), &[]).secret_of(&session),
            None
        );
    }
}
