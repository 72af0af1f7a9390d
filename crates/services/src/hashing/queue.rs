//! What waits to be hashed, and what of it a thread takes next. Nothing here waits, locks or hashes.

use bcrypt_batch::{Cost, LANES};
use std::collections::VecDeque;
use std::mem;
use std::sync::Weak;
use std::time::{Duration, Instant};

/// What decides with what else a task can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No hash: it is left out when the wait is estimated.
    Look,
    /// A hash that is computed alone.
    Alone,
    /// One of bcrypt, which is computed together with others of its cost.
    Bcrypt(Cost),
}

/// A task that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) task: T,
    pub(super) kind: Kind,
    pub(super) queued_at: Instant,
    /// Gone as soon as nobody waits for the answer.
    pub(super) caller: Weak<()>,
}

impl<T> Waiting<T> {
    fn is_wanted(&self, now: Instant, deadline: Duration) -> bool {
        self.caller.strong_count() > 0 && now.duration_since(self.queued_at) <= deadline
    }
}

/// The tasks that wait, oldest first.
#[derive(Debug)]
pub(super) struct Queue<T>(VecDeque<Waiting<T>>);

/// What one thread has to do until it comes again.
#[derive(Debug)]
pub(super) struct Turn<T> {
    /// What the tasks are; none if there are none.
    pub(super) kind: Option<Kind>,
    /// One task, or up to [`LANES`] of bcrypt and of one cost.
    pub(super) tasks: Vec<T>,
    /// Since when each of them has waited.
    pub(super) queued: Vec<Instant>,
    /// Those that came too late or that nobody waits for, to be dropped.
    pub(super) unwanted: Vec<Waiting<T>>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, waiting: Waiting<T>) {
        self.0.push_back(waiting);
    }

    /// Takes the oldest task and, if it is one of bcrypt, others of its cost: no more than a fair share when there are
    /// several threads without work (`hands`), this one included. What a thread at work could take later is not spared
    /// for it.
    pub(super) fn take(&mut self, now: Instant, deadline: Duration, hands: usize) -> Turn<T> {
        let (wanted, unwanted) = mem::take(&mut self.0)
            .into_iter()
            .partition::<VecDeque<_>, _>(|waiting| waiting.is_wanted(now, deadline));
        let share = wanted.len().div_ceil(hands.max(1)).min(LANES);
        let kind = wanted.front().map(|oldest| oldest.kind);
        let most = match kind {
            Some(Kind::Bcrypt(_)) => share,
            Some(Kind::Look | Kind::Alone) | None => 1,
        };
        let (mut tasks, mut queued) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for waiting in wanted {
            if tasks.len() < most && Some(waiting.kind) == kind {
                queued.push(waiting.queued_at);
                tasks.push(waiting.task);
            } else {
                self.0.push_back(waiting);
            }
        }
        Turn {
            kind,
            tasks,
            queued,
            unwanted: unwanted.into(),
        }
    }

    /// Takes out those that came too late or that nobody waits for.
    pub(super) fn take_unwanted(&mut self, now: Instant, deadline: Duration) -> Vec<Waiting<T>> {
        let (wanted, unwanted) = mem::take(&mut self.0)
            .into_iter()
            .partition::<VecDeque<_>, _>(|waiting| waiting.is_wanted(now, deadline));
        self.0 = wanted;
        unwanted.into()
    }

    /// How many turns of one thread it takes to work the queue off, or one or two more where costs are mixed.
    pub(super) fn turns(&self) -> usize {
        let count = |counts: fn(Kind) -> bool| self.0.iter().filter(|w| counts(w.kind)).count();
        let batched = count(|kind| matches!(kind, Kind::Bcrypt(_)));
        count(|kind| kind == Kind::Alone) + batched.div_ceil(LANES)
    }
}

impl<T> Turn<T> {
    /// Whether there is nothing to do in it.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.unwanted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const DEADLINE: Duration = Duration::from_secs(5);

    fn cost(cost: u32) -> Kind {
        Kind::Bcrypt(Cost::new(cost).unwrap())
    }

    /// A queue of named tasks, one millisecond after the other, whose callers wait as long as the second value lives.
    fn queue<const N: usize>(
        began: Instant,
        kinds: [(&'static str, Kind); N],
    ) -> (Queue<&'static str>, [Arc<()>; N]) {
        let mut queue = Queue::new();
        let mut age = 0;
        let callers = kinds.map(|(task, kind)| {
            let caller = Arc::new(());
            queue.push(Waiting {
                task,
                kind,
                queued_at: began + Duration::from_millis(age),
                caller: Arc::downgrade(&caller),
            });
            age += 1;
            caller
        });
        (queue, callers)
    }

    fn turns<const N: usize>(kinds: [(&'static str, Kind); N], hands: usize) -> Vec<String> {
        let now = Instant::now();
        let (mut queue, _callers) = queue(now, kinds);
        let turns =
            std::iter::from_fn(|| Some(queue.take(now, DEADLINE, hands)).filter(|t| !t.is_empty()));
        turns.map(|turn| turn.tasks.join(" ")).collect()
    }

    #[test]
    fn the_oldest_chooses_the_cost_and_what_it_cannot_take_keeps_its_place() {
        let mixed = [
            ("a12", cost(12)),
            ("b10", cost(10)),
            ("c", Kind::Alone),
            ("d12", cost(12)),
            ("e10", cost(10)),
            ("f", Kind::Look),
            ("g12", cost(12)),
        ];
        assert_eq!(turns(mixed, 1), ["a12 d12 g12", "b10 e10", "c", "f"]);
    }

    #[test]
    fn no_more_are_taken_than_are_computed_at_once() {
        let many = ["a", "b", "c", "d", "e", "f", "g"].map(|task| (task, cost(12)));
        assert_eq!(turns(many, 1), ["a b c d e", "f g"]);
    }

    #[test]
    fn what_is_not_of_bcrypt_is_taken_alone() {
        let alone = [("a", Kind::Alone), ("b", Kind::Alone), ("c", Kind::Look)];
        assert_eq!(turns(alone, 1), ["a", "b", "c"]);
    }

    #[test]
    fn threads_without_work_get_a_share() {
        let four = ["a", "b", "c", "d"].map(|task| (task, cost(12)));
        let now = Instant::now();
        let (mut queue, _callers) = queue(now, four);
        for (hands, expected) in [(3, vec!["a", "b"]), (2, vec!["c"]), (1, vec!["d"])] {
            assert_eq!(queue.take(now, DEADLINE, hands).tasks, expected);
        }
        assert!(queue.take(now, DEADLINE, 3).is_empty());
    }

    #[test]
    fn what_came_too_late_or_nobody_waits_for_is_told_apart_and_takes_no_lane() {
        let began = Instant::now();
        let (mut queue, callers) = queue(
            began,
            ["late", "due", "gone", "wanted"].map(|t| (t, cost(12))),
        );
        let [_late, _due, gone, _wanted] = callers;
        drop(gone);
        // The second was queued a millisecond after the first: it has waited exactly as long as it may.
        let now = began + DEADLINE + Duration::from_millis(1);
        let turn = queue.take(now, DEADLINE, 1);
        assert_eq!(turn.tasks, ["due", "wanted"]);
        let unwanted: Vec<_> = turn.unwanted.iter().map(|waiting| waiting.task).collect();
        assert_eq!(unwanted, ["late", "gone"]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_turn_is_five_hashes_of_bcrypt_or_one_other() {
        let now = Instant::now();
        let (empty, _) = queue(now, []);
        assert_eq!(empty.turns(), 0);
        let six = ["a", "b", "c", "d", "e", "f"].map(|task| (task, cost(12)));
        assert_eq!(queue(now, six).0.turns(), 2);
        let others = [("a", Kind::Alone), ("b", Kind::Look), ("c", Kind::Alone)];
        assert_eq!(queue(now, others).0.turns(), 2);
    }
}
