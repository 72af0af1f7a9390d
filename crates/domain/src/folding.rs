//! How names are compared: without regard to case, width or composition.

use unicode_normalization::UnicodeNormalization;

/// The form under which two spellings of one name are equal: NFKC, then each character folded through its upper to
/// its lower case, so that `ß` is `ss`, `ς` is `σ` and the Kelvin sign is `k`.
pub fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

/// Letters by Unicode's count that show nothing, such as the Hangul fillers: they would make a twin that nobody can
/// tell from the original.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{3164}' | '\u{FFA0}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_fold_to_the_same() {
        for (a, b) in [
            ("Ada", "aDA"),
            ("ＡＤＡ", "ada"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("\u{212A}elvin", "kelvin"),
            ("e\u{301}", "É"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} and {b}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for text in ["İstanbul", "ﬃ", "ǅ", "ΐ", "ſ"] {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
