//! The pair of PEM files.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// No chain and no key is so long.
const MAX_BYTES: u64 = 1024 * 1024;
/// A group may read the key: that is how systems share certificates among services.
const READ_BY_OTHERS: u32 = 0o007;

/// Where the pair is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `TLS_CERT`: the certificate, and after it those that lead to an authority.
    pub certificate: PathBuf,
    /// `TLS_KEY`: the private key.
    pub key: PathBuf,
}

/// Why the pair is not used. Each message names the variable.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// It cannot be read.
    #[error("{variable} names a file that cannot be read: {}: {source}", path.display())]
    Unreadable {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device, or far too long.
    #[error("{variable} names {}, which is no PEM file", path.display())]
    NotAFile {
        /// The variable.
        variable: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// It is open to everybody.
    #[error(
        "TLS_KEY names a file that other users can read (mode {mode:04o}); if nobody has: chmod o= {}",
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// No certificate in PEM.
    #[error("TLS_CERT names a file without a certificate in PEM: {}", .0.display())]
    NoCertificate(PathBuf),
    /// No private key in PEM, or one with a password.
    #[error("TLS_KEY names a file without a private key in PEM that has no password: {}", .0.display())]
    NoKey(PathBuf),
    /// A key that TLS cannot use.
    #[error("TLS_KEY names a key that cannot be used: {}: {source}", path.display())]
    KeyNotUsable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Error,
    },
    /// They are not of one pair.
    #[error("TLS_CERT and TLS_KEY do not belong together: the key is not that of the certificate in {}", .0.display())]
    Mismatch(PathBuf),
    /// The certificate is damaged.
    #[error("TLS_CERT names a certificate that cannot be used: {}: {source}", path.display())]
    CertificateNotUsable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Error,
    },
}

/// What was in the files.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contents")
    }
}

impl TlsFiles {
    /// Whether there is a pair in the files that may be used.
    ///
    /// # Errors
    /// [`PairError`]
    pub fn check(&self) -> Result<(), PairError> {
        self.read().map(drop)
    }

    pub(super) fn read(&self) -> Result<CertifiedKey, PairError> {
        self.parse(&self.contents()?)
    }

    pub(super) fn contents(&self) -> Result<Contents, PairError> {
        Ok(Contents {
            certificate: read("TLS_CERT", &self.certificate)?,
            key: read("TLS_KEY", &self.key)?,
        })
    }

    pub(super) fn parse(&self, contents: &Contents) -> Result<CertifiedKey, PairError> {
        let chain: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(&contents.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| PairError::NoCertificate(self.certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|_no_key| PairError::NoKey(self.key.clone()))?;
        let provider = aws_lc_rs::default_provider();
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|source| PairError::KeyNotUsable {
            path: self.key.clone(),
            source,
        })?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(Error::InconsistentKeys(_)) => Err(PairError::Mismatch(self.certificate.clone())),
            Err(source) => Err(PairError::CertificateNotUsable {
                path: self.certificate.clone(),
                source,
            }),
        }
    }
}

fn read(variable: &'static str, path: &Path) -> Result<Vec<u8>, PairError> {
    let unreadable = |source| PairError::Unreadable {
        variable,
        path: path.to_owned(),
        source,
    };
    // Looked at before it is opened, since opening a pipe waits for a writer.
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() || found.len() > MAX_BYTES {
        let path = path.to_owned();
        return Err(PairError::NotAFile { variable, path });
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
    if variable == "TLS_KEY" && mode & READ_BY_OTHERS != 0 {
        let path = path.to_owned();
        return Err(PairError::OpenToOthers { path, mode });
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}
