//! The server, from a bound socket to a graceful end. Tests start the very same one.

use crate::config::Observed;
use crate::figures;
use crate::net::tls::Tls;
use crate::net::{self, ConnectionCounts, Listening};
use crate::traces::{Traces, TracesError};
use crate::worker::WorkerThread;
use actix_server::Server;
use actix_service::IntoServiceFactory;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, rt};
use doorward_admin::AdminConfig;
use doorward_api::edge::{AllowedHosts, Cors, TrustedProxies};
use doorward_api::{ApiConfig, Edge, Metrics, Spans};
use doorward_domain::Network;
use doorward_metrics::Requests;
use doorward_services::services::StartError;
use doorward_services::webhook_secrets::WebhookSecrets;
use doorward_services::{Clock, Services, ServicesConfig};
use doorward_storage::Store;
use doorward_worker::noop::Noop;
use doorward_worker::webhook::{AllowList, Webhook};
use doorward_worker::worker::GRACE;
use doorward_worker::{Kinds, Worker, WorkerConfig};
use futures_util::future::join;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// What answers a request is given this long when the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// And then the database this long to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// What a server is made of.
#[derive(Debug)]
pub struct Options {
    /// Where it listens, bound already.
    pub listener: TcpListener,
    /// What the services need.
    pub services: ServicesConfig,
    /// The hosts that are served.
    pub allowed_hosts: Vec<String>,
    /// The origins whose pages may call.
    pub cors_allowed_origins: Vec<String>,
    /// What HTTPS is served with, where it is.
    pub tls: Option<Tls>,
    /// The proxies whose words count on where a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// The name in `/api/v1/health`.
    pub environment: String,
    /// The worker beside the server, where there is one.
    pub worker: Option<WorkerOptions>,
    /// How it is watched.
    pub observed: Observed,
    /// How many threads serve; one a core where there is no number.
    pub workers: Option<usize>,
}

/// The kinds of tasks that this program knows, for services on this store and under this key.
///
/// # Errors
/// When no TLS can be had.
pub fn kinds(services: &ServicesConfig, webhook_allow: AllowList) -> anyhow::Result<Kinds> {
    let secrets = WebhookSecrets::new(
        Arc::clone(&services.store),
        Arc::clone(&services.clock),
        &services.secret_key,
        &services.secret_key_fallbacks,
    );
    let webhook = Webhook::new(secrets, Arc::clone(&services.clock), webhook_allow)?;
    Ok(Kinds::new().with(Noop)?.with(webhook)?)
}

/// What a worker runs. The services check against the same kinds what is made.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The kinds that it knows.
    pub kinds: Kinds,
    /// How many tasks it runs at once.
    pub concurrency: NonZeroUsize,
}

impl WorkerOptions {
    /// Starts the worker, beside services on this store and this clock.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        self,
        services: &Services,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<WorkerThread> {
        tracing::info!(kinds = ?self.kinds, concurrency = self.concurrency, "running tasks");
        WorkerThread::start(Worker::new(WorkerConfig {
            store,
            clock,
            kinds: self.kinds,
            concurrency: self.concurrency,
            grace: GRACE,
            alarm: Arc::clone(&services.task_alarm),
        }))
    }
}

/// A server that accepts connections.
#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    services: Data<Services>,
    store: Arc<dyn Store>,
    worker: Option<WorkerThread>,
    traces: Option<Arc<Traces>>,
    is_draining: Arc<AtomicBool>,
    stopping: watch::Sender<bool>,
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
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] TracesError),
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
        let clock = Arc::clone(&options.services.clock);
        let tls = options.tls.map(Arc::new);
        let services = Data::new(Services::start(options.services).await?);
        let is_draining = Arc::new(AtomicBool::new(false));
        let observed = options.observed;
        let endpoint = observed.otlp_endpoint.as_deref();
        let traces = endpoint.map(|endpoint| {
            Traces::start(endpoint, &options.environment, Arc::clone(&clock)).map(Arc::new)
        });
        let traces = traces.transpose()?;
        let requests = Requests::default();
        let connections = Arc::<ConnectionCounts>::default();
        let worker_stats = Arc::<OnceLock<_>>::default();
        let environment = options.environment;
        let api = doorward_api::configure(
            services.clone(),
            ApiConfig {
                version: env!("CARGO_PKG_VERSION"),
                environment: environment.clone(),
                is_draining: Arc::clone(&is_draining),
                is_tls: tls.is_some(),
                trusted_proxies: TrustedProxies::new(options.trusted_proxies),
                metrics: Metrics {
                    token: observed.metrics_token,
                    requests: requests.clone(),
                    sources: figures::sources(&connections, &worker_stats, clock.now()),
                },
            },
        );
        let admin = doorward_admin::configure(
            services.clone(),
            AdminConfig {
                version: env!("CARGO_PKG_VERSION"),
                environment,
                origin: doorward_api::origin,
                is_secure: tls.is_some(),
                requests: requests.clone(),
            },
        );
        let edge = Edge {
            allowed_hosts: Arc::new(AllowedHosts::new(options.allowed_hosts)),
            cors: Arc::new(Cors::new(options.cors_allowed_origins)),
            is_tls: tls.is_some(),
            is_draining: Arc::clone(&is_draining),
            requests,
            spans: traces.clone().map(|traces| -> Arc<dyn Spans> { traces }),
        };
        let worker_clock = Arc::clone(&clock);
        let (stopping, is_stopping) = watch::channel(false);
        let workers = options.workers.unwrap_or_else(cores);
        let listening = Listening {
            tls: tls
                .clone()
                .map(Tls::server_config)
                .transpose()?
                .map(Arc::new),
            stopping: is_stopping,
            clock,
            counts: connections,
            connections: net::max_connections() / workers.max(1),
        };
        let server = Server::build()
            .disable_signals()
            .workers(workers)
            .max_concurrent_connections(listening.connections)
            .shutdown_timeout(DRAIN_WITHIN.as_secs())
            .listen("http", options.listener, move || {
                let edge = Rc::new(edge.clone());
                let app = App::new()
                    .wrap(from_fn(move |request, next| {
                        Rc::clone(&edge).around(request, next)
                    }))
                    .configure(api.clone())
                    .configure(admin.clone());
                net::serve(app.into_factory(), listening.clone())
            })?
            .run();
        let worker = options
            .worker
            .map(|worker| worker.start(&services, Arc::clone(&store), worker_clock))
            .transpose()?;
        if let Some(worker) = &worker {
            let _ = worker_stats.set(Arc::clone(worker.stats()));
        }
        Ok(Self {
            address,
            upkeep: upkeep(&services, tls),
            services,
            store,
            worker,
            traces,
            is_draining,
            stopping,
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

    /// From now on `/readyz` says that others should be asked, and no task begins.
    pub fn drain(&self) {
        if let Some(worker) = &self.worker {
            worker.drain();
        }
        self.is_draining.store(true, Ordering::Release);
    }

    /// Sends the traces that have gathered until now, where traces are sent.
    pub async fn flush_traces(&self) {
        if let Some(traces) = &self.traces {
            traces.flush().await;
        }
    }

    /// Stops accepting, answers what is in flight, lets tasks end or gives them back, and ends the threads of the database.
    pub async fn stop(self) {
        self.drain();
        self.stopping.send_replace(true);
        let worker_ends = async {
            if let Some(worker) = self.worker {
                worker.stop().await;
            }
        };
        join(self.handle.stop(true), worker_ends).await;
        for task in &self.upkeep {
            task.abort();
        }
        if let Some(traces) = self.traces {
            traces.end().await;
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

    /// Waits until the server or the worker beside it ends by itself, which only a failure makes them do.
    ///
    /// # Errors
    /// The failure.
    pub async fn ended(&mut self) -> io::Result<()> {
        let worker_ends = async {
            match &mut self.worker {
                Some(worker) => worker.ended().await,
                None => pending().await,
            }
        };
        tokio::select! {
            ended = &mut self.server => ended.map_err(io::Error::other)?,
            () = worker_ends => Err(io::Error::other("its worker has stopped")),
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(2, NonZeroUsize::get)
}

fn upkeep(services: &Data<Services>, tls: Option<Arc<Tls>>) -> Vec<rt::task::JoinHandle<()>> {
    let (feed, sweeper, keys) = (services.clone(), services.clone(), services.clone());
    let sealer = services.clone();
    let mut upkeep = vec![
        rt::spawn(async move { feed.feed.follow().await }),
        rt::spawn(async move { sweeper.sweeper.run().await }),
        rt::spawn(async move { sealer.sealer.run().await }),
        rt::spawn(async move { keys.api_keys.run().await }),
    ];
    upkeep.extend(tls.map(|tls| rt::spawn(tls.follow())));
    upkeep
}
