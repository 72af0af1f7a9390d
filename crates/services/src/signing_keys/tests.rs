use super::*;
use crate::auth::AuthenticateError;
use crate::settings::{IfMatch, Proposed};
use crate::tests::{Event, KEY, Node};
use crate::tokens::TokenPair;
use crate::{Services, ServicesConfig};
use doorward_domain::Role;
use doorward_storage::testing::read;
use secrecy::SecretString;

const EDDSA: JwtAlgorithm = JwtAlgorithm::KeyPair(KeyAlgorithm::EdDsa);
const ES256: JwtAlgorithm = JwtAlgorithm::KeyPair(KeyAlgorithm::Es256);
const OTHER_KEY: &str = "another key for tests, 32 bytes too";

fn signs_with(algorithm: JwtAlgorithm) -> impl Fn(&mut ServicesConfig) {
    move |config| config.jwt_algorithm = algorithm
}

async fn node(algorithm: JwtAlgorithm) -> Node {
    Node::with(signs_with(algorithm)).await
}

async fn states(node: &Node) -> Vec<(KeyAlgorithm, KeyState)> {
    let keys = node.services.signing_keys.list().await.unwrap();
    keys.iter().map(|key| (key.algorithm, key.state)).collect()
}

async fn kid(node: &Node, state: KeyState) -> String {
    let keys = node.services.signing_keys.list().await.unwrap();
    let key = keys.into_iter().find(|key| key.state == state);
    key.unwrap().kid.to_string()
}

/// What the set of public keys names.
fn published(node: &Node) -> Vec<String> {
    let jwks = node.services.signing_keys.jwks();
    let set: serde_json::Value = serde_json::from_slice(&jwks.body).unwrap();
    let keys = set["keys"].as_array().unwrap();
    let kid = |key: &serde_json::Value| key["kid"].as_str().unwrap().to_owned();
    keys.iter().map(kid).collect()
}

fn header(token: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = token.split('.').next().unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

async fn refreshes(node: &Node, pair: &TokenPair) -> bool {
    node.refresh(&pair.refresh_token).await.is_ok()
}

async fn rotate(node: &Node) {
    node.services.signing_keys.rotate(true).await.unwrap();
}

async fn catch_up(node: &Node) {
    node.services.feed.catch_up().await.unwrap();
}

async fn start_with(
    node: &Node,
    adjust: impl FnOnce(&mut ServicesConfig),
) -> Result<Services, StartError> {
    let mut config = ServicesConfig {
        store: Arc::new(node.database.open()),
        clock: Arc::<crate::clock::FakeClock>::clone(&node.clock),
        secret_key: SecretString::from(KEY),
        secret_key_fallbacks: Vec::new(),
        jwt_algorithm: EDDSA,
        bcrypt_cost: 4,
        hashing: crate::hashing::HashingLimits::default(),
        password_policy: doorward_domain::password_policy::PasswordPolicy::DJANGO,
        settings: Settings::default(),
        accept_foreign_tokens: false,
        shared: None,
        task_kinds: Arc::new(crate::tasks::NoopOnly),
    };
    adjust(&mut config);
    Services::start(config).await
}

#[tokio::test]
async fn with_the_secret_key_there_are_no_pairs_and_nothing_to_rotate() {
    let node = node(JwtAlgorithm::Hs256).await;
    assert_eq!(states(&node).await, []);
    let keys = &node.services.signing_keys;
    assert_eq!(&*keys.jwks().body, br#"{"keys":[]}"#);
    assert!(matches!(
        keys.prepare().await,
        Err(PrepareError::WithoutPairs)
    ));
    assert!(matches!(
        keys.rotate(true).await,
        Err(RotateError::WithoutPairs)
    ));
}

#[tokio::test]
async fn a_first_start_makes_a_pair_that_signs_and_publishes_the_next() {
    for algorithm in KeyAlgorithm::ALL {
        let node = node(JwtAlgorithm::KeyPair(algorithm)).await;
        let mut all = states(&node).await;
        all.sort_by_key(|(_, state)| state.as_str());
        let expected = [
            (algorithm, KeyState::Active),
            (algorithm, KeyState::Prepared),
        ];
        assert_eq!(all, expected);
        let active = kid(&node, KeyState::Active).await;
        assert_eq!(published(&node).len(), 2);
        assert!(published(&node).contains(&active));
        let (_, pair) = node.join("ada", Role::User).await;
        let expected = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{active}"}}"#);
        assert_eq!(header(&pair.access_token), expected);
        assert_eq!(header(&pair.refresh_token), expected);
        assert!(refreshes(&node, &pair).await);
        assert_eq!(
            states(
                &node
                    .beside_with(signs_with(JwtAlgorithm::KeyPair(algorithm)))
                    .await
            )
            .await
            .len(),
            2
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_that_start_at_once_agree_on_one_pair() {
    let first = Node::start().await;
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let first = first.clone();
            tokio::spawn(async move { first.beside_with(signs_with(ES256)).await })
        })
        .collect();
    let mut nodes = Vec::new();
    for start in starts {
        nodes.push(start.await.unwrap());
    }
    assert_eq!(states(&first).await.len(), 2);
    nodes[0].make("ada", Role::User).await;
    for node in &nodes {
        let pair = node.login("ada").await;
        for other in &nodes {
            assert!(other.accepts(&pair).await);
        }
    }
}

#[tokio::test]
async fn every_node_knows_a_pair_before_it_signs() {
    let here = node(EDDSA).await;
    let there = here.beside_with(signs_with(EDDSA)).await;
    let (_, before) = here.join("ada", Role::User).await;
    let prepared = kid(&here, KeyState::Prepared).await;
    assert!(published(&there).contains(&prepared));
    rotate(&here).await;
    let after = here.login("ada").await;
    assert!(header(&after.access_token).contains(&prepared));
    // It has not looked since, and does not have to.
    assert!(there.accepts(&after).await && there.accepts(&before).await);
    assert!(refreshes(&there, &after).await);
    let still = there.login("ada").await;
    assert_eq!(header(&still.access_token), header(&before.access_token));
    assert!(here.accepts(&still).await);
    catch_up(&there).await;
    let now = there.login("ada").await;
    assert_eq!(header(&now.access_token), header(&after.access_token));
    assert_eq!(published(&there), published(&here));
    assert_eq!(published(&there).len(), 3);
}

#[tokio::test]
async fn nobody_is_logged_out_by_rotations() {
    let node = node(EDDSA).await;
    let (_, first) = node.join("ada", Role::User).await;
    for _ in 0..3 {
        rotate(&node).await;
        assert!(node.accepts(&first).await);
    }
    assert!(refreshes(&node, &first).await);
    let restarted = node.beside_with(signs_with(EDDSA)).await;
    assert!(restarted.accepts(&first).await);
}

#[tokio::test]
async fn a_pair_has_to_be_published_for_ten_minutes_unless_told_otherwise() {
    let node = node(EDDSA).await;
    let keys = &node.services.signing_keys;
    node.pass(599);
    let Err(error) = keys.rotate(false).await else {
        panic!("it rotates");
    };
    assert!(matches!(error, RotateError::TooYoung { .. }));
    assert!(error.to_string().contains("another 1 s"), "{error}");
    node.pass(1);
    let prepared = kid(&node, KeyState::Prepared).await;
    assert_eq!(keys.rotate(false).await.unwrap().as_str(), prepared);
    assert!(matches!(
        keys.rotate(false).await,
        Err(RotateError::TooYoung { .. })
    ));
    keys.rotate(true).await.unwrap();
}

#[tokio::test]
async fn one_is_prepared_at_a_time() {
    let node = node(EDDSA).await;
    let keys = &node.services.signing_keys;
    assert!(matches!(
        keys.prepare().await,
        Err(PrepareError::Prepared(_))
    ));
    let prepared = kid(&node, KeyState::Prepared).await;
    let retired = keys.retire(&prepared, false).await.unwrap();
    assert_eq!(retired.tokens_until, None, "it never signed");
    assert!(matches!(
        keys.rotate(true).await,
        Err(RotateError::NothingPrepared)
    ));
    let next = keys.prepare().await.unwrap();
    assert!(published(&node).contains(&next.to_string()));
    assert!(!published(&node).contains(&prepared));
}

#[tokio::test]
async fn of_two_who_prepare_at_the_same_moment_one_is_told_that_he_was_overtaken() {
    let here = node(EDDSA).await;
    let prepared = kid(&here, KeyState::Prepared).await;
    let keys = &here.services.signing_keys;
    keys.retire(&prepared, false).await.unwrap();
    let there = here.beside_with(signs_with(EDDSA)).await;
    let other = there.clone();
    // Between its look and its write.
    here.store.before(1, async move {
        other.services.signing_keys.prepare().await.unwrap();
    });
    let raced = keys.prepare().await;
    assert!(matches!(raced, Err(PrepareError::Overtaken)), "{raced:?}");
    assert_eq!(states(&here).await.len(), 3);
}

#[tokio::test]
async fn two_rotations_at_the_same_moment_make_one() {
    let here = node(EDDSA).await;
    let there = here.beside_with(signs_with(EDDSA)).await;
    let other = there.clone();
    // Between its look and its write.
    here.store.before(1, async move { rotate(&other).await });
    let raced = here.services.signing_keys.rotate(true).await;
    assert!(matches!(raced, Err(RotateError::Overtaken)), "{raced:?}");
    let active = |states: Vec<(KeyAlgorithm, KeyState)>| {
        let is_active = |(_, state): &&(KeyAlgorithm, KeyState)| *state == KeyState::Active;
        states.iter().filter(is_active).count()
    };
    assert_eq!(active(states(&here).await), 1);
    assert_eq!(states(&here).await.len(), 3);
}

#[tokio::test]
async fn the_tokens_of_a_retired_pair_are_refused_on_every_node() {
    let here = node(EDDSA).await;
    let there = here.beside_with(signs_with(EDDSA)).await;
    let (_, pair) = here.join("ada", Role::User).await;
    let first = kid(&here, KeyState::Active).await;
    let keys = &here.services.signing_keys;
    assert!(matches!(
        keys.retire(&first, false).await,
        Err(RetireError::Active(_))
    ));
    rotate(&here).await;
    let retired = keys.retire(&first, false).await.unwrap();
    let month = TimeDelta::days(30) + LEEWAY;
    assert_eq!(retired.tokens_until, Some(here.clock.now() + month));
    assert!(!here.accepts(&pair).await && !refreshes(&here, &pair).await);
    assert!(there.accepts(&pair).await, "it cannot know yet");
    catch_up(&there).await;
    assert!(!there.accepts(&pair).await && !refreshes(&there, &pair).await);
    assert!(!published(&there).contains(&first));
    assert!(matches!(
        keys.retire(&first, false).await,
        Err(RetireError::Retired(_))
    ));
    assert!(matches!(
        keys.retire("nobody", false).await,
        Err(RetireError::Unknown(_))
    ));
    let sealed = read(&*here.store, |tx| tx.signing_keys()).await;
    let row = sealed.iter().find(|key| key.kid.as_str() == first).unwrap();
    assert_eq!(row.sealed_key, None, "the private part is gone");
}

#[tokio::test]
async fn an_active_pair_that_is_retired_all_the_same_is_replaced_at_once() {
    let here = node(EDDSA).await;
    let there = here.beside_with(signs_with(EDDSA)).await;
    let (_, pair) = here.join("ada", Role::User).await;
    let first = kid(&here, KeyState::Active).await;
    let keys = &here.services.signing_keys;
    keys.retire(&first, true).await.unwrap();
    catch_up(&there).await;
    assert!(!there.accepts(&pair).await);
    for node in [&here, &there] {
        let new = node.login("ada").await;
        assert!(here.accepts(&new).await && there.accepts(&new).await);
    }
}

#[tokio::test]
async fn a_pair_takes_over_in_the_moment_in_which_the_active_one_is_retired() {
    let here = node(EDDSA).await;
    let [first, second] = [
        kid(&here, KeyState::Active).await,
        kid(&here, KeyState::Prepared).await,
    ];
    // Whoever retires it does not come to look for a successor.
    here.store.rig(2, Event::Unavailable);
    let keys = &here.services.signing_keys;
    keys.retire(&first, true).await.unwrap_err();
    let mut states: Vec<_> = states(&here).await.into_iter().map(|it| it.1).collect();
    states.sort_by_key(|state| state.as_str());
    let expected = [KeyState::Active, KeyState::Prepared, KeyState::Retired];
    assert_eq!(states, expected);
    assert_eq!(kid(&here, KeyState::Active).await, second);
}

#[tokio::test]
async fn who_moves_to_key_pairs_logs_nobody_out_and_then_takes_no_access_token_of_the_secret_key() {
    let old = node(JwtAlgorithm::Hs256).await;
    let (_, shared) = old.join("ada", Role::User).await;
    let new = old.beside_with(signs_with(EDDSA)).await;
    assert!(new.accepts(&shared).await, "until it expires");
    // The nodes are restarted one after the other.
    let later = old.login("ada").await;
    let of_pair = new.login("ada").await;
    assert!(new.accepts(&later).await);
    catch_up(&old).await;
    assert!(old.accepts(&of_pair).await, "both ways");
    for node in [&old, &new] {
        node.pass(300 + 5);
    }
    // Others may hold the secret key too, and go on making tokens with it.
    let minted = old.login("ada").await;
    catch_up(&new).await;
    assert!(!new.accepts(&minted).await);
    assert!(old.accepts(&minted).await, "where the secret key signs");
    assert!(refreshes(&new, &minted).await, "nobody is logged out");
    assert!(refreshes(&new, &shared).await);
    let restarted = new.beside_with(signs_with(EDDSA)).await;
    let minted = old.login("ada").await;
    assert!(!restarted.accepts(&minted).await, "nor after a restart");
    rotate(&restarted).await;
    assert!(!restarted.accepts(&minted).await, "nor after a rotation");
}

#[tokio::test]
async fn how_long_tokens_may_live_follows_the_settings() {
    let old = node(JwtAlgorithm::Hs256).await;
    let (owner, shared) = old.join("olga", Role::Owner).await;
    let new = old.beside_with(signs_with(EDDSA)).await;
    rotate(&new).await;
    let set = async |name: &str, text: &str| {
        let proposed = vec![Proposed::from_text(name, text)];
        let settings = &old.services.settings;
        settings
            .change(&owner, proposed, IfMatch::Any)
            .await
            .unwrap();
        catch_up(&new).await;
    };
    let tokens_until = async || {
        let keys = new.services.signing_keys.list().await.unwrap();
        keys.iter().find_map(|key| key.tokens_until).unwrap()
    };
    let now = new.clock.now();
    set("REFRESH_TOKEN_LIFETIME", "1000").await;
    assert_eq!(tokens_until().await, now + TimeDelta::seconds(1005));
    set("REFRESH_TOKEN_LIFETIME", "100").await;
    assert_eq!(tokens_until().await, now + TimeDelta::seconds(105));
    for node in [&old, &new] {
        node.pass(60);
    }
    catch_up(&new).await;
    assert!(
        new.accepts(&shared).await,
        "for the lifetime of an access token"
    );
    set("ACCESS_TOKEN_LIFETIME", "30").await;
    assert!(!new.accepts(&shared).await, "and that is shorter now");
}

#[tokio::test]
async fn who_moves_back_or_on_keeps_the_tokens_of_the_pair() {
    let eddsa = node(EDDSA).await;
    let (_, pair) = eddsa.join("ada", Role::User).await;
    for algorithm in [JwtAlgorithm::Hs256, ES256] {
        let node = eddsa.beside_with(signs_with(algorithm)).await;
        assert!(node.accepts(&pair).await, "{algorithm}");
        let new = node.login("ada").await;
        let start = format!(r#"{{"alg":"{algorithm}""#);
        assert!(header(&new.access_token).starts_with(&start));
    }
    let node = eddsa.beside_with(signs_with(ES256)).await;
    assert!(refreshes(&node, &pair).await);
}

#[tokio::test]
async fn a_pair_that_was_prepared_before_the_move_is_the_one_that_signs() {
    let old = node(JwtAlgorithm::Hs256).await;
    let mut config_of_command = None;
    let command = old.beside_with(|config| {
        let config = ServicesConfig {
            store: Arc::clone(&config.store),
            clock: Arc::clone(&config.clock),
            secret_key: config.secret_key.clone(),
            secret_key_fallbacks: Vec::new(),
            jwt_algorithm: EDDSA,
            bcrypt_cost: 4,
            hashing: crate::hashing::HashingLimits::default(),
            password_policy: config.password_policy,
            settings: config.settings.clone(),
            accept_foreign_tokens: false,
            shared: None,
            task_kinds: Arc::new(crate::tasks::NoopOnly),
        };
        let settings = RuntimeSettings::new(&config);
        config_of_command = Some(SigningKeys::new(&config, &settings));
    });
    command.await;
    let keys = config_of_command.unwrap();
    let next = keys.prepare().await.unwrap();
    catch_up(&old).await;
    assert_eq!(published(&old), [next.to_string()]);
    let new = old.beside_with(signs_with(EDDSA)).await;
    assert_eq!(kid(&new, KeyState::Active).await, next.as_str());
    new.make("ada", Role::User).await;
    assert!(
        old.accepts(&new.login("ada").await).await,
        "it knew it before"
    );
}

#[tokio::test]
async fn under_a_new_secret_key_the_pairs_are_sealed_anew_while_the_earlier_is_known() {
    let old = node(EDDSA).await;
    let (_, pair) = old.join("ada", Role::User).await;
    let moved = |earlier: &'static [&'static str]| {
        move |config: &mut ServicesConfig| {
            config.secret_key = OTHER_KEY.into();
            config.secret_key_fallbacks = earlier.iter().map(|key| (*key).into()).collect();
        }
    };
    let refused = start_with(&old, moved(&[])).await;
    let Err(StartError::Unopenable(error)) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().starts_with("SECRET_KEY does not open"));
    assert!(
        error
            .to_string()
            .contains(&kid(&old, KeyState::Active).await)
    );
    assert!(start_with(&old, moved(&[KEY])).await.is_ok());
    let services = start_with(&old, moved(&[])).await.unwrap();
    let caller = services.auth.authenticate(&pair.access_token).await;
    assert!(caller.is_ok(), "{caller:?}");
    // One that still has the old key alone keeps what it has opened.
    catch_up(&old).await;
    assert!(old.accepts(&pair).await);
    let listed = old.services.signing_keys.list().await.unwrap();
    assert!(listed.iter().all(|key| !key.is_usable));
}

#[tokio::test]
async fn pairs_whose_secret_key_is_lost_can_be_given_up() {
    let old = node(EDDSA).await;
    let adjust = |config: &mut ServicesConfig| config.secret_key = OTHER_KEY.into();
    let mut config = None;
    let _ = start_with(&old, |it| {
        adjust(it);
        config = Some(SigningKeys::new(it, &RuntimeSettings::new(it)));
    })
    .await;
    let keys = config.unwrap();
    let rotated = keys.rotate(true).await;
    assert!(matches!(rotated, Err(RotateError::Unopenable(_))));
    let prepared = keys.prepare().await;
    assert!(matches!(prepared, Err(PrepareError::Unopenable(_))));
    for state in [KeyState::Active, KeyState::Prepared] {
        let kid = kid(&old, state).await;
        keys.retire(&kid, false).await.unwrap();
    }
    assert!(start_with(&old, adjust).await.is_ok());
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_read_at_the_next_look() {
    let here = node(EDDSA).await;
    let there = here.beside_with(signs_with(EDDSA)).await;
    let (_, pair) = here.join("ada", Role::User).await;
    let first = kid(&here, KeyState::Active).await;
    rotate(&here).await;
    let keys = &here.services.signing_keys;
    keys.retire(&first, false).await.unwrap();
    there.store.rig(1, Event::Unavailable);
    assert!(there.services.feed.catch_up().await.is_err());
    assert!(there.accepts(&pair).await);
    catch_up(&there).await;
    assert!(matches!(
        there.authenticate(&pair).await,
        Err(AuthenticateError::InvalidToken)
    ));
}

#[tokio::test]
async fn a_list_tells_until_when_tokens_may_live() {
    let node = node(EDDSA).await;
    rotate(&node).await;
    let listed = node.services.signing_keys.list().await.unwrap();
    let until = |state| {
        let key = listed.iter().find(|key| key.state == state);
        key.map(|key| key.tokens_until)
    };
    let month = TimeDelta::days(30) + LEEWAY;
    let at = node.clock.now() + month;
    assert_eq!(until(KeyState::Retiring), Some(Some(at)));
    assert_eq!(until(KeyState::Active), Some(None));
    assert_eq!(until(KeyState::Prepared), Some(None));
    assert!(listed.iter().all(|key| key.is_usable));
}

#[tokio::test]
async fn retired_pairs_are_swept_after_a_month() {
    let node = node(EDDSA).await;
    let first = kid(&node, KeyState::Active).await;
    rotate(&node).await;
    let keys = &node.services.signing_keys;
    keys.retire(&first, false).await.unwrap();
    node.pass(RETIRED_KEPT.num_seconds());
    for (seconds, left) in [(0, 3), (1, 2)] {
        node.pass(seconds);
        node.services.sweeper.sweep().await.unwrap();
        assert_eq!(states(&node).await.len(), left);
    }
}
