//! The secrets with which webhooks are signed.

use super::builders::{a_user, a_webhook_secret, instant};
use super::{read, write};
use crate::error::StoreError;
use crate::store::Store;
use chrono::TimeDelta;
use doorward_domain::{SealedSecret, User, UserId, WebhookSecret};
use std::sync::Arc;

async fn with_user(store: &dyn Store, name: &str) -> User {
    let user = a_user(name);
    let inserted = user.clone();
    write(store, move |tx| tx.insert_user(&inserted)).await;
    user
}

async fn put(store: &dyn Store, secret: &WebhookSecret) {
    let secret = secret.clone();
    write(store, move |tx| tx.put_webhook_secret(&secret)).await;
}

async fn secret_of(store: &dyn Store, user: &User) -> Option<WebhookSecret> {
    let id = user.id;
    read(store, move |tx| tx.webhook_secret(id)).await
}

fn rotated(secret: &WebhookSecret, seconds: i64) -> WebhookSecret {
    let sealed = SealedSecret(vec![0, 255, 7]);
    secret.clone().rotated(sealed, instant(seconds))
}

/// With and without one before it.
pub async fn a_webhook_secret_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let (ada, bob) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "bob").await,
    );
    let (first, second) = (a_webhook_secret(&ada), rotated(&a_webhook_secret(&bob), 5));
    put(&*store, &first).await;
    put(&*store, &second).await;
    assert_eq!(secret_of(&*store, &ada).await, Some(first));
    assert_eq!(secret_of(&*store, &bob).await, Some(second));
    assert_eq!(secret_of(&*store, &a_user("nobody")).await, None);
}

/// In every field, and nobody else's is touched.
pub async fn a_webhook_secret_takes_the_place_of_the_one_before(store: Arc<dyn Store>) {
    let (ada, bob) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "bob").await,
    );
    let (first, bystander) = (a_webhook_secret(&ada), a_webhook_secret(&bob));
    put(&*store, &first).await;
    put(&*store, &bystander).await;
    for next in [rotated(&first, 5), rotated(&rotated(&first, 5), 6), first] {
        put(&*store, &next).await;
        assert_eq!(secret_of(&*store, &ada).await, Some(next));
    }
    assert_eq!(secret_of(&*store, &bob).await, Some(bystander));
}

/// And the refusal is no conflict that a caller would answer for.
pub async fn a_webhook_secret_needs_its_user_and_goes_with_him(store: Arc<dyn Store>) {
    let stray = a_webhook_secret(&a_user("nobody"));
    let refused: Result<(), StoreError> =
        store.write(move |tx| tx.put_webhook_secret(&stray)).await;
    assert!(
        matches!(refused, Err(StoreError::Backend(_))),
        "{refused:?}"
    );
    let (ada, bob) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "bob").await,
    );
    let kept = a_webhook_secret(&bob);
    put(&*store, &a_webhook_secret(&ada)).await;
    put(&*store, &kept).await;
    let gone = ada.id;
    assert!(write(&*store, move |tx| tx.delete_user(gone, instant(1))).await);
    assert_eq!(secret_of(&*store, &ada).await, None);
    assert_eq!(secret_of(&*store, &bob).await, Some(kept));
}

/// Each once, in the order of their users.
pub async fn all_webhook_secrets_are_visited_in_pages(store: Arc<dyn Store>) {
    let mut written = Vec::new();
    for name in ["ada", "bob", "cyd", "dan", "eve"] {
        let secret = a_webhook_secret(&with_user(&*store, name).await);
        put(&*store, &secret).await;
        written.push(secret);
    }
    written.sort_by_key(|secret| secret.user_id);
    let (mut seen, mut after): (Vec<WebhookSecret>, Option<UserId>) = (Vec::new(), None);
    loop {
        let page = write(&*store, move |tx| tx.lock_webhook_secrets(after, 2)).await;
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.user_id);
        seen.extend(page);
    }
    assert_eq!(seen, written);
}

/// Whoever comes later sees what the one before has written.
pub async fn a_locked_webhook_secret_is_changed_by_one_at_a_time(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    put(&*store, &a_webhook_secret(&ada)).await;
    let longer: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                write(&*store, |tx| {
                    let mut locked = tx.lock_webhook_secrets(None, 9)?;
                    let secret = locked.pop().expect("the secret");
                    let created_at = secret.created_at + TimeDelta::seconds(1);
                    tx.put_webhook_secret(&WebhookSecret {
                        created_at,
                        ..secret
                    })
                })
                .await;
            })
        })
        .collect();
    for task in longer {
        task.await.expect("the change is made");
    }
    let made = secret_of(&*store, &ada)
        .await
        .map(|secret| secret.created_at);
    assert_eq!(made, Some(instant(20)));
}
