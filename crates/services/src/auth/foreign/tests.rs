use crate::Internal;
use crate::accounts::ChangePassword;
use crate::auth::{AuthenticateError, Caller, Credential};
use crate::clock::Clock;
use crate::fields::FieldErrors;
use crate::jws;
use crate::keys::KeyRing;
use crate::restored::end_all_sessions;
use crate::tests::{Event, KEY, Node, PASSWORD};
use crate::users::UserUpdate;
use doorward_domain::{Role, User};
use doorward_storage::ImportedUser;
use doorward_storage::testing::{a_user, write};
use serde_json::json;

/// As simplejwt would sign it now.
fn token(node: &Node, django_id: &str, key: &str) -> String {
    let now = node.clock.now().timestamp();
    let claims = json!({
        "token_type": "access", "exp": now + 3600, "iat": now, "jti": "7d6b4b0c2f8e4f0e9d7c3a2b1c0d9e8f",
        "user_id": django_id,
    });
    jws::sign(&KeyRing::new(&key.into(), &[]), &claims).unwrap()
}

async fn moving() -> Node {
    Node::with(|config| config.accept_foreign_tokens = true).await
}

async fn import(node: &Node, user: User, django_id: &str) -> User {
    let imported = ImportedUser {
        user: user.clone(),
        django_id: Some(django_id.to_owned()),
        first_name: None,
        last_name: None,
    };
    let at = node.clock.now();
    let inserted = write(&*node.store, move |tx| tx.insert_imported(&[imported], at)).await;
    assert_eq!(inserted, 1);
    user
}

async fn ask(node: &Node, token: &str) -> Result<Caller, AuthenticateError> {
    node.services.auth.authenticate(token).await
}

async fn is_refused(node: &Node, token: &str) -> bool {
    let in_memory = node.services.auth.authenticate_from_memory(token);
    assert!(!matches!(in_memory, Some(Ok(_))), "memory accepts it");
    matches!(ask(node, token).await, Err(AuthenticateError::InvalidToken))
}

#[tokio::test]
async fn a_token_of_django_is_accepted_for_who_came_from_there_and_costs_one_query() {
    let node = moving().await;
    let ada = import(&node, a_user("ada"), "7").await;
    let token = token(&node, "7", KEY);
    let auth = &node.services.auth;
    assert!(auth.authenticate_from_memory(&token).is_none());
    let caller = ask(&node, &token).await.unwrap();
    assert_eq!(caller.principal.id, ada.id);
    assert_eq!(caller.credential, Credential::Foreign);
    let units = node.store.units();
    let again = auth.authenticate_from_memory(&token);
    assert_eq!(again.unwrap().unwrap().principal.id, ada.id);
    ask(&node, &token).await.unwrap();
    assert_eq!(node.store.units(), units);
}

#[tokio::test]
async fn without_the_switch_with_another_key_or_for_a_stranger_it_is_refused() {
    let node = moving().await;
    import(&node, a_user("ada"), "7").await;
    let of_ada = token(&node, "7", KEY);
    let closed = node.beside().await;
    assert!(is_refused(&closed, &of_ada).await);
    let forged = token(&node, "7", "another key for tests, 32 bytes and more");
    let units = node.store.units();
    assert!(is_refused(&node, &forged).await);
    assert_eq!(node.store.units(), units, "a forged one costs no query");
    assert!(is_refused(&node, &token(&node, "8", KEY)).await);
}

#[tokio::test]
async fn a_logout_everywhere_ends_the_tokens_of_django_too_on_every_node() {
    let node = moving().await;
    let accepting = |config: &mut crate::ServicesConfig| config.accept_foreign_tokens = true;
    let there = node.beside_with(accepting).await;
    import(&node, a_user("ada"), "7").await;
    let before = token(&node, "7", KEY);
    let caller = ask(&node, &before).await.unwrap();
    ask(&there, &before).await.unwrap();
    node.pass(2);
    node.services.auth.logout_all(&caller).await.unwrap();
    assert!(is_refused(&node, &before).await);
    there.services.feed.catch_up().await.unwrap();
    assert!(is_refused(&there, &before).await);
    node.pass(1);
    ask(&node, &token(&node, "7", KEY)).await.unwrap();
}

#[tokio::test]
async fn a_deactivation_ends_them_for_good() {
    let node = moving().await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let ada = import(&node, a_user("ada"), "7").await;
    let before = token(&node, "7", KEY);
    ask(&node, &before).await.unwrap();
    node.pass(2);
    for is_active in [false, true] {
        let update = UserUpdate {
            is_active: Some(is_active),
            ..UserUpdate::default()
        };
        let users = &node.services.users;
        users.update(&owner, ada.id, update).await.unwrap();
        assert!(is_refused(&node, &before).await);
    }
}

#[tokio::test]
async fn a_new_password_ends_them() {
    let node = moving().await;
    let (bob, pair) = node.join("bob", Role::User).await;
    let password = node.user(bob.principal.id).await.unwrap().password;
    let ada = User {
        password,
        ..a_user("ada")
    };
    import(&node, ada, "7").await;
    let before = token(&node, "7", KEY);
    let caller = ask(&node, &before).await.unwrap();
    node.pass(2);
    let change = ChangePassword {
        current_password: Some(PASSWORD.into()),
        new_password: Some("another fine Passphrase 8".into()),
        errors: FieldErrors::default(),
    };
    let accounts = &node.services.accounts;
    accounts.change_password(&caller, change).await.unwrap();
    assert!(is_refused(&node, &before).await);
    assert!(node.accepts(&pair).await, "another person");
}

#[tokio::test]
async fn such_a_caller_has_no_session_to_log_out_of() {
    let node = moving().await;
    import(&node, a_user("ada"), "7").await;
    let (_, pair) = node.join("bob", Role::User).await;
    let caller = ask(&node, &token(&node, "7", KEY)).await.unwrap();
    assert_eq!(caller.session(), None);
    let auth = &node.services.auth;
    assert!(auth.logout(&caller, &pair.refresh_token).await.is_err());
    assert!(node.accepts(&pair).await);
    assert_eq!(auth.sessions(&caller).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_was_issued_before_a_restore_is_refused() {
    let node = moving().await;
    import(&node, a_user("ada"), "7").await;
    let before = token(&node, "7", KEY);
    ask(&node, &before).await.unwrap();
    end_all_sessions(&*node.store, &*node.clock).await.unwrap();
    node.services.feed.catch_up().await.unwrap();
    assert!(is_refused(&node, &before).await);
    node.pass(10);
    ask(&node, &token(&node, "7", KEY)).await.unwrap();
}

#[tokio::test]
async fn an_outage_is_told_as_such() {
    let node = moving().await;
    import(&node, a_user("ada"), "7").await;
    let token = token(&node, "7", KEY);
    node.store.rig(0, Event::Unavailable);
    assert!(matches!(
        ask(&node, &token).await,
        Err(AuthenticateError::Internal(Internal::Unavailable(_)))
    ));
}
