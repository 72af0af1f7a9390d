use super::*;
use crate::auth::AuthenticateError;
use crate::tests::{Event, Node, PASSWORD, list_key, names, text};
use crate::user_list::View;
use crate::users::UserUpdate;
use doorward_domain::{Role, User, Username};
use doorward_storage::testing::write;
use std::sync::Arc;

/// A node where ada is known, and another on the same database that knows her too.
async fn two_nodes() -> (Node, Node, crate::auth::Caller, crate::tokens::TokenPair) {
    let here = Node::start().await;
    let (caller, pair) = here.join("ada", Role::User).await;
    let there = here.beside().await;
    assert!(there.accepts(&pair).await);
    (here, there, caller, pair)
}

fn renamed(user: User) -> User {
    User {
        username: Username::parse("countess").unwrap(),
        ..user
    }
}

#[tokio::test]
async fn another_node_learns_of_a_logout() {
    let (here, there, caller, pair) = two_nodes().await;
    here.services.auth.logout_all(&caller).await.unwrap();
    assert!(!here.accepts(&pair).await, "at once on its own node");
    assert!(there.accepts(&pair).await, "it cannot know yet");
    there.services.feed.catch_up().await.unwrap();
    assert!(!there.accepts(&pair).await);
}

#[tokio::test]
async fn another_node_learns_of_a_deactivation() {
    let (here, there, caller, pair) = two_nodes().await;
    let (owner, _) = here.join("olga", Role::Owner).await;
    let update = UserUpdate {
        is_active: Some(false),
        ..UserUpdate::default()
    };
    let users = &here.services.users;
    users
        .update(&owner, caller.principal.id, update)
        .await
        .unwrap();
    assert!(!here.accepts(&pair).await, "at once on its own node");
    there.services.feed.catch_up().await.unwrap();
    assert!(!there.accepts(&pair).await);
    let back = UserUpdate {
        is_active: Some(true),
        ..UserUpdate::default()
    };
    let user = users
        .update(&owner, caller.principal.id, back)
        .await
        .unwrap();
    assert!(user.is_active);
    there.services.feed.catch_up().await.unwrap();
    assert!(!there.accepts(&pair).await, "what has ended stays so");
}

#[tokio::test]
async fn another_node_learns_of_a_new_name_and_of_nothing_else_anew() {
    let (here, there, caller, pair) = two_nodes().await;
    let before = there.list(View::Public).await;
    here.change(caller.principal.id, renamed).await;
    assert_eq!(there.caller(&pair).await.principal.username.as_str(), "ada");
    there.services.feed.catch_up().await.unwrap();
    let principal = there.caller(&pair).await.principal;
    assert_eq!(principal.username.as_str(), "countess");
    let after = there.list(View::Public).await;
    assert_eq!((text(&before.body), text(&after.body)), ("ada", "countess"));
    assert_ne!(before.etag, after.etag);

    there.services.feed.catch_up().await.unwrap();
    assert!(Arc::ptr_eq(
        &principal,
        &there.caller(&pair).await.principal
    ));
    assert!(Arc::ptr_eq(&after, &there.list(View::Public).await));
}

#[tokio::test]
async fn another_node_learns_of_every_new_account() {
    let (here, there, _, _) = two_nodes().await;
    for name in ["bob", "eve", "mallory"] {
        assert!(!text(&there.list(View::Public).await.body).contains(name));
        here.make(name, Role::User).await;
        there.services.feed.catch_up().await.unwrap();
        assert!(text(&there.list(View::Public).await.body).contains(name));
    }
}

#[tokio::test]
async fn what_a_failed_look_has_missed_is_found_by_the_next() {
    let (here, there, caller, pair) = two_nodes().await;
    here.services.auth.logout_all(&caller).await.unwrap();
    for event in [Event::Unavailable, Event::CommitFails] {
        there.store.rig(0, event);
        assert!(there.services.feed.catch_up().await.is_err());
    }
    there.services.feed.catch_up().await.unwrap();
    assert!(!there.accepts(&pair).await);
}

#[tokio::test]
async fn after_a_long_silence_everything_is_loaded_anew() {
    let (here, there, caller, pair) = two_nodes().await;
    let list = there.list(View::Public).await;
    let (other, others) = here.join("bob", Role::User).await;
    there.services.feed.catch_up().await.unwrap();
    assert!(there.accepts(&others).await);
    here.change(caller.principal.id, renamed).await;
    here.services.auth.logout_all(&other).await.unwrap();
    // What a sweeper has deleted in the meantime.
    here.database
        .execute("DELETE FROM changes WHERE kind <> 'session_ended'");
    there.clock.age(RELOAD_AFTER);
    there.services.feed.catch_up().await.unwrap();
    assert_eq!(
        there.caller(&pair).await.principal.username.as_str(),
        "countess"
    );
    assert_ne!(there.list(View::Public).await.body, list.body);
    assert!(!there.accepts(&others).await);
}

#[tokio::test]
async fn memory_that_is_too_old_is_not_trusted_until_the_feed_is_read_again() {
    let (node, _, caller, pair) = two_nodes().await;
    node.list(View::Public).await;
    node.clock.age(MAX_AGE);
    for _ in 0..2 {
        assert!(matches!(
            node.services
                .auth
                .authenticate_from_memory(&pair.access_token),
            Some(Err(AuthenticateError::Internal(Internal::Stale(age)))) if age >= MAX_AGE
        ));
        assert!(matches!(
            node.authenticate(&pair).await,
            Err(AuthenticateError::Internal(Internal::Stale(_)))
        ));
        let list = node
            .services
            .users
            .list(list_key(View::Public), names)
            .await;
        assert!(matches!(list, Err(Internal::Stale(_))));
        node.store.rig(0, Event::Unavailable);
        assert!(node.services.feed.catch_up().await.is_err());
    }
    // What asks the database anyhow goes on.
    assert!(node.try_login("ada", PASSWORD).await.is_ok());
    assert!(node.refresh(&pair.refresh_token).await.is_ok());
    node.services.feed.catch_up().await.unwrap();
    let known = node.caller(&pair).await;
    assert_eq!(known.session().unwrap(), caller.session().unwrap());
    assert!(node.list(View::Public).await.body.len() > 2);
}

#[tokio::test]
async fn a_database_that_is_silent_is_told_by_the_health_at_once() {
    let node = Node::start().await;
    assert!(node.services.health.check().database);
    node.clock.age(Duration::from_millis(900));
    assert!(!node.services.health.check().database);
    node.services.feed.catch_up().await.unwrap();
    assert!(node.services.health.check().database);
}

#[tokio::test]
async fn services_do_not_start_without_the_feed() {
    let node = Node::start().await;
    let store = Arc::new(node.database.open());
    store.close().await;
    let closed = crate::ServicesConfig {
        store,
        clock: Arc::<crate::clock::FakeClock>::clone(&node.clock),
        secret_key: crate::tests::KEY.into(),
        secret_key_fallbacks: Vec::new(),
        jwt_algorithm: doorward_domain::JwtAlgorithm::Hs256,
        bcrypt_cost: 4,
        hashing: crate::hashing::HashingLimits::default(),
        password_policy: doorward_domain::password_policy::PasswordPolicy::DJANGO,
        settings: doorward_domain::Settings::default(),
        accept_foreign_tokens: false,
        shared: None,
        task_kinds: Arc::new(crate::tasks::NoopOnly),
    };
    assert!(crate::Services::start(closed).await.is_err());
}

#[tokio::test]
async fn a_session_that_ended_is_remembered_no_longer_than_its_tokens_are_good() {
    let (node, there, caller, pair) = two_nodes().await;
    node.services.auth.logout_all(&caller).await.unwrap();
    let revoked = |node: &Node| {
        node.services
            .feed
            .memory
            .revoked
            .contains(caller.session().unwrap())
    };
    assert!(revoked(&node) && !revoked(&there));
    for (seconds, is_remembered) in [(300, true), (5, true), (1, false)] {
        node.pass(seconds);
        node.services.feed.catch_up().await.unwrap();
        assert_eq!(revoked(&node), is_remembered, "after {seconds} s more");
        assert!(!node.accepts(&pair).await);
    }
}

#[tokio::test]
async fn a_follower_learns_by_itself_and_at_once_when_it_is_hurried() {
    let (here, there, caller, pair) = two_nodes().await;
    let feed = Arc::clone(&there.services.feed);
    let following = tokio::spawn(async move { feed.follow().await });
    here.services.auth.logout_all(&caller).await.unwrap();
    there.services.feed.hurry();
    let learnt = tokio::time::timeout(Duration::from_secs(1), async {
        while there.accepts(&pair).await {
            tokio::task::yield_now().await;
        }
    });
    assert!(learnt.await.is_ok());
    // Nobody hurries it now, and one look fails. The list is known, so that it is the follower's.
    there.list(View::Public).await;
    there.store.rig(0, Event::Unavailable);
    let id = caller.principal.id;
    write(&*here.store, move |tx| {
        tx.delete_user(id, DateTime::UNIX_EPOCH)
    })
    .await;
    let learnt = tokio::time::timeout(Duration::from_secs(5), async {
        while !there.list(View::Public).await.body.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(learnt.await.is_ok());
    following.abort();
}
