//! The keys that sign and verify tokens, and what makes a key too weak for that.

use super::database::DatabaseUrl;
use super::key_file::KeyFile;
use super::reader::Reader;
use doorward_domain::JwtAlgorithm;
use doorward_domain::settings::parse_bool;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;

const MIN_BYTES: usize = 32;
const MIN_DIFFERENT_CHARS: usize = 8;
/// So many characters that occur again, or that follow a well-known order, are no accident in a random key.
const SUSPICIOUS_CHARS: usize = 8;
const EXAMPLE_PREFIX: &str = "django-insecure-";
const EXAMPLE_WORDS: [&str; 7] = [
    "secret",
    "password",
    "changeme",
    "change-me",
    "change_me",
    "your-",
    "your_",
];
/// The orders in which people type when they are asked for something long.
const RUNS: [&str; 3] = [
    "01234567890123456789",
    "0123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789",
    "1234567890qwertyuiopasdfghjklzxcvbnm",
];
const RECIPE: &str = "`head -c 48 /dev/urandom | base64` makes a good one";

/// What signs and verifies tokens.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `SECRET_KEY`, or the file that stands for it.
    pub signing: KeySource,
    /// `SECRET_KEY_FALLBACKS`: earlier keys, which still verify and never sign.
    pub fallbacks: Vec<SecretKey>,
    /// `JWT_ALGORITHM`.
    pub algorithm: JwtAlgorithm,
    /// `JWT_ACCEPT_FOREIGN`: whether access tokens of simplejwt under the same key are accepted.
    pub accept_foreign_tokens: bool,
}

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The operator gave it.
    Given(SecretKey),
    /// It lies, or will lie, in a file beside the SQLite database.
    File(KeyFile),
}

/// A key that is not weak. It does not print.
#[derive(Debug, Clone)]
pub struct SecretKey(SecretString);

/// Why a key is too weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Django's project template made it.
    #[error("must not begin with {EXAMPLE_PREFIX}, which marks the key of a new Django project")]
    DjangoExample,
    /// It stood in a README.
    #[error("must not contain \"{0}\", as the keys in examples do")]
    Example(&'static str),
    /// It can be guessed.
    #[error("must be at least {MIN_BYTES} bytes long")]
    TooShort,
    /// Hardly anything in it is left to chance.
    #[error("must have at least {MIN_DIFFERENT_CHARS} different characters")]
    TooFewChars,
    /// It is only as strong as one of its blocks.
    #[error("must not repeat a block of characters")]
    RepeatedBlock,
    /// It follows the alphabet or the keyboard.
    #[error("must not contain a run such as 0123456789abcdef")]
    Run,
}

impl Keys {
    pub(super) fn read(reader: &mut Reader<'_>, database: &DatabaseUrl) -> Self {
        Self {
            signing: signing(reader, database),
            fallbacks: fallbacks(reader),
            algorithm: reader
                .parsed("JWT_ALGORITHM", "HS256, EdDSA, ES256 or RS256", |text| {
                    text.parse().ok()
                })
                .unwrap_or_default(),
            accept_foreign_tokens: reader
                .parsed("JWT_ACCEPT_FOREIGN", "true or false", parse_bool)
                .unwrap_or(false),
        }
    }
}

fn signing(reader: &mut Reader<'_>, database: &DatabaseUrl) -> KeySource {
    let file = KeyFile::beside(database.sqlite_path());
    match (reader.secret("SECRET_KEY"), database) {
        (Some(text), _) => match SecretKey::parse(text) {
            Ok(key) => return KeySource::Given(key),
            Err(weakness) => reader.refuse("SECRET_KEY", format!("{weakness}; {RECIPE}")),
        },
        (None, DatabaseUrl::Sqlite(_)) => {}
        (None, DatabaseUrl::Postgres(_)) => reader.refuse(
            "SECRET_KEY",
            format!("must be set with PostgreSQL, to the same value on every node; {RECIPE}"),
        ),
    }
    KeySource::File(file)
}

fn fallbacks(reader: &mut Reader<'_>) -> Vec<SecretKey> {
    const NAME: &str = "SECRET_KEY_FALLBACKS";
    let mut keys = Vec::new();
    let list = reader.text(NAME).unwrap_or_default();
    let texts = list.split(',').map(str::trim);
    for (text, number) in texts.zip(1..).filter(|_| !list.is_empty()) {
        match SecretKey::parse(text.to_owned()) {
            Ok(key) => keys.push(key),
            Err(weakness) => {
                reader.refuse(NAME, format!("{weakness}; its key {number} is too weak"));
            }
        }
    }
    keys
}

impl SecretKey {
    /// Takes a key unless it is weak.
    ///
    /// # Errors
    /// The first [`WeakKey`] that applies.
    pub fn parse(text: String) -> Result<Self, WeakKey> {
        let key = SecretString::from(text);
        match weakness(key.expose_secret()) {
            Some(weakness) => Err(weakness),
            None => Ok(Self(key)),
        }
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn weakness(key: &str) -> Option<WeakKey> {
    let lower = key.to_ascii_lowercase();
    let chars: Vec<char> = key.chars().collect();
    let different: HashSet<_> = chars.iter().collect();
    if lower.starts_with(EXAMPLE_PREFIX) {
        Some(WeakKey::DjangoExample)
    } else if let Some(word) = EXAMPLE_WORDS.into_iter().find(|word| lower.contains(word)) {
        Some(WeakKey::Example(word))
    } else if key.len() < MIN_BYTES {
        Some(WeakKey::TooShort)
    } else if different.len() < MIN_DIFFERENT_CHARS {
        Some(WeakKey::TooFewChars)
    } else if has_run(&lower) {
        Some(WeakKey::Run)
    } else if has_repeated_block(&chars) {
        Some(WeakKey::RepeatedBlock)
    } else {
        None
    }
}

fn has_repeated_block(chars: &[char]) -> bool {
    let mut seen = HashSet::new();
    chars
        .windows(SUSPICIOUS_CHARS)
        .any(|block| !seen.insert(block))
}

/// Forwards or backwards.
fn has_run(lower: &str) -> bool {
    let chars: Vec<char> = lower.chars().collect();
    chars.windows(SUSPICIOUS_CHARS).any(|block| {
        let forwards: String = block.iter().collect();
        let backwards: String = block.iter().rev().collect();
        RUNS.iter()
            .any(|run| run.contains(&forwards) || run.contains(&backwards))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_key_is_taken() {
        for key in [
            "q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1TaE",
            "50ab#w)6&f-(q!x2m^z$k9@e3t=7r+c8v_n4",
            "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d",
            "Zm9vYmFyCg8hHkQx7T2pL5vWnR3sYdKaJbUeXwGi4oNc6tMqVzA=",
            "ключ из тридцати двух случайных букв",
        ] {
            assert_eq!(weakness(key), None, "{key}");
            assert_eq!(SecretKey::parse(key.to_owned()).unwrap().expose(), key);
        }
    }

    #[test]
    fn each_weakness_is_refused_by_its_own_name() {
        for (key, expected) in [
            ("", WeakKey::TooShort),
            ("q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1Ta", WeakKey::TooShort),
            ("abcdefgabcdefgabcdefgabcdefgabcdefg", WeakKey::TooFewChars),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                WeakKey::TooFewChars,
            ),
            ("q9Zt4LxW0pVb7RkDq9Zt4LxW0pVb7RkD", WeakKey::RepeatedBlock),
            ("q9Zt4LxWq9Zt4LxWq9Zt4LxWq9Zt4LxWq9", WeakKey::RepeatedBlock),
            ("0123456789abcdef0123456789abcdef", WeakKey::Run),
            ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", WeakKey::Run),
            ("q9Zt4LxW0pVb7RkD-hgfedcba-2nHs5JmY", WeakKey::Run),
            ("12345678901234567890-Zt4LxW0pVb7Rk", WeakKey::Run),
            ("qwertyuiopasdfghjklzxcvbnm12345678", WeakKey::Run),
            (
                "django-insecure-q9Zt4LxW0pVb7RkD2nHs5JmY8",
                WeakKey::DjangoExample,
            ),
            (
                "this-is-a-SECRET-of-q9Zt4LxW0pVb7RkD",
                WeakKey::Example("secret"),
            ),
            (
                "Password-q9Zt4LxW0pVb7RkD2nHs5JmY8cGf",
                WeakKey::Example("password"),
            ),
            (
                "changeme-q9Zt4LxW0pVb7RkD2nHs5JmY8cGf",
                WeakKey::Example("changeme"),
            ),
            (
                "change-me-q9Zt4LxW0pVb7RkD2nHs5JmY8cG",
                WeakKey::Example("change-me"),
            ),
            (
                "change_me_q9Zt4LxW0pVb7RkD2nHs5JmY8cG",
                WeakKey::Example("change_me"),
            ),
            (
                "your-key-q9Zt4LxW0pVb7RkD2nHs5JmY8cGf",
                WeakKey::Example("your-"),
            ),
            (
                "YOUR_KEY_q9Zt4LxW0pVb7RkD2nHs5JmY8cGf",
                WeakKey::Example("your_"),
            ),
        ] {
            assert_eq!(weakness(key), Some(expected), "{key}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let key = SecretKey::parse("q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1TaE".to_owned()).unwrap();
        assert!(!format!("{key:?}").contains("q9Zt"));
    }
}
