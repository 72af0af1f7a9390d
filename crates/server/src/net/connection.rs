//! What is known of a connection: whether its client or the server has the next word, and since when.
//!
//! Nothing here asks what time it is. The worker's [`Connections`] count half seconds, and look at each connection
//! then, so that a deadline costs a request two writes to its own thread's memory and no timer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// How often the connections are looked at.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// A client that has begun a request head, or has only connected, has to finish a head within this time: 10 seconds.
const HEAD_WITHIN: u32 = 20;
/// A connection without a request is kept for this long: 75 seconds.
const IDLE_WITHIN: u32 = 150;
/// Who takes an answer has to take [`LEAST_TAKEN`] in each such time, 10 seconds.
const TAKE_WITHIN: u32 = 20;
/// 1 KiB a second.
const LEAST_TAKEN: usize = 10 * 1024;

/// Who has the next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client: it has connected, or begun something, and not finished a request head.
    Head,
    /// The client, if it likes.
    Idle,
    /// The server.
    Busy,
}

/// One connection, of its worker's thread alone.
#[derive(Debug)]
pub(crate) struct Connection {
    tick: Rc<Cell<u32>>,
    phase: Cell<Phase>,
    since: Cell<u32>,
    requests: Cell<u32>,
    is_multiplexed: Cell<bool>,
    is_blocked: Cell<bool>,
    blocked_for: Cell<u32>,
    taken: Cell<usize>,
    is_leaving: Cell<bool>,
    is_cut: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    writer: RefCell<Option<Waker>>,
}

impl Connection {
    fn new(tick: Rc<Cell<u32>>) -> Self {
        Self {
            since: Cell::new(tick.get()),
            tick,
            phase: Cell::new(Phase::Head),
            requests: Cell::new(0),
            is_multiplexed: Cell::new(false),
            is_blocked: Cell::new(false),
            blocked_for: Cell::new(0),
            taken: Cell::new(0),
            is_leaving: Cell::new(false),
            is_cut: Cell::new(false),
            reader: RefCell::new(None),
            writer: RefCell::new(None),
        }
    }

    /// It speaks HTTP/2, where bytes between requests are no beginning of one.
    pub(super) fn multiplexes(&self) {
        self.is_multiplexed.set(true);
    }

    /// It has run out of time: reading and writing fail from now on.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// It is to end as soon as nothing is under way.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.get()
    }

    /// There is nothing to wait for but another request, and none is wanted.
    pub(super) fn is_over(&self) -> bool {
        self.is_leaving.get()
            && !self.is_multiplexed.get()
            && self.requests.get() == 0
            && !self.is_blocked.get()
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        if self.phase.get() == Phase::Idle && !self.is_multiplexed.get() {
            self.enter(Phase::Head);
        }
    }

    /// The client was given so many bytes.
    pub(super) fn sent(&self, bytes: usize) {
        self.is_blocked.set(false);
        self.taken.set(self.taken.get().saturating_add(bytes));
    }

    /// Nothing comes now.
    pub(super) fn waits_to_read(&self, waker: &Waker) {
        keep(&self.reader, waker);
    }

    /// The client takes nothing now.
    pub(super) fn waits_to_write(&self, waker: &Waker) {
        self.is_blocked.set(true);
        keep(&self.writer, waker);
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(self.tick.get());
    }

    fn cut(&self) {
        self.is_cut.set(true);
        self.wake();
    }

    fn leave(&self) {
        self.is_leaving.set(true);
        self.wake();
    }

    fn wake(&self) {
        for waker in [&self.reader, &self.writer] {
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }

    /// Takes half a second's measures.
    fn look(&self) {
        if self.is_blocked.get() {
            self.blocked_for.set(self.blocked_for.get() + 1);
            if self.taken.get() >= LEAST_TAKEN {
                self.blocked_for.set(0);
                self.taken.set(0);
            } else if self.blocked_for.get() >= TAKE_WITHIN {
                return self.cut();
            }
        } else {
            self.blocked_for.set(0);
            self.taken.set(0);
        }
        let passed = self.tick.get().wrapping_sub(self.since.get());
        match self.phase.get() {
            Phase::Head if passed >= HEAD_WITHIN => self.cut(),
            Phase::Idle if passed >= IDLE_WITHIN + HEAD_WITHIN => self.cut(),
            Phase::Idle if passed >= IDLE_WITHIN && !self.is_leaving.get() => self.leave(),
            Phase::Head | Phase::Idle | Phase::Busy => {}
        }
    }
}

fn keep(place: &RefCell<Option<Waker>>, waker: &Waker) {
    let mut kept = place.borrow_mut();
    if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
        *kept = Some(waker.clone());
    }
}

/// A request from its head to its answer: as long as it lives, the client is waited for by nobody.
#[derive(Debug)]
pub(super) struct Exchange {
    connection: Rc<Connection>,
    is_rest_awaited: bool,
}

impl Exchange {
    pub(super) fn begin(connection: &Rc<Connection>) -> Self {
        connection.requests.set(connection.requests.get() + 1);
        connection.enter(Phase::Busy);
        Self {
            connection: Rc::clone(connection),
            is_rest_awaited: false,
        }
    }

    /// It was answered before its body was there: what still comes of that has to come soon.
    pub(super) fn await_rest(&mut self) {
        self.is_rest_awaited = true;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let left = self.connection.requests.get().saturating_sub(1);
        self.connection.requests.set(left);
        if left == 0 {
            self.connection.enter(if self.is_rest_awaited {
                Phase::Head
            } else {
                Phase::Idle
            });
        }
    }
}

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Connections {
    tick: Rc<Cell<u32>>,
    limit: usize,
    next: Cell<u64>,
    open: RefCell<HashMap<u64, Rc<Connection>>>,
    is_stopping: Cell<bool>,
}

impl Connections {
    /// Of which there may be `limit`.
    pub(super) fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            tick: Rc::default(),
            limit,
            next: Cell::new(0),
            open: RefCell::default(),
            is_stopping: Cell::new(false),
        })
    }

    /// One more.
    pub(super) fn open(self: &Rc<Self>) -> Open {
        let connection = Rc::new(Connection::new(Rc::clone(&self.tick)));
        connection.is_leaving.set(self.is_stopping.get());
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let mut open = self.open.borrow_mut();
        open.insert(number, Rc::clone(&connection));
        Open {
            connection,
            number,
            connections: Rc::clone(self),
        }
    }

    /// Half a second has passed: whoever is late is cut off, and where it gets crowded, who has been quiet for longest.
    pub(super) fn tick(&self) {
        self.tick.set(self.tick.get().wrapping_add(1));
        let mut open: Vec<_> = self.open.borrow().values().map(Rc::clone).collect();
        for connection in &open {
            connection.look();
        }
        // Room for those who come now, before the limit makes them wait.
        let crowd = open.len().saturating_sub(self.limit / 8 * 7);
        if crowd > 0 {
            let now = self.tick.get();
            open.retain(|connection| connection.requests.get() == 0 && !connection.is_cut());
            open.sort_by_key(|connection| {
                std::cmp::Reverse(now.wrapping_sub(connection.since.get()))
            });
            for connection in open.iter().take(crowd) {
                connection.cut();
            }
        }
    }

    /// All of them end when nothing is under way.
    pub(super) fn stop(&self) {
        self.is_stopping.set(true);
        let open: Vec<_> = self.open.borrow().values().map(Rc::clone).collect();
        for connection in open {
            connection.leave();
        }
    }
}

/// A connection's place among those of its worker.
#[derive(Debug)]
pub(super) struct Open {
    connection: Rc<Connection>,
    number: u64,
    connections: Rc<Connections>,
}

impl Open {
    pub(super) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.open.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(connections: &Connections, ticks: u32) {
        (0..ticks).for_each(|_| connections.tick());
    }

    #[test]
    fn who_only_connects_or_never_ends_a_head_is_cut_off_after_ten_seconds() {
        let connections = Connections::new(100);
        let open = connections.open();
        pass(&connections, 19);
        open.connection().received();
        assert!(!open.connection().is_cut());
        pass(&connections, 1);
        assert!(open.connection().is_cut());
    }

    #[test]
    fn a_later_head_has_ten_seconds_from_its_first_byte_too() {
        let connections = Connections::new(100);
        let open = connections.open();
        drop(Exchange::begin(open.connection()));
        pass(&connections, 100);
        assert!(!open.connection().is_cut());
        open.connection().received();
        pass(&connections, 10);
        open.connection().received();
        pass(&connections, 9);
        assert!(!open.connection().is_cut());
        pass(&connections, 1);
        assert!(open.connection().is_cut());
    }

    #[test]
    fn a_request_that_is_being_answered_has_no_deadline_here() {
        let connections = Connections::new(1);
        let open = connections.open();
        let exchange = Exchange::begin(open.connection());
        pass(&connections, 1000);
        assert!(!open.connection().is_cut());
        drop(exchange);
        pass(&connections, 1);
        assert!(open.connection().is_cut(), "it is crowded");
    }

    #[test]
    fn a_refused_body_that_never_ends_is_cut_off_after_ten_seconds() {
        let connections = Connections::new(100);
        let open = connections.open();
        let mut exchange = Exchange::begin(open.connection());
        exchange.await_rest();
        drop(exchange);
        pass(&connections, 20);
        assert!(open.connection().is_cut());
    }

    #[test]
    fn an_idle_connection_is_asked_to_leave_and_then_cut_off() {
        let connections = Connections::new(100);
        let open = connections.open();
        drop(Exchange::begin(open.connection()));
        pass(&connections, 149);
        assert!(!open.connection().is_leaving());
        pass(&connections, 1);
        assert!(open.connection().is_over() && !open.connection().is_cut());
        pass(&connections, 20);
        assert!(open.connection().is_cut());
    }

    #[test]
    fn who_takes_an_answer_too_slowly_is_cut_off() {
        let connections = Connections::new(100);
        let (slow, fair) = (connections.open(), connections.open());
        let _answers = [&slow, &fair].map(|open| Exchange::begin(open.connection()));
        for _ in 0..40 {
            for (open, bytes) in [(&slow, 100), (&fair, 1024)] {
                open.connection().sent(bytes);
                open.connection().waits_to_write(Waker::noop());
            }
            connections.tick();
        }
        assert!(slow.connection().is_cut() && !fair.connection().is_cut());
    }

    #[test]
    fn where_it_is_crowded_who_was_quiet_for_longest_makes_room() {
        let connections = Connections::new(8);
        let old = connections.open();
        let busy = connections.open();
        let _answer = Exchange::begin(busy.connection());
        pass(&connections, 2);
        let new: Vec<_> = (0..6).map(|_| connections.open()).collect();
        connections.tick();
        assert!(old.connection().is_cut() && !busy.connection().is_cut());
        assert!(new.iter().all(|open| !open.connection().is_cut()));
        drop(old);
        connections.tick();
        assert!(new.iter().all(|open| !open.connection().is_cut()));
    }

    #[test]
    fn at_the_end_connections_are_over_when_nothing_is_under_way() {
        let connections = Connections::new(100);
        let (idle, busy) = (connections.open(), connections.open());
        let answer = Exchange::begin(busy.connection());
        connections.stop();
        assert!(idle.connection().is_over() && !busy.connection().is_over());
        drop(answer);
        assert!(busy.connection().is_over());
        assert!(connections.open().connection().is_over());
    }
}
