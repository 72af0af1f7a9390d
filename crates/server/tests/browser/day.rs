//! An owner's day, and a plain user who is turned away.

use crate::chrome::Chrome;
use crate::server::{PASSWORD, Server};
use serde_json::{Value, json};

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

    chrome.follow("Settings").await;
    chrome.fill("ACCESS_TOKEN_LIFETIME", "3").await;
    chrome.press("Save").await;
    chrome
        .reads("Must be a whole number of seconds from 5 to 86400.")
        .await;
    chrome.fill("ACCESS_TOKEN_LIFETIME", "30").await;
    chrome.choose("REGISTRATION_OPEN", "false").await;
    chrome.press("Save").await;
    chrome.reads("The changes are saved.").await;
    let body = json!({ "username": "bob", "password": PASSWORD });
    let (_, login) = server.ask("POST", "/api/v1/user/login", None, body).await;
    assert_eq!(login["expires_in"], 30);
    let body = json!({ "email": "eve@example.com", "password": PASSWORD });
    let (status, _) = server.ask("POST", "/api/v1/user/create", None, body).await;
    assert_eq!(status, 403);
    chrome.press("Undo").await;
    chrome.reads("The change is undone.").await;

    chrome.follow("Audit log").await;
    for action in ["settings.changed", "session.ended", "user.deactivated"] {
        chrome.reads(action).await;
    }
    chrome.choose("action", "user.deactivated").await;
    chrome.press("Search").await;
    chrome.reads("sessions_ended").await;

    chrome.press("Log out").await;
    chrome.reads("You are logged out.").await;
    chrome.open("/admin/users").await;
    assert_eq!(chrome.path().await, "/admin/login");
    chrome.assert_clean(&["status of 400"]).await;
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
