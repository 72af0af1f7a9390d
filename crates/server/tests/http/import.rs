//! People who came from Django, as they log in.

use crate::support::{NOON, PATIENCE, Response, SECRET_KEY, Setup, TestApp, until};
use doorward_domain::{User, Username};
use doorward_services::Clock;
use doorward_services::import::{DjangoUser, Importer};
use doorward_storage::Store;
use serde_json::json;
use std::sync::Arc;

const PASSWORD: &str = "lètmein-Doorward";

/// Made by Django 5.2, one by each of its hashers.
const HASHES: [(&str, &str); 6] = [
    (
        "pbkdf2_sha256",
        "pbkdf2_sha256$1200$injw4y5frQ5RlS2kwCwppH$f5ERSeg5yKOeqpWGDqpawuGRncSd1j4161bOBPg/8JI=",
    ),
    (
        "pbkdf2_sha1",
        "pbkdf2_sha1$1200$mVOqNk3ajcXS88buWngW69$ms/7oWN0fFQg/ifnf7AA9+sr2JE=",
    ),
    (
        "argon2",
        "argon2$argon2id$v=19$m=256,t=2,p=2$YXVKMXhCWExpZHYwWmlsVXpiaDNScQ$up5uN5aUOXYZhiAbjuoesm5sKWQ+dyGfYj7E4G/HJX0",
    ),
    (
        "scrypt",
        "scrypt$64$xkf2LtuR2TNMlo8sqBKDnS$8$2$CN01Fu64uNLbeGAxWOKr/wHFxFTWB2wRgsjoZIpizznhJia/P+ZHhMOgsCCMBDRa5RJP2wgn5PQMhYEN+NqB7A==",
    ),
    (
        "bcrypt",
        "bcrypt$$2b$04$Jg3mEEsS0rT3DdPdZq6iA.Gvn1maTKc4VdKpBsnWBPE7.2v9OoJ0O",
    ),
    (
        "bcrypt_sha256",
        "bcrypt_sha256$$2b$04$H03e65iqZj4njlr4z66hPON1e4AG768KCPHcOMKjrmTeWM1z4FDKC",
    ),
];

/// What another process does with the database of a server that runs.
async fn import(app: &TestApp, people: Vec<DjangoUser>) {
    let store: Arc<dyn Store> = Arc::new(app.database.open());
    let clock: Arc<dyn Clock> = Arc::<doorward_services::clock::FakeClock>::clone(&app.clock);
    let mut importer = Importer::new(Arc::clone(&store), clock);
    let report = importer.import(people).await.unwrap();
    assert_eq!(report.left_out, 0, "{report:?}");
    store.close().await;
}

async fn stored(app: &TestApp, name: &str) -> User {
    let store: Arc<dyn Store> = Arc::new(app.database.open());
    let name = Username::parse(name).unwrap();
    let user = store.read(move |tx| tx.user_by_username(&name)).await;
    store.close().await;
    user.unwrap().unwrap()
}

fn person(key: usize, name: &str, hash: &str) -> DjangoUser {
    DjangoUser {
        key: Some(key.to_string()),
        username: Some(name.to_owned()),
        password: Some(hash.into()),
        date_joined: Some("2020-02-03T04:05:06Z".to_owned()),
        ..DjangoUser::default()
    }
}

#[tokio::test]
async fn every_hash_of_django_logs_in_and_is_replaced_once() {
    let app = TestApp::start().await;
    let people = HASHES.iter().enumerate();
    let people = people.map(|(key, (name, hash))| person(key, name, hash));
    import(&app, people.collect()).await;
    for (name, hash) in HASHES {
        let wrong = app.anon().login(name, "lètmein-doorward").await;
        wrong.problem(401, "invalid_credentials");
        assert_eq!(stored(&app, name).await.password.unwrap().as_str(), hash);
        app.anon().login(name, PASSWORD).await.expect(200);
        let new = stored(&app, name).await.password.unwrap();
        assert!(new.as_str().starts_with("bcrypt_sha256$$2b$04$"), "{name}");
        assert_eq!(new.as_str() == hash, name == "bcrypt_sha256", "{name}");
        app.anon().login(name, PASSWORD).await.expect(200);
        assert_eq!(stored(&app, name).await.password, Some(new), "{name}");
        let wrong = app.anon().login(name, "wrong").await;
        wrong.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn who_has_no_usable_password_is_refused_like_a_stranger() {
    let app = TestApp::start().await;
    import(
        &app,
        vec![person(
            1,
            "ada",
            "!Tv4PHJ8nqWOylz0yMrx7bPyPEiu0sHjDsfeQyeIl",
        )],
    )
    .await;
    let body = |answer: Response| {
        let mut body = answer.problem(401, "invalid_credentials");
        body["request_id"] = json!(null);
        body
    };
    let imported = body(
        app.anon()
            .login("ada", "!Tv4PHJ8nqWOylz0yMrx7bPyPEiu0sHjDsfeQyeIl")
            .await,
    );
    let stranger = body(app.anon().login("nobody", "wrong").await);
    assert_eq!(imported, stranger);
}

#[tokio::test]
async fn a_server_that_runs_shows_them_in_the_list() {
    let app = TestApp::start().await;
    app.user("zoe").await;
    let list = async || app.anon().get("/api/v1/users").await.expect(200).json();
    assert_eq!(list().await.as_array().unwrap().len(), 1);
    import(&app, vec![person(1, "ada", "!")]).await;
    let is_there = || async { list().await.as_array().unwrap().len() == 2 };
    until("the list shows her", PATIENCE, is_there).await;
    let ada = list().await[0].clone();
    assert_eq!(ada["username"], "ada");
    assert_eq!(ada["date_joined"], "2020-02-03T04:05:06Z");
}

#[tokio::test]
async fn the_list_of_admins_shows_them_too() {
    let app = TestApp::start().await;
    let olga = app.owner().await;
    let count = async |path: &str| {
        let list = olga.get(path).await.expect(200).json();
        list.as_array().unwrap().len()
    };
    for path in ["/api/v1/users", "/api/users"] {
        assert_eq!(count(path).await, 1, "{path}");
    }
    import(&app, vec![person(1, "ada", "!")]).await;
    for path in ["/api/v1/users", "/api/users"] {
        let is_there = async || count(path).await == 2;
        until("the list shows her", PATIENCE, is_there).await;
    }
}

#[tokio::test]
async fn an_imported_username_that_is_somebody_elses_address_may_stay_and_no_other_may_be_taken() {
    let app = TestApp::start().await;
    let (_, hash) = HASHES[0];
    import(&app, vec![person(1, "eve@example.com", hash)]).await;
    let login = app
        .anon()
        .login("eve@example.com", PASSWORD)
        .await
        .expect(200);
    let eve = app.anon().with_token(&login.text("access_token"));
    let me = |body| eve.patch("/api/v1/user/me", body);
    me(json!({ "email": "other@example.com" }))
        .await
        .expect(200);
    let refused = me(json!({ "username": "zoe@example.com" })).await;
    refused.problem(400, "validation_failed");
    me(json!({ "username": "eve" })).await.expect(200);
    let refused = me(json!({ "username": "eve@example.com" })).await;
    refused.problem(400, "validation_failed");
}

/// As simplejwt signs it.
fn token_of_django(user_id: usize) -> String {
    let now = NOON.timestamp();
    let claims = json!({
        "token_type": "access", "exp": now + 300, "iat": now, "jti": "7d6b4b0c2f8e4f0e9d7c3a2b1c0d9e8f",
        "user_id": user_id.to_string(),
    });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET_KEY.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[tokio::test]
async fn while_people_move_a_token_that_django_signed_is_accepted_where_the_operator_says_so() {
    let app = Setup::new().accepting_foreign_tokens().start().await;
    import(&app, vec![person(7, "ada", HASHES[0].1)]).await;
    let django = app.anon().with_token(&token_of_django(7));
    let me = django.me().await.expect(200);
    assert_eq!(me.text("username"), "ada");
    let stranger = app.anon().with_token(&token_of_django(8));
    stranger.me().await.problem(401, "token_not_valid");
    app.clock.advance(chrono::TimeDelta::seconds(2));
    let everywhere = django.request("POST", "/api/v1/user/logout-all");
    everywhere.await.expect(200);
    django.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_token_that_django_signed_is_refused_unless_the_operator_says_otherwise() {
    let app = TestApp::start().await;
    import(&app, vec![person(7, "ada", HASHES[0].1)]).await;
    let django = app.anon().with_token(&token_of_django(7));
    django.me().await.problem(401, "token_not_valid");
}
