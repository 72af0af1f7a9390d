use super::*;
use crate::clock::Clock;
use crate::tests::{Node, PASSWORD, claims, expiry, registration, said};
use crate::user_list::View;
use chrono::{SubsecRound, TimeDelta};
use doorward_domain::Settings;
use doorward_domain::settings::{ALL, RateLimit, SettingValue, StoredSetting};
use doorward_storage::testing::{a_setting_change, read, write};
use std::time::Duration;

const LIFETIME: &str = "ACCESS_TOKEN_LIFETIME";

async fn owned() -> (Node, Caller) {
    let node = Node::start().await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    (node, owner)
}

fn proposed(texts: &[(&str, &str)]) -> Vec<Proposed> {
    let all = texts.iter();
    all.map(|(name, text)| Proposed::from_text(name, text))
        .collect()
}

async fn set(node: &Node, owner: &Caller, name: &str, text: &str) -> Listing {
    let settings = &node.services.settings;
    let changed = settings.change(owner, proposed(&[(name, text)]), IfMatch::Any);
    changed.await.unwrap()
}

fn one(listing: &Listing, name: &str) -> ListedSetting {
    let mut all = listing.settings.iter();
    *all.find(|it| it.setting.name == name).unwrap()
}

async fn stored(node: &Node) -> Vec<StoredSetting> {
    read(&*node.store, |tx| tx.stored_settings()).await
}

async fn changes(node: &Node, owner: &Caller) -> Vec<SettingChange> {
    let settings = &node.services.settings;
    settings.changes(owner, None, 100).await.unwrap()
}

fn in_force(node: &Node) -> Settings {
    Settings::clone(&node.services.settings.core.settings.load())
}

#[tokio::test]
async fn before_any_change_the_variables_count_and_else_the_defaults() {
    let node = Node::with(|config| {
        config.settings = Settings::default();
        config.settings.step_up_window = TimeDelta::seconds(7);
    })
    .await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let listing = node.services.settings.list(&owner).await.unwrap();
    assert_eq!(listing.version, 0);
    let names: Vec<_> = listing.settings.iter().map(|it| it.setting.name).collect();
    assert_eq!(names, ALL.each_ref().map(|setting| setting.name));
    for it in &listing.settings {
        assert_eq!((it.changed_at, it.changed_by), (None, None));
        let is_default = it.setting.name != "STEP_UP_WINDOW";
        assert_eq!(it.value == it.default, is_default, "{}", it.setting.name);
    }
    let window = one(&listing, "STEP_UP_WINDOW");
    assert_eq!(window.value, SettingValue::Seconds(7));
    assert_eq!(window.default, SettingValue::Seconds(300));
}

#[tokio::test]
async fn a_change_is_in_force_at_once_here_and_elsewhere_with_the_next_look() {
    let (here, owner) = owned().await;
    let there = here.beside().await;
    let listing = set(&here, &owner, LIFETIME, "30").await;
    let changed = one(&listing, LIFETIME);
    assert_eq!(changed.value, SettingValue::Seconds(30));
    assert_eq!(
        changed.changed_at,
        Some(here.services.settings.core.clock.now())
    );
    assert_eq!(changed.changed_by, Some(owner.principal.id));
    let lifetime = async |node: &Node| {
        let token = node.login("olga").await.access_token;
        claims(&token)["exp"].as_i64().unwrap() - claims(&token)["iat"].as_i64().unwrap()
    };
    assert_eq!(lifetime(&here).await, 30);
    assert_eq!(lifetime(&there).await, 300);
    there.services.feed.catch_up().await.unwrap();
    assert_eq!(lifetime(&there).await, 30);
}

#[tokio::test]
async fn what_was_changed_wins_over_the_variable_from_the_start_on() {
    let (node, owner) = owned().await;
    set(&node, &owner, LIFETIME, "30").await;
    let later = node
        .beside_with(|config| {
            config.settings.access_token_lifetime = TimeDelta::seconds(60);
            config.settings.step_up_window = TimeDelta::seconds(60);
        })
        .await;
    let settings = in_force(&later);
    assert_eq!(settings.access_token_lifetime, TimeDelta::seconds(30));
    assert_eq!(settings.step_up_window, TimeDelta::seconds(60));
}

#[tokio::test]
async fn every_setting_can_be_changed_and_all_of_them_at_once() {
    let (node, owner) = owned().await;
    let others: Vec<_> = ALL
        .iter()
        .map(|setting| {
            let value = match setting.value(&Settings::default()) {
                SettingValue::Seconds(_) => setting.bounds().unwrap().1.to_string(),
                SettingValue::Switch(is_on) => (!is_on).to_string(),
                SettingValue::Rate(_) => RateLimit::OFF.to_string(),
            };
            (setting.name, value)
        })
        .collect();
    let texts: Vec<_> = others
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let settings = &node.services.settings;
    let listing = settings
        .change(&owner, proposed(&texts), IfMatch::Any)
        .await;
    let listing = listing.unwrap();
    for (name, text) in &others {
        assert_eq!(one(&listing, name).value.to_string(), *text);
    }
    assert_eq!(listing.version, 1);
    let history = changes(&node, &owner).await;
    assert_eq!(history.len(), ALL.len());
    assert!(history.iter().all(|it| it.version == 1 && it.old.is_none()));
    for setting in &ALL {
        let is_changed = setting.value(&in_force(&node)) != setting.value(&Settings::default());
        assert!(is_changed, "{}", setting.name);
    }
}

#[tokio::test]
async fn one_bad_value_refuses_all_and_every_bad_one_is_named() {
    let (node, owner) = owned().await;
    let texts = [
        (LIFETIME, "30"),
        ("REFRESH_GRACE_PERIOD", "61"),
        ("PUBLIC_USER_LIST", "maybe"),
        ("LOGIN_RATE_LIMIT", "10/day"),
        ("access_token_lifetime", "30"),
    ];
    let settings = &node.services.settings;
    let refused = settings
        .change(&owner, proposed(&texts), IfMatch::Any)
        .await;
    let Err(SettingsError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    let expected = [
        (
            "LOGIN_RATE_LIMIT",
            "Must be N/sec, N/min or N/hour with N from 1 to 1000000, or off.",
        ),
        ("PUBLIC_USER_LIST", "Must be true or false."),
        (
            "REFRESH_GRACE_PERIOD",
            "Must be a whole number of seconds from 0 to 60.",
        ),
        ("access_token_lifetime", "There is no such setting."),
    ];
    assert_eq!(
        said(&errors),
        expected.map(|(name, text)| (name, vec![text])).into()
    );
    assert_eq!(stored(&node).await, []);
    assert_eq!(in_force(&node), crate::tests::unlimited());
}

#[tokio::test]
async fn what_is_stored_already_is_no_change_and_a_default_that_is_chosen_is_one() {
    let (node, owner) = owned().await;
    let first = set(&node, &owner, LIFETIME, "300").await;
    assert_eq!(first.version, 1);
    assert!(one(&first, LIFETIME).changed_at.is_some());
    node.pass(1);
    let again = set(&node, &owner, LIFETIME, "300").await;
    assert_eq!((again.version, again.etag), (1, first.etag));
    assert_eq!(changes(&node, &owner).await.len(), 1);
    let nothing = node
        .services
        .settings
        .change(&owner, Vec::new(), IfMatch::Any)
        .await;
    assert_eq!(nothing.unwrap().version, 1);
}

#[tokio::test]
async fn who_has_seen_an_older_version_changes_nothing() {
    let (node, owner) = owned().await;
    let settings = &node.services.settings;
    let seen = settings.list(&owner).await.unwrap().etag;
    let with = |tag: &str| IfMatch::OneOf(vec!["\"x\"".to_owned(), tag.to_owned()]);
    let first = settings
        .change(&owner, proposed(&[(LIFETIME, "30")]), with(&seen))
        .await
        .unwrap();
    assert_ne!(first.etag, seen);
    let late = settings
        .change(&owner, proposed(&[(LIFETIME, "40")]), with(&seen))
        .await;
    assert!(matches!(late, Err(SettingsError::Stale)), "{late:?}");
    assert_eq!(
        in_force(&node).access_token_lifetime,
        TimeDelta::seconds(30)
    );
    let next = settings
        .change(&owner, proposed(&[(LIFETIME, "40")]), with(&first.etag))
        .await;
    assert_eq!(next.unwrap().version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_have_seen_the_same_version_one_succeeds() {
    let (node, owner) = owned().await;
    let settings = &node.services.settings;
    let seen = settings.list(&owner).await.unwrap().etag;
    let racers = (0..16).map(|number| {
        let text = (100 + number).to_string();
        let seen = IfMatch::OneOf(vec![seen.clone()]);
        (proposed(&[(LIFETIME, &text)]), seen)
    });
    let results = parallel(&node, &owner, racers.collect()).await;
    let winners = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(winners, 1);
    for result in &results {
        assert!(
            matches!(result, Ok(_) | Err(SettingsError::Stale)),
            "{result:?}"
        );
    }
    assert_eq!(changes(&node, &owner).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_different_settings_do_not_overwrite_each_other() {
    let (node, owner) = owned().await;
    let numbers = ALL.iter().filter(|setting| setting.bounds().is_some());
    let wanted: Vec<_> = numbers
        .map(|setting| (setting.name, setting.bounds().unwrap().0.to_string()))
        .collect();
    let all = wanted.iter();
    let all = all.map(|(name, text)| (proposed(&[(name, text)]), IfMatch::Any));
    for result in parallel(&node, &owner, all.collect()).await {
        result.unwrap();
    }
    let present = in_force(&node);
    for (name, text) in wanted {
        let setting = doorward_domain::settings::Setting::named(name).unwrap();
        assert_eq!(setting.value(&present).to_string(), text, "{name}");
    }
}

#[tokio::test]
async fn a_change_can_be_taken_back_until_it_was_changed_again() {
    let node =
        Node::with(|config| config.settings.access_token_lifetime = TimeDelta::seconds(60)).await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let settings = &node.services.settings;
    for text in ["30", "40"] {
        node.pass(1);
        set(&node, &owner, LIFETIME, text).await;
    }
    let [second, first] = changes(&node, &owner).await.try_into().unwrap();
    assert_eq!(
        (first.old.as_deref(), first.new.as_deref()),
        (None, Some("30"))
    );
    assert_eq!(
        (second.old.as_deref(), second.new.as_deref()),
        (Some("30"), Some("40"))
    );
    assert_eq!((second.version, second.by), (2, Some(owner.principal.id)));

    let early = settings.undo(&owner, first.id).await;
    assert!(matches!(early, Err(SettingsError::Stale)));
    node.pass(1);
    let listing = settings.undo(&owner, second.id).await.unwrap();
    assert_eq!(one(&listing, LIFETIME).value, SettingValue::Seconds(30));
    let again = settings.undo(&owner, second.id).await;
    assert!(matches!(again, Err(SettingsError::Stale)));
    let listing = settings.undo(&owner, first.id).await.unwrap();
    let given_back = one(&listing, LIFETIME);
    assert_eq!(given_back.value, SettingValue::Seconds(60));
    assert_eq!(given_back.changed_at, None);
    assert_eq!(
        in_force(&node).access_token_lifetime,
        TimeDelta::seconds(60)
    );
    assert_eq!(changes(&node, &owner).await.len(), 4);
    let unknown = settings.undo(&owner, SettingChangeId::new(first.at)).await;
    assert!(matches!(unknown, Err(SettingsError::NotFound)));
}

#[tokio::test]
async fn settings_are_for_owners_alone_and_for_who_still_is_one() {
    let (node, owner) = owned().await;
    set(&node, &owner, LIFETIME, "30").await;
    let change = changes(&node, &owner).await[0].id;
    let settings = &node.services.settings;
    let refused = async |caller: &Caller| {
        let proposed = proposed(&[(LIFETIME, "40")]);
        let changed = settings.change(caller, proposed, IfMatch::Any).await;
        let undone = settings.undo(caller, change).await;
        for result in [changed, undone] {
            assert!(
                matches!(result, Err(SettingsError::NotAllowed)),
                "{result:?}"
            );
        }
    };
    for (name, role) in [("ada", Role::User), ("alan", Role::Admin)] {
        let (caller, _) = node.join(name, role).await;
        refused(&caller).await;
        let listed = settings.list(&caller).await;
        assert!(matches!(listed, Err(SettingsError::NotAllowed)));
        let listed = settings.changes(&caller, None, 10).await;
        assert!(matches!(listed, Err(SettingsError::NotAllowed)));
    }
    // He was one when the request came in.
    node.change(owner.principal.id, |user| doorward_domain::User {
        role: Role::Admin,
        ..user
    })
    .await;
    refused(&owner).await;
    assert_eq!(
        in_force(&node).access_token_lifetime,
        TimeDelta::seconds(30)
    );
}

#[tokio::test]
async fn a_stored_value_that_no_release_has_written_does_not_count_and_stops_nothing() {
    let (node, owner) = owned().await;
    for (name, value) in [
        (LIFETIME, "soon"),
        ("FROM_THE_FUTURE", "1"),
        ("STEP_UP_WINDOW", "-1"),
        ("REGISTRATION_OPEN", "false"),
    ] {
        let change = a_setting_change(name, None, Some(value));
        write(&*node.store, move |tx| tx.change_setting(&change)).await;
    }
    let later = node
        .beside_with(|config| config.settings.step_up_window = TimeDelta::seconds(9))
        .await;
    let settings = in_force(&later);
    assert_eq!(settings.access_token_lifetime, TimeDelta::seconds(300));
    assert_eq!(settings.step_up_window, TimeDelta::seconds(9));
    assert!(!settings.registration_open);
    let listing = later.services.settings.list(&owner).await.unwrap();
    let damaged = one(&listing, LIFETIME);
    assert_eq!(
        (damaged.value, damaged.changed_at),
        (SettingValue::Seconds(300), None)
    );
    // It is mended by a change, and what a newer release knows stays.
    set(&later, &owner, LIFETIME, "300").await;
    let names: Vec<_> = stored(&later)
        .await
        .into_iter()
        .map(|row| (row.name, row.value))
        .collect();
    let kept = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(names.contains(&kept("FROM_THE_FUTURE", "1")));
    assert!(names.contains(&kept(LIFETIME, "300")));
}

/// All of it at once, each on a task of its own.
async fn parallel(
    node: &Node,
    owner: &Caller,
    all: Vec<(Vec<Proposed>, IfMatch)>,
) -> Vec<Result<Listing, SettingsError>> {
    let tasks: Vec<_> = all
        .into_iter()
        .map(|(proposed, seen)| {
            let (services, owner) = (Arc::clone(&node.services), owner.clone());
            tokio::spawn(async move { services.settings.change(&owner, proposed, seen).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Of what is asked for next; nothing waits for a restart.
#[tokio::test]
async fn each_setting_counts_from_the_next_request_on() {
    let (node, owner) = owned().await;
    set(&node, &owner, "REFRESH_TOKEN_LIFETIME", "60").await;
    let pair = node.login("olga").await;
    let begun = node.clock.now().trunc_subsecs(0);
    assert_eq!(expiry(&pair.refresh_token), begun + TimeDelta::seconds(60));
    set(&node, &owner, LIFETIME, "30").await;
    let pair = node.refresh(&pair.refresh_token).await.unwrap();
    assert_eq!(expiry(&pair.access_token), begun + TimeDelta::seconds(30));

    set(&node, &owner, "REFRESH_GRACE_PERIOD", "0").await;
    let used_up = node.login("olga").await.refresh_token;
    node.refresh(&used_up).await.unwrap();
    assert!(
        node.refresh(&used_up).await.is_err(),
        "no repeat is answered"
    );

    let register = async |name: &str| {
        let accounts = &node.services.accounts;
        accounts
            .register(None, registration(&format!("{name}@example.com")))
            .await
    };
    register("ada").await.unwrap();
    set(&node, &owner, "REGISTRATION_OPEN", "false").await;
    assert!(register("bob").await.is_err());
    assert_eq!(node.services.users.view_of(None).unwrap(), View::Public);
    set(&node, &owner, "PUBLIC_USER_LIST", "false").await;
    assert!(node.services.users.view_of(None).is_err());

    let ada = node.try_login("ada", PASSWORD).await.unwrap().tokens;
    let units = || node.store.units();
    let grow_old = async || {
        node.clock.age(Duration::from_secs(9));
        node.services.feed.catch_up().await.unwrap();
    };
    let asks = async || {
        let before = units();
        node.caller(&ada).await;
        units() > before
    };
    // What the login has changed is read and dropped now, and not between two looks.
    node.services.feed.catch_up().await.unwrap();
    node.caller(&ada).await;
    grow_old().await;
    assert!(!asks().await, "remembered for a minute");
    set(&node, &owner, "SESSION_CACHE_TTL", "5").await;
    assert!(asks().await, "and now for five seconds");
    let page = node.list(View::Full).await;
    grow_old().await;
    let again = node.list(View::Full).await;
    assert!(Arc::ptr_eq(&page, &again), "for a quarter of an hour");
    set(&node, &owner, "USER_LIST_CACHE_TTL", "5").await;
    let again = node.list(View::Full).await;
    assert!(!Arc::ptr_eq(&page, &again), "and now for five seconds");
}

#[tokio::test]
async fn changes_are_remembered_for_as_long_as_the_audit_log_says() {
    let (node, owner) = owned().await;
    set(&node, &owner, LIFETIME, "30").await;
    node.pass(86_401);
    assert_eq!(
        node.services.sweeper.sweep().await.unwrap().setting_changes,
        0
    );
    set(&node, &owner, "AUDIT_RETENTION", "86400").await;
    assert_eq!(
        node.services.sweeper.sweep().await.unwrap().setting_changes,
        1
    );
    assert_eq!(changes(&node, &owner).await.len(), 1);
    assert_eq!(
        in_force(&node).access_token_lifetime,
        TimeDelta::seconds(30)
    );
}

#[tokio::test]
async fn the_audit_log_tells_who_gave_which_settings_which_values() {
    let (node, owner) = owned().await;
    let from = doorward_domain::Origin::new("192.0.2.7".parse().ok(), Some("curl"));
    let there = owner.clone().at(from.of_request(Some("r1".to_owned())));
    let settings = &node.services.settings;
    let texts = [(LIFETIME, "30"), ("LOGIN_RATE_LIMIT", "10/min")];
    let both = settings
        .change(&there, proposed(&texts), IfMatch::Any)
        .await;
    both.unwrap();
    node.pass(1);
    set(&node, &owner, LIFETIME, "30").await; // is no change
    let changed = changes(&node, &owner).await;
    let lifetime = changed.iter().find(|it| it.name == LIFETIME).unwrap();
    settings.undo(&owner, lifetime.id).await.unwrap();
    node.pass(1);
    let runtime = &settings.core.runtime;
    let by_command = proposed(&[("STEP_UP_WINDOW", "7")]);
    runtime
        .change(by_command, IfMatch::Any, None)
        .await
        .unwrap();
    let query = doorward_storage::AuditQuery {
        action: Some("settings.changed".to_owned()),
        limit: 10,
        ..doorward_storage::AuditQuery::default()
    };
    let events = read(&*node.store, move |tx| tx.list_events(&query)).await;
    let details: Vec<_> = events.iter().map(|event| event.details.as_str()).collect();
    assert_eq!(
        details,
        [
            r#"{"STEP_UP_WINDOW":{"from":"300","to":"7"}}"#,
            r#"{"ACCESS_TOKEN_LIFETIME":{"from":"30","to":"300"}}"#,
            r#"{"ACCESS_TOKEN_LIFETIME":{"from":"300","to":"30"},"LOGIN_RATE_LIMIT":{"from":"off","to":"10/min"}}"#,
        ]
    );
    let actors: Vec<_> = events.iter().map(|event| event.actor_id).collect();
    let olga = Some(owner.principal.id);
    assert_eq!(actors, [None, olga, olga]);
    let first = &events[2];
    assert_eq!(first.subject_id, None);
    assert_eq!(first.ip_address.as_deref(), Some("192.0.2.7"));
    assert_eq!(first.request_id.as_deref(), Some("r1"));
}

/// Nobody could have set it.
#[tokio::test]
async fn a_damaged_value_is_not_brought_back() {
    let (node, owner) = owned().await;
    let damaged = a_setting_change(LIFETIME, None, Some("soon"));
    write(&*node.store, move |tx| tx.change_setting(&damaged)).await;
    set(&node, &owner, LIFETIME, "30").await;
    let mended = changes(&node, &owner).await;
    let mended = mended.iter().find(|it| it.old.as_deref() == Some("soon"));
    let undone = node
        .services
        .settings
        .undo(&owner, mended.unwrap().id)
        .await;
    assert_eq!(one(&undone.unwrap(), LIFETIME).changed_at, None);
    assert_eq!(stored(&node).await, []);
}

/// The version of a backup is an older one, and its values count all the same.
#[tokio::test]
async fn an_older_version_counts_when_it_is_what_is_stored() {
    let (node, owner) = owned().await;
    set(&node, &owner, LIFETIME, "30").await;
    let runtime = &node.services.settings.core.runtime;
    let newer = runtime.list().await.unwrap().version;
    node.database
        .execute("UPDATE settings_version SET version = 0; UPDATE settings SET value = '40'");
    runtime.reload().await.unwrap();
    assert_eq!(newer, 1);
    assert_eq!(
        in_force(&node).access_token_lifetime,
        TimeDelta::seconds(40)
    );
}
