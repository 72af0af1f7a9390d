//! Another pair in the files is taken over; connections that are open keep what they have.

use super::Tls;
use super::files::{Contents, PairError};
use actix_web::rt;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are read. Their contents are compared, since a link may be turned to files that are older.
const LOOK: Duration = Duration::from_secs(1);

impl Tls {
    /// Reads the files again and again, and takes the new pair when one has come; never returns.
    pub async fn follow(self: Arc<Self>) {
        let Some(files) = self.files.clone() else {
            return std::future::pending().await;
        };
        let mut watch = Watch::new(files.contents());
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            let files = files.clone();
            // A disk that hangs holds up nobody else.
            let read = rt::task::spawn_blocking(move || files.contents()).await;
            if let Ok(found) = read {
                self.look(&mut watch, found);
            }
        }
    }

    fn look(&self, watch: &mut Watch, found: Result<Contents, PairError>) {
        let (Some(found), Some(files)) = (watch.settled(found), &self.files) else {
            return;
        };
        match found.and_then(|contents| files.parse(&contents)) {
            Ok(pair) => {
                self.current.store(Arc::new(pair));
                tracing::info!("the TLS certificate was read anew");
            }
            Err(error) => {
                tracing::warn!(%error, "the TLS certificate has changed and cannot be used: the earlier one stays");
            }
        }
    }
}

/// What was seen last, and what was taken.
struct Watch {
    taken: Result<Contents, String>,
    seen: Result<Contents, String>,
}

impl Watch {
    fn new(found: Result<Contents, PairError>) -> Self {
        let seen = found.map_err(|error| error.to_string());
        Self {
            taken: seen.clone(),
            seen,
        }
    }

    /// What is there, if that is another thing than was taken and was the same at two looks: two files are not written
    /// at once.
    fn settled(
        &mut self,
        found: Result<Contents, PairError>,
    ) -> Option<Result<Contents, PairError>> {
        let now = found.as_ref().map_err(ToString::to_string).cloned();
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.taken {
            return None;
        }
        self.taken.clone_from(&self.seen);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::TlsFiles;
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn write_pair(files: &TlsFiles) -> Vec<u8> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.certificate, cert.pem()).unwrap();
        write_key(&files.key, &signing_key.serialize_pem());
        cert.der().to_vec()
    }

    fn write_key(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn shown(tls: &Tls) -> Vec<u8> {
        tls.current.load().cert[0].to_vec()
    }

    struct Place {
        _folder: tempfile::TempDir,
        files: TlsFiles,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        Place {
            _folder: folder,
            files,
        }
    }

    #[test]
    fn a_new_pair_is_taken_when_it_has_settled_and_a_broken_one_is_not() {
        let place = place();
        let first = write_pair(&place.files);
        let tls = Tls::of_files(place.files.clone()).unwrap();
        let mut watch = Watch::new(place.files.contents());
        let look = |watch: &mut Watch| {
            tls.look(watch, place.files.contents());
            shown(&tls)
        };
        assert_eq!(look(&mut watch), first);

        let second = write_pair(&place.files);
        assert_eq!(look(&mut watch), first, "not at the first look");
        assert_eq!(look(&mut watch), second);

        let key = std::fs::read_to_string(&place.files.key).unwrap();
        for broken in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            write_key(&place.files.key, broken);
            assert_eq!(look(&mut watch), second);
            assert_eq!(look(&mut watch), second);
        }
        std::fs::remove_file(&place.files.key).unwrap();
        assert_eq!(look(&mut watch), second);
        assert_eq!(look(&mut watch), second);
        write_key(&place.files.key, &key);
        let third = write_pair(&place.files);
        assert_eq!(look(&mut watch), second);
        assert_eq!(look(&mut watch), third);
    }

    #[test]
    fn a_pair_that_must_not_be_used_is_refused_by_the_name_of_its_variable() {
        let [place, other] = [(); 2].map(|()| place());
        let refused = |files: &TlsFiles| files.check().unwrap_err().to_string();
        assert!(refused(&place.files).starts_with("TLS_CERT names a file that cannot be read"));
        write_pair(&place.files);
        assert!(place.files.check().is_ok());

        write_pair(&other.files);
        let mixed = TlsFiles {
            key: other.files.key.clone(),
            ..place.files.clone()
        };
        assert!(refused(&mixed).starts_with("TLS_CERT and TLS_KEY do not belong together"));

        let swapped = TlsFiles {
            certificate: place.files.key.clone(),
            key: place.files.key.clone(),
        };
        assert!(refused(&swapped).starts_with("TLS_CERT names a file without a certificate"));
        let folder = TlsFiles {
            certificate: "/".into(),
            ..place.files.clone()
        };
        assert!(refused(&folder).contains("TLS_CERT names /, which is no PEM file"));
        for mode in [0o604, 0o644, 0o606] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&place.files.key, permissions).unwrap();
            assert!(
                refused(&place.files).starts_with("TLS_KEY names a file that other users can read")
            );
        }
        write_key(&place.files.key, "no key");
        assert!(refused(&place.files).starts_with("TLS_KEY names a file without a private key"));
        let permissions = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&other.files.key, permissions).unwrap();
        assert!(other.files.check().is_ok(), "a group may read it");
    }
}
