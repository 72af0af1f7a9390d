use super::*;
use crate::Internal;
use crate::auth::Caller;
use crate::fields::{FieldErrors, REQUIRED};
use crate::tests::{Event, Node, PASSWORD, registration, said};
use crate::tokens::TokenPair;
use crate::user_list::View;
use chrono::TimeDelta;
use doorward_domain::session::EndReason;
use doorward_domain::{EmailAddress, Origin, PasswordHash, Role};
use doorward_storage::testing::{a_user, instant, write};
use std::collections::BTreeMap;

const NEW_PASSWORD: &str = "another Passphrase 8";

// --- Registration ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn who_registers_is_a_user_and_may_log_in() {
    let node = Node::start().await;
    let register = Register {
        username: Some("Ada".to_owned()),
        ..registration("ada@example.com")
    };
    let user = node.services.accounts.register(None, register).await;
    let user = user.unwrap();
    assert_eq!(user.username.as_str(), "Ada");
    assert_eq!(user.role, Role::User);
    assert!(user.is_active);
    assert_eq!((user.date_joined, user.last_login), (instant(0), None));
    assert_eq!(node.user(user.id).await, Some(user));
    node.login("ada").await;
}

#[tokio::test]
async fn every_bad_field_is_reported_at_once() {
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    let (mut unknown, units) = (FieldErrors::default(), node.store.units());
    unknown.add("is_staff", "Unknown field.");
    let register = Register {
        username: Some("a/b".to_owned()),
        email: Some("ada@example.com".to_owned()),
        password: Some("12345".into()),
        role: Some("king".to_owned()),
        origin: Origin::default(),
        errors: unknown,
    };
    let refused = node.services.accounts.register(None, register).await;
    let Err(RegisterError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    let said = said(&errors);
    let fields: Vec<_> = said.keys().copied().collect();
    assert_eq!(
        fields,
        ["email", "is_staff", "password", "role", "username"]
    );
    assert_eq!(said["email"], [EMAIL_TAKEN]);
    assert_eq!(
        said["password"],
        [
            "This password is too short. It must contain at least 8 characters.",
            "This password is too common.",
            "This password is entirely numeric.",
        ]
    );
    assert_eq!(
        node.store.units() - units,
        1,
        "nothing is hashed or written"
    );
}

#[tokio::test]
async fn what_is_bad_is_said_of_its_field() {
    type Change = fn(Register) -> Register;
    type Said = BTreeMap<&'static str, Vec<&'static str>>;
    let node = Node::start().await;
    node.make("ada", Role::User).await;
    let cases: [(&str, Change, Said); 8] = [
        (
            "nothing given",
            |_| Register::default(),
            BTreeMap::from([("email", vec![REQUIRED]), ("password", vec![REQUIRED])]),
        ),
        (
            "a taken username",
            |register| Register {
                username: Some("ADA".to_owned()),
                ..register
            },
            BTreeMap::from([("username", vec![USERNAME_TAKEN])]),
        ),
        (
            "a taken address",
            |register| Register {
                email: Some("Ada@EXAMPLE.com".to_owned()),
                ..register
            },
            BTreeMap::from([("email", vec![EMAIL_TAKEN])]),
        ),
        (
            "both taken",
            |register| Register {
                username: Some("ada".to_owned()),
                email: Some("ada@example.com".to_owned()),
                ..register
            },
            BTreeMap::from([
                ("email", vec![EMAIL_TAKEN]),
                ("username", vec![USERNAME_TAKEN]),
            ]),
        ),
        (
            "somebody else's address as a name",
            |register| Register {
                username: Some("eve@example.com".to_owned()),
                ..register
            },
            BTreeMap::from([(
                "username",
                vec!["A username that contains @ must be the account's own email address."],
            )]),
        ),
        (
            "a password like the address",
            |register| Register {
                password: Some("new.example".into()),
                ..register
            },
            BTreeMap::from([(
                "password",
                vec!["The password is too similar to the email address."],
            )]),
        ),
        (
            "a bad address",
            |register| Register {
                email: Some("new".to_owned()),
                ..register
            },
            BTreeMap::from([("email", vec!["Enter a valid email address."])]),
        ),
        (
            "a role that is none",
            |register| Register {
                role: Some("Owner".to_owned()),
                ..register
            },
            BTreeMap::from([("role", vec!["Must be one of user, admin, owner."])]),
        ),
    ];
    for (name, change, expected) in cases {
        let register = change(registration("new@new.example"));
        let refused = node.services.accounts.register(None, register).await;
        let Err(RegisterError::Invalid(errors)) = refused else {
            panic!("{name}: {refused:?}");
        };
        assert_eq!(said(&errors), expected, "{name}");
    }
}

#[tokio::test]
async fn without_a_username_one_is_made_from_the_address() {
    let node = Node::start().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let register = registration(&format!("Ada.L@x{number}.example"));
        let user = node.services.accounts.register(None, register).await;
        made.push(user.unwrap().username);
    }
    let names: Vec<_> = made.iter().map(Username::as_str).collect();
    assert_eq!(
        names[..6],
        ["Ada.L", "Ada.L2", "Ada.L3", "Ada.L4", "Ada.L5", "Ada.L6"]
    );
    let number: u32 = names[6].strip_prefix("Ada.L").unwrap().parse().unwrap();
    assert!((10_000..1_000_000).contains(&number));
}

#[tokio::test]
async fn a_name_or_address_that_is_taken_in_the_meantime_is_a_message_and_no_failure() {
    for (username, email, expected) in [
        (
            Some("eve"),
            "new@example.com",
            [("username", vec![USERNAME_TAKEN])],
        ),
        (
            Some("new"),
            "eve@example.com",
            [("email", vec![EMAIL_TAKEN])],
        ),
        (None, "eve@example.com", [("email", vec![EMAIL_TAKEN])]),
    ] {
        let node = Node::start().await;
        let meanwhile = node.clone();
        node.store.before(1, async move {
            write(&*meanwhile.store, |tx| tx.insert_user(&a_user("eve"))).await;
        });
        let register = Register {
            username: username.map(str::to_owned),
            ..registration(email)
        };
        let refused = node.services.accounts.register(None, register).await;
        let Err(RegisterError::Invalid(errors)) = refused else {
            panic!("{username:?} {email}: {refused:?}");
        };
        assert_eq!(said(&errors), BTreeMap::from(expected));
    }
}

#[tokio::test]
async fn a_made_up_name_that_is_taken_in_the_meantime_is_numbered() {
    let node = Node::start().await;
    let meanwhile = node.clone();
    node.store.before(1, async move {
        write(&*meanwhile.store, |tx| tx.insert_user(&a_user("eve"))).await;
    });
    let register = registration("eve@elsewhere.example");
    let user = node.services.accounts.register(None, register).await;
    assert_eq!(user.unwrap().username.as_str(), "eve2");
}

/// On PostgreSQL two may find the same name free.
#[tokio::test]
async fn whoever_loses_the_race_for_a_made_up_name_gets_another_and_no_message() {
    let node = Node::start().await;
    node.store.rig(1, Event::Taken);
    let register = registration("eve@elsewhere.example");
    let user = node.services.accounts.register(None, register).await;
    let name = user.unwrap().username;
    let number = name.as_str().strip_prefix("eve").unwrap();
    assert!((10_000..1_000_000).contains(&number.parse::<u32>().unwrap()));

    node.store.rig(1, Event::Taken);
    let register = Register {
        username: Some("adam".to_owned()),
        ..registration("adam@elsewhere.example")
    };
    let refused = node.services.accounts.register(None, register).await;
    let Err(RegisterError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    let expected = BTreeMap::from([("username", vec![USERNAME_TAKEN])]);
    assert_eq!(said(&errors), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_registrations_of_one_address_one_succeeds_and_the_others_are_told() {
    let node = Node::start().await;
    let requests: Vec<_> = (0..20)
        .map(|number| {
            let node = node.clone();
            let register = Register {
                username: Some(format!("name{number}")),
                ..registration("ada@example.com")
            };
            tokio::spawn(async move { node.services.accounts.register(None, register).await })
        })
        .collect();
    let mut made = 0;
    for request in requests {
        match request.await.unwrap() {
            Ok(_) => made += 1,
            Err(RegisterError::Invalid(errors)) => {
                assert_eq!(
                    said(&errors),
                    BTreeMap::from([("email", vec![EMAIL_TAKEN])])
                );
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn the_role_of_the_caller_decides_who_may_register_whom() {
    #[derive(Debug, PartialEq)]
    enum Then {
        Made(Role),
        Closed,
        Refused,
    }
    let open = Node::start().await;
    let mut callers = vec![("a stranger", None)];
    for role in Role::ALL {
        let (caller, _) = open.join(&format!("the-{role}"), role).await;
        callers.push((role.as_str(), Some(caller)));
    }
    let closed = open
        .beside_with(|config| config.settings.registration_open = false)
        .await;
    for (by, is_open, wanted, then) in [
        ("a stranger", true, None, Then::Made(Role::User)),
        ("a stranger", true, Some("user"), Then::Made(Role::User)),
        ("a stranger", true, Some("admin"), Then::Refused),
        ("a stranger", true, Some("owner"), Then::Refused),
        ("user", true, Some("admin"), Then::Refused),
        ("admin", true, Some("admin"), Then::Refused),
        ("admin", true, None, Then::Made(Role::User)),
        ("owner", true, Some("admin"), Then::Made(Role::Admin)),
        ("owner", true, Some("owner"), Then::Made(Role::Owner)),
        ("a stranger", false, None, Then::Closed),
        ("a stranger", false, Some("owner"), Then::Closed),
        ("user", false, None, Then::Closed),
        ("admin", false, None, Then::Made(Role::User)),
        ("admin", false, Some("owner"), Then::Refused),
        ("owner", false, Some("owner"), Then::Made(Role::Owner)),
    ] {
        let node = if is_open { &open } else { &closed };
        let caller = callers.iter().find(|(name, _)| *name == by).unwrap();
        let register = Register {
            role: wanted.map(str::to_owned),
            ..registration(&format!("new{}@new.example", node.store.units()))
        };
        let registered = node
            .services
            .accounts
            .register(caller.1.as_ref(), register)
            .await;
        let happened = match registered {
            Ok(user) => Then::Made(user.role),
            Err(RegisterError::Closed) => Then::Closed,
            Err(RegisterError::RoleNotAllowed) => Then::Refused,
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(happened, then, "{by}, open: {is_open}, {wanted:?}");
    }
}

// --- Profile ---------------------------------------------------------------------------------------------------------

/// Ada, whose login is longer ago than `STEP_UP_WINDOW`, and her access token is good for longer.
async fn long_after_login() -> (Node, Caller, TokenPair) {
    let node = Node::with(|config| {
        config.settings.access_token_lifetime = TimeDelta::hours(1);
    })
    .await;
    let (ada, pair) = node.join("ada", Role::User).await;
    node.pass(301);
    (node, ada, pair)
}

fn update(username: Option<&str>, email: Option<&str>, password: Option<&str>) -> ProfileUpdate {
    ProfileUpdate {
        username: username.map(str::to_owned),
        email: email.map(str::to_owned),
        current_password: password.map(Into::into),
        errors: FieldErrors::default(),
    }
}

/// The messages of a refusal, or none.
fn refusal<T: std::fmt::Debug>(result: Result<T, ProfileError>) -> FieldErrors {
    match result {
        Err(ProfileError::Invalid(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_name_is_in_force_at_the_next_request() {
    let (node, ada, pair) = long_after_login().await;
    let update = update(Some("countess"), None, None);
    let principal = node.services.accounts.update_profile(&ada, update).await;
    let principal = principal.unwrap();
    assert_eq!(principal.username.as_str(), "countess");
    assert_eq!(*node.caller(&pair).await.principal, principal);
    node.login("countess").await;
}

#[tokio::test]
async fn a_new_address_needs_the_password_or_a_fresh_login() {
    let new = "ada@new.example";
    for (name, seconds, email, password, expected) in [
        ("fresh", 300, new, None, None),
        ("not fresh", 301, new, None, Some(REQUIRED)),
        ("not fresh, proven", 301, new, Some(PASSWORD), None),
        (
            "not fresh, wrong",
            301,
            new,
            Some("wrong"),
            Some("The password is not correct."),
        ),
        ("the same address", 301, "ada@example.com", None, None),
    ] {
        let node = Node::start().await;
        let (ada, _) = node.join("ada", Role::User).await;
        node.pass(seconds);
        let update = update(None, Some(email), password);
        let updated = node.services.accounts.update_profile(&ada, update).await;
        let stored = node.user(ada.principal.id).await.unwrap().email.unwrap();
        if let Some(message) = expected {
            let expected = BTreeMap::from([("current_password", vec![message])]);
            assert_eq!(said(&refusal(updated)), expected, "{name}");
            assert_eq!(stored.as_str(), "ada@example.com", "{name}");
        } else {
            assert_eq!(updated.unwrap().email.unwrap().as_str(), email, "{name}");
            assert_eq!(stored.as_str(), email, "{name}");
        }
    }
}

#[tokio::test]
async fn every_bad_field_of_a_profile_is_reported_at_once() {
    let (node, ada, _) = long_after_login().await;
    node.make("bob", Role::User).await;
    let accounts = &node.services.accounts;
    let refused = accounts.update_profile(
        &ada,
        ProfileUpdate {
            errors: FieldErrors::one("role", "Unknown field."),
            ..update(Some("BOB"), Some("bob@example.com"), None)
        },
    );
    assert_eq!(
        said(&refusal(refused.await)),
        BTreeMap::from([
            ("current_password", vec![REQUIRED]),
            ("email", vec![EMAIL_TAKEN]),
            ("role", vec!["Unknown field."]),
            ("username", vec![USERNAME_TAKEN]),
        ])
    );
    let refused = accounts.update_profile(&ada, update(Some("a b@"), Some("x"), None));
    let errors = refusal(refused.await);
    let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["email", "username"]);
}

#[tokio::test]
async fn ones_own_name_and_address_are_not_taken() {
    let (node, ada, _) = long_after_login().await;
    let list = node.list(View::Full).await;
    let same = update(Some("ada"), Some("ada@example.com"), None);
    node.services
        .accounts
        .update_profile(&ada, same)
        .await
        .unwrap();
    let again = node.list(View::Full).await;
    assert!(Arc::ptr_eq(&list, &again), "nothing was written");
    let other_case = update(Some("ADA"), None, None);
    let principal = node
        .services
        .accounts
        .update_profile(&ada, other_case)
        .await;
    assert_eq!(principal.unwrap().username.as_str(), "ADA");
}

#[tokio::test]
async fn a_profile_that_changes_in_the_meantime_keeps_what_is_not_in_the_update() {
    let (node, ada, _) = long_after_login().await;
    let (meanwhile, id) = (node.clone(), ada.principal.id);
    node.store.before(1, async move {
        meanwhile
            .change(id, |user| User {
                role: Role::Admin,
                email: EmailAddress::parse("new@example.com").ok(),
                ..user
            })
            .await;
    });
    let principal = node
        .services
        .accounts
        .update_profile(&ada, update(Some("countess"), None, None))
        .await
        .unwrap();
    assert_eq!(principal.role, Role::Admin);
    let stored = node.user(id).await.unwrap();
    assert_eq!(stored.role, Role::Admin);
    assert_eq!(stored.username.as_str(), "countess");
    assert_eq!(stored.email.unwrap().as_str(), "new@example.com");
}

#[tokio::test]
async fn a_name_that_is_taken_in_the_meantime_is_a_message() {
    let (node, ada, _) = long_after_login().await;
    let meanwhile = node.clone();
    node.store.before(1, async move {
        write(&*meanwhile.store, |tx| tx.insert_user(&a_user("eve"))).await;
    });
    let accounts = &node.services.accounts;
    let refused = accounts
        .update_profile(&ada, update(Some("eve"), None, None))
        .await;
    let expected = BTreeMap::from([("username", vec![USERNAME_TAKEN])]);
    assert_eq!(said(&refusal(refused)), expected);
}

// --- Password --------------------------------------------------------------------------------------------------------

fn change(current: Option<&str>, new: Option<&str>) -> ChangePassword {
    ChangePassword {
        current_password: current.map(Into::into),
        new_password: new.map(Into::into),
        errors: FieldErrors::default(),
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let (node, ada, own) = long_after_login().await;
    let other = node.login("ada").await;
    let other_session = node.caller(&other).await.session().unwrap();
    let (_, bobs) = node.join("bob", Role::User).await;
    node.services
        .accounts
        .change_password(&ada, change(Some(PASSWORD), Some(NEW_PASSWORD)))
        .await
        .unwrap();
    assert!(node.accepts(&own).await && node.accepts(&bobs).await);
    assert!(node.refresh(&own.refresh_token).await.is_ok());
    assert!(!node.accepts(&other).await);
    assert!(node.refresh(&other.refresh_token).await.is_err());
    let end = node.session(other_session).await.unwrap().end;
    assert_eq!(end.unwrap().reason, EndReason::PasswordChanged);
    assert!(node.try_login("ada", PASSWORD).await.is_err());
    assert!(node.try_login("ada", NEW_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_bad_change_of_password_changes_nothing_and_says_everything() {
    let (node, ada, _) = long_after_login().await;
    let other = node.login("ada").await;
    for (change, expected) in [
        (
            change(None, None),
            vec![
                ("current_password", vec![REQUIRED]),
                ("new_password", vec![REQUIRED]),
            ],
        ),
        (
            change(None, Some("ada@example")),
            vec![
                ("current_password", vec![REQUIRED]),
                (
                    "new_password",
                    vec!["The password is too similar to the email address."],
                ),
            ],
        ),
        (
            change(Some("wrong"), Some(NEW_PASSWORD)),
            vec![("current_password", vec!["The password is not correct."])],
        ),
    ] {
        let refused = node.services.accounts.change_password(&ada, change).await;
        let expected: BTreeMap<_, _> = expected.into_iter().collect();
        assert_eq!(said(&refusal(refused)), expected);
    }
    assert!(node.accepts(&other).await);
    assert!(node.try_login("ada", PASSWORD).await.is_ok());
}

// --- Deletion --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_tokens_and_its_name_is_free() {
    let (node, ada, pair) = long_after_login().await;
    let accounts = &node.services.accounts;
    for (password, expected) in [
        (None, REQUIRED),
        (Some("wrong"), "The password is not correct."),
    ] {
        let password = password.map(Into::into);
        let refused = accounts
            .delete_own(&ada, password, FieldErrors::default())
            .await;
        let expected = BTreeMap::from([("current_password", vec![expected])]);
        assert_eq!(said(&refusal(refused)), expected);
    }
    accounts
        .delete_own(&ada, Some(PASSWORD.into()), FieldErrors::default())
        .await
        .unwrap();
    assert_eq!(node.user(ada.principal.id).await, None);
    assert!(!node.accepts(&pair).await);
    assert!(node.refresh(&pair.refresh_token).await.is_err());
    assert!(!node.beside().await.accepts(&pair).await);
    let again = accounts
        .delete_own(&ada, Some(PASSWORD.into()), FieldErrors::default())
        .await;
    assert!(matches!(again, Err(ProfileError::Gone)));
    let (_, new) = node.join("ada", Role::User).await;
    assert!(node.accepts(&new).await && !node.accepts(&pair).await);
}

#[tokio::test]
async fn the_last_active_owner_stays() {
    let node = Node::start().await;
    let (olga, _) = node.join("olga", Role::Owner).await;
    let delete = || {
        let accounts = &node.services.accounts;
        accounts.delete_own(&olga, Some(PASSWORD.into()), FieldErrors::default())
    };
    assert!(matches!(delete().await, Err(ProfileError::LastOwner)));
    let second = node.make("oleg", Role::Owner).await;
    node.change(second.id, |user| User {
        is_active: false,
        ..user
    })
    .await;
    assert!(matches!(delete().await, Err(ProfileError::LastOwner)));
    node.change(second.id, |user| User {
        is_active: true,
        ..user
    })
    .await;
    delete().await.unwrap();
}

// --- What changes between the proof and the deed ----------------------------------------------------------------------

#[tokio::test]
async fn a_proof_counts_for_nothing_once_the_account_has_changed() {
    type Change = fn(User) -> User;
    let changes: [(&str, Change); 2] = [
        ("another password", |user| User {
            password: PasswordHash::parse("bcrypt_sha256$$2b$04$other").ok(),
            ..user
        }),
        ("deactivation", |user| User {
            is_active: false,
            ..user
        }),
    ];
    for (name, meanwhile) in changes {
        for deed in ["profile", "password", "deletion"] {
            let (node, ada, _) = long_after_login().await;
            let (other, id) = (node.clone(), ada.principal.id);
            node.store
                .before(1, async move { other.change(id, meanwhile).await });
            let accounts = &node.services.accounts;
            let done = match deed {
                "profile" => {
                    let update = update(None, Some("ada@new.example"), Some(PASSWORD));
                    accounts.update_profile(&ada, update).await.map(drop)
                }
                "password" => {
                    let change = change(Some(PASSWORD), Some(NEW_PASSWORD));
                    accounts.change_password(&ada, change).await
                }
                _ => {
                    let errors = FieldErrors::default();
                    accounts
                        .delete_own(&ada, Some(PASSWORD.into()), errors)
                        .await
                }
            };
            assert!(!node.store.is_rigged());
            assert!(
                matches!(done, Err(ProfileError::Gone)),
                "{deed} after {name}: {done:?}"
            );
            let user = node.user(id).await.unwrap();
            assert_eq!(user.email, ada.principal.email, "{deed} after {name}");
            assert_eq!(
                user.password,
                meanwhile(user.clone()).password,
                "{deed} after {name}"
            );
        }
    }
}

#[tokio::test]
async fn whoever_was_deleted_elsewhere_is_gone_for_every_deed() {
    let (node, ada, _) = long_after_login().await;
    let id = ada.principal.id;
    write(&*node.store, move |tx| tx.delete_user(id, instant(0))).await;
    let accounts = &node.services.accounts;
    let update = update(Some("countess"), None, None);
    let change = change(Some(PASSWORD), Some(NEW_PASSWORD));
    let (password, errors) = (Some(PASSWORD.into()), FieldErrors::default());
    for result in [
        accounts.update_profile(&ada, update).await.map(drop),
        accounts.change_password(&ada, change).await,
        accounts.delete_own(&ada, password, errors).await,
    ] {
        assert!(matches!(result, Err(ProfileError::Gone)), "{result:?}");
    }
}

#[tokio::test]
async fn an_outage_is_no_message_about_a_field() {
    let (node, ada, _) = long_after_login().await;
    node.store.rig(0, Event::Unavailable);
    let bad = change(Some("wrong"), Some(NEW_PASSWORD));
    let refused = node.services.accounts.change_password(&ada, bad).await;
    assert!(matches!(
        refused,
        Err(ProfileError::Internal(Internal::Unavailable(_)))
    ));
}
