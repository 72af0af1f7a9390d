//! The text of a key: `dwk_`, 30 random characters in base62, and 6 of a checksum.
//!
//! The checksum is the CRC-32 (of ISO 3309, as in zlib) of all that stands before it, in base62 with the digits first and
//! the small letters last, the highest digit first. It proves nothing, and is no secret: it lets a scanner tell a key from
//! other texts, and a typing error is found without a look into the database.

use std::fmt;
use std::str::FromStr;

/// How every key begins.
const MARK: &[u8; 4] = b"dwk_";
const RANDOM_CHARS: usize = 30;
const CHECKSUM_CHARS: usize = 6;
const SIGNED_CHARS: usize = MARK.len() + RANDOM_CHARS;
const LENGTH: usize = SIGNED_CHARS + CHECKSUM_CHARS;
const PREFIX_CHARS: usize = 8;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key as its holder has it. It is shown once, kept nowhere, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret([u8; LENGTH]);

/// The text is no key: it has another form, or a typing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid API key")]
pub struct ParseApiKeyError;

impl ApiKeySecret {
    /// What finds keys in a text, as scanners for secrets take it. The checksum tells whether it is one.
    pub const PATTERN: &str = r"\bdwk_[0-9A-Za-z]{36}\b";

    /// A new key out of random numbers under 62, which `digit` gives one by one.
    pub fn generate(mut digit: impl FnMut() -> u8) -> Self {
        let mut text = [b'0'; LENGTH];
        let (signed, checksum) = text.split_at_mut(SIGNED_CHARS);
        let (mark, random) = signed.split_at_mut(MARK.len());
        mark.copy_from_slice(MARK);
        random.fill_with(|| base62(digit().into()));
        checksum.copy_from_slice(&checksum_of(signed));
        Self(text)
    }

    /// As text.
    pub fn expose(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The beginning, by which its owner knows it.
    pub fn prefix(&self) -> ApiKeyPrefix {
        let prefix = self.expose().get(..PREFIX_CHARS).unwrap_or_default();
        ApiKeyPrefix(prefix.to_owned())
    }
}

impl FromStr for ApiKeySecret {
    type Err = ParseApiKeyError;

    fn from_str(text: &str) -> Result<Self, ParseApiKeyError> {
        let bytes: [u8; LENGTH] = text
            .as_bytes()
            .try_into()
            .map_err(|_other_length| ParseApiKeyError)?;
        let (signed, checksum) = bytes.split_at(SIGNED_CHARS);
        let random = signed.strip_prefix(MARK).ok_or(ParseApiKeyError)?;
        let is_key =
            random.iter().all(u8::is_ascii_alphanumeric) && checksum_of(signed) == checksum;
        is_key.then_some(Self(bytes)).ok_or(ParseApiKeyError)
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// The first 8 characters of a key: enough to know it by, and of no use to anybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyPrefix(String);

impl ApiKeyPrefix {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ApiKeyPrefix {
    type Error = ParseApiKeyError;

    fn try_from(text: String) -> Result<Self, ParseApiKeyError> {
        let is_prefix = text.len() == PREFIX_CHARS
            && text
                .strip_prefix("dwk_")
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        is_prefix.then_some(Self(text)).ok_or(ParseApiKeyError)
    }
}

fn base62(digit: u32) -> u8 {
    let index = usize::try_from(digit % 62).unwrap_or_default();
    BASE62.get(index).copied().unwrap_or(b'0')
}

/// Six digits hold every CRC-32.
fn checksum_of(signed: &[u8]) -> [u8; CHECKSUM_CHARS] {
    let mut rest = crc32(signed);
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = base62(rest);
        rest /= 62;
    }
    digits
}

/// Bit by bit: a key has 34 bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = crc & 1 == 1;
            crc >>= 1;
            if is_odd {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scanners know it: this is no test to adapt. Python: `zlib.crc32(b"dwk_" + b"0" * 30)`.
    const ZEROS: &str = "dwk_0000000000000000000000000000001D4ztb";

    fn a_key() -> ApiKeySecret {
        let mut next = 0;
        ApiKeySecret::generate(|| {
            next += 7;
            next % 62
        })
    }

    #[test]
    fn the_checksum_is_the_one_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(ApiKeySecret::generate(|| 0).expose(), ZEROS);
        assert!(ZEROS.parse::<ApiKeySecret>().is_ok());
    }

    #[test]
    fn a_key_is_read_back_from_its_text_and_shows_it_nowhere_else() {
        let key = a_key();
        assert_eq!(key.expose().parse(), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "ApiKeySecret(…)");
        assert_eq!(key.prefix().as_str(), "dwk_7ELS");
        let prefix = ApiKeyPrefix::try_from(key.prefix().as_str().to_owned());
        assert_eq!(prefix, Ok(key.prefix()));
        for text in ["dwk_7EL", "dwk_7ELSZ", "abc_7ELS", "dwk_7E-S", "dwk_7Eß"] {
            assert_eq!(
                ApiKeyPrefix::try_from(text.to_owned()),
                Err(ParseApiKeyError)
            );
        }
    }

    #[test]
    fn a_typing_error_is_found() {
        let key = a_key();
        let text = key.expose();
        for place in 0..text.len() {
            for letter in BASE62 {
                let mut typed = text.as_bytes().to_owned();
                typed[place] = *letter;
                let typed = String::from_utf8(typed).unwrap();
                assert_eq!(
                    typed.parse::<ApiKeySecret>().is_ok(),
                    typed == text,
                    "{typed}"
                );
            }
        }
        for typed in [
            "",
            "dwk_",
            text.get(1..).unwrap(),
            text.get(..39).unwrap(),
            &format!("{text}0"),
            &format!(" {text}"),
            &text.to_ascii_uppercase(),
        ] {
            assert_eq!(typed.parse::<ApiKeySecret>(), Err(ParseApiKeyError));
        }
    }

    proptest! {
        #[test]
        fn nothing_but_a_key_is_a_key(text in "(dwk_)?[ -~ß]{0,60}") {
            prop_assert_eq!(text.parse::<ApiKeySecret>(), Err(ParseApiKeyError));
        }
    }
}
