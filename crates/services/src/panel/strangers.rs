//! What browsers send is read or refused, whatever it is.

use super::pass::{FormToken, Pass};
use super::*;
use crate::keys::KeyRing;
use doorward_domain::{SessionId, UserId};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::LazyLock;
use uuid::Uuid;

static RING: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new(&"a key for tests, 32 bytes and more".into(), &[]));

proptest! {
    #[test]
    fn a_changed_cookie_is_nobodys(at in any::<Index>(), other in "[A-Za-z0-9_=+/-]|.", how in 0..4) {
        let pass = Pass {
            user: UserId::from_uuid(Uuid::nil()),
            session: SessionId::from_uuid(Uuid::max()),
            ends_at: DateTime::UNIX_EPOCH,
            seen_at: DateTime::UNIX_EPOCH,
        };
        let good = pass.sealed(&RING);
        prop_assert_eq!(Pass::open(&RING, &good), Some(pass));
        let at = at.index(good.len());
        let (left, right) = good.split_at(at);
        let rest = right.get(1..).unwrap();
        let changed = match how {
            0 => format!("{left}{other}{rest}"),
            1 => format!("{left}{rest}"),
            2 => format!("{left}{other}{right}"),
            _ => left.to_owned(),
        };
        prop_assert_eq!(Pass::open(&RING, &changed).is_some(), changed == good, "{}", changed);
    }

    #[test]
    fn any_text_is_no_cookie(text in "[A-Za-z0-9_-]{0,120}|.{0,120}") {
        prop_assert_eq!(Pass::open(&RING, &text), None);
        if let Some(visit) = Visit::of_stranger(&text) {
            prop_assert_eq!(visit.cookie(), text.as_str());
            prop_assert!(!FormToken::make(&RING.present, visit).is(&text));
        }
    }
}
