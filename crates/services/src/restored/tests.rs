use super::*;
use crate::auth::RefreshError;
use crate::tests::{Event, Node, claims};
use crate::tokens::TokenPair;
use crate::user_list::View;
use chrono::TimeDelta;
use doorward_domain::{EndReason, Role, User};
use doorward_storage::testing::{a_session, read, write};
use std::sync::Arc;

/// The tables as they are now, to be put back by [`restore`].
fn back_up(node: &Node) {
    node.database.execute(
        "CREATE TABLE backup_users AS SELECT * FROM users; \
         CREATE TABLE backup_sessions AS SELECT * FROM sessions; \
         CREATE TABLE backup_changes AS SELECT * FROM changes;",
    );
}

/// Numbers begin anew, as in a file that was put in the place of another.
fn restore(node: &Node) {
    node.database.execute(
        "DELETE FROM users; DELETE FROM sessions; DELETE FROM changes; DELETE FROM sqlite_sequence; \
         INSERT INTO users SELECT * FROM backup_users; \
         INSERT INTO sessions SELECT * FROM backup_sessions; \
         INSERT INTO changes SELECT * FROM backup_changes;",
    );
}

async fn end_all(node: &Node) -> Restored {
    end_all_sessions(&*node.store, &*node.clock).await.unwrap()
}

/// Neither of its tokens is good, in either form.
async fn assert_over(node: &Node, pair: &TokenPair, name: &str) {
    assert!(!node.accepts(pair).await, "{name}");
    for token in [pair.refresh_token.clone(), pair.refresh_uuid.to_string()] {
        let refused = node.refresh(&token).await;
        assert!(
            matches!(refused, Err(RefreshError::InvalidToken)),
            "{name}: {refused:?}"
        );
    }
}

async fn assert_good(node: &Node, pair: &TokenPair, name: &str) {
    assert!(node.accepts(pair).await, "{name}");
    let next = node.refresh(&pair.refresh_token).await.unwrap();
    assert!(node.accepts(&next).await, "{name}");
}

#[tokio::test]
async fn after_a_restore_no_session_of_the_time_before_is_good_and_new_ones_are() {
    let node = Node::start().await;
    let (ada, revoked) = node.join("ada", Role::User).await;
    let kept = node.login("ada").await;
    back_up(&node);
    node.services
        .auth
        .end_session(&ada, ada.session().unwrap())
        .await
        .unwrap();
    let begun_since = node.login("ada").await;
    restore(&node);
    let again = node.beside().await;
    assert!(
        again.accepts(&revoked).await && again.accepts(&begun_since).await,
        "this is why"
    );

    let done = end_all(&node).await;
    assert_eq!(done.sessions_ended, 2);
    let started = node.beside().await;
    for (name, pair) in [
        ("revoked", &revoked),
        ("kept", &kept),
        ("begun since", &begun_since),
    ] {
        assert_over(&started, pair, name).await;
    }
    let new = started.login("ada").await;
    assert_eq!(
        claims(&new.access_token)["iat"],
        claims(&begun_since.access_token)["iat"],
        "the same second"
    );
    assert_good(&started, &new, "new").await;
    let row = node.session(ada.session().unwrap()).await.unwrap();
    assert_eq!(row.end.unwrap().reason, EndReason::Restored);
}

/// It has a position that says nothing about this database, and memory of what the backup does not know.
#[tokio::test]
async fn a_node_that_was_left_running_notices_at_its_next_look() {
    let node = Node::start().await;
    let (_, before) = node.join("ada", Role::User).await;
    back_up(&node);
    for name in ["bob", "eve"] {
        node.make(name, Role::User).await;
    }
    let begun_since = node.login("bob").await;
    let bob = node.caller(&begun_since).await.principal.id;
    let list = node.list(View::Public).await;
    node.services.feed.catch_up().await.unwrap();
    restore(&node);
    end_all(&node.beside().await).await;
    node.services.feed.catch_up().await.unwrap();
    for pair in [&before, &begun_since] {
        assert_over(&node, pair, "after the look").await;
    }
    assert!(node.user(bob).await.is_none());
    assert_ne!(node.list(View::Public).await.body, list.body);
    assert_good(&node, &node.login("ada").await, "new").await;

    // And it follows the feed as before.
    let (ada, pair) = (node.clone(), node.login("ada").await);
    let caller = ada.caller(&pair).await;
    let other = node.beside().await;
    other.services.auth.logout_all(&caller).await.unwrap();
    node.services.feed.catch_up().await.unwrap();
    assert!(!node.accepts(&pair).await);
}

#[tokio::test]
async fn who_logs_in_at_a_node_that_has_not_noticed_yet_stays_logged_in() {
    let (node, other) = {
        let node = Node::start().await;
        node.make("ada", Role::User).await;
        let other = node.beside().await;
        (node, other)
    };
    end_all(&node).await;
    let pair = other.login("ada").await;
    assert!(other.accepts(&pair).await);
    for node in [&other, &node, &node.beside().await] {
        node.services.feed.catch_up().await.unwrap();
        assert!(node.accepts(&pair).await);
    }
}

/// A clock may be wrong by more than the leeway where the command runs, and right on the nodes.
#[tokio::test]
async fn a_clock_that_is_ahead_keeps_nobody_from_logging_in() {
    let node = Node::start().await;
    let (_, before) = node.join("ada", Role::User).await;
    let ahead = node.beside().await;
    ahead.clock.advance(TimeDelta::hours(1));
    end_all(&ahead).await;
    node.services.feed.catch_up().await.unwrap();
    assert_over(&node, &before, "before").await;
    assert_good(&node, &node.login("ada").await, "new").await;
}

#[tokio::test]
async fn a_session_that_a_node_began_whose_clock_is_ahead_is_over_too() {
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    let ahead = node.beside().await;
    ahead.clock.advance(LEEWAY);
    let pair = ahead.login("ada").await;
    end_all(&node).await;
    node.services.feed.catch_up().await.unwrap();
    assert_over(&node, &pair, "ahead").await;
}

#[tokio::test]
async fn it_may_be_done_again() {
    let node = Node::start().await;
    let (_, before) = node.join("ada", Role::User).await;
    let first = end_all(&node).await;
    let second = end_all(&node).await;
    assert_eq!((first.sessions_ended, second.sessions_ended), (1, 0));
    assert!(second.cutoff > first.cutoff);
    let between = node.login("ada").await;
    assert!(node.accepts(&between).await);
    // Also where the clock has stepped back.
    node.pass(-3600);
    assert_eq!(end_all(&node).await.sessions_ended, 1);
    let started = node.beside().await;
    assert_over(&started, &before, "before").await;
    assert_over(&started, &between, "between").await;
    assert_good(&started, &started.login("ada").await, "new").await;
}

async fn with_many(count: u32) -> (Node, User) {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await;
    let user = ada.clone();
    write(&*node.store, move |tx| {
        (0..count).try_for_each(|_| tx.insert_session(&a_session(&user)))
    })
    .await;
    (node, ada)
}

#[tokio::test]
async fn a_multitude_of_sessions_ends_in_batches_and_leaves_nothing_in_the_feed() {
    let (node, _) = with_many(2 * BATCH + 1).await;
    let units = node.store.units();
    let done = end_all(&node).await;
    assert_eq!(done.sessions_ended, usize::try_from(2 * BATCH + 1).unwrap());
    assert_eq!(
        node.store.units() - units,
        5,
        "the cutoff, three batches and a last look"
    );
    let position = doorward_storage::FeedPosition {
        cutoff: Some(done.cutoff),
        ..Default::default()
    };
    let page = read(&*node.store, move |tx| tx.changes_after(&position)).await;
    assert!(page.changes.is_empty() && !page.is_lost);
}

#[tokio::test]
async fn whatever_was_broken_off_is_finished_by_the_next_run_and_nothing_is_good_meanwhile() {
    for (skipped, is_set) in [(0, false), (1, true), (2, true)] {
        let (node, ada) = with_many(BATCH + 10).await;
        let pair = node.login("ada").await;
        node.store.rig(skipped, Event::CommitFails);
        let broken_off = end_all_sessions(&*node.store, &*node.clock).await;
        assert!(broken_off.is_err());
        let started = node.beside().await;
        if is_set {
            assert_over(&started, &pair, "after the cutoff").await;
        } else {
            assert!(started.accepts(&pair).await);
        }
        end_all(&node).await;
        let (id, now) = (ada.id, node.clock.now());
        let live = read(&*node.store, move |tx| tx.live_sessions_of(id, now)).await;
        assert_eq!(live, []);
        assert_over(&node.beside().await, &pair, "after the second run").await;
    }
}

/// Nothing else is lost by it.
#[tokio::test]
async fn accounts_and_what_nodes_know_of_them_stay() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::Admin).await;
    end_all(&node).await;
    assert_eq!(node.user(ada.id).await, Some(ada));
    let principal = node.caller(&node.login("ada").await).await.principal;
    let pair = node.login("ada").await;
    node.services.feed.catch_up().await.unwrap();
    let known = node.caller(&pair).await.principal;
    assert_eq!(known.role, principal.role);
    node.services.feed.catch_up().await.unwrap();
    assert!(
        Arc::ptr_eq(&known, &node.caller(&pair).await.principal),
        "it loads everything anew but once"
    );
}
