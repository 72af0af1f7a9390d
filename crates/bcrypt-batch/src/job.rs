//! What is to be hashed.

use crate::cost::Cost;
use crate::hash::Version;
use std::fmt;
use zeroize::Zeroizing;

/// The longest password, in bytes.
pub const MAX_PASSWORD: usize = 72;

/// The salt of a hash: 16 bytes from a random source, new for every hash.
pub type Salt = [u8; 16];

/// A password of more than [`MAX_PASSWORD`] bytes. Other implementations cut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bcrypt takes passwords of at most {MAX_PASSWORD} bytes")]
pub struct PasswordTooLong;

/// One password to be hashed, ready to wait in a queue: it borrows nothing, and is wiped when it is dropped.
pub struct Job {
    /// The password, as often as it fits into the subkeys. As secret as itself.
    pub(crate) key: Zeroizing<[u32; 18]>,
    pub(crate) version: Version,
    pub(crate) cost: Cost,
    pub(crate) salt: Salt,
}

impl Job {
    /// For a new hash, which will be a `$2b$`. To verify one that is there, ask [`Hash::job`](crate::Hash::job).
    ///
    /// # Errors
    /// When the password has more than 72 bytes.
    pub fn new(password: &[u8], salt: Salt, cost: Cost) -> Result<Self, PasswordTooLong> {
        Self::with_version(Version::TwoB, password, salt, cost)
    }

    pub(crate) fn with_version(
        version: Version,
        password: &[u8],
        salt: Salt,
        cost: Cost,
    ) -> Result<Self, PasswordTooLong> {
        if password.len() > MAX_PASSWORD {
            return Err(PasswordTooLong);
        }
        // The NUL that ends a string in C is a part of the key, as long as there is room.
        let terminated = password.iter().copied().chain([0]).take(MAX_PASSWORD);
        let mut bytes = terminated.cycle();
        let mut key = Zeroizing::new([0; 18]);
        for word in key.iter_mut() {
            for byte in bytes.by_ref().take(4) {
                *word = (*word << 8) | widen(byte, version);
            }
        }
        Ok(Self {
            key,
            version,
            cost,
            salt,
        })
    }

    /// The cost that was asked for. Jobs of one cost are hashed together.
    pub fn cost(&self) -> Cost {
        self.cost
    }
}

/// What `crypt_blowfish` did until 2011, and what `$2x$` stands for: bytes over 127 were taken for negative numbers, and
/// wiped out the ones before them.
fn widen(byte: u8, version: Version) -> u32 {
    match version {
        Version::TwoX => i32::from(byte.cast_signed()).cast_unsigned(),
        Version::TwoA | Version::TwoB | Version::TwoY => u32::from(byte),
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("version", &self.version)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_72_bytes_is_taken_and_a_longer_one_refused() {
        assert!(Job::new(&[b'x'; 72], [1; 16], Cost::MIN).is_ok());
        assert_eq!(
            Job::new(&[b'x'; 73], [1; 16], Cost::MIN).unwrap_err(),
            PasswordTooLong
        );
    }

    #[test]
    fn the_last_of_72_bytes_counts() {
        let [one, other] = [b'y', b'z'].map(|last| {
            let mut password = [b'x'; 72];
            password[71] = last;
            Job::new(&password, [1; 16], Cost::MIN).unwrap()
        });
        assert_ne!(one.key, other.key);
    }

    #[test]
    fn the_password_is_repeated_with_its_terminator() {
        let job = Job::new(b"ab", [1; 16], Cost::MIN).unwrap();
        assert_eq!(job.key[..3], [0x6162_0061, 0x6200_6162, 0x0061_6200]);
    }

    #[test]
    fn no_password_is_printed() {
        let job = Job::new(b"secret", [1; 16], Cost::MIN).unwrap();
        assert_eq!(
            format!("{job:?}"),
            "Job { version: TwoB, cost: Cost(4), .. }"
        );
    }
}
