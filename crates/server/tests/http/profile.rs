//! What a user does with his own account.

use crate::support::{PASSWORD, TestApp, assert_fields, at_once};
use chrono::TimeDelta;
use doorward_domain::Role;
use serde_json::json;

const ME: &str = "/api/v1/user/me";
const REQUIRED: &str = "This field is required.";
const WRONG: &str = "The password is not correct.";

#[tokio::test]
async fn the_profile_has_the_fields_of_the_contract() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let answer = ada.get(ME).await.expect(200);
    let profile = json!({
        "id": ada.id, "username": "ada", "email": "ada@example.com", "role": "user",
        "date_joined": "2025-06-15T15:06:40Z", "last_login": "2025-06-15T15:06:40Z",
    });
    assert_eq!(answer.json(), profile);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_username_is_changed_with_put_or_patch_and_seen_at_once() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    ada.get(ME).await.expect(200);
    for (method, name) in [
        ("PUT", "ada.lovelace"),
        ("PATCH", "Ada.Lovelace"),
        ("PATCH", "Ada.Lovelace"),
    ] {
        let change = ada.request(method, ME).json(&json!({ "username": name }));
        let answer = change.await.expect(200);
        assert_fields(
            &answer.json(),
            &[
                "id",
                "username",
                "email",
                "role",
                "date_joined",
                "last_login",
            ],
        );
        assert_eq!(answer.text("username"), name);
        assert_eq!(ada.get(ME).await.text("username"), name);
    }
    app.anon().login("ADA.lovelace", PASSWORD).await.expect(200);
    app.anon().login("ada", PASSWORD).await.expect(401);
    ada.patch(ME, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_young_login_changes_the_address_without_the_password() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    app.clock.advance(TimeDelta::seconds(290));
    let answer = ada
        .patch(ME, json!({ "email": "Ada@New.example.com" }))
        .await;
    assert_eq!(answer.expect(200).text("email"), "Ada@new.example.com");
    let body = json!({ "email": "ada@new.example.com", "password": PASSWORD });
    app.anon()
        .post("/api/v1/user/login", body)
        .await
        .expect(200);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.anon()
        .post("/api/v1/user/login", body)
        .await
        .expect(401);
}

#[tokio::test]
async fn an_older_login_needs_the_password_for_a_new_address_however_often_it_was_refreshed() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    app.clock.advance(TimeDelta::seconds(301));
    let renewed = app.anon().refresh(&ada.refresh).await.expect(200);
    let renewed = app.anon().with_token(&renewed.text("access_token"));
    let address = "ada@new.example.com";
    let answer = renewed.patch(ME, json!({ "email": address })).await;
    assert_eq!(answer.errors(), json!({ "current_password": [REQUIRED] }));
    let wrong = json!({ "email": address, "current_password": "not the password" });
    let answer = renewed.patch(ME, wrong).await;
    assert_eq!(answer.errors(), json!({ "current_password": [WRONG] }));
    assert_eq!(renewed.get(ME).await.text("email"), "ada@example.com");
    renewed
        .patch(ME, json!({ "username": "lovelace" }))
        .await
        .expect(200);
    renewed
        .patch(ME, json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let right = json!({ "email": address, "current_password": PASSWORD });
    renewed.put(ME, right).await.expect(200);
    assert_eq!(renewed.get(ME).await.text("email"), address);
}

#[tokio::test]
async fn every_bad_field_of_a_profile_is_named() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    app.anon().register("eve").await.expect(201);
    let taken = json!({ "username": "EVE", "email": "eve@EXAMPLE.com" });
    assert_eq!(
        ada.patch(ME, taken).await.errors(),
        json!({
            "username": ["A user with that username already exists."],
            "email": ["A user with that email address already exists."],
        })
    );
    let bad =
        json!({ "username": "", "email": "x", "role": "owner", "is_active": true, "id": "1" });
    assert_eq!(
        ada.patch(ME, bad).await.errors(),
        json!({
            "username": ["This field may not be blank."],
            "email": ["Enter a valid email address."],
            "role": ["Unknown field."],
            "is_active": ["Unknown field."],
            "id": ["Unknown field."],
        })
    );
    let foreign = ada
        .patch(ME, json!({ "username": "eve@example.com" }))
        .await;
    let message = "A username that contains @ must be the account's own email address.";
    assert_eq!(foreign.errors(), json!({ "username": [message] }));
    assert_eq!(ada.get(ME).await.text("role"), "user");
}

#[tokio::test]
async fn a_username_that_is_the_address_does_not_survive_the_address() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let name = json!({ "username": "ada@example.com" });
    ada.patch(ME, name).await.expect(200);
    let answer = ada
        .patch(ME, json!({ "email": "ada@new.example.com" }))
        .await;
    let message = "A username that contains @ must be the account's own email address.";
    assert_eq!(answer.errors(), json!({ "username": [message] }));
    let both = json!({ "username": "ada@new.example.com", "email": "ada@new.example.com" });
    ada.patch(ME, both).await.expect(200);
}

#[tokio::test]
async fn two_who_take_one_name_at_once_do_not_both_get_it() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    for round in 0..8 {
        let name = json!({ "username": format!("queen{round}") });
        let answers = at_once([ada.patch(ME, name.clone()), eve.patch(ME, name)]).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{answers:?}");
    }
}

#[tokio::test]
async fn a_password_change_needs_the_present_one_and_names_all_that_is_wrong() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let change = |body| ada.post("/api/v1/user/password", body);
    let both = json!({ "current_password": [REQUIRED], "new_password": [REQUIRED] });
    assert_eq!(change(json!({})).await.errors(), both);
    let wrong =
        json!({ "current_password": "not the password", "new_password": "Eiffel-gustav-1889-b" });
    let errors = change(wrong).await.errors();
    assert_eq!(errors, json!({ "current_password": [WRONG] }));
    let weak = json!({ "current_password": PASSWORD, "new_password": "1234567", "hint": "x" });
    assert_eq!(
        change(weak).await.errors(),
        json!({
            "new_password": [
                "This password is too short. It must contain at least 8 characters.",
                "This password is too common.",
                "This password is entirely numeric.",
            ],
            "hint": ["Unknown field."],
        })
    );
    app.login("ada").await;
}

#[tokio::test]
async fn an_account_is_deleted_with_its_password_alone() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let delete = |body| ada.request("DELETE", ME).json(&body);
    let missing = ada.delete(ME).await.errors();
    assert_eq!(missing, json!({ "current_password": [REQUIRED] }));
    let wrong = delete(json!({ "current_password": "not the password" })).await;
    assert_eq!(wrong.errors(), json!({ "current_password": [WRONG] }));
    let answer = delete(json!({ "current_password": PASSWORD }))
        .await
        .expect(204);
    assert_eq!(answer.body, "");
    ada.get(ME).await.problem(401, "token_not_valid");
    app.anon().refresh(&ada.refresh).await.expect(401);
    app.anon().login("ada", PASSWORD).await.expect(401);
    app.anon().register("ada").await.expect(201);
}

#[tokio::test]
async fn the_last_active_owner_neither_goes_nor_steps_down() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let delete = || {
        owner
            .request("DELETE", ME)
            .json(&json!({ "current_password": PASSWORD }))
    };
    let own = format!("/api/v1/users/{}", owner.id);
    for change in [
        json!({ "role": "user" }),
        json!({ "role": "admin" }),
        json!({ "is_active": false }),
    ] {
        owner.patch(&own, change).await.problem(409, "last_owner");
    }
    owner.delete(&own).await.problem(409, "last_owner");
    delete().await.problem(409, "last_owner");
    owner.get(ME).await.expect(200);
    let second = app.somebody("second", Role::Owner).await;
    let path = format!("/api/v1/users/{}", second.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    delete().await.problem(409, "last_owner");
    owner
        .patch(&path, json!({ "is_active": true }))
        .await
        .expect(200);
    delete().await.expect(204);
    let second = second.login_again().await;
    second.get(ME).await.expect(200);
}

#[tokio::test]
async fn two_owners_who_demote_or_delete_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    let mut owner = app.owner().await;
    for round in 0..8 {
        let other = app.somebody(&format!("owner{round}"), Role::Owner).await;
        let (his, hers) = (
            format!("/api/v1/users/{}", owner.id),
            format!("/api/v1/users/{}", other.id),
        );
        let requests = match round % 4 {
            0 => [(&owner, &hers), (&other, &his)]
                .map(|(by, path)| by.patch(path, json!({ "role": "user" }))),
            1 => [(&owner, &hers), (&other, &his)]
                .map(|(by, path)| by.patch(path, json!({ "is_active": false }))),
            2 => [(&owner, &hers), (&other, &his)].map(|(by, path)| by.delete(path)),
            _ => [&owner, &other].map(|by| {
                by.request("DELETE", ME)
                    .json(&json!({ "current_password": PASSWORD }))
            }),
        };
        let answers = at_once(requests).await;
        let left: Vec<_> = at_once([owner.get(&his), other.get(&hers)]).await;
        let left: Vec<_> = left.iter().map(|answer| answer.status == 200).collect();
        assert!(
            left == [true, false] || left == [false, true],
            "round {round}: {left:?} after {answers:?}"
        );
        if left[1] {
            owner = other;
        }
    }
}
