//! Who calls: each type carries what it sends with every request.

use super::{CLIENTS, PATIENCE, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::ops::Deref;

/// What everybody's password is, where a test does not say otherwise.
pub(crate) const PASSWORD: &str = "gustav-Eiffel-1889";

/// Somebody who sends requests, with a token, with an API key or without either.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    home: String,
    http: reqwest::Client,
    token: Option<String>,
    key: Option<String>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]
impl Client {
    /// A connection for each request, and nothing between it and the server.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::at(format!("http://{address}"))
    }

    /// The same over HTTPS, as `curl -k` asks: whoever made the certificate. Both sides choose HTTP/2.
    pub(crate) fn over_tls(address: SocketAddr) -> Self {
        Self::at(format!("https://{address}"))
    }

    fn at(home: String) -> Self {
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .expect("a client");
        Self {
            home,
            http,
            token: None,
            key: None,
        }
    }

    /// The same with another access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same with an API key in place of a token.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            token: None,
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// Whether it is known by an API key.
    pub(crate) fn is_key(&self) -> bool {
        self.token.is_none() && self.key.is_some()
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Request {
        self.request("POST", path).json(&body)
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Request {
        self.request("PUT", path).json(&body)
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Request {
        self.request("PATCH", path).json(&body)
    }

    pub(crate) fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let parsed = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = format!("{}{path}", self.home);
        let builder = self.http.request(parsed, url);
        Request {
            what: format!("{method} {path}"),
            builder: match (&self.token, &self.key) {
                (Some(token), _) => builder.bearer_auth(token),
                (None, Some(key)) => builder.header("x-api-key", key),
                (None, None) => builder,
            },
        }
    }

    /// Asks for an account.
    pub(crate) fn register(&self, name: &str) -> Request {
        self.post(
            "/api/v1/user/create",
            json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD }),
        )
    }

    /// Asks for a session.
    pub(crate) fn login(&self, username: &str, password: &str) -> Request {
        self.post(
            "/api/v1/user/login",
            json!({ "username": username, "password": password }),
        )
    }

    /// Asks for the next pair.
    pub(crate) fn refresh(&self, token: &str) -> Request {
        self.post("/api/v1/user/refresh", json!({ "refresh_token": token }))
    }

    /// Asks for the end of the session of both tokens.
    pub(crate) fn logout(&self, refresh_token: &str) -> Request {
        self.post(
            "/api/v1/user/logout",
            json!({ "refresh_token": refresh_token }),
        )
    }

    /// Makes a key with these scopes.
    pub(crate) async fn issue(&self, scopes: &[&str]) -> ApiKey {
        let body = json!({ "name": "backup", "scopes": scopes });
        let made = self.post("/api/v1/api-keys", body).await.expect(201);
        ApiKey {
            id: made.text("id"),
            key: made.text("key"),
        }
    }

    /// Asks who is asking.
    pub(crate) fn me(&self) -> Request {
        self.get("/api/v1/user/me")
    }
}

/// A key as its owner has it.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) key: String,
}

/// Somebody who is logged in; sends the access token of that login.
#[derive(Debug, Clone)]
pub(crate) struct User {
    client: Client,
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl User {
    /// Whom this answer of the login route lets in.
    #[track_caller]
    pub(crate) fn of_login(client: &Client, login: &Response) -> Self {
        let body = login.clone().expect(200).json();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let access = text(&body["access_token"]);
        Self {
            client: client.with_token(&access),
            id: text(&body["user"]["id"]),
            username: text(&body["user"]["username"]),
            access,
            refresh: text(&body["refresh_token"]),
        }
    }

    /// Another session of the same person.
    pub(crate) async fn login_again(&self) -> Self {
        self.login_with(PASSWORD).await
    }

    /// Another session of the same person, who has another password by now.
    pub(crate) async fn login_with(&self, password: &str) -> Self {
        let anon = Client {
            token: None,
            ..self.client.clone()
        };
        Self::of_login(&anon, &anon.login(&self.username, password).await)
    }

    /// The same person at another node.
    pub(crate) fn at(&self, node: &Client) -> Self {
        Self {
            client: node.with_token(&self.access),
            ..self.clone()
        }
    }
}

impl Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A request that is sent when it is awaited.
#[derive(Debug)]
pub(crate) struct Request {
    what: String,
    builder: RequestBuilder,
}

impl Request {
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self {
            builder: self.builder.header(name, value.as_ref()),
            ..self
        }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self {
            builder: self.builder.json(body),
            ..self
        }
    }

    /// A body that is sent as it is.
    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            builder: self
                .builder
                .header("content-type", content_type)
                .body(body.into()),
            ..self
        }
    }

    /// The answer, or why there is none.
    pub(crate) async fn send(self) -> Result<Response, reqwest::Error> {
        let Self { what, builder } = self;
        let asked = async move {
            let response = builder.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Response {
                request: what,
                status,
                headers,
                body: String::from_utf8_lossy(&response.bytes().await?).into_owned(),
            })
        };
        CLIENTS.spawn(asked).await.expect("the client lives")
    }
}

impl IntoFuture for Request {
    type Output = Response;
    type IntoFuture = BoxFuture<'static, Response>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let what = self.what.clone();
            let answer = self.send().await;
            answer.unwrap_or_else(|error| panic!("{what} has no answer: {error:?}"))
        }
        .boxed()
    }
}
