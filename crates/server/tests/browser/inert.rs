//! What people write into the service is shown, and never run.

use crate::chrome::Chrome;
use crate::server::Server;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use serde_json::{Value, json};

const SCRIPT: &str =
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

#[tokio::test]
async fn stored_scripts_do_nothing() {
    let server = Server::start();
    let ada = server.user("ada").await;
    let body = json!({ "name": SCRIPT });
    let (status, made) = server
        .ask("POST", "/api/v1/api-keys", Some(&ada), body)
        .await;
    assert_eq!(status, 201, "{made}");
    let body = json!({ "name": SCRIPT, "scheduled_at": "2099-03-30T12:00:00Z", "payload": { "a": SCRIPT } });
    let (status, task) = server.ask("POST", "/api/v1/tasks", Some(&ada), body).await;
    assert_eq!(status, 201, "{task}");
    let task = task["id"].as_str().unwrap();
    let (_, me) = server
        .ask("GET", "/api/v1/user/me", Some(&ada), Value::Null)
        .await;
    let id = me["id"].as_str().unwrap();
    // No event has a text in its details that people choose. If one did:
    let file = server.database();
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let written = sql_query("UPDATE audit_events SET details = json_object('name', ?)");
    let written = written.bind::<Text, _>(SCRIPT).execute(&mut connection);
    assert!(written.unwrap() > 0);
    let chrome = Chrome::start(&server).await;
    chrome.log_in("owner").await;
    for (path, title) in [
        (format!("/admin/users/{id}"), "ada"),
        ("/admin/tasks".to_owned(), "Tasks"),
        (
            "/admin/audit?action=api_key.created".to_owned(),
            "Audit log",
        ),
    ] {
        chrome.open(&path).await;
        chrome.reads(SCRIPT).await;
        let shown = chrome.driver.title().await.unwrap();
        assert_eq!(shown, format!("{title} · Doorward"));
    }
    chrome.open(&format!("/admin/tasks/{task}")).await;
    chrome.reads(SCRIPT).await;
    let shown = chrome.driver.title().await.unwrap();
    assert_eq!(shown, format!("{SCRIPT} · Doorward"));
    chrome.assert_clean(&[]).await;
    chrome.quit().await;
}
