//! Secrets stay secret: what is used here is looked for in everything that is kept.

use super::{PASSWORD, Place, Process, SECRET_KEY, login};
use crate::support::{Browser, until};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use doorward_redis::testing::RedisServer;
use doorward_storage_diesel::DatabaseUrl;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

const WRONG: &str = "hunter2-hunter2-wrong";
const NEW_PASSWORD: &str = "isambard-Brunel-1859";
const EARLIER_KEY: &str = "k7RwZp3xVn9sQd2LtYb6HgMc4JfUe8AoXi5DrTzE";

/// A text as it is, and as it looks when somebody has written it otherwise.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let digits = secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect();
    let mut spellings = vec![secret.to_owned(), hex.to_ascii_uppercase(), hex];
    // By where it begins within three bytes; without the characters that its neighbours have a part in.
    for skipped in 0..3 {
        let rest = &secret.as_bytes()[skipped..];
        let whole = &rest[..rest.len() / 3 * 3];
        spellings.push(STANDARD_NO_PAD.encode(whole));
        spellings.push(URL_SAFE_NO_PAD.encode(whole));
    }
    let bytes = spellings.into_iter().map(String::into_bytes);
    bytes.collect()
}

/// The same of a UUID, which a column may hold as its bytes.
fn bytes_of_uuid(uuid: &str) -> Vec<u8> {
    uuid::Uuid::try_parse(uuid).unwrap().into_bytes().to_vec()
}

#[track_caller]
fn assert_nowhere(what: &str, kept: &[u8], secrets: &[Vec<u8>]) {
    for secret in secrets {
        let found = kept.windows(secret.len()).position(|part| part == secret);
        let around = found.map(|at| {
            let part = &kept[at.saturating_sub(200)..kept.len().min(at + 200)];
            String::from_utf8_lossy(part).into_owned()
        });
        assert_eq!(
            around,
            None,
            "{} in {what}",
            String::from_utf8_lossy(secret)
        );
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// All that the database has, with bytes as they are (SQLite) or in hexadecimal digits (PostgreSQL).
fn rows(place: &Place) -> Vec<u8> {
    let database = place.database.as_ref().unwrap();
    if let DatabaseUrl::Sqlite(file) = database.database_url() {
        let mut kept = Vec::new();
        for end in ["", "-wal", "-shm"] {
            kept.extend(fs::read(format!("{}{end}", file.display())).unwrap_or_default());
        }
        return kept;
    }
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let tables = diesel::sql_query(
        "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    let tables: Vec<Row> = tables.load(&mut connection).unwrap();
    assert!(tables.len() > 8);
    let mut kept = String::new();
    for table in tables {
        let all = format!("SELECT t::text AS text FROM \"{}\" t", table.text);
        let rows: Vec<Row> = diesel::sql_query(all).load(&mut connection).unwrap();
        kept.extend(rows.into_iter().map(|row| row.text + "\n"));
    }
    kept.into_bytes()
}

/// Uses every secret that there is, rightly and wrongly, and tells them.
async fn walk(server: &Process, receiver: &TcpListener) -> Vec<Vec<u8>> {
    let client = server.client();
    client.register("ada").await.expect(201);
    client.register("bob").await.expect(201);
    let ada = login(&client, "ada").await;
    let next = client.refresh(&ada.refresh).await.expect(200);
    client.login("ada", WRONG).await.expect(401);
    client
        .refresh(&format!("{}x", ada.refresh))
        .await
        .expect(401);
    ada.me().await.expect(200);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let short = client.post("/api/login", body).await.expect(200);
    let uuid = short.text("refresh_token");
    let body = json!({ "refresh_token": uuid });
    let after = client.post("/api/refresh", body).await.expect(200);
    let key = ada.issue(&["profile:read", "tasks:write"]).await;
    client.with_key(&key.key).me().await.expect(200);
    let path = format!("/api/v1/api-keys/{}/regenerate", key.id);
    let again = ada.post(&path, json!({})).await.expect(200).text("key");
    client.with_key(&key.key).me().await.expect(401);
    let body = json!({ "key": again });
    client
        .post("/api/v1/api-keys/verify", body)
        .await
        .expect(200);
    let secret = "/api/v1/webhook-secret";
    let first = ada.request("POST", secret).await.expect(201).text("secret");
    let second = ada.request("POST", secret).await.expect(201).text("secret");
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    let task = json!({ "name": "due", "scheduled_at": "2020-01-01T00:00:00Z", "kind": "webhook", "payload": { "url": url } });
    ada.post("/api/v1/tasks", task).await.expect(201);
    let heard = receiver.accept().unwrap().0.read(&mut [0; 4096]);
    assert!(heard.unwrap() > 0, "a webhook came");
    let body = json!({ "current_password": WRONG, "new_password": NEW_PASSWORD });
    ada.post("/api/v1/user/password", body).await.expect(400);
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    ada.post("/api/v1/user/password", body).await.expect(200);
    ada.logout(&next.text("refresh_token")).await.expect(200);

    let mut browser = Browser::at_address(&client, server.address);
    browser.log_in("olga", WRONG).await.expect(401);
    browser.log_in("olga", PASSWORD).await.expect(303);
    browser.get("/admin/users").await.expect(200);
    let bob = login(&client, "bob").await;
    let make = format!("/admin/users/{}/password-link", bob.id);
    let page = browser.post(&make, &[]).await.expect(200);
    let link = page.body.split("/admin/password?token=").nth(1).unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    let asked = format!("/admin/password?token={link}");
    let mut stranger = Browser::at_address(&client, server.address);
    stranger.get(&asked).await.expect(200);
    let cookie = browser.cookies.values().max_by_key(|value| value.len());

    let texts = [
        PASSWORD,
        WRONG,
        NEW_PASSWORD,
        SECRET_KEY,
        EARLIER_KEY,
        &ada.access,
        &ada.refresh,
        &next.text("access_token"),
        &next.text("refresh_token"),
        &uuid,
        &after.text("refresh_token"),
        &bob.access,
        &bob.refresh,
        &key.key,
        &again,
        first.strip_prefix("whsec_").unwrap(),
        second.strip_prefix("whsec_").unwrap(),
        cookie.unwrap(),
        &link,
    ];
    let mut secrets: Vec<_> = texts.into_iter().flat_map(spellings).collect();
    // What they are made of, without the envelope.
    for token in [&ada.refresh, &next.text("refresh_token")] {
        secrets.push(token.rsplit('.').next().unwrap().as_bytes().to_vec());
        let jti = crate::support::claims(token)["jti"]
            .as_str()
            .unwrap()
            .to_owned();
        secrets.push(bytes_of_uuid(&jti));
        secrets.push(jti.into_bytes());
    }
    for uuid in [uuid, after.text("refresh_token")] {
        secrets.push(bytes_of_uuid(&uuid));
        secrets.push(uuid.replace('-', "").into_bytes());
    }
    secrets
}

#[tokio::test]
async fn no_secret_shows_in_the_log_at_any_level_in_the_database_or_in_the_redis() {
    let redis = RedisServer::start(&["--rdbcompression", "no"]);
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::of_this_run()
        .with("RUST_LOG", "trace")
        .with("LOG_FORMAT", "json")
        .with("REDIS_URL", redis.config().url.expose_secret())
        .with("SECRET_KEY_FALLBACKS", EARLIER_KEY)
        .with("WEBHOOK_ALLOW", "127.0.0.1")
        .with("DOORWARD_SUPERUSER_PASSWORD", PASSWORD);
    let olga = ["--username", "olga", "--email", "olga@example.com"];
    place
        .run(&[&["createsuperuser"], &olga[..]].concat())
        .succeeds();
    let log = fs::File::create(place.path("log")).unwrap();
    let server = Process::start_with_log(place.command(&[]), log);
    let secrets = walk(&server, &receiver).await;
    let shared = || async { !redis.everything().is_empty() };
    until(
        "something lies in the Redis",
        Duration::from_secs(10),
        shared,
    )
    .await;
    assert_nowhere("the Redis", &redis.everything(), &secrets);
    assert_nowhere("the database", &rows(&place), &secrets);
    drop(server);
    let log = fs::read_to_string(place.path("log")).unwrap();
    let lines: Result<Vec<Value>, _> = log.lines().map(serde_json::from_str).collect();
    let lines = lines.unwrap();
    let is_of = |level: &str| lines.iter().any(|line| line["level"] == level);
    assert!(is_of("TRACE") && is_of("DEBUG"));
    assert!(log.contains("/api/v1/user/login"));
    assert_nowhere("the log", log.as_bytes(), &secrets);
    assert_nowhere("the log", log.as_bytes(), &[b"bcrypt_sha256".to_vec()]);
}
