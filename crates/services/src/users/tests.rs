use super::*;
use crate::accounts::{ProfileUpdate, Register};
use crate::fields::FieldErrors;
use crate::tests::{Node, PASSWORD, list_key, names, registration, said, text};
use crate::tokens::TokenPair;
use doorward_domain::{Settings, UserId, Username};
use doorward_storage::testing::{instant, write};
use std::collections::BTreeMap;
use std::time::Duration;

fn settings(node: &Node, change: impl FnOnce(&mut Settings)) {
    let core = &node.services.users.core;
    let mut settings = Settings::clone(&core.settings.load());
    change(&mut settings);
    core.settings.store(Arc::new(settings));
}

// --- The list --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn whoever_asks_sees_as_much_as_his_role_allows() {
    let node = Node::start().await;
    for is_public in [true, false] {
        settings(&node, |settings| settings.public_user_list = is_public);
        let users = &node.services.users;
        match users.view_of(None) {
            Ok(View::Public) => assert!(is_public),
            Err(ListError::NotPublic) => assert!(!is_public),
            other => panic!("{other:?}"),
        }
        for (role, view) in [
            (Role::User, View::Public),
            (Role::Admin, View::Full),
            (Role::Owner, View::Full),
        ] {
            let name = format!("{role}-{is_public}");
            let (caller, _) = node.join(&name, role).await;
            assert_eq!(users.view_of(Some(&caller)).unwrap(), view, "{name}");
            match users.full_view(&caller) {
                Ok(view) => assert_eq!(view, View::Full, "{name}"),
                Err(AdministerError::NotAllowed) => assert_eq!(view, View::Public, "{name}"),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn the_public_view_shows_active_users_and_knows_no_search() {
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    node.pass(1);
    node.make("bob", Role::Admin).await;
    node.pass(1);
    let gone = node.make("gone", Role::User).await;
    node.change(gone.id, |user| User {
        is_active: false,
        ..user
    })
    .await;
    let list = async |view, prefix: Option<&str>, role| {
        let mut key = list_key(view);
        key.query.prefix = prefix.map(str::to_owned);
        key.query.role = role;
        let page = node.services.users.list(key, names).await.unwrap();
        text(&page.body).replace('\n', " ")
    };
    for (prefix, role) in [
        (None, None),
        (Some("b"), None),
        (None, Some(Role::Admin)),
        (Some("zzz"), Some(Role::Owner)),
    ] {
        assert_eq!(list(View::Public, prefix, role).await, "ada bob");
    }
    assert_eq!(list(View::Full, None, None).await, "ada bob gone");
    assert_eq!(list(View::Full, Some("b"), None).await, "bob");
    assert_eq!(list(View::Full, None, Some(Role::User)).await, "ada gone");
}

#[tokio::test]
async fn pages_follow_each_other_to_the_last() {
    let node = Node::start().await;
    for name in ["ada", "bob", "cleo", "dan", "eve"] {
        node.make(name, Role::User).await;
        node.pass(1);
    }
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let mut key = list_key(View::Full);
        (key.query.limit, key.query.after) = (2, after);
        let page = node.services.users.list(key, names).await.unwrap();
        pages.push(text(&page.body).replace('\n', " "));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(pages, ["ada bob", "cleo dan", "eve"]);
    let mut key = list_key(View::Full);
    key.query.limit = 5;
    let all = node.services.users.list(key, names).await.unwrap();
    assert_eq!(all.next, None, "a full last page has none after it");
}

/// Who is there while the list is asked for.
struct Crowd {
    node: Node,
    ada: Caller,
    pair: TokenPair,
    bob: UserId,
    owner: Caller,
}

impl Crowd {
    async fn gather() -> Self {
        let node = Node::start().await;
        let (ada, pair) = node.join("ada", Role::User).await;
        let bob = node.make("bob", Role::User).await.id;
        let (owner, _) = node.join("olga", Role::Owner).await;
        Self {
            node,
            ada,
            pair,
            bob,
            owner,
        }
    }

    async fn both_lists(&self) -> [Arc<ListPage>; 2] {
        [
            self.node.list(View::Public).await,
            self.node.list(View::Full).await,
        ]
    }

    async fn update(&self, id: UserId, update: UserUpdate) -> Result<User, AdministerError> {
        self.node
            .services
            .users
            .update(&self.owner, id, update)
            .await
    }
}

#[derive(Debug, Clone, Copy)]
enum Write {
    Registration,
    OwnName,
    OwnAddress,
    OwnDeletion,
    Name,
    Address,
    Role,
    Deactivation,
    Deletion,
    Login,
    Refresh,
    Logout,
    Nothing,
}

impl Write {
    async fn make(self, crowd: &Crowd) {
        let (node, services) = (&crowd.node, &crowd.node.services);
        let accounts = &services.accounts;
        let profile = async |update| {
            accounts.update_profile(&crowd.ada, update).await.unwrap();
        };
        let administer = async |update| {
            crowd.update(crowd.bob, update).await.unwrap();
        };
        match self {
            Self::Registration => {
                let new = registration("new@new.example");
                accounts.register(None, new).await.unwrap();
            }
            Self::OwnName => {
                profile(ProfileUpdate {
                    username: Some("countess".to_owned()),
                    ..ProfileUpdate::default()
                })
                .await;
            }
            Self::OwnAddress => {
                profile(ProfileUpdate {
                    email: Some("ada@new.example".to_owned()),
                    ..ProfileUpdate::default()
                })
                .await;
            }
            Self::OwnDeletion => accounts
                .delete_own(&crowd.ada, Some(PASSWORD.into()), FieldErrors::default())
                .await
                .unwrap(),
            Self::Name => {
                administer(UserUpdate {
                    username: Some("robert".to_owned()),
                    ..UserUpdate::default()
                })
                .await;
            }
            Self::Address => {
                administer(UserUpdate {
                    email: Some("bob@new.example".to_owned()),
                    ..UserUpdate::default()
                })
                .await;
            }
            Self::Role => {
                administer(UserUpdate {
                    role: Some("admin".to_owned()),
                    ..UserUpdate::default()
                })
                .await;
            }
            Self::Deactivation => {
                administer(UserUpdate {
                    is_active: Some(false),
                    ..UserUpdate::default()
                })
                .await;
            }
            Self::Deletion => {
                let users = &services.users;
                users.delete(&crowd.owner, crowd.bob).await.unwrap();
            }
            Self::Login => drop(node.login("bob").await),
            Self::Refresh => drop(node.refresh(&crowd.pair.refresh_token).await.unwrap()),
            Self::Logout => {
                services.auth.logout_all(&crowd.ada).await.unwrap();
            }
            Self::Nothing => {
                administer(UserUpdate {
                    username: Some("bob".to_owned()),
                    is_active: Some(true),
                    ..UserUpdate::default()
                })
                .await;
            }
        }
    }
}

#[tokio::test]
async fn the_list_is_the_very_same_until_a_write_drops_it() {
    for (made, drops_public, drops_full) in [
        (Write::Registration, true, true),
        (Write::OwnName, true, true),
        (Write::OwnAddress, false, true),
        (Write::OwnDeletion, true, true),
        (Write::Name, true, true),
        (Write::Address, false, true),
        (Write::Role, false, true),
        (Write::Deactivation, true, true),
        (Write::Deletion, true, true),
        (Write::Login, false, true), // the full view shows the last login
        (Write::Refresh, false, false),
        (Write::Logout, false, false),
        (Write::Nothing, false, false),
    ] {
        let crowd = Crowd::gather().await;
        let [public, full] = crowd.both_lists().await;
        let units = crowd.node.store.units();
        let [same_public, same_full] = crowd.both_lists().await;
        assert!(Arc::ptr_eq(&public, &same_public) && Arc::ptr_eq(&full, &same_full));
        assert_eq!(crowd.node.store.units(), units, "nobody asks the database");
        made.make(&crowd).await;
        let [new_public, new_full] = crowd.both_lists().await;
        assert_eq!(!Arc::ptr_eq(&public, &new_public), drops_public, "{made:?}");
        assert_eq!(!Arc::ptr_eq(&full, &new_full), drops_full, "{made:?}");
        let is_same_body = public.body == new_public.body;
        assert_eq!(is_same_body, public.etag == new_public.etag, "{made:?}");
    }
}

#[tokio::test]
async fn equal_bytes_have_equal_tags() {
    let crowd = Crowd::gather().await;
    let [before, _] = crowd.both_lists().await;
    for name in ["robert", "bob"] {
        let update = UserUpdate {
            username: Some(name.to_owned()),
            ..UserUpdate::default()
        };
        crowd.update(crowd.bob, update).await.unwrap();
    }
    let [after, _] = crowd.both_lists().await;
    assert!(!Arc::ptr_eq(&before, &after));
    assert_eq!(before, after);
    assert!(after.etag.starts_with('"') && after.etag.ends_with('"'));
}

#[tokio::test]
async fn a_page_that_was_read_before_a_change_is_not_kept_after_it() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await.id;
    for view in [View::Public, View::Full] {
        let meanwhile = node.clone();
        node.store.after(0, async move {
            meanwhile
                .change(ada, |user| User {
                    username: Username::parse(&format!("{}x", user.username)).unwrap(),
                    ..user
                })
                .await;
        });
        let before = node.list(view).await;
        let after = node.list(view).await;
        assert_eq!(format!("{}x", text(&before.body)), text(&after.body));
    }
}

#[tokio::test]
async fn a_page_grows_old() {
    let node = Node::start().await;
    let age = async |by| {
        node.clock.age(Duration::from_secs(by));
        node.services.feed.catch_up().await.unwrap();
    };
    settings(&node, |settings| {
        settings.user_list_cache_ttl = chrono::TimeDelta::seconds(100);
    });
    let page = node.list(View::Public).await;
    age(90).await;
    assert!(Arc::ptr_eq(&page, &node.list(View::Public).await));
    age(10).await;
    let page = node.list(View::Public).await;
    settings(&node, |settings| {
        settings.user_list_cache_ttl = chrono::TimeDelta::zero();
    });
    assert!(!Arc::ptr_eq(&page, &node.list(View::Public).await));
}

#[tokio::test]
async fn there_is_an_owner_when_there_is_an_active_one() {
    let node = Node::start().await;
    let has_owner = async || node.services.users.has_owner().await.unwrap();
    node.make("ada", Role::Admin).await;
    assert!(!has_owner().await);
    let olga = node.make("olga", Role::Owner).await;
    assert!(has_owner().await);
    node.change(olga.id, |user| User {
        is_active: false,
        ..user
    })
    .await;
    assert!(!has_owner().await);
}

// --- Administration --------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Look,
    Rename,
    Promote,
    SameRole,
    Deactivate,
    Delete,
}

impl Deed {
    const ALL: [Self; 6] = [
        Self::Look,
        Self::Rename,
        Self::Promote,
        Self::SameRole,
        Self::Deactivate,
        Self::Delete,
    ];

    async fn attempt(self, node: &Node, by: &Caller, id: UserId) -> Result<(), AdministerError> {
        let users = &node.services.users;
        let same_role = async || node.user(id).await.map(|user| user.role.to_string());
        let update = match self {
            Self::Look => return users.user(by, id).await.map(drop),
            Self::Delete => return users.delete(by, id).await,
            Self::Rename => UserUpdate {
                username: Some(format!("renamed-{id}")),
                ..UserUpdate::default()
            },
            Self::Promote => UserUpdate {
                role: Some("admin".to_owned()),
                ..UserUpdate::default()
            },
            Self::SameRole => UserUpdate {
                role: same_role().await,
                ..UserUpdate::default()
            },
            Self::Deactivate => UserUpdate {
                is_active: Some(false),
                ..UserUpdate::default()
            },
        };
        users.update(by, id, update).await.map(drop)
    }
}

#[tokio::test]
async fn an_admin_manages_users_and_an_owner_everybody() {
    let node = Node::start().await;
    for by in Role::ALL {
        let (caller, _) = node.join(&format!("by-{by}"), by).await;
        for target in Role::ALL {
            for deed in Deed::ALL {
                let id = node
                    .make(&format!("{by}-{deed:?}-{target}"), target)
                    .await
                    .id;
                let is_allowed = match (by, deed) {
                    (Role::User, _) | (Role::Admin, Deed::Promote) => false,
                    (Role::Owner, _) | (Role::Admin, Deed::Look) => true,
                    (Role::Admin, _) => target == Role::User,
                };
                let before = node.user(id).await;
                let done = deed.attempt(&node, &caller, id).await;
                let name = format!("{by} {deed:?} {target}: {done:?}");
                if is_allowed {
                    assert!(done.is_ok(), "{name}");
                } else {
                    assert!(matches!(done, Err(AdministerError::NotAllowed)), "{name}");
                    assert_eq!(node.user(id).await, before, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_not_found_whatever_is_wanted_of_him() {
    let node = Node::start().await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    for deed in Deed::ALL {
        let done = deed.attempt(&node, &owner, UserId::new(instant(0))).await;
        assert!(matches!(done, Err(AdministerError::NotFound)), "{deed:?}");
    }
}

#[tokio::test]
async fn every_bad_field_of_an_account_is_reported_at_once() {
    let crowd = Crowd::gather().await;
    let refused = async |update| match crowd.update(crowd.bob, update).await {
        Err(AdministerError::Invalid(errors)) => errors,
        other => panic!("{other:?}"),
    };
    let errors = refused(UserUpdate {
        username: Some("ADA".to_owned()),
        email: Some("ada@example.com".to_owned()),
        role: Some("king".to_owned()),
        is_active: Some(false),
        errors: FieldErrors::one("password", "Unknown field."),
    })
    .await;
    assert_eq!(
        said(&errors),
        BTreeMap::from([
            (
                "email",
                vec!["A user with that email address already exists."]
            ),
            ("password", vec!["Unknown field."]),
            ("role", vec!["Must be one of user, admin, owner."]),
            (
                "username",
                vec!["A user with that username already exists."]
            ),
        ])
    );
    let errors = refused(UserUpdate {
        username: Some("eve@example.com".to_owned()),
        ..UserUpdate::default()
    })
    .await;
    assert_eq!(
        said(&errors),
        BTreeMap::from([(
            "username",
            vec!["A username that contains @ must be the account's own email address."]
        )])
    );
    assert!(crowd.node.user(crowd.bob).await.unwrap().is_active);
}

#[tokio::test]
async fn whoever_is_deactivated_or_deleted_loses_every_session_at_once() {
    for deed in [Deed::Deactivate, Deed::Delete] {
        let crowd = Crowd::gather().await;
        let node = &crowd.node;
        let second = node.login("ada").await;
        let id = crowd.ada.principal.id;
        deed.attempt(node, &crowd.owner, id).await.unwrap();
        for pair in [&crowd.pair, &second] {
            assert!(!node.accepts(pair).await, "{deed:?}");
            assert!(node.refresh(&pair.refresh_token).await.is_err(), "{deed:?}");
        }
        assert!(node.try_login("ada", PASSWORD).await.is_err(), "{deed:?}");
        let restarted = node.beside().await;
        assert!(!restarted.accepts(&crowd.pair).await, "{deed:?}");
    }
}

#[tokio::test]
async fn a_new_role_is_in_force_at_the_next_request() {
    let crowd = Crowd::gather().await;
    let (node, id) = (&crowd.node, crowd.ada.principal.id);
    for role in ["admin", "owner", "user"] {
        let update = UserUpdate {
            role: Some(role.to_owned()),
            ..UserUpdate::default()
        };
        crowd.update(id, update).await.unwrap();
        let caller = node.caller(&crowd.pair).await;
        assert_eq!(caller.principal.role.as_str(), role);
    }
}

#[tokio::test]
async fn the_last_active_owner_is_neither_demoted_nor_deactivated_nor_deleted() {
    let crowd = Crowd::gather().await;
    let (node, olga) = (&crowd.node, crowd.owner.principal.id);
    for deed in [Deed::Promote, Deed::Deactivate, Deed::Delete] {
        let done = deed.attempt(node, &crowd.owner, olga).await;
        assert!(matches!(done, Err(AdministerError::LastOwner)), "{deed:?}");
    }
    Deed::Rename
        .attempt(node, &crowd.owner, olga)
        .await
        .unwrap();
    node.make("oleg", Role::Owner).await;
    Deed::Deactivate
        .attempt(node, &crowd.owner, olga)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_demote_each_other_one_stays() {
    let node = Node::start().await;
    let (olga, _) = node.join("olga", Role::Owner).await;
    let (oleg, _) = node.join("oleg", Role::Owner).await;
    for deed in [Deed::Promote, Deed::Deactivate, Deed::Delete] {
        let attempt = |by: &Caller, on: &Caller| {
            let (node, by, id) = (node.clone(), by.clone(), on.principal.id);
            tokio::spawn(async move { deed.attempt(&node, &by, id).await })
        };
        let (one, other) = (attempt(&olga, &oleg), attempt(&oleg, &olga));
        let results = [one.await.unwrap(), other.await.unwrap()];
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(won, 1, "{deed:?}: {results:?}");
        assert!(
            results
                .iter()
                .any(|result| matches!(result, Err(AdministerError::LastOwner))),
            "{deed:?}: {results:?}"
        );
        if deed == Deed::Delete {
            break; // the loser is not there to be made an owner again
        }
        for caller in [&olga, &oleg] {
            node.change(caller.principal.id, |user| User {
                role: Role::Owner,
                is_active: true,
                ..user
            })
            .await;
        }
    }
}

#[tokio::test]
async fn whoever_is_promoted_in_the_meantime_is_out_of_an_admins_reach() {
    for deed in [Deed::Rename, Deed::Deactivate, Deed::Delete] {
        let node = Node::start().await;
        let (admin, _) = node.join("admin", Role::Admin).await;
        let target = node.make("target", Role::User).await.id;
        let meanwhile = node.clone();
        node.store.before(0, async move {
            meanwhile
                .change(target, |user| User {
                    role: Role::Owner,
                    ..user
                })
                .await;
        });
        let done = deed.attempt(&node, &admin, target).await;
        assert!(matches!(done, Err(AdministerError::NotAllowed)), "{deed:?}");
    }
}

#[tokio::test]
async fn an_account_without_an_address_is_administered_as_well() {
    let node = Node::start().await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let register = Register {
        username: Some("imported".to_owned()),
        ..registration("imported@example.com")
    };
    let id = node.services.accounts.create(register).await.unwrap().id;
    let imported = User {
        email: None,
        ..node.user(id).await.unwrap()
    };
    assert!(
        write(&*node.store, move |tx| tx
            .update_user(&imported, instant(0)))
        .await
    );
    let update = UserUpdate {
        email: Some("late@example.com".to_owned()),
        ..UserUpdate::default()
    };
    let user = node.services.users.update(&owner, id, update).await;
    assert_eq!(user.unwrap().email.unwrap().as_str(), "late@example.com");
}
