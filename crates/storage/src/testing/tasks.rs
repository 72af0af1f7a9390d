//! Scheduled tasks.

use super::builders::{KINDS, a_series, a_task, a_user, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::StoreError;
use crate::store::Store;
use crate::tasks::{Claim, TaskQuery};
use chrono::{DateTime, Utc};
use doorward_domain::task::{
    MaxAttempts, TaskFailure, TaskKind, TaskName, TaskOutcome, TaskPayload,
};
use doorward_domain::{Change, ScheduledTask, TaskId, TaskStatus, User};
use std::collections::HashSet;
use std::sync::Arc;

async fn with_user(store: &dyn Store, name: &str) -> User {
    let user = a_user(name);
    let inserted = user.clone();
    write(store, move |tx| tx.insert_user(&inserted)).await;
    user
}

async fn insert(store: &dyn Store, task: &ScheduledTask) {
    let task = task.clone();
    write(store, move |tx| tx.insert_task(&task, instant(0))).await;
}

async fn task(store: &dyn Store, id: TaskId) -> Option<ScheduledTask> {
    read(store, move |tx| tx.task(id)).await
}

async fn status(store: &dyn Store, id: TaskId) -> Option<TaskStatus> {
    task(store, id).await.map(|task| task.status)
}

async fn claim(store: &dyn Store, now: i64, lease_until: i64, limit: u32) -> Claim {
    claim_of(store, KINDS, now, lease_until, limit).await
}

async fn claim_of(
    store: &dyn Store,
    kinds: &'static [TaskKind],
    now: i64,
    lease_until: i64,
    limit: u32,
) -> Claim {
    write(store, move |tx| {
        tx.claim_due_tasks(kinds, instant(now), instant(lease_until), limit)
    })
    .await
}

async fn finish(store: &dyn Store, task: &ScheduledTask, outcome: TaskOutcome, at: i64) -> bool {
    let task = task.clone();
    write(store, move |tx| {
        tx.finish_task(&task, &outcome, instant(at))
    })
    .await
}

async fn list(store: &dyn Store, query: TaskQuery) -> Vec<ScheduledTask> {
    read(store, move |tx| tx.list_tasks(&query)).await.tasks
}

/// When tasks were said to be due, in the order in which it was said.
async fn rung(store: &dyn Store) -> Vec<DateTime<Utc>> {
    let page = read(store, |tx| tx.changes_after(&FeedPosition::default())).await;
    let times = page.changes.into_iter().filter_map(|change| {
        if let Change::TaskDue(at) = change {
            Some(at)
        } else {
            None
        }
    });
    times.collect()
}

fn due(user: &User, seconds: i64) -> ScheduledTask {
    ScheduledTask {
        scheduled_at: instant(seconds),
        due_at: Some(instant(seconds)),
        ..a_task(user)
    }
}

fn failure() -> TaskFailure {
    TaskFailure::new("it did not work")
}

fn result() -> TaskOutcome {
    TaskOutcome::Completed(Some("{\"ok\":true}".parse().expect("JSON")))
}

fn claimed(task: &ScheduledTask, now: i64, lease_until: i64) -> ScheduledTask {
    ScheduledTask {
        status: TaskStatus::Running,
        attempts: task.attempts + 1,
        started_at: Some(instant(now)),
        due_at: Some(instant(lease_until)),
        ..task.clone()
    }
}

/// Every field, and that it is due.
pub async fn a_task_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let plain = a_task(&ada);
    let ended = ScheduledTask {
        name: TaskName::parse("Überwachung '\"").expect("a name"),
        kind: TaskKind::WEBHOOK,
        payload: TaskPayload::parse(r#"{"url":"https://example.com","n":[1,null,"\u0000ü"]}"#)
            .expect("a payload"),
        status: TaskStatus::Completed,
        scheduled_at: instant(-5),
        due_at: None,
        series: Some(a_series("30 6 * * MON", "Europe/Berlin")),
        max_attempts: MaxAttempts::new(20).expect("in the bounds"),
        attempts: 7,
        earlier_attempts: 3,
        created_at: instant(1),
        started_at: Some(instant(2)),
        finished_at: Some(instant(3)),
        result: Some("{\"status\":[200]}".parse().expect("JSON")),
        error: Some(failure()),
        ..a_task(&ada)
    };
    for written in [plain, ended] {
        insert(&*store, &written).await;
        assert_eq!(task(&*store, written.id).await, Some(written));
    }
    assert_eq!(task(&*store, TaskId::new(instant(0))).await, None);
    assert_eq!(rung(&*store).await, [instant(0)]);
}

/// The owner must be there, and what is his goes with him, whatever becomes of it.
pub async fn a_task_needs_its_user_and_goes_with_him(store: Arc<dyn Store>) {
    let nobody = a_task(&a_user("nobody"));
    let refused: Result<(), StoreError> = store
        .write(move |tx| tx.insert_task(&nobody, instant(0)))
        .await;
    assert!(refused.is_err());
    let ada = with_user(&*store, "ada").await;
    let (waiting, running) = (due(&ada, 100), due(&ada, 0));
    insert(&*store, &waiting).await;
    insert(&*store, &running).await;
    let held = claim(&*store, 1, 30, 9).await.tasks;
    write(&*store, move |tx| tx.delete_user(ada.id, instant(2))).await;
    for id in [waiting.id, running.id] {
        assert_eq!(task(&*store, id).await, None);
    }
    for attempt in &held {
        assert!(!finish(&*store, attempt, result(), 3).await);
    }
    assert_eq!(held.len(), 1);
}

/// The newest first, a page at a time, of one user or of all, of one status or of all.
pub async fn tasks_are_listed_and_counted(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let bob = with_user(&*store, "bob").await;
    let made = |user: &User, seconds| ScheduledTask {
        id: TaskId::new(instant(seconds)),
        ..due(user, 100 + seconds)
    };
    let of_bob = made(&bob, 5);
    insert(&*store, &of_bob).await;
    let mut of_ada = Vec::new();
    for seconds in [4, 3, 2, 1, 0] {
        let written = made(&ada, seconds);
        let id = written.id;
        insert(&*store, &written).await;
        if seconds == 1 {
            assert!(write(&*store, move |tx| tx.cancel_task(id, instant(9))).await);
        }
        of_ada.push(task(&*store, id).await.expect("the task"));
    }
    let query = TaskQuery {
        limit: 10,
        ..TaskQuery::default()
    };
    let ada_id = Some(ada.id);
    let everybodys = list(&*store, query.clone()).await;
    let (newest, rest) = everybodys.split_first().expect("six tasks");
    assert_eq!((newest, rest), (&of_bob, &*of_ada));
    let (mut listed, mut before) = (Vec::new(), None);
    for size in [2, 2, 1, 0] {
        let query = TaskQuery {
            user_id: ada_id,
            before,
            limit: 2,
            ..query
        };
        let page = list(&*store, query).await;
        assert_eq!(page.len(), size);
        before = page.last().map(|task| task.id).or(before);
        listed.extend(page);
    }
    assert_eq!(listed, of_ada);
    for (user_id, status, count) in [
        (ada_id, Some(TaskStatus::Pending), 4),
        (ada_id, Some(TaskStatus::Cancelled), 1),
        (ada_id, Some(TaskStatus::Running), 0),
        (None, Some(TaskStatus::Pending), 5),
    ] {
        let query = TaskQuery {
            user_id,
            status,
            ..query
        };
        let found = list(&*store, query).await;
        assert_eq!(found.len(), count, "{user_id:?} {status:?}");
        assert!(found.iter().all(|task| Some(task.status) == status));
    }
    let live = read(&*store, move |tx| tx.count_live_tasks_of(ada.id)).await;
    assert_eq!(live, 4);
    let counts = read(&*store, |tx| tx.count_tasks_by_status()).await;
    let expected = [5, 0, 0, 0, 1];
    assert_eq!(counts.map(|(_, count)| count), expected);
    assert_eq!(counts.map(|(status, _)| status), TaskStatus::ALL);
}

/// The longest due first, and no more than were asked for; what is not due is left alone.
pub async fn due_tasks_are_claimed_once(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let next = || read(&*store, |tx| tx.next_task_due(KINDS));
    assert_eq!(next().await, None);
    let [third, first, second, later] = [3, 1, 2, 11].map(|seconds| due(&ada, seconds));
    for task in [&third, &first, &second, &later] {
        insert(&*store, task).await;
    }
    assert_eq!(next().await, Some(instant(1)));
    assert_eq!(claim(&*store, 0, 30, 9).await, Claim::default());
    let two = claim(&*store, 10, 40, 2).await;
    let running = claimed(&first, 10, 40);
    assert_eq!(two.tasks, [running.clone(), claimed(&second, 10, 40)]);
    assert_eq!((two.ended, two.seen()), (0, 2));
    assert_eq!(task(&*store, first.id).await, Some(running));
    let one = claim(&*store, 10, 50, 2).await;
    assert_eq!(one.tasks, [claimed(&third, 10, 50)]);
    assert_eq!(claim(&*store, 10, 50, 2).await, Claim::default());
    assert_eq!(next().await, Some(instant(11)));
}

/// Neither claimed nor waited for by anybody else, however its lease or its owner may end meanwhile.
pub async fn a_task_is_left_to_those_who_know_its_kind(store: Arc<dyn Store>) {
    const NOOP: &[TaskKind] = &[TaskKind::NOOP];
    const WEBHOOK: &[TaskKind] = &[TaskKind::WEBHOOK];
    let ada = with_user(&*store, "ada").await;
    let webhook = ScheduledTask {
        kind: TaskKind::WEBHOOK,
        max_attempts: MaxAttempts::new(1).expect("in the bounds"),
        ..due(&ada, 1)
    };
    let noop = due(&ada, 2);
    insert(&*store, &webhook).await;
    insert(&*store, &noop).await;
    let next = |kinds| read(&*store, move |tx| tx.next_task_due(kinds));
    for (kinds, expected) in [
        (NOOP, Some(instant(2))),
        (KINDS, Some(instant(1))),
        (&[], None),
    ] {
        assert_eq!(next(kinds).await, expected, "{kinds:?}");
    }
    assert_eq!(claim_of(&*store, &[], 9, 39, 9).await, Claim::default());
    let claim = claim_of(&*store, NOOP, 9, 39, 9).await;
    assert_eq!(claim.tasks, [claimed(&noop, 9, 39)]);
    assert_eq!(task(&*store, webhook.id).await, Some(webhook.clone()));
    let claim = claim_of(&*store, WEBHOOK, 9, 20, 9).await;
    assert_eq!(claim.tasks, [claimed(&webhook, 9, 20)]);
    assert_eq!(claim_of(&*store, NOOP, 20, 50, 9).await, Claim::default());
    assert_eq!(claim_of(&*store, WEBHOOK, 20, 50, 9).await.ended, 1);
}

/// However many ask at once.
pub async fn parallel_claims_share_what_is_due(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    for _ in 0..40 {
        insert(&*store, &due(&ada, 0)).await;
    }
    let claims: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { claim(&*store, 1, 30, 4).await })
        })
        .collect();
    let mut ids = Vec::new();
    for claims in claims {
        let claim = claims.await.expect("the claim is made");
        ids.extend(claim.tasks.into_iter().map(|task| task.id));
    }
    loop {
        let rest = claim(&*store, 1, 30, 40).await; // locked rows were left out
        if rest.seen() == 0 {
            break;
        }
        ids.extend(rest.tasks.into_iter().map(|task| task.id));
    }
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (40, 40));
}

/// Who was slow finds that the task is another's.
pub async fn a_lease_that_has_run_out_fences_its_holder_off(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    insert(&*store, &due(&ada, 0)).await;
    let first = claim(&*store, 1, 30, 9).await.tasks.remove(0);
    let renew = |attempt, until| {
        let id = first.id;
        write(&*store, move |tx| {
            tx.renew_task_lease(id, attempt, instant(until))
        })
    };
    assert!(renew(1, 60).await);
    assert_eq!(claim(&*store, 59, 90, 9).await, Claim::default());
    let next = read(&*store, |tx| tx.next_task_due(KINDS)).await;
    assert_eq!(next, Some(instant(60)));
    let second = claim(&*store, 60, 90, 9).await.tasks.remove(0);
    assert_eq!(second, claimed(&first, 60, 90));
    for outcome in [
        result(),
        TaskOutcome::Failed(failure()),
        TaskOutcome::Retry {
            at: instant(70),
            error: failure(),
        },
    ] {
        assert!(!finish(&*store, &first, outcome, 61).await);
    }
    assert!(!renew(1, 999).await && renew(2, 95).await && !renew(3, 999).await);
    assert!(finish(&*store, &second, result(), 62).await);
    assert!(!renew(2, 999).await);
    assert!(!finish(&*store, &second, TaskOutcome::Failed(failure()), 63).await);
    let expected = ScheduledTask {
        status: TaskStatus::Completed,
        due_at: None,
        finished_at: Some(instant(62)),
        result: Some("{\"ok\":true}".parse().expect("JSON")),
        ..second.clone()
    };
    assert_eq!(task(&*store, second.id).await, Some(expected));
    assert_eq!(rung(&*store).await, [instant(0)]);
}

/// The error of the last attempt stays until another one is over.
pub async fn a_task_is_tried_again_when_it_is_to_be(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    insert(&*store, &due(&ada, 0)).await;
    let first = claim(&*store, 1, 30, 9).await.tasks.remove(0);
    let retry = TaskOutcome::Retry {
        at: instant(7),
        error: failure(),
    };
    assert!(finish(&*store, &first, retry, 2).await);
    let waiting = ScheduledTask {
        status: TaskStatus::Pending,
        due_at: Some(instant(7)),
        error: Some(failure()),
        ..first.clone()
    };
    assert_eq!(task(&*store, first.id).await, Some(waiting.clone()));
    assert_eq!(rung(&*store).await, [instant(0), instant(7)]);
    assert_eq!(claim(&*store, 6, 30, 9).await, Claim::default());
    let second = claim(&*store, 7, 37, 9).await.tasks.remove(0);
    assert_eq!(second, claimed(&waiting, 7, 37));
    assert!(finish(&*store, &second, TaskOutcome::Failed(failure()), 8).await);
    let expected = ScheduledTask {
        status: TaskStatus::Failed,
        due_at: None,
        finished_at: Some(instant(8)),
        ..second.clone()
    };
    assert_eq!(task(&*store, first.id).await, Some(expected));
}

/// Whoever could not bring it to an end takes nothing from it.
pub async fn a_task_that_is_given_back_has_lost_no_attempt(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let wanted = ScheduledTask {
        max_attempts: MaxAttempts::new(1).expect("in the bounds"),
        ..due(&ada, 0)
    };
    insert(&*store, &wanted).await;
    let given_back = TaskOutcome::GivenBack { at: instant(9) };
    let first = claim(&*store, 5, 35, 9).await.tasks.remove(0);
    assert!(finish(&*store, &first, given_back.clone(), 6).await);
    assert!(
        !finish(&*store, &first, given_back, 6).await,
        "it is not its own any more"
    );
    let expected = ScheduledTask {
        status: TaskStatus::Pending,
        due_at: Some(instant(9)),
        earlier_attempts: 1,
        ..first.clone()
    };
    assert_eq!(task(&*store, wanted.id).await, Some(expected.clone()));
    assert_eq!(rung(&*store).await, [instant(0), instant(9)]);
    assert_eq!(claim(&*store, 8, 38, 9).await, Claim::default());
    let second = claim(&*store, 9, 39, 9).await.tasks.remove(0);
    assert_eq!(second, claimed(&expected, 9, 39));
    assert!(!finish(&*store, &first, result(), 10).await);
    assert!(finish(&*store, &second, result(), 10).await);
}

/// Nobody runs it for ever, however often its workers die.
pub async fn a_task_whose_workers_die_fails_with_its_last_attempt(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let twice = ScheduledTask {
        max_attempts: MaxAttempts::new(2).expect("in the bounds"),
        ..due(&ada, 0)
    };
    insert(&*store, &twice).await;
    for (now, lease) in [(1, 10), (10, 20)] {
        assert_eq!(claim(&*store, now, lease, 9).await.tasks.len(), 1);
    }
    let last = claim(&*store, 20, 30, 9).await;
    assert_eq!((last.tasks.len(), last.ended), (0, 1));
    let failed = task(&*store, twice.id).await.expect("the task");
    assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 2));
    assert!(failed.error.is_some());
    assert_eq!(failed.finished_at, Some(instant(20)));
}

/// What is due while an account is deactivated does not run.
pub async fn tasks_of_inactive_users_are_called_off_when_they_are_due(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (now_due, later) = (due(&ada, 0), due(&ada, 100));
    insert(&*store, &now_due).await;
    insert(&*store, &later).await;
    let switch = |is_active| {
        let user = User {
            is_active,
            ..ada.clone()
        };
        write(&*store, move |tx| tx.update_user(&user, instant(1)))
    };
    switch(false).await;
    let nothing = claim(&*store, 2, 30, 9).await;
    assert_eq!((nothing.tasks.len(), nothing.ended), (0, 1));
    let called_off = task(&*store, now_due.id).await.expect("the task");
    assert_eq!(called_off.status, TaskStatus::Cancelled);
    assert!(called_off.error.is_some() && called_off.attempts == 0);
    switch(true).await;
    assert_eq!(claim(&*store, 100, 130, 9).await.tasks.len(), 1);
}

/// Only what is pending, also one that waits for its retry.
pub async fn a_task_is_cancelled_before_it_runs_or_not_at_all(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let fresh = due(&ada, 0);
    let id = fresh.id;
    insert(&*store, &fresh).await;
    let cancel = |id, at| write(&*store, move |tx| tx.cancel_task(id, instant(at)));
    let running = claim(&*store, 1, 30, 9).await.tasks.remove(0);
    assert!(!cancel(id, 2).await);
    let retry = TaskOutcome::Retry {
        at: instant(9),
        error: failure(),
    };
    assert!(finish(&*store, &running, retry, 3).await);
    assert!(cancel(id, 4).await);
    assert!(!cancel(id, 5).await);
    let cancelled = task(&*store, id).await.expect("the task");
    assert_eq!(cancelled.status, TaskStatus::Cancelled);
    assert_eq!(cancelled.finished_at, Some(instant(4)));
    assert_eq!(claim(&*store, 99, 130, 9).await, Claim::default());
    assert!(!cancel(TaskId::new(instant(0)), 5).await);
}

/// Each of them is either run or cancelled, never both and never neither.
pub async fn cancelling_and_claiming_race_for_one_winner(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let tasks: Vec<_> = (0..30).map(|_| due(&ada, 0)).collect();
    for task in &tasks {
        insert(&*store, task).await;
    }
    let claims = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let mut ids = HashSet::new();
            for _ in 0..10 {
                let claim = claim(&*store, 1, 30, 3).await;
                ids.extend(claim.tasks.into_iter().map(|task| task.id));
            }
            ids
        }
    });
    let mut cancelled = HashSet::new();
    for task in tasks.iter().rev() {
        let id = task.id;
        if write(&*store, move |tx| tx.cancel_task(id, instant(1))).await {
            cancelled.insert(id);
        }
    }
    let mut run = claims.await.expect("the claims are made");
    let rest = claim(&*store, 1, 30, 99).await;
    run.extend(rest.tasks.into_iter().map(|task| task.id));
    assert!(run.is_disjoint(&cancelled));
    assert_eq!(run.len() + cancelled.len(), tasks.len());
    for (ids, expected) in [
        (run, TaskStatus::Running),
        (cancelled, TaskStatus::Cancelled),
    ] {
        for id in ids {
            assert_eq!(status(&*store, id).await, Some(expected));
        }
    }
}

fn hourly(user: &User, seconds: i64) -> ScheduledTask {
    ScheduledTask {
        series: Some(a_series("0 * * * *", "UTC")),
        ..due(user, seconds)
    }
}

/// The one before makes it, in the transaction in which it ends, however it ends.
pub async fn a_series_goes_on_with_one_firing(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let ways = [Some(result()), Some(TaskOutcome::Failed(failure())), None];
    for (index, way) in (0..).zip(ways) {
        let first = ScheduledTask {
            max_attempts: MaxAttempts::new(1).expect("in the bounds"),
            ..hourly(&ada, index)
        };
        insert(&*store, &first).await;
        let held = claim(&*store, 100, 130, 1).await.tasks.remove(0);
        assert_eq!(held.id, first.id);
        match way {
            Some(outcome) => assert!(finish(&*store, &held, outcome.clone(), 200).await),
            None => assert_eq!(claim(&*store, 200, 230, 1).await.ended, 1), // its worker is gone
        }
        let expected = first.next_firing(instant(200)).expect("it goes on");
        let firings = of_series(&*store, &first).await;
        assert_eq!(firings.len(), 2, "{held:?}");
        let next = firings.first().expect("the next one");
        let expected = ScheduledTask {
            id: next.id,
            ..expected
        };
        assert_eq!(*next, expected);
        assert_eq!(rung(&*store).await.last(), expected.due_at.as_ref());
        assert!(!finish(&*store, &held, result(), 300).await);
        assert_eq!(of_series(&*store, &first).await.len(), 2);
    }
}

async fn of_series(store: &dyn Store, task: &ScheduledTask) -> Vec<ScheduledTask> {
    let query = TaskQuery {
        limit: 100,
        ..TaskQuery::default()
    };
    let mut firings = list(store, query).await;
    firings.retain(|firing| firing.series == task.series);
    firings
}

/// A retry is none, and a firing that was called off or deleted is the last one.
pub async fn a_series_ends_with_a_firing_that_is_called_off(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    for deletes in [false, true] {
        let first = hourly(&ada, 0);
        let id = first.id;
        insert(&*store, &first).await;
        let held = claim(&*store, 1, 30, 9).await.tasks.remove(0);
        assert!(!write(&*store, move |tx| tx.delete_task(id)).await);
        let retry = TaskOutcome::Retry {
            at: instant(9),
            error: failure(),
        };
        assert!(finish(&*store, &held, retry, 2).await);
        assert_eq!(of_series(&*store, &first).await.len(), 1);
        let is_done = write(&*store, move |tx| {
            if deletes {
                tx.delete_task(id)
            } else {
                tx.cancel_task(id, instant(3))
            }
        });
        assert!(is_done.await);
        assert_eq!(claim(&*store, 99_999, 100_000, 9).await, Claim::default());
        let left = of_series(&*store, &first).await.len();
        assert_eq!(left, usize::from(!deletes));
    }
}

/// Two live firings of one series are not kept, whoever would make them.
pub async fn a_series_has_one_live_firing(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let first = hourly(&ada, 0);
    insert(&*store, &first).await;
    let second = ScheduledTask {
        series: first.series.clone(),
        ..due(&ada, 50)
    };
    let refused: Result<(), StoreError> = store
        .write(move |tx| tx.insert_task(&second, instant(0)))
        .await;
    assert!(refused.is_err());
}

/// It counts on, so that what is left of an earlier attempt writes nothing.
pub async fn a_task_that_has_ended_is_run_anew(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let once = ScheduledTask {
        max_attempts: MaxAttempts::new(1).expect("in the bounds"),
        ..hourly(&ada, 0)
    };
    let id = once.id;
    insert(&*store, &once).await;
    let rerun = |at| write(&*store, move |tx| tx.rerun_task(id, instant(at)));
    assert!(!rerun(1).await);
    let first = claim(&*store, 1, 30, 9).await.tasks.remove(0);
    assert!(!rerun(2).await);
    assert!(finish(&*store, &first, TaskOutcome::Failed(failure()), 3).await);
    assert!(rerun(4).await && !rerun(5).await);
    assert_eq!(rung(&*store).await.last(), Some(&instant(4)));
    let expected = ScheduledTask {
        due_at: Some(instant(4)),
        attempts: 1,
        earlier_attempts: 1,
        series: None,
        ..once.clone()
    };
    assert_eq!(task(&*store, id).await, Some(expected.clone()));
    let second = claim(&*store, 4, 30, 1).await.tasks.remove(0);
    assert_eq!(second, claimed(&expected, 4, 30));
    assert!(!finish(&*store, &first, result(), 5).await);
    assert!(finish(&*store, &second, result(), 6).await);
    let firings = of_series(&*store, &once).await;
    assert_eq!(firings.len(), 1, "{firings:#?}");
}

/// Only what ended long ago, and no more at a time than is asked for.
pub async fn finished_tasks_are_swept_in_small_batches(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let ended = |seconds| ScheduledTask {
        status: TaskStatus::Cancelled,
        due_at: None,
        finished_at: Some(instant(seconds)),
        ..a_task(&ada)
    };
    let (live, fresh) = (due(&ada, 0), ended(100));
    for task in [&ended(1), &ended(2), &ended(99), &fresh, &live] {
        insert(&*store, task).await;
    }
    for expected in [2, 1, 0] {
        let swept = write(&*store, |tx| tx.sweep_finished_tasks(instant(100), 2)).await;
        assert_eq!(swept, expected);
    }
    for kept in [live, fresh] {
        assert_eq!(task(&*store, kept.id).await, Some(kept));
    }
}
