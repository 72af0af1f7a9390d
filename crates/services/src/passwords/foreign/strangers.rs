//! Hashes come out of somebody else's database: they are taken or refused, whatever they are, and none costs more than a
//! login may.

use super::*;
use proptest::prelude::*;

const SALTS: &str = "[./A-Za-z0-9+=]{0,30}";

/// A hash whose costs are small, if it is one at all.
fn a_cheap_hash() -> impl Strategy<Value = String> {
    prop_oneof![
        (
            0_u32..20,
            SALTS,
            "[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{27}=|.{0,50}",
            any::<bool>()
        )
            .prop_map(|(rounds, salt, hash, is_sha1)| {
                let name = if is_sha1 {
                    "pbkdf2_sha1"
                } else {
                    "pbkdf2_sha256"
                };
                format!("{name}${rounds}${salt}${hash}")
            }),
        (
            "argon2(id|i|d|x)",
            "v=19\\$|v=16\\$|v=18\\$|",
            (0_u32..80, 0_u32..4, 0_u32..9),
            "[A-Za-z0-9+/]{0,40}",
            "[A-Za-z0-9+/]{0,90}",
        )
            .prop_map(|(variety, version, (m, t, p), salt, hash)| {
                format!("argon2${variety}${version}m={m},t={t},p={p}${salt}${hash}")
            }),
        (
            0_u32..70,
            SALTS,
            0_u32..4,
            0_u32..4,
            "[A-Za-z0-9+/]{86}==|.{0,90}"
        )
            .prop_map(|(n, salt, r, p, hash)| format!("scrypt${n}${salt}${r}${p}${hash}")),
        ("[abxyz]?", "0[45]|[0-9]{0,3}", "[./A-Za-z0-9]{53}|.{0,60}")
            .prop_map(|(version, cost, rest)| format!("bcrypt$$2{version}${cost}${rest}")),
    ]
}

/// Parameters of any size.
fn a_hash() -> impl Strategy<Value = String> {
    prop_oneof![
        "(pbkdf2_sha256|pbkdf2_sha1|argon2|scrypt|bcrypt|md5)\\$[0-9a-z$=,.+-]{0,80}",
        "(pbkdf2_sha256|scrypt)\\$[0-9]{1,12}\\$salt(\\$[0-9]{1,12}){0,2}\\$[A-Za-z0-9+/]{43,86}={1,2}",
        "argon2\\$argon2id\\$v=19\\$m=[0-9]{1,12},t=[0-9]{1,12},p=[0-9]{1,12}\\$c2FsdHlzYWx0\\$[A-Za-z0-9+/]{43}",
        ".{0,100}",
    ]
}

fn parsed(text: &str) -> Option<ForeignHash> {
    ForeignHash::parse(&PasswordHash::parse(text).ok()?).ok()
}

proptest! {
    #[test]
    fn any_hash_is_taken_or_refused(text in a_hash()) {
        parsed(&text);
    }

    #[test]
    fn a_hash_that_is_taken_is_worked_through_and_matches_no_password_by_chance(text in a_cheap_hash()) {
        let password = Password::parse("gustav-Eiffel-1889").unwrap();
        if !text.starts_with("bcrypt$") || text.starts_with("bcrypt$$2b$04$") {
            prop_assert!(!parsed(&text).is_some_and(|hash| hash.matches(&password)), "{text}");
        }
    }
}
