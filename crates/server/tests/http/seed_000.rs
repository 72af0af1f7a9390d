//! The commands of seed 000's document, from top to bottom: accounts with roles, tokens by simplejwt.

use crate::support::{NOON, PASSWORD, TestApp, assert_fields, claims};
use doorward_domain::{Role, User, UserId, Username};
use doorward_storage::{Store, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn every_command_of_the_document_gives_the_documented_answer() {
    let app = TestApp::start().await;

    // Register a user
    let body = json!({
        "username": "testuser", "email": "test@example.com", "password": "securepassword123", "role": "user",
    });
    let created = app.anon().post("/api/register/", body).await.expect(201);
    let created = created.json();
    let id = created["id"].as_str().unwrap();
    let profile =
        json!({ "id": id, "username": "testuser", "email": "test@example.com", "role": "user" });
    assert_eq!(created, profile);

    // Login
    let body = json!({ "username": "testuser", "password": "securepassword123" });
    let login = app.anon().post("/api/login/", body).await.expect(200);
    let tokens = login.json();
    assert_fields(&tokens, &["refresh", "access", "user"]);
    let user = json!({ "id": id, "username": "testuser", "role": "user" });
    assert_eq!(tokens["user"], user);
    assert_eq!(claims(&login.text("access"))["user_id"], id);
    assert_eq!(claims(&login.text("refresh"))["token_type"], "refresh");

    // Refresh token
    let body = json!({ "refresh": login.text("refresh") });
    let pair = app.anon().post("/api/token/refresh/", body).await;
    let pair = pair.expect(200);
    assert_fields(&pair.json(), &["access", "refresh"]);
    assert_ne!(pair.text("refresh"), login.text("refresh"));

    // Get profile
    let user = app.anon().with_token(&pair.text("access"));
    let answer = user.get("/api/profile/").await.expect(200);
    assert_eq!(answer.json(), profile);

    // Get all users, admins only
    let admin = app.admin().await;
    let list = admin.get("/api/users/").await.expect(200);
    let others = json!({
        "id": admin.id, "username": "admin", "email": "admin@example.com", "role": "admin",
    });
    let shown: Vec<Value> = list.items();
    assert_eq!(shown.len(), 2, "{list}");
    assert!(
        shown.contains(&profile) && shown.contains(&others),
        "{list}"
    );

    // The benchmark asks twice, and the second time from memory.
    let again = admin.get("/api/users/").await.expect(200);
    assert_eq!(again.body, list.body);
}

#[tokio::test]
async fn bad_fields_are_a_map_of_messages() {
    let app = TestApp::start().await;
    app.user("ada").await;
    let register = |body| app.anon().post("/api/register/", body);
    let required = json!(["This field is required."]);
    let answer = register(json!({ "username": "eve" })).await.expect(400);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({ "email": required, "password": required });
    assert_eq!(answer.json(), expected);
    let body = json!({ "username": "ADA", "email": "x", "password": "password", "role": "king" });
    let expected = json!({
        "username": ["A user with that username already exists."],
        "email": ["Enter a valid email address."],
        "password": ["This password is too common."],
        "role": ["Must be one of user, admin, owner."],
    });
    assert_eq!(register(body).await.expect(400).json(), expected);
    let answer = app.anon().post("/api/login/", json!({ "username": "ada" }));
    let expected = json!({ "password": required });
    assert_eq!(answer.await.expect(400).json(), expected);
    let body = json!({ "username": null, "password": 7 });
    let expected = json!({
        "username": ["This field may not be null."], "password": ["Not a valid string."],
    });
    let answer = app.anon().post("/api/login/", body).await.expect(400);
    assert_eq!(answer.json(), expected);
    let answer = app.anon().post("/api/token/refresh/", json!({})).await;
    assert_eq!(answer.expect(400).json(), json!({ "refresh": required }));
}

#[tokio::test]
async fn nobody_gives_himself_a_role() {
    let app = TestApp::start().await;
    let (admin, owner) = (app.admin().await, app.owner().await);
    let body = |name: &str, role: &str| {
        let email = format!("{name}@example.com");
        json!({ "username": name, "email": email, "password": PASSWORD, "role": role })
    };
    for client in [&app.anon(), &*admin] {
        for role in ["admin", "owner"] {
            let answer = client.post("/api/register/", body("eve", role)).await;
            let expected = json!({
                "detail": "Only an owner may give this role.", "code": "permission_denied",
            });
            assert_eq!(answer.expect(403).json(), expected);
        }
    }
    let made = owner.post("/api/register/", body("eve", "admin")).await;
    assert_eq!(made.expect(201).text("role"), "admin");
}

#[tokio::test]
async fn a_login_with_bad_credentials_is_refused_in_the_words_of_simplejwt() {
    let app = TestApp::start().await;
    app.user("ada").await;
    let expected = json!({ "detail": "No active account found with the given credentials" });
    for body in [
        json!({ "username": "ada", "password": "wrong" }),
        json!({ "username": "nobody", "password": PASSWORD }),
        // Only the username counts, as it always did.
        json!({ "username": "nobody", "email": "ada@example.com", "password": PASSWORD }),
    ] {
        let answer = app.anon().post("/api/login/", body).await.expect(401);
        assert_eq!(answer.json(), expected);
        let challenge = Some(r#"Bearer realm="api""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn a_bad_refresh_token_is_not_valid() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let refresh = |token: &str| {
        app.anon()
            .post("/api/token/refresh/", json!({ "refresh": token }))
    };
    let expected = json!({ "detail": "Token is invalid or expired", "code": "token_not_valid" });
    for token in ["", "junk", &ada.access] {
        assert_eq!(refresh(token).await.expect(401).json(), expected, "{token}");
    }
    refresh(&ada.refresh).await.expect(200);
    app.clock.advance(chrono::TimeDelta::days(31));
    let expired = refresh(&ada.refresh).await.expect(401);
    assert_eq!(expired.json(), expected);
}

#[tokio::test]
async fn a_profile_and_the_list_are_for_those_who_may_see_them() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for path in ["/api/profile/", "/api/users/"] {
        let answer = app.anon().get(path).await.expect(401);
        let expected = json!({
            "detail": "Authentication credentials were not provided.", "code": "not_authenticated",
        });
        assert_eq!(answer.json(), expected);
        let answer = app.anon().with_token("junk").get(path).await.expect(401);
        let expected = json!({
            "detail": "Given token not valid for any token type",
            "code": "token_not_valid",
            "messages": [{
                "token_class": "AccessToken", "token_type": "access", "message": "Token is invalid or expired",
            }],
        });
        assert_eq!(answer.json(), expected);
        let challenge = Some(r#"Bearer realm="api", error="invalid_token""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    let answer = ada.get("/api/users/").await.expect(403);
    let expected = json!({
        "detail": "You do not have permission to perform this action.", "code": "permission_denied",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn the_list_is_not_stale_and_known_by_its_tag() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let list = admin.get("/api/users/").await.expect(200);
    assert_eq!(list.header("cache-control"), Some("no-store"));
    assert_eq!(list.header("link"), None);
    let tag = list.header("etag").unwrap();
    let known = admin.get("/api/users/").header("if-none-match", tag).await;
    known.expect(304);
    // The same page in another shape is another page.
    let canonical = admin.get("/api/v1/users?limit=1000").await.expect(200);
    assert_fields(
        &canonical.items()[0],
        &[
            "id",
            "username",
            "email",
            "role",
            "date_joined",
            "last_login",
            "is_active",
        ],
    );
    let eve = app.user("eve").await;
    let list = admin.get("/api/users/").await.expect(200);
    assert!(list.body.contains(&eve.id), "{list}");
}

fn a_user(name: &str) -> User {
    User {
        id: UserId::new(NOON),
        username: Username::parse(name).unwrap(),
        email: None,
        password: None,
        role: Role::User,
        is_active: true,
        date_joined: NOON,
        last_login: None,
    }
}

#[tokio::test]
async fn of_very_many_users_the_first_thousand_come_with_a_link_to_the_rest() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let store = app.database.open();
    let shared: &dyn Store = &store;
    let written = shared.write(|tx| {
        for number in 0..1000 {
            tx.insert_user(&a_user(&format!("user{number}")))?;
        }
        Ok::<_, StoreError>(())
    });
    written.await.unwrap();
    store.close().await;
    let app = app.second_node().await;
    let admin = admin.at(&app.anon());
    let first = admin.get("/api/users/").await.expect(200);
    let link = first.header("link").unwrap().to_owned();
    let next = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix(r#">; rel="next""#));
    let rest = admin.get(next.unwrap()).await.expect(200);
    assert_eq!(rest.header("link"), None);
    let pages = [first.items(), rest.items()];
    assert_eq!(pages.each_ref().map(Vec::len), [1000, 1]);
    let ids: BTreeSet<_> = pages
        .iter()
        .flatten()
        .map(|user| user["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1001);
}
