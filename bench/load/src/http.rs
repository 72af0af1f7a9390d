//! As much of HTTP/1.1 as it takes to ask a server fast over connections that stay open.

use socket2::SockRef;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A request, in parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) refresh: Option<&'a str>,
    pub(crate) api_key: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
    closes: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            bearer: None,
            refresh: None,
            api_key: None,
            body: None,
            closes: false,
        }
    }

    pub(crate) fn post(path: &'a str) -> Self {
        Self {
            method: "POST",
            ..Self::get(path)
        }
    }

    pub(crate) fn bearer(self, token: &'a str) -> Self {
        Self {
            bearer: Some(token),
            ..self
        }
    }

    pub(crate) fn refresh(self, token: &'a str) -> Self {
        Self {
            refresh: Some(token),
            ..self
        }
    }

    pub(crate) fn api_key(self, key: &'a str) -> Self {
        Self {
            api_key: Some(key),
            ..self
        }
    }

    pub(crate) fn body(self, body: &'a str) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    pub(crate) fn on_a_connection_of_its_own(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    fn write(&self, out: &mut Vec<u8>, host: SocketAddr) -> io::Result<()> {
        write!(
            out,
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            self.method, self.path
        )?;
        if let Some(token) = self.bearer {
            write!(out, "Authorization: Bearer {token}\r\n")?;
        }
        if let Some(token) = self.refresh {
            write!(out, "X-Refresh-Token: {token}\r\n")?;
        }
        if let Some(key) = self.api_key {
            write!(out, "X-API-Key: {key}\r\n")?;
        }
        if self.closes {
            write!(out, "Connection: close\r\n")?;
        }
        match self.body {
            Some(body) => write!(
                out,
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            None if self.method == "GET" => write!(out, "\r\n"),
            None => write!(out, "Content-Length: 0\r\n\r\n"),
        }
    }
}

/// An answer. Its body lies in the connection until the next request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) has_retry_after: bool,
    pub(crate) body: &'a [u8],
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was sent.
    NotConnected(io::Error),
    /// It was sent, and the connection ended without an answer, or in the midst of one.
    Lost(io::Error),
    /// It was sent, and nothing came in time.
    TimedOut,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(error) => write!(f, "not connected: {error}"),
            Self::Lost(error) => write!(f, "sent, but not answered: {error}"),
            Self::TimedOut => f.write_str("sent, but not answered in time"),
        }
    }
}

impl std::error::Error for Failure {}

/// A connection to one server, which is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    patience: Duration,
    stream: Option<TcpStream>,
    output: Vec<u8>,
    input: Vec<u8>,
    /// How often the server had closed a connection between two requests.
    pub(crate) reconnects: u64,
}

struct Head {
    status: u16,
    length: usize,
    body: usize,
    has_retry_after: bool,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr, patience: Duration) -> Self {
        Self {
            address,
            patience,
            stream: None,
            output: Vec::new(),
            input: Vec::with_capacity(16 * 1024),
            reconnects: 0,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// The next request goes there.
    pub(crate) fn move_to(&mut self, address: SocketAddr) {
        self.stream = None;
        self.address = address;
    }

    /// Closes it if the server has: then the next request opens another.
    pub(crate) fn notice_end(&mut self) {
        if self.stream.as_ref().is_some_and(has_ended) {
            self.stream = None;
            self.reconnects += 1;
        }
    }

    /// # Errors
    /// When the server does not take it.
    pub(crate) async fn open(&mut self) -> Result<(), Failure> {
        if self.stream.is_some() {
            return Ok(());
        }
        let stream = timeout(self.patience, TcpStream::connect(self.address))
            .await
            .map_err(|_elapsed| Failure::NotConnected(ErrorKind::TimedOut.into()))?
            .map_err(Failure::NotConnected)?;
        stream.set_nodelay(true).map_err(Failure::NotConnected)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// [`Failure`]; then the connection is closed.
    pub(crate) async fn ask(&mut self, request: &Request<'_>) -> Result<Answer<'_>, Failure> {
        self.notice_end();
        self.open().await?;
        let patience = self.patience;
        let head = match timeout(patience, self.exchange(request)).await {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => {
                self.stream = None;
                return Err(Failure::Lost(error));
            }
            Err(_elapsed) => {
                self.stream = None;
                return Err(Failure::TimedOut);
            }
        };
        if head.closes {
            self.stream = None;
        }
        Ok(Answer {
            status: head.status,
            has_retry_after: head.has_retry_after,
            body: self.input.get(head.body..).unwrap_or_default(),
        })
    }

    async fn exchange(&mut self, request: &Request<'_>) -> io::Result<Head> {
        let Some(stream) = self.stream.as_mut() else {
            return Err(ErrorKind::NotConnected.into());
        };
        self.output.clear();
        request.write(&mut self.output, self.address)?;
        self.input.clear();
        stream.write_all(&self.output).await?;
        let head = loop {
            if let Some(head) = Head::parse(&self.input)? {
                break head;
            }
            if stream.read_buf(&mut self.input).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        };
        let end = head.body + head.length;
        while self.input.len() < end {
            if stream.read_buf(&mut self.input).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        if self.input.len() > end {
            return Err(broken("more than one answer to one request"));
        }
        Ok(head)
    }
}

/// Asks the system rather than the runtime, which learns of it only when it next looks.
fn has_ended(stream: &TcpStream) -> bool {
    match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

impl Head {
    /// `None` while it is not complete.
    fn parse(input: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else {
            return if input.len() > MAX_HEAD {
                Err(broken("an endless head"))
            } else {
                Ok(None)
            };
        };
        let text = input.get(..end).map(str::from_utf8);
        let Some(Ok(text)) = text else {
            return Err(broken("a head that is not UTF-8"));
        };
        let mut lines = text.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 "))
            .and_then(|line| line.get(..3)?.parse().ok())
            .ok_or_else(|| broken("no status line"))?;
        let (mut length, mut has_retry_after, mut closes) = (None, false, false);
        for line in lines {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| broken("a header without colon"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok().filter(|length| *length <= MAX_BODY);
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("retry-after") {
                has_retry_after = true;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(broken("an answer of unknown length"));
            }
        }
        Ok(Some(Self {
            status,
            length: match status {
                204 | 304 => 0,
                _ => length.ok_or_else(|| broken("an answer of unknown length"))?,
            },
            body: end + 4,
            has_retry_after,
            closes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that writes these answers, one a request, on one connection after the other.
    async fn server(connections: Vec<Vec<&'static str>>) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answers in connections {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in answers {
                    let mut request = [0; 1024];
                    assert_ne!(stream.read(&mut request).await.unwrap(), 0);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Connection::new(address, Duration::from_secs(5))
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    const GET: Request<'static> = Request {
        method: "GET",
        path: "/",
        bearer: None,
        refresh: None,
        api_key: None,
        body: None,
        closes: false,
    };

    #[tokio::test]
    async fn answers_are_read_one_after_the_other_on_one_connection() {
        let busy = "HTTP/1.1 503 X\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
        let mut connection = server(vec![vec![OK, busy, OK]]).await;
        let first = connection.ask(&GET).await.unwrap();
        assert_eq!(
            (first.status, first.has_retry_after, first.body),
            (200, false, &b"{}"[..])
        );
        let second = connection.ask(&GET).await.unwrap();
        assert_eq!(
            (second.status, second.has_retry_after, second.body),
            (503, true, &b""[..])
        );
        assert_eq!(connection.ask(&GET).await.unwrap().status, 200);
        assert_eq!(connection.reconnects, 0);
    }

    #[tokio::test]
    async fn a_connection_that_ended_between_requests_is_opened_again() {
        let mut connection = server(vec![vec![OK], vec![OK]]).await;
        connection.ask(&GET).await.unwrap();
        while connection.is_open() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            connection.notice_end();
        }
        assert_eq!(connection.ask(&GET).await.unwrap().status, 200);
        assert_eq!(connection.reconnects, 1);
    }

    #[tokio::test]
    async fn a_request_without_a_whole_answer_is_lost() {
        for part in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        ] {
            let mut connection = server(vec![vec![part]]).await;
            assert!(
                matches!(connection.ask(&GET).await, Err(Failure::Lost(_))),
                "{part}"
            );
        }
    }

    #[tokio::test]
    async fn a_refused_connection_lost_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut connection = Connection::new(address, Duration::from_secs(5));
        assert!(matches!(
            connection.ask(&GET).await,
            Err(Failure::NotConnected(_))
        ));
    }
}
