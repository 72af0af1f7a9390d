//! The program itself, as an operator starts and ends it.

mod audit;
mod canary;
mod import_django;
mod outbound;
mod restored;
mod secret_key;
mod settings;
mod worker;

use crate::support::{Client, Database, PASSWORD, PATIENCE, User, at_once, until};
use doorward::application::{Application, Options};
use doorward::config::Observed;
use doorward_domain::Settings;
use doorward_domain::password_policy::PasswordPolicy;
use doorward_services::hashing::HashingLimits;
use doorward_services::{ServicesConfig, SystemClock};
use doorward_storage::{CommitListener, Mode, Store, StoreError, StoreFigures, Work};
use doorward_storage_diesel::DieselStore;
use doorward_storage_diesel::testing::TestDatabase;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_doorward");
const SECRET_KEY: &str = "tN5wQ0cVb8yLr2HsKd7mXe4PzAj1GfUo9iTq6RnE";

/// A folder in which the program runs, and nothing else that it could find: neither variables nor files.
struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// None: the embedded default.
    database: Option<TestDatabase>,
}

impl Place {
    /// With the database that is made where nothing is configured.
    fn embedded() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            database: None,
        }
        .with("BIND", "127.0.0.1:0")
        .with("BCRYPT_COST", "10")
        .with("SHUTDOWN_DELAY", "0")
        // All of them come from one address, and on a Redis that they share.
        .with("LOGIN_RATE_LIMIT", "off")
        .with("REGISTER_RATE_LIMIT", "off")
    }

    /// With a database on the store of this run.
    fn of_this_run() -> Self {
        let database = Database::of_this_run().create();
        let place = match Database::of_this_run().redis() {
            Some(redis) => Self::embedded().with("REDIS_URL", redis.url.expose_secret()),
            None => Self::embedded(),
        };
        let place = place
            .with("DATABASE_URL", database.url())
            .with("SECRET_KEY", SECRET_KEY);
        Self {
            database: Some(database),
            ..place
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    fn run(&self, arguments: &[&str]) -> Run {
        let mut child = self.command(arguments).spawn().unwrap();
        wait(&mut child);
        Run(child.wait_with_output().unwrap())
    }

    /// Starts the server and waits until it says where it listens.
    fn serve(&self) -> Process {
        Process::start(self.command(&[]))
    }
}

/// How a command ended.
struct Run(Output);

impl Run {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    fn succeeds(self) -> String {
        assert!(self.0.status.success(), "{}\n{}", self.out(), self.err());
        self.out()
    }

    /// One line that says why, and exit status 1.
    #[track_caller]
    fn fails(self, why: &[&str]) -> String {
        let said = self.err();
        assert_eq!(self.0.status.code(), Some(1), "{}\n{said}", self.out());
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("error: "), "{said}");
        for part in why {
            assert!(said.contains(part), "{part}: {said}");
        }
        said
    }
}

/// The server in a process of its own, which is killed when this is dropped.
struct Process {
    child: Child,
    address: SocketAddr,
    greeting: mpsc::Receiver<String>,
}

impl Process {
    fn start(command: Command) -> Self {
        Self::start_with_log(command, tempfile::tempfile().unwrap())
    }

    /// Everything that it logs comes into the file.
    fn start_with_log(mut command: Command, mut log: fs::File) -> Self {
        let mut child = command.stderr(log.try_clone().unwrap()).spawn().unwrap();
        let (lines, greeting) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let Ok(first) = greeting.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            let mut said = String::new();
            let _ = log.rewind().and_then(|()| log.read_to_string(&mut said));
            panic!("the server does not start: {said}");
        };
        let address = first.split("://").nth(1).map(str::parse);
        let address = address.unwrap_or_else(|| panic!("no address: {first}"));
        Self {
            address: address.unwrap(),
            child,
            greeting,
        }
    }

    fn client(&self) -> Client {
        Client::new(self.address)
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit status, and how long it took to end; `None` after a signal.
    fn ends(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let code = wait(&mut self.child);
        (code, began.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
            panic!("the program does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

async fn login(client: &Client, name: &str) -> User {
    User::of_login(client, &client.login(name, PASSWORD).await)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_first_start_makes_data_and_key_and_says_where_it_listens_and_what_to_do() {
    let place = Place::embedded();
    let mut server = place.serve();
    let rest: Vec<_> = std::iter::from_fn(|| server.greeting.recv_timeout(PATIENCE).ok())
        .take(6)
        .collect();
    let rest = rest.join("\n");
    for part in [
        "/api/docs",
        "/admin/",
        "data/doorward.db (new)",
        "data/secret.key (new)",
        "doorward createsuperuser",
    ] {
        assert!(rest.contains(part), "{part}: {rest}");
    }
    assert_eq!(mode(&place.path("data")), 0o700);
    assert_eq!(mode(&place.path("data/secret.key")), 0o600);
    let key = fs::read_to_string(place.path("data/secret.key")).unwrap();
    assert!(key.trim().len() >= 32 && !rest.contains(key.trim()));
    server.client().register("ada").await.expect(201);
    let ada = login(&server.client(), "ada").await;
    ada.me().await.expect(200);
    server.signal("-TERM");
    assert_eq!(server.ends().0, Some(0));
    let again = place.serve();
    let there = ada.at(&again.client());
    there.me().await.expect(200);
    again.client().refresh(&ada.refresh).await.expect(200);
    assert_eq!(
        fs::read_to_string(place.path("data/secret.key")).unwrap(),
        key
    );
}

#[tokio::test]
async fn a_second_start_on_the_same_port_is_refused_in_one_line_and_damages_nothing() {
    let place = Place::embedded();
    let first = place.serve();
    first.client().register("ada").await.expect(201);
    let bind = first.address.to_string();
    place.run(&["--bind", &bind]).fails(&[&bind, "in use"]);
    let elsewhere = Place::embedded();
    elsewhere
        .run(&["serve", "--bind", &bind])
        .fails(&[&bind, "in use"]);
    assert!(!elsewhere.path("data").exists(), "nothing is made in vain");
    login(&first.client(), "ada").await.me().await.expect(200);
}

#[test]
fn a_database_that_is_not_ours_or_damaged_is_refused_by_name_and_untouched() {
    let foreign = Place::embedded();
    let made_by_another = foreign.path("other.db");
    {
        use diesel::Connection;
        use diesel::connection::SimpleConnection;
        let path = made_by_another.to_string_lossy();
        let mut connection = diesel::SqliteConnection::establish(&path).unwrap();
        connection
            .batch_execute("CREATE TABLE auth_user (id INTEGER); PRAGMA application_id = 7;")
            .unwrap();
    }
    fs::write(foreign.path("text.db"), "This is no database. ".repeat(500)).unwrap();
    fs::create_dir(foreign.path("folder.db")).unwrap();
    for (file, why) in [
        ("other.db", "another application"),
        ("text.db", "damaged"),
        ("folder.db", ""),
    ] {
        let before = fs::read(foreign.path(file)).ok();
        let url = format!("sqlite://{}", foreign.path(file).display());
        let place = Place::embedded()
            .with("DATABASE_URL", &*url)
            .with("SECRET_KEY", SECRET_KEY);
        for command in ["serve", "migrate", "check"] {
            let said = place.run(&[command]).err();
            assert!(
                said.contains(file) && said.contains(why),
                "{command}: {said}"
            );
            assert_eq!(said.lines().count(), 1, "{command}: {said}");
        }
        place.run(&[]).fails(&[file, why]);
        assert_eq!(fs::read(foreign.path(file)).ok(), before, "{file}");
    }
    let names = fs::read_dir(foreign.folder.path()).unwrap();
    assert_eq!(
        names.count(),
        3,
        "no fresh one in its place, and no journal"
    );
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_refused_start_makes_neither_a_key_nor_a_folder() {
    let place = Place::embedded();
    let file = place.path("other.db");
    {
        use diesel::Connection;
        use diesel::connection::SimpleConnection;
        let mut connection = diesel::SqliteConnection::establish(&file.to_string_lossy()).unwrap();
        connection
            .batch_execute("CREATE TABLE auth_user (id INTEGER)")
            .unwrap();
    }
    place
        .run(&["serve", "--no-migrate"])
        .fails(&["lacks migrations"]);
    let place = place.with("DATABASE_URL", format!("sqlite://{}", file.display()));
    place.run(&[]).fails(&["another application"]);
    assert_eq!(names_in(place.folder.path()), ["other.db"]);
}

#[test]
fn a_new_key_beside_a_database_that_was_there_is_told_in_the_greeting_and_the_log() {
    let place = Place::embedded();
    let greeting_and_log = || {
        let mut log = tempfile::tempfile().unwrap();
        let mut server = Process::start_with_log(place.command(&[]), log.try_clone().unwrap());
        server.signal("-INT");
        assert_eq!(server.ends().0, Some(0));
        let greeting: Vec<_> = server.greeting.iter().collect();
        let mut logged = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut logged).unwrap();
        (greeting.join("\n"), logged)
    };
    let warning = "A new secret key was made for a database that was there before";
    let (greeting, log) = greeting_and_log();
    assert!(!greeting.contains(warning) && !log.contains(warning));
    fs::remove_file(place.path("data/secret.key")).unwrap();
    let (greeting, log) = greeting_and_log();
    assert!(greeting.contains(warning), "{greeting}");
    assert!(log.contains(warning), "{log}");
    let (greeting, log) = greeting_and_log();
    assert!(!greeting.contains(warning) && !log.contains(warning));
}

#[test]
fn check_and_status_leave_an_empty_file_empty() {
    let place = Place::embedded().with("DATABASE_URL", "sqlite://empty.db");
    fs::write(place.path("empty.db"), "").unwrap();
    for command in [&["check"][..], &["migrate", "--status"]] {
        let said = place.run(command).succeeds();
        assert!(said.contains("pending"), "{said}");
        assert_eq!(fs::metadata(place.path("empty.db")).unwrap().len(), 0);
        assert_eq!(names_in(place.folder.path()), ["empty.db"]);
    }
}

#[test]
fn check_refuses_a_folder_that_no_start_would_make() {
    let place = Place::embedded();
    fs::write(place.path("file"), "").unwrap();
    for path in ["no/such/x.db", "file/x.db", "file/folder/x.db"] {
        let url = format!("sqlite://{}", place.path(path).display());
        let place = Place::embedded()
            .with("DATABASE_URL", url)
            .with("SECRET_KEY", SECRET_KEY);
        place
            .run(&["check"])
            .fails(&[path, "its folder does not exist"]);
    }
    for path in ["x.db", "folder/x.db"] {
        let place = Place::embedded().with("DATABASE_URL", format!("sqlite://{path}"));
        place.run(&["check"]).succeeds();
    }
}

#[test]
fn a_truncated_database_is_refused_and_untouched() {
    let place = Place::embedded();
    place.run(&["migrate"]).succeeds();
    let file = place.path("data/doorward.db");
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[20..2000].fill(0x5a);
    fs::write(&file, &damaged).unwrap();
    place.run(&[]).fails(&["data/doorward.db"]);
    assert_eq!(fs::read(&file).unwrap(), damaged);
    fs::write(&file, &whole).unwrap();
    place.run(&["check"]).succeeds();
}

#[test]
fn a_wrong_url_scheme_makes_no_file() {
    for url in [
        "mysql://root:hunter2@localhost/db",
        "postgres:/x",
        "data/doorward.db",
        "sqlite:data.db",
    ] {
        let place = Place::embedded().with("DATABASE_URL", url);
        let said = place
            .run(&[])
            .fails(&["DATABASE_URL must begin with sqlite:// or postgres://"]);
        assert!(!said.contains("hunter2"), "{said}");
        assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn bad_variables_are_told_all_at_once_by_name() {
    let place = Place::embedded()
        .with("BIND", "everywhere")
        .with("BCRYPT_COST", "9")
        .with("SECRET_KEY", "changeme-hunter2")
        .with("ALLOWED_HOSTS", "*")
        .with("ACCESS_TOKEN_LIFETIME", "4")
        .with("PASSWORD_VALIDATORS", "lenght")
        .with("REGISTRATION_OPEN", "perhaps")
        .with("DATABASE_URL", "oracle://x");
    for command in ["serve", "check", "migrate"] {
        let run = place.run(&[command]);
        let said = run.err();
        assert_eq!(run.0.status.code(), Some(1));
        assert_eq!(said.lines().count(), 8, "{said}");
        for (name, _) in place
            .variables
            .iter()
            .filter(|(name, value)| name != "SHUTDOWN_DELAY" && value != "off")
        {
            assert!(said.contains(&format!("error: {name} ")), "{name}: {said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_read_only_place_is_refused_in_one_line() {
    // Even root can make nothing there.
    let place = Place::embedded()
        .with("DATABASE_URL", "sqlite:///proc/doorward/doorward.db")
        .with("SECRET_KEY", SECRET_KEY);
    place.run(&[]).fails(&["/proc/doorward"]);
    let place = place.with("DATABASE_URL", "sqlite:///proc/doorward.db");
    place.run(&[]).fails(&["/proc/doorward.db"]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let place = Place::embedded();
    place.run(&["createsuperuser"]);
    let mut server = place.serve();
    server.signal("-INT");
    assert_eq!(server.ends().0, Some(0));
    let key = place.path("data/secret.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    place.run(&[]).fails(&["data/secret.key", "0644"]);
}

#[test]
fn a_database_without_its_server_or_in_a_folder_that_is_not_there_is_refused_in_one_line() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("postgres://doorward:hunter2@127.0.0.1:{port}/doorward");
    let place = Place::embedded().with("DATABASE_URL", url);
    let said = place.run(&[]).err();
    assert!(
        said.contains("SECRET_KEY must be set with PostgreSQL"),
        "{said}"
    );
    let place = place.with("SECRET_KEY", SECRET_KEY);
    let said = place.run(&[]).fails(&["127.0.0.1", "cannot be reached"]);
    assert!(!said.contains("hunter2"), "{said}");
    let deep = Place::embedded().with("DATABASE_URL", "sqlite://no/such/folder/doorward.db");
    deep.run(&[]).fails(&["no/such/folder"]);
    assert!(!deep.path("no").exists());
}

#[test]
fn check_tells_how_things_stand_and_changes_nothing() {
    let place = Place::embedded();
    let said = place.run(&["check"]).succeeds();
    assert!(said.contains("will be made at the first start"), "{said}");
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let place = Place::of_this_run();
    place.run(&["migrate"]).succeeds();
    let said = place.run(&["check"]).succeeds();
    assert!(
        said.contains("configuration  ok") && said.contains("database       ok"),
        "{said}"
    );
    assert!(!said.contains(SECRET_KEY), "{said}");
}

#[tokio::test]
async fn the_health_check_of_containers_succeeds_as_long_as_the_server_is_ready() {
    let place = Place::of_this_run();
    let mut server = place.serve();
    let bind = server.address.to_string();
    let said = place.run(&["healthcheck", "--bind", &bind]).succeeds();
    assert_eq!(said, "ready\n");
    server.signal("-INT");
    assert_eq!(server.ends().0, Some(0));
    place.run(&["healthcheck", "--bind", &bind]).fails(&[&bind]);
}

#[tokio::test]
async fn https_with_a_certificate_of_its_own_needs_one_variable_and_the_health_check_knows_it() {
    let place = Place::of_this_run().with("TLS_SELF_SIGNED", "true");
    let mut server = place.serve();
    assert_eq!(
        server.greeting.recv().unwrap().split("://").next(),
        Some("  API         https")
    );
    let client = Client::over_tls(server.address);
    client.get("/api/v1/health").await.expect(200);
    let bind = server.address.to_string();
    let said = place.run(&["healthcheck", "--bind", &bind]).succeeds();
    assert_eq!(said, "ready\n");
    let checked = place.run(&["check"]).succeeds();
    assert!(checked.contains("https          ok"), "{checked}");
    server.signal("-TERM");
    assert_eq!(server.ends().0, Some(0));
}

#[test]
fn a_pair_that_must_not_be_used_refuses_the_start_by_name_and_makes_nothing() {
    let place = Place::embedded();
    let (certificate, key) = (place.path("cert.pem"), place.path("key.pem"));
    let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (one, other) = (pair(), pair());
    let lay = |path: &Path, text: &str, mode: u32| {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let place = place
        .with("TLS_CERT", "cert.pem")
        .with("TLS_KEY", "key.pem");
    let refused = |why: &[&str]| {
        place.run(&[]).fails(why);
        place.run(&["check"]).fails(why);
        assert!(!place.path("data").exists());
    };
    refused(&["TLS_CERT", "cannot be read"]);
    lay(&certificate, &one.cert.pem(), 0o644);
    refused(&["TLS_KEY", "cannot be read"]);
    lay(&key, &one.signing_key.serialize_pem(), 0o644);
    refused(&["TLS_KEY", "other users can read"]);
    lay(&key, &other.signing_key.serialize_pem(), 0o600);
    refused(&["TLS_CERT and TLS_KEY do not belong together"]);
    lay(&key, &one.signing_key.serialize_pem(), 0o600);
    place.run(&["check"]).succeeds();
}

#[tokio::test]
async fn a_file_of_variables_is_read_to_the_letter_and_flags_win_over_it() {
    let place = Place::embedded().with("BCRYPT_COST", "");
    let file = "BIND=nowhere\nBCRYPT_COST=10\nSECRET_KEY=tN5w$Q0cVb8yLr2Hs#Kd7mXe4PzAj1GfUo9iTq6RnE\nENVIRONMENT=staging\n";
    fs::write(place.path(".env"), file).unwrap();
    let server = Process::start(place.command(&["--environment", "cellar"]));
    let health = server
        .client()
        .get("/api/v1/health")
        .await
        .expect(200)
        .json();
    assert_eq!(health["info"]["environment"], "cellar");
    server.client().register("ada").await.expect(201);
    let ada = login(&server.client(), "ada").await;
    let key = "tN5w$Q0cVb8yLr2Hs#Kd7mXe4PzAj1GfUo9iTq6RnE";
    assert!(is_signed_with(&ada.access, key));
    assert!(!place.path("data/secret.key").exists());
}

/// As a Django service with the same key would find.
/// The rows of `doorward keys list` whose state is this one, each as its words.
fn keys_in(place: &Place, state: &str) -> Vec<Vec<String>> {
    let table = place.run(&["keys", "list"]).succeeds();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let rows = table.lines().skip(1).map(words);
    rows.filter(|row: &Vec<String>| row[2] == state).collect()
}

#[tokio::test]
async fn key_pairs_are_managed_beside_a_running_server() {
    let place = Place::embedded();
    place
        .run(&["keys", "list"])
        .fails(&["no tables of Doorward"]);
    assert!(names_in(place.folder.path()).is_empty());
    place.run(&["migrate"]).succeeds();
    let told = place.run(&["keys", "list"]).succeeds();
    assert!(told.contains("SECRET_KEY signs"), "{told}");
    place
        .run(&["keys", "rotate"])
        .fails(&["JWT_ALGORITHM is HS256"]);
    let place = place.with("JWT_ALGORITHM", "EdDSA");
    // Published before the server signs with it.
    place.run(&["keys", "prepare"]).succeeds();
    let first = keys_in(&place, "prepared")[0][0].clone();
    let server = place.serve();
    let client = server.client();
    client.register("ada").await.expect(201);
    let ada = login(&client, "ada").await;
    let kid = |user: &User| {
        jsonwebtoken::decode_header(&user.access)
            .unwrap()
            .kid
            .unwrap()
    };
    assert_eq!(kid(&ada), first);

    place.run(&["keys", "prepare"]).fails(&["prepared already"]);
    place
        .run(&["keys", "rotate"])
        .fails(&["--now", "jwks.json"]);
    place.run(&["keys", "rotate", "--now"]).succeeds();
    until(
        "it signs with the new key",
        Duration::from_secs(5),
        async || kid(&login(&client, "ada").await) != first,
    )
    .await;
    ada.at(&client).me().await.expect(200);
    let retiring = keys_in(&place, "retiring");
    assert_eq!(retiring[0][0], first);
    assert!(retiring[0][4].ends_with('Z'), "{retiring:?}");

    let second = keys_in(&place, "active")[0][0].clone();
    place
        .run(&["keys", "retire", &second])
        .fails(&["rotate first"]);
    place
        .run(&["keys", "retire", "nobody"])
        .fails(&["there is no signing key nobody"]);
    let told = place.run(&["keys", "retire", &first]).succeeds();
    assert!(told.contains("Warning"), "{told}");
    until(
        "the old tokens are refused",
        Duration::from_secs(5),
        async || ada.at(&client).me().await.status == 401,
    )
    .await;
    assert_eq!(keys_in(&place, "retired")[0][0], first);
    drop(server);

    let moved = place.with("SECRET_KEY", "another-key-q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1TaE");
    moved
        .run(&[])
        .fails(&["SECRET_KEY does not open the signing key", &second]);
}

fn is_signed_with(token: &str, key: &str) -> bool {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    let key = DecodingKey::from_secret(key.as_bytes());
    decode::<Value>(token, &key, &Validation::new(Algorithm::HS256)).is_ok()
}

#[test]
fn migrate_brings_the_tables_up_to_date_and_tells_their_status() {
    let place = Place::of_this_run();
    let before = place.run(&["migrate", "--status"]);
    if before.0.status.success() {
        assert!(
            before
                .out()
                .lines()
                .all(|line| line.starts_with("pending  ")),
            "{}",
            before.out()
        );
    }
    let applied = place.run(&["migrate"]).succeeds();
    assert!(
        applied.lines().all(|line| line.starts_with("applied  ")),
        "{applied}"
    );
    let status = place.run(&["migrate", "--status"]).succeeds();
    assert_eq!(status, applied);
    let again = place.run(&["migrate"]).succeeds();
    assert!(again.contains("up to date"), "{again}");
    let fresh = Place::of_this_run();
    let refused = fresh.run(&["serve", "--no-migrate"]);
    refused.fails(&["lacks migrations"]);
}

#[tokio::test]
async fn a_superuser_is_made_and_logs_in() {
    let place = Place::of_this_run();
    let arguments = [
        "createsuperuser",
        "--username",
        "grace",
        "--email",
        "grace@example.com",
    ];
    place
        .run(&arguments)
        .fails(&["DOORWARD_SUPERUSER_PASSWORD"]);
    let weak = place
        .command(&arguments)
        .env("DOORWARD_SUPERUSER_PASSWORD", "12345")
        .output()
        .unwrap();
    let weak = String::from_utf8_lossy(&weak.stderr).into_owned();
    assert!(
        weak.contains("This password is too short") && !weak.contains("12345"),
        "{weak}"
    );
    let place = place.with("DOORWARD_SUPERUSER_PASSWORD", PASSWORD);
    place
        .run(&["createsuperuser", "--username", "grace"])
        .fails(&["--email"]);
    let said = place.run(&arguments).succeeds();
    assert!(
        said.contains("The owner grace is made") && !said.contains(PASSWORD),
        "{said}"
    );
    place.run(&arguments[..3]).fails(&["--email"]);
    let twice = place.run(&arguments).err();
    assert!(
        twice.contains("username: ") && twice.contains("email: "),
        "{twice}"
    );
    let admin = [
        "createsuperuser",
        "--username",
        "alan",
        "--email",
        "alan@example.com",
        "--role",
        "admin",
    ];
    place.run(&admin).succeeds();
    let server = place.serve();
    for (name, role) in [("grace", "owner"), ("alan", "admin")] {
        let user = login(&server.client(), name).await;
        assert_eq!(user.me().await.text("role"), role);
    }
    let late = [
        "createsuperuser",
        "--username",
        "late",
        "--email",
        "late@example.com",
    ];
    place.run(&late).succeeds();
    assert_eq!(
        login(&server.client(), "late")
            .await
            .me()
            .await
            .text("role"),
        "owner"
    );
}

/// The head of a registration and how its body begins; the rest is what is returned.
fn begin_registration(address: SocketAddr, name: &str) -> (TcpStream, String) {
    let body =
        json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
    let body = body.to_string();
    let (first, rest) = body.split_at(20);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST /api/v1/user/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{first}",
        body.len()
    )
    .unwrap();
    (stream, rest.to_owned())
}

fn status_of(stream: &mut TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[tokio::test]
async fn sigterm_answers_what_is_in_flight_and_says_meanwhile_that_it_is_not_ready() {
    let place = Place::of_this_run().with("SHUTDOWN_DELAY", "1");
    let mut server = place.serve();
    let client = server.client();
    client.get("/readyz").await.expect(200);
    let (mut stream, rest) = begin_registration(server.address, "ada");
    server.signal("-TERM");
    until(
        "it is not ready any more",
        Duration::from_secs(1),
        || async { client.get("/readyz").await.status == 503 },
    )
    .await;
    client.get("/livez").await.expect(200);
    client.register("during").await.expect(201);
    until("it accepts nobody any more", PATIENCE, || async {
        client.get("/livez").send().await.is_err()
    })
    .await;
    stream.write_all(rest.as_bytes()).unwrap();
    let status = status_of(&mut stream);
    assert!(status.contains(" 201 "), "{status}");
    let (code, _) = server.ends();
    assert_eq!(code, Some(0));
    let again = place.serve();
    for name in ["ada", "during"] {
        login(&again.client(), name).await.me().await.expect(200);
    }
}

#[tokio::test]
async fn sigint_ends_it_at_once_whatever_the_delay() {
    let place = Place::of_this_run().with("SHUTDOWN_DELAY", "300");
    let mut server = place.serve();
    server.client().get("/livez").await.expect(200);
    server.signal("-INT");
    let (code, took) = server.ends();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let mut server = place.serve();
    server.signal("-TERM");
    until(
        "it is not ready any more",
        Duration::from_secs(5),
        || async { server.client().get("/readyz").await.status == 503 },
    )
    .await;
    server.signal("-INT");
    assert_eq!(
        server.ends().0,
        Some(0),
        "a second signal cuts the delay short"
    );
}

#[tokio::test]
async fn a_second_signal_during_the_end_does_not_wait_for_requests() {
    for (first, second) in [("-INT", "-INT"), ("-TERM", "-TERM")] {
        let place = Place::of_this_run();
        let mut server = place.serve();
        let client = server.client();
        let (_stream, _rest) = begin_registration(server.address, "ada");
        // The worker has the request by then.
        client.get("/livez").await.expect(200);
        server.signal(first);
        until("it accepts nobody any more", PATIENCE, || async {
            TcpStream::connect(server.address).is_err()
        })
        .await;
        server.signal(second);
        let (code, took) = server.ends();
        assert_eq!(code, Some(1));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

/// A store whose threads do not end.
#[derive(Debug)]
struct Hanging(DieselStore);

#[async_trait::async_trait]
impl Store for Hanging {
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError> {
        self.0.run(mode, work).await
    }

    fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.0.subscribe(listener);
    }

    fn figures(&self) -> StoreFigures {
        self.0.figures()
    }

    async fn close(&self) {
        let hanging = tokio::task::spawn_blocking(|| thread::sleep(PATIENCE * 10));
        hanging.await.unwrap();
    }
}

#[test]
fn a_database_that_does_not_close_holds_up_the_end_for_five_seconds_only() {
    let database = Database::of_this_run().create();
    let options = Options {
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        services: ServicesConfig {
            store: Arc::new(Hanging(database.open())),
            clock: Arc::new(SystemClock::start()),
            secret_key: SECRET_KEY.to_owned().into(),
            secret_key_fallbacks: Vec::new(),
            jwt_algorithm: doorward_domain::JwtAlgorithm::Hs256,
            bcrypt_cost: 4,
            hashing: HashingLimits::default(),
            password_policy: PasswordPolicy::DJANGO,
            settings: Settings::default(),
            accept_foreign_tokens: false,
            shared: None,
            task_kinds: Arc::new(doorward_services::tasks::NoopOnly),
        },
        allowed_hosts: Vec::new(),
        cors_allowed_origins: Vec::new(),
        tls: None,
        trusted_proxies: Vec::new(),
        environment: "test".to_owned(),
        observed: Observed::default(),
        worker: None,
        workers: Some(1),
    };
    let system = actix_web::rt::System::new();
    let application = system.block_on(Application::start(options)).unwrap();
    let began = Instant::now();
    system.block_on(application.stop());
    // The end of the runtime must not wait either.
    drop(system);
    let took = began.elapsed();
    let (least, most) = (Duration::from_secs(5), Duration::from_secs(10));
    assert!(least <= took && took < most, "{took:?}");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let place = Place::of_this_run();
    let mut server = place.serve();
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(idle, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let status = status_of(&mut idle);
    assert!(status.contains(" 200 "), "{status}");
    server.signal("-TERM");
    let (code, took) = server.ends();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn every_acknowledged_registration_outlives_kill_9() {
    let place = Place::of_this_run();
    for round in 0..2 {
        let mut server = place.serve();
        let client = server.client();
        let (acknowledge, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
        let clients = (0..8).map(|number| {
            let (client, acknowledge) = (client.clone(), acknowledge.clone());
            Box::pin(async move {
                for turn in 0.. {
                    let name = format!("u{round}-{number}-{turn}");
                    match client.register(&name).send().await {
                        Ok(answer) if answer.status == 201 => acknowledge.send(name).unwrap(),
                        Ok(answer) => assert_eq!(answer.status, 503, "a busy machine: {answer}"),
                        Err(_killed) => return,
                    }
                }
            })
        });
        let registering = tokio::spawn(at_once(clients.collect::<Vec<_>>()));
        drop(acknowledge);
        let mut names = Vec::new();
        while let Some(name) = acknowledged.recv().await {
            names.push(name);
            if names.len() == 12 {
                server.child.kill().unwrap();
            }
        }
        registering.await.unwrap();
        assert_eq!(server.ends().0, None, "it was killed");
        let again = place.serve();
        for name in &names {
            let answer = again.client().login(name, PASSWORD).await;
            assert_eq!(answer.status, 200, "{name}: {answer}");
        }
        let ready = again.client().get("/readyz").await.expect(200);
        assert_eq!(ready.json(), json!({ "status": "ok" }));
    }
}
