//! An owner's day, and a plain user who is turned away.

use crate::chrome::Chrome;
use crate::server::Server;
use serde_json::Value;

#[tokio::test]
async fn an_owner_has_a_day_at_the_panel() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let chrome = Chrome::start(&server).await;
    chrome.log_in("owner").await;
    chrome.reads("Active users").await;

    chrome.follow("Users").await;
    chrome.fill("search", "ada").await;
    chrome.press("Search").await;
    chrome.follow("ada").await;
    chrome.press("Deactivate").await;
    chrome.reads("The account is deactivated").await;
    let (status, _) = server
        .ask("GET", "/api/v1/user/me", Some(&ada), Value::Null)
        .await;
    assert_eq!(status, 401);

    chrome.open("/admin/users?search=bob").await;
    chrome.follow("bob").await;
    chrome.press("End").await;
    chrome.reads("The session has ended.").await;
    let (status, _) = server
        .ask("GET", "/api/v1/user/me", Some(&bob), Value::Null)
        .await;
    assert_eq!(status, 401);

    chrome.press("Log out").await;
    chrome.reads("You are logged out.").await;
    chrome.open("/admin/users").await;
    assert_eq!(chrome.path().await, "/admin/login");
    chrome.assert_clean(&[]).await;
    chrome.quit().await;
}

#[tokio::test]
async fn a_plain_user_is_turned_away() {
    let server = Server::start();
    server.user("ada").await;
    let chrome = Chrome::start(&server).await;
    chrome.log_in("ada").await;
    chrome.reads("The panel is for admins and owners").await;
    chrome.open("/admin/users").await;
    assert_eq!(chrome.path().await, "/admin/login");
    chrome.assert_clean(&["status of 403"]).await;
    chrome.quit().await;
}
