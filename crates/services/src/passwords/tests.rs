use super::*;
use crate::hashing::HashingLimits;

fn passwords(cost: u32) -> Passwords {
    Passwords::new(
        HashingPool::start(HashingLimits::default()).unwrap(),
        Cost::new(cost).unwrap(),
        PasswordPolicy::DJANGO,
    )
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

#[tokio::test]
async fn a_password_matches_its_own_hash_alone() {
    let passwords = passwords(4);
    let hash = passwords.hash(password("correct horse")).await.unwrap();
    assert!(hash.as_str().starts_with("bcrypt_sha256$$2b$04$"));
    let verify = |text: &str| passwords.verify(password(text), Some(hash.clone()));
    assert!(matches!(
        verify("correct horse").await.unwrap(),
        Verification::Match { replacement: None }
    ));
    assert!(matches!(
        verify("correct horsf").await.unwrap(),
        Verification::Mismatch
    ));
}

#[tokio::test]
async fn a_hash_that_django_made_matches() {
    let stored = "bcrypt_sha256$$2b$04$sYhUtFwJ2uRy4qcxcLkgJuGZkTOwgQASpb2aQfRN9RIwZ5L/iZmu6";
    let verified = passwords(4)
        .verify(
            password("lètmein-Doorward"),
            Some(PasswordHash::parse(stored).unwrap()),
        )
        .await;
    assert!(matches!(
        verified.unwrap(),
        Verification::Match { replacement: None }
    ));
}

#[test]
fn what_another_notation_has_not_taken_is_made_up_for_in_steps() {
    let ms = Duration::from_millis;
    for (done, missing) in [(0, 16), (10, 15), (80, 8), (156, 0), (160, 0), (9000, 0)] {
        assert_eq!(missing_steps(ms(done), ms(10), 16), missing, "{done} ms");
    }
    assert_eq!(missing_steps(ms(1), Duration::ZERO, 16), 0);
}

#[tokio::test]
async fn a_hash_too_costly_to_verify_is_not_worked_through() {
    let stored = "bcrypt_sha256$$2b$31$sYhUtFwJ2uRy4qcxcLkgJuGZkTOwgQASpb2aQfRN9RIwZ5L/iZmu6";
    let stored = PasswordHash::parse(stored).unwrap();
    assert_eq!(check(&stored), Err(Unverifiable::TooCostly));
    let verified = passwords(4).verify(password("x"), Some(stored)).await;
    assert!(matches!(verified.unwrap(), Verification::Mismatch));
}

#[tokio::test]
async fn nothing_is_cut_at_72_bytes() {
    let passwords = passwords(4);
    let hash = passwords.hash(password(&"a".repeat(73))).await.unwrap();
    let other = passwords
        .verify(password(&("a".repeat(72) + "b")), Some(hash))
        .await
        .unwrap();
    assert!(matches!(other, Verification::Mismatch));
}

#[tokio::test]
async fn a_hash_of_another_cost_is_replaced_when_it_matches() {
    let old = passwords(4).hash(password("correct horse")).await.unwrap();
    let passwords = passwords(5);
    let Verification::Match {
        replacement: Some(new),
    } = passwords
        .verify(password("correct horse"), Some(old))
        .await
        .unwrap()
    else {
        panic!("it matches and is replaced");
    };
    assert!(new.as_str().starts_with("bcrypt_sha256$$2b$05$"));
}

#[tokio::test]
async fn without_a_hash_nothing_matches() {
    let passwords = passwords(4);
    assert!(matches!(
        passwords.verify(password("x"), None).await.unwrap(),
        Verification::Mismatch
    ));
}

#[tokio::test]
async fn an_unknown_or_damaged_hash_matches_nothing() {
    for stored in [
        "md5$abc$def",
        "bcrypt_sha256$$2b$99$x",
        "bcrypt_sha256$junk",
        "unusable$!",
    ] {
        let stored = PasswordHash::parse(stored).unwrap();
        let verified = passwords(4)
            .verify(password("x"), Some(stored))
            .await
            .unwrap();
        assert!(matches!(verified, Verification::Mismatch));
    }
}
