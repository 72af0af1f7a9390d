//! Somebody with a browser, at the admin panel.

use super::{Client, PASSWORD, Response, TestApp};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A browser: it keeps cookies, and sends what the form of the last page had.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    client: Client,
    origin: String,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The token of the last page that had a form.
    pub(crate) form_token: String,
}

impl Browser {
    pub(crate) fn new(app: &TestApp) -> Self {
        Self::at_address(&app.anon(), app.address)
    }

    /// Of a server in a process of its own.
    pub(crate) fn at_address(client: &Client, address: SocketAddr) -> Self {
        Self {
            client: client.clone(),
            origin: format!("http://{address}"),
            cookies: BTreeMap::new(),
            form_token: String::new(),
        }
    }

    /// At the panel, logged in.
    pub(crate) async fn of(app: &TestApp, name: &str) -> Self {
        let mut browser = Self::new(app);
        browser.log_in(name, PASSWORD).await.expect(303);
        browser.get("/admin/").await.expect(200);
        browser
    }

    /// The same browser, which asks another node.
    pub(crate) fn at(&self, node: &TestApp) -> Self {
        self.moved(&node.anon(), node.address)
    }

    /// The same browser, which asks a server that listens there.
    pub(crate) fn moved(&self, client: &Client, address: SocketAddr) -> Self {
        Self {
            cookies: self.cookies.clone(),
            form_token: self.form_token.clone(),
            ..Self::at_address(client, address)
        }
    }

    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> Response {
        // As in another tab, which was opened before an earlier login.
        let mut tab = self.clone();
        tab.cookies.retain(|cookie, _| cookie.ends_with("visit"));
        tab.get("/admin/login").await;
        self.cookies.extend(tab.cookies);
        self.form_token = tab.form_token;
        self.post(
            "/admin/login",
            &[("username", name), ("password", password)],
        )
        .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        let answer = self.client.get(path).header("cookie", self.sent()).await;
        self.take(&answer);
        answer
    }

    /// Sends a form as a browser does.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let (token, origin) = (self.form_token.clone(), self.origin.clone());
        self.post_from(path, fields, &token, &[("origin", &origin)])
            .await
    }

    /// Sends a form with this token and these headers.
    pub(crate) async fn post_from(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        token: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut body = format!("form_token={token}");
        for (name, value) in fields {
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            body.extend(["&", name, "=", &value.to_string()]);
        }
        let request = self
            .client
            .request("POST", path)
            .header("cookie", self.sent())
            .body("application/x-www-form-urlencoded", body);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let answer = request.await;
        self.take(&answer);
        answer
    }

    fn sent(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn take(&mut self, answer: &Response) {
        for cookie in set_cookies(answer) {
            let (name, rest) = cookie.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let parts = answer.body.split("name=\"form_token\" value=\"").nth(1);
        if let Some(token) = parts.and_then(|rest| rest.split('"').next()) {
            token.clone_into(&mut self.form_token);
        }
    }
}

/// What an answer has a browser keep.
pub(crate) fn set_cookies(answer: &Response) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().expect("ASCII").to_owned();
    cookies.map(text).collect()
}
