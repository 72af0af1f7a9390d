//! Pub/sub: what one node has committed, the others hear within a round trip.

use crate::link::{CONNECT_WITHIN, Courier, Link};
use crate::message::{Heard, Tongue};
use doorward_domain::Change;
use doorward_services::ports::change_bus::{AnnouncementSeal, Listeners};
use doorward_services::ports::{ChangeBus, ChangeListener, LinkState, News};
use futures_util::StreamExt;
use redis::{Client, RedisError, RedisResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Announcements that wait to be sent. When there are more, the others are told to look.
const MOST_WAITING: usize = 4096;
/// Changes in one message.
const MOST_TOGETHER: usize = 1000;
const LEAST_PAUSE: Duration = Duration::from_millis(250);
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// A connection on which nothing came for so long is asked whether it lives.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct RedisBus {
    listeners: Arc<Listeners>,
    waiting: mpsc::Sender<Vec<Change>>,
    overflowed: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    /// The tasks run as long as it is there.
    _link: Arc<Link>,
}

impl RedisBus {
    pub(crate) fn open(link: Arc<Link>, seal: AnnouncementSeal) -> RedisResult<Self> {
        let client = Client::open(link.target().info.clone())?;
        // Unlike keys, channels are the same for all databases of a server.
        let database = client.get_connection_info().redis_settings().db();
        let tongue = Arc::new(Tongue {
            me: rand::random(),
            channel: link.key("changes:", database.to_string().as_bytes()),
            seal,
        });
        let listeners = Arc::new(Listeners::default());
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        let overflowed = Arc::new(AtomicBool::new(false));
        let refused = Arc::new(AtomicU64::new(0));
        link.spawn(publish(Publisher {
            courier: link.courier(),
            tongue: Arc::clone(&tongue),
            queue,
            overflowed: Arc::clone(&overflowed),
        }));
        link.spawn(listen(Subscriber {
            client,
            tongue,
            refused: Arc::clone(&refused),
            listeners: Arc::clone(&listeners),
            link: link.health().watch(),
        }));
        Ok(Self {
            listeners,
            waiting,
            overflowed,
            refused,
            _link: link,
        })
    }
}

impl ChangeBus for RedisBus {
    fn announce(&self, changes: &[Change]) {
        if self.waiting.try_send(changes.to_vec()).is_err() {
            self.overflowed.store(true, Ordering::Release);
        }
    }

    fn subscribe(&self, listener: Arc<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }
}

struct Publisher {
    courier: Courier,
    tongue: Arc<Tongue>,
    queue: mpsc::Receiver<Vec<Change>>,
    overflowed: Arc<AtomicBool>,
}

/// Sends what waits, as much as there is together. What cannot be sent is dropped: the others read the feed, and are told
/// to look when they are connected again.
async fn publish(mut publisher: Publisher) {
    while let Some(mut changes) = publisher.queue.recv().await {
        let mut is_hint = changes.is_empty();
        while changes.len() < MOST_TOGETHER {
            let Ok(more) = publisher.queue.try_recv() else {
                break;
            };
            is_hint |= more.is_empty();
            changes.extend(more);
        }
        for batch in changes.chunks(MOST_TOGETHER) {
            publisher.send(batch).await;
        }
        if is_hint || publisher.overflowed.swap(false, Ordering::AcqRel) {
            publisher.send(&[]).await;
        }
    }
}

impl Publisher {
    async fn send(&self, changes: &[Change]) {
        let mut publish = redis::cmd("PUBLISH");
        let message = self.tongue.encode(changes);
        publish.arg(&self.tongue.channel).arg(message);
        // Whether it arrives is not known anyhow.
        let _ = self.courier.command::<()>(&publish).await;
    }
}

struct Subscriber {
    client: Client,
    tongue: Arc<Tongue>,
    refused: Arc<AtomicU64>,
    listeners: Arc<Listeners>,
    link: watch::Receiver<LinkState>,
}

/// Hears what others send, for ever, on a connection of its own.
async fn listen(mut subscriber: Subscriber) {
    let mut pause = LEAST_PAUSE;
    loop {
        if subscriber.hear().await.is_ok() {
            pause = LEAST_PAUSE;
        }
        tokio::select! {
            () = sleep(pause) => {}
            // The link tries more often: when it is up again, so is this.
            () = subscriber.link_is_up_again() => {}
        }
        pause = (pause * 2).min(MOST_PAUSE);
    }
}

impl Subscriber {
    /// Returns when the connection is gone; an error, when there was none.
    async fn hear(&self) -> Result<(), ()> {
        let connecting = timeout(CONNECT_WITHIN, self.connect()).await;
        let (mut sink, mut messages) = connecting.map_err(drop)?.map_err(drop)?;
        // Who was not there has missed something.
        self.listeners.tell(&News::LookNow);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.listen_to(message.get_payload_bytes()),
                    None => return Ok(()),
                },
                () = sleep(QUIET) => {
                    let ping = timeout(CONNECT_WITHIN, sink.ping::<redis::Value>());
                    if !matches!(ping.await, Ok(Ok(_))) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn listen_to(&self, message: &[u8]) {
        match self.tongue.decode(message) {
            Heard::News(news) => self.listeners.tell(&news),
            Heard::Own => {}
            Heard::Foreign => self.refuse(),
        }
    }

    /// The more often, the more seldom it is told: at 1, 2, 4, 8, ….
    fn refuse(&self) {
        let refused = self
            .refused
            .fetch_add(1, Ordering::AcqRel)
            .saturating_add(1);
        if refused.is_power_of_two() {
            tracing::warn!(
                refused,
                "announcements were ignored: who has sent them has another SECRET_KEY, another release, or no business here"
            );
        }
    }

    async fn connect(
        &self,
    ) -> Result<(redis::aio::PubSubSink, redis::aio::PubSubStream), RedisError> {
        let mut pubsub = self.client.get_async_pubsub().await?;
        pubsub.subscribe(&self.tongue.channel).await?;
        Ok(pubsub.split())
    }

    async fn link_is_up_again(&mut self) {
        self.link.mark_unchanged();
        while self.link.changed().await.is_ok() {
            if *self.link.borrow_and_update() == LinkState::Up {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}
