//! TLS, with certificates made here.

use crate::{connect, connected, down_within};
use bytes::Bytes;
use doorward_redis::RedisConfig;
use doorward_redis::testing::{RedisServer as Server, free_port};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// A server whose certificate is for `name`, and the authority that signed it.
struct Encrypted {
    _server: Server,
    folder: TempDir,
    port: u16,
}

impl Encrypted {
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let common_name = folder.path().display().to_string();
        authority
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let write = |file: &str, pem: String| {
            let path = folder.path().join(file);
            std::fs::write(&path, pem).unwrap();
            path.display().to_string()
        };
        let ca = write("ca.pem", authority.pem());
        let certificate = write("server.pem", certificate.pem());
        let key = write("server.key", key.serialize_pem());
        let port = free_port();
        let server = Server::start(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            "no",
        ]);
        Self {
            _server: server,
            folder,
            port,
        }
    }

    fn config(&self, ca_file: Option<PathBuf>) -> RedisConfig {
        RedisConfig {
            ca_file,
            // A handshake without optimisation takes its time.
            deadline: Duration::from_secs(2),
            ..RedisConfig::new(format!("rediss://127.0.0.1:{}", self.port))
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_authority_is_given_is_trusted() {
    let server = Encrypted::start("127.0.0.1");
    let ports = connected(&server.config(Some(server.ca_file()))).await;
    let value = Bytes::from(vec![7; 100_000]);
    ports
        .cache
        .put("key", value.clone(), Duration::from_mins(1))
        .await;
    assert_eq!(ports.cache.get("key").await, Some(value));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_vouches_for_is_not() {
    let (server, other) = (Encrypted::start("127.0.0.1"), Encrypted::start("127.0.0.1"));
    for config in [server.config(None), server.config(Some(other.ca_file()))] {
        let reason = down_within(&connect(&config), Duration::from_secs(5)).await;
        assert!(reason.contains("UnknownIssuer"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_not() {
    let server = Encrypted::start("redis.example");
    let reason = down_within(
        &connect(&server.config(Some(server.ca_file()))),
        Duration::from_secs(5),
    )
    .await;
    assert!(reason.contains("not valid for name"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_spoken_to_in_clear() {
    let server = Server::start(&[]);
    let config = RedisConfig::new(format!("rediss://127.0.0.1:{}", server.port()));
    down_within(&connect(&config), Duration::from_secs(5)).await;
}
