//! Every hash here was made by Django 5.2 or by the library that it uses.

use super::*;
use crate::hashing::{HashingLimits, HashingPool};
use crate::passwords::{Passwords, Verification};
use doorward_domain::password_policy::PasswordPolicy;

const PASSWORD: &str = "lètmein-Doorward";

/// Hashes of [`PASSWORD`].
const HASHES: [&str; 11] = [
    "pbkdf2_sha256$1200$injw4y5frQ5RlS2kwCwppH$f5ERSeg5yKOeqpWGDqpawuGRncSd1j4161bOBPg/8JI=",
    "pbkdf2_sha1$1200$mVOqNk3ajcXS88buWngW69$ms/7oWN0fFQg/ifnf7AA9+sr2JE=",
    "argon2$argon2id$v=19$m=256,t=2,p=2$YXVKMXhCWExpZHYwWmlsVXpiaDNScQ$up5uN5aUOXYZhiAbjuoesm5sKWQ+dyGfYj7E4G/HJX0",
    "argon2$argon2i$v=19$m=128,t=2,p=1$c2FsdHlzYWx0eXNhbHQ$cmPSqOosbc6cki1fwj9u/dz/CTlFyTpy",
    "argon2$argon2d$v=19$m=128,t=2,p=1$c2FsdHlzYWx0eXNhbHQ$zLqc7QjbyOAWJQbBLIw8AHPV/4NJeUQ6",
    "argon2$argon2i$v=16$m=128,t=2,p=1$c2FsdHlzYWx0eXNhbHQ$raO2aPH9ZDehZbR1n3WVyw",
    "argon2$argon2i$m=128,t=2,p=1$c2FsdHlzYWx0eXNhbHQ$raO2aPH9ZDehZbR1n3WVyw",
    "scrypt$64$xkf2LtuR2TNMlo8sqBKDnS$8$2$CN01Fu64uNLbeGAxWOKr/wHFxFTWB2wRgsjoZIpizznhJia/P+ZHhMOgsCCMBDRa5RJP2wgn5PQMhYEN+NqB7A==",
    "bcrypt$$2b$04$Jg3mEEsS0rT3DdPdZq6iA.Gvn1maTKc4VdKpBsnWBPE7.2v9OoJ0O",
    "bcrypt$$2a$04$EH72zX9wlLYOfIhSXk/.GuLsXrpJE7BRyUmX6fQRNT69lRA5WgsH6",
    "bcrypt$$2y$04$EH72zX9wlLYOfIhSXk/.GuLsXrpJE7BRyUmX6fQRNT69lRA5WgsH6",
];

/// bcrypt of 72 times the letter a.
const OF_72_BYTES: &str = "bcrypt$$2b$04$smHYM5SBNAIHjOJtCdND5eZmrK7M.ygJO.dIDnMjbVyiP/C85bEem";

const SHA256: &str = "f5ERSeg5yKOeqpWGDqpawuGRncSd1j4161bOBPg/8JI=";
const SCRYPT: &str =
    "CN01Fu64uNLbeGAxWOKr/wHFxFTWB2wRgsjoZIpizznhJia/P+ZHhMOgsCCMBDRa5RJP2wgn5PQMhYEN+NqB7A==";
const ARGON2: &str = "c2FsdHlzYWx0eXNhbHQ$raO2aPH9ZDehZbR1n3WVyw";

fn hash(text: &str) -> PasswordHash {
    PasswordHash::parse(text).unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

fn parse(text: &str) -> Result<ForeignHash, Unverifiable> {
    ForeignHash::parse(&hash(text))
}

#[test]
fn every_hash_that_django_made_matches_its_password_and_no_other() {
    for text in HASHES {
        let hash = parse(text).unwrap();
        assert!(hash.matches(&password(PASSWORD)), "{text}");
        for wrong in ["lètmein-doorward", "letmein-Doorward", "x"] {
            assert!(!hash.matches(&password(wrong)), "{text}");
        }
    }
}

#[tokio::test]
async fn a_match_is_replaced_by_a_hash_of_ours_and_a_mismatch_is_not() {
    let passwords = Passwords::new(
        HashingPool::start(HashingLimits::default()).unwrap(),
        bcrypt_batch::Cost::MIN,
        PasswordPolicy::DJANGO,
    );
    for text in HASHES {
        let verify = |typed: &str| passwords.verify(password(typed), Some(hash(text)));
        let Verification::Match {
            replacement: Some(new),
        } = verify(PASSWORD).await.unwrap()
        else {
            panic!("{text}");
        };
        assert!(new.as_str().starts_with("bcrypt_sha256$$2b$04$"), "{text}");
        let again = passwords.verify(password(PASSWORD), Some(new)).await;
        assert!(
            matches!(again, Ok(Verification::Match { replacement: None })),
            "{text}"
        );
        let wrong = verify("wrong").await.unwrap();
        assert!(matches!(wrong, Verification::Mismatch), "{text}");
    }
}

#[test]
fn a_plain_bcrypt_hash_takes_72_bytes_and_refuses_more() {
    let hash = parse(OF_72_BYTES).unwrap();
    assert!(hash.matches(&password(&"a".repeat(72))));
    for length in [71, 73, 100] {
        assert!(!hash.matches(&password(&"a".repeat(length))), "{length}");
    }
}

#[test]
fn a_damaged_hash_is_refused() {
    for text in HASHES {
        assert!(parse(text).is_ok(), "{text}");
        // A hash of Argon2 may be of any length from 16 bytes on, which are 22 characters.
        let shortest = text.rfind('$').unwrap() + 1 + 22;
        let is_argon2 = text.starts_with("argon2");
        let end = if is_argon2 { shortest } else { text.len() };
        for end in text.find('$').unwrap() + 2..end {
            let cut = text.get(..end).unwrap();
            assert!(parse(cut).is_err(), "{cut}");
        }
    }
    for text in [
        format!("pbkdf2_sha256$0$salt${SHA256}"),
        format!("pbkdf2_sha256$-5$salt${SHA256}"),
        format!("pbkdf2_sha256$+5$salt${SHA256}"),
        format!("pbkdf2_sha256$5$${SHA256}"),
        format!("pbkdf2_sha1$5$salt${SHA256}"),
        format!("scrypt$63$salt$8$2${SCRYPT}"),
        format!("scrypt$64$salt$0$2${SCRYPT}"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=64${ARGON2}"),
        format!("argon2$argon2id$v=19$t=1,m=8,p=1${ARGON2}"),
    ] {
        assert_eq!(parse(&text).unwrap_err(), Unverifiable::Damaged, "{text}");
    }
    for text in [
        "md5$salt$hash".to_owned(),
        "bcrypt$$2x$04$EH72zX9wlLYOfIhSXk/.GuLsXrpJE7BRyUmX6fQRNT69lRA5WgsH6".to_owned(),
        format!("argon2$argon2x$v=19$m=8,t=1,p=1${ARGON2}"),
        format!("argon2$argon2id$v=20$m=8,t=1,p=1${ARGON2}"),
    ] {
        assert_eq!(parse(&text).unwrap_err(), Unverifiable::Algorithm, "{text}");
    }
}

/// The salts and hashes are well-formed: it is the costs alone that are refused.
#[test]
fn a_hash_that_would_eat_gigabytes_or_minutes_is_refused() {
    let pbkdf2 = |iterations: &str| parse(&format!("pbkdf2_sha256${iterations}$salt${SHA256}"));
    let argon2 = |costs: &str| parse(&format!("argon2$argon2id$v=19${costs}${ARGON2}"));
    let scrypt = |n: u64, r: u64, p: u64| parse(&format!("scrypt${n}$salt${r}${p}${SCRYPT}"));
    let bcrypt = |cost: &str| {
        let rest = "EH72zX9wlLYOfIhSXk/.GuLsXrpJE7BRyUmX6fQRNT69lRA5WgsH6";
        parse(&format!("bcrypt$$2b${cost}${rest}"))
    };
    for costly in [
        pbkdf2("10000001"),
        pbkdf2("4294967296"),
        pbkdf2("99999999999999999999999"),
        argon2("m=262145,t=1,p=1"),
        argon2("m=262144,t=9,p=1"),
        argon2("m=1024,t=4294967295,p=1"),
        argon2("m=1024,t=1,p=65"),
        scrypt(4_194_304, 8, 1),
        scrypt(1_048_576, 4_294_967_295, 1),
        scrypt(16_384, 8, 1_000_000),
        scrypt(u64::MAX, u64::MAX, u64::MAX),
        bcrypt("17"),
        bcrypt("31"),
    ] {
        assert_eq!(costly.unwrap_err(), Unverifiable::TooCostly);
    }
    // What Django writes by default, and what the careful choose, is not too much.
    assert!(pbkdf2("1000000").is_ok() && pbkdf2("10000000").is_ok());
    assert!(argon2("m=102400,t=2,p=8").is_ok() && argon2("m=262144,t=8,p=8").is_ok());
    assert!(scrypt(16_384, 8, 5).is_ok() && scrypt(262_144, 8, 4).is_ok());
    assert!(bcrypt("12").is_ok() && bcrypt("16").is_ok());
}

#[test]
fn a_hash_does_not_print() {
    for text in HASHES {
        let printed = format!("{:?}", parse(text).unwrap());
        assert!(printed.len() < 40, "{printed}");
    }
}
