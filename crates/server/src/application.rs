//! The server, from a bound socket to a graceful end. Tests start the very same one.

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, rt};
use doorward_admin::AdminConfig;
use doorward_api::edge::AllowedHosts;
use doorward_api::{ApiConfig, Edge};
use doorward_services::services::StartError;
use doorward_services::{Services, ServicesConfig};
use doorward_storage::Store;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What answers a request is given this long when the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// And then the database this long to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// A client that has not sent its whole request head by then is cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// An idle connection is kept this long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What a server is made of.
#[derive(Debug)]
pub struct Options {
    /// Where it listens, bound already.
    pub listener: TcpListener,
    /// What the services need.
    pub services: ServicesConfig,
    /// The hosts that are served.
    pub allowed_hosts: Vec<String>,
    /// The name in `/api/v1/health`.
    pub environment: String,
    /// Whether browsers reach it over TLS alone.
    pub is_secure: bool,
    /// How many threads serve; one a core where there is no number.
    pub workers: Option<usize>,
}

/// A server that accepts connections.
#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    services: Data<Services>,
    store: Arc<dyn Store>,
    is_draining: Arc<AtomicBool>,
    handle: ServerHandle,
    server: rt::task::JoinHandle<io::Result<()>>,
    upkeep: Vec<rt::task::JoinHandle<()>>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The services do not start.
    #[error(transparent)]
    Services(#[from] StartError),
    /// The socket or the threads.
    #[error("the server does not start: {0}")]
    Io(#[from] io::Error),
}

impl Application {
    /// Starts a server: when this returns, it answers.
    ///
    /// # Errors
    /// [`BuildError`] when the database, the socket or the system's threads fail.
    pub async fn start(options: Options) -> Result<Self, BuildError> {
        let address = options.listener.local_addr()?;
        let store = Arc::clone(&options.services.store);
        let services = Data::new(Services::start(options.services).await?);
        let is_draining = Arc::new(AtomicBool::new(false));
        let environment = options.environment;
        let api = doorward_api::configure(
            services.clone(),
            ApiConfig {
                version: env!("CARGO_PKG_VERSION"),
                environment: environment.clone(),
                is_draining: Arc::clone(&is_draining),
            },
        );
        let admin = doorward_admin::configure(
            services.clone(),
            AdminConfig {
                version: env!("CARGO_PKG_VERSION"),
                environment,
                origin: doorward_api::origin,
                is_secure: options.is_secure,
            },
        );
        let edge = Edge {
            allowed_hosts: Arc::new(AllowedHosts::new(options.allowed_hosts)),
            is_draining: Arc::clone(&is_draining),
        };
        let mut server = HttpServer::new(move || {
            let edge = edge.clone();
            App::new()
                .wrap(from_fn(move |request, next| {
                    edge.clone().around(request, next)
                }))
                .configure(api.clone())
                .configure(admin.clone())
        })
        .disable_signals()
        .client_request_timeout(HEAD_WITHIN)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(DRAIN_WITHIN.as_secs());
        if let Some(workers) = options.workers {
            server = server.workers(workers);
        }
        let server = server.listen(options.listener)?.run();
        Ok(Self {
            address,
            upkeep: upkeep(&services),
            services,
            store,
            is_draining,
            handle: server.handle(),
            server: rt::spawn(server),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The services behind it.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// From now on `/readyz` says that others should be asked.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Stops accepting, answers what is in flight, and ends the threads of the database.
    pub async fn stop(self) {
        self.drain();
        self.handle.stop(true).await;
        for task in &self.upkeep {
            task.abort();
        }
        // On a thread of its own: a runtime waits for its blocking work at its end, however long a store may hang.
        let (closed, is_closed) = oneshot::channel();
        let store = self.store;
        thread::spawn(move || {
            rt::System::new().block_on(store.close());
            let _ = closed.send(());
        });
        if timeout(CLOSE_WITHIN, is_closed).await.is_err() {
            tracing::warn!(within = ?CLOSE_WITHIN, "the database did not close in time: it is left to itself");
        }
    }

    /// Waits until the server ends by itself, which only a failure makes it do.
    ///
    /// # Errors
    /// The failure.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.server).await.map_err(io::Error::other)?
    }
}

fn upkeep(services: &Data<Services>) -> Vec<rt::task::JoinHandle<()>> {
    let (feed, sweeper, keys) = (services.clone(), services.clone(), services.clone());
    let sealer = services.clone();
    vec![
        rt::spawn(async move { feed.feed.follow().await }),
        rt::spawn(async move { sweeper.sweeper.run().await }),
        rt::spawn(async move { sealer.sealer.run().await }),
        rt::spawn(async move { keys.api_keys.run().await }),
    ]
}
