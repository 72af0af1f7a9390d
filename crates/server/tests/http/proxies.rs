//! Whose word counts on where a request comes from.

use crate::support::{Client, PASSWORD, Setup, TestApp};
use serde_json::json;

/// Where a login from here, with these headers, is taken to come from.
async fn seen(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let body = json!({ "username": "ada", "password": PASSWORD });
    let mut login = app.anon().post("/api/v1/user/login", body);
    for (name, value) in headers {
        login = login.header(name, value);
    }
    let login = login.await.expect(200);
    let ada: Client = app.anon().with_token(&login.text("access_token"));
    let sessions = ada.get("/api/v1/user/sessions").await.expect(200);
    let current = sessions
        .items()
        .into_iter()
        .find(|session| session["current"] == true);
    current.unwrap()["ip_address"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn without_trusted_proxies_nobodys_word_counts() {
    let app = TestApp::start().await;
    app.user("ada").await;
    for header in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
    ] {
        assert_eq!(seen(&app, &[header]).await, "127.0.0.1", "{header:?}");
    }
}

#[tokio::test]
async fn a_proxys_word_counts_from_the_right_and_what_was_made_up_does_not() {
    let app = Setup::new()
        .behind(&["127.0.0.0/8", "10.0.0.0/8"])
        .start()
        .await;
    app.user("ada").await;
    for (headers, expected) in [
        (&[][..], "127.0.0.1"),
        (&[("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
        (
            &[("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.7")],
            "203.0.113.9",
        ),
        (
            &[
                ("x-forwarded-for", "6.6.6.6"),
                ("x-forwarded-for", "203.0.113.9"),
            ],
            "203.0.113.9",
        ),
        (
            &[(
                "forwarded",
                "for=6.6.6.6, for=\"[2001:db8::9]:80\";proto=https",
            )],
            "2001:db8::9",
        ),
        (&[("x-forwarded-for", "203.0.113.9, nonsense")], "127.0.0.1"),
        (&[("forwarded", "for=unknown")], "127.0.0.1"),
        (
            &[
                ("x-forwarded-for", "203.0.113.9"),
                ("forwarded", "for=6.6.6.6"),
            ],
            "127.0.0.1",
        ),
    ] {
        assert_eq!(seen(&app, headers).await, expected, "{headers:?}");
    }
}
