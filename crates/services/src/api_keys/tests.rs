use super::*;
use crate::auth::{AuthenticateError, Credential};
use crate::clock::Clock;
use crate::feed::MAX_AGE;
use crate::restored::end_all_sessions;
use crate::tests::{Event, Node, PASSWORD, new_key, said};
use crate::users::{AdministerError, UserUpdate};
use doorward_domain::{Origin, Role, User};
use doorward_storage::testing::{instant, write};
use std::pin::Pin;
use std::time::Duration;

/// Whom the key lets in.
async fn caller(node: &Node, key: &ApiKeySecret) -> Option<Caller> {
    match node
        .services
        .auth
        .authenticate_key(key.expose(), &Origin::default())
        .await
    {
        Ok(caller) => Some(caller),
        Err(AuthenticateError::InvalidKey) => None,
        Err(other) => panic!("{other}"),
    }
}

async fn accepts(node: &Node, key: &ApiKeySecret) -> bool {
    let asked = caller(node, key).await.is_some();
    let remembered = node
        .services
        .auth
        .authenticate_key_from_memory(key.expose());
    if let Some(known) = remembered {
        assert_eq!(known.is_ok(), asked, "memory and database agree");
    }
    let verified = node
        .services
        .api_keys
        .verify(key.expose(), &Origin::default())
        .await
        .unwrap();
    assert_eq!(verified.is_some(), asked);
    asked
}

fn regenerate(overlap_seconds: Option<i64>) -> Regenerate {
    Regenerate {
        overlap_seconds,
        ..Regenerate::default()
    }
}

async fn shown(node: &Node, owner: &Caller, id: ApiKeyId) -> ApiKey {
    node.services.api_keys.show(owner, id).await.unwrap()
}

// --- What a key may be -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_key_acts_for_its_owner_within_its_scopes() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::Admin).await;
    let new = NewApiKey {
        scopes: Some(vec!["users:read".to_owned(), "profile:write".to_owned()]),
        expiry: Expiry::At("2030-01-31T13:00:00.1234567+01:00".to_owned()),
        ..new_key()
    };
    let issued = node.services.api_keys.create(&ada, new).await.unwrap();
    let by_key = caller(&node, &issued.secret).await.unwrap();
    assert_eq!(by_key.principal, ada.principal);
    let scopes: Scopes = [Scope::UsersRead, Scope::ProfileWrite]
        .into_iter()
        .collect();
    let id = issued.key.id;
    assert_eq!(by_key.credential, Credential::ApiKey { id, scopes });
    assert_eq!((by_key.session(), by_key.scopes()), (None, scopes));
    assert!(by_key.has(Scope::UsersRead) && !by_key.has(Scope::ProfileRead));
    assert_eq!(ada.scopes(), Scopes::ALL);
    let expires_at = "2030-01-31T12:00:00.123456Z".parse().ok();
    let verified = node
        .services
        .api_keys
        .verify(issued.secret.expose(), &Origin::default())
        .await;
    let good = VerifiedApiKey {
        user_id: ada.principal.id,
        scopes,
        expires_at,
    };
    assert_eq!(verified.unwrap(), Some(good));
    assert_eq!(issued.key.expires_at, expires_at);
    assert_eq!(
        shown(&node, &ada, id).await.digest,
        digest_of(&issued.secret)
    );
}

#[tokio::test]
async fn a_key_reads_and_never_expires_where_nothing_is_said() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let issued = node.issue(&ada).await;
    assert_eq!(issued.key.scopes, Scopes::READING);
    assert_eq!(issued.key.expires_at, None);
    assert_eq!(shown(&node, &ada, issued.key.id).await, issued.key);
    let other = node.issue(&ada).await;
    assert_ne!(issued.secret, other.secret);
    node.pass(100 * 365 * 86_400);
    assert!(accepts(&node, &issued.secret).await);
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let keys = &node.services.api_keys;
    let scopes = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let at = |text: &str| Expiry::At(text.to_owned());
    let new = NewApiKey {
        name: None,
        scopes: scopes(&["profile:read", "king"]),
        expiry: at("tomorrow"),
        errors: FieldErrors::one("user_id", "Unknown field."),
    };
    let Err(CreateApiKeyError::Invalid(errors)) = keys.create(&ada, new).await else {
        panic!("a key was made");
    };
    let zone = "Enter a time with its zone, such as 2030-01-31T12:00:00Z.";
    let among = "Must be among profile:read, profile:write, users:read, tasks:read, tasks:write.";
    let expected = [
        ("expires_at", vec![zone]),
        ("name", vec!["This field is required."]),
        ("scopes", vec![among]),
        ("user_id", vec!["Unknown field."]),
    ];
    assert_eq!(said(&errors), expected.into());

    let issued = node.issue(&ada).await;
    for (update, field, message) in [
        (
            ApiKeyUpdate {
                scopes: scopes(&[]),
                ..ApiKeyUpdate::default()
            },
            "scopes",
            "This list may not be empty.",
        ),
        (
            ApiKeyUpdate {
                expiry: at("2027-01-31T12:00:00"),
                ..ApiKeyUpdate::default()
            },
            "expires_at",
            zone,
        ),
        (
            ApiKeyUpdate {
                expiry: at(&node.clock.now().to_rfc3339()),
                ..ApiKeyUpdate::default()
            },
            "expires_at",
            "Must be in the future.",
        ),
        (
            ApiKeyUpdate {
                name: Some(" ".to_owned()),
                ..ApiKeyUpdate::default()
            },
            "name",
            "This field may not be blank.",
        ),
    ] {
        let refused = keys.update(&ada, issued.key.id, update).await;
        let Err(ApiKeyError::Invalid(errors)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(said(&errors), [(field, vec![message])].into());
    }
    for seconds in [-1, 86_401, i64::MAX, i64::MIN] {
        let refused = keys.regenerate(&ada, issued.key.id, regenerate(Some(seconds)));
        let Err(ApiKeyError::Invalid(errors)) = refused.await else {
            panic!("{seconds} s");
        };
        let whole = "Must be a whole number from 0 to 86400.";
        assert_eq!(said(&errors), [("overlap_seconds", vec![whole])].into());
    }
    assert_eq!(shown(&node, &ada, issued.key.id).await, issued.key);
    assert!(accepts(&node, &issued.secret).await);
}

#[tokio::test]
async fn a_user_has_at_most_so_many_keys_also_when_two_are_made_at_once() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (bob, _) = node.join("bob", Role::User).await;
    let keys = &node.services.api_keys;
    let mut last = node.issue(&ada).await;
    for _ in 2..MAX_API_KEYS_PER_USER {
        last = node.issue(&ada).await;
    }
    let (one, two) = tokio::join!(keys.create(&ada, new_key()), keys.create(&ada, new_key()));
    let refused = [one, two].into_iter().filter_map(Result::err);
    let refused: Vec<_> = refused.collect();
    assert!(
        matches!(*refused, [CreateApiKeyError::TooMany]),
        "{refused:?}"
    );
    node.issue(&bob).await;
    keys.delete(&ada, last.key.id).await.unwrap();
    node.issue(&ada).await;
}

#[tokio::test]
async fn who_is_deactivated_while_he_makes_a_key_gets_none() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (there, id) = (node.beside().await, ada.principal.id);
    node.store.before(0, async move {
        let deactivate = |user| User {
            is_active: false,
            ..user
        };
        there.change(id, deactivate).await;
    });
    let refused = node.services.api_keys.create(&ada, new_key()).await;
    assert!(
        matches!(refused, Err(CreateApiKeyError::Gone)),
        "{refused:?}"
    );
}

// --- Whose it is -----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_key_of_another_is_the_same_as_none() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (eve, _) = node.join("eve", Role::Owner).await;
    let issued = node.issue(&ada).await;
    let keys = &node.services.api_keys;
    for id in [issued.key.id, ApiKeyId::new(instant(0))] {
        let bad = Regenerate {
            overlap_seconds: Some(-1),
            ..Regenerate::default()
        };
        for refused in [
            keys.show(&eve, id).await.map(drop),
            keys.update(&eve, id, ApiKeyUpdate::default())
                .await
                .map(drop),
            keys.regenerate(&eve, id, bad).await.map(drop),
            keys.delete(&eve, id).await,
        ] {
            assert!(matches!(refused, Err(ApiKeyError::NotFound)), "{refused:?}");
        }
    }
    assert!(keys.list(&eve, None, 50).await.unwrap().keys.is_empty());
    assert_eq!(shown(&node, &ada, issued.key.id).await, issued.key);
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        node.pass(1);
        made.push(node.issue(&ada).await.key);
    }
    let keys = &node.services.api_keys;
    let (mut listed, mut after) = (Vec::new(), None);
    for is_last in [false, false, true] {
        let page = keys.list(&ada, after, 2).await.unwrap();
        after = page.next;
        assert_eq!(after.is_none(), is_last);
        listed.extend(page.keys);
    }
    assert_eq!(listed, made);
    assert_eq!(keys.list(&ada, None, 5).await.unwrap().next, None);
}

#[tokio::test]
async fn an_admin_sees_all_keys_and_deletes_those_of_users() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (admin, _) = node.join("admin", Role::Admin).await;
    let (owner, _) = node.join("owner", Role::Owner).await;
    let keys = &node.services.api_keys;
    let of = |caller: &Caller| caller.principal.id;
    for (person, is_managed) in [(&ada, true), (&admin, false), (&owner, false)] {
        let key = node.issue(person).await;
        let listed = keys.list_of(&admin, of(person), None, 50).await.unwrap();
        assert_eq!(listed.keys, std::slice::from_ref(&key.key));
        let refused = keys.list_of(&ada, of(person), None, 50).await.map(drop);
        assert!(matches!(refused, Err(AdministerError::NotAllowed)));
        let refused = keys.delete_of(&ada, of(person), key.key.id).await;
        assert!(matches!(refused, Err(AdministerError::NotAllowed)));
        let elsewhere = keys.delete_of(&owner, UserId::new(instant(0)), key.key.id);
        assert!(matches!(elsewhere.await, Err(AdministerError::NotFound)));
        let deleted = keys.delete_of(&admin, of(person), key.key.id).await;
        assert_eq!(deleted.is_ok(), is_managed, "{deleted:?}");
        assert_eq!(accepts(&node, &key.secret).await, !is_managed);
        let by_owner = keys.delete_of(&owner, of(person), key.key.id).await;
        assert_eq!(by_owner.is_ok(), !is_managed, "{by_owner:?}");
        assert!(!accepts(&node, &key.secret).await);
    }
    let nobody = keys
        .list_of(&admin, UserId::new(instant(0)), None, 50)
        .await;
    assert!(matches!(nobody, Err(AdministerError::NotFound)));
    let key = node.issue(&owner).await.key.id;
    let anothers = keys.delete_of(&owner, of(&ada), key).await;
    assert!(matches!(anothers, Err(AdministerError::NotFound)));
}

// --- What ends it ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_key_is_good_until_it_expires_and_not_a_microsecond_longer() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let keys = &node.services.api_keys;
    let end = node.clock.now() + TimeDelta::seconds(5);
    let at = |end: DateTime<Utc>| Expiry::At(end.to_rfc3339());
    let new = NewApiKey {
        expiry: at(end),
        ..new_key()
    };
    let issued = keys.create(&ada, new).await.unwrap();
    node.clock.advance(TimeDelta::microseconds(4_999_999));
    assert!(accepts(&node, &issued.secret).await);
    node.clock.advance(TimeDelta::microseconds(1));
    assert!(!accepts(&node, &issued.secret).await);
    let refused = keys.regenerate(&ada, issued.key.id, regenerate(None)).await;
    let Err(ApiKeyError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    assert!(errors.mentions("expires_at"));
    let longer = ApiKeyUpdate {
        expiry: at(end + TimeDelta::seconds(10)),
        ..ApiKeyUpdate::default()
    };
    keys.update(&ada, issued.key.id, longer).await.unwrap();
    assert!(accepts(&node, &issued.secret).await);
    let for_ever = ApiKeyUpdate {
        expiry: Expiry::Never,
        ..ApiKeyUpdate::default()
    };
    let key = keys.update(&ada, issued.key.id, for_ever).await.unwrap();
    assert_eq!(key.expires_at, None);
}

#[tokio::test]
async fn the_old_secret_is_dead_at_once_or_when_it_was_said() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let keys = &node.services.api_keys;
    let first = node.issue(&ada).await;
    let id = first.key.id;
    assert!(accepts(&node, &first.secret).await);
    let second = keys.regenerate(&ada, id, regenerate(None)).await.unwrap();
    assert!(!accepts(&node, &first.secret).await);
    assert!(accepts(&node, &second.secret).await);
    assert_eq!(second.key.prefix, second.secret.prefix());
    let third = keys
        .regenerate(&ada, id, regenerate(Some(9)))
        .await
        .unwrap();
    let verified = keys
        .verify(second.secret.expose(), &Origin::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        verified.expires_at,
        Some(node.clock.now() + TimeDelta::seconds(9))
    );
    node.pass(8);
    assert!(accepts(&node, &second.secret).await && accepts(&node, &third.secret).await);
    node.pass(1);
    assert!(!accepts(&node, &second.secret).await);
    assert!(accepts(&node, &third.secret).await);
    let key = shown(&node, &ada, id).await;
    assert_eq!((key.id, key.name), (first.key.id, first.key.name));
}

type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;
type End = fn(Node, Caller, Caller, ApiKeyId) -> Ended;

#[tokio::test]
async fn what_ends_a_key_ends_it_on_other_nodes_as_soon_as_they_read_the_feed() {
    let ends: [(&str, End); 5] = [
        ("deletion", |node, ada, _, id| {
            Box::pin(async move { node.services.api_keys.delete(&ada, id).await.unwrap() })
        }),
        ("regeneration", |node, ada, _, id| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                keys.regenerate(&ada, id, regenerate(None)).await.unwrap();
            })
        }),
        ("deletion by an admin", |node, ada, admin, id| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                let ada = ada.principal.id;
                keys.delete_of(&admin, ada, id).await.unwrap();
            })
        }),
        ("deactivation", |node, ada, admin, _| {
            Box::pin(async move {
                let update = UserUpdate {
                    is_active: Some(false),
                    ..UserUpdate::default()
                };
                let users = &node.services.users;
                users
                    .update(&admin, ada.principal.id, update)
                    .await
                    .unwrap();
            })
        }),
        ("the end of the account", |node, ada, _, _| {
            Box::pin(async move {
                let accounts = &node.services.accounts;
                let password = Some(PASSWORD.into());
                let deleted = accounts.delete_own(&ada, password, FieldErrors::default());
                deleted.await.unwrap();
            })
        }),
    ];
    for (name, end) in ends {
        let here = Node::start().await;
        let (ada, _) = here.join("ada", Role::User).await;
        let (admin, _) = here.join("admin", Role::Admin).await;
        let there = here.beside().await;
        let issued = here.issue(&ada).await;
        assert!(accepts(&here, &issued.secret).await && accepts(&there, &issued.secret).await);
        end(here.clone(), ada, admin, issued.key.id).await;
        assert!(!accepts(&here, &issued.secret).await, "{name}");
        assert!(accepts(&there, &issued.secret).await, "{name}: remembered");
        there.services.feed.catch_up().await.unwrap();
        assert!(!accepts(&there, &issued.secret).await, "{name}");
        let restarted = here.beside().await;
        assert!(!accepts(&restarted, &issued.secret).await, "{name}");
    }
}

#[tokio::test]
async fn the_role_and_the_scopes_that_count_are_the_present_ones() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::Admin).await;
    let issued = node.issue(&ada).await;
    let before = caller(&node, &issued.secret).await.unwrap();
    assert_eq!(before.principal.role, Role::Admin);
    let demote = |user| User {
        role: Role::User,
        ..user
    };
    node.change(ada.principal.id, demote).await;
    let update = ApiKeyUpdate {
        scopes: Some(vec!["tasks:write".to_owned()]),
        ..ApiKeyUpdate::default()
    };
    let keys = &node.services.api_keys;
    keys.update(&ada, issued.key.id, update).await.unwrap();
    let after = caller(&node, &issued.secret).await.unwrap();
    assert_eq!(after.principal.role, Role::User);
    assert_eq!(after.scopes(), [Scope::TasksWrite].into_iter().collect());
}

#[tokio::test]
async fn a_load_that_began_before_a_change_is_not_kept() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let issued = node.issue(&ada).await;
    let (there, id) = (node.clone(), issued.key.id);
    node.store.after(0, async move {
        there.services.api_keys.delete(&ada, id).await.unwrap();
    });
    // It was good when it was looked for.
    assert!(caller(&node, &issued.secret).await.is_some());
    assert!(!node.store.is_rigged());
    assert!(!accepts(&node, &issued.secret).await);
}

#[tokio::test]
async fn a_node_that_cannot_read_the_feed_trusts_no_key() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let issued = node.issue(&ada).await;
    assert!(accepts(&node, &issued.secret).await);
    node.clock.age(MAX_AGE);
    let auth = &node.services.auth;
    let key = issued.secret.expose();
    for refused in [
        auth.authenticate_key(key, &Origin::default()).await,
        auth.authenticate_key_from_memory(key).unwrap(),
    ] {
        let is_stale = matches!(
            refused,
            Err(AuthenticateError::Internal(Internal::Stale(_)))
        );
        assert!(is_stale, "{refused:?}");
    }
    let verified = node.services.api_keys.verify(key, &Origin::default()).await;
    assert!(matches!(verified, Err(Internal::Stale(_))), "{verified:?}");
}

#[tokio::test]
async fn a_restored_database_brings_keys_back_and_nodes_that_run_learn_of_it() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let issued = node.issue(&ada).await;
    let keys = &node.services.api_keys;
    keys.delete(&ada, issued.key.id).await.unwrap();
    assert!(!accepts(&node, &issued.secret).await);
    let of_the_backup = issued.key.clone();
    write(&*node.store, move |tx| tx.insert_api_key(&of_the_backup)).await;
    assert!(!accepts(&node, &issued.secret).await, "remembered");
    let there = node.beside().await;
    end_all_sessions(&*there.store, &*there.clock)
        .await
        .unwrap();
    node.services.feed.catch_up().await.unwrap();
    assert!(accepts(&node, &issued.secret).await);
}

// --- What it costs ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn who_is_known_by_a_key_asks_no_database() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let issued = node.issue(&ada).await;
    let key = issued.secret.expose();
    // What this node has changed itself is in the feed as well.
    node.services.feed.catch_up().await.unwrap();
    let units = node.store.units();
    assert!(caller(&node, &issued.secret).await.is_some());
    assert_eq!(node.store.units(), units + 2, "the key and its owner");
    for _ in 0..100 {
        let known = node.services.auth.authenticate_key_from_memory(key);
        assert!(matches!(known, Some(Ok(_))), "{known:?}");
        assert!(caller(&node, &issued.secret).await.is_some());
        assert!(
            node.services
                .api_keys
                .verify(key, &Origin::default())
                .await
                .unwrap()
                .is_some()
        );
    }
    assert_eq!(node.store.units(), units + 2);
    for (seconds, is_known) in [(50, true), (10, false)] {
        node.clock.age(Duration::from_secs(seconds));
        node.services.feed.catch_up().await.unwrap();
        let known = node.services.auth.authenticate_key_from_memory(key);
        assert_eq!(known.is_some(), is_known, "after {seconds} s more");
    }
}

#[tokio::test]
async fn junk_costs_no_query_and_a_key_that_is_nobodys_costs_one() {
    let node = Node::start().await;
    let units = node.store.units();
    for number in 0..10_000 {
        let junk = format!("dwk_{number:036}");
        let known = node.services.auth.authenticate_key_from_memory(&junk);
        let is_refused = matches!(known, Some(Err(AuthenticateError::InvalidKey)));
        assert!(is_refused, "{junk} {known:?}");
    }
    assert_eq!(node.store.units(), units);
    let stranger = new_secret();
    let auth = &node.services.auth;
    assert!(
        auth.authenticate_key_from_memory(stranger.expose())
            .is_none()
    );
    for _ in 0..100 {
        assert!(!accepts(&node, &stranger).await);
    }
    assert_eq!(node.store.units(), units + 1);
}

#[tokio::test]
async fn the_key_of_an_account_that_is_gone_does_not_cost_a_query_each_time() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (there, issued) = (node.beside().await, node.issue(&ada).await);
    assert!(accepts(&there, &issued.secret).await);
    let deleted =
        node.services
            .accounts
            .delete_own(&ada, Some(PASSWORD.into()), FieldErrors::default());
    deleted.await.unwrap();
    there.services.feed.catch_up().await.unwrap();
    let units = there.store.units();
    for _ in 0..10 {
        assert!(!accepts(&there, &issued.secret).await);
    }
    assert_eq!(there.store.units(), units + 2, "its owner, and then itself");
}

#[tokio::test]
async fn a_use_is_written_at_most_once_a_minute_by_however_many_nodes() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let there = node.beside().await;
    let issued = node.issue(&ada).await;
    let last_use = async || shown(&node, &ada, issued.key.id).await.last_used_at;
    let record = async |node: &Node| node.services.api_keys.record_uses().await.unwrap();
    assert_eq!((record(&node).await, last_use().await), (0, None));
    assert!(accepts(&node, &issued.secret).await);
    assert!(accepts(&there, &issued.secret).await);
    assert_eq!(last_use().await, None, "no request waits for it");
    assert_eq!((record(&node).await, record(&there).await), (1, 0));
    let first = Some(node.clock.now());
    assert_eq!(last_use().await, first);
    for _ in 0..59 {
        node.pass(1);
        assert!(accepts(&node, &issued.secret).await);
        assert_eq!(record(&node).await, 0);
    }
    assert_eq!(last_use().await, first);
    node.pass(1);
    assert!(accepts(&node, &issued.secret).await);
    assert_eq!(record(&node).await, 1);
    assert_eq!(last_use().await, Some(node.clock.now()));
    // What was refused was no use.
    let unused = node.issue(&ada).await;
    node.services
        .api_keys
        .delete(&ada, unused.key.id)
        .await
        .unwrap();
    assert!(!accepts(&node, &unused.secret).await);
    assert_eq!(record(&node).await, 0);
}

#[tokio::test]
async fn uses_that_could_not_be_written_are_written_later() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let keys = &node.services.api_keys;
    let mut issued = Vec::new();
    for _ in 0..3 {
        let key = node.issue(&ada).await;
        assert!(accepts(&node, &key.secret).await);
        issued.push(key);
    }
    for event in [Event::Unavailable, Event::CommitFails] {
        node.store.rig(0, event);
        let refused = keys.record_uses().await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    assert_eq!(keys.record_uses().await.unwrap(), 3);
    for key in issued {
        let last_use = shown(&node, &ada, key.key.id).await.last_used_at;
        assert_eq!(last_use, Some(node.clock.now()));
    }
}
