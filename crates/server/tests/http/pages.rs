//! What a browser sees of the API.

use crate::support::{Request, Response, TestApp};

/// As Firefox asks.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn browse(request: Request) -> Request {
    request.header("accept", BROWSER)
}

/// A page whose scripts and styles all come from files of this server.
#[track_caller]
fn assert_page(answer: &Response, status: u16) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{answer}"
    );
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let body = answer.body.to_lowercase();
    for outside in [
        "http://",
        "https://",
        "//cdn",
        "src=\"//",
        " style=",
        " onclick=",
        "<style",
    ] {
        assert!(!body.contains(outside), "{outside} in {answer}");
    }
    for script in body.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/api/docs/"), "{script:.60}");
        assert!(script.contains("></script>"), "{script:.60}");
    }
}

#[tokio::test]
async fn a_browser_gets_every_answer_of_the_api_as_a_page_and_a_client_gets_json() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (path, methods) in doorward_api::routes() {
        let others = ["/api/docs", "/api/openapi.json", "/api/v1/auth/forward"];
        let is_other = others.iter().any(|other| path.starts_with(other));
        let is_shown = path.starts_with("/api") && !is_other;
        if !is_shown || !methods.iter().any(|method| method == "GET") {
            continue;
        }
        let path = path.replace("{id}", &ada.id);
        for path in [path.clone(), format!("{path}/")] {
            let plain = ada.get(&path).await;
            assert!(plain.header("content-type").unwrap().ends_with("json"));
            assert_eq!(plain.header("vary"), Some("Accept"), "{plain}");
            let page = browse(ada.get(&path)).await;
            assert_page(&page, plain.status);
            assert_eq!(page.header("vary"), Some("Accept"), "{page}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{page}");
            assert_eq!(page.header("etag"), None, "{page}");
            let head = browse(ada.request("HEAD", &path)).await;
            assert_eq!((head.status, head.body.as_str()), (plain.status, ""));
            assert_eq!(head.header("content-type"), page.header("content-type"));
        }
        for accept in [
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/plain",
        ] {
            let answer = ada.get(&path).header("accept", accept).await;
            assert!(
                answer.header("content-type").unwrap().ends_with("json"),
                "{answer}"
            );
        }
        let json = browse(ada.get(&format!("{path}?format=json"))).await;
        assert!(
            json.header("content-type").unwrap().ends_with("json"),
            "{json}"
        );
    }
}

#[tokio::test]
async fn a_page_shows_the_answer_with_status_headers_and_a_form_for_each_method() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let page = browse(ada.me()).await;
    assert_page(&page, 200);
    for part in [
        "HTTP 200 OK",
        "<b>x-request-id:</b>",
        "&#34;username&#34;: &#34;ada&#34;",
        "data-method=\"PUT\" data-path=\"/api/v1/user/me\"",
        "data-method=\"DELETE\"",
        "&#34;current_password&#34;",
    ] {
        assert!(page.body.contains(part), "{part} in {page}");
    }
}

#[tokio::test]
async fn an_error_is_a_page_too() {
    let app = TestApp::start().await;
    for (path, status, code) in [
        ("/api/v1/user/me", 401, "not_authenticated"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v1/user/login", 405, "method_not_allowed"),
        ("/api/v1/users?limit=0", 400, "validation_failed"),
    ] {
        let page = browse(app.anon().get(path)).await;
        assert_page(&page, status);
        assert!(page.body.contains(code), "{page}");
    }
    let login = browse(app.anon().get("/api/v1/user/login")).await;
    assert!(login.body.contains("data-method=\"POST\""), "{login}");
    assert_eq!(login.header("allow"), Some("POST, OPTIONS"));
    let refused = browse(app.anon().post("/api/v1/user/login", serde_json::json!({}))).await;
    refused.problem(400, "validation_failed");
}

#[tokio::test]
async fn nothing_of_a_request_becomes_markup() {
    let app = TestApp::start().await;
    let bad = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in [
        format!("/api/v1/users/{bad}"),
        format!("/api/{bad}"),
        format!("/api/v1/users?search={bad}&role={bad}"),
        "/api/v1/users?a=\"'".to_owned(),
    ] {
        let page = browse(app.anon().get(&path)).await;
        let status = page.status;
        assert_page(&page, status);
        assert!(!page.body.contains("<script>"), "{page}");
        assert!(!page.body.contains("alert(1)</script"), "{page}");
    }
}

#[tokio::test]
async fn a_page_is_sent_anew_whatever_version_the_browser_has() {
    let app = TestApp::start().await;
    let request = browse(app.anon().get("/api/v1/users")).header("if-none-match", "*");
    assert_page(&request.await, 200);
    app.anon().register("ada").await.expect(201);
    app.anon().register("bob").await.expect(201);
    let first = browse(app.anon().get("/api/v1/users?limit=1")).await;
    assert!(
        first
            .body
            .contains("rel=\"next\" href=\"/api/v1/users?cursor="),
        "{first}"
    );
}

#[tokio::test]
async fn the_list_of_routes_has_every_route_for_browsers_and_for_clients() {
    let app = TestApp::start().await;
    let page = browse(app.anon().get("/api/")).await;
    assert_page(&page, 200);
    let list = app.anon().get("/api").await.expect(200).json();
    for (path, methods) in doorward_api::routes() {
        for method in methods.iter().filter(|method| *method != "HEAD") {
            let form = format!("data-method=\"{method}\" data-path=\"{path}\"");
            assert!(page.body.contains(&form), "{form}");
            let routes = list["routes"].as_array().unwrap();
            assert!(
                routes
                    .iter()
                    .any(|route| route["path"] == path.as_str()
                        && route["method"] == method.as_str())
            );
        }
    }
}

#[tokio::test]
async fn swagger_ui_comes_whole_from_the_program() {
    let app = TestApp::start().await;
    for path in ["/api/docs", "/api/docs/"] {
        let page = app.anon().get(path).await;
        assert_page(&page, 200);
        for part in page
            .body
            .split('"')
            .filter(|part| part.starts_with("/api/docs/"))
        {
            let file = app.anon().get(part).await.expect(200);
            let kind = file.header("content-type").unwrap();
            assert!(
                kind.starts_with("text/css") || kind.starts_with("text/javascript"),
                "{kind}"
            );
            assert!(file.header("content-security-policy").is_some());
            let kept = file.header("cache-control");
            assert_eq!(kept, Some("public, max-age=31536000, immutable"), "{part}");
        }
    }
    let bundle = app.anon().get("/api/docs/swagger-ui-bundle.js").await;
    assert_eq!(bundle.header("content-encoding"), Some("gzip"));
    assert_eq!(bundle.header("cache-control"), Some("no-cache"));
    let start = app
        .anon()
        .get("/api/docs/swagger-start.js")
        .await
        .expect(200);
    assert!(start.body.contains("'/api/openapi.json?format=json'"));
    assert!(start.body.contains("persistAuthorization: false"));
    for name in [
        "x",
        "..%2f..%2fCargo.toml",
        "swagger-initializer.js",
        "index.html",
        "page.0000000000000000.js",
    ] {
        let answer = app.anon().get(&format!("/api/docs/{name}")).await;
        assert_eq!(answer.expect(404).text("code"), "not_found");
    }
}
