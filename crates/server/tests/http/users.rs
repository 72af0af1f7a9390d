//! The list of users.

use crate::support::{Client, PASSWORD, Response, Setup, TestApp, assert_fields};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const USERS: &str = "/api/v1/users";

/// In the order of the alphabet: those who have joined at the same moment are listed in any order.
fn names(list: &Response) -> Vec<String> {
    let name = |user: &Value| user["username"].as_str().expect("a username").to_owned();
    let mut names: Vec<_> = list.items().iter().map(name).collect();
    names.sort_by_key(|name| name.to_lowercase());
    names
}

/// What the `Link` header says comes next.
fn next(page: &Response) -> Option<String> {
    let link = page.header("link")?;
    let target = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix(r#">; rel="next""#));
    Some(target.unwrap_or_else(|| panic!("{link}")).to_owned())
}

/// All names on all pages, as somebody finds them who follows the links.
async fn walk(client: &Client, first: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut path = Some(first.to_owned());
    while let Some(page) = path {
        let page = client.get(&page).await.expect(200);
        pages.push(names(&page));
        path = next(&page);
        assert!(pages.len() < 100, "the pages have an end");
    }
    pages
}

#[tokio::test]
async fn strangers_and_users_see_active_users_with_three_fields() {
    let app = TestApp::start().await;
    let (admin, ada, eve) = (
        app.admin().await,
        app.user("ada").await,
        app.user("eve").await,
    );
    let path = format!("{USERS}/{}", eve.id);
    admin
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    for client in [&app.anon(), &*ada] {
        let list = client.get(USERS).await.expect(200);
        assert_eq!(names(&list), ["ada", "admin"]);
        for user in list.items() {
            assert_fields(&user, &["id", "username", "date_joined"]);
        }
        assert!(!list.body.contains('@'), "{list}");
    }
    let searched = app.anon().get("/api/v1/users?search=eve&role=admin").await;
    assert_eq!(names(&searched.expect(200)), ["ada", "admin"]);
}

#[tokio::test]
async fn admins_and_owners_see_everybody_with_all_fields() {
    let app = TestApp::start().await;
    let (admin, owner, ada) = (app.admin().await, app.owner().await, app.user("ada").await);
    let path = format!("{USERS}/{}", ada.id);
    admin
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    for client in [&admin, &owner] {
        let list = client.get(USERS).await.expect(200);
        assert_eq!(list.header("cache-control"), Some("no-store"));
        assert_eq!(names(&list), ["ada", "admin", "owner"]);
        let shown = list.items().into_iter().find(|user| user["id"] == ada.id);
        assert_eq!(
            shown.unwrap(),
            json!({
                "id": ada.id, "username": "ada", "email": "ada@example.com", "role": "user", "is_active": false,
                "date_joined": "2025-06-15T15:06:40Z", "last_login": "2025-06-15T15:06:40Z",
            })
        );
    }
}

#[tokio::test]
async fn an_admin_searches_by_the_beginning_of_name_or_address_and_by_role() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (name, address) in [
        ("Ada Lovelace", "countess@example.com"),
        ("babbage", "ADA@example.com"),
        ("100%", "percent@example.com"),
        ("a_b", "under@example.com"),
        ("axb", "x@example.com"),
    ] {
        let name = name.replace('%', "");
        let body = json!({ "username": name, "email": address, "password": PASSWORD });
        app.anon()
            .post("/api/v1/user/create", body)
            .await
            .expect(201);
    }
    for (query, found) in [
        ("search=ada", vec!["Ada Lovelace", "babbage"]),
        ("search=ADA+L", vec!["Ada Lovelace"]),
        ("search=countess%40", vec!["Ada Lovelace"]),
        ("search=lovelace", vec![]),
        ("search=a_b", vec!["a_b"]),
        ("search=%25", vec![]),
        ("search=_", vec![]),
        ("search=%5C", vec![]),
        ("search='%20OR%201=1", vec![]),
        ("role=admin", vec!["admin"]),
        ("role=owner", vec![]),
        (
            "search=ada&role=user&limit=1000",
            vec!["Ada Lovelace", "babbage"],
        ),
        (
            "search=",
            vec!["100", "a_b", "Ada Lovelace", "admin", "axb", "babbage"],
        ),
    ] {
        let list = admin.get(&format!("{USERS}?{query}")).await.expect(200);
        assert_eq!(names(&list), found, "{query}");
    }
}

#[tokio::test]
async fn following_the_links_visits_everybody_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for number in 0..23 {
        let body = json!({ "username": format!("a+b {number}"), "email": format!("n{number}@example.com"), "password": PASSWORD });
        app.anon()
            .post("/api/v1/user/create", body)
            .await
            .expect(201);
    }
    for (client, first, sizes) in [
        (&app.anon(), format!("{USERS}?limit=7"), vec![7, 7, 7, 3]),
        (&app.anon(), format!("{USERS}/?limit=12"), vec![12, 12]),
        (&*admin, format!("{USERS}?limit=10"), vec![10, 10, 4]),
        (
            &*admin,
            format!("{USERS}?search=a%2Bb%20&limit=10"),
            vec![10, 10, 3],
        ),
        (&*admin, format!("{USERS}?role=user&limit=23"), vec![23]),
        (&*admin, USERS.to_owned(), vec![24]),
    ] {
        let pages = walk(client, &first).await;
        let counted: Vec<_> = pages.iter().map(Vec::len).collect();
        assert_eq!(counted, sizes, "{first}");
        let all: BTreeSet<_> = pages.iter().flatten().collect();
        assert_eq!(all.len(), sizes.iter().sum::<usize>(), "{first}");
    }
}

#[tokio::test]
async fn a_page_goes_on_behind_somebody_who_has_gone_and_shows_the_oldest_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "eve", "zoe"] {
        app.clock.advance(TimeDelta::milliseconds(1));
        ids.push(app.user(name).await.id);
    }
    let first = app.anon().get("/api/v1/users?limit=3").await.expect(200);
    let order: Vec<_> = first
        .items()
        .iter()
        .map(|user| user["username"].clone())
        .collect();
    assert_eq!(order, ["admin", "ada", "bob"]);
    admin
        .delete(&format!("{USERS}/{}", ids[1]))
        .await
        .expect(204);
    let rest = app.anon().get(&next(&first).unwrap()).await.expect(200);
    assert_eq!(names(&rest), ["eve", "zoe"]);
}

#[tokio::test]
async fn a_page_has_fifty_users_unless_told_otherwise_and_bad_queries_are_named() {
    let app = TestApp::start().await;
    for number in 0..51 {
        app.clock.advance(TimeDelta::milliseconds(1));
        app.anon()
            .register(&format!("user{number}"))
            .await
            .expect(201);
    }
    let first = app.anon().get(USERS).await.expect(200);
    assert_eq!(first.items().len(), 50);
    let rest = app.anon().get(&next(&first).unwrap()).await.expect(200);
    assert_eq!(names(&rest), ["user50"]);
    assert_eq!(rest.header("link"), None);
    let limit = "Must be a whole number from 1 to 1000.";
    for bad in ["0", "1001", "-1", "x", "1.5", "99999999999999999999"] {
        let answer = app.anon().get(&format!("{USERS}?limit={bad}")).await;
        assert_eq!(answer.errors(), json!({ "limit": [limit] }), "{bad}");
    }
    let answer = app
        .anon()
        .get("/api/v1/users?limit=0&cursor=x&role=king")
        .await;
    let errors = answer.errors();
    assert_fields(&errors, &["cursor", "limit", "role"]);
    app.anon().get("/api/v1/users?limit=1000").await.expect(200);
}

#[tokio::test]
async fn an_answer_that_the_client_has_is_304_without_a_body() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.anon().register("ada").await.expect(201);
    for client in [&app.anon(), &*admin] {
        let list = client.get(USERS).await.expect(200);
        let tag = list.header("etag").unwrap().to_owned();
        for sent in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = client.get(USERS).header("if-none-match", &sent).await;
            let answer = answer.expect(304);
            assert_eq!(answer.header("etag"), Some(&*tag));
            assert_eq!(answer.body, "");
        }
        let stale = client.get(USERS).header("if-none-match", "\"x\"");
        stale.await.expect(200);
        assert_eq!(client.get(USERS).await.header("etag"), Some(&*tag));
    }
    let open = app.anon().get(USERS).await;
    let full = admin.get(USERS).await;
    assert_ne!(open.header("etag"), full.header("etag"));
}

#[tokio::test]
async fn every_write_is_seen_in_the_next_list() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    let path = format!("{USERS}/{}", ada.id);
    let mut seen = BTreeSet::new();
    let mut look = async |what: &str, expected: &[&str]| {
        let open = app.anon().get(USERS).await.expect(200);
        assert_eq!(names(&open), expected, "after {what}");
        let full = admin.get(USERS).await.expect(200);
        let tag = full.header("etag").unwrap().to_owned();
        assert!(seen.insert(tag), "the full list has changed with {what}");
    };
    look("the start", &["ada", "admin"]).await;
    app.anon().register("eve").await.expect(201);
    look("a registration", &["ada", "admin", "eve"]).await;
    let rename = json!({ "username": "lovelace" });
    ada.patch("/api/v1/user/me", rename).await.expect(200);
    look("a rename", &["admin", "eve", "lovelace"]).await;
    admin
        .patch(&path, json!({ "email": "l@example.com" }))
        .await
        .expect(200);
    look("an address", &["admin", "eve", "lovelace"]).await;
    app.clock.advance(TimeDelta::seconds(1));
    let eve = app.login("eve").await;
    look("a login", &["admin", "eve", "lovelace"]).await;
    admin
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    look("a deactivation", &["admin", "eve"]).await;
    admin
        .patch(&path, json!({ "is_active": true }))
        .await
        .expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    app.anon().login("lovelace", PASSWORD).await.expect(200);
    look("a return", &["admin", "eve", "lovelace"]).await;
    admin.delete(&path).await.expect(204);
    look("a deletion", &["admin", "eve"]).await;
    let delete = eve.request("DELETE", "/api/v1/user/me");
    delete
        .json(&json!({ "current_password": PASSWORD }))
        .await
        .expect(204);
    look("an account's end", &["admin"]).await;
}

#[tokio::test]
async fn a_write_is_seen_in_the_list_of_another_node_within_a_second() {
    let app = TestApp::start().await;
    let other = app.second_node().await;
    assert_eq!(names(&other.anon().get(USERS).await), [""; 0]);
    app.anon().register("ada").await.expect(201);
    let within = std::time::Duration::from_secs(1);
    crate::support::until("the list is new", within, || async {
        names(&other.anon().get(USERS).await) == ["ada"]
    })
    .await;
}

#[tokio::test]
async fn a_closed_list_is_401_for_strangers_alone() {
    let setup = Setup::new().settings(|settings| settings.public_user_list = false);
    let app = setup.start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    let answer = app.anon().get(USERS).await;
    answer.problem(401, "not_authenticated");
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer realm="api""#)
    );
    assert_eq!(names(&ada.get(USERS).await.expect(200)), ["ada", "admin"]);
    admin.get(USERS).await.expect(200);
}
