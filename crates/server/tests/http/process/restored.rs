//! `doorward restored`: what was revoked, or begun, after the backup is worth nothing.

use super::{PASSWORD, Place, Process, SECRET_KEY, User, login, names_in};
use crate::support::{Client, Database, PATIENCE, count, until};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use doorward_storage_diesel::testing::TestDatabase;
use std::fs;

/// Ada's sessions: one that was revoked and one that was begun after the backup, and one that was neither.
struct Sessions {
    kept: User,
    revoked: User,
    begun_since: User,
}

impl Sessions {
    /// `back_up` is called at the moment of the backup.
    async fn around(client: &Client, back_up: impl FnOnce()) -> Self {
        client.register("ada").await.expect(201);
        let kept = login(client, "ada").await;
        let revoked = login(client, "ada").await;
        back_up();
        revoked.logout(&revoked.refresh).await.expect(200);
        let begun_since = login(client, "ada").await;
        begun_since.me().await.expect(200);
        Self {
            kept,
            revoked,
            begun_since,
        }
    }

    async fn are_over_at(&self, client: &Client) {
        for user in [&self.kept, &self.revoked, &self.begun_since] {
            user.at(client).me().await.expect(401);
            client.refresh(&user.refresh).await.expect(401);
        }
    }
}

async fn a_new_login_works(client: &Client) -> User {
    let ada = login(client, "ada").await;
    ada.me().await.expect(200);
    client.refresh(&ada.refresh).await.expect(200);
    ada
}

fn end(mut server: Process) {
    server.signal("-INT");
    assert_eq!(server.ends().0, Some(0));
}

/// As docs/operations.md tells it.
#[tokio::test]
async fn a_file_that_was_restored_knows_no_session_of_the_time_before() {
    let place = Place::embedded();
    let (file, backup) = (place.path("data/doorward.db"), place.path("backup.db"));
    let server = place.serve();
    let sessions = Sessions::around(&server.client(), || {
        SqliteConnection::establish(&file.to_string_lossy())
            .unwrap()
            .batch_execute(&format!("VACUUM INTO '{}'", backup.display()))
            .unwrap();
    })
    .await;
    end(server);
    assert_eq!(
        names_in(&place.path("data")),
        ["doorward.db", "secret.key"],
        "no journal is left to a server that has ended"
    );
    fs::copy(&backup, &file).unwrap();
    let said = place.run(&["restored"]).succeeds();
    assert!(said.contains("2 sessions of the backup ended"), "{said}");
    assert!(said.contains("Next:"), "{said}");
    let server = place.serve();
    sessions.are_over_at(&server.client()).await;
    a_new_login_works(&server.client()).await;
    end(server);

    let said = place.run(&["restored"]).succeeds();
    assert!(said.contains("1 session of the backup ended"), "{said}");
    let said = place.run(&["restored"]).succeeds();
    assert!(said.contains("0 sessions of the backup ended"), "{said}");
    let server = place.serve();
    sessions.are_over_at(&server.client()).await;
    a_new_login_works(&server.client()).await;
}

fn back_up(database: &TestDatabase) {
    for table in ["users", "sessions", "changes"] {
        database.execute(&format!(
            "CREATE TABLE backup_{table} AS SELECT * FROM {table}"
        ));
    }
}

/// With the numbers of another server, where the database has such.
fn restore(database: &TestDatabase) {
    let (given, changes) = match Database::of_this_run() {
        Database::Sqlite => ("", "* FROM backup_changes"),
        Database::Postgres => (
            "OVERRIDING SYSTEM VALUE",
            "seq, xid + 1000000000, kind, subject, until, recorded_at FROM backup_changes",
        ),
    };
    database.execute(&format!(
        "BEGIN; DELETE FROM changes; DELETE FROM sessions; DELETE FROM users; \
         INSERT INTO users SELECT * FROM backup_users; \
         INSERT INTO sessions SELECT * FROM backup_sessions; \
         INSERT INTO changes {given} SELECT {changes}; COMMIT"
    ));
}

#[tokio::test]
async fn a_server_that_was_left_running_notices_and_refuses_the_sessions_of_the_time_before() {
    let place = Place::of_this_run();
    let database = place.database.as_ref().unwrap();
    let server = place.serve();
    let client = server.client();
    let sessions = Sessions::around(&client, || back_up(database)).await;
    restore(database);
    place.run(&["restored"]).succeeds();
    until("it notices", PATIENCE, || async {
        let known = sessions.begun_since.me().await;
        known.status == 401
    })
    .await;
    sessions.are_over_at(&client).await;
    assert_eq!(count(database, "changes WHERE kind = 'session_ended'"), 0);
    let new = a_new_login_works(&client).await;
    let started = place.serve();
    sessions.are_over_at(&started.client()).await;
    new.at(&started.client()).me().await.expect(200);
    let there = new.at(&started.client());
    there
        .request("POST", "/api/v1/user/logout-all")
        .await
        .expect(200);
    until("the first server hears of it", PATIENCE, || async {
        new.me().await.status == 401
    })
    .await;
}

#[test]
fn an_older_backup_is_brought_up_to_date_unless_that_is_not_wanted() {
    let place = Place::of_this_run();
    let database = place.database.as_ref().unwrap();
    place.run(&["migrate"]).succeeds();
    database.execute(
        "DROP TABLE token_cutoff; DELETE FROM __diesel_schema_migrations WHERE version = '20261120000100'",
    );
    let refused = place.run(&["restored", "--no-migrate"]);
    refused.fails(&["lacks migrations", "2026-11-20-000100_token_cutoff"]);
    let said = place.run(&["restored"]).succeeds();
    assert!(said.contains("0 sessions of the backup ended"), "{said}");
    assert_eq!(count(database, "token_cutoff"), 1);
}

#[test]
fn where_nothing_was_restored_nothing_is_made_and_the_place_is_named() {
    let place = Place::embedded();
    let why = "there are no tables of Doorward; restore the backup first";
    place.run(&["restored"]).fails(&["data/doorward.db", why]);
    assert_eq!(names_in(place.folder.path()), Vec::<String>::new());
    let empty = Place::of_this_run();
    empty.run(&["restored"]).fails(&[why]);

    let nowhere = Place::embedded()
        .with("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/x")
        .with("SECRET_KEY", SECRET_KEY);
    let said = nowhere.run(&["restored"]).fails(&["127.0.0.1:1"]);
    assert!(!said.contains("hunter2") && !said.contains(PASSWORD));
}
