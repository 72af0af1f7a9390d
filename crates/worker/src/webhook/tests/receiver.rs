//! A receiver on loopback: it notes what arrives, and says what it was told to say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

pub(super) struct Receiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: Mutex<usize>,
    requests: Mutex<Vec<Request>>,
    arrived: Notify,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Receiver {
    /// Answers everything with these bytes, and then holds its tongue and the connection.
    pub(super) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), None).await
    }

    pub(super) async fn with_tls(answer: &str, acceptor: TlsAcceptor) -> Self {
        Self::start(answer.into(), Some(acceptor)).await
    }

    async fn start(answer: Vec<u8>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (noting, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *noting.connections.lock().unwrap() += 1;
                let (seen, answer, tls) = (Arc::clone(&noting), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else {
                        return serve(stream, &seen, &answer).await;
                    };
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &seen, &answer).await;
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn connections(&self) -> usize {
        *self.seen.connections.lock().unwrap()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The one request that has arrived.
    pub(super) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    /// Waits for a request.
    pub(super) async fn arrived(&self) {
        self.seen.arrived.notified().await;
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, seen: &Seen, answer: &[u8]) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    seen.requests.lock().unwrap().push(request);
    let is_told = stream.write_all(answer).await.is_ok() && stream.flush().await.is_ok();
    seen.arrived.notify_one();
    if is_told {
        // Until the sender closes.
        let _ = stream.read(&mut [0]).await;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8(bytes.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let request = Request {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = request.header("content-length").map(str::parse::<usize>);
        if length == Some(Ok(body.len())) {
            return Some(request);
        }
    }
}
