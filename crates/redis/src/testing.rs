//! A Redis of a test's own, which may be ill-treated.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests are its only callers, and a panic is how they fail"
)]

use crate::config::RedisConfig;
use redis::{Client, Connection};
use secrecy::ExposeSecret;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs on a free port of 127.0.0.1 in a folder of its own, and ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    options: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// Out of the `redis-server` in the `PATH`, with these options beside its own; it listens when this returns.
    pub fn start(options: &[&str]) -> Self {
        let mut server = Self::stopped(options);
        server.run();
        server
    }

    /// Where nobody listens yet.
    pub fn stopped(options: &[&str]) -> Self {
        Self {
            port: free_port(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
            child: None,
        }
    }

    /// Starts it, empty.
    pub fn run(&mut self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("these tests start a redis-server out of the PATH; install Redis: {error}")
            });
        self.child = Some(child);
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "redis-server ended by itself: {ended:?}");
            assert!(Instant::now() < deadline, "redis-server does not listen");
            sleep(Duration::from_millis(5));
        }
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// It keeps its connections, and does nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// On 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How it is named in the log.
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}/0", self.port)
    }

    /// How to reach it.
    pub fn config(&self) -> RedisConfig {
        RedisConfig::new(format!("redis://127.0.0.1:{}", self.port))
    }

    /// A connection for the administrator.
    pub fn admin(&self) -> Connection {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        client.get_connection().unwrap()
    }

    /// What a command answers, in words.
    pub fn ask(&self, words: &[&str]) -> Vec<String> {
        let (name, arguments) = words.split_first().unwrap();
        let answer: Vec<redis::Value> = redis::cmd(name)
            .arg(arguments)
            .query(&mut self.admin())
            .unwrap();
        let word = |value| redis::from_redis_value::<String>(value).unwrap();
        answer.into_iter().map(word).collect()
    }

    /// What lies under a key; nothing, where it is gone.
    pub fn bytes(&self, key: &str) -> Vec<u8> {
        redis::cmd("GET").arg(key).query(&mut self.admin()).unwrap()
    }

    /// A command of the administrator.
    pub fn tell(&self, words: &[&str]) {
        let (name, arguments) = words.split_first().unwrap();
        let () = redis::cmd(name)
            .arg(arguments)
            .query(&mut self.admin())
            .unwrap();
    }

    /// Redis knows rights on channels from 6.2 on, and gives none unasked from 7 on; before, there is nothing to ask for.
    pub fn let_use_channels(&self, user: &str) {
        let rule = ["SETUSER", user, "&*"];
        let _: Result<(), _> = redis::cmd("ACL").arg(&rule).query(&mut self.admin());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A frozen one dies of it, too.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// As when all windows of the limits had passed: they go by the time of the Redis, which no test can advance.
pub fn forget_attempts(config: &RedisConfig) {
    let mut connection = Client::open(config.url.expose_secret())
        .and_then(|client| client.get_connection())
        .unwrap();
    let pattern = format!("{}{}*", config.prefix, crate::limiter::KIND);
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS")
        .arg(pattern)
        .query(&mut connection)
        .unwrap();
    if !keys.is_empty() {
        redis::cmd("DEL").arg(keys).exec(&mut connection).unwrap();
    }
}

/// A port that nobody listens on, and that nobody else gets soon: the system hands out ports in turn.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
