//! Equality with the `bcrypt` crate, which computes one hash at a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its jobs fails")]

use bcrypt::HashParts;
use bcrypt_batch::{Cost, Hash, Job, LANES, MAX_PASSWORD, Version, hash_batch};
use proptest::collection::vec;
use proptest::prelude::*;

fn job(password: &[u8], salt: [u8; 16], cost: u32) -> Job {
    Job::new(password, salt, Cost::new(cost).unwrap()).unwrap()
}

fn oracle(password: &[u8], salt: [u8; 16], cost: u32) -> HashParts {
    bcrypt::hash_with_salt(password, cost, salt).unwrap()
}

/// Everything that bcrypt takes: NUL, bytes over 127, and up to 72 of them.
fn passwords() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=MAX_PASSWORD)
}

fn requests(
    costs: impl Strategy<Value = u32>,
    batch: usize,
) -> impl Strategy<Value = Vec<(Vec<u8>, [u8; 16], u32)>> {
    vec((passwords(), any::<[u8; 16]>(), costs), 1..=batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_of_mixed_costs_gives_what_the_crate_gives(requests in requests(4..=6_u32, 2 * LANES + 1)) {
        let jobs: Vec<Job> = requests
            .iter()
            .map(|(password, salt, cost)| job(password, *salt, *cost))
            .collect();
        let hashes = hash_batch(&jobs);
        prop_assert_eq!(hashes.len(), requests.len());
        for (hash, (password, salt, cost)) in hashes.iter().zip(&requests) {
            prop_assert_eq!(hash.to_string(), oracle(password, *salt, *cost).to_string());
        }
    }

    #[test]
    fn every_number_of_lanes_gives_what_the_crate_gives(requests in requests(Just(4), LANES)) {
        let jobs: Vec<Job> = requests
            .iter()
            .map(|(password, salt, cost)| job(password, *salt, *cost))
            .collect();
        for (hash, (password, salt, cost)) in hash_batch(&jobs).iter().zip(&requests) {
            prop_assert_eq!(hash.to_string(), oracle(password, *salt, *cost).to_string());
        }
    }

    #[test]
    fn hashes_of_the_crate_are_verified_whatever_their_prefix(password in passwords(), other in passwords(), salt: [u8; 16]) {
        let made = oracle(&password, salt, 4);
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            let text = made.format_for_version(version);
            let hash: Hash = text.parse().unwrap();
            prop_assert_eq!(hash.verify(&password), Ok(true));
            prop_assert_eq!(hash.verify(&other).unwrap(), bcrypt::verify(&other, &text).unwrap());
        }
    }

    #[test]
    fn under_2x_ascii_is_hashed_as_under_2b(password in "[ -~]{0,72}", salt: [u8; 16]) {
        let text = oracle(password.as_bytes(), salt, 4).format_for_version(bcrypt::Version::TwoX);
        let hash: Hash = text.parse().unwrap();
        prop_assert_eq!(hash.version(), Version::TwoX);
        prop_assert_eq!(hash.verify(password.as_bytes()), Ok(true));
    }

    #[test]
    fn what_the_crate_reads_is_read_alike(text in "\\$2[abxy]\\$(0[4-9]|[12][0-9]|3[01])\\$[./A-Za-z0-9]{53}") {
        let theirs = text.parse::<HashParts>();
        let ours = text.parse::<Hash>();
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.salt(), theirs.get_salt_raw());
            prop_assert_eq!(ours.cost().get(), theirs.get_cost());
            prop_assert_eq!(ours.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), notation in "\\$2.\\$..\\$.{48,53}") {
        for text in [text, notation] {
            if let Ok(hash) = text.parse::<Hash>() {
                prop_assert_eq!(hash.to_string(), text);
            }
        }
    }
}

#[test]
fn every_length_of_a_password_gives_what_the_crate_gives() {
    let password: Vec<u8> = (1..=72).collect();
    let prefixes: Vec<&[u8]> = (0..=72).map(|length| &password[..length]).collect();
    let jobs: Vec<Job> = prefixes
        .iter()
        .map(|prefix| job(prefix, [9; 16], 4))
        .collect();
    for (hash, prefix) in hash_batch(&jobs).iter().zip(prefixes) {
        assert_eq!(hash.to_string(), oracle(prefix, [9; 16], 4).to_string());
    }
}

#[test]
fn a_nul_is_a_byte_like_others_as_in_the_crate() {
    let passwords: [&[u8]; 7] = [b"a", b"a\0", b"a\0a", b"a\0b", b"\0", b"\0\0", b"\0a"];
    let jobs = passwords.map(|password| job(password, [9; 16], 4));
    let hashes = hash_batch(&jobs);
    for (hash, password) in hashes.iter().zip(passwords) {
        assert_eq!(hash.to_string(), oracle(password, [9; 16], 4).to_string());
    }
    // The key is the password repeated, with a NUL in between. So these are one key for every implementation.
    assert!(hashes[0] == hashes[2]);
    assert!(hashes[4] == hashes[5]);
    assert!(hashes[0] != hashes[1]);
    assert!(hashes[0] != hashes[3]);
}

#[test]
fn what_the_crate_cuts_is_refused() {
    let long = [b'x'; MAX_PASSWORD + 1];
    assert_eq!(oracle(&long, [9; 16], 4), oracle(&long[..72], [9; 16], 4));
    assert!(Job::new(&long, [9; 16], Cost::MIN).is_err());
}
