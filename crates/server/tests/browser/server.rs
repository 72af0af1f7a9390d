//! The program, as an operator starts it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_doorward");
/// Everybody's.
pub(crate) const PASSWORD: &str = "gustav-Eiffel-1889";

/// A server that runs until this is dropped.
pub(crate) struct Server {
    /// What stands before every path.
    pub(crate) origin: String,
    folder: TempDir,
    child: Child,
    http: reqwest::Client,
}

impl Server {
    /// On an empty database, with the owner `owner`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = program(&folder)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let greeting = lines.next().expect("a greeting").expect("a line");
        thread::spawn(move || lines.for_each(drop));
        let at = greeting.find("http://").expect("an address");
        let server = Self {
            origin: greeting
                .get(at..)
                .unwrap_or_default()
                .trim_end_matches(['.', '/'])
                .to_owned(),
            folder,
            child,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        };
        server.create("owner", "owner");
        server
    }

    /// Makes somebody with this role, by the command.
    pub(crate) fn create(&self, name: &str, role: &str) {
        let email = format!("{name}@example.com");
        let made = program(&self.folder)
            .args(["createsuperuser", "--username", name, "--email", &email])
            .args(["--role", role])
            .env("DOORWARD_SUPERUSER_PASSWORD", PASSWORD)
            .output()
            .expect("the command runs");
        assert!(made.status.success(), "{made:?}");
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("doorward.db")
    }

    /// The status and the JSON of an answer of the API.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Value,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.origin);
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// Registers somebody and gives his access token.
    pub(crate) async fn user(&self, name: &str) -> String {
        let email = format!("{name}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        let (status, made) = self.ask("POST", "/api/v1/user/create", None, body).await;
        assert_eq!(status, 201, "{made}");
        self.login(name).await
    }

    /// Somebody's access token.
    pub(crate) async fn login(&self, name: &str) -> String {
        let body = json!({ "username": name, "password": PASSWORD });
        let (status, login) = self.ask("POST", "/api/v1/user/login", None, body).await;
        assert_eq!(status, 200, "{login}");
        login["access_token"].as_str().expect("a token").to_owned()
    }
}

fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(PROGRAM);
    let database = folder.path().join("doorward.db");
    command
        .current_dir(folder.path())
        .env_clear()
        .env("BIND", "127.0.0.1:0")
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .env("BCRYPT_COST", "10")
        .env("SECRET_KEY", "tN5wQ0cVb8yLr2HsKd7mXe4PzAj1GfUo9iTq6RnE")
        .env("SHUTDOWN_DELAY", "0");
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
