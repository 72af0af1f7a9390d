use super::*;
use crate::ServicesConfig;
use crate::clock::Clock;
use crate::tests::{KEY, Node};
use chrono::TimeDelta;
use doorward_domain::Role;
use doorward_domain::webhook_secret::ROTATION_OVERLAP;
use doorward_storage::AuditQuery;
use doorward_storage::testing::{read, write};

const OTHER_KEY: &str = "another key for tests, 32 bytes too";

async fn rotate(node: &Node, caller: &Caller) -> IssuedWebhookSecret {
    node.services.webhook_secrets.rotate(caller).await.unwrap()
}

/// What a holder of these keys has to find on a message of the user.
async fn signature(node: &Node, caller: &Caller) -> String {
    let signers = node.services.webhook_secrets.signers(caller.principal.id);
    signers.await.unwrap().unwrap().sign("msg_1", b"{}")
}

fn signed_by(node: &Node, issued: &[&IssuedWebhookSecret]) -> String {
    let keys = issued
        .iter()
        .map(|it| WebhookKey::from_bytes(it.key.as_bytes()).unwrap());
    let signers = Signers::new(keys, node.clock.now()).unwrap();
    signers.sign("msg_1", b"{}")
}

#[tokio::test]
async fn a_secret_signs_from_the_moment_it_is_made() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let secrets = &node.services.webhook_secrets;
    assert_eq!(secrets.show(&ada).await.unwrap(), None);
    assert!(!secrets.exists(ada.principal.id).await.unwrap());
    assert!(secrets.signers(ada.principal.id).await.unwrap().is_none());
    let issued = rotate(&node, &ada).await;
    assert_eq!(issued.previous_until, None);
    let info = secrets.show(&ada).await.unwrap().unwrap();
    assert_eq!(
        (info.created_at, info.previous_until),
        (node.clock.now(), None)
    );
    assert!(secrets.exists(ada.principal.id).await.unwrap());
    assert_eq!(signature(&node, &ada).await, signed_by(&node, &[&issued]));
}

#[tokio::test]
async fn for_a_day_after_a_rotation_both_sign() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let first = rotate(&node, &ada).await;
    let second = rotate(&node, &ada).await;
    let until = node.clock.now() + ROTATION_OVERLAP;
    assert_eq!(second.previous_until, Some(until));
    let rotated = AuditQuery {
        actor: Some(ada.principal.id),
        action: Some("webhook_secret.rotated".to_owned()),
        limit: 9,
        ..AuditQuery::default()
    };
    let events = read(&*node.store, move |tx| tx.list_events(&rotated)).await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        signature(&node, &ada).await,
        signed_by(&node, &[&second, &first])
    );
    node.clock.advance(ROTATION_OVERLAP);
    assert_eq!(signature(&node, &ada).await, signed_by(&node, &[&second]));
    let info = node.services.webhook_secrets.show(&ada).await.unwrap();
    assert_eq!(info.unwrap().previous_until, None);
}

#[tokio::test]
async fn a_secret_is_its_owners_alone_and_goes_with_him() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (bob, _) = node.join("bob", Role::User).await;
    rotate(&node, &ada).await;
    let secrets = &node.services.webhook_secrets;
    assert_eq!(secrets.show(&bob).await.unwrap(), None);
    let id = ada.principal.id;
    let now = node.clock.now();
    write(&*node.store, move |tx| tx.delete_user(id, now)).await;
    assert!(!secrets.exists(id).await.unwrap());
    let refused = secrets.rotate(&ada).await;
    assert!(
        matches!(refused, Err(RotateWebhookSecretError::Gone)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_was_deactivated_makes_no_secret() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    node.change(ada.principal.id, |user| doorward_domain::User {
        is_active: false,
        ..user
    })
    .await;
    let refused = node.services.webhook_secrets.rotate(&ada).await;
    assert!(
        matches!(refused, Err(RotateWebhookSecretError::Gone)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_database_holds_nothing_that_signs_without_the_secret_key() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (bob, _) = node.join("bob", Role::User).await;
    let issued = rotate(&node, &ada).await;
    let (id, other) = (ada.principal.id, bob.principal.id);
    let row = read(&*node.store, move |tx| tx.webhook_secret(id)).await;
    let row = row.unwrap();
    for window in issued.key.as_bytes().windows(4) {
        assert!(!row.sealed.0.windows(4).any(|it| it == window));
    }
    // Nor does somebody else's secret open who can write to the database.
    let stolen = WebhookSecret {
        user_id: other,
        ..row
    };
    write(&*node.store, move |tx| tx.put_webhook_secret(&stolen)).await;
    let signers = node.services.webhook_secrets.signers(other).await;
    assert!(matches!(signers, Err(Internal::Failed(_))), "{signers:?}");
}

#[tokio::test]
async fn under_a_new_secret_key_secrets_are_sealed_anew_while_the_earlier_is_known() {
    let old = Node::start().await;
    let (ada, _) = old.join("ada", Role::User).await;
    let (first, second) = (rotate(&old, &ada).await, rotate(&old, &ada).await);
    let expected = signed_by(&old, &[&second, &first]);
    let moved = |earlier: &'static [&'static str]| {
        move |config: &mut ServicesConfig| {
            config.secret_key = OTHER_KEY.into();
            config.secret_key_fallbacks =
                earlier.iter().map(|key| SecretString::from(*key)).collect();
        }
    };
    let strange = old.beside_with(moved(&[])).await;
    let secrets = &strange.services.webhook_secrets;
    assert!(secrets.signers(ada.principal.id).await.is_err());
    let knowing = old.beside_with(moved(&[KEY])).await;
    assert_eq!(signature(&knowing, &ada).await, expected);
    // The one before is sealed anew, too; and the earlier key is not needed any more.
    assert_eq!(signature(&strange, &ada).await, expected);
    old.clock.advance(TimeDelta::days(2));
    let shown = knowing.services.webhook_secrets.show(&ada).await.unwrap();
    assert_eq!(shown.unwrap().created_at, second.created_at);
}
