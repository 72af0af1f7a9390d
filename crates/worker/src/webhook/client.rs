//! One request over one connection to an address that was vetted, and what came back.
//!
//! There is no pool, no redirect, no proxy and no retry in here that would have to be switched off.

use super::target::Target;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

/// How long it may take until there is a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How much of an answer is read.
const MAX_ANSWER: usize = 64 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Why nothing came back. It tells nothing of the network that the server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("The receiver could not be reached.")]
    Unreachable,
    #[error("No TLS connection could be made with the receiver.")]
    Tls,
    #[error("The receiver broke the connection off.")]
    Broken,
}

/// Sends requests.
pub(super) struct Client {
    tls: TlsConnector,
}

impl Client {
    /// One that trusts these authorities.
    pub(super) fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Sends the request to the first of the addresses that takes a connection. The caller limits the time.
    pub(super) async fn send(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, NoAnswer> {
        let stream = connect(addresses).await.ok_or(NoAnswer::Unreachable)?;
        if !target.is_tls {
            return exchange(stream, request).await;
        }
        let name = match &target.host {
            url::Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
            url::Host::Ipv4(address) => Some(std::net::IpAddr::from(*address).into()),
            url::Host::Ipv6(address) => Some(std::net::IpAddr::from(*address).into()),
        };
        let name = name.ok_or(NoAnswer::Tls)?;
        let stream = self.tls.connect(name, stream).await;
        exchange(stream.map_err(|_refused| NoAnswer::Tls)?, request).await
    }
}

/// Each address has an equal share of the time that is left.
async fn connect(addresses: &[SocketAddr]) -> Option<TcpStream> {
    let deadline = Instant::now() + CONNECT_LIMIT;
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        if let Ok(Ok(stream)) = timeout(share, TcpStream::connect(address)).await {
            return Some(stream);
        }
    }
    None
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |_: hyper::Error| NoAnswer::Broken;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_ANSWER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Dropped with this future, and the connection with it.
    let mut connection = std::pin::pin!(connection);
    let asked = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        read_some(body).await;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
        })
    };
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        biased;
        answer = &mut asked => answer,
        // It may end before what it has brought was looked at.
        _ended = &mut connection => asked.await,
    }
}

/// The status has said it all, so that a body that breaks off changes nothing.
async fn read_some(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read >= MAX_ANSWER {
            return;
        }
    }
}

/// The answer, or none when the limit comes first.
pub(super) async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    timeout_at(deadline, work).await.ok()
}
