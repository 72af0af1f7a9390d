//! API keys that are nobody's.

use uuid::Uuid;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// More than any CRC-32 is in six digits of base62.
const NO_CHECKSUM: &str = "zzzzzz";

/// A text without the form of a key.
pub(crate) fn no_key() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A text with the form of a key, whose checksum is wrong.
pub(crate) fn misspelt_key() -> String {
    signed() + NO_CHECKSUM
}

/// A key with its checksum, as a thief makes it who knows the form.
pub(crate) fn forged_key() -> String {
    let mut key = signed();
    let mut rest = crc32(key.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or_default();
        *digit = BASE62.get(index).copied().unwrap_or(b'0');
        rest /= 62;
    }
    key.extend(digits.map(char::from));
    key
}

/// What the checksum is over.
fn signed() -> String {
    let mut text = format!("dwk_{}", Uuid::new_v4().simple());
    text.truncate(34);
    text
}

/// As in zlib.
fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let divisor = 0xEDB8_8320 & (crc & 1).wrapping_neg();
            (crc >> 1) ^ divisor
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_key_has_the_form_and_the_checksum() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        for key in [forged_key(), misspelt_key()] {
            assert_eq!((key.len(), key.get(..4)), (40, Some("dwk_")));
            assert!(key.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(forged_key(), forged_key());
        assert_ne!(no_key().len(), 40);
    }
}
