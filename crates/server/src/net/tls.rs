//! The certificate that is shown, how it is read, and how another takes its place while connections go on.

mod files;
mod watch;

pub use files::{PairError, TlsFiles};

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use std::sync::Arc;

/// A pair that can be exchanged while it is in use: handshakes that begin later get the new one.
#[derive(Debug)]
pub struct Tls {
    current: ArcSwap<CertifiedKey>,
    files: Option<TlsFiles>,
}

/// There can be no certificate made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// The names, or the system's randomness.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    /// Not after it was made.
    #[error("the certificate that was made is not usable: {0}")]
    Use(#[from] rustls::Error),
}

impl Tls {
    /// With the pair in these files, which [`Tls::follow`] reads again when they change.
    ///
    /// # Errors
    /// [`PairError`], which names the variable.
    pub fn of_files(files: TlsFiles) -> Result<Self, PairError> {
        Ok(Self {
            current: ArcSwap::from_pointee(files.read()?),
            files: Some(files),
        })
    }

    /// With a certificate for these names that is made now and kept nowhere: for development, since no client trusts
    /// it by itself.
    ///
    /// # Errors
    /// [`SelfSignedError`], when one of the names cannot stand in a certificate.
    pub fn self_signed(names: Vec<String>) -> Result<Self, SelfSignedError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, "Doorward, for development");
        params.distinguished_name = subject;
        let certificate = params.self_signed(&key)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let current = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())?;
        Ok(Self {
            current: ArcSwap::from_pointee(current),
            files: None,
        })
    }

    /// How the server speaks TLS: 1.2 and 1.3 with the ciphers of rustls, all of which are AEAD with forward secrecy.
    pub(crate) fn server_config(self: Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let provider = aws_lc_rs::default_provider();
        let mut config = with_versions(provider)?
            .with_no_client_auth()
            .with_cert_resolver(self);
        config.alpn_protocols = vec![super::H2.to_vec(), b"http/1.1".to_vec()];
        // Sessions are resumed by what the client keeps, so that nothing is kept here.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(config)
    }
}

fn with_versions(
    provider: CryptoProvider,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}
