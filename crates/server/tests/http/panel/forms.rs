//! Every change comes from a form of this panel, made for this browser.

use crate::support::{Browser, TestApp};
use doorward_domain::Role;

/// Every address that takes a form, with ids that nobody has where it asks for some.
pub(super) fn forms(user: &str) -> Vec<String> {
    let other = "01890000-0000-7000-8000-000000000000";
    doorward_admin::routes()
        .into_iter()
        .filter(|(_, methods)| methods.iter().any(|method| method == "POST"))
        .map(|(path, _)| {
            let path = path.replace("{id}", user);
            path.replace("{session}", other).replace("{key}", other)
        })
        .collect()
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_changes_nothing() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::of(&app, "owner").await;
    let mut other = Browser::of(&app, "owner").await;
    other.get("/admin/users").await;
    let own = format!("http://{}", app.address);
    let paths = forms(&ada.id);
    assert!(paths.len() > 8, "{paths:?}");
    for path in &paths {
        let fields = [("username", "changed"), ("email", "changed@example.com")];
        browser.get("/admin/").await;
        let good = browser.form_token.clone();
        for token in ["", "x", &other.form_token, good.get(1..).unwrap()] {
            let refused = browser
                .post_from(path, &fields, token, &[("origin", &own)])
                .await
                .expect(403);
            assert!(refused.body.contains("Nothing was changed"), "{refused}");
        }
        for headers in [
            &[][..],
            &[("origin", "http://evil.example")],
            &[("origin", "null")],
            &[("origin", &own), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
        ] {
            let refused = browser.post_from(path, &fields, &good, headers).await;
            let refused = refused.expect(403);
            assert!(refused.body.contains("did not come from"), "{refused}");
        }
    }
    let me = ada.me().await.expect(200);
    assert_eq!(me.text("username"), "ada");
    browser.get("/admin/").await.expect(200);
}

#[tokio::test]
async fn a_form_of_a_session_before_is_refused() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let before = browser.form_token.clone();
    browser
        .log_in("owner", crate::support::PASSWORD)
        .await
        .expect(303);
    let own = format!("http://{}", app.address);
    browser
        .post_from("/admin/logout", &[], &before, &[("origin", &own)])
        .await
        .expect(403);
}

#[tokio::test]
async fn what_is_no_form_or_too_large_is_refused_as_a_page() {
    let app = TestApp::start().await;
    let admin = app.somebody("root", Role::Owner).await;
    let browser = Browser::of(&app, "root").await;
    let path = format!("/admin/users/{}", admin.id);
    let own = format!("http://{}", app.address);
    let cookie = format!("doorward_admin={}", browser.cookies["doorward_admin"]);
    for (kind, body, status) in [
        ("application/json", "{}".to_owned(), 415),
        ("application/x-www-form-urlencoded", "a".repeat(70_000), 413),
        ("application/x-www-form-urlencoded", "%".to_owned(), 403),
    ] {
        let refused = app
            .anon()
            .request("POST", &path)
            .header("origin", &own)
            .header("cookie", &cookie)
            .body(kind, body)
            .await
            .expect(status);
        assert_eq!(
            refused.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
}
