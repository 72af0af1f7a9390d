//! The worker of this process, on a thread of its own: a kind that is busy holds up neither requests nor the feed.

use doorward_worker::{Worker, WorkerStats};
use std::io;
use std::sync::Arc;
use std::thread;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

/// A worker that runs until it is stopped.
#[derive(Debug)]
pub struct WorkerThread {
    stats: Arc<WorkerStats>,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

impl WorkerThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start(worker: Worker) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let stats = worker.stats();
        let (stop, mut stopped) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("tasks".to_owned())
            .spawn(move || {
                runtime.block_on(worker.run(async {
                    let _ = stopped.wait_for(|stop| *stop).await;
                }));
                // A name that is being resolved must not hold up the end.
                runtime.shutdown_background();
                let _ = end.send(());
            })?;
        Ok(Self { stats, stop, ended })
    }

    /// What it has done.
    pub fn stats(&self) -> &Arc<WorkerStats> {
        &self.stats
    }

    /// From now on it begins nothing.
    pub fn drain(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until what runs has ended or was given back.
    pub async fn stop(self) {
        self.drain();
        let _ = self.ended.await;
    }

    /// Waits for an end that nobody has asked for, which only a panic brings about.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }
}
