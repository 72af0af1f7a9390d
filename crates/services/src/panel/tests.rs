use super::*;
use crate::clock::Clock;
use crate::tests::{KEY, Node, PASSWORD, login};
use doorward_storage::testing::read;
use secrecy::SecretString;

async fn enter(node: &Node, name: &str) -> Operator {
    let entered = node.services.panel.log_in(login(name, PASSWORD)).await;
    entered.unwrap()
}

/// A cookie of somebody with this role.
async fn cookie_of(node: &Node, name: &str, role: Role) -> String {
    node.make(name, role).await;
    enter(node, name).await.cookie.unwrap()
}

async fn look(node: &Node, cookie: &str) -> Option<Operator> {
    node.services.panel.operator(cookie).await.unwrap()
}

/// Lets time pass, as it does for a node that goes on reading the feed.
async fn pass(node: &Node, time: TimeDelta) {
    node.clock.advance(time);
    node.services.feed.catch_up().await.unwrap();
}

#[tokio::test]
async fn admins_and_owners_enter_and_a_plain_user_gets_no_session() {
    let node = Node::start().await;
    for role in [Role::Admin, Role::Owner] {
        node.make(role.as_str(), role).await;
        let operator = enter(&node, role.as_str()).await;
        let session = operator.caller.session().unwrap();
        let session = node.session(session).await.unwrap();
        assert_eq!(
            session.expires_at,
            node.clock.now() + PANEL_SESSION_LIFETIME
        );
        assert_eq!(session.access_expires_at, session.expires_at);
    }
    let ada = node.make("ada", Role::User).await;
    let refused = node.services.panel.log_in(login("ada", PASSWORD)).await;
    assert!(
        matches!(refused, Err(EnterError::NotAllowed)),
        "{refused:?}"
    );
    let refused = node.services.panel.log_in(login("admin", "wrong")).await;
    let expected = EnterError::Login(LoginError::InvalidCredentials).to_string();
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let now = node.clock.now();
    let sessions = read(&*node.store, move |tx| tx.live_sessions_of(ada.id, now)).await;
    assert_eq!(sessions, []);
}

#[tokio::test]
async fn a_cookie_ends_a_quarter_of_an_hour_after_it_was_seen_and_is_renewed_each_minute() {
    let node = Node::start().await;
    let first = cookie_of(&node, "olga", Role::Owner).await;
    assert_eq!(look(&node, &first).await.unwrap().cookie, None);
    pass(&node, TimeDelta::seconds(59)).await;
    assert_eq!(look(&node, &first).await.unwrap().cookie, None);
    pass(&node, TimeDelta::seconds(1)).await;
    let second = look(&node, &first).await.unwrap().cookie.unwrap();
    pass(&node, PANEL_IDLE - TimeDelta::minutes(1)).await;
    assert!(look(&node, &first).await.is_none());
    assert!(look(&node, &second).await.is_some());
    pass(&node, TimeDelta::minutes(1)).await;
    assert!(look(&node, &second).await.is_none());
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_however_often_it_is_renewed() {
    let node = Node::start().await;
    let mut cookie = cookie_of(&node, "olga", Role::Owner).await;
    for _ in 0..47 {
        pass(&node, TimeDelta::minutes(10)).await;
        cookie = look(&node, &cookie).await.unwrap().cookie.unwrap();
    }
    pass(&node, TimeDelta::minutes(10)).await;
    assert!(look(&node, &cookie).await.is_none());
}

#[tokio::test]
async fn a_cookie_counts_for_those_who_have_the_key_it_was_signed_with() {
    let node = Node::start().await;
    let cookie = cookie_of(&node, "olga", Role::Owner).await;
    let other = SecretString::from("another key for tests, 32 bytes and more");
    let stranger = node.beside_with(|config| config.secret_key = other.clone());
    assert!(look(&stranger.await, &cookie).await.is_none());
    let heir = node.beside_with(|config| {
        config.secret_key = other.clone();
        config.secret_key_fallbacks = vec![SecretString::from(KEY)];
    });
    let heir = heir.await;
    pass(&heir, TimeDelta::minutes(1)).await;
    let renewed = look(&heir, &cookie).await.unwrap().cookie.unwrap();
    assert!(look(&node, &renewed).await.is_none());
    assert!(look(&heir, &renewed).await.is_some());
}

#[tokio::test]
async fn whoever_is_no_admin_any_more_or_deactivated_is_out_at_once() {
    let node = Node::start().await;
    let demoted = cookie_of(&node, "anne", Role::Admin).await;
    let deactivated = cookie_of(&node, "bert", Role::Admin).await;
    let promoted = cookie_of(&node, "cleo", Role::Admin).await;
    let id = |operator: Option<Operator>| operator.unwrap().caller.principal.id;
    let (anne, bert) = (
        id(look(&node, &demoted).await),
        id(look(&node, &deactivated).await),
    );
    let cleo = id(look(&node, &promoted).await);
    node.change(anne, |user| doorward_domain::User {
        role: Role::User,
        ..user
    })
    .await;
    node.change(bert, |user| doorward_domain::User {
        is_active: false,
        ..user
    })
    .await;
    node.change(cleo, |user| doorward_domain::User {
        role: Role::Owner,
        ..user
    })
    .await;
    assert!(look(&node, &demoted).await.is_none());
    assert!(look(&node, &deactivated).await.is_none());
    let operator = look(&node, &promoted).await.unwrap();
    assert_eq!(operator.caller.principal.role, Role::Owner);
}

#[tokio::test]
async fn a_logout_ends_the_session_once_and_leaves_one_event() {
    let node = Node::start().await;
    let cookie = cookie_of(&node, "olga", Role::Owner).await;
    let operator = look(&node, &cookie).await.unwrap();
    for _ in 0..2 {
        node.services.panel.log_out(&operator).await.unwrap();
    }
    assert!(look(&node, &cookie).await.is_none());
    let query = crate::audit::AuditQuery {
        action: Some("session.logged_out".to_owned()),
        limit: 10,
        ..crate::audit::AuditQuery::default()
    };
    let events = read(&*node.store, move |tx| tx.list_events(&query)).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor_id, Some(operator.caller.principal.id));
}

#[tokio::test]
async fn a_known_operator_costs_no_query() {
    let node = Node::start().await;
    let cookie = cookie_of(&node, "olga", Role::Owner).await;
    look(&node, &cookie).await.unwrap();
    let before = node.store.units();
    look(&node, &cookie).await.unwrap();
    assert!(look(&node, "no cookie").await.is_none());
    assert_eq!(node.store.units(), before);
}

#[tokio::test]
async fn a_form_is_for_one_visit_alone() {
    let node = Node::start().await;
    let panel = &node.services.panel;
    let cookie = cookie_of(&node, "olga", Role::Owner).await;
    let inside = look(&node, &cookie).await.unwrap().visit;
    let stranger = Visit::new_stranger();
    let same = Visit::of_stranger(&stranger.cookie()).unwrap();
    let token = panel.form_token(stranger);
    assert!(panel.is_form_token(same, token.as_str()));
    for other in [inside, Visit::new_stranger()] {
        assert!(!panel.is_form_token(other, token.as_str()));
    }
    // A stranger who picks the number of somebody's session is a stranger still.
    let forged = Visit::of_stranger(&inside.cookie()).unwrap();
    let token = panel.form_token(inside);
    assert!(panel.is_form_token(inside, token.as_str()));
    assert!(!panel.is_form_token(forged, token.as_str()));
    for cookie in ["", "x", "AAAA", &"A".repeat(23)] {
        assert!(Visit::of_stranger(cookie).is_none(), "{cookie}");
    }
}

#[test]
fn neither_a_token_nor_a_visit_is_written_down() {
    let visit = Visit::new_stranger();
    assert_eq!(format!("{visit:?}"), "Visit(…)");
}
