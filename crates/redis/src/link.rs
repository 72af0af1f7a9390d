//! The one way to the Redis, and the breaker on it.
//!
//! One connection carries the commands of all callers, multiplexed; the pool is asked for it once in its life and not at
//! each command, which would cost a `PING` every time. The first command that fails or is late cuts the link: from then
//! on callers are told at once that Redis is away, while a task of this module tries to reach it again. It also looks at
//! the link when nobody else does, so that its health is known without a request.
//!
//! All of it lives on a thread of its own, so it neither needs the caller's runtime nor ends with it.

use crate::config::{RedisConfigError, Target};
use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime, TimeoutType};
use doorward_services::ports::{LinkHealth, LinkState};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisError, ScriptInvocation};
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

/// How long it may take to connect and log in.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// How long after a failed attempt the next one begins.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// How often the link is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Beyond this everything in the cache is removed instead.
const MOST_OWED: usize = 10_000;
/// How many keys go with one command.
const BATCH: usize = 500;

/// Redis is away, or refuses it. Who gets this has been waiting for at most one deadline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoAnswer;

/// What is used to talk.
#[derive(Clone)]
struct Line {
    connection: MultiplexedConnection,
    number: u64,
}

/// Keys that shall be gone, and could not be removed.
#[derive(Debug, Default)]
struct Owed {
    keys: HashSet<Vec<u8>>,
    everything: bool,
}

impl Owed {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.everything
    }

    fn add(&mut self, key: Vec<u8>) {
        if self.keys.len() < MOST_OWED {
            self.keys.insert(key);
        } else {
            self.everything = true;
        }
    }
}

/// The way to one Redis. It closes when the last one that holds it is gone.
pub(crate) struct Link {
    shared: Arc<Shared>,
    runtime: Handle,
    _end: oneshot::Sender<()>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.shared.target)
    }
}

struct Shared {
    target: Target,
    deadline: Duration,
    prefix: String,
    line: RwLock<Option<Line>>,
    cut: Mutex<Option<(u64, Arc<str>)>>,
    is_cut: Notify,
    owed: Mutex<Owed>,
    health: LinkHealth,
    has_complained: AtomicBool,
}

impl Link {
    /// Begins to connect. It does not wait for it: the Redis may be down.
    pub(crate) fn open(
        target: Target,
        deadline: Duration,
        prefix: String,
    ) -> Result<Self, RedisConfigError> {
        if target.is_tls() {
            // Another part of the program may have chosen already, which is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let pool = pool(&target)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let shared = Arc::new(Shared {
            target,
            deadline,
            prefix,
            line: RwLock::default(),
            cut: Mutex::default(),
            is_cut: Notify::new(),
            owed: Mutex::default(),
            health: LinkHealth::default(),
            has_complained: AtomicBool::new(false),
        });
        let (end, ended) = oneshot::channel::<()>();
        handle.spawn(keep(Arc::clone(&shared), pool));
        std::thread::Builder::new()
            .name("redis".to_owned())
            .spawn(move || {
                // Nothing is ever sent: the sender goes away.
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            shared,
            runtime: handle,
            _end: end,
        })
    }

    pub(crate) fn health(&self) -> &LinkHealth {
        &self.shared.health
    }

    pub(crate) fn target(&self) -> &Target {
        &self.shared.target
    }

    /// A key of ours.
    pub(crate) fn key(&self, kind: &str, name: &[u8]) -> Vec<u8> {
        [self.shared.prefix.as_bytes(), kind.as_bytes(), name].concat()
    }

    /// Runs a task until the link closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// The way for a task that must not keep the link open.
    pub(crate) fn courier(&self) -> Courier {
        Courier(Arc::clone(&self.shared))
    }

    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, NoAnswer> {
        self.shared.command(command).await
    }

    pub(crate) async fn pipeline<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, NoAnswer> {
        let mut line = self.shared.line()?;
        let answer = pipeline.query_async(&mut line.connection);
        self.shared.answer(line.number, answer).await
    }

    /// By its digest; where Redis does not know it, it is loaded.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, NoAnswer> {
        let mut line = self.shared.line()?;
        let answer = script.invoke_async(&mut line.connection);
        self.shared.answer(line.number, answer).await
    }

    /// Removes a key: now, or before anything is answered again.
    pub(crate) async fn remove(&self, key: Vec<u8>) {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(&key);
        if self.command::<()>(&unlink).await.is_ok() || !self.shared.owe(&key) {
            return;
        }
        // Another line came up in between, and nobody looks at what is owed any more.
        if self.command::<()>(&unlink).await.is_ok() {
            self.shared.owed().keys.remove(&key);
        }
    }
}

/// Carries commands of a task on the link's own thread.
#[derive(Clone)]
pub(crate) struct Courier(Arc<Shared>);

impl Courier {
    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, NoAnswer> {
        self.0.command(command).await
    }
}

impl Shared {
    fn line(&self) -> Result<Line, NoAnswer> {
        let line = self.line.read().unwrap_or_else(PoisonError::into_inner);
        line.clone().ok_or(NoAnswer)
    }

    fn set_line(&self, line: Option<Line>) {
        *self.line.write().unwrap_or_else(PoisonError::into_inner) = line;
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the key shall be gone, and says whether there is a line that was given out before.
    fn owe(&self, key: &[u8]) -> bool {
        let mut owed = self.owed();
        owed.add(key.to_vec());
        self.line().is_ok()
    }

    /// Gives the line to all, unless something is owed.
    fn give_out(&self, line: &Line) -> bool {
        let owed = self.owed();
        if owed.is_empty() {
            self.set_line(Some(line.clone()));
        }
        owed.is_empty()
    }

    fn cut_by(&self) -> MutexGuard<'_, Option<(u64, Arc<str>)>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, NoAnswer> {
        let mut line = self.line()?;
        let answer = command.query_async(&mut line.connection);
        self.answer(line.number, answer).await
    }

    async fn answer<T>(
        &self,
        number: u64,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, NoAnswer> {
        match timeout(self.deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_refusal(&error) => {
                // A Redis that refuses everything is found out by the next look at it.
                if !self.has_complained.swap(true, Ordering::Relaxed) {
                    tracing::warn!(redis = %self.target, reason = %reason(&error), "Redis refuses a command");
                }
                Err(NoAnswer)
            }
            Ok(Err(error)) => {
                self.cut(number, reason(&error));
                Err(NoAnswer)
            }
            Err(_late) => {
                self.cut(number, late(self.deadline));
                Err(NoAnswer)
            }
        }
    }

    /// Nobody uses this line any more.
    fn cut(&self, number: u64, reason: Arc<str>) {
        let mut line = self.line.write().unwrap_or_else(PoisonError::into_inner);
        if line.as_ref().is_some_and(|line| line.number == number) {
            *line = None;
            drop(line);
            *self.cut_by() = Some((number, reason));
            self.is_cut.notify_one();
        }
    }

    /// It is logged before it is known: who waits for the state finds the line.
    fn is_up(&self) {
        if !self.health.is_up() {
            tracing::info!(redis = %self.target, "Redis answers");
        }
        self.health.set(LinkState::Up);
    }

    fn is_down(&self, reason: &Arc<str>) {
        if !matches!(self.health.state(), LinkState::Down(_)) {
            tracing::warn!(redis = %self.target, %reason, "Redis does not answer; the service goes on without it");
        }
        self.health.set(LinkState::Down(Arc::clone(reason)));
    }

    /// Something that Redis does only when it is whole: a replica, a full one and one that still loads refuse it.
    async fn probe(&self, line: &mut Line) -> Result<(), Arc<str>> {
        let mut set = redis::cmd("SET");
        set.arg(format!("{}probe", self.prefix))
            .arg(1)
            .arg("PX")
            .arg(1000);
        match timeout(self.deadline, set.query_async(&mut line.connection)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_late) => Err(late(self.deadline)),
        }
    }

    /// Removes what is owed.
    async fn settle(&self, line: &mut Line) -> Result<(), Arc<str>> {
        let owed = std::mem::take(&mut *self.owed());
        let settled = self.remove_all(line, &owed).await;
        if settled.is_err() {
            let mut again = self.owed();
            again.everything |= owed.everything;
            for key in owed.keys {
                again.add(key);
            }
        }
        settled
    }

    async fn remove_all(&self, line: &mut Line, owed: &Owed) -> Result<(), Arc<str>> {
        if owed.everything {
            return self.remove_cache(line).await;
        }
        let keys: Vec<&Vec<u8>> = owed.keys.iter().collect();
        for batch in keys.chunks(BATCH) {
            let mut unlink = redis::cmd("UNLINK");
            unlink.arg(batch);
            patiently::<()>(&unlink, line).await?;
        }
        Ok(())
    }

    async fn remove_cache(&self, line: &mut Line) -> Result<(), Arc<str>> {
        let pattern = format!("{}{}*", self.prefix, crate::cache::KIND);
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(BATCH);
            let (next, keys): (u64, Vec<Vec<u8>>) = patiently(&scan, line).await?;
            if !keys.is_empty() {
                let mut unlink = redis::cmd("UNLINK");
                unlink.arg(keys);
                patiently::<()>(&unlink, line).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

/// Nobody waits for it.
async fn patiently<T: FromRedisValue>(command: &Cmd, line: &mut Line) -> Result<T, Arc<str>> {
    match timeout(CONNECT_WITHIN, command.query_async(&mut line.connection)).await {
        Ok(answer) => answer.map_err(|error| reason(&error)),
        Err(_late) => Err(late(CONNECT_WITHIN)),
    }
}

fn pool(target: &Target) -> Result<Pool, RedisConfigError> {
    // Each caller has its own deadline.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_connection_timeout(Some(CONNECT_WITHIN));
    let manager = Manager::new_with_config(target.info.clone(), config)
        .map_err(|_source| RedisConfigError::NoRedisUrl)?;
    Pool::builder(manager)
        .max_size(1)
        .runtime(Runtime::Tokio1)
        .create_timeout(Some(CONNECT_WITHIN))
        .wait_timeout(Some(CONNECT_WITHIN))
        .build()
        .map_err(|_source| RedisConfigError::NoRedisUrl)
}

/// Keeps the link up for ever.
async fn keep(shared: Arc<Shared>, pool: Pool) {
    let mut number = 0;
    loop {
        number += 1;
        match connect(&shared, &pool, number).await {
            Ok(mut line) => {
                shared.has_complained.store(false, Ordering::Relaxed);
                shared.is_up();
                let reason = watch(&shared, &mut line).await;
                shared.set_line(None);
                shared.is_down(&reason);
            }
            Err(reason) => {
                shared.is_down(&reason);
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// A line that works, and is given out.
async fn connect(shared: &Shared, pool: &Pool, number: u64) -> Result<Line, Arc<str>> {
    let connection = pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => reason(&error),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Wait | TimeoutType::Recycle) => {
            late(CONNECT_WITHIN)
        }
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            error.to_string().into()
        }
    })?;
    // It never goes back: when it is broken, the pool makes another.
    let mut line = Line {
        connection: Connection::take(connection),
        number,
    };
    shared.probe(&mut line).await?;
    while !shared.give_out(&line) {
        shared.settle(&mut line).await?;
    }
    Ok(line)
}

/// Waits until the line does not work any more, and says why.
async fn watch(shared: &Shared, line: &mut Line) -> Arc<str> {
    loop {
        let look = timeout(LOOK_EVERY, shared.is_cut.notified()).await;
        let cut = shared.cut_by().take();
        match cut {
            Some((number, reason)) if number == line.number => return reason,
            None if look.is_err() => {
                if let Err(reason) = shared.probe(line).await {
                    return reason;
                }
            }
            // A late word about an earlier line, or none.
            Some(_) | None => {}
        }
    }
}

/// The server has understood, and does not want to.
fn is_refusal(error: &RedisError) -> bool {
    !error.is_unrecoverable_error() && !error.is_io_error() && !error.is_timeout()
}

/// For the operator. What Redis says is kept to its first word and our library's sentence: its own may quote what was
/// sent.
fn reason(error: &RedisError) -> Arc<str> {
    if error.is_io_error() {
        return error.to_string().into();
    }
    match (error.category(), error.code()) {
        ("", Some(code)) => code.into(),
        (category, Some(code)) => format!("{category} ({code})").into(),
        (category, None) => category.into(),
    }
}

fn late(deadline: Duration) -> Arc<str> {
    format!("no answer within {} ms", deadline.as_millis()).into()
}
