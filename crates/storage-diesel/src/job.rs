//! A unit of work on its way from a caller to a thread.

use crate::error::unavailable;
use doorward_metrics::{Counter, Histogram};
use doorward_storage::{Mode, StoreError, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::{timeout, timeout_at};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const ABANDONED: u8 = 2;

type Answer = Result<(), StoreError>;

/// The thread's end: work that waits for its transaction.
pub(crate) struct Job {
    work: Work,
    state: Arc<AtomicU8>,
    handed_in: Instant,
    begin_within: Duration,
    counts: Arc<Counts>,
    reply: Reply,
}

/// What has become of units of work.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) refused: Counter,
    pub(crate) waits: Histogram,
}

/// Where the outcome of a unit of work goes.
pub(crate) struct Reply(oneshot::Sender<Answer>);

/// The caller's end.
pub(crate) struct Ticket {
    state: Arc<AtomicU8>,
    answer: oneshot::Receiver<Answer>,
    counts: Arc<Counts>,
}

impl Job {
    pub(crate) fn new(work: Work, begin_within: Duration, counts: Arc<Counts>) -> (Self, Ticket) {
        let state = Arc::new(AtomicU8::new(WAITING));
        let (reply, answer) = oneshot::channel();
        let job = Self {
            work,
            state: Arc::clone(&state),
            handed_in: Instant::now(),
            begin_within,
            counts: Arc::clone(&counts),
            reply: Reply(reply),
        };
        let ticket = Ticket {
            state,
            answer,
            counts,
        };
        (job, ticket)
    }

    /// The job, unless it is too late for it: a look before anything is spent on it.
    pub(crate) fn in_time(self) -> Option<Self> {
        if self.handed_in.elapsed() > self.begin_within {
            let abandoned = self.state.compare_exchange(
                WAITING,
                ABANDONED,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if abandoned.is_ok() {
                self.counts.refused.count();
            }
            self.refuse(late());
            return None;
        }
        (self.state.load(Ordering::Acquire) == WAITING).then_some(self)
    }

    /// The work, unless it is too late. To be called once the transaction is open; from here on it runs to its end.
    pub(crate) fn begin(self) -> Option<(Work, Reply)> {
        let job = self.in_time()?;
        let begun = job
            .state
            .compare_exchange(WAITING, BEGUN, Ordering::AcqRel, Ordering::Acquire);
        begun.ok()?;
        job.counts.waits.took(job.handed_in.elapsed());
        Some((job.work, job.reply))
    }

    /// Answers without having run the work.
    pub(crate) fn refuse(self, error: StoreError) {
        self.reply.send(Err(error));
    }
}

impl Reply {
    pub(crate) fn send(self, answer: Answer) {
        // A caller that has gone away does not hear it.
        let _ = self.0.send(answer);
    }
}

impl Ticket {
    /// Waits for the outcome. That work which has not begun in time never runs holds even when every thread is stuck:
    /// this side abandons it.
    pub(crate) async fn outcome(
        mut self,
        begin_within: Duration,
        finish_within: Duration,
    ) -> Answer {
        let end = tokio::time::Instant::now() + finish_within;
        if let Ok(answer) = timeout(begin_within, &mut self.answer).await {
            return answer.unwrap_or_else(|_| Err(lost()));
        }
        let abandoned =
            self.state
                .compare_exchange(WAITING, ABANDONED, Ordering::AcqRel, Ordering::Acquire);
        if abandoned.is_ok() {
            self.counts.refused.count();
            return Err(late());
        }
        match timeout_at(end, self.answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(lost())),
            Err(_) => Err(unavailable("no answer in time: the outcome is unknown")),
        }
    }
}

/// Why a unit of work of `mode` was not even taken.
pub(crate) fn not_taken(mode: Mode, queue_is_full: bool) -> StoreError {
    unavailable(match (queue_is_full, mode) {
        (true, Mode::Read) => "too many units of work wait to read",
        (true, Mode::Write) => "too many units of work wait to write",
        (false, _) => "the store is closed",
    })
}

fn late() -> StoreError {
    unavailable("the unit of work could not begin in time")
}

fn lost() -> StoreError {
    unavailable("the thread is gone: the outcome is unknown")
}
