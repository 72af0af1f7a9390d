//! Requests byte by byte, for what no client library would send.

use super::{CLIENTS, PATIENCE};
use std::fmt;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// All that came back until the server closed the connection.
pub(crate) struct RawResponse(String);

impl RawResponse {
    /// Sends the bytes and reads until the server closes the connection: a test fails if it does not.
    pub(crate) async fn to(address: SocketAddr, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let exchange = async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            // The server may refuse before it has read everything.
            let _ = stream.write_all(&bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            Self(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(PATIENCE, CLIENTS.spawn(exchange))
            .await
            .expect("the server closes the connection")
            .expect("the client lives")
    }

    /// The statuses of all answers that came.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let lines = self.0.split("HTTP/1.1 ").skip(1);
        lines
            .map(|line| line.get(..3).unwrap_or_default())
            .map(|status| status.parse().expect("a status"))
            .collect()
    }

    /// Everything, for a look at headers and body.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
