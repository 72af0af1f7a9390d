//! A place for one test on the server of `TEST_REDIS_URL`.

use doorward_redis::RedisConfig;
use redis::{Client, Connection};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A prefix of its own. What begins with it is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    url: String,
    prefix: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        #[expect(
            clippy::disallowed_methods,
            reason = "tests have no configuration: this is where they learn of the server"
        )]
        let url = std::env::var("TEST_REDIS_URL");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            url: url
                .unwrap_or_else(|_| panic!("set TEST_REDIS_URL, ./run_tests.sh does it for you")),
            prefix: format!("doorward-test:{}:{number}:", std::process::id()),
        }
    }

    /// With all the time in the world: no case of a contract depends on the machine.
    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig {
            prefix: self.prefix.clone(),
            deadline: Duration::from_secs(10),
            ..RedisConfig::new(self.url.as_str())
        }
    }

    pub(crate) fn admin(&self) -> Connection {
        Client::open(self.url.as_str())
            .and_then(|client| client.get_connection())
            .unwrap_or_else(|error| panic!("the server of TEST_REDIS_URL does not answer: {error}"))
    }

    pub(crate) fn keys(&self, admin: &mut Connection) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{}*", self.prefix))
                .arg("COUNT")
                .arg(1000)
                .query(admin)
                .unwrap();
            all.extend(keys);
            if next == 0 {
                return all;
            }
            cursor = next;
        }
    }

    /// How many nodes hear announcements.
    pub(crate) fn subscribers(&self, admin: &mut Connection) -> u64 {
        let database = Client::open(self.url.as_str())
            .unwrap()
            .get_connection_info()
            .redis_settings()
            .db();
        let channel = format!("{}changes:{database}", self.prefix);
        let (_, count): (String, u64) = redis::cmd("PUBSUB")
            .arg("NUMSUB")
            .arg(channel)
            .query(admin)
            .unwrap();
        count
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // All keys die by themselves; a second panic would hide the first.
            return;
        }
        let mut admin = self.admin();
        for keys in self.keys(&mut admin).chunks(1000) {
            let () = redis::cmd("UNLINK").arg(keys).query(&mut admin).unwrap();
        }
    }
}
