//! Users.

use super::builders::{a_session, a_user, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::{Constraint, StoreError};
use crate::store::Store;
use crate::users::{UserCounts, UserQuery};
use chrono::TimeDelta;
use doorward_domain::{Change, EmailAddress, PasswordHash, Role, User, UserId, Username};
use std::sync::Arc;

async fn insert(store: &dyn Store, user: &User) {
    let user = user.clone();
    write(store, move |tx| tx.insert_user(&user)).await;
}

async fn try_insert(store: &dyn Store, user: &User) -> Result<(), StoreError> {
    let user = user.clone();
    store.write(move |tx| tx.insert_user(&user)).await
}

async fn update(store: &dyn Store, user: &User) -> bool {
    let user = user.clone();
    write(store, move |tx| tx.update_user(&user, instant(5))).await
}

async fn user(store: &dyn Store, id: UserId) -> Option<User> {
    read(store, move |tx| tx.user(id)).await
}

/// A user in whom every field differs from those of [`a_user`].
fn another(id: UserId) -> User {
    User {
        id,
        username: Username::parse("Łukasz O.").expect("a username"),
        email: Some(EmailAddress::parse("O'Neil+x@Example.org").expect("an address")),
        password: Some(PasswordHash::parse("bcrypt_sha256$$2b$12$x").expect("a hash")),
        role: Role::Admin,
        is_active: false,
        date_joined: instant(-1_000_000_000),
        last_login: Some(instant(7)),
    }
}

/// Whatever can be missing, may be.
fn bare(id: UserId) -> User {
    User {
        email: None,
        password: None,
        last_login: None,
        ..another(id)
    }
}

/// Every field, by every look-up.
pub async fn a_user_is_read_back_as_he_was_written(store: Arc<dyn Store>) {
    let ids = [(); 3].map(|()| UserId::new(instant(0)));
    let [full, none, plain] = ids;
    let users = [
        another(full),
        User {
            username: Username::parse("bare").expect("a username"),
            ..bare(none)
        },
        User {
            id: plain,
            ..a_user("ada")
        },
    ];
    for written in users {
        insert(&*store, &written).await;
        assert_eq!(user(&*store, written.id).await.as_ref(), Some(&written));
        let name = written.username.clone();
        let by_name = read(&*store, move |tx| tx.user_by_username(&name)).await;
        assert_eq!(by_name.as_ref(), Some(&written));
        if let Some(email) = written.email.clone() {
            let by_email = read(&*store, move |tx| tx.user_by_email(&email)).await;
            assert_eq!(by_email.as_ref(), Some(&written));
        }
        let id = written.id;
        let locked = write(&*store, move |tx| tx.lock_user(id)).await;
        assert_eq!(locked.as_ref(), Some(&written));
    }
}

/// Microseconds are kept before and after 1970, and what is finer is cut off.
pub async fn instants_keep_their_microseconds(store: Arc<dyn Store>) {
    for (i, micros) in [
        0,
        1,
        -1,
        999_999,
        -62_135_596_800_000_000,
        4_102_444_800_000_001,
    ]
    .into_iter()
    .enumerate()
    {
        let at = chrono::DateTime::from_timestamp_micros(micros).expect("in range");
        let written = User {
            date_joined: at,
            last_login: Some(at),
            ..a_user(&format!("user{i}"))
        };
        insert(&*store, &written).await;
        assert_eq!(user(&*store, written.id).await, Some(written), "{micros}");
    }
    let fine = User {
        date_joined: instant(0) + TimeDelta::nanoseconds(999),
        ..a_user("fine")
    };
    insert(&*store, &fine).await;
    let found = user(&*store, fine.id).await.expect("it is there");
    assert_eq!(found.date_joined, instant(0));
}

/// Names are compared by their keys.
pub async fn a_lookup_disregards_case(store: Arc<dyn Store>) {
    let written = User {
        username: Username::parse("Straße").expect("a username"),
        email: Some(EmailAddress::parse("Ada@Example.com").expect("an address")),
        ..a_user("ada")
    };
    insert(&*store, &written).await;
    let found = read(&*store, |tx| {
        let name = Username::parse("STRASSE").expect("a username");
        let email = EmailAddress::parse("aDA@eXAMPLE.COM").expect("an address");
        Ok([tx.user_by_username(&name)?, tx.user_by_email(&email)?])
    })
    .await;
    assert_eq!(found, [Some(written.clone()), Some(written)]);
}

/// No look-up makes somebody up.
pub async fn nobody_is_found_where_nobody_is(store: Arc<dyn Store>) {
    insert(&*store, &a_user("ada")).await;
    let found = write(&*store, |tx| {
        let bob = a_user("bob");
        let email = bob.email.as_ref().expect("an address");
        Ok([
            tx.user(bob.id)?,
            tx.lock_user(bob.id)?,
            tx.user_by_username(&bob.username)?,
            tx.user_by_email(email)?,
        ])
    })
    .await;
    assert_eq!(found, [None, None, None, None]);
}

/// By its key, when an account is made and when it is changed.
pub async fn a_taken_username_is_a_conflict(store: Arc<dyn Store>) {
    let (ada, bob) = (a_user("ada"), a_user("bob"));
    insert(&*store, &ada).await;
    insert(&*store, &bob).await;
    let name = Username::parse("ADA").expect("a username");
    let twin = User {
        username: name.clone(),
        ..a_user("eve")
    };
    let renamed = User {
        username: name,
        ..bob
    };
    let inserted = try_insert(&*store, &twin).await;
    let updated = store
        .write(move |tx| tx.update_user(&renamed, instant(1)))
        .await
        .map(drop);
    for refused in [inserted, updated] {
        assert!(
            matches!(refused, Err(StoreError::Conflict(Constraint::Username))),
            "{refused:?}"
        );
    }
    assert!(update(&*store, &ada).await, "his own name is free to him");
}

/// By its key, when an account is made and when it is changed.
pub async fn a_taken_email_address_is_a_conflict(store: Arc<dyn Store>) {
    let (ada, bob) = (a_user("ada"), a_user("bob"));
    insert(&*store, &ada).await;
    insert(&*store, &bob).await;
    let email = EmailAddress::parse("ADA@example.com").ok();
    let twin = User {
        email: email.clone(),
        ..a_user("eve")
    };
    let moved = User { email, ..bob };
    let inserted = try_insert(&*store, &twin).await;
    let updated = store
        .write(move |tx| tx.update_user(&moved, instant(1)))
        .await
        .map(drop);
    for refused in [inserted, updated] {
        assert!(
            matches!(refused, Err(StoreError::Conflict(Constraint::UserEmail))),
            "{refused:?}"
        );
    }
    assert!(
        update(&*store, &ada).await,
        "his own address is free to him"
    );
}

/// The absence of an address is not taken by the first.
pub async fn many_users_have_no_email_address(store: Arc<dyn Store>) {
    for name in ["ada", "bob", "eve"] {
        let without = User {
            email: None,
            ..a_user(name)
        };
        insert(&*store, &without).await;
        assert_eq!(user(&*store, without.id).await, Some(without));
    }
}

/// Every field, to and fro.
pub async fn an_update_writes_every_field(store: Arc<dyn Store>) {
    let (ada, bob) = (a_user("ada"), a_user("bob"));
    insert(&*store, &ada).await;
    insert(&*store, &bob).await;
    for changed in [another(ada.id), bare(ada.id), ada] {
        assert!(update(&*store, &changed).await);
        assert_eq!(user(&*store, changed.id).await, Some(changed));
    }
    assert_eq!(
        user(&*store, bob.id).await,
        Some(bob),
        "others are as before"
    );
}

/// And records nothing.
pub async fn an_update_of_nobody_is_false(store: Arc<dyn Store>) {
    let bob = a_user("bob");
    assert!(!update(&*store, &bob).await);
    let id = bob.id;
    assert!(!write(&*store, move |tx| tx.delete_user(id, instant(1))).await);
    let page = read(&*store, |tx| tx.changes_after(&FeedPosition::default())).await;
    assert_eq!(page.changes, []);
    assert_eq!(user(&*store, bob.id).await, None);
}

/// And others are not.
pub async fn a_deleted_user_is_gone_with_his_sessions(store: Arc<dyn Store>) {
    let (ada, bob) = (a_user("ada"), a_user("bob"));
    let (of_ada, of_bob) = (a_session(&ada), a_session(&bob));
    let ids = [of_ada.id, of_bob.id];
    let (ada_id, bob_id) = (ada.id, bob.id);
    write(&*store, move |tx| {
        for user in [&ada, &bob] {
            tx.insert_user(user)?;
        }
        for session in [&of_ada, &of_bob] {
            tx.insert_session(session)?;
        }
        Ok(())
    })
    .await;
    assert!(write(&*store, move |tx| tx.delete_user(ada_id, instant(1))).await);
    assert!(!write(&*store, move |tx| tx.delete_user(ada_id, instant(1))).await);
    assert_eq!(user(&*store, ada_id).await, None);
    assert!(user(&*store, bob_id).await.is_some());
    let left = read(&*store, move |tx| {
        Ok(ids.map(|id| tx.session(id).map(|session| session.is_some())))
    })
    .await;
    assert!(matches!(left, [Ok(false), Ok(true)]), "{left:?}");
    insert(&*store, &a_user("ada")).await; // the name is free again
}

/// Whose work it was to find the changes of one write.
async fn recorded<F>(store: &dyn Store, work: F) -> Vec<Change>
where
    F: FnOnce(&mut dyn crate::Transaction) -> Result<(), StoreError> + Send + 'static,
{
    let before = read(store, |tx| tx.feed_end()).await;
    write(store, work).await;
    read(store, move |tx| tx.changes_after(&before))
        .await
        .changes
}

/// When an account is made, changed and deleted.
pub async fn a_change_is_recorded_with_every_write(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    let id = ada.id;
    let both = [Change::UserChanged(id), Change::UserListChanged];
    let inserted = ada.clone();
    assert_eq!(
        recorded(&*store, move |tx| tx.insert_user(&inserted)).await,
        both
    );
    let logged_in = User {
        last_login: Some(instant(3)),
        ..ada
    };
    assert_eq!(
        recorded(&*store, move |tx| {
            tx.lock_user(id)?;
            tx.update_user(&logged_in, instant(3)).map(drop)
        })
        .await,
        [Change::UserChanged(id)]
    );
    assert_eq!(
        recorded(&*store, move |tx| tx.delete_user(id, instant(4)).map(drop)).await,
        both
    );
}

/// Names, dates and the active flag are in the list, and the rest is not; whether the user was locked before or not.
pub async fn a_change_of_the_list_is_recorded_where_the_list_changes(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    insert(&*store, &ada).await;
    let other = another(ada.id);
    let cases = [
        (
            true,
            User {
                username: other.username,
                ..ada.clone()
            },
        ),
        (
            false,
            User {
                email: other.email,
                ..ada.clone()
            },
        ),
        (
            false,
            User {
                password: other.password,
                ..ada.clone()
            },
        ),
        (
            false,
            User {
                role: other.role,
                ..ada.clone()
            },
        ),
        (
            true,
            User {
                is_active: other.is_active,
                ..ada.clone()
            },
        ),
        (
            true,
            User {
                date_joined: other.date_joined,
                ..ada.clone()
            },
        ),
        (
            false,
            User {
                last_login: other.last_login,
                ..ada.clone()
            },
        ),
    ];
    for (is_listed, changed) in cases {
        for locks_first in [false, true] {
            let (changed, back) = (changed.clone(), ada.clone());
            let forth = recorded(&*store, move |tx| {
                if locks_first {
                    tx.lock_user(changed.id)?;
                }
                tx.update_user(&changed, instant(1)).map(drop)
            })
            .await;
            assert_eq!(forth.contains(&Change::UserListChanged), is_listed);
            // In one unit of work, so that the second update is compared with the first.
            let back = recorded(&*store, move |tx| {
                tx.update_user(&back, instant(1))?;
                tx.update_user(&back, instant(1)).map(drop)
            })
            .await;
            let count = back
                .iter()
                .filter(|change| **change == Change::UserListChanged)
                .count();
            assert_eq!(count, usize::from(is_listed));
        }
    }
}

/// What is read under the lock is not overtaken.
pub async fn a_locked_user_is_changed_by_one_at_a_time(store: Arc<dyn Store>) {
    let ada = User {
        last_login: Some(instant(0)),
        ..a_user("ada")
    };
    let id = ada.id;
    insert(&*store, &ada).await;
    let steps: Vec<_> = (0..32)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                write(&*store, move |tx| {
                    let mut ada = tx.lock_user(id)?.expect("she is there");
                    ada.last_login = ada.last_login.map(|at| at + TimeDelta::seconds(1));
                    tx.update_user(&ada, instant(1)).map(drop)
                })
                .await;
            })
        })
        .collect();
    for step in steps {
        step.await.expect("the step succeeds");
    }
    let found = user(&*store, id).await.expect("she is there");
    assert_eq!(found.last_login, Some(instant(32)));
}

/// In the order of their ids.
pub async fn owners_are_locked_if_they_are_active(store: Arc<dyn Store>) {
    let mut owners = Vec::new();
    for (name, role, is_active) in [
        ("ada", Role::Owner, true),
        ("bob", Role::Owner, false),
        ("eve", Role::Admin, true),
        ("joe", Role::Owner, true),
    ] {
        let user = User {
            role,
            is_active,
            ..a_user(name)
        };
        insert(&*store, &user).await;
        if role == Role::Owner && is_active {
            owners.push(user.id);
        }
    }
    owners.sort();
    let locked = write(&*store, |tx| tx.lock_active_owners()).await;
    assert_eq!(locked, owners);
}

/// However often they try.
pub async fn two_owners_who_demote_each_other_leave_one(store: Arc<dyn Store>) {
    for round in 0..10 {
        let owners = ["ada", "bob"].map(|name| User {
            role: Role::Owner,
            ..a_user(&format!("{name}{round}"))
        });
        for owner in &owners {
            insert(&*store, owner).await;
        }
        let demotions = owners.map(|owner| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                write(&*store, move |tx| {
                    if tx.lock_active_owners()?.len() > 1 {
                        let demoted = User {
                            role: Role::User,
                            ..owner
                        };
                        tx.update_user(&demoted, instant(1))?;
                    }
                    Ok(())
                })
                .await;
            })
        });
        for demotion in demotions {
            demotion.await.expect("the demotion is decided");
        }
        let left = write(&*store, |tx| tx.lock_active_owners()).await;
        let [last] = left.as_slice() else {
            panic!("{left:?}");
        };
        let last = *last;
        write(&*store, move |tx| tx.delete_user(last, instant(1))).await;
    }
}

/// One is made, and all others hear why theirs is not.
pub async fn parallel_registrations_of_one_address_make_one_account(store: Arc<dyn Store>) {
    let email = a_user("ada").email;
    let registrations: Vec<_> = (0..32)
        .map(|i| {
            let store = Arc::clone(&store);
            let user = User {
                email: email.clone(),
                ..a_user(&format!("user{i}"))
            };
            tokio::spawn(async move { try_insert(&*store, &user).await })
        })
        .collect();
    let mut made = 0;
    for registration in registrations {
        match registration.await.expect("no panic") {
            Ok(()) => made += 1,
            Err(StoreError::Conflict(Constraint::UserEmail)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(made, 1);
}

async fn listed(store: &dyn Store, query: UserQuery) -> Vec<UserId> {
    let users = read(store, move |tx| tx.list_users(&query)).await;
    users.into_iter().map(|user| user.id).collect()
}

/// Every user once, whatever the size of the page.
pub async fn a_list_is_paged_by_id(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for i in 0..7 {
        let user = a_user(&format!("user{i}"));
        insert(&*store, &user).await;
        ids.push(user.id);
    }
    ids.sort();
    for limit in [1, 3, 7, 100] {
        let mut pages = Vec::new();
        loop {
            let page = listed(
                &*store,
                UserQuery {
                    after: pages.last().copied(),
                    limit,
                    ..UserQuery::default()
                },
            )
            .await;
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        assert_eq!(pages, ids, "{limit} a page");
    }
    let none = listed(&*store, UserQuery::default()).await;
    assert_eq!(none, [], "a limit of 0");
}

/// By each filter and by all of them.
pub async fn a_list_is_filtered(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    let adam = User {
        is_active: false,
        email: None,
        ..a_user("adam")
    };
    let bob = User {
        role: Role::Admin,
        email: EmailAddress::parse("adobe@example.com").ok(),
        ..a_user("bob")
    };
    for user in [&ada, &adam, &bob] {
        insert(&*store, user).await;
    }
    let all = UserQuery {
        limit: 10,
        ..UserQuery::default()
    };
    let begins = |prefix: &str| UserQuery {
        prefix: Some(prefix.to_owned()),
        ..all.clone()
    };
    let mut everybody = vec![ada.id, adam.id, bob.id];
    everybody.sort();
    let mut active = vec![ada.id, bob.id];
    active.sort();
    let active_only = UserQuery {
        is_active: Some(true),
        ..begins("ad")
    };
    let admins = UserQuery {
        role: Some(Role::Admin),
        ..active_only.clone()
    };
    let inactive = UserQuery {
        is_active: Some(false),
        ..all.clone()
    };
    let inactive_admins = UserQuery {
        role: Some(Role::Admin),
        ..inactive.clone()
    };
    for (query, found) in [
        (inactive, vec![adam.id]),
        (inactive_admins, vec![]),
        (all.clone(), everybody.clone()),
        (begins(""), everybody.clone()),
        (begins("ad"), everybody),
        (begins("ada@"), vec![ada.id]),
        (begins("adam"), vec![adam.id]),
        (begins("adob"), vec![bob.id]),
        (begins("c"), vec![]),
        (active_only, active),
        (admins, vec![bob.id]),
    ] {
        assert_eq!(listed(&*store, query.clone()).await, found, "{query:?}");
    }
}

/// However many begin with a prefix, the same are found, page by page, and by the filters.
pub async fn a_list_of_very_many_is_filtered_as_one_of_few(store: Arc<dyn Store>) {
    let users: Vec<User> = (0..2500)
        .map(|number| {
            (
                number,
                if number % 2 == 0 {
                    ("m", "w")
                } else {
                    ("w", "m")
                },
            )
        })
        .map(|(number, (of_address, of_name))| User {
            is_active: number % 500 != 7,
            role: match number % 700 {
                3 => Role::Admin,
                _ => Role::User,
            },
            // As many begin so by the address alone as by the name alone.
            email: EmailAddress::parse(&format!("{of_address}{number}@example.com")).ok(),
            ..a_user(&format!("{of_name}{number}"))
        })
        .collect();
    let made = users.clone();
    let insert_all = move |tx: &mut dyn crate::store::Transaction| {
        made.iter().try_for_each(|user| tx.insert_user(user))
    };
    write(&*store, insert_all).await;
    let mut ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    ids.sort();
    let (before, behind) = ids.split_at(1250);
    let (half, last) = (*before.last().expect("one"), *behind.last().expect("one"));
    let first_of = |ids: &[UserId]| ids.iter().copied().take(60).collect::<Vec<_>>();
    let of = |wanted: fn(&User) -> bool| {
        let mut found: Vec<_> = users.iter().filter(|user| wanted(user)).collect();
        found.sort_by_key(|user| user.id);
        found.into_iter().map(|user| user.id).take(60).collect()
    };
    let many = UserQuery {
        prefix: Some("m".to_owned()),
        limit: 60,
        ..UserQuery::default()
    };
    let few = UserQuery {
        prefix: Some("m77".to_owned()),
        ..many.clone()
    };
    let role = |role, query: &UserQuery| UserQuery {
        role: Some(role),
        ..query.clone()
    };
    let inactive = |query: &UserQuery| UserQuery {
        is_active: Some(false),
        ..query.clone()
    };
    let after = |after, query: &UserQuery| UserQuery {
        after: Some(after),
        ..query.clone()
    };
    let begins: fn(&User) -> bool = |user| {
        user.email
            .as_ref()
            .is_some_and(|it| it.key().starts_with("m77"))
            || user.username.key().starts_with("m77")
    };
    let cases: Vec<(UserQuery, Vec<UserId>)> = vec![
        (many.clone(), first_of(before)),
        (after(half, &many), first_of(behind)),
        (after(last, &many), vec![]),
        (role(Role::User, &many), of(|user| user.role == Role::User)),
        (
            role(Role::Admin, &many),
            of(|user| user.role == Role::Admin),
        ),
        (inactive(&many), of(|user| !user.is_active)),
        (
            role(Role::User, &inactive(&many)),
            of(|user| !user.is_active && user.role == Role::User),
        ),
        (few.clone(), of(begins)),
        (role(Role::User, &few), of(begins)),
        (role(Role::Owner, &few), vec![]),
    ];
    for (query, found) in cases {
        assert_eq!(listed(&*store, query.clone()).await, found, "{query:?}");
    }
}

/// By whether they may log in.
pub async fn users_are_counted(store: Arc<dyn Store>) {
    let count = async |store: &dyn Store| read(store, |tx| tx.count_users()).await;
    assert_eq!(count(&*store).await, UserCounts::default());
    for (name, is_active) in [("ada", true), ("bob", false), ("eve", true)] {
        let user = User {
            is_active,
            ..a_user(name)
        };
        insert(&*store, &user).await;
    }
    let counts = UserCounts {
        active: 2,
        inactive: 1,
    };
    assert_eq!(count(&*store).await, counts);
}

/// Nothing in it is a pattern, and it may be of any characters.
pub async fn a_prefix_is_taken_literally(store: Arc<dyn Store>) {
    let named = |name: &str, email: &str| User {
        username: Username::parse(name).expect("a username"),
        email: EmailAddress::parse(email).ok(),
        ..a_user("ada")
    };
    let under = named("a_b", "under%score@example.com");
    let other = named("axb", "underscore@example.com");
    let far = named("\u{d7fb}z", "z@example.com");
    for user in [&under, &other, &far] {
        insert(&*store, user).await;
    }
    for (prefix, found) in [
        ("a_", vec![under.id]),
        ("under%", vec![under.id]),
        ("%", vec![]),
        ("\\", vec![]),
        ("'", vec![]),
        ("\u{d7fb}", vec![far.id]),
        ("\u{10ffff}", vec![]),
        ("\u{0}", vec![]),
        ("a\u{0}", vec![]),
    ] {
        let query = UserQuery {
            prefix: Some(prefix.to_owned()),
            limit: 10,
            ..UserQuery::default()
        };
        assert_eq!(listed(&*store, query).await, found, "{prefix:?}");
    }
}
