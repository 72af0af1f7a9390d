//! What every page of the panel has in common.

use crate::support::{Browser, Response, Setup, TestApp};
use serde_json::json;

#[track_caller]
fn assert_page(answer: &Response) {
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    assert_eq!(
        header("content-type"),
        "text/html; charset=utf-8",
        "{answer}"
    );
    assert_eq!(header("cache-control"), "no-store", "{answer}");
    assert_eq!(header("referrer-policy"), "same-origin", "{answer}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{answer}");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let body = answer.body.to_lowercase();
    for never in [
        "<script",
        " style=",
        "<style",
        " onclick=",
        "src=\"http",
        "//cdn",
    ] {
        assert!(!body.contains(never), "{never} in {answer}");
    }
    for needed in [
        "<html lang=\"en\">",
        "<main",
        "<h1",
        "<title>",
        "name=\"viewport\"",
    ] {
        assert!(body.contains(needed), "{needed} in {answer}");
    }
}

#[tokio::test]
async fn every_page_answers_with_and_without_a_slash_and_to_head() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    for (path, methods) in doorward_admin::routes() {
        let others = [
            "/admin/login",
            "/admin/audit.csv",
            "/admin/constance/config",
        ];
        let is_other = path.contains("/assets/")
            || path == "/admin/tasks/{id}"
            || others.contains(&path.as_str());
        if is_other || !methods.iter().any(|method| method == "GET") {
            continue;
        }
        let path = path.replace("{id}", &owner.id);
        for path in [path.clone(), format!("{path}/")] {
            let page = browser.get(&path).await;
            let status = if path.contains("password") { 404 } else { 200 };
            assert_eq!(page.status, status, "{page}");
            assert_page(&page);
        }
    }
    for path in ["/admin", "/admin/"] {
        let head = app.anon().request("HEAD", path).await.expect(303);
        assert_eq!(head.body, "");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let nobody = "/admin/users/01890000-0000-7000-8000-000000000000";
    for path in ["/admin/nothing", "/admin/users/x", nobody, "/admin/a/b/c"] {
        assert_page(&browser.get(path).await.expect(404));
    }
    let refused = browser.post("/admin/users", &[]).await.expect(405);
    assert_page(&refused);
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    let outside = browser.get("/administrator").await.expect(404);
    assert_eq!(outside.text("code"), "not_found");
}

#[tokio::test]
async fn an_outage_is_a_page_that_says_so() {
    use crate::support::Fault;
    let (app, store) = Setup::new().start_faulty().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    store.fail(Fault::Outage);
    let page = browser.get("/admin/users").await.expect(503);
    assert_page(&page);
    assert_eq!(page.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_good_and_named_by_its_bytes() {
    let app = TestApp::start().await;
    let page = app.anon().get("/admin/login").await.expect(200);
    let link = page.body.split("href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap();
    assert!(link.starts_with("/admin/assets/panel.css?v="), "{link}");
    let sheet = app.anon().get(link).await.expect(200);
    let header = |name| sheet.header(name).unwrap();
    assert_eq!(header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        header("cache-control"),
        "public, max-age=31536000, immutable"
    );
}

#[tokio::test]
async fn whatever_people_write_is_shown_inert() {
    const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    ada.post("/api/v1/api-keys", json!({ "name": SCRIPT }))
        .await
        .expect(201);
    app.anon()
        .login("ada", crate::support::PASSWORD)
        .header("user-agent", SCRIPT)
        .await
        .expect(200);
    let mut browser = Browser::of(&app, "owner").await;
    let encoded = "%3Cscript%3Ealert(1)%3C/script%3E%22%3E";
    for path in [
        format!("/admin/users/{}", ada.id),
        format!("/admin/users?search={encoded}&role={encoded}&state={encoded}&cursor={encoded}"),
        format!("/admin/users?done={encoded}"),
        format!("/admin/{encoded}"),
        format!("/admin/password?token={encoded}"),
        format!("/admin/login?next={encoded}"),
    ] {
        let page = browser.get(&path).await;
        if page.status != 303 {
            assert_page(&page);
        }
        assert!(!page.body.contains("<img"), "{page}");
        assert!(!page.body.contains("alert(1)</script"), "{page}");
    }
    let shown = browser.get(&format!("/admin/users/{}", ada.id)).await;
    let inert = shown.body.matches("&#60;script&#62;alert(1)").count();
    // The name of the key twice, the program of the session, and that of the login in the log.
    assert_eq!(inert, 4, "{shown}");
    let fields = [("username", SCRIPT), ("email", SCRIPT)];
    let path = format!("/admin/users/{}", ada.id);
    let refused = browser.post(&path, &fields).await.expect(400);
    assert_page(&refused);
    let refused = browser.post("/admin/users/new", &fields).await.expect(400);
    assert_page(&refused);
}
