//! The audit log: what is done leaves its event, and admins read it.

use crate::support::{PASSWORD, Request, Response, TestApp, User, assert_fields};
use doorward_domain::{AuditAction, Role};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NOBODY: Value = Value::Null;

/// Requests with names, and what the log says of them.
struct Log {
    owner: User,
    count: usize,
}

impl Log {
    async fn events(&self, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/audit?limit=1000{query}");
        self.owner.get(&path).await.expect(200).items()
    }

    /// Sends the request under a name of its own, and expects these events of it, the newest first: each with its
    /// action, who did it, whom it concerns, and some of its details.
    async fn tell(
        &mut self,
        request: Request,
        status: u16,
        expected: &[(&str, &Value, &Value, Value)],
    ) -> Response {
        self.count += 1;
        let name = format!("request-{}", self.count);
        let answer = request
            .header("x-request-id", &name)
            .header("user-agent", "a test/1");
        let answer = answer.await.expect(status);
        let mut events = self.events("").await;
        events.retain(|event| event["request_id"] == name.as_str());
        assert_eq!(events.len(), expected.len(), "{events:#?}");
        for (action, actor, subject, details) in expected {
            let event = events.iter().find(|event| event["action"] == *action);
            let event = event.unwrap_or_else(|| panic!("no {action}: {events:#?}"));
            let of = ["actor_id", "subject_id", "ip_address", "user_agent", "at"];
            let address = json!("127.0.0.1");
            let at = json!("2025-06-15T15:06:40Z");
            let known = [*actor, *subject, &address, &json!("a test/1"), &at].map(Clone::clone);
            assert_eq!(of.map(|field| event[field].clone()), known, "{event}");
            for (name, value) in details.as_object().unwrap() {
                assert_eq!(&event["details"][name], value, "{event}");
            }
        }
        answer
    }
}

fn id(user: &User) -> Value {
    json!(user.id)
}

fn none() -> Value {
    json!({})
}

async fn begin(app: &TestApp) -> (Log, User) {
    let owner = app.owner().await;
    (Log { owner, count: 0 }, app.user("ada").await)
}

#[tokio::test]
async fn logins_and_sessions_leave_their_events() {
    let app = TestApp::start().await;
    let (mut log, ada) = begin(&app).await;
    let (anon, me) = (app.anon(), id(&ada));
    let failed = |reason: &str| json!({ "reason": reason });
    log.tell(
        anon.login("ada", "wrong"),
        401,
        &[("login.failed", &NOBODY, &me, failed("wrong_password"))],
    )
    .await;
    let nobody = [("login.failed", &NOBODY, &NOBODY, failed("unknown_account"))];
    log.tell(anon.login("nobody", "wrong"), 401, &nobody).await;
    let succeeded = [("login.succeeded", &me, &me, none())];
    let body = json!({ "username": "ada", "password": PASSWORD });
    for path in ["/api/v1/auth/token", "/api/login"] {
        log.tell(anon.post(path, body.clone()), 200, &succeeded)
            .await;
    }
    let login = log.tell(anon.login("ada", PASSWORD), 200, &succeeded).await;
    let first = User::of_login(&anon, &login);
    let next = log.tell(anon.refresh(&first.refresh), 200, &[]).await;
    let next = next.text("refresh_token");
    log.tell(anon.refresh(&next), 200, &[]).await;
    let reused = [("session.refresh_token_reused", &NOBODY, &me, none())];
    log.tell(anon.refresh(&first.refresh), 401, &reused).await;
    log.tell(anon.refresh(&first.refresh), 401, &[]).await;
    log.tell(anon.refresh("forged"), 401, &[]).await;

    let logged_out = [("session.logged_out", &me, &me, none())];
    let second = ada.login_again().await;
    log.tell(second.logout(&second.refresh), 200, &logged_out)
        .await;
    for (path, field) in [
        ("/api/v1/auth/token/blacklist", "refresh"),
        ("/api/logout", "refresh_token"),
    ] {
        let token = ada.login_again().await.refresh;
        log.tell(anon.post(path, json!({ field: token })), 200, &logged_out)
            .await;
    }
    let third = ada.login_again().await;
    let sid = crate::support::claims(&third.access)["sid"].clone();
    let path = format!("/api/v1/user/sessions/{}", sid.as_str().unwrap());
    let ended = [("session.ended", &me, &me, json!({ "session": sid }))];
    log.tell(ada.delete(&path), 204, &ended).await;
    log.tell(ada.delete(&path), 404, &[]).await;
    let all = [("session.all_ended", &me, &me, none())];
    log.tell(ada.post("/api/v1/user/logout-all", none()), 200, &all)
        .await;
}

#[tokio::test]
async fn changes_of_ones_own_account_leave_their_events() {
    let app = TestApp::start().await;
    let (mut log, ada) = begin(&app).await;
    let me = id(&ada);
    let change = json!({ "username": "lovelace" });
    let changed = [(
        "user.profile_changed",
        &me,
        &me,
        json!({ "fields": ["username"] }),
    )];
    log.tell(ada.patch("/api/v1/user/me", change.clone()), 200, &changed)
        .await;
    log.tell(ada.patch("/api/v1/user/me", change), 200, &[])
        .await;
    let password = |current: &str| json!({ "current_password": current, "new_password": "Eiffel-gustav-1889-b" });
    let path = "/api/v1/user/password";
    let refused = [("user.password_refused", &me, &me, none())];
    log.tell(ada.post(path, password("wrong")), 400, &refused)
        .await;
    let changed = [(
        "user.password_changed",
        &me,
        &me,
        json!({ "sessions_ended": 0 }),
    )];
    log.tell(ada.post(path, password(PASSWORD)), 200, &changed)
        .await;
    let deletion = json!({ "current_password": "Eiffel-gustav-1889-b" });
    let deleted = [(
        "user.deleted",
        &me,
        &me,
        json!({ "role": "user", "sessions_ended": 1 }),
    )];
    log.tell(ada.delete("/api/v1/user/me").json(&deletion), 204, &deleted)
        .await;
}

#[tokio::test]
async fn what_admins_do_to_others_leaves_its_events() {
    let app = TestApp::start().await;
    let (mut log, ada) = begin(&app).await;
    let (owner, me) = (log.owner.clone(), id(&ada));
    let by = id(&owner);
    let path = format!("/api/v1/users/{}", ada.id);
    let key = ada.issue(&["tasks:read"]).await;
    for (change, action, details) in [
        (
            json!({ "role": "admin" }),
            "user.role_changed",
            json!({ "from": "user", "to": "admin" }),
        ),
        (
            json!({ "email": "l@example.com" }),
            "user.profile_changed",
            json!({ "fields": ["email"] }),
        ),
        (
            json!({ "is_active": false }),
            "user.deactivated",
            json!({ "sessions_ended": 1, "api_keys_deleted": 1 }),
        ),
        (json!({ "is_active": true }), "user.activated", none()),
    ] {
        let expected = [(action, &by, &me, details)];
        log.tell(owner.patch(&path, change.clone()), 200, &expected)
            .await;
        log.tell(owner.patch(&path, change), 200, &[]).await;
    }
    drop(key);
    let ada = app.login("ada").await;
    let key = ada.issue(&["tasks:read"]).await;
    let deleted = [("api_key.deleted", &by, &me, json!({ "api_key": key.id }))];
    let of_key = format!("{path}/api-keys/{}", key.id);
    log.tell(owner.delete(&of_key), 204, &deleted).await;
    let refused = ada.patch(&format!("/api/v1/users/{}", owner.id), none());
    log.tell(refused, 403, &[]).await;
    let deleted = [("user.deleted", &by, &me, json!({ "role": "admin" }))];
    log.tell(owner.delete(&path), 204, &deleted).await;
}

/// Whose id is not known before.
#[tokio::test]
async fn new_accounts_leave_their_events() {
    let app = TestApp::start().await;
    let (log, ada) = begin(&app).await;
    let new = |name: &str| json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    let path = "/api/v1/user/create";
    for (request, action, actor) in [
        (app.anon().post(path, new("a")), "user.registered", NOBODY),
        (
            app.anon().post("/api/register", new("b")),
            "user.registered",
            NOBODY,
        ),
        (ada.post(path, new("c")), "user.registered", id(&ada)),
        (
            log.owner.post(path, new("d")),
            "user.created",
            id(&log.owner),
        ),
    ] {
        let made = request.header("x-request-id", "made").await.expect(201);
        let subject = format!("&subject={}", made.text("id"));
        let events = log.events(&subject).await;
        assert_eq!(events.len(), 1);
        assert_eq!(
            (&events[0]["action"], &events[0]["actor_id"]),
            (&json!(action), &actor)
        );
    }
    let before = log.events("").await.len();
    app.anon().post(path, new("a")).await.expect(400);
    assert_eq!(log.events("").await.len(), before);
}

#[tokio::test]
async fn api_keys_leave_their_events_and_never_their_secrets() {
    let app = TestApp::start().await;
    let (mut log, ada) = begin(&app).await;
    let me = id(&ada);
    let scopes = json!({ "scopes": "tasks:read" });
    let body = json!({ "name": "backup", "scopes": ["tasks:read"] });
    let created = [("api_key.created", &me, &me, scopes)];
    let made = log
        .tell(ada.post("/api/v1/api-keys", body), 201, &created)
        .await;
    let (key, secret) = (made.text("id"), made.text("key"));
    let path = format!("/api/v1/api-keys/{key}");
    let fields = json!({ "api_key": key, "fields": ["name"] });
    let changed = [("api_key.changed", &me, &me, fields)];
    let name = json!({ "name": "other" });
    log.tell(ada.patch(&path, name.clone()), 200, &changed)
        .await;
    log.tell(ada.patch(&path, name), 200, &[]).await;
    let overlap = json!({ "overlap_seconds": 60 });
    let again = [("api_key.regenerated", &me, &me, overlap.clone())];
    let regenerate = ada.post(&format!("{path}/regenerate"), overlap);
    let next = log.tell(regenerate, 200, &again).await.text("key");
    let deleted = [("api_key.deleted", &me, &me, json!({ "api_key": key }))];
    log.tell(ada.delete(&path), 204, &deleted).await;
    let all = json!(log.events("").await).to_string();
    for secret in [&secret, &next, PASSWORD, &ada.access, &ada.refresh] {
        assert!(!all.contains(secret), "a secret is in the log");
    }
}

#[tokio::test]
async fn the_log_is_filtered_and_goes_on_page_by_page() {
    let app = TestApp::start().await;
    let (log, ada) = begin(&app).await;
    app.clock.advance(chrono::TimeDelta::seconds(290));
    app.anon().login("ada", "wrong").await.expect(401);
    let all = log.events("").await;
    assert_fields(
        &all[0],
        &[
            "id",
            "at",
            "action",
            "actor_id",
            "subject_id",
            "ip_address",
            "user_agent",
            "request_id",
            "details",
        ],
    );
    let ids = |events: &[Value]| -> BTreeSet<String> {
        let ids = events.iter().map(|event| event["id"].to_string());
        ids.collect()
    };
    for (query, action) in [
        ("&action=login.failed".to_owned(), "login.failed"),
        (format!("&actor={}", ada.id), "login.succeeded"),
        ("&since=2025-06-15T15:08:00Z".to_owned(), "login.failed"),
        (
            "&since=2025-06-15T17:08:00%2B02:00".to_owned(),
            "login.failed",
        ),
    ] {
        let found = log.events(&query).await;
        let actions: Vec<_> = found.iter().map(|event| &event["action"]).collect();
        assert_eq!(actions, [action], "{query}");
    }
    let early = log.events("&until=2025-06-15T15:08:00Z").await;
    assert_eq!(early.len(), all.len() - 1);
    let (mut path, mut seen) = ("/api/v1/audit?limit=2".to_owned(), Vec::new());
    loop {
        let page = log.owner.get(&path).await.expect(200);
        seen.extend(page.items());
        let Some(link) = page.header("link") else {
            break;
        };
        let next = link.strip_prefix('<').and_then(|link| link.split_once('>'));
        path = next.expect("a link").0.to_owned();
    }
    assert_eq!((seen.len(), ids(&seen)), (all.len(), ids(&all)));
    let bad = "/api/v1/audit?actor=x&subject=x&since=x&until=x&cursor=x&limit=0";
    let problem = log.owner.get(bad).await.problem(400, "validation_failed");
    assert_fields(
        &problem["errors"],
        &["actor", "cursor", "limit", "since", "subject", "until"],
    );
    let admin = app.somebody("anne", Role::Admin).await;
    admin.get("/api/v1/audit").await.expect(200);
    let refused = ada.get("/api/v1/audit").await;
    refused.problem(403, "permission_denied");
}

/// Reading one's profile writes nothing, and so does a refresh.
#[tokio::test]
async fn what_happens_all_the_time_leaves_no_event() {
    let app = TestApp::start().await;
    let (log, ada) = begin(&app).await;
    let before = log.events("").await.len();
    ada.me().await.expect(200);
    app.anon().get("/api/v1/users").await.expect(200);
    app.anon().refresh(&ada.refresh).await.expect(200);
    assert_eq!(log.events("").await.len(), before);
}

/// Every action, in a table with what it means, and no other.
#[test]
fn the_documented_actions_are_those_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    let rows: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(name, _)| name.contains('.') && !name.contains(' '))
        .map(|(name, about)| (name.to_owned(), about.trim_end_matches(" |").to_owned()))
        .collect();
    let there_are: BTreeSet<_> = AuditAction::ALL
        .iter()
        .map(|action| (action.as_str().to_owned(), action.about().to_owned()))
        .collect();
    assert_eq!(rows, there_are);
}
