//! What people write into the service is shown, and never run.

use crate::chrome::Chrome;
use crate::server::Server;
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
    let (_, me) = server
        .ask("GET", "/api/v1/user/me", Some(&ada), Value::Null)
        .await;
    let id = me["id"].as_str().unwrap();
    let chrome = Chrome::start(&server).await;
    chrome.log_in("owner").await;
    chrome.open(&format!("/admin/users/{id}")).await;
    chrome
        .reads("<script>document.title='owned'</script>")
        .await;
    assert_eq!(chrome.driver.title().await.unwrap(), "ada · Doorward");
    chrome.assert_clean(&[]).await;
    chrome.quit().await;
}
