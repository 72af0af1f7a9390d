use super::*;
use crate::clock::Clock;
use crate::tests::{KEY, Node, PASSWORD, claims, expiry, login};
use crate::tokens::LEEWAY;
use chrono::TimeDelta;
use doorward_domain::session::MAX_SESSIONS_PER_USER;
use doorward_domain::{Origin, PasswordHash, Role, Settings, User};
use doorward_storage::testing::{instant, read, write};
use proptest::prelude::*;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

fn settings(node: &Node, change: impl FnOnce(&mut Settings)) {
    let core = &node.services.auth.core;
    let mut settings = Settings::clone(&core.settings.load());
    change(&mut settings);
    core.settings.store(Arc::new(settings));
}

async fn without_grace() -> Node {
    Node::with(|config| config.settings.refresh_grace_period = TimeDelta::zero()).await
}

/// The short name of what a refresh led to.
fn outcome(result: &Result<TokenPair, RefreshError>) -> &'static str {
    match result {
        Ok(_) => "a pair",
        Err(RefreshError::InvalidToken) => "invalid",
        Err(RefreshError::Replayed) => "replayed",
        Err(RefreshError::Internal(error)) => panic!("{error}"),
    }
}

// --- Login -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_person_is_known_by_username_or_email_address_without_regard_to_case() {
    let node = Node::start().await;
    let ada = node.make("Ada", Role::User).await;
    let attempt = |username: Option<&str>, email: Option<&str>| {
        let login = Login {
            username: username.map(str::to_owned),
            email: email.map(str::to_owned),
            ..login("", PASSWORD)
        };
        node.services.auth.login(login)
    };
    for (username, email) in [
        (Some("Ada"), None),
        (Some("aDA"), None),
        (Some("ada@Example.com"), None),
        (None, Some("ADA@example.com")),
        (Some("somebody else"), Some("ada@example.com")),
    ] {
        let signed_in = attempt(username, email).await.unwrap();
        assert_eq!(signed_in.principal.id, ada.id, "{username:?} {email:?}");
    }
    for (username, email) in [
        (None, None),
        (Some("eve"), None),
        (Some(""), None),
        (Some("a\0"), None),
        (None, Some("no address")),
        (Some("ada"), Some("eve@example.com")),
    ] {
        let refused = attempt(username, email).await;
        assert!(
            matches!(refused, Err(LoginError::InvalidCredentials)),
            "{username:?} {email:?}"
        );
    }
}

#[tokio::test]
async fn nobody_learns_why_a_login_is_refused() {
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    let gone = node.make("gone", Role::User).await;
    let silent = node.make("silent", Role::User).await;
    node.change(gone.id, |user| User {
        is_active: false,
        ..user
    })
    .await;
    node.change(silent.id, |user| User {
        password: None,
        ..user
    })
    .await;
    let too_long = "x".repeat(2000);
    for (name, password) in [
        ("nobody", PASSWORD),
        ("ada", "a wrong Passphrase 7"),
        ("ada", ""),
        ("ada", "a\0b"),
        ("ada", &too_long),
        ("gone", PASSWORD),
        ("silent", PASSWORD),
    ] {
        let refused = node.try_login(name, password).await;
        assert!(
            matches!(refused, Err(LoginError::InvalidCredentials)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_login_is_noted_and_its_session_knows_where_it_came_from() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await;
    node.pass(60);
    let origin = Origin::new(Some(Ipv4Addr::LOCALHOST.into()), Some("curl"));
    let login = Login {
        origin: origin.clone(),
        ..login("ada", PASSWORD)
    };
    let signed_in = node.services.auth.login(login).await.unwrap();
    assert_eq!(signed_in.principal.last_login, Some(instant(60)));
    let caller = node.caller(&signed_in.tokens).await;
    let sessions = node.services.auth.sessions(&caller).await.unwrap();
    assert_eq!(sessions.len(), 1);
    let session = sessions.first().unwrap();
    assert_eq!((session.user_id, &session.origin), (ada.id, &origin));
    assert_eq!(session.expires_at, instant(60) + TimeDelta::days(30));
}

#[tokio::test]
async fn a_hash_of_another_cost_is_replaced_at_the_login() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await;
    let stronger = node.beside_with(|config| config.bcrypt_cost = 5).await;
    stronger.login("ada").await;
    let stored = node.user(ada.id).await.unwrap().password.unwrap();
    assert!(stored.as_str().starts_with("bcrypt_sha256$$2b$05$"));
    stronger.login("ada").await;
    assert_eq!(node.user(ada.id).await.unwrap().password, Some(stored));
}

#[tokio::test]
async fn the_login_after_the_fiftieth_ends_the_oldest_session() {
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    let mut pairs = Vec::new();
    for _ in 0..=MAX_SESSIONS_PER_USER {
        pairs.push(node.login("ada").await);
        node.pass(1);
    }
    let [oldest, second, .., newest] = &*pairs else {
        panic!("{} logins", pairs.len());
    };
    assert!(!node.accepts(oldest).await);
    assert!(node.accepts(second).await && node.accepts(newest).await);
    let caller = node.caller(newest).await;
    let live = node.services.auth.sessions(&caller).await.unwrap();
    assert_eq!(live.len(), MAX_SESSIONS_PER_USER);
}

/// What happens to an account after its password was verified and before its session begins.
#[tokio::test]
async fn a_change_between_the_password_and_the_session_counts() {
    type Change = fn(User) -> User;
    let cases: [(&str, Change, Option<Role>); 4] = [
        (
            "deactivation",
            |user| User {
                is_active: false,
                ..user
            },
            None,
        ),
        (
            "another password",
            |user| User {
                password: PasswordHash::parse("bcrypt_sha256$$2b$04$other").ok(),
                ..user
            },
            None,
        ),
        (
            "no password",
            |user| User {
                password: None,
                ..user
            },
            None,
        ),
        (
            "another role",
            |user| User {
                role: Role::Admin,
                ..user
            },
            Some(Role::Admin),
        ),
    ];
    for (name, change, role) in cases {
        let node = Node::start().await;
        let ada = node.make("ada", Role::User).await.id;
        let meanwhile = node.clone();
        node.store
            .before(1, async move { meanwhile.change(ada, change).await });
        let result = node.try_login("ada", PASSWORD).await;
        assert!(!node.store.is_rigged(), "{name}");
        let sessions = read(&*node.store, move |tx| tx.live_sessions_of(ada, instant(0))).await;
        if let Some(role) = role {
            assert_eq!(result.unwrap().principal.role, role, "{name}");
        } else {
            assert!(
                matches!(result, Err(LoginError::InvalidCredentials)),
                "{name}"
            );
            assert_eq!(sessions, [], "{name}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_deleted_between_the_password_and_the_session_has_no_session() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await.id;
    let store = Arc::clone(&node.store);
    node.store.before(1, async move {
        assert!(write(&*store, move |tx| tx.delete_user(ada, instant(0))).await);
    });
    let refused = node.try_login("ada", PASSWORD).await;
    assert!(matches!(refused, Err(LoginError::InvalidCredentials)));
}

// --- Refresh ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_refresh_gives_the_next_pair_and_the_session_keeps_its_end() {
    let node = Node::start().await;
    let (caller, first) = node.join("ada", Role::User).await;
    node.pass(100);
    let second = node.refresh(&first.refresh_token).await.unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_ne!(second.refresh_uuid, first.refresh_uuid);
    assert_ne!(second.access_token, first.access_token);
    assert_eq!(
        node.caller(&second).await.session().unwrap(),
        caller.session().unwrap()
    );
    assert_eq!(
        expiry(&second.refresh_token),
        expiry(&first.refresh_token),
        "the end is fixed at login"
    );
    let third = node
        .refresh(&second.refresh_uuid.to_string())
        .await
        .unwrap();
    assert_eq!(
        node.caller(&third).await.session().unwrap(),
        caller.session().unwrap()
    );
}

#[tokio::test]
async fn a_used_token_is_answered_by_when_it_comes_again() {
    struct Case {
        name: &'static str,
        grace: i64,
        /// Seconds between the rotation and the repeat.
        later: i64,
        /// Whether the successor was used by then.
        is_successor_used: bool,
        outcome: &'static str,
        is_session_alive: bool,
    }
    let case = |name, grace, later, is_successor_used, outcome, is_session_alive| Case {
        name,
        grace,
        later,
        is_successor_used,
        outcome,
        is_session_alive,
    };
    for case in [
        case("at once", 10, 0, false, "a pair", true),
        case(
            "at the end of the grace period",
            10,
            10,
            false,
            "a pair",
            true,
        ),
        case("after the grace period", 10, 11, false, "replayed", false),
        case("after its successor", 10, 1, true, "replayed", false),
        case(
            "at the same moment, without grace",
            0,
            0,
            false,
            "invalid",
            true,
        ),
        case("later, without grace", 0, 1, false, "replayed", false),
        case(
            "after a longer grace period",
            60,
            61,
            false,
            "replayed",
            false,
        ),
        case(
            "within a longer grace period",
            60,
            60,
            false,
            "a pair",
            true,
        ),
    ] {
        for is_uuid in [false, true] {
            let node = Node::start().await;
            settings(&node, |settings| {
                settings.refresh_grace_period = TimeDelta::seconds(case.grace);
            });
            let (caller, first) = node.join("ada", Role::User).await;
            let form = |pair: &TokenPair| {
                if is_uuid {
                    pair.refresh_uuid.to_string()
                } else {
                    pair.refresh_token.clone()
                }
            };
            let name = format!("{}, uuid: {is_uuid}", case.name);
            let successor = node.refresh(&form(&first)).await.unwrap();
            if case.is_successor_used {
                node.refresh(&form(&successor)).await.unwrap();
            }
            node.pass(case.later);
            let again = node.refresh(&form(&first)).await;
            // A UUID older than the last two is merely unknown.
            let is_unknown = is_uuid && case.is_successor_used;
            let (expected, is_alive) = if is_unknown {
                ("invalid", true)
            } else {
                (case.outcome, case.is_session_alive)
            };
            assert_eq!(outcome(&again), expected, "{name}");
            if let Ok(again) = again {
                assert_eq!(again.refresh_token, successor.refresh_token, "{name}");
                assert_eq!(again.refresh_uuid, successor.refresh_uuid, "{name}");
            }
            assert_eq!(node.accepts(&successor).await, is_alive, "{name}");
            let session = node.session(caller.session().unwrap()).await.unwrap();
            let reason = session.end.map(|end| end.reason);
            let expected = (!is_alive).then_some(EndReason::Replayed);
            assert_eq!(reason, expected, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_of_one_token_get_the_same_successor() {
    let node = Node::start().await;
    let (_, mut pair) = node.join("ada", Role::User).await;
    for round in 0..10 {
        let requests: Vec<_> = (0..32)
            .map(|_| {
                let (node, token) = (node.clone(), pair.refresh_token.clone());
                tokio::spawn(async move { node.refresh(&token).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.unwrap());
        }
        let successors: BTreeSet<_> = answers.iter().map(|pair| &pair.refresh_token).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        pair = answers.pop().unwrap();
    }
    assert!(node.accepts(&pair).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grace_period_one_of_many_wins_and_the_others_harm_nothing() {
    let node = without_grace().await;
    let (_, pair) = node.join("ada", Role::User).await;
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let (node, token) = (node.clone(), pair.refresh_token.clone());
            tokio::spawn(async move { node.refresh(&token).await })
        })
        .collect();
    let mut won = Vec::new();
    for request in requests {
        match request.await.unwrap() {
            Ok(pair) => won.push(pair),
            refused => assert_eq!(outcome(&refused), "invalid"),
        }
    }
    let [winner] = &*won else {
        panic!("{} winners", won.len());
    };
    assert!(node.accepts(winner).await);
    assert!(node.refresh(&winner.refresh_token).await.is_ok());
}

/// The other request rotates after this one was asked, and before its turn comes.
#[tokio::test]
async fn whoever_was_under_way_during_a_rotation_is_lost_and_no_thief() {
    for (grace, expected) in [(0, "invalid"), (10, "a pair")] {
        let node = Node::start().await;
        settings(&node, |settings| {
            settings.refresh_grace_period = TimeDelta::seconds(grace);
        });
        let (_, pair) = node.join("ada", Role::User).await;
        node.pass(60);
        let (other, token) = (node.clone(), pair.refresh_token.clone());
        node.store.before(0, async move {
            other.pass(1);
            other.refresh(&token).await.unwrap();
            other.pass(1);
        });
        let result = node.refresh(&pair.refresh_token).await;
        assert_eq!(outcome(&result), expected, "grace {grace}");
        assert!(node.accepts(&pair).await, "the session lives");
    }
}

#[tokio::test]
async fn a_chain_of_refreshes_leaves_one_row() {
    let node = Node::start().await;
    let (caller, mut pair) = node.join("ada", Role::User).await;
    for _ in 0..100 {
        pair = node.refresh(&pair.refresh_token).await.unwrap();
    }
    let sessions = node.services.auth.sessions(&caller).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.first().unwrap().generation, 100);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_without_a_query() {
    let node = Node::start().await;
    let (_, pair) = node.join("ada", Role::User).await;
    let forged = node
        .beside_with(|config| {
            config.secret_key = SecretString::from("quite another key, with 32 bytes");
        })
        .await;
    let foreign = forged.login("ada").await;
    node.pass(31 * 24 * 60 * 60);
    let units = node.store.units();
    for (name, token) in [
        ("nothing", ""),
        ("junk", "junk"),
        ("an access token", &*pair.access_token),
        ("another key's", &*foreign.refresh_token),
        ("an expired one", &*pair.refresh_token),
    ] {
        assert_eq!(outcome(&node.refresh(token).await), "invalid", "{name}");
    }
    assert_eq!(node.store.units(), units);
    let jti = claims(&pair.refresh_token)["jti"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        outcome(&node.refresh(&jti).await),
        "invalid",
        "a jti is no UUID of ours"
    );
}

#[tokio::test]
async fn after_the_end_of_a_session_nothing_that_was_or_will_be_minted_works() {
    type Ending = fn(Node, Caller) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let endings: [(&str, Ending); 3] = [
        ("logout-all", |node, caller| {
            Box::pin(async move {
                assert_eq!(node.services.auth.logout_all(&caller).await.unwrap(), 1);
            })
        }),
        ("end of the session", |node, caller| {
            Box::pin(async move {
                let auth = &node.services.auth;
                auth.end_session(&caller, caller.session().unwrap())
                    .await
                    .unwrap();
            })
        }),
        ("deactivation", |node, caller| {
            Box::pin(async move {
                let (id, at) = (caller.principal.id, instant(0));
                write(&*node.store, move |tx| {
                    let user = tx.lock_user(id)?.unwrap();
                    let user = User {
                        is_active: false,
                        ..user
                    };
                    tx.update_user(&user, at)?;
                    tx.end_sessions_of(id, None, EndReason::Deactivated, at)
                })
                .await;
            })
        }),
    ];
    for (name, ending) in endings {
        for is_after in [false, true] {
            let node = Node::start().await;
            let (caller, pair) = node.join("ada", Role::User).await;
            let end = ending(node.clone(), caller.clone());
            if is_after {
                node.store.after(0, end);
            } else {
                node.store.before(0, end);
            }
            let name = format!("{name}, after the rotation: {is_after}");
            let refreshed = node.refresh(&pair.refresh_token).await;
            assert!(!node.store.is_rigged(), "{name}");
            assert!(!node.accepts(&pair).await, "{name}");
            if let Ok(minted) = refreshed {
                assert!(is_after, "{name}");
                assert!(!node.accepts(&minted).await, "{name}");
                let again = node.refresh(&minted.refresh_token).await;
                assert_eq!(outcome(&again), "invalid", "{name}");
            }
        }
    }
}

// --- Access tokens ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_known_principal_costs_no_unit_of_work_until_he_changes_or_is_old() {
    let node = Node::start().await;
    let (caller, pair) = node.join("ada", Role::User).await;
    let units = node.store.units();
    let from_memory = || {
        node.services
            .auth
            .authenticate_from_memory(&pair.access_token)
    };
    for _ in 0..3 {
        let known = from_memory().unwrap().unwrap();
        assert!(Arc::ptr_eq(&known.principal, &caller.principal));
        assert!(Arc::ptr_eq(
            &node.caller(&pair).await.principal,
            &caller.principal
        ));
    }
    assert_eq!(node.store.units(), units);

    node.change(caller.principal.id, |user| User {
        role: Role::Admin,
        ..user
    })
    .await;
    assert!(from_memory().is_none(), "a change drops it");
    let changed = node.caller(&pair).await;
    assert_eq!(
        changed.principal.role,
        Role::Admin,
        "the present role counts, not the token's"
    );
    assert_eq!(claims(&pair.access_token)["role"], "user");

    node.clock.age(std::time::Duration::from_mins(1));
    node.services.feed.catch_up().await.unwrap();
    assert!(from_memory().is_none(), "SESSION_CACHE_TTL has passed");
}

#[tokio::test]
async fn a_principal_that_changes_while_it_is_loaded_is_not_remembered_as_it_was() {
    let node = Node::start().await;
    let ada = node.make("ada", Role::User).await.id;
    let pair = node.login("ada").await;
    let meanwhile = node.clone();
    node.store.after(0, async move {
        meanwhile
            .change(ada, |user| User {
                is_active: false,
                ..user
            })
            .await;
    });
    assert!(node.accepts(&pair).await, "it was asked before the change");
    assert!(!node.accepts(&pair).await, "and now after it");
}

#[tokio::test]
async fn a_token_of_a_deleted_account_is_refused() {
    let node = Node::start().await;
    let (caller, pair) = node.join("ada", Role::User).await;
    let id = caller.principal.id;
    write(&*node.store, move |tx| tx.delete_user(id, instant(0))).await;
    assert!(!node.accepts(&pair).await);
    assert_eq!(outcome(&node.refresh(&pair.refresh_token).await), "invalid");
}

#[tokio::test]
async fn a_shorter_lifetime_holds_for_new_tokens_and_shortens_no_revocation() {
    let node = Node::start().await;
    let (caller, long) = node.join("ada", Role::User).await;
    settings(&node, |settings| {
        settings.access_token_lifetime = TimeDelta::seconds(30);
    });
    let short = node.refresh(&long.refresh_token).await.unwrap();
    assert_eq!(short.expires_in, TimeDelta::seconds(30));
    node.services.auth.logout_all(&caller).await.unwrap();
    node.pass(40);
    node.services.feed.catch_up().await.unwrap();
    assert!(
        !node.accepts(&long).await,
        "the older token is alive longer"
    );
}

#[tokio::test]
async fn no_token_outlives_its_session() {
    let node = Node::with(|config| {
        config.settings.refresh_token_lifetime = TimeDelta::seconds(100);
    })
    .await;
    let (_, pair) = node.join("ada", Role::User).await;
    assert_eq!(pair.expires_in, TimeDelta::seconds(100));
    node.pass(60);
    let pair = node.refresh(&pair.refresh_token).await.unwrap();
    assert_eq!(pair.expires_in, TimeDelta::seconds(40));
    node.pass(40);
    assert_eq!(outcome(&node.refresh(&pair.refresh_token).await), "invalid");
    assert_eq!(
        outcome(&node.refresh(&pair.refresh_uuid.to_string()).await),
        "invalid"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Refresh,
    Repeat,
    Lifetime(i64),
    Grace(i64),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..400).prop_map(Step::Pass),
        (0_i64..12).prop_map(Step::Pass),
        Just(Step::Refresh),
        Just(Step::Repeat),
        (5_i64..2000).prop_map(Step::Lifetime),
        (1_i64..=60).prop_map(Step::Grace),
    ]
}

/// Walks through the steps, and gives the expiries of all access tokens and the bound that the feed has for them.
async fn walk(steps: Vec<Step>) -> (Vec<DateTime<Utc>>, DateTime<Utc>) {
    let node = Node::start().await;
    let (caller, mut pair) = node.join("ada", Role::User).await;
    let mut before = pair.refresh_token.clone();
    let mut minted = vec![expiry(&pair.access_token)];
    for step in steps {
        match step {
            Step::Pass(seconds) => {
                node.clock
                    .advance(TimeDelta::milliseconds(seconds * 1000 + 357));
            }
            Step::Lifetime(seconds) => settings(&node, |settings| {
                settings.access_token_lifetime = TimeDelta::seconds(seconds);
            }),
            Step::Grace(seconds) => settings(&node, |settings| {
                settings.refresh_grace_period = TimeDelta::seconds(seconds);
            }),
            Step::Refresh => {
                before = std::mem::take(&mut pair.refresh_token);
                pair = node.refresh(&before).await.unwrap();
                minted.push(expiry(&pair.access_token));
            }
            Step::Repeat => match node.refresh(&before).await {
                Ok(again) => {
                    minted.push(expiry(&again.access_token));
                    pair = again;
                }
                Err(RefreshError::Replayed) => break,
                Err(error) => panic!("{error}"),
            },
        }
    }
    node.services.auth.logout_all(&caller).await.unwrap();
    let ended = read(&*node.store, |tx| tx.ended_sessions(DateTime::UNIX_EPOCH)).await;
    assert_eq!(ended.len(), 1);
    (minted, ended.first().unwrap().1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_access_token_outlives_what_the_feed_says_of_its_session(
        steps in proptest::collection::vec(a_step(), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (minted, until) = runtime.block_on(walk(steps));
        for expiry in minted {
            prop_assert!(expiry <= until, "{expiry} is after {until}");
        }
    }
}

// --- Keys ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn with_a_new_key_sessions_live_on_and_move_onto_it() {
    const NEW: &str = "the key that came later, 32 bytes too";
    let old = Node::start().await;
    let (_, by_token) = old.join("ada", Role::User).await;
    let (_, by_uuid) = old.join("bob", Role::User).await;
    let both = old
        .beside_with(|config| {
            config.secret_key = SecretString::from(NEW);
            config.secret_key_fallbacks = vec![SecretString::from(KEY)];
        })
        .await;
    assert!(both.accepts(&by_token).await);
    let moved = both.refresh(&by_token.refresh_token).await.unwrap();
    let again = both.refresh(&by_token.refresh_token).await.unwrap();
    assert_eq!(
        moved.refresh_token, again.refresh_token,
        "repeats are answered across the change"
    );
    let moved_by_uuid = both
        .refresh(&by_uuid.refresh_uuid.to_string())
        .await
        .unwrap();

    let new = old
        .beside_with(|config| config.secret_key = SecretString::from(NEW))
        .await;
    for pair in [&by_token, &by_uuid] {
        assert!(!new.accepts(pair).await);
        assert_eq!(outcome(&new.refresh(&pair.refresh_token).await), "invalid");
        assert_eq!(
            outcome(&new.refresh(&pair.refresh_uuid.to_string()).await),
            "invalid"
        );
    }
    for pair in [&moved, &moved_by_uuid] {
        assert!(new.accepts(pair).await);
        assert!(new.refresh(&pair.refresh_uuid.to_string()).await.is_ok());
    }
}

#[tokio::test]
async fn an_earlier_key_signs_nothing() {
    let node = Node::with(|config| {
        config.secret_key_fallbacks =
            vec![SecretString::from("an earlier key, also 32 bytes long")];
    })
    .await;
    let (_, pair) = node.join("ada", Role::User).await;
    let without = node.beside().await;
    assert!(without.accepts(&pair).await);
    assert!(without.refresh(&pair.refresh_token).await.is_ok());
}

// --- Logout ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_logout_ends_refresh_and_access_tokens_of_its_session_alone() {
    let node = Node::start().await;
    let (caller, pair) = node.join("ada", Role::User).await;
    let other = node.login("ada").await;
    let auth = &node.services.auth;
    auth.logout(&caller, &pair.refresh_uuid.to_string())
        .await
        .unwrap();
    assert!(!node.accepts(&pair).await);
    assert_eq!(outcome(&node.refresh(&pair.refresh_token).await), "invalid");
    assert!(node.accepts(&other).await);
    let session = node.session(caller.session().unwrap()).await.unwrap();
    assert_eq!(session.end.map(|end| end.reason), Some(EndReason::Logout));
}

#[tokio::test]
async fn a_logout_with_the_token_of_another_session_ends_neither() {
    let node = Node::start().await;
    let (ada, own) = node.join("ada", Role::User).await;
    let (_, bobs) = node.join("bob", Role::User).await;
    let second = node.login("ada").await;
    for other in [&bobs, &second] {
        for token in [&other.refresh_token, &other.refresh_uuid.to_string()] {
            let refused = node.services.auth.logout(&ada, token).await;
            assert!(matches!(refused, Err(LogoutError::DifferentSessions)));
        }
    }
    for token in ["", "junk", &own.access_token] {
        let refused = node.services.auth.logout(&ada, token).await;
        assert!(matches!(refused, Err(LogoutError::InvalidToken)), "{token}");
    }
    for pair in [&own, &bobs, &second] {
        assert!(node.accepts(pair).await);
    }
}

#[tokio::test]
async fn a_refresh_token_alone_ends_its_session_once() {
    let node = Node::start().await;
    let (_, pair) = node.join("ada", Role::User).await;
    let auth = &node.services.auth;
    let newer = node.refresh(&pair.refresh_token).await.unwrap();
    auth.logout_by_refresh_token(&newer.refresh_uuid.to_string(), Origin::default())
        .await
        .unwrap();
    assert!(!node.accepts(&newer).await);
    for token in [&pair.refresh_token, &newer.refresh_token] {
        let refused = auth.logout_by_refresh_token(token, Origin::default()).await;
        assert!(matches!(refused, Err(LogoutError::InvalidToken)));
    }
}

#[tokio::test]
async fn a_token_is_good_as_long_as_it_would_be_accepted_and_looking_changes_nothing() {
    let node = Node::start().await;
    let (_, first) = node.join("ada", Role::User).await;
    let auth = &node.services.auth;
    let second = node.refresh(&first.refresh_token).await.unwrap();
    let third = node.refresh(&second.refresh_token).await.unwrap();
    let is_good = async |token: &str| match auth.verify(token).await {
        Ok(()) => true,
        Err(AuthenticateError::InvalidToken) => false,
        Err(other) => panic!("{other:?}"),
    };
    // Twice: the token that was used up long ago is only looked at.
    for _ in 0..2 {
        assert!(!is_good(&first.refresh_token).await);
        assert!(!is_good(&first.refresh_uuid.to_string()).await);
        assert!(is_good(&second.refresh_token).await, "within its grace");
        assert!(is_good(&third.refresh_token).await);
        assert!(is_good(&third.refresh_uuid.to_string()).await);
        assert!(is_good(&third.access_token).await);
        assert!(!is_good("").await && !is_good("junk").await);
    }
    node.clock.advance(TimeDelta::seconds(11));
    assert!(!is_good(&second.refresh_token).await);
    assert!(is_good(&third.refresh_token).await);
    auth.logout_by_refresh_token(&third.refresh_token, Origin::default())
        .await
        .unwrap();
    for token in [
        &third.refresh_token,
        &third.refresh_uuid.to_string(),
        &third.access_token,
    ] {
        assert!(!is_good(token).await);
    }
}

#[tokio::test]
async fn logout_all_ends_every_session_of_the_caller_and_nobody_elses() {
    let node = Node::start().await;
    let (ada, first) = node.join("ada", Role::User).await;
    let second = node.login("ada").await;
    let (_, bobs) = node.join("bob", Role::User).await;
    assert_eq!(node.services.auth.logout_all(&ada).await.unwrap(), 2);
    assert!(!node.accepts(&first).await && !node.accepts(&second).await);
    assert!(node.accepts(&bobs).await);
}

#[tokio::test]
async fn somebody_elses_session_is_the_same_not_found_as_none() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (bob, bobs) = node.join("bob", Role::User).await;
    let auth = &node.services.auth;
    for id in [bob.session().unwrap(), SessionId::new(instant(0))] {
        let refused = auth.end_session(&ada, id).await;
        assert!(matches!(refused, Err(EndSessionError::NotFound)));
    }
    assert!(node.accepts(&bobs).await);
    auth.end_session(&bob, bob.session().unwrap())
        .await
        .unwrap();
    let again = auth.end_session(&bob, bob.session().unwrap()).await;
    assert!(matches!(again, Err(EndSessionError::NotFound)));
}

#[tokio::test]
async fn a_revocation_holds_after_a_restart_until_the_last_token_has_expired() {
    let node = Node::start().await;
    let (caller, pair) = node.join("ada", Role::User).await;
    node.services.auth.logout_all(&caller).await.unwrap();
    let end = expiry(&pair.access_token);
    for moment in [
        node.clock.now(),
        end - TimeDelta::seconds(1),
        end + TimeDelta::seconds(1),
        end + LEEWAY - TimeDelta::milliseconds(1),
        end + LEEWAY,
    ] {
        node.clock.advance(moment - node.clock.now());
        let restarted = node.beside().await;
        assert!(!restarted.accepts(&pair).await, "{moment}");
    }
}
