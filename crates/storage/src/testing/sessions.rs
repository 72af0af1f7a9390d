//! Sessions.

use super::builders::{a_digest, a_session, a_user, advanced, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::StoreError;
use crate::store::Store;
use chrono::TimeDelta;
use doorward_domain::session::SessionEnd;
use doorward_domain::{Change, EndReason, Origin, Session, SessionCutoff, SessionId, User};
use std::sync::Arc;

async fn with_user(store: &dyn Store, name: &str) -> User {
    let user = a_user(name);
    let inserted = user.clone();
    write(store, move |tx| tx.insert_user(&inserted)).await;
    user
}

async fn insert(store: &dyn Store, session: &Session) {
    let session = session.clone();
    write(store, move |tx| tx.insert_session(&session)).await;
}

async fn session(store: &dyn Store, id: SessionId) -> Option<Session> {
    read(store, move |tx| tx.session(id)).await
}

async fn advance(store: &dyn Store, next: &Session) -> bool {
    let next = next.clone();
    write(store, move |tx| tx.advance_session(&next)).await
}

async fn end(store: &dyn Store, id: SessionId, seconds: i64) -> bool {
    write(store, move |tx| {
        tx.end_session(id, EndReason::Logout, instant(seconds))
    })
    .await
}

fn ended(session: &Session, reason: EndReason, seconds: i64) -> Session {
    Session {
        end: Some(SessionEnd {
            at: instant(seconds),
            reason,
        }),
        ..session.clone()
    }
}

/// The sessions whose end is in the feed, in the order of their ids.
async fn recorded_ends(store: &dyn Store) -> Vec<Change> {
    let page = read(store, |tx| tx.changes_after(&FeedPosition::default())).await;
    page.changes
        .into_iter()
        .filter(|change| matches!(change, Change::SessionEnded { .. }))
        .collect()
}

/// Every field, with and without what may be missing, and every reason of an end.
pub async fn a_session_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let young = a_session(&ada);
    let old = Session {
        generation: u32::MAX,
        ..advanced(&a_session(&ada), 10)
    };
    let mut sessions = vec![young, old];
    for address in ["203.0.113.7", "2001:db8::1"] {
        let origin = Origin::new(address.parse().ok(), Some("curl/8 \u{2603} '\""));
        sessions.push(Session {
            origin,
            ..a_session(&ada)
        });
    }
    for reason in EndReason::ALL {
        sessions.push(ended(&a_session(&ada), reason, 9));
    }
    for written in sessions {
        insert(&*store, &written).await;
        assert_eq!(session(&*store, written.id).await, Some(written));
    }
    assert_eq!(session(&*store, SessionId::new(instant(0))).await, None);
}

/// The present and the previous one, of however many that are asked for.
pub async fn a_session_is_found_by_both_its_digests(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let first = a_session(&ada);
    insert(&*store, &first).await;
    insert(&*store, &a_session(&ada)).await;
    let second = advanced(&first, 1);
    let third = advanced(&second, 2);
    assert!(advance(&*store, &second).await);
    assert!(advance(&*store, &third).await);
    let unknown = a_digest(SessionId::new(instant(0)), 0);
    for (digests, found) in [
        (vec![third.digest], true),
        (vec![second.digest], true),
        (vec![unknown, third.digest], true),
        (vec![second.digest, unknown], true),
        (vec![first.digest], false),
        (vec![unknown], false),
        (vec![], false),
    ] {
        let session = read(&*store, move |tx| tx.session_by_digest(&digests)).await;
        assert_eq!(session, found.then(|| third.clone()));
    }
}

/// And the refusal is no conflict that a caller would answer for.
pub async fn a_session_needs_its_user(store: Arc<dyn Store>) {
    let stray = a_session(&a_user("nobody"));
    let refused: Result<(), StoreError> = store.write(move |tx| tx.insert_session(&stray)).await;
    assert!(
        matches!(refused, Err(StoreError::Backend(_))),
        "{refused:?}"
    );
}

/// And leaves alone what a rotation does not change.
pub async fn a_session_advances_once_from_a_generation(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (first, other) = (a_session(&ada), a_session(&ada));
    insert(&*store, &first).await;
    insert(&*store, &other).await;
    let second = advanced(&first, 1);
    assert!(advance(&*store, &second).await);
    assert_eq!(session(&*store, first.id).await.as_ref(), Some(&second));
    let rival = advanced(&first, 2);
    assert!(!advance(&*store, &rival).await, "from a generation before");
    assert_eq!(session(&*store, first.id).await.as_ref(), Some(&second));
    let leap = advanced(&advanced(&second, 3), 4);
    assert!(!advance(&*store, &leap).await, "over a generation");
    assert!(!advance(&*store, &first).await, "to the very first");
    assert!(advance(&*store, &advanced(&second, 5)).await);
    assert!(
        !advance(&*store, &advanced(&a_session(&ada), 1)).await,
        "unknown"
    );
    assert_eq!(session(&*store, other.id).await, Some(other));
}

/// Nothing is minted for it any more.
pub async fn an_ended_session_does_not_advance(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let first = a_session(&ada);
    insert(&*store, &first).await;
    assert!(end(&*store, first.id, 1).await);
    assert!(!advance(&*store, &advanced(&first, 2)).await);
    assert_eq!(
        session(&*store, first.id).await,
        Some(ended(&first, EndReason::Logout, 1))
    );
}

/// 32 at a time, for some rounds.
pub async fn a_race_to_advance_has_one_winner(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let mut present = a_session(&ada);
    insert(&*store, &present).await;
    for _ in 0..5 {
        let racers: Vec<_> = (0..32)
            .map(|seconds| {
                let (store, next) = (Arc::clone(&store), advanced(&present, seconds));
                tokio::spawn(async move { advance(&*store, &next).await.then_some(next) })
            })
            .collect();
        let mut winners = Vec::new();
        for racer in racers {
            winners.extend(racer.await.expect("no racer fails"));
        }
        let stored = session(&*store, present.id).await.expect("it is there");
        assert_eq!(winners.as_slice(), std::slice::from_ref(&stored));
        present = stored;
    }
}

/// With the time until which its last access token lives, even if that is over.
pub async fn a_session_ends_once_and_the_end_is_recorded(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let first = a_session(&ada);
    insert(&*store, &first).await;
    let second = advanced(&first, 100);
    assert!(advance(&*store, &second).await);
    assert!(end(&*store, first.id, 500).await);
    assert!(!end(&*store, first.id, 501).await);
    assert!(!end(&*store, SessionId::new(instant(0)), 500).await);
    assert_eq!(
        session(&*store, first.id).await,
        Some(ended(&second, EndReason::Logout, 500))
    );
    assert_eq!(
        recorded_ends(&*store).await,
        [Change::SessionEnded {
            session: first.id,
            until: instant(400)
        }]
    );
}

/// Neither those that are over nor another user's.
pub async fn all_live_sessions_of_a_user_end_but_one(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let bob = with_user(&*store, "bob").await;
    let [kept, one, two] = [(); 3].map(|()| a_session(&ada));
    let over = ended(&a_session(&ada), EndReason::Logout, 1);
    let expired = Session {
        expires_at: instant(50),
        ..a_session(&ada)
    };
    let of_bob = a_session(&bob);
    for session in [&kept, &one, &two, &over, &expired, &of_bob] {
        insert(&*store, session).await;
    }
    let (ada_id, kept_id) = (ada.id, kept.id);
    let end_all = |except| {
        write(&*store, move |tx| {
            tx.end_sessions_of(ada_id, except, EndReason::Revoked, instant(50))
        })
    };
    assert_eq!(end_all(Some(kept_id)).await, 2);
    for untouched in [&kept, &over, &expired, &of_bob] {
        assert_eq!(
            session(&*store, untouched.id).await.as_ref(),
            Some(untouched)
        );
    }
    for gone in [&one, &two] {
        assert_eq!(
            session(&*store, gone.id).await,
            Some(ended(gone, EndReason::Revoked, 50))
        );
    }
    assert_eq!(end_all(None).await, 1);
    assert_eq!(end_all(None).await, 0);
    let mut changes: Vec<_> = recorded_ends(&*store)
        .await
        .into_iter()
        .map(|change| match change {
            Change::SessionEnded { session, until } => (session, until),
            Change::UserChanged(_)
            | Change::UserListChanged
            | Change::SigningKeysChanged
            | Change::ApiKeyChanged(_)
            | Change::SettingsChanged
            | Change::TaskDue(_) => {
                panic!("{change:?}")
            }
        })
        .collect();
    changes.sort();
    let mut expected = [kept.id, one.id, two.id].map(|id| (id, instant(300)));
    expected.sort();
    assert_eq!(changes, expected);
}

/// The oldest first; neither those that are over nor another user's.
pub async fn live_sessions_come_in_the_order_of_their_logins(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let bob = with_user(&*store, "bob").await;
    let begun = |seconds, expiry| Session {
        created_at: instant(seconds),
        expires_at: instant(expiry),
        ..a_session(&ada)
    };
    let (young, old, expired) = (begun(20, 1000), begun(10, 1000), begun(0, 100));
    let over = ended(&begun(5, 1000), EndReason::Displaced, 6);
    for session in [&young, &old, &expired, &over, &a_session(&bob)] {
        insert(&*store, session).await;
    }
    let id = ada.id;
    let live = |seconds| read(&*store, move |tx| tx.live_sessions_of(id, instant(seconds)));
    assert_eq!(live(100).await, [old.clone(), young.clone()]);
    assert_eq!(live(99).await, [expired, old, young]);
    assert_eq!(live(1000).await, []);
}

/// What expired, and what ended and has no living access token, and no more at a time than is asked for.
pub async fn what_is_over_is_swept_in_small_batches(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let live = a_session(&ada);
    let tokens_live = ended(&a_session(&ada), EndReason::Logout, 1);
    let just_ended = ended(
        &Session {
            access_expires_at: instant(20),
            ..a_session(&ada)
        },
        EndReason::Logout,
        250,
    );
    for session in [&live, &tokens_live, &just_ended] {
        insert(&*store, session).await;
    }
    for _ in 0..2 {
        let expired = Session {
            expires_at: instant(150),
            ..a_session(&ada)
        };
        let over = Session {
            access_expires_at: instant(150),
            ..ended(&a_session(&ada), EndReason::Logout, 1)
        };
        insert(&*store, &expired).await;
        insert(&*store, &over).await;
    }
    let sweep = |limit| write(&*store, move |tx| tx.sweep_sessions(instant(200), limit));
    assert_eq!(sweep(3).await, 3);
    assert_eq!(sweep(3).await, 1);
    assert_eq!(sweep(3).await, 0);
    for kept in [live, tokens_live, just_ended] {
        assert_eq!(session(&*store, kept.id).await, Some(kept));
    }
}

/// There is none at first.
pub async fn the_cutoff_is_the_one_that_was_set_last(store: Arc<dyn Store>) {
    assert_eq!(read(&*store, |tx| tx.session_cutoff()).await, None);
    for seconds in [5, 9] {
        let cutoff = SessionCutoff::from(instant(seconds));
        let seen = write(&*store, move |tx| {
            tx.set_session_cutoff(cutoff)?;
            tx.session_cutoff()
        });
        assert_eq!(seen.await, Some(cutoff));
        assert_eq!(read(&*store, |tx| tx.session_cutoff()).await, Some(cutoff));
    }
}

/// By the time in their ids, each once; not those that are over, and no more at a time than is asked for.
pub async fn sessions_from_before_the_cutoff_end_in_small_batches(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let begun = |millis| Session {
        id: SessionId::new(instant(0) + TimeDelta::milliseconds(millis)),
        ..a_session(&ada)
    };
    let [first, second, third, young] = [0, 1, 999, 1000].map(|millis| {
        let session = begun(millis);
        let digest = a_digest(session.id, 0);
        Session { digest, ..session }
    });
    let over = ended(&a_session(&ada), EndReason::Logout, 1);
    let expired = Session {
        expires_at: instant(50),
        ..a_session(&ada)
    };
    for session in [&first, &second, &third, &young, &over, &expired] {
        insert(&*store, session).await;
    }
    let cutoff = SessionCutoff::from(instant(1));
    let end = |after, limit| {
        write(&*store, move |tx| {
            tx.end_sessions_before(cutoff, after, instant(50), limit)
        })
    };
    assert_eq!(end(None, 2).await, [first.id, second.id]);
    assert_eq!(end(Some(third.id), 2).await, []);
    assert_eq!(end(Some(second.id), 2).await, [third.id]);
    assert_eq!(end(None, 2).await, []);
    for untouched in [&young, &over, &expired] {
        assert_eq!(
            session(&*store, untouched.id).await.as_ref(),
            Some(untouched)
        );
    }
    for gone in [&first, &second, &third] {
        assert_eq!(
            session(&*store, gone.id).await,
            Some(ended(gone, EndReason::Restored, 50))
        );
    }
    assert_eq!(
        recorded_ends(&*store).await,
        [],
        "the cutoff speaks for all"
    );
}
