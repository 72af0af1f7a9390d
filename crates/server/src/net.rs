//! From a bound socket to requests: TLS, HTTP/1 and HTTP/2, and the deadlines that keep slow clients from standing in
//! the way of others.
//!
//! actix-web's own server takes sockets as they are, has no deadline after the first request head of a connection, and
//! lets an HTTP/2 client have as many streams as it likes. So the layer beneath it is here: `socket` tells the
//! `connection` what happens, and each worker looks at its connections twice a second.

mod connection;
mod http1;
mod http2;
mod limits;
mod socket;
pub mod tls;

pub(crate) use limits::connections as max_connections;
pub use limits::raise_open_files;

use actix_http::HttpService;
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt;
use connection::{Connections, TICK};
use doorward_metrics::Counter;
use doorward_services::Clock;
use http1::Noted;
use rustls::ServerConfig;
use socket::{Socket, Stream};
use std::error::Error;
use std::fmt;
use std::future::ready;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A client that has not sent its first request head by then is told so, and cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// An idle connection is kept this long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// What a refused client still sends is read for this long, so that it sees the refusal.
const LINGER: Duration = Duration::from_secs(1);
/// HTTP/2, by its name in TLS (RFC 9113, section 3.2).
const H2: &[u8] = b"h2";

/// What all workers have in common.
#[derive(Clone)]
pub(crate) struct Listening {
    /// How TLS is spoken, where it is.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Says `true` when connections are to end.
    pub(crate) stopping: watch::Receiver<bool>,
    /// What dates answers.
    pub(crate) clock: Arc<dyn Clock>,
    /// What becomes of connections.
    pub(crate) counts: Arc<ConnectionCounts>,
    /// How many connections a worker may have.
    pub(crate) connections: usize,
}

/// What becomes of connections, of all workers.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    pub(crate) opened: Counter,
    pub(crate) closed: Counter,
    pub(crate) over_http2: Counter,
    pub(crate) failed_handshakes: Counter,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// What a worker does with each socket that is accepted.
pub(crate) fn serve<A, B>(
    app: A,
    listening: Listening,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()>
where
    A: ServiceFactory<
            actix_http::Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    <A::Service as Service<actix_http::Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let app = Rc::new(app);
    fn_factory(move || {
        let (app, listening) = (Rc::clone(&app), listening.clone());
        async move {
            let app = Rc::new(app.new_service(AppConfig::default()).await?);
            let of_http1 = Rc::clone(&app);
            let http1 = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_WITHIN)
                .client_disconnect_timeout(LINGER)
                .on_connect_ext(|stream: &Stream, data| {
                    data.insert(Rc::clone(stream.connection()));
                })
                .h1(fn_factory(move || {
                    ready(Ok::<_, ()>(Noted(Rc::clone(&of_http1))))
                }));
            let http1 = Rc::new(http1.new_service(()).await?);
            let connections = Connections::new(listening.connections);
            rt::spawn(look_after(Rc::clone(&connections), listening.stopping));
            let acceptor = listening.tls.map(TlsAcceptor::from);
            Ok(fn_service(move |io: TcpStream| {
                let (app, http1) = (Rc::clone(&app), Rc::clone(&http1));
                let (acceptor, clock) = (acceptor.clone(), Arc::clone(&listening.clock));
                let open = connections.open();
                let counts = Arc::clone(&listening.counts);
                counts.opened.count();
                async move {
                    let peer = io.peer_addr().ok();
                    let ended: Result<(), Box<dyn Error>> = async {
                        let begun = begin(Socket::new(io, open), acceptor).await;
                        let stream = begun.inspect_err(|_| counts.failed_handshakes.count())?;
                        if is_http2(&stream) {
                            counts.over_http2.count();
                            http2::serve(stream, app, peer, clock).await?;
                        } else {
                            http1.call((stream, peer)).await?;
                        }
                        Ok(())
                    }
                    .await;
                    counts.closed.count();
                    // Clients come and go: how one went is for a close look alone.
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                    Ok(())
                }
            }))
        }
    })
}

async fn begin(socket: Socket, acceptor: Option<TlsAcceptor>) -> io::Result<Stream> {
    match acceptor {
        None => Ok(Stream::Plain(socket)),
        Some(acceptor) => Ok(Stream::Tls(Box::new(acceptor.accept(socket).await?))),
    }
}

fn is_http2(stream: &Stream) -> bool {
    match stream {
        Stream::Plain(_) => false,
        Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(H2),
    }
}

async fn look_after(connections: Rc<Connections>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = ticks.tick() => connections.tick(),
            changed = stopping.changed() => {
                connections.stop();
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
