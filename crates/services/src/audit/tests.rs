use super::verify::{Fault, Verified, Verifier, VerifyError};
use super::{AuditQuery, Sealed, ThrottledLogin};
use crate::auth::LoginError;
use crate::tests::{KEY, Node, PASSWORD};
use crate::users::AdministerError;
use chrono::TimeDelta;
use doorward_domain::audit::SealedEvent;
use doorward_domain::{AuditEvent, Origin, Role, SecurityEvent};
use doorward_storage::testing::{an_event, instant, read, write};
use secrecy::SecretString;

const OTHER_KEY: &str = "another key for tests, 32 bytes and more";

impl Node {
    async fn append(&self, count: i64) {
        write(&*self.store, move |tx| {
            (0..count).try_for_each(|second| tx.append_event(&an_event(second)))
        })
        .await;
    }

    async fn seal(&self) -> Sealed {
        self.services.sealer.seal().await.unwrap()
    }

    async fn sealed(&self) -> Vec<SealedEvent> {
        read(&*self.store, |tx| tx.sealed_events(0, 10_000)).await
    }

    async fn verify(&self) -> Result<Verified, Fault> {
        self.verify_with(KEY, &[]).await
    }

    async fn verify_with(&self, key: &str, earlier: &[&str]) -> Result<Verified, Fault> {
        let earlier: Vec<_> = earlier.iter().map(|key| SecretString::from(*key)).collect();
        let verifier = Verifier::new(&SecretString::from(key), &earlier);
        match verifier.verify(&*self.store).await {
            Ok(done) => Ok(done),
            Err(VerifyError::Fault(fault)) => Err(fault),
            Err(VerifyError::Store(error)) => panic!("{error}"),
        }
    }

    /// With so many sealed events.
    async fn with_sealed(count: i64) -> (Self, Vec<SealedEvent>) {
        let node = Self::start().await;
        node.append(count).await;
        node.seal().await;
        let sealed = node.sealed().await;
        assert_eq!(sealed.len(), usize::try_from(count).unwrap());
        (node, sealed)
    }

    async fn events(&self) -> Vec<AuditEvent> {
        let all = AuditQuery {
            limit: 1000,
            ..AuditQuery::default()
        };
        read(&*self.store, move |tx| tx.list_events(&all)).await
    }
}

#[tokio::test]
async fn what_is_sealed_verifies_and_what_is_not_is_counted() {
    let node = Node::start().await;
    assert_eq!(node.verify().await.unwrap().sealed, 0);
    node.append(450).await;
    assert_eq!(node.verify().await.unwrap().unsealed, 450);
    assert_eq!(node.seal().await, Sealed::Events(450));
    assert_eq!(node.seal().await, Sealed::Events(0));
    node.append(1).await;
    let last = node.sealed().await.pop().unwrap();
    let expected = Verified {
        sealed: 450,
        unsealed: 1,
        swept: 0,
        last_sequence: 450,
        last_mac: last.mac,
    };
    assert_eq!(node.verify().await, Ok(expected));
}

#[tokio::test]
async fn a_look_at_a_sealed_log_is_one_read() {
    let (node, _) = Node::with_sealed(1).await;
    let units = node.store.units();
    node.seal().await;
    assert_eq!(node.store.units() - units, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_and_sealers_leave_one_complete_chain() {
    let node = Node::start().await;
    let other = node.beside().await;
    let mut tasks = Vec::new();
    for number in 0..200 {
        let writer = if number % 2 == 0 { &node } else { &other }.clone();
        tasks.push(tokio::spawn(async move { writer.append(1).await }));
        if number % 20 == 0 {
            for sealer in [node.clone(), other.clone()] {
                tasks.push(tokio::spawn(async move {
                    sealer.seal().await;
                }));
            }
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    node.seal().await;
    assert_eq!(node.sealed().await.len(), 200);
    let verified = other.verify().await.unwrap();
    assert_eq!((verified.sealed, verified.unsealed), (200, 0));
}

#[tokio::test]
async fn a_changed_event_is_named_whatever_was_changed() {
    for change in [
        "action = 'user.deleted'",
        "at = at + 1",
        "actor_id = zeroblob(16)",
        "subject_id = zeroblob(16)",
        "ip_address = '127.0.0.1'",
        "user_agent = ''",
        "request_id = 'r'",
        "details = '{ }'",
        "id = zeroblob(16)",
        "mac = zeroblob(32)",
        "mac = zeroblob(3)",
    ] {
        let (node, mut sealed) = Node::with_sealed(5).await;
        let sql = format!("UPDATE audit_events SET {change} WHERE sequence = 3");
        node.database.execute(&sql);
        sealed = if change.starts_with("id") {
            node.sealed().await
        } else {
            sealed
        };
        let (id, sequence) = (sealed[2].event.id, 3);
        let fault = node.verify().await;
        assert_eq!(fault, Err(Fault::Changed { id, sequence }), "{change}");
    }
}

#[tokio::test]
async fn a_missing_event_is_named_and_so_is_a_tail_that_was_cut_off() {
    let (node, sealed) = Node::with_sealed(5).await;
    node.database
        .execute("DELETE FROM audit_events WHERE sequence IN (2, 3)");
    let missing = Fault::Missing {
        sequence: 2,
        next: sealed[3].event.id,
        next_sequence: 4,
    };
    assert_eq!(node.verify().await, Err(missing));
    let (node, _) = Node::with_sealed(5).await;
    node.database
        .execute("DELETE FROM audit_events WHERE sequence > 3");
    let truncated = Fault::Truncated {
        sequence: 4,
        last_sequence: 5,
    };
    assert_eq!(node.verify().await, Err(truncated));
    node.database.execute("DELETE FROM audit_events");
    assert!(matches!(
        node.verify().await,
        Err(Fault::Truncated { sequence: 1, .. })
    ));
}

#[tokio::test]
async fn events_that_were_moved_or_added_are_named() {
    let (node, sealed) = Node::with_sealed(5).await;
    for (from, to) in [(2, 99), (4, 2), (99, 4)] {
        let sql = format!("UPDATE audit_events SET sequence = {to} WHERE sequence = {from}");
        node.database.execute(&sql);
    }
    let moved = Fault::Changed {
        id: sealed[3].event.id,
        sequence: 2,
    };
    assert_eq!(node.verify().await, Err(moved));
    let (node, _) = Node::with_sealed(5).await;
    node.append(1).await;
    let sql = "UPDATE audit_events SET sequence = 6, mac = zeroblob(32), key_id = '' WHERE sequence IS NULL";
    node.database.execute(sql);
    assert!(matches!(
        node.verify().await,
        Err(Fault::Added { sequence: 6, .. })
    ));
}

/// An older head does not fit the events, nor one that was made up, and nothing more is chained to it.
#[tokio::test]
async fn a_head_that_was_changed_or_deleted_is_named_and_not_built_upon() {
    for change in [
        "UPDATE audit_chain SET last_sequence = 4",
        "UPDATE audit_chain SET base_sequence = 2",
        "UPDATE audit_chain SET last_mac = zeroblob(32)",
        "UPDATE audit_chain SET base_mac = last_mac",
        "UPDATE audit_chain SET seal = x'01'",
        "UPDATE audit_chain SET seal = x''",
        "UPDATE audit_chain SET last_sequence = 0, last_mac = zeroblob(32), key_id = '', seal = x''",
        "DELETE FROM audit_chain",
    ] {
        let (node, _) = Node::with_sealed(5).await;
        node.database.execute(change);
        assert_eq!(node.verify().await, Err(Fault::Head), "{change}");
        node.append(1).await;
        if !change.contains("key_id") {
            assert_eq!(node.seal().await, Sealed::BrokenHead, "{change}");
        }
        assert_eq!(node.verify().await, Err(Fault::Head), "{change}");
    }
}

#[tokio::test]
async fn an_earlier_key_verifies_and_the_present_one_seals() {
    let (node, _) = Node::with_sealed(3).await;
    let renewed = node
        .beside_with(|config| {
            config.secret_key = OTHER_KEY.into();
            config.secret_key_fallbacks = vec![KEY.into()];
        })
        .await;
    renewed.append(2).await;
    assert_eq!(renewed.seal().await, Sealed::Events(2));
    let verified = node.verify_with(OTHER_KEY, &[KEY]).await.unwrap();
    assert_eq!(verified.sealed, 5);
    let unknown = Err(Fault::UnknownKey { sequence: 5 });
    assert_eq!(node.verify().await, unknown);
    let first = Err(Fault::UnknownKey { sequence: 1 });
    assert_eq!(node.verify_with(OTHER_KEY, &[]).await, first);
}

#[tokio::test]
async fn where_the_key_is_lost_the_chain_is_begun_anew_and_the_log_says_so() {
    let (node, _) = Node::with_sealed(3).await;
    let new = node
        .beside_with(|config| config.secret_key = OTHER_KEY.into())
        .await;
    new.append(1).await;
    assert_eq!(new.seal().await, Sealed::UnknownKey);
    let verifier = Verifier::new(&OTHER_KEY.into(), &[]);
    let up_to = verifier.restart(&*new.store, &*new.clock).await.unwrap();
    assert_eq!(up_to, 3);
    assert_eq!(new.seal().await, Sealed::Events(2));
    let done = new.verify_with(OTHER_KEY, &[]).await.unwrap();
    assert_eq!((done.sealed, done.swept, done.last_sequence), (2, 3, 5));
    let told = new.events().await;
    assert!(told.iter().any(|event| event.action == "audit.restarted"));
}

#[tokio::test]
async fn old_events_are_swept_and_the_rest_still_verifies() {
    let node = Node::start().await;
    let retention = doorward_domain::Settings::default().audit_retention;
    node.append(600).await;
    node.seal().await;
    node.clock.advance(retention + TimeDelta::hours(23));
    assert_eq!(node.services.sweeper.sweep().await.unwrap().events, 0);
    write(&*node.store, |tx| {
        let young = AuditEvent::new(instant(400 * 86_400), &SecurityEvent::UserActivated);
        tx.append_event(&young)
    })
    .await;
    node.seal().await;
    node.clock.advance(TimeDelta::hours(2));
    assert_eq!(node.services.sweeper.sweep().await.unwrap().events, 600);
    assert_eq!(node.services.sweeper.sweep().await.unwrap().events, 0);
    node.seal().await;
    let verified = node.verify().await.unwrap();
    assert_eq!((verified.swept, verified.sealed), (600, 3));
    let left = node.events().await;
    let swept = left.iter().filter(|event| event.action == "audit.swept");
    let mut details: Vec<_> = swept.map(|event| &*event.details).collect();
    details.sort_unstable();
    assert_eq!(
        details,
        [
            r#"{"events":100,"up_to":600}"#,
            r#"{"events":500,"up_to":500}"#
        ]
    );
    let activity = read(&*node.store, |tx| tx.activity(instant(-9999))).await;
    assert!(activity.iter().all(|hour| hour.hour > instant(86_400)));
    // What was kept of the beginning is sealed, too.
    node.database
        .execute("UPDATE audit_chain SET base_sequence = 601");
    assert_eq!(node.verify().await, Err(Fault::Head));
}

#[tokio::test]
async fn what_is_not_sealed_is_not_swept() {
    let node = Node::start().await;
    node.append(3).await;
    node.clock.advance(TimeDelta::days(1000));
    assert_eq!(node.services.sweeper.sweep().await.unwrap().events, 0);
    assert_eq!(node.events().await.len(), 3);
}

#[tokio::test]
async fn the_log_and_its_figures_are_for_admins() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (admin, _) = node.join("admin", Role::Admin).await;
    node.seal().await;
    let audit = &node.services.audit;
    let query = || AuditQuery {
        limit: 2,
        ..AuditQuery::default()
    };
    let refused = audit.list(&ada, query()).await;
    assert!(matches!(refused, Err(AdministerError::NotAllowed)));
    let refused = audit.activity(&ada, instant(-9999)).await;
    assert!(matches!(refused, Err(AdministerError::NotAllowed)));
    let page = audit.list(&admin, query()).await.unwrap();
    assert_eq!((page.events.len(), page.next), (2, Some(page.events[1].id)));
    let rest = AuditQuery {
        before: page.next,
        ..query()
    };
    let rest = audit.list(&admin, rest).await.unwrap();
    assert_eq!((rest.events.len(), rest.next), (2, None));
    let activity = audit.activity(&admin, instant(-9999)).await.unwrap();
    let logins: Vec<_> = activity
        .iter()
        .filter(|hour| hour.action == "login.succeeded")
        .map(|hour| hour.count)
        .collect();
    assert_eq!(logins, [2]);
}

/// Whatever makes a login fail, there is one write, of one event, without what was typed.
#[tokio::test]
async fn a_failed_login_is_one_event_that_does_not_say_what_was_typed() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await;
    let bob = node.make("bob", Role::User).await;
    node.change(bob.id, |user| doorward_domain::User {
        is_active: false,
        ..user
    })
    .await;
    let typed = "hunter2 typed here";
    let mut costs = Vec::new();
    for (name, password) in [("ada", typed), ("bob", PASSWORD), (typed, typed)] {
        let units = node.store.units();
        let refused = node.try_login(name, password).await;
        assert!(matches!(refused, Err(LoginError::InvalidCredentials)));
        costs.push(node.store.units() - units);
    }
    assert_eq!(costs, [2, 2, 2]);
    let mut events = node.events().await;
    events.retain(|event| event.action == "login.failed");
    assert_eq!(events.len(), 3);
    assert!(
        events
            .iter()
            .all(|event| !format!("{event:?}").contains("hunter2"))
    );
    assert!(events.iter().all(|event| event.actor_id.is_none()));
    let of = |id| events.iter().find(|event| event.subject_id == id).unwrap();
    assert_eq!(of(Some(ada.id)).details, r#"{"reason":"wrong_password"}"#);
    assert_eq!(of(Some(bob.id)).details, r#"{"reason":"inactive"}"#);
    let unknown = &of(None).details;
    assert!(unknown.starts_with(r#"{"reason":"unknown_account","name_digest":""#));
    assert_eq!(
        unknown.len(),
        r#"{"reason":"unknown_account","name_digest":""}"#.len() + 16
    );
}

#[tokio::test]
async fn a_password_that_nobody_can_have_costs_one_read_and_leaves_no_event() {
    let node = Node::start().await;
    let long = "x".repeat(5000);
    let (units, events) = (node.store.units(), node.events().await.len());
    let refused = node.try_login("ada", &long).await;
    assert!(matches!(refused, Err(LoginError::InvalidCredentials)));
    assert_eq!(node.store.units() - units, 2, "with ours");
    assert_eq!(node.events().await.len(), events);
}

#[tokio::test]
async fn what_is_rolled_back_leaves_no_event() {
    let node = Node::start().await;
    node.join("ada", Role::User).await;
    let before = node.events().await;
    node.store.rig(1, crate::tests::Event::CommitFails);
    let refused = node.try_login("ada", PASSWORD).await;
    assert!(matches!(refused, Err(LoginError::Internal(_))));
    assert_eq!(node.events().await, before);
}

#[tokio::test]
async fn logins_that_are_refused_unseen_are_told_once_a_minute() {
    let node = Node::start().await;
    let refuse = async |name: &str| {
        let attempt = ThrottledLogin {
            subject: None,
            name: Some(name.to_owned()),
            origin: Origin::default(),
        };
        node.services.audit.login_throttled(attempt).await.unwrap();
    };
    for name in ["ada", "ADA ", "bob", "ada"] {
        refuse(name).await;
    }
    assert_eq!(node.events().await.len(), 2);
    node.clock.age(std::time::Duration::from_mins(1));
    refuse("ada").await;
    let events = node.events().await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| !event.details.contains("ada")));
}
