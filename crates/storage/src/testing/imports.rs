//! Accounts that come from Django.

use super::builders::{a_user, instant};
use super::{read, write};
use crate::imports::{Claims, DjangoAccount, Holder, ImportedUser};
use crate::store::Store;
use doorward_domain::{Change, EmailAddress, Role, User, Username};
use std::sync::Arc;

fn imported(name: &str, django_id: &str) -> ImportedUser {
    ImportedUser {
        user: a_user(name),
        django_id: Some(django_id.to_owned()),
        first_name: Some("Ada".to_owned()),
        last_name: None,
    }
}

async fn insert(store: &dyn Store, users: &[ImportedUser]) -> usize {
    let users = users.to_vec();
    write(store, move |tx| tx.insert_imported(&users, instant(9))).await
}

async fn account(store: &dyn Store, django_id: &'static str) -> Option<DjangoAccount> {
    read(store, move |tx| tx.account_by_django_id(django_id)).await
}

/// Hundreds at a time, with and without what may be missing.
pub async fn imported_users_are_read_back_as_they_came(store: Arc<dyn Store>) {
    let many: Vec<_> = (0..500)
        .map(|i| imported(&format!("user{i}"), &i.to_string()))
        .collect();
    assert_eq!(insert(&*store, &many).await, 500);
    let bare = ImportedUser {
        user: User {
            email: None,
            password: None,
            last_login: Some(instant(-5)),
            role: Role::Owner,
            is_active: false,
            ..a_user("bare")
        },
        django_id: None,
        first_name: None,
        last_name: Some("von Ä".to_owned()),
    };
    assert_eq!(
        insert(&*store, &[bare.clone(), imported("ada", "500")]).await,
        2
    );
    assert_eq!(insert(&*store, &[]).await, 0);
    let id = bare.user.id;
    assert_eq!(read(&*store, move |tx| tx.user(id)).await, Some(bare.user));
    let found = account(&*store, "77").await.expect("it was imported");
    assert_eq!(found.user.username.as_str(), "user77");
    assert_eq!(found.foreign_tokens_from, None);
    assert_eq!(account(&*store, "501").await, None);
}

/// However many there are.
pub async fn an_import_changes_the_list_once(store: Arc<dyn Store>) {
    let before = read(&*store, |tx| tx.feed_end()).await;
    insert(&*store, &[imported("ada", "1"), imported("bob", "2")]).await;
    let page = read(&*store, move |tx| tx.changes_after(&before)).await;
    assert_eq!(page.changes, [Change::UserListChanged]);
}

/// By id, by Django's key, by username and by address, each without regard to case; the others are.
pub async fn whoever_clashes_with_somebody_is_not_inserted(store: Arc<dyn Store>) {
    let ada = imported("ada", "1");
    insert(&*store, std::slice::from_ref(&ada)).await;
    let with = |change: fn(&mut ImportedUser, &ImportedUser)| {
        let mut clashing = imported("eve", "3");
        change(&mut clashing, &ada);
        clashing
    };
    for clashing in [
        with(|eve, ada| eve.user.id = ada.user.id),
        with(|eve, ada| eve.django_id.clone_from(&ada.django_id)),
        with(|eve, _| eve.user.username = Username::parse("ADA").expect("a username")),
        with(|eve, _| eve.user.email = EmailAddress::parse("ADA@example.com").ok()),
    ] {
        let bob = imported("bob", "2");
        let id = bob.user.id;
        assert_eq!(insert(&*store, &[clashing, bob]).await, 1);
        assert!(write(&*store, move |tx| tx.delete_user(id, instant(9))).await);
    }
    assert_eq!(account(&*store, "3").await, None);
}

/// And nobody else.
pub async fn holders_are_found_by_each_claim_and_once(store: Arc<dyn Store>) {
    let (ada, bob) = (imported("ada", "1"), imported("bob", "2"));
    insert(&*store, &[ada.clone(), bob]).await;
    let holder = Holder {
        id: ada.user.id,
        django_id: ada.django_id.clone(),
        username: ada.user.username.clone(),
        email: ada.user.email.clone(),
    };
    let by_id = Claims {
        ids: vec![ada.user.id],
        ..Claims::default()
    };
    let by_django_id = Claims {
        django_ids: vec!["1".to_owned(), "9".to_owned()],
        ..Claims::default()
    };
    let by_username = Claims {
        usernames: ["ADA", "eve"]
            .map(|name| Username::parse(name).expect("a username"))
            .into(),
        ..Claims::default()
    };
    let by_email = Claims {
        emails: vec![EmailAddress::parse("ADA@example.com").expect("an address")],
        ..Claims::default()
    };
    let by_all = Claims {
        ids: by_id.ids.clone(),
        django_ids: by_django_id.django_ids.clone(),
        usernames: by_username.usernames.clone(),
        emails: by_email.emails.clone(),
    };
    for claims in [by_id, by_django_id, by_username, by_email, by_all] {
        let found = read(&*store, move |tx| tx.holders(&claims)).await;
        assert_eq!(found, std::slice::from_ref(&holder));
    }
    let none = read(&*store, |tx| tx.holders(&Claims::default())).await;
    assert_eq!(none, []);
}

/// It knows nothing of it.
pub async fn an_update_leaves_what_came_from_django(store: Arc<dyn Store>) {
    let ada = imported("ada", "1");
    insert(&*store, std::slice::from_ref(&ada)).await;
    let renamed = User {
        username: Username::parse("countess").expect("a username"),
        ..ada.user
    };
    let (changed, id) = (renamed.clone(), renamed.id);
    write(&*store, move |tx| {
        tx.refuse_foreign_tokens(id, instant(1))?;
        tx.update_user(&changed, instant(2))
    })
    .await;
    let expected = DjangoAccount {
        user: renamed,
        foreign_tokens_from: Some(instant(1)),
    };
    assert_eq!(account(&*store, "1").await, Some(expected));
}

/// Of those who come from Django, and nodes that remember them learn of it.
pub async fn foreign_tokens_are_refused_from_a_moment_on(store: Arc<dyn Store>) {
    let (ada, bob) = (imported("ada", "1"), a_user("bob"));
    let (ada_id, bob_id) = (ada.user.id, bob.id);
    insert(&*store, &[ada]).await;
    write(&*store, move |tx| tx.insert_user(&bob)).await;
    let before = read(&*store, |tx| tx.feed_end()).await;
    assert!(
        write(&*store, move |tx| tx
            .refuse_foreign_tokens(ada_id, instant(3)))
        .await
    );
    assert!(
        !write(&*store, move |tx| tx
            .refuse_foreign_tokens(bob_id, instant(3)))
        .await
    );
    let found = account(&*store, "1").await.expect("she is there");
    assert_eq!(found.foreign_tokens_from, Some(instant(3)));
    let page = read(&*store, move |tx| tx.changes_after(&before)).await;
    assert_eq!(page.changes, [Change::UserChanged(ada_id)]);
}
