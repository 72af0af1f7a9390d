//! Who may watch the service, and where its traces go.

use super::reader::Reader;
use secrecy::SecretString;

/// The shortest token that is taken.
const LEAST_TOKEN: usize = 16;

/// How the service is watched.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// `METRICS_TOKEN`: what is asked for at `/metrics`; without it that is for the machine itself.
    pub metrics_token: Option<SecretString>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces are sent, where they are.
    pub otlp_endpoint: Option<String>,
}

impl Observed {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let token = reader
            .secret("METRICS_TOKEN")
            .map(|text| text.trim().to_owned());
        let token = token.filter(|text| !text.is_empty());
        // What is no token of RFC 6750 no client could send. It is never told what it is.
        let is_sound = |text: &String| {
            text.len() >= LEAST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if token.as_ref().is_some_and(|text| !is_sound(text)) {
            reader.refuse(
                "METRICS_TOKEN",
                "must be at least 16 ASCII characters without spaces",
            );
        }
        Self {
            metrics_token: token.map(SecretString::from),
            otlp_endpoint: reader.parsed(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "an http:// or https:// URL such as http://127.0.0.1:4318",
                |text| {
                    let uri: hyper::Uri = text.parse().ok()?;
                    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
                    let is_plain = uri.query().is_none() && !text.contains('@');
                    let is_sound = is_http && is_plain && uri.host().is_some();
                    is_sound.then(|| text.trim_end_matches('/').to_owned())
                },
            ),
        }
    }
}
