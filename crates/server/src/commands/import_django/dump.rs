//! Reads what `dumpdata` writes, a record at a time: a file may be larger than the memory.

use super::record::Record;
use anyhow::{anyhow, bail};
use serde::Deserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// How the records stand in the file, and where they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `--format json`, the default: one array.
    Array { start: u64 },
    /// `--format jsonl`: one after the other.
    Lines { start: u64 },
}

/// Tells the format by the first bytes.
pub(super) fn format(start: &[u8]) -> anyhow::Result<Format> {
    const UTF_8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
    let is_utf_16 = start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]);
    if is_utf_16 {
        bail!("it is in UTF-16; write it with dumpdata --output FILE, or in UTF-8");
    }
    let text = start.strip_prefix(UTF_8_MARK);
    let offset = text.map_or(0, |_| 3);
    let first = text
        .unwrap_or(start)
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'[') => Ok(Format::Array { start: offset }),
        Some(b'{') => Ok(Format::Lines { start: offset }),
        Some(_) => bail!("it is neither what Django's dumpdata writes as JSON nor a SQLite file"),
        None => bail!("it is empty"),
    }
}

/// Gives each record to `each` until that says no.
pub(super) fn read(
    path: &Path,
    format: Format,
    mut each: impl FnMut(Record) -> bool,
) -> anyhow::Result<()> {
    let mut file = File::open(path)?;
    match format {
        Format::Array { start } => {
            file.seek(SeekFrom::Start(start))?;
            read_array(BufReader::with_capacity(1 << 16, file), each)
        }
        Format::Lines { start } => {
            file.seek(SeekFrom::Start(start))?;
            let reader = BufReader::with_capacity(1 << 16, file);
            for record in serde_json::Deserializer::from_reader(reader).into_iter() {
                if !each(record.map_err(|error| explained(&error))?) {
                    break;
                }
            }
            Ok(())
        }
    }
}

fn read_array(reader: impl Read, each: impl FnMut(Record) -> bool) -> anyhow::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer
        .deserialize_seq(Records(each))
        .and_then(|()| deserializer.end())
        .map_err(|error| explained(&error))
}

/// Without serde's own words, which may repeat a value.
fn explained(error: &serde_json::Error) -> anyhow::Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof => anyhow!("it is cut off: it ends in {place}"),
        Category::Syntax => anyhow!("it is damaged: no JSON in {place}"),
        Category::Data => anyhow!("it is not what Django's dumpdata writes: see {place}"),
        Category::Io => anyhow!("{error}"),
    }
}

struct Records<F>(F);

impl<'de, F: FnMut(Record) -> bool> Visitor<'de> for Records<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the records of dumpdata")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut records: A) -> Result<(), A::Error> {
        let mut is_wanted = true;
        while is_wanted && let Some(record) = records.next_element()? {
            is_wanted = (self.0)(record);
        }
        // What nobody wants any more is skipped, so that the array ends well.
        while records.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> anyhow::Result<Vec<String>> {
        let mut file = tempfile::NamedTempFile::new()?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        let start = text
            .as_bytes()
            .get(..text.len().min(64))
            .unwrap_or_default();
        let mut keys = Vec::new();
        read(file.path(), format(start)?, |record| {
            keys.push(record.pk.to_string());
            keys.len() < 3
        })?;
        Ok(keys)
    }

    #[test]
    fn both_formats_are_read_record_by_record() {
        let record = |key| format!(r#"{{"model": "auth.user", "pk": {key}, "fields": {{}}}}"#);
        let [one, two] = [record(1), record(2)];
        for text in [
            format!("[{one}, {two}]"),
            format!("\u{feff} [\n{one},\n{two}\n]\n"),
            format!("{one}\n{two}\n"),
        ] {
            assert_eq!(keys(&text).unwrap(), ["1", "2"], "{text}");
        }
        let many = vec![one; 9].join(",");
        assert_eq!(keys(&format!("[{many}]")).unwrap().len(), 3);
        assert_eq!(keys("[]").unwrap().len(), 0);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_its_words() {
        let record = r#"{"model": "auth.user", "pk": 1, "fields": {"password": "secret"}}"#;
        for (text, why) in [
            (String::new(), "it is empty"),
            ("secret".to_owned(), "neither what"),
            (format!("[{record}, "), "it is cut off"),
            (format!("[{record}"), "it is cut off"),
            (format!("[{record}, {{\"model\": \"se"), "it is cut off"),
            (format!("[{record} {record}]"), "line 1, column"),
            (format!("[{record}]]"), "it is damaged"),
            (
                r#"["secret"]"#.to_owned(),
                "not what Django's dumpdata writes",
            ),
            (
                r#"{"users": "secret"}"#.to_owned(),
                "not what Django's dumpdata writes",
            ),
            (
                r#"[{"model": 7, "pk": 1, "fields": {}}]"#.to_owned(),
                "not what Django's",
            ),
            (format!("{record}\n{{\"model"), "it is cut off"),
        ] {
            let error = keys(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(
            format(&[0xff, 0xfe, b'[', 0])
                .unwrap_err()
                .to_string()
                .contains("UTF-16")
        );
    }
}
