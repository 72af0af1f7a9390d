//! API keys: their routes, what they open, and what closes them.

mod services;

use crate::support::{Fault, PASSWORD, Response, Setup, TestApp, assert_fields, at_once, until};
use doorward_domain::Role;
use serde_json::{Value, json};
use std::time::Duration;

const KEYS: &str = "/api/v1/api-keys";
const READING: [&str; 3] = ["profile:read", "users:read", "tasks:read"];
const FIELDS: [&str; 7] = [
    "id",
    "name",
    "prefix",
    "scopes",
    "created_at",
    "expires_at",
    "last_used_at",
];
/// How soon another node must have learnt of it.
const EVERYWHERE: Duration = Duration::from_secs(1);

fn of(id: &str) -> String {
    format!("{KEYS}/{id}")
}

/// The body without what tells one request from another.
fn said(answer: &Response) -> Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id");
    body
}

#[tokio::test]
async fn a_key_is_shown_once_and_looks_like_one() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let body = json!({ "name": " nightly report ", "scopes": ["tasks:write", "users:read", "users:read"],
        "expires_at": "2030-01-31T13:00:00+01:00" });
    let made = ada.post(KEYS, body).await.expect(201);
    assert_fields(&made.json(), &[&FIELDS[..], &["key"]].concat());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let key = made.text("key");
    let rest = key.strip_prefix("dwk_").expect("the mark");
    assert!(rest.len() == 36 && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(key.starts_with(&made.text("prefix")) && made.text("prefix").len() == 8);
    let expected = json!({
        "id": made.text("id"), "name": "nightly report", "prefix": made.text("prefix"),
        "scopes": ["users:read", "tasks:write"], "created_at": "2025-06-15T15:06:40Z",
        "expires_at": "2030-01-31T12:00:00Z", "last_used_at": null,
    });
    let shown = ada.get(&of(&made.text("id"))).await.expect(200);
    assert_eq!(shown.json(), expected);
    let listed = ada.get(KEYS).await.expect(200);
    assert_eq!(listed.json(), json!([expected]));
    for answer in [shown, listed] {
        assert!(!answer.body.contains(&key));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let plain = ada.post(KEYS, json!({ "name": "plain" })).await.expect(201);
    assert_eq!(plain.json()["scopes"], json!(READING));
    assert_eq!(plain.json()["expires_at"], Value::Null);
}

#[tokio::test]
async fn a_key_is_sent_in_either_of_two_headers() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let key = ada.issue(&READING).await.key;
    for (name, value) in [
        ("X-API-Key", key.clone()),
        ("x-api-key", key.clone()),
        ("Authorization", format!("Api-Key {key}")),
        ("authorization", format!("API-KEY {key}")),
    ] {
        let me = app.anon().me().header(name, &value).await;
        assert_eq!(me.expect(200).text("id"), ada.id, "{name}");
        let ancestral = app.anon().get("/api/me/").header(name, &value).await;
        assert_eq!(ancestral.expect(200).text("id"), ada.id, "{name}");
    }
    app.restart()
        .await
        .anon()
        .with_key(&key)
        .me()
        .await
        .expect(200);
}

#[tokio::test]
async fn what_is_no_good_key_is_401() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let key = ada.issue(&READING).await.key;
    let mut mistyped = key.clone();
    let other = if mistyped.pop() == Some('0') {
        '1'
    } else {
        '0'
    };
    mistyped.push(other);
    // Well-formed, and nobody's.
    let stranger = "dwk_0000000000000000000000000000001D4ztb";
    let empty = app.anon().with_key("").me().await;
    empty.problem(401, "api_key_not_valid");
    for bad in ["x", "dwk_", &mistyped, stranger, &ada.access] {
        for (name, value) in [
            ("x-api-key", bad.to_owned()),
            ("authorization", format!("Api-Key {bad}")),
        ] {
            let refused = app.anon().me().header(name, &value).await;
            refused.problem(401, "api_key_not_valid");
            let challenge = refused.header("www-authenticate").unwrap();
            assert_eq!(challenge, "Bearer realm=\"api\", error=\"invalid_token\"");
            let ancestral = app.anon().get("/api/me").header(name, &value).await;
            ancestral.detail(401, "api_key_not_valid");
        }
    }
    // A key is no token either.
    let as_token = app.anon().with_token(&key).me().await;
    as_token.problem(401, "token_not_valid");
}

#[tokio::test]
async fn two_credentials_are_refused_and_harm_neither() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let key = ada.issue(&READING).await.key;
    let api_key = format!("Api-Key {key}");
    for request in [
        ada.me().header("x-api-key", &key),
        app.anon()
            .me()
            .header("x-api-key", &key)
            .header("authorization", &api_key),
        app.anon()
            .me()
            .header("x-api-key", &key)
            .header("x-api-key", &key),
    ] {
        let refused = request.await;
        refused.problem(401, "two_credentials");
        let challenge = refused.header("www-authenticate").unwrap();
        assert_eq!(challenge, "Bearer realm=\"api\", error=\"invalid_request\"");
    }
    let two = app.anon().me().header("authorization", &api_key);
    let two = two.header("authorization", &api_key).await;
    two.problem(401, "token_not_valid");
    ada.me().await.expect(200);
    app.anon().with_key(&key).me().await.expect(200);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_never_more_than_its_owner() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.user("ada").await, app.admin().await);
    let reader = app.anon().with_key(&ada.issue(&READING).await.key);
    let refused = reader.patch("/api/v1/user/me", json!({ "username": "eve" }));
    let refused = refused.await;
    let problem = refused.problem(403, "insufficient_scope");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("profile:write")
    );
    let challenge = r#"Bearer realm="api", error="insufficient_scope", scope="profile:write""#;
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
    let closed = reader.get(KEYS).await;
    closed.problem(403, "api_key_not_allowed");
    assert_eq!(closed.header("www-authenticate"), None);

    let ada_path = format!("/api/v1/users/{}", ada.id);
    reader
        .get(&ada_path)
        .await
        .problem(403, "permission_denied");
    let list = reader.get("/api/v1/users").await.expect(200).items();
    assert_fields(&list[0], &["id", "username", "date_joined"]);
    let admins = app.anon().with_key(&admin.issue(&READING).await.key);
    admins.get(&ada_path).await.expect(200);
    let list = admins.get("/api/v1/users").await.expect(200).items();
    assert!(list[0].get("email").is_some());
    for answer in [
        admins.patch(&ada_path, json!({ "is_active": false })).await,
        admins.delete(&ada_path).await,
        admins.get(&format!("{ada_path}/api-keys")).await,
    ] {
        answer.problem(403, "api_key_not_allowed");
    }
}

#[tokio::test]
async fn a_key_changes_the_profile_but_the_address_only_with_the_password() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let writer = app
        .anon()
        .with_key(&ada.issue(&["profile:write"]).await.key);
    let me = "/api/v1/user/me";
    let renamed = writer.patch(me, json!({ "username": "countess" })).await;
    assert_eq!(renamed.expect(200).text("username"), "countess");
    // Ada has just logged in, and her session would be enough.
    let address = json!({ "email": "countess@example.com" });
    let required = json!({ "current_password": ["This field is required."] });
    assert_eq!(writer.patch(me, address).await.errors(), required);
    let proven = json!({ "email": "countess@example.com", "current_password": PASSWORD });
    writer.patch(me, proven).await.expect(200);
    let delete = writer.request("DELETE", me);
    let delete = delete.json(&json!({ "current_password": PASSWORD })).await;
    delete.problem(403, "api_key_not_allowed");
}

#[tokio::test]
async fn every_bad_field_is_named_and_no_field_sets_the_owner() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": "" }), vec!["name"]),
        (
            json!({ "name": null, "scopes": null }),
            vec!["name", "scopes"],
        ),
        (
            json!({ "name": 5, "scopes": "users:read", "expires_at": 5 }),
            vec!["expires_at", "name", "scopes"],
        ),
        (json!({ "name": "x".repeat(101) }), vec!["name"]),
        (json!({ "name": "a\u{0}b" }), vec!["name"]),
        (
            json!({ "name": "x", "expires_at": "9999-12-31T23:59:59-01:00" }),
            vec!["expires_at"],
        ),
        (
            json!({ "name": "x", "expires_at": "2090-06-30T23:59:60Z" }),
            vec!["expires_at"],
        ),
        (
            json!({ "name": "x", "scopes": [], "expires_at": "2020-01-01T00:00:00Z" }),
            vec!["expires_at", "scopes"],
        ),
        (
            json!({ "name": "x", "scopes": ["users:write"] }),
            vec!["scopes"],
        ),
        (
            json!({ "name": "x", "user_id": eve.id, "key": "dwk_x", "id": eve.id }),
            vec!["id", "key", "user_id"],
        ),
    ] {
        let refused = ada.post(KEYS, body).await.errors();
        assert_eq!(
            crate::support::fields(&refused),
            fields.into_iter().collect()
        );
    }
    let path = of(&ada.issue(&READING).await.id);
    let refused = ada
        .patch(&path, json!({ "user_id": eve.id, "name": " " }))
        .await;
    assert_fields(&refused.errors(), &["name", "user_id"]);
    for seconds in [json!(-1), json!(86_401), json!("60"), json!(1.5)] {
        let body = json!({ "overlap_seconds": seconds });
        let refused = ada.post(&format!("{path}/regenerate"), body).await;
        assert_fields(&refused.errors(), &["overlap_seconds"]);
    }
    assert_eq!(ada.get(KEYS).await.items().len(), 1);
    assert_eq!(eve.get(KEYS).await.items().len(), 0);
}

#[tokio::test]
async fn a_key_is_changed_and_the_change_counts_at_the_next_request() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let issued = ada.issue(&["profile:read"]).await;
    let (client, path) = (app.anon().with_key(&issued.key), of(&issued.id));
    client.me().await.expect(200);
    let body =
        json!({ "name": "report", "scopes": ["users:read"], "expires_at": "2025-06-15T16:00:00Z" });
    let changed = ada.patch(&path, body).await.expect(200);
    assert_fields(&changed.json(), &FIELDS);
    assert_eq!(changed.text("name"), "report");
    client.me().await.problem(403, "insufficient_scope");
    client.get("/api/v1/users").await.expect(200);
    app.clock.advance(chrono::TimeDelta::hours(1));
    let expired = client.get("/api/v1/users").await;
    expired.problem(401, "api_key_not_valid");
    let ada = ada.login_again().await;
    let renewed = ada.request("POST", &format!("{path}/regenerate")).await;
    assert_fields(&renewed.errors(), &["expires_at"]);
    let for_ever = ada.patch(&path, json!({ "expires_at": null })).await;
    assert_eq!(for_ever.expect(200).json()["expires_at"], Value::Null);
    client.get("/api/v1/users").await.expect(200);
    assert_eq!(
        ada.patch(&path, json!({})).await.expect(200).text("name"),
        "report"
    );
}

#[tokio::test]
async fn the_old_secret_dies_at_once_or_after_the_overlap() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let issued = ada.issue(&READING).await;
    let path = format!("{}/regenerate", of(&issued.id));
    let old = app.anon().with_key(&issued.key);
    let answer = ada.post(&path, json!({ "overlap_seconds": 200 })).await;
    let answer = answer.expect(200);
    assert_fields(&answer.json(), &[&FIELDS[..], &["key"]].concat());
    assert_eq!(answer.text("id"), issued.id);
    let new = app.anon().with_key(&answer.text("key"));
    app.clock.advance(chrono::TimeDelta::seconds(199));
    old.me().await.expect(200);
    new.me().await.expect(200);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    old.me().await.problem(401, "api_key_not_valid");
    new.me().await.expect(200);
    let newest = ada.post(&path, json!({})).await.expect(200).text("key");
    new.me().await.problem(401, "api_key_not_valid");
    app.anon().with_key(&newest).me().await.expect(200);
}

#[tokio::test]
async fn what_ends_a_key_ends_it_at_once_and_everywhere_within_a_second() {
    let app = TestApp::start().await;
    let (ada, owner) = (app.user("ada").await, app.owner().await);
    let there = app.second_node().await;
    let users_path = format!("/api/v1/users/{}", ada.id);
    for end in ["deleted", "regenerated", "by an owner", "deactivated"] {
        let issued = ada.issue(&READING).await;
        let (here, elsewhere) = (app.anon(), there.anon().with_key(&issued.key));
        let here = here.with_key(&issued.key);
        here.me().await.expect(200);
        elsewhere.me().await.expect(200);
        let path = of(&issued.id);
        match end {
            "deleted" => ada.delete(&path).await.expect(204),
            "regenerated" => {
                let path = format!("{path}/regenerate");
                ada.request("POST", &path).await.expect(200)
            }
            "by an owner" => {
                let path = format!("{users_path}/api-keys/{}", issued.id);
                owner.delete(&path).await.expect(204)
            }
            _ => {
                let body = json!({ "is_active": false });
                owner.patch(&users_path, body).await.expect(200)
            }
        };
        here.me().await.problem(401, "api_key_not_valid");
        until(end, EVERYWHERE, || async {
            elsewhere.me().await.status == 401
        })
        .await;
        if end == "deactivated" {
            let body = json!({ "is_active": true });
            owner.patch(&users_path, body).await.expect(200);
            here.me().await.problem(401, "api_key_not_valid");
        }
    }
}

#[tokio::test]
async fn the_key_of_another_is_the_same_404_as_none() {
    let app = TestApp::start().await;
    let (ada, eve) = (
        app.user("ada").await,
        app.somebody("eve", Role::Owner).await,
    );
    let issued = ada.issue(&READING).await;
    for (method, end) in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/regenerate"),
    ] {
        let mut answers = Vec::new();
        for id in [&*issued.id, "01a1fac8-772b-76f8-8b87-aa860a220012", "x"] {
            let answer = eve.request(method, &format!("{}{end}", of(id))).await;
            answer.problem(404, "not_found");
            answers.push(said(&answer));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    app.anon().with_key(&issued.key).me().await.expect(200);
}

#[tokio::test]
async fn a_user_has_at_most_100_keys_and_pages_through_them() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for _ in 0..99 {
        ada.issue(&READING).await;
    }
    let made = at_once((0..4).map(|_| ada.post(KEYS, json!({ "name": "x" })))).await;
    let refused: Vec<_> = made.iter().filter(|answer| answer.status != 201).collect();
    assert_eq!(refused.len(), 3);
    for answer in refused {
        let problem = answer.problem(400, "too_many_api_keys");
        assert_eq!(problem["detail"], "A user has at most 100 API keys");
    }

    let (mut path, mut ids) = (format!("{KEYS}?limit=40"), Vec::new());
    for size in [40, 40, 20] {
        let page = ada.get(&path).await.expect(200);
        assert_eq!(page.items().len(), size);
        ids.extend(
            page.items()
                .iter()
                .map(|key| key["id"].as_str().unwrap().to_owned()),
        );
        let next = page.header("link").map(|link| {
            let (path, rel) = link.split_once('>').expect("RFC 8288");
            assert_eq!(rel, "; rel=\"next\"");
            path.trim_start_matches('<').to_owned()
        });
        assert_eq!(next.is_none(), size == 20);
        path = next.unwrap_or_default();
    }
    assert!(ids.len() == 100 && ids.is_sorted());
    let bad = ada.get(&format!("{KEYS}?limit=1001&cursor=x")).await;
    assert_fields(&bad.errors(), &["cursor", "limit"]);
}

#[tokio::test]
async fn an_admin_sees_whose_keys_there_are_and_no_secret() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.user("ada").await, app.admin().await);
    let issued = ada.issue(&READING).await;
    let path = format!("/api/v1/users/{}/api-keys", ada.id);
    let listed = admin.get(&path).await.expect(200);
    assert_fields(&listed.items()[0], &FIELDS);
    assert!(!listed.body.contains(&issued.key));
    let nobody = "/api/v1/users/01a1fac8-772b-76f8-8b87-aa860a220012/api-keys";
    for path in [nobody, "/api/v1/users/x/api-keys"] {
        admin.get(path).await.problem(404, "not_found");
    }
    let other = admin.issue(&READING).await;
    for id in [&*other.id, "x"] {
        let answer = admin.delete(&format!("{path}/{id}")).await;
        answer.problem(404, "not_found");
    }
    admin
        .delete(&format!("{path}/{}", issued.id))
        .await
        .expect(204);
    assert_eq!(ada.get(KEYS).await.json(), json!([]));
}

#[tokio::test]
async fn the_last_use_is_written_behind_the_requests() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let issued = ada.issue(&READING).await;
    let last_use = async || ada.get(&of(&issued.id)).await.json()["last_used_at"].clone();
    assert_eq!(last_use().await, Value::Null);
    app.anon().with_key(&issued.key).me().await.expect(200);
    let written = json!("2025-06-15T15:06:40Z");
    until("the use is written", Duration::from_secs(10), || async {
        last_use().await == written
    })
    .await;
}

#[tokio::test]
async fn without_the_database_a_known_key_is_good_and_an_unknown_one_no_401() {
    let (app, store) = Setup::new().start_faulty().await;
    let ada = app.user("ada").await;
    let (known, new) = (ada.issue(&READING).await, ada.issue(&READING).await);
    let known = app.anon().with_key(&known.key);
    known.me().await.expect(200);
    store.fail(Fault::Outage);
    known.me().await.expect(200);
    let unknown = app.anon().with_key(&new.key).me().await;
    unknown.problem(503, "unavailable");
    let refused = store.refused();
    let junk = app.anon().with_key("dwk_junk").me().await;
    junk.problem(401, "api_key_not_valid");
    assert!(refused > 0);
    store.fail(Fault::None);
    app.anon().with_key(&new.key).me().await.expect(200);
}
