//! The audit log.

use super::builders::{a_user, an_event, instant};
use super::{read, write};
use crate::audit::{AuditQuery, HourlyCount};
use crate::error::StoreError;
use crate::store::Store;
use chrono::{DurationRound, TimeDelta};
use doorward_domain::audit::{AuditKeyId, AuditMac, ChainHead, SealedEvent};
use doorward_domain::{AuditEvent, Origin, SecurityEvent, UserId};
use std::sync::Arc;

async fn append(store: &dyn Store, events: &[AuditEvent]) {
    let events = events.to_vec();
    write(store, move |tx| {
        events.iter().try_for_each(|event| tx.append_event(event))
    })
    .await;
}

async fn list(store: &dyn Store, query: AuditQuery) -> Vec<AuditEvent> {
    read(store, move |tx| tx.list_events(&query)).await
}

fn all() -> AuditQuery {
    AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    }
}

/// Places that no key was needed for.
fn placed(events: Vec<AuditEvent>, head: &ChainHead) -> (Vec<SealedEvent>, ChainHead) {
    let mut head = head.clone();
    let mut sealed = Vec::new();
    for event in events {
        head.last_sequence += 1;
        let number = u8::try_from(head.last_sequence).expect("few events");
        head.last_mac = AuditMac([number; 32]);
        sealed.push(SealedEvent {
            sequence: head.last_sequence,
            mac: head.last_mac,
            key_id: AuditKeyId("k1".to_owned()),
            event,
        });
    }
    head.key_id = AuditKeyId("k1".to_owned());
    head.seal = vec![1, 2, 3];
    (sealed, head)
}

/// How many it were.
async fn seal(store: &dyn Store, limit: u32) -> usize {
    write(store, move |tx| {
        let Some(head) = tx.lock_audit_chain()? else {
            return Ok(0);
        };
        let events = tx.unsealed_events(limit)?;
        let (sealed, head) = placed(events, &head);
        tx.seal_events(&sealed, &head)?;
        Ok(sealed.len())
    })
    .await
}

/// With everything and with next to nothing.
pub async fn an_event_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let (actor, subject) = (UserId::new(instant(0)), UserId::new(instant(0)));
    let origin = Origin::new("2001:db8::1".parse().ok(), Some("curl/8 \u{2603} '\""));
    let full = an_event(1)
        .by(actor)
        .about(subject)
        .coming_from(&origin.of_request(Some("r-1".to_owned())));
    let unknown = AuditEvent {
        action: "moon.landed".to_owned(),
        details: r#"{"a":"\u0000"}"#.to_owned(),
        ..an_event(0)
    };
    append(&*store, &[unknown.clone(), full.clone()]).await;
    assert_eq!(list(&*store, all()).await, [full, unknown]);
}

/// Nor is one that is appended twice kept.
pub async fn an_event_goes_with_what_it_tells_of(store: Arc<dyn Store>) {
    let (event, ada) = (an_event(0), a_user("ada"));
    let undone = store.write(move |tx| {
        tx.insert_user(&ada)?;
        tx.append_event(&event)?;
        Err::<(), _>(StoreError::Unavailable("undone".into()))
    });
    assert!(undone.await.is_err());
    assert_eq!(list(&*store, all()).await, []);
}

/// The newest first, and each filter by itself and with others.
pub async fn events_are_filtered_and_paged(store: Arc<dyn Store>) {
    let (ada, bob) = (UserId::new(instant(0)), UserId::new(instant(0)));
    let deleted = |seconds| {
        let event = SecurityEvent::PasswordRefused;
        AuditEvent::new(instant(seconds), &event)
    };
    let events = [
        an_event(0).by(ada).about(ada),
        an_event(1).by(ada).about(bob),
        deleted(2).by(bob).about(bob),
        deleted(3).about(ada),
        an_event(4),
    ];
    append(&*store, &events).await;
    let refused = SecurityEvent::PasswordRefused.action().as_str().to_owned();
    for (query, expected) in [
        (all(), vec![4, 3, 2, 1, 0]),
        (AuditQuery { limit: 2, ..all() }, vec![4, 3]),
        (
            AuditQuery {
                before: Some(events[3].id),
                limit: 2,
                ..all()
            },
            vec![2, 1],
        ),
        (
            AuditQuery {
                actor: Some(ada),
                ..all()
            },
            vec![1, 0],
        ),
        (
            AuditQuery {
                subject: Some(bob),
                ..all()
            },
            vec![2, 1],
        ),
        (
            AuditQuery {
                action: Some(refused.clone()),
                ..all()
            },
            vec![3, 2],
        ),
        (
            AuditQuery {
                action: Some(refused),
                subject: Some(ada),
                ..all()
            },
            vec![3],
        ),
        (
            AuditQuery {
                since: Some(instant(3)),
                ..all()
            },
            vec![4, 3],
        ),
        (
            AuditQuery {
                until: Some(instant(1)),
                ..all()
            },
            vec![0],
        ),
        (
            AuditQuery {
                since: Some(instant(0) + TimeDelta::microseconds(1)),
                until: Some(instant(2) + TimeDelta::microseconds(1)),
                ..all()
            },
            vec![2, 1],
        ),
        (
            AuditQuery {
                actor: Some(ada),
                before: Some(events[1].id),
                ..all()
            },
            vec![0],
        ),
        (
            AuditQuery {
                action: Some("moon.landed".to_owned()),
                ..all()
            },
            vec![],
        ),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|at: usize| events.get(at).cloned().expect("an event"))
            .collect();
        assert_eq!(list(&*store, query.clone()).await, expected, "{query:?}");
    }
}

/// In batches, and each event once.
pub async fn events_are_sealed_once_in_numbers_without_a_gap(store: Arc<dyn Store>) {
    assert_eq!(
        read(&*store, |tx| tx.audit_chain()).await,
        ChainHead::default()
    );
    let events: Vec<_> = (0..5).map(an_event).collect();
    append(&*store, &events).await;
    assert_eq!(read(&*store, |tx| tx.count_unsealed_events()).await, 5);
    assert_eq!(read(&*store, |tx| tx.last_sequence()).await, 0);
    assert_eq!(seal(&*store, 3).await, 3);
    assert_eq!(read(&*store, |tx| tx.count_unsealed_events()).await, 2);
    assert_eq!(seal(&*store, 3).await, 2);
    assert_eq!(seal(&*store, 3).await, 0);
    let (expected, head) = placed(events, &ChainHead::default());
    assert_eq!(read(&*store, |tx| tx.audit_chain()).await, head);
    assert_eq!(read(&*store, |tx| tx.sealed_events(0, 100)).await, expected);
    assert_eq!(
        read(&*store, |tx| tx.sealed_events(1, 2)).await,
        expected.get(1..3).expect("two of them")
    );
    let again = expected.clone();
    assert_eq!(read(&*store, |tx| tx.last_sequence()).await, 5);
    let twice: Result<(), StoreError> = store.write(move |tx| tx.seal_events(&again, &head)).await;
    assert!(twice.is_err());
    assert_eq!(read(&*store, |tx| tx.sealed_events(0, 100)).await, expected);
}

/// Sixteen at once, on as many connections as there are.
pub async fn parallel_sealers_make_one_chain(store: Arc<dyn Store>) {
    let events: Vec<_> = (0..40).map(an_event).collect();
    append(&*store, &events).await;
    let sealers: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { seal(&*store, 7).await })
        })
        .collect();
    let mut sealed = 0;
    for sealer in sealers {
        sealed += sealer.await.expect("none fails");
    }
    while sealed < 40 {
        sealed += seal(&*store, 7).await;
    }
    let chain = read(&*store, |tx| tx.sealed_events(0, 100)).await;
    let numbers: Vec<_> = chain.iter().map(|it| it.sequence).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(read(&*store, |tx| tx.audit_chain()).await.last_sequence, 40);
}

/// While one seals, others append and do not wait.
pub async fn the_head_is_held_by_one_at_a_time(store: Arc<dyn Store>) {
    append(&*store, &[an_event(0)]).await;
    let held = write(&*store, |tx| {
        let first = tx.lock_audit_chain()?;
        let again = tx.lock_audit_chain()?;
        Ok((first.is_some(), again.is_some()))
    });
    assert_eq!(held.await, (true, true));
    let refused: Result<_, StoreError> = store.read(|tx| tx.lock_audit_chain()).await;
    assert!(refused.is_err(), "to lock is to write");
}

/// And none that is not sealed.
pub async fn a_sealed_beginning_is_deleted(store: Arc<dyn Store>) {
    let events: Vec<_> = (0..5).map(an_event).collect();
    append(&*store, &events).await;
    seal(&*store, 4).await;
    let deleted = write(&*store, |tx| {
        let head = tx.lock_audit_chain()?.expect("nobody else has it");
        let head = ChainHead {
            base_sequence: 2,
            base_mac: AuditMac([2; 32]),
            ..head
        };
        tx.delete_sealed_events(2, &head)
    });
    assert_eq!(deleted.await, 2);
    let left: Vec<_> = events.iter().skip(2).rev().cloned().collect();
    assert_eq!(list(&*store, all()).await, left);
    let head = read(&*store, |tx| tx.audit_chain()).await;
    assert_eq!((head.base_sequence, head.base_mac), (2, AuditMac([2; 32])));
    assert_eq!((head.last_sequence, head.last_mac), (4, AuditMac([4; 32])));
}

/// By hour and action, whatever the batches are.
pub async fn sealing_counts_each_event_in_its_hour(store: Arc<dyn Store>) {
    let hour = instant(0)
        .duration_trunc(TimeDelta::hours(1))
        .expect("an hour");
    let at = |seconds| {
        AuditEvent::new(
            hour + TimeDelta::seconds(seconds),
            &SecurityEvent::UserActivated,
        )
    };
    let refused = AuditEvent::new(hour, &SecurityEvent::PasswordRefused);
    append(&*store, &[at(0), at(3599), at(3600), refused, at(7200)]).await;
    let count = |hours, action: &str, count| HourlyCount {
        hour: hour + TimeDelta::hours(hours),
        action: action.to_owned(),
        count,
    };
    let activity = |since| read(&*store, move |tx| tx.activity(since));
    assert_eq!(activity(hour).await, [], "nothing is sealed");
    while seal(&*store, 2).await > 0 {}
    let expected = [
        count(0, "user.activated", 2),
        count(0, "user.password_refused", 1),
        count(1, "user.activated", 1),
        count(2, "user.activated", 1),
    ];
    assert_eq!(activity(hour).await, expected);
    assert_eq!(activity(hour + TimeDelta::hours(1)).await, expected[2..]);
    let end = hour + TimeDelta::hours(1);
    assert_eq!(write(&*store, move |tx| tx.sweep_activity(end)).await, 2);
    assert_eq!(activity(hour).await, expected[2..]);
}
