//! `doorward-load slow`: a crowd of clients that send a byte now and then, or nothing, and what they cost.

use crate::cli::Slow;
use crate::process::Usage;
use crate::tally::to_float;
use anyhow::{Context, ensure};
use serde::Serialize;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

mod tls;

/// How often a slow client sends a byte.
const PAUSE: Duration = Duration::from_secs(2);
/// A server that lets one go on for longer does not cut it off: after ten seconds, which this here may notice late.
const CUT_WITHIN: Duration = Duration::from_secs(15);
/// As many are opened at once.
const AT_ONCE: usize = 200;
const WHOLE: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HEAD: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
const BODY: &[u8] =
    b"POST /api/v1/user/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                      Content-Length: 60000\r\n\r\n{";

/// What `slow` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    slow: usize,
    idle: usize,
    kib_a_connection: f64,
    /// How many slow ones were cut off, each of which came back at once.
    cut: usize,
    /// The longest that one was let go on, in seconds.
    longest: f64,
    /// How many idle ones the server had closed by the end.
    closed: usize,
    /// How many could not be opened.
    refused: usize,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
type Stream = Box<dyn Duplex>;

/// Where and how to connect.
#[derive(Clone)]
struct Door {
    address: SocketAddr,
    connector: Option<tokio_rustls::TlsConnector>,
}

impl Door {
    /// From an address of its own for each few thousand: ports are scarce.
    async fn open(&self, number: usize) -> io::Result<Stream> {
        let from = u8::try_from(2 + number / 5000 % 200).unwrap_or(2);
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into())?;
        let stream = socket.connect(self.address).await?;
        match &self.connector {
            None => Ok(Box::new(stream)),
            Some(connector) => {
                let name = rustls::pki_types::ServerName::IpAddress(self.address.ip().into());
                Ok(Box::new(connector.connect(name, stream).await?))
            }
        }
    }

    /// One that has been answered and says nothing more.
    async fn open_idle(self, number: usize) -> io::Result<Stream> {
        let mut stream = self.open(number).await?;
        answered(&mut stream).await?;
        Ok(stream)
    }
}

async fn answered(stream: &mut Stream) -> io::Result<()> {
    stream.write_all(WHOLE).await?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).await?;
    let is_good = answer
        .get(..length)
        .is_some_and(|it| it.starts_with(b"HTTP/1.1 200"));
    if is_good {
        Ok(())
    } else {
        Err(io::Error::other("no answer of 200"))
    }
}

/// What the slow ones have met.
#[derive(Debug, Default)]
struct Met {
    open: AtomicUsize,
    cut: AtomicUsize,
    refused: AtomicUsize,
    longest_millis: AtomicUsize,
    is_over: AtomicBool,
}

/// Opens the crowd, keeps it for the time, and tells how it went.
///
/// # Errors
/// When an idle one cannot be opened, or not all slow ones are within a minute.
pub(crate) async fn slow(arguments: Slow) -> anyhow::Result<Report> {
    let address = *arguments.targets.addresses.first().context("no target")?;
    let connector = arguments.tls.then(tls::connector).transpose()?;
    let door = Door { address, connector };
    drop(door.clone().open_idle(0).await?);
    let before = Usage::of(arguments.pid)?.resident_kib;
    let mut idle = open_idle(&door, arguments.idle).await?;
    let met = Arc::new(Met::default());
    let clients: Vec<_> = (0..arguments.trickling)
        .map(|number| tokio::spawn(be_slow(door.clone(), number, Arc::clone(&met))))
        .collect();
    let began = Instant::now();
    while met.open.load(Ordering::Relaxed) < arguments.trickling {
        ensure!(
            began.elapsed() < Duration::from_mins(1),
            "not all could be opened: ulimit -n?"
        );
        sleep(Duration::from_millis(50)).await;
    }
    let mut most = Usage::of(arguments.pid)?.resident_kib;
    if let Some(file) = &arguments.started {
        std::fs::write(file, "")?;
    }
    let opened = Instant::now();
    while opened.elapsed() < arguments.seconds {
        sleep(Duration::from_secs(1)).await;
        most = most.max(Usage::of(arguments.pid)?.resident_kib);
    }
    met.is_over.store(true, Ordering::Relaxed);
    let closed = closed_among(&mut idle).await;
    clients.iter().for_each(JoinHandle::abort);
    let kib = to_float(most.saturating_sub(before));
    let all = u64::try_from(arguments.trickling + arguments.idle)?;
    let longest = u64::try_from(met.longest_millis.load(Ordering::Relaxed))?;
    Ok(Report {
        slow: arguments.trickling,
        idle: arguments.idle,
        kib_a_connection: kib / to_float(all.max(1)),
        cut: met.cut.load(Ordering::Relaxed),
        longest: to_float(longest) / 1000.0,
        closed,
        refused: met.refused.load(Ordering::Relaxed),
    })
}

async fn open_idle(door: &Door, count: usize) -> anyhow::Result<Vec<Stream>> {
    let mut idle = Vec::with_capacity(count);
    while idle.len() < count {
        let next = idle.len()..count.min(idle.len() + AT_ONCE);
        let opening: Vec<_> = next
            .map(|number| tokio::spawn(door.clone().open_idle(number)))
            .collect();
        for one in opening {
            idle.push(
                one.await?
                    .context("an idle connection; see also: ulimit -n")?,
            );
        }
    }
    Ok(idle)
}

async fn closed_among(streams: &mut [Stream]) -> usize {
    let mut closed = 0;
    for stream in streams {
        let mut byte = [0];
        let is_open = poll_fn(|cx| {
            let read = Pin::new(&mut *stream).poll_read(cx, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        });
        closed += usize::from(!is_open.await);
    }
    closed
}

/// Comes back whenever it is cut off. By turns it is slow with its first head, with a later one, and with a body.
async fn be_slow(door: Door, number: usize, met: Arc<Met>) {
    // Not all in the same moment.
    sleep(Duration::from_millis(
        u64::try_from(number % 2000).unwrap_or(0),
    ))
    .await;
    let mut is_first = true;
    while !met.is_over.load(Ordering::Relaxed) {
        let Ok(mut stream) = door.open(number).await else {
            met.refused.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        if number % 3 == 1 && answered(&mut stream).await.is_err() {
            met.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if is_first {
            is_first = false;
            met.open.fetch_add(1, Ordering::Relaxed);
        }
        let began = Instant::now();
        let start = if number % 3 == 2 { BODY } else { HEAD };
        trickle(&mut stream, start, &met).await;
        let lasted = usize::try_from(began.elapsed().as_millis()).unwrap_or(usize::MAX);
        met.longest_millis.fetch_max(lasted, Ordering::Relaxed);
        if !met.is_over.load(Ordering::Relaxed) {
            met.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Until the server closes the connection.
async fn trickle(stream: &mut Stream, start: &[u8], met: &Met) {
    let mut answer = [0; 1024];
    let mut next = start;
    while !met.is_over.load(Ordering::Relaxed) {
        if stream.write_all(next).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        next = b"x";
        match timeout(PAUSE, stream.read(&mut answer)).await {
            Ok(Ok(1..)) | Err(_) => {}
            Ok(Ok(0) | Err(_)) => return,
        }
    }
}

impl Report {
    pub(crate) fn is_right(&self) -> bool {
        self.closed == 0
            && self.refused == 0
            && self.longest <= CUT_WITHIN.as_secs_f64()
            && (self.cut > 0 || self.slow == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} slow and {} idle connections: {:.1} KiB each; slow ones cut off {} times, after {:.1} s at the longest; \
             {} idle ones closed, {} refused",
            self.slow,
            self.idle,
            self.kib_a_connection,
            self.cut,
            self.longest,
            self.closed,
            self.refused
        )
    }
}
