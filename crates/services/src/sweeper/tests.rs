use super::*;
use crate::tests::Node;
use chrono::{DateTime, Utc};
use doorward_domain::session::{EndReason, Session, SessionEnd};
use doorward_domain::{
    Change, PlaceDigest, Role, ScheduledTask, SessionId, TaskStatus, User, UserId,
};
use doorward_storage::FeedPosition;
use doorward_storage::testing::{a_session, a_task, instant, read, write};

/// `instant(0)` is when the accounts are made; the sweep is a day later.
const DAY: i64 = 24 * 60 * 60;

async fn a_day_later() -> (Node, User) {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await;
    node.pass(DAY);
    (node, ada)
}

fn day(seconds: i64) -> DateTime<Utc> {
    instant(DAY + seconds)
}

fn ended(at: DateTime<Utc>) -> SessionEnd {
    SessionEnd {
        at,
        reason: EndReason::Logout,
    }
}

async fn insert(node: &Node, session: &Session) {
    let session = session.clone();
    write(&*node.store, move |tx| tx.insert_session(&session)).await;
}

async fn changes(node: &Node) -> Vec<Change> {
    let beginning = FeedPosition::default();
    read(&*node.store, move |tx| tx.changes_after(&beginning))
        .await
        .changes
}

#[tokio::test]
async fn sessions_go_when_neither_they_nor_their_access_tokens_live() {
    let (node, ada) = a_day_later().await;
    let session = |name: &'static str, is_swept, end, expires_at, access_expires_at| {
        let session = Session {
            end,
            expires_at,
            access_expires_at,
            ..a_session(&ada)
        };
        (name, is_swept, session)
    };
    let cases = [
        session("alive", false, None, day(1000), day(300)),
        session(
            "alive, not used for long",
            false,
            None,
            day(1),
            instant(300),
        ),
        session("expired", true, None, day(-6), day(-6)),
        session("expired within the leeway", false, None, day(-4), day(-4)),
        session("ended", true, Some(ended(day(-100))), day(1000), day(-6)),
        session(
            "ended, with a token",
            false,
            Some(ended(day(-100))),
            day(1000),
            day(10),
        ),
        session(
            "ended, with a token in the leeway",
            false,
            Some(ended(day(-100))),
            day(1000),
            day(-4),
        ),
        session(
            "ended just now",
            false,
            Some(ended(day(-4))),
            day(1000),
            day(-100),
        ),
    ];
    for (_, _, session) in &cases {
        insert(&node, session).await;
    }
    let expected = cases.iter().filter(|(_, is_swept, _)| *is_swept).count();
    let swept = node.services.sweeper.sweep().await.unwrap();
    assert_eq!(swept.sessions, expected);
    for (name, is_swept, session) in &cases {
        let is_gone = node.session(session.id).await.is_none();
        assert_eq!(is_gone, *is_swept, "{name}");
    }
    let again = node.services.sweeper.sweep().await.unwrap();
    assert_eq!(again, Swept::default());
}

#[tokio::test]
async fn changes_go_when_every_node_has_read_them_and_no_token_needs_them() {
    let (node, ada) = a_day_later().await;
    node.services.sweeper.sweep().await.unwrap();
    assert_eq!(
        changes(&node).await,
        [],
        "those of the registration are old"
    );
    let hour = i64::try_from(RETENTION.as_secs()).unwrap();
    let session_ended = |until| Change::SessionEnded {
        session: SessionId::new(until),
        until,
    };
    let cases = [
        ("an old one", true, Change::UserChanged(ada.id), -hour - 1),
        (
            "an old one of the list",
            true,
            Change::UserListChanged,
            -hour - 1,
        ),
        (
            "a young one",
            false,
            Change::UserChanged(UserId::new(day(0))),
            -hour,
        ),
        (
            "of dead tokens, old",
            true,
            session_ended(day(-6)),
            -hour - 1,
        ),
        ("of dead tokens, young", false, session_ended(day(-7)), -10),
        (
            "of living tokens, old",
            false,
            session_ended(day(10)),
            -hour - 1,
        ),
        (
            "of tokens in the leeway, old",
            false,
            session_ended(day(-4)),
            -hour - 1,
        ),
    ];
    for (_, _, change, at) in cases {
        write(&*node.store, move |tx| tx.record_change(change, day(at))).await;
    }
    let expected = cases.iter().filter(|(_, is_swept, ..)| *is_swept).count();
    let swept = node.services.sweeper.sweep().await.unwrap();
    assert_eq!(swept.changes, expected);
    let left = changes(&node).await;
    for (name, is_swept, change, _) in cases {
        assert_eq!(left.contains(&change), !is_swept, "{name}");
    }
}

#[tokio::test]
async fn a_multitude_goes_in_batches_and_nobody_waits_for_all_of_it() {
    let (node, ada) = a_day_later().await;
    let many = usize::try_from(BATCH).unwrap() * 2 + 1;
    node.services.sweeper.sweep().await.unwrap();
    write(&*node.store, move |tx| {
        for _ in 0..many {
            tx.insert_session(&a_session(&ada))?;
            tx.record_change(Change::UserChanged(ada.id), instant(0))?;
        }
        Ok(())
    })
    .await;
    let units = node.store.units();
    let swept = node.services.sweeper.sweep().await.unwrap();
    let all = Swept {
        sessions: many,
        changes: many,
        ..Swept::default()
    };
    assert_eq!(swept, all);
    assert_eq!(
        node.store.units() - units,
        5,
        "three batches, a last look, and one at the audit log"
    );
}

#[tokio::test]
async fn places_go_in_which_nobody_has_logged_in_for_a_year() {
    let (node, ada) = a_day_later().await;
    write(&*node.store, move |tx| {
        tx.note_place(ada.id, PlaceDigest([1; 16]), day(-365 * DAY - 1))?;
        tx.note_place(ada.id, PlaceDigest([2; 16]), day(-365 * DAY))
    })
    .await;
    assert_eq!(node.services.sweeper.sweep().await.unwrap().places, 1);
}

#[tokio::test]
async fn a_sweep_that_fails_keeps_what_it_did_and_the_next_one_goes_on() {
    let (node, ada) = a_day_later().await;
    let many = usize::try_from(BATCH).unwrap() + 10;
    write(&*node.store, move |tx| {
        (0..many).try_for_each(|_| tx.insert_session(&a_session(&ada)))
    })
    .await;
    node.store.rig(1, crate::tests::Event::Unavailable);
    assert!(node.services.sweeper.sweep().await.is_err());
    let swept = node.services.sweeper.sweep().await.unwrap();
    assert_eq!(swept.sessions, 10);
}

#[tokio::test]
async fn a_sweep_lets_nothing_revoked_live_again() {
    let node = Node::with(|config| {
        config.settings.access_token_lifetime = TimeDelta::days(1);
    })
    .await;
    let (caller, pair) = node.join("ada", Role::User).await;
    node.services.auth.logout_all(&caller).await.unwrap();
    for hours in [0, 2, 21] {
        node.pass(hours * 60 * 60);
        node.services.sweeper.sweep().await.unwrap();
        assert!(!node.accepts(&pair).await);
        assert!(!node.beside().await.accepts(&pair).await);
        assert!(node.refresh(&pair.refresh_token).await.is_err());
    }
}

#[tokio::test]
async fn tasks_go_when_they_ended_as_long_ago_as_the_setting_says() {
    let node = Node::with(|config| config.settings.task_retention = TimeDelta::days(2)).await;
    let ada = node.make("ada", Role::User).await;
    let ended = |at| ScheduledTask {
        status: TaskStatus::Completed,
        due_at: None,
        finished_at: Some(at),
        ..a_task(&ada)
    };
    let old = ended(instant(0));
    let (fresh, live) = (ended(instant(1)), a_task(&ada));
    for task in [&old, &fresh, &live] {
        let task = task.clone();
        write(&*node.store, move |tx| tx.insert_task(&task, instant(0))).await;
    }
    node.pass(2 * DAY + 1);
    let swept = node.services.sweeper.sweep().await.unwrap();
    assert_eq!(swept.tasks, 1);
    for (id, is_kept) in [(old.id, false), (fresh.id, true), (live.id, true)] {
        let found = read(&*node.store, move |tx| tx.task(id)).await;
        assert_eq!(found.is_some(), is_kept);
    }
}
