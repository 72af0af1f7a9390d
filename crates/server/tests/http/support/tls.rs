//! A TLS session whose certificate, protocol and streams can be looked at.

use super::{CLIENTS, PATIENCE};
use bytes::Bytes;
use h2::client::SendRequest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// HTTP/2 over TLS.
pub(crate) struct Session {
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) certificate: Vec<u8>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Session {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = connect(address, &[b"h2"]).await;
        let session = stream.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        let certificate = session.peer_certificates().expect("one")[0].to_vec();
        let (send, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        let driver = CLIENTS.spawn(connection);
        Self {
            send,
            certificate,
            driver,
        }
    }

    /// The status and the body.
    pub(crate) async fn ask(&self, request: http::Request<Vec<u8>>) -> (u16, String) {
        let (parts, body) = request.into_parts();
        let request = http::Request::from_parts(parts, ());
        let mut send = self.send.clone().ready().await.expect("a stream");
        let (answer, mut stream) = send
            .send_request(request, body.is_empty())
            .expect("it can be sent");
        if !body.is_empty() {
            // The server may refuse before it has read everything.
            let _ = stream.send_data(body.into(), true);
        }
        let answer = timeout(PATIENCE, answer).await.expect("in time");
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        let mut body = answer.into_body();
        while let Some(Ok(chunk)) = body.data().await {
            let _ = body.flow_control().release_capacity(chunk.len());
            text.extend_from_slice(&chunk);
        }
        (status, String::from_utf8_lossy(&text).into_owned())
    }

    pub(crate) async fn get(&self, uri: &str) -> (u16, String) {
        let request = http::Request::get(uri).body(Vec::new());
        self.ask(request.expect("a request")).await
    }

    /// Waits until the server ends the connection; whether it was with a farewell.
    pub(crate) async fn ends(self) -> bool {
        let Self { send, driver, .. } = self;
        let ended = timeout(PATIENCE, driver).await.expect("in time");
        drop(send);
        ended.expect("the client lives").is_ok()
    }
}

/// A session with whoever answers.
pub(crate) async fn connect(address: SocketAddr, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let connected = CLIENTS.spawn(async move {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.expect("a session")
    });
    connected.await.expect("the client lives")
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
