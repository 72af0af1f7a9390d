//! A Redis of our own, which may be ill-treated.

use doorward_redis::RedisConfig;
use redis::{Client, Connection};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs on a free port of 127.0.0.1 in a folder of its own, and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    options: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut server = Self::stopped(options);
        server.run();
        server
    }

    /// Where nobody listens yet.
    pub(crate) fn stopped(options: &[&str]) -> Self {
        Self {
            port: free_port(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
            child: None,
        }
    }

    /// Starts it, empty.
    pub(crate) fn run(&mut self) {
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
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// It keeps its connections, and does nothing.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How it is named in the log.
    pub(crate) fn name(&self) -> String {
        format!("127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::new(format!("redis://127.0.0.1:{}", self.port))
    }

    pub(crate) fn admin(&self) -> Connection {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        client.get_connection().unwrap()
    }

    /// A command of the administrator.
    pub(crate) fn tell(&self, words: &[&str]) {
        let (name, arguments) = words.split_first().unwrap();
        let () = redis::cmd(name)
            .arg(arguments)
            .query(&mut self.admin())
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A frozen one dies of it, too.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Nobody else gets it soon: the system hands out ports in turn.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
