//! Another secret key, with the one before among the fallbacks and without it.

use super::{PASSWORD, Place, Process, SECRET_KEY, login};
use crate::support::{ApiKey, Browser, PATIENCE, User, count, until};
use serde_json::json;

const NEXT_KEY: &str = "k7RwZp3xVn9sQd2LtYb6HgMc4JfUe8AoXi5DrTzE";
const NEW_PASSWORD: &str = "isambard-Brunel-1859";

/// What people have when the key changes.
struct Before {
    ada: User,
    /// Of other sessions, in its short form and in its signed one.
    uuid: String,
    signed: String,
    key: ApiKey,
    browser: Browser,
    link: String,
    bob: String,
}

impl Before {
    async fn of(server: &Process) -> Self {
        let client = server.client();
        for name in ["ada", "bob"] {
            client.register(name).await.expect(201);
        }
        let ada = login(&client, "ada").await;
        let bob = login(&client, "bob").await.id;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let short = client.post("/api/login", body).await.expect(200);
        let uuid = short.text("refresh_token");
        assert_eq!(uuid.len(), 36, "{uuid}");
        let signed = login(&client, "ada").await.refresh;
        let key = ada.issue(&["profile:read"]).await;
        let mut browser = Browser::at_address(&client, server.address);
        browser.log_in("olga", PASSWORD).await.expect(303);
        let make = format!("/admin/users/{bob}/password-link");
        browser.get("/admin/users").await.expect(200);
        let page = browser.post(&make, &[]).await.expect(200);
        let link = page.body.split("/admin/password?token=").nth(1).unwrap();
        let link = link.split('"').next().unwrap();
        Self {
            ada,
            uuid,
            signed,
            key,
            link: link.to_owned(),
            browser,
            bob,
        }
    }
}

/// With an owner.
fn place(algorithm: &str) -> Place {
    let place = Place::of_this_run()
        .with("JWT_ALGORITHM", algorithm)
        .with("DOORWARD_SUPERUSER_PASSWORD", PASSWORD);
    let olga = ["--username", "olga", "--email", "olga@example.com"];
    place
        .run(&[&["createsuperuser"], &olga[..]].concat())
        .succeeds();
    place
}

async fn seals(place: &Place) {
    let database = place.database.as_ref().unwrap();
    until("the server seals", PATIENCE, async || {
        count(database, "audit_events WHERE sequence IS NULL") == 0
    })
    .await;
}

#[tokio::test]
async fn a_new_key_with_the_earlier_one_as_fallback_logs_nobody_out() {
    for algorithm in ["HS256", "EdDSA"] {
        let place = place(algorithm);
        let server = place.serve();
        let before = Before::of(&server).await;
        let secret = "/api/v1/webhook-secret";
        before.ada.request("POST", secret).await.expect(201);
        seals(&place).await;
        drop(server);

        let place = place
            .with("SECRET_KEY", NEXT_KEY)
            .with("SECRET_KEY_FALLBACKS", SECRET_KEY);
        let server = place.serve();
        let client = server.client();
        before.ada.at(&client).me().await.expect(200);
        let body = json!({ "refresh_token": before.uuid });
        let next = client.post("/api/refresh", body).await.expect(200);
        client.refresh(&before.signed).await.expect(200);
        client.with_key(&before.key.key).me().await.expect(200);
        let mut browser = before.browser.moved(&client, server.address);
        let activate = format!("/admin/users/{}/activate", before.bob);
        browser.post(&activate, &[]).await.expect(303);
        browser.get("/admin/users").await.expect(200);
        let link = format!("/admin/password?token={}", before.link);
        let mut stranger = Browser::at_address(&client, server.address);
        stranger.get(&link).await.expect(200);
        let fields = [
            ("token", before.link.as_str()),
            ("new_password", NEW_PASSWORD),
            ("again", NEW_PASSWORD),
        ];
        stranger.post("/admin/password", &fields).await.expect(200);
        client.login("bob", NEW_PASSWORD).await.expect(200);
        seals(&place).await;
        place.run(&["audit", "verify"]).succeeds();
        drop(server);

        // What was given meanwhile needs the earlier key no more, and what was sealed is sealed anew.
        let place = place.with("SECRET_KEY_FALLBACKS", "");
        let server = place.serve();
        let client = server.client();
        client
            .refresh(&next.text("refresh_token"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn without_the_earlier_key_nothing_of_its_time_is_accepted() {
    let place = place("HS256");
    let server = place.serve();
    let before = Before::of(&server).await;
    drop(server);
    let place = place.with("SECRET_KEY", NEXT_KEY);
    let server = place.serve();
    let client = server.client();
    before
        .ada
        .at(&client)
        .me()
        .await
        .problem(401, "token_not_valid");
    for token in [&before.uuid, &before.signed, &before.ada.refresh] {
        client.refresh(token).await.problem(401, "token_not_valid");
    }
    let mut browser = before.browser.moved(&client, server.address);
    browser.get("/admin/users").await.expect(303);
    let link = format!("/admin/password?token={}", before.link);
    browser.get(&link).await.expect(404);
    // A key is a random number of its own, of which the row has the digest.
    client.with_key(&before.key.key).me().await.expect(200);
    login(&client, "ada").await.me().await.expect(200);
}

#[tokio::test]
async fn what_was_sealed_under_a_key_that_is_lost_refuses_the_start() {
    let place = place("EdDSA").with("RUST_LOG", "error");
    drop(place.serve());
    let place = place.with("SECRET_KEY", NEXT_KEY);
    place.run(&[]).fails(&["SECRET_KEY_FALLBACKS"]);
}
