//! The secret key that a first start on the embedded database makes for itself.
//!
//! It appears whole or not at all, and never replaces one that is there: two first starts at once agree on one key.

use super::keys::{SecretKey, WeakKey};
use rand::SeedableRng;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::{StdRng, SysError, SysRng};
use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "secret.key";
const KEY_CHARS: usize = 64;
const MAX_BYTES: u64 = 4096;
const OF_OTHERS: u32 = 0o077;

/// The file that holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
}

/// A key out of its file.
#[derive(Debug, Clone)]
pub struct Obtained {
    /// The key.
    pub key: SecretKey,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Why there is no key. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("the key file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be made.
    #[error("the key file {} cannot be made: {source}; SECRET_KEY may be set instead", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("the key file {} is not a file", .0.display())]
    NotAFile(PathBuf),
    /// It is open to others.
    #[error(
        "the key file {} can be read by other users (mode {mode:04o}); if nobody has: chmod 600 {}",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Nothing is in it.
    #[error("the key file {} is empty; restore it from its backup, or remove it to have a new key made, which ends all \
             sessions", .0.display())]
    Empty(PathBuf),
    /// No key is so long.
    #[error("the key file {} holds no key: it is longer than {MAX_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
    /// No key is in it.
    #[error("the key file {} holds no key: it is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    /// What is in it could be guessed.
    #[error("the key in {} {weakness}", path.display())]
    Weak {
        /// The file.
        path: PathBuf,
        /// In what way.
        weakness: WeakKey,
    },
    /// The system has no randomness to give.
    #[error("no key can be made: {0}")]
    NoRandomness(#[from] SysError),
}

impl KeyFile {
    /// The file at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// `secret.key` in the folder of the database.
    pub(super) fn beside(database: Option<&Path>) -> Self {
        let folder = database.and_then(Path::parent);
        Self::new(folder.unwrap_or(Path::new("")).join(FILE_NAME))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key, made first where there is none.
    ///
    /// # Errors
    /// [`KeyFileError`]; a file that is there is never changed.
    pub fn obtain(&self) -> Result<Obtained, KeyFileError> {
        if let Some(key) = self.read()? {
            return Ok(Obtained { key, is_new: false });
        }
        let text = Alphanumeric.sample_string(&mut StdRng::try_from_rng(&mut SysRng)?, KEY_CHARS);
        let is_new = self
            .create(&text)
            .map_err(|source| KeyFileError::Unwritable {
                path: self.path.clone(),
                source,
            })?;
        let key = self.read()?.ok_or_else(|| KeyFileError::Unreadable {
            path: self.path.clone(),
            source: ErrorKind::NotFound.into(),
        })?;
        Ok(Obtained { key, is_new })
    }

    /// The key, or `None` when there is no such file.
    ///
    /// # Errors
    /// [`KeyFileError`] when there is one that must not be used.
    pub fn read(&self) -> Result<Option<SecretKey>, KeyFileError> {
        // Looked at before it is opened, since opening a pipe waits for a writer.
        let found = std::fs::metadata(&self.path).and_then(|metadata| {
            let file = metadata.is_file().then(|| File::open(&self.path));
            file.transpose()
        });
        let text = match found {
            Ok(Some(file)) => self.text(file)?,
            Ok(None) => return Err(KeyFileError::NotAFile(self.path.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unreadable(error)),
        };
        if text.trim().is_empty() {
            return Err(KeyFileError::Empty(self.path.clone()));
        }
        SecretKey::parse(text)
            .map(Some)
            .map_err(|weakness| KeyFileError::Weak {
                path: self.path.clone(),
                weakness,
            })
    }

    fn text(&self, file: File) -> Result<String, KeyFileError> {
        let metadata = file.metadata().map_err(|error| self.unreadable(error))?;
        let mode = permissions(&metadata);
        if mode & OF_OTHERS != 0 {
            return Err(KeyFileError::OpenToOthers {
                path: self.path.clone(),
                mode,
            });
        }
        if metadata.len() > MAX_BYTES {
            return Err(KeyFileError::TooLong(self.path.clone()));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreadable(error))?;
        let mut text =
            String::from_utf8(bytes).map_err(|_error| KeyFileError::NotText(self.path.clone()))?;
        // The line end that an editor adds is not part of the key.
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(text)
    }

    /// Whether the file is this one's; `false` when somebody else was faster.
    fn create(&self, text: &str) -> io::Result<bool> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        // Made with mode 0600, and removed when it cannot take its place.
        let mut file = tempfile::Builder::new()
            .prefix(".secret.key.")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&self.path) {
            Ok(_file) => {
                File::open(folder)?.sync_all()?;
                Ok(true)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    }

    fn unreadable(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Unreadable {
            path: self.path.clone(),
            source,
        }
    }
}

fn permissions(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use tempfile::TempDir;

    const GOOD: &str = "q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1TaE";

    fn file(folder: &TempDir) -> KeyFile {
        KeyFile::new(folder.path().join("data").join(FILE_NAME))
    }

    /// A file with this content and mode, in a folder of its own.
    fn written(content: &[u8], mode: u32) -> (TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(file.path(), content).unwrap();
        std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        (folder, file)
    }

    #[test]
    fn the_first_start_makes_a_key_and_the_second_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        assert!(file.read().unwrap().is_none());
        let first = file.obtain().unwrap();
        let second = file.obtain().unwrap();
        assert!(first.is_new && !second.is_new);
        assert_eq!(first.key.expose(), second.key.expose());
        assert_eq!(first.key.expose().len(), KEY_CHARS);
        assert!(
            first
                .key
                .expose()
                .chars()
                .all(|c| c.is_ascii_alphanumeric())
        );
    }

    #[test]
    fn file_and_folder_are_closed_to_others_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        file.obtain().unwrap();
        let mode = |path: &Path| permissions(&std::fs::metadata(path).unwrap());
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        let entries = std::fs::read_dir(file.path().parent().unwrap()).unwrap();
        assert_eq!(entries.count(), 1);
    }

    #[test]
    fn many_first_starts_at_once_agree_on_one_key() {
        for _round in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let file = file(&folder);
            let obtained: Vec<_> = std::thread::scope(|scope| {
                let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| file.obtain())).collect();
                starts
                    .into_iter()
                    .map(|start| start.join().unwrap().unwrap())
                    .collect()
            });
            let keys: std::collections::HashSet<_> =
                obtained.iter().map(|one| one.key.expose()).collect();
            assert_eq!(keys.len(), 1);
            assert_eq!(obtained.iter().filter(|one| one.is_new).count(), 1);
            let entries = std::fs::read_dir(folder.path().join("data")).unwrap();
            assert_eq!(entries.count(), 1);
        }
    }

    #[test]
    fn a_key_that_an_operator_wrote_is_taken_without_its_line_end() {
        for (content, mode) in [
            (format!("{GOOD}\n"), 0o600),
            (format!("{GOOD}\r\n"), 0o400),
            (GOOD.to_owned(), 0o600),
        ] {
            let (_folder, file) = written(content.as_bytes(), mode);
            assert_eq!(file.obtain().unwrap().key.expose(), GOOD, "{content:?}");
        }
    }

    #[test]
    fn a_file_that_must_not_be_used_is_refused_by_name_and_left_as_it_is() {
        let long = [b'x'; 5000];
        for (content, mode, message) in [
            (
                GOOD.as_bytes(),
                0o640,
                "can be read by other users (mode 0640)",
            ),
            (
                GOOD.as_bytes(),
                0o604,
                "can be read by other users (mode 0604)",
            ),
            (b"", 0o600, "is empty"),
            (b"\n\n", 0o600, "is empty"),
            (b"hunter2", 0o600, "must be at least 32 bytes long"),
            (b"\xff\xfe\xff", 0o600, "it is not UTF-8 text"),
            (&long, 0o600, "it is longer than 4096 bytes"),
        ] {
            let (_folder, file) = written(content, mode);
            let error = file.obtain().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(
                error.contains(&file.path().display().to_string()),
                "{error}"
            );
            assert!(
                !error.contains("hunter2") && !error.contains(GOOD),
                "{error}"
            );
            assert_eq!(std::fs::read(file.path()).unwrap(), content);
        }
    }

    #[test]
    fn a_folder_in_its_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        std::fs::create_dir_all(file.path()).unwrap();
        assert!(matches!(file.obtain(), Err(KeyFileError::NotAFile(_))));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let file = KeyFile::new(folder.path().join("file").join(FILE_NAME));
        let error = file.obtain().unwrap_err().to_string();
        assert!(error.contains("file/secret.key"), "{error}");
    }

    #[test]
    fn the_key_lies_beside_the_database() {
        for (database, path) in [
            (Some("data/doorward.db"), "data/secret.key"),
            (Some("/var/lib/x.db"), "/var/lib/secret.key"),
            (Some("x.db"), "secret.key"),
            (None, "secret.key"),
        ] {
            let file = KeyFile::beside(database.map(Path::new));
            assert_eq!(file.path(), Path::new(path));
        }
    }
}
