//! Whether HTTPS is served, and with what.

use super::reader::Reader;
use crate::net::tls::TlsFiles;
use doorward_domain::settings::parse_bool;

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSource {
    /// `TLS_CERT` and `TLS_KEY`.
    Files(TlsFiles),
    /// `TLS_SELF_SIGNED`: it is made at the start.
    SelfSigned,
}

impl TlsSource {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let is_self_signed = reader
            .parsed("TLS_SELF_SIGNED", "true or false", parse_bool)
            .unwrap_or(false);
        let (certificate, key) = (reader.text("TLS_CERT"), reader.text("TLS_KEY"));
        let has_file = certificate.is_some() || key.is_some();
        if is_self_signed && has_file {
            reader.refuse(
                "TLS_SELF_SIGNED",
                "must not be set together with TLS_CERT and TLS_KEY: which certificate is meant?",
            );
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.into(), key.into());
                return Some(Self::Files(TlsFiles { certificate, key }));
            }
            (Some(_), None) => reader.refuse("TLS_KEY", "must be set too where TLS_CERT is"),
            (None, Some(_)) => reader.refuse("TLS_CERT", "must be set too where TLS_KEY is"),
            (None, None) => {}
        }
        is_self_signed.then_some(Self::SelfSigned)
    }
}
