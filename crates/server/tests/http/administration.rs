//! What admins and owners do with the accounts of others.

use crate::support::{PASSWORD, TestApp};
use doorward_domain::Role;
use serde_json::json;

fn path(id: &str) -> String {
    format!("/api/v1/users/{id}")
}

#[tokio::test]
async fn an_admin_sees_changes_and_deletes_a_user() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    let shown = json!({
        "id": ada.id, "username": "ada", "email": "ada@example.com", "role": "user", "is_active": true,
        "date_joined": "2025-06-15T15:06:40Z", "last_login": "2025-06-15T15:06:40Z",
    });
    let answer = admin.get(&path(&ada.id)).await.expect(200);
    assert_eq!(answer.json(), shown);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let change = json!({ "username": "lovelace", "email": "l@example.com" });
    let answer = admin.patch(&path(&ada.id), change).await.expect(200);
    let mut changed = shown;
    changed["username"] = json!("lovelace");
    changed["email"] = json!("l@example.com");
    assert_eq!(answer.json(), changed);
    assert_eq!(ada.me().await.text("username"), "lovelace");
    let answer = admin.delete(&path(&ada.id)).await.expect(204);
    assert_eq!(answer.body, "");
    admin.get(&path(&ada.id)).await.problem(404, "not_found");
    admin.delete(&path(&ada.id)).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_unknown_id_is_404_and_so_is_what_is_no_id() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for id in [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "1",
        "me",
        "%00",
        "x'--",
    ] {
        admin.get(&path(id)).await.problem(404, "not_found");
        admin.delete(&path(id)).await.problem(404, "not_found");
        let change = json!({ "username": "x" });
        admin
            .patch(&path(id), change)
            .await
            .problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_admin_touches_no_admin_no_owner_and_no_role() {
    let app = TestApp::start().await;
    let (admin, owner, ada) = (app.admin().await, app.owner().await, app.user("ada").await);
    let colleague = app.somebody("colleague", Role::Admin).await;
    for other in [&owner, &colleague, &admin] {
        let path = path(&other.id);
        admin.get(&path).await.expect(200);
        for change in [
            json!({ "username": "x" }),
            json!({ "is_active": false }),
            json!({ "role": "user" }),
        ] {
            let answer = admin.patch(&path, change).await;
            answer.problem(403, "permission_denied");
        }
        let answer = admin.delete(&path).await;
        answer.problem(403, "permission_denied");
    }
    for role in ["admin", "owner"] {
        let answer = admin.patch(&path(&ada.id), json!({ "role": role })).await;
        answer.problem(403, "permission_denied");
    }
    admin
        .patch(&path(&ada.id), json!({ "role": "user" }))
        .await
        .expect(200);
    assert_eq!(owner.me().await.text("role"), "owner");
    assert_eq!(ada.me().await.text("role"), "user");
}

#[tokio::test]
async fn an_owner_gives_and_takes_roles() {
    let app = TestApp::start().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    for role in ["admin", "owner", "admin", "user"] {
        let answer = owner.patch(&path(&ada.id), json!({ "role": role })).await;
        assert_eq!(answer.expect(200).text("role"), role);
        assert_eq!(ada.me().await.text("role"), role);
    }
    let admin = app.admin().await;
    owner
        .patch(&path(&admin.id), json!({ "is_active": false }))
        .await
        .expect(200);
    admin.me().await.problem(401, "token_not_valid");
    owner.delete(&path(&admin.id)).await.expect(204);
}

#[tokio::test]
async fn every_bad_field_of_a_change_is_named() {
    let app = TestApp::start().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    let bad = json!({
        "username": "owner", "email": "x", "role": "king", "is_active": "yes", "password": "x", "last_login": null,
    });
    assert_eq!(
        owner.patch(&path(&ada.id), bad).await.errors(),
        json!({
            "username": ["A user with that username already exists."],
            "email": ["Enter a valid email address."],
            "role": ["Must be one of user, admin, owner."],
            "is_active": ["Must be a valid boolean."],
            "password": ["Unknown field."],
            "last_login": ["Unknown field."],
        })
    );
    let foreign = owner
        .patch(&path(&ada.id), json!({ "username": "owner@example.com" }))
        .await;
    let message = "A username that contains @ must be the account's own email address.";
    assert_eq!(foreign.errors(), json!({ "username": [message] }));
    app.anon().login("ada", PASSWORD).await.expect(200);
}
