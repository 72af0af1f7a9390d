//! The budgets of a node, with a clock that is moved by hand.

use super::*;
use crate::accounts::{ChangePassword, ProfileError, ProfileUpdate, Register, RegisterError};
use crate::api_keys::NewApiKey;
use crate::auth::{AuthenticateError, Caller, Login, LoginError, RefreshError};
use crate::fields::FieldErrors;
use crate::tests::{Node, PASSWORD, unlimited};
use crate::{Internal, Services};
use doorward_domain::{ApiKeySecret, Role, Settings};
use std::net::IpAddr;

const HOME: &str = "192.0.2.1";
const OFFICE: &str = "192.0.2.2";
const STRANGE: &str = "203.0.113.9";

fn at(address: &str) -> Origin {
    let address: IpAddr = address.parse().unwrap();
    Origin::new(Some(address), None)
}

fn limits(login: &str, register: &str) -> Settings {
    Settings {
        login_rate_limit: login.parse().unwrap(),
        register_rate_limit: register.parse().unwrap(),
        ..unlimited()
    }
}

async fn node(login: &str, register: &str) -> Node {
    let settings = limits(login, register);
    Node::with(|config| config.settings = settings).await
}

/// And a little more, since large limits are remembered in portions; meanwhile the feed is read.
async fn minute(node: &Node) {
    node.clock.age(Duration::from_secs(64));
    node.services.feed.catch_up().await.unwrap();
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    In,
    Refused,
    Throttled,
}
use Outcome::{In, Refused};

async fn login(services: &Services, name: &str, password: &str, address: &str) -> Outcome {
    let login = Login {
        username: Some(name.to_owned()),
        email: None,
        password: password.into(),
        origin: at(address),
    };
    match services.auth.login(login).await {
        Ok(_) => In,
        Err(LoginError::InvalidCredentials) => Refused,
        Err(LoginError::Internal(Internal::Throttled(throttled))) => {
            assert!(throttled.retry_after > Duration::ZERO);
            Outcome::Throttled
        }
        Err(LoginError::Internal(other)) => panic!("{other}"),
    }
}

async fn guess(node: &Node, name: &str, address: &str) -> Outcome {
    login(&node.services, name, "a wrong Passphrase 8", address).await
}

async fn enter(node: &Node, name: &str, address: &str) -> Outcome {
    login(&node.services, name, PASSWORD, address).await
}

#[tokio::test]
async fn an_account_has_its_limit_at_a_strange_place_and_then_waits() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    for _ in 0..3 {
        assert_eq!(guess(&node, "ada", STRANGE).await, Refused);
    }
    assert_eq!(guess(&node, "ada", STRANGE).await, Outcome::Throttled);
    // The right password is not taken either: nobody learns by it that it is right.
    assert_eq!(enter(&node, "ada", STRANGE).await, Outcome::Throttled);
    minute(&node).await;
    assert_eq!(enter(&node, "ada", STRANGE).await, In);
}

#[tokio::test]
async fn attempts_are_counted_whatever_comes_of_them() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    for _ in 0..3 {
        assert_eq!(enter(&node, "ada", HOME).await, In);
    }
    assert_eq!(enter(&node, "ada", HOME).await, Outcome::Throttled);
}

#[tokio::test]
async fn a_strangers_attempts_from_everywhere_never_lock_the_owner_out_at_a_known_place() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    assert_eq!(enter(&node, "ada", HOME).await, In);
    minute(&node).await;
    let mut refused = 0;
    for number in 1..=50 {
        let address = format!("198.51.100.{number}");
        refused += u32::from(guess(&node, "ada", &address).await == Refused);
    }
    assert_eq!(refused, 3, "many addresses have one budget together");
    assert_eq!(enter(&node, "ada", OFFICE).await, Outcome::Throttled);
    assert_eq!(enter(&node, "ada", HOME).await, In);
    // Who shares the owner's place has the budget of that place, and no more.
    assert_eq!(guess(&node, "ada", HOME).await, Refused);
    assert_eq!(guess(&node, "ada", HOME).await, Refused);
    assert_eq!(guess(&node, "ada", HOME).await, Outcome::Throttled);
}

#[tokio::test]
async fn a_known_place_is_known_after_a_restart_and_under_another_secret_key() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    assert_eq!(enter(&node, "ada", HOME).await, In);
    for _ in 0..2 {
        let again = node
            .beside_with(|config| {
                config.settings = limits("3/min", "off");
                config.secret_key_fallbacks = vec![config.secret_key.clone()];
                config.secret_key = "another key for tests, 32 bytes too".into();
            })
            .await;
        while guess(&again, "ada", STRANGE).await == Refused {}
        assert_eq!(enter(&again, "ada", OFFICE).await, Outcome::Throttled);
        assert_eq!(enter(&again, "ada", HOME).await, In);
    }
}

#[tokio::test]
async fn one_ipv6_network_is_one_place() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    for number in 1..=3 {
        let address = format!("2001:db8:0:7::{number}");
        assert_eq!(enter(&node, "ada", &address).await, In);
    }
    assert_eq!(
        enter(&node, "ada", "2001:db8:0:7:9::9").await,
        Outcome::Throttled
    );
    minute(&node).await;
    while guess(&node, "ada", "2001:db8:0:8::1").await == Refused {}
    assert_eq!(enter(&node, "ada", "2001:db8:0:7:abc::").await, In);
}

#[tokio::test]
async fn both_names_of_an_account_have_one_budget() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    for name in ["ada", "ADA@example.com", "Ada"] {
        assert_eq!(guess(&node, name, STRANGE).await, Refused, "{name}");
    }
    for name in ["ada", "ada@example.com"] {
        assert_eq!(
            guess(&node, name, STRANGE).await,
            Outcome::Throttled,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_counted_like_one_that_somebody_has() {
    let node = node("3/min", "off").await;
    node.make("ada", Role::User).await;
    let gone = node.make("gone", Role::User).await;
    node.change(gone.id, |user| doorward_domain::User {
        is_active: false,
        ..user
    })
    .await;
    for name in ["ada", "nobody", "gone"] {
        let upper = name.to_uppercase();
        let mut heard = Vec::new();
        for name in [name, &upper, name, &upper] {
            let (outcome, budgets) = told(guess(&node, name, STRANGE)).await;
            let left: Vec<_> = budgets.iter().map(|it| (it.policy, it.remaining)).collect();
            heard.push((outcome, left));
        }
        let of_address = |left| (Policy::Address, left);
        let of_account = |left| (Policy::Account, left);
        let outcomes: Vec<_> = heard.iter().map(|(outcome, _)| outcome).collect();
        assert_eq!(
            outcomes,
            [&Refused, &Refused, &Refused, &Outcome::Throttled],
            "{name}"
        );
        let budgets: Vec<_> = heard.iter().map(|(_, left)| left.clone()).collect();
        let expected = [(59, 2), (58, 1), (57, 0), (56, 0)];
        let expected = expected.map(|(a, b)| vec![of_address(a), of_account(b)]);
        assert_eq!(budgets, expected, "{name}");
        minute(&node).await;
    }
}

#[tokio::test]
async fn an_address_has_twenty_times_as_much_for_all_names_and_costs_no_query_then() {
    let node = node("1/min", "off").await;
    for number in 0..20 {
        let name = format!("name{number}");
        assert_eq!(guess(&node, &name, STRANGE).await, Refused);
    }
    let units = node.store.units();
    assert_eq!(guess(&node, "another", STRANGE).await, Outcome::Throttled);
    assert_eq!(node.store.units(), units);
    assert_eq!(guess(&node, "another", OFFICE).await, Refused);
}

#[tokio::test]
async fn parallel_attempts_do_not_slip_through() {
    let node = node("5/min", "off").await;
    node.make("ada", Role::User).await;
    let attempts = (0..60).map(|number| {
        let node = node.clone();
        let address = format!("198.51.100.{}", number % 30);
        tokio::spawn(async move { guess(&node, "ada", &address).await })
    });
    let mut hashed = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        hashed += u32::from(attempt.await.unwrap() == Refused);
    }
    assert_eq!(hashed, 5);
}

fn wrong(error: &ProfileError) -> bool {
    match error {
        ProfileError::Invalid(_) => true,
        ProfileError::Internal(Internal::Throttled(_)) => false,
        ProfileError::LastOwner | ProfileError::Gone | ProfileError::Internal(_) => {
            panic!("{error}")
        }
    }
}

async fn change(node: &Node, caller: &Caller, password: &str) -> Result<(), ProfileError> {
    let change = ChangePassword {
        current_password: Some(password.into()),
        new_password: Some("quite Another passphrase 9".into()),
        errors: FieldErrors::default(),
    };
    node.services.accounts.change_password(caller, change).await
}

#[tokio::test]
async fn every_route_that_takes_a_password_has_the_same_budget() {
    let node = node("4/min", "off").await;
    let (caller, _) = node.join("ada", Role::User).await;
    minute(&node).await;
    node.pass(1000);
    let caller = caller.at(at(STRANGE));
    let accounts = &node.services.accounts;
    let new_email = || ProfileUpdate {
        email: Some("lovelace@example.com".to_owned()),
        current_password: Some("wrong".into()),
        ..ProfileUpdate::default()
    };
    assert!(wrong(&change(&node, &caller, "wrong").await.unwrap_err()));
    let refused = accounts.update_profile(&caller, new_email()).await;
    assert!(wrong(&refused.unwrap_err()));
    let deleted = accounts.delete_own(&caller, Some("wrong".into()), FieldErrors::default());
    assert!(wrong(&deleted.await.unwrap_err()));
    assert_eq!(guess(&node, "ada", STRANGE).await, Refused);
    assert_eq!(guess(&node, "ada", STRANGE).await, Outcome::Throttled);
    assert!(!wrong(&change(&node, &caller, PASSWORD).await.unwrap_err()));
    let refused = accounts.update_profile(&caller, new_email()).await;
    assert!(!wrong(&refused.unwrap_err()));
    let deleted = accounts.delete_own(&caller, Some(PASSWORD.into()), FieldErrors::default());
    assert!(!wrong(&deleted.await.unwrap_err()));
}

#[tokio::test]
async fn a_key_does_not_try_its_owners_password_without_the_budget() {
    let node = node("2/min", "off").await;
    let (caller, _) = node.join("ada", Role::User).await;
    minute(&node).await;
    let issued = node
        .services
        .api_keys
        .create(
            &caller,
            NewApiKey {
                name: Some("writes".to_owned()),
                scopes: Some(vec!["profile:write".to_owned()]),
                ..NewApiKey::default()
            },
        )
        .await
        .unwrap();
    let origin = at(STRANGE);
    let auth = &node.services.auth;
    let key = auth.authenticate_key(issued.secret.expose(), &origin).await;
    let key = key.unwrap().at(origin);
    let mut tried = Vec::new();
    for _ in 0..4 {
        let update = ProfileUpdate {
            email: Some("mine@example.com".to_owned()),
            current_password: Some("wrong".into()),
            ..ProfileUpdate::default()
        };
        let refused = node.services.accounts.update_profile(&key, update).await;
        tried.push(wrong(&refused.unwrap_err()));
    }
    assert_eq!(tried, [true, true, false, false]);
}

#[tokio::test]
async fn registrations_are_counted_by_address_and_those_of_admins_more_generously() {
    let node = node("off", "2/min").await;
    let (admin, _) = node.join("admin", Role::Admin).await;
    let register = async |caller: Option<&Caller>, number: u32, address: &str| {
        let register = Register {
            email: Some(format!("somebody{number}@example.com")),
            password: Some(PASSWORD.into()),
            origin: at(address),
            ..Register::default()
        };
        match node.services.accounts.register(caller, register).await {
            Ok(_) => true,
            Err(RegisterError::Internal(Internal::Throttled(_))) => false,
            Err(other) => panic!("{other}"),
        }
    };
    for (number, address, is_made) in [
        (1, HOME, true),
        (2, HOME, true),
        (3, HOME, false),
        (4, OFFICE, true),
    ] {
        assert_eq!(register(None, number, address).await, is_made, "{number}");
    }
    for number in 10..50 {
        assert!(register(Some(&admin), number, HOME).await, "{number}");
    }
    assert!(!register(Some(&admin), 50, HOME).await);
}

#[tokio::test]
async fn refreshes_that_fail_are_counted_by_address_and_good_ones_are_not() {
    let node = node("1/min", "off").await;
    let (_, mut pair) = node.join("ada", Role::User).await;
    let refresh = async |token: &str| match node.services.auth.refresh(token, at(HOME)).await {
        Ok(pair) => Ok(pair),
        Err(RefreshError::InvalidToken | RefreshError::Replayed) => Err(false),
        Err(RefreshError::Internal(Internal::Throttled(_))) => Err(true),
        Err(RefreshError::Internal(other)) => panic!("{other}"),
    };
    for _ in 0..25 {
        pair = refresh(&pair.refresh_token).await.unwrap();
    }
    for number in 0..20 {
        let nobodys = uuid::Uuid::from_u128(number).to_string();
        let forged = if number % 2 == 0 { "forged" } else { &nobodys };
        assert!(matches!(refresh(forged).await, Err(false)), "{number}");
    }
    let units = node.store.units();
    let nobodys = uuid::Uuid::from_u128(99).to_string();
    assert!(matches!(refresh(&nobodys).await, Err(true)));
    assert!(matches!(refresh("forged").await, Err(true)));
    assert_eq!(node.store.units(), units, "what is refused costs no query");
    assert!(
        refresh(&pair.refresh_token).await.is_ok(),
        "a good one shows that it is ours"
    );
}

#[tokio::test]
async fn unknown_keys_of_one_address_cost_only_so_many_queries() {
    let node = node("off", "off").await;
    let (caller, _) = node.join("ada", Role::User).await;
    let known = node.issue(&caller).await.secret;
    let auth = &node.services.auth;
    let mut digits = 0_u32;
    let mut junk = || {
        digits += 1;
        let mut rest = digits;
        ApiKeySecret::generate(|| {
            let digit = u8::try_from(rest % 62).unwrap();
            rest /= 62;
            digit
        })
    };
    let (stranger, other) = (at(STRANGE), at(OFFICE));
    auth.authenticate_key(known.expose(), &stranger)
        .await
        .unwrap();
    let units = node.store.units();
    let (mut nobodys, mut throttled) = (0, 0);
    for _ in 0..1000 {
        match auth.authenticate_key(junk().expose(), &stranger).await {
            Err(AuthenticateError::InvalidKey) => nobodys += 1,
            Err(AuthenticateError::Internal(Internal::Throttled(_))) => throttled += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((nobodys, throttled), (300, 700));
    assert_eq!(node.store.units() - units, 300);
    assert!(
        auth.authenticate_key(known.expose(), &stranger)
            .await
            .is_ok()
    );
    let elsewhere = auth.authenticate_key(junk().expose(), &other).await;
    assert!(matches!(elsewhere, Err(AuthenticateError::InvalidKey)));
    minute(&node).await;
    let later = auth.authenticate_key(junk().expose(), &stranger).await;
    assert!(matches!(later, Err(AuthenticateError::InvalidKey)));
}

#[tokio::test]
async fn what_is_off_is_not_limited_and_tells_nothing() {
    let node = node("off", "off").await;
    node.make("ada", Role::User).await;
    for _ in 0..30 {
        let (outcome, budgets) = told(guess(&node, "ada", STRANGE)).await;
        assert_eq!((outcome, budgets), (Refused, Vec::new()));
    }
}

#[test]
fn the_limiter_learns_neither_names_nor_addresses() {
    let clock = Arc::new(crate::clock::SystemClock::start());
    let own = || InProcessRateLimiter::new(Arc::<crate::clock::SystemClock>::clone(&clock), 10);
    let throttle = Throttle::new(
        Arc::new(own()),
        own(),
        &"a key for tests, 32 bytes and more".into(),
    );
    let name = throttle.name("pair", HOME, "ada");
    assert!(name.len() == 32 && !name.contains("ada"));
    for other in [
        ("pair", HOME, "eve"),
        ("pair", OFFICE, "ada"),
        ("elsewhere", HOME, "ada"),
        ("pair", "192.0.2.1a", "da"),
    ] {
        assert_ne!(name, throttle.name(other.0, other.1, other.2));
    }
}
