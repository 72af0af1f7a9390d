//! The `.env` file, its values to the letter.
//!
//! `NAME=value` lines, with `export ` before them or not. One pair of quotation marks around the whole value is taken
//! off; nothing else has a meaning, since the keys that Django generates contain `$`, `#` and `(`. A `#` begins a
//! comment only where a line begins.

use super::reader::Problem;
use super::variables::Variable;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// A name that differs from a known one by so many typing errors was probably meant to be it.
const MAX_TYPING_ERRORS: usize = 2;

/// What stands in the file.
#[derive(Default)]
pub(super) struct DotEnv {
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl DotEnv {
    /// Reads the file; that there is none is fine.
    pub(super) fn read(path: &Path) -> Self {
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => {
                let mut file = Self::default();
                file.refuse(format!("cannot be read: {error}"));
                file
            }
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut file = Self::default();
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            file.line(line, number);
        }
        file
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn line(&mut self, line: &[u8], number: usize) {
        let Ok(line) = str::from_utf8(line) else {
            return self.refuse(format!("line {number} is not UTF-8 text"));
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let Some((name, value)) = assignment(line) else {
            return self.refuse(format!("line {number} is not NAME=value"));
        };
        if let Some(known) = meant(name) {
            self.warnings.push(format!(
                ".env line {number}: {name} is not known; did you mean {known}?"
            ));
        }
        if self
            .values
            .insert(name.to_owned(), unquoted(value).to_owned())
            .is_some()
        {
            self.warnings.push(format!(
                ".env line {number}: {name} is set a second time; this one counts"
            ));
        }
    }

    fn refuse(&mut self, message: String) {
        self.problems.push(Problem {
            name: ".env".to_owned(),
            message,
        });
    }
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = match name.split_once(char::is_whitespace) {
        Some(("export", name)) => name,
        Some(_) | None => name,
    }
    .trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name, value.trim()))
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|mark| value.strip_prefix(mark)?.strip_suffix(mark))
        .unwrap_or(value)
}

/// The known name that this one nearly is.
fn meant(name: &str) -> Option<&'static str> {
    let known = Variable::names();
    if known.contains(&name) {
        return None;
    }
    known
        .into_iter()
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(errors, _)| *errors <= MAX_TYPING_ERRORS)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        let file = DotEnv::parse(text.as_bytes());
        assert_eq!(file.problems(), [], "{text}");
        file.get("SECRET_KEY")
    }

    #[test]
    fn a_value_is_taken_to_the_letter() {
        for (text, expected) in [
            ("SECRET_KEY=a$b#c(d)=e", "a$b#c(d)=e"),
            ("SECRET_KEY=${HOME} $HOME", "${HOME} $HOME"),
            ("SECRET_KEY = spaces around ", "spaces around"),
            ("  export SECRET_KEY=exported", "exported"),
            ("export\tSECRET_KEY=tab", "tab"),
            (r#"SECRET_KEY="a$b#c""#, "a$b#c"),
            ("SECRET_KEY='  kept  '", "  kept  "),
            (r#"SECRET_KEY='say "hi"'"#, r#"say "hi""#),
            (r"SECRET_KEY=back\nslash\\", r"back\nslash\\"),
            (r#"SECRET_KEY="open"#, r#""open"#),
            (r#"SECRET_KEY="mixed'"#, r#""mixed'"#),
            ("SECRET_KEY=value # no comment", "value # no comment"),
            ("SECRET_KEY=windows\r\nBIND=x\r\n", "windows"),
            ("\u{feff}SECRET_KEY=mark", "mark"),
            ("# comment\n\n   # another = one\nSECRET_KEY=x", "x"),
            ("SECRET_KEY=", ""),
            ("SECRET_KEY=\"", "\""),
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_line_is_told_by_its_number_and_never_by_its_content() {
        for (text, message) in [
            ("BIND=x\nhunter2", "line 2 is not NAME=value"),
            ("hunter2 =x=y z\n", ""),
            ("a hunter2=x", "line 1 is not NAME=value"),
            ("=hunter2", "line 1 is not NAME=value"),
            ("2hunter=x", "line 1 is not NAME=value"),
        ] {
            let file = DotEnv::parse(text.as_bytes());
            let messages: Vec<_> = file.problems().iter().map(|p| p.message.as_str()).collect();
            assert_eq!(messages.join(";"), message, "{text}");
        }
        let file = DotEnv::parse(b"BIND=x\n\nSECRET_KEY=\xff\xfe");
        assert_eq!(file.problems()[0].message, "line 3 is not UTF-8 text");
    }

    #[test]
    fn every_malformed_line_is_told() {
        let file = DotEnv::parse(b"one\nBIND=x\ntwo\n");
        assert_eq!(file.problems().len(), 2);
        assert_eq!(file.get("BIND").as_deref(), Some("x"));
    }

    #[test]
    fn a_name_with_a_typing_error_gets_a_hint_and_a_foreign_name_none() {
        for (name, hint) in [
            ("BCRYPT_COTS", Some("BCRYPT_COST")),
            ("DATBASE_URL", Some("DATABASE_URL")),
            ("ACCES_TOKEN_LIFETIME", Some("ACCESS_TOKEN_LIFETIME")),
            ("SECRETKEY", Some("SECRET_KEY")),
            ("BIND", None),
            ("REDIS_URL", None),
            ("POSTGRES_PASSWORD", None),
            ("HOME", None),
        ] {
            assert_eq!(meant(name), hint, "{name}");
        }
        let file = DotEnv::parse(b"#\nBCRYPT_COTS=12");
        assert_eq!(
            file.warnings(),
            [".env line 2: BCRYPT_COTS is not known; did you mean BCRYPT_COST?"]
        );
    }

    #[test]
    fn of_two_values_the_later_counts_and_the_operator_is_told() {
        let file = DotEnv::parse(b"BIND=a:1\nBIND=b:2");
        assert_eq!(file.get("BIND").as_deref(), Some("b:2"));
        assert_eq!(
            file.warnings(),
            [".env line 2: BIND is set a second time; this one counts"]
        );
    }

    #[test]
    fn a_missing_file_is_fine_and_an_unreadable_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(DotEnv::read(&folder.path().join(".env")).problems(), []);
        let file = DotEnv::read(folder.path());
        assert_eq!(file.problems()[0].name, ".env");
        assert!(file.problems()[0].message.starts_with("cannot be read: "));
    }
}
