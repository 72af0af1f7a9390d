//! TLS to PostgreSQL.
//!
//! The libpq that is built in has no TLS: OpenSSL is no part of this project, and libpq knows nothing else. So where the
//! URL asks for TLS, libpq speaks to a socket in a folder that is ours alone, and one thread carries the bytes from there
//! to the server through rustls.

mod mode;
mod verify;

use crate::database_url::PostgresUrl;
use crate::open_error::OpenError;
use crate::store::spawn;
use mode::Target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// `SSLRequest` of the PostgreSQL protocol: its length, 8, and its code, 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// Neither a start-up message nor its answer is longer.
const MOST_FIRST_BYTES: usize = 10_000;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const PORT: u16 = 5432;

/// A thread that carries connections to one server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Tunnel {
    folder: TempDir,
    _end: oneshot::Sender<()>,
}

impl Tunnel {
    /// None when the URL does not ask for TLS.
    ///
    /// # Errors
    /// [`OpenError`] when the URL asks for what cannot be done, or its certificates cannot be read.
    pub(crate) fn for_url(url: &PostgresUrl) -> Result<Option<Self>, OpenError> {
        let unusable = |reason: String| OpenError::Unusable {
            database: url.to_string(),
            reason,
        };
        let Some(target) = Target::of(url).map_err(unusable)? else {
            return Ok(None);
        };
        let config = verify::client_config(&target).map_err(unusable)?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_name| unusable(format!("{} is no host name", target.host)))?;
        let server = Arc::new(Server {
            host: target.host,
            port: target.port,
            name,
            tls: TlsConnector::from(Arc::<ClientConfig>::new(config)),
        });
        let folder = tempfile::tempdir().map_err(OpenError::Threads)?;
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        let listener = std::os::unix::net::UnixListener::bind(socket)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(OpenError::Threads)?;
        let (end, ended) = oneshot::channel();
        spawn("postgres tls", move || run(listener, &server, ended))?;
        Ok(Some(Self { folder, _end: end }))
    }

    /// What leads libpq here, to be put behind the parameters of the URL, over which it wins.
    pub(crate) fn parameters(&self) -> String {
        let folder = self.folder.path().display().to_string();
        let folder = utf8_percent_encode(&folder, NON_ALPHANUMERIC);
        format!("&host={folder}&port={PORT}&sslmode=disable")
    }
}

struct Server {
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
}

fn run(
    listener: std::os::unix::net::UnixListener,
    server: &Arc<Server>,
    ended: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran = runtime.map(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                failed = accept(listener, server) => failed,
                _ = ended => Ok(()),
            }
        })
    });
    if let Err(error) | Ok(Err(error)) = ran {
        tracing::error!(%error, "connections to PostgreSQL are not carried any more");
    }
}

async fn accept(
    listener: std::os::unix::net::UnixListener,
    server: &Arc<Server>,
) -> std::io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    loop {
        let (client, _) = listener.accept().await?;
        let server = Arc::clone(server);
        tokio::spawn(async move { carry(client, &server).await });
    }
}

async fn carry(mut client: UnixStream, server: &Server) {
    let Ok(first) = message(&mut client, MOST_FIRST_BYTES).await else {
        return;
    };
    let connected = timeout(CONNECT_WITHIN, server.connect()).await;
    let connected = connected.unwrap_or_else(|_late| Err("no answer within 5 s".to_owned()));
    match connected {
        Ok(mut stream) => {
            // However it ends, libpq sees that its connection is gone.
            let _ = converse(&mut client, &mut stream, &first).await;
        }
        Err(reason) => {
            let _ = client.write_all(&error_response(&reason)).await;
        }
    }
}

async fn converse(
    client: &mut UnixStream,
    server: &mut TlsStream<TcpStream>,
    first: &[u8],
) -> std::io::Result<()> {
    server.write_all(first).await?;
    let kind = server.read_u8().await?;
    let answer = message(server, MOST_FIRST_BYTES).await?;
    client.write_u8(kind).await?;
    client
        .write_all(&without_channel_binding(kind, answer))
        .await?;
    copy_bidirectional(client, server).await.map(drop)
}

/// Over TLS a server also offers `SCRAM-SHA-256-PLUS`, which libpq refuses when it does not see the TLS itself.
fn without_channel_binding(kind: u8, message: Vec<u8>) -> Vec<u8> {
    const SASL: [u8; 4] = [0, 0, 0, 10];
    const PLUS: &[u8] = b"SCRAM-SHA-256-PLUS";
    let Some((head, mechanisms)) = message.split_at_checked(8) else {
        return message;
    };
    if kind != b'R' || !head.ends_with(&SASL) {
        return message;
    }
    let kept = mechanisms.split_inclusive(|byte| *byte == 0);
    let kept: Vec<u8> = kept
        .filter(|name| name.strip_suffix(b"\0") != Some(PLUS))
        .flatten()
        .copied()
        .collect();
    let length = u32::try_from(kept.len() + head.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), SASL.as_slice(), &kept].concat()
}

/// The length of a message and what it says; the length counts itself.
async fn message<R>(from: &mut R, most_bytes: usize) -> std::io::Result<Vec<u8>>
where
    R: AsyncRead + Unpin,
{
    let length = from.read_u32().await?;
    let rest = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_sub(4))
        .filter(|rest| *rest <= most_bytes)
        .ok_or(std::io::ErrorKind::InvalidData)?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(4 + rest, 0);
    let (_, body) = message.split_at_mut(4);
    from.read_exact(body).await?;
    Ok(message)
}

impl Server {
    async fn connect(&self) -> Result<TlsStream<TcpStream>, String> {
        let refused = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(10))
            .with_interval(Duration::from_secs(5));
        SockRef::from(&stream)
            .set_tcp_keepalive(&keepalive)
            .map_err(refused)?;
        stream.write_all(&SSL_REQUEST).await.map_err(refused)?;
        if stream.read_u8().await.map_err(refused)? != b'S' {
            return Err("the server does not offer TLS".to_owned());
        }
        let connecting = self.tls.connect(self.name.clone(), stream);
        connecting.await.map_err(|error| format!("TLS: {error}"))
    }
}

/// What libpq shows as the server's refusal.
fn error_response(reason: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C08006\0M{reason}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    let mut message = vec![b'E'];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(fields.as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sasl(mechanisms: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + mechanisms.len()).unwrap();
        [&length.to_be_bytes(), [0, 0, 0, 10].as_slice(), mechanisms].concat()
    }

    #[test]
    fn channel_binding_is_taken_out_of_the_servers_offer_and_nothing_else_is() {
        let offer = sasl(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
        assert_eq!(
            without_channel_binding(b'R', offer.clone()),
            sasl(b"SCRAM-SHA-256\0\0")
        );
        assert_eq!(without_channel_binding(b'E', offer.clone()), offer);
        for other in [
            vec![0, 0, 0, 8, 0, 0, 0, 0],
            vec![0, 0, 0, 4],
            sasl(b"SCRAM-SHA-256\0\0"),
        ] {
            assert_eq!(without_channel_binding(b'R', other.clone()), other);
        }
    }
}
