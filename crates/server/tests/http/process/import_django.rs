//! Moving in from Django, as an operator does it.

use super::*;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

const DJANGO_PASSWORD: &str = "lètmein-Doorward";
const HASH: &str =
    "pbkdf2_sha256$1200$injw4y5frQ5RlS2kwCwppH$f5ERSeg5yKOeqpWGDqpawuGRncSd1j4161bOBPg/8JI=";

fn record(model: &str, key: &Value, name: &str) -> Value {
    json!({ "model": model, "pk": key, "fields": {
        "username": name, "email": format!("{name}@example.com"), "password": HASH,
        "first_name": "", "last_name": "", "last_login": null, "is_active": true,
        "is_staff": false, "is_superuser": name == "root", "date_joined": "2020-02-03T04:05:06.789Z",
        "groups": [], "user_permissions": [],
    }})
}

fn dump(place: &Place, records: &[Value]) {
    let group = json!({ "model": "auth.group", "pk": 1, "fields": { "name": "editors", "permissions": [] } });
    let all: Vec<&Value> = std::iter::once(&group).chain(records).collect();
    fs::write(place.path("dump.json"), json!(all).to_string()).unwrap();
}

fn people(count: usize) -> Vec<Value> {
    let names = (1..count).map(|number| (number, format!("user{number}")));
    let mut people: Vec<_> = names
        .map(|(number, name)| record("auth.user", &json!(number), &name))
        .collect();
    people.push(record("auth.user", &json!(count), "root"));
    people
}

#[tokio::test]
async fn a_dump_is_taken_over_and_a_second_time_changes_nothing() {
    let place = Place::of_this_run();
    dump(&place, &people(1234));
    let said = place.run(&["import-django", "dump.json"]).succeeds();
    assert_eq!(
        said,
        "Imported: 1234 (owners: 1, admins: 0; without an email address: 0, without a password: 0)\n\
         Here already: 0\nLeft out: 0\n"
    );
    let server = place.serve();
    for name in ["user1", "user1233", "root"] {
        let answer = server
            .client()
            .login(name, DJANGO_PASSWORD)
            .await
            .expect(200);
        let role = if name == "root" { "owner" } else { "user" };
        assert_eq!(answer.json()["user"]["role"], role);
    }
    let again = place.run(&["import-django", "dump.json"]).succeeds();
    assert!(again.contains("Imported: 0 ") && again.contains("Here already: 1234"));
    server
        .client()
        .login("root", DJANGO_PASSWORD)
        .await
        .expect(200);
}

#[test]
fn a_dry_run_tells_the_same_and_makes_nothing() {
    let place = Place::embedded();
    dump(
        &place,
        &[people(3), vec![record("auth.user", &json!(9), "ROOT")]].concat(),
    );
    let run = place.run(&["import-django", "dump.json", "--dry-run"]);
    assert!(run.out().contains("To import: 3 "), "{}", run.out());
    assert!(
        run.out()
            .contains("ROOT: left out: another account has the username")
    );
    run.fails(&["1 of 4 people were left out"]);
    assert_eq!(names_in(place.folder.path()), ["dump.json"]);
}

#[test]
fn who_is_left_out_is_told_and_written_down() {
    let place = Place::of_this_run();
    let odd = (0..30).map(|number| record("auth.user", &json!(100 + number), "a/b"));
    let mut all = people(2);
    all.extend(odd);
    all.push(json!({ "model": "auth.user", "pk": 7, "fields": { "is_active": "perhaps" } }));
    dump(&place, &all);
    let run = place.run(&["import-django", "dump.json", "--report", "report.txt"]);
    assert!(run.out().contains("Imported: 2 "), "{}", run.out());
    assert!(run.out().contains("… and 11 more lines"), "{}", run.out());
    run.fails(&["31 of 33 people were left out"]);
    let report = fs::read_to_string(place.path("report.txt")).unwrap();
    assert_eq!(report.lines().count(), 31);
    assert!(
        report.contains("key 7: left out: is_active is no boolean"),
        "{report}"
    );
    assert!(!report.contains(HASH));
}

#[test]
fn where_the_report_cannot_be_written_the_import_is_told_all_the_same() {
    let place = Place::embedded();
    let nameless = json!({ "model": "auth.user", "pk": 9, "fields": { "password": HASH } });
    dump(&place, &[people(3), vec![nameless]].concat());
    let run = place.run(&["import-django", "dump.json", "--report", "/dev/full"]);
    assert!(run.out().contains("Imported: 3 "), "{}", run.out());
    run.fails(&["/dev/full cannot be written"]);
}

#[test]
fn a_file_that_is_not_whole_or_not_djangos_is_refused_in_one_line_and_nothing_is_made() {
    let place = Place::embedded();
    dump(&place, &people(600));
    let whole = fs::read_to_string(place.path("dump.json")).unwrap();
    let cut = whole.get(..whole.len() - 40).unwrap();
    let user_less = r#"[{"model": "auth.group", "pk": 1, "fields": {}}]"#;
    let other = json!([record("accounts.member", &json!(1), "ada")]).to_string();
    let two = json!([
        record("a.user", &json!(1), "ada"),
        record("b.user", &json!(1), "bob")
    ]);
    let utf_16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, why) in [
        (cut.as_bytes(), "it is cut off"),
        (b"".as_slice(), "it is empty"),
        (b"hello", "neither what Django's dumpdata writes"),
        (b"[1, 2]", "not what Django's dumpdata writes"),
        (user_less.as_bytes(), "no users in it"),
        (other.as_bytes(), "--model accounts.member"),
        (
            two.to_string().as_bytes(),
            "choose with --model: a.user, b.user",
        ),
        (
            [&[0xff, 0xfe], utf_16.as_slice()].concat().as_slice(),
            "UTF-16",
        ),
        (b"SQLite format 3\0 and nothing more", "cannot be read"),
    ] {
        fs::write(place.path("dump.json"), content).unwrap();
        place
            .run(&["import-django", "dump.json"])
            .fails(&["dump.json", why]);
    }
    place.run(&["import-django", "missing"]).fails(&["missing"]);
    assert_eq!(names_in(place.folder.path()), ["dump.json"]);
}

#[tokio::test]
async fn a_model_of_ones_own_is_found_or_chosen() {
    let place = Place::of_this_run();
    let mut ada = record("base.user", &json!(1), "ada");
    ada["fields"]["role"] = json!("admin");
    let bob = record("accounts.member", &json!(2), "bob");
    dump(&place, &[ada, bob]);
    let found = place.run(&["import-django", "dump.json"]).succeeds();
    assert!(
        found.contains("Imported: 1 (owners: 0, admins: 1;"),
        "{found}"
    );
    let chosen = ["import-django", "dump.json", "--model", "accounts.member"];
    let chosen = place.run(&chosen).succeeds();
    assert!(chosen.contains("Imported: 1 "), "{chosen}");
    place
        .run(&["import-django", "dump.json", "--model", "auth.group"])
        .fails(&["no model auth.group of users, but accounts.member, base.user"]);
}

#[tokio::test]
async fn a_sqlite_file_of_djangos_is_taken_over_and_left_as_it_was() {
    let place = Place::of_this_run();
    let id = "0fa0e6d2-6c1b-4a7c-9a53-0d2f1a3b4c5d";
    let bare_id = id.replace('-', "");
    SqliteConnection::establish(place.path("db.sqlite3").to_str().unwrap())
        .unwrap()
        .batch_execute(&format!(
            "CREATE TABLE auth_user (id integer PRIMARY KEY, username varchar(150), password varchar(128), last_login datetime);
             CREATE TABLE api_user (id char(32) NOT NULL PRIMARY KEY, password varchar(128) NOT NULL, last_login datetime NULL,
               is_superuser bool NOT NULL, username varchar(150) NOT NULL UNIQUE, email varchar(254) NOT NULL,
               is_staff bool NOT NULL, is_active bool NOT NULL, date_joined datetime NOT NULL);
             INSERT INTO api_user VALUES ('{bare_id}', '{HASH}', NULL, 0, 'ada', 'ada@example.com', 1, 1, '2020-02-03 04:05:06.789000');"
        ))
        .unwrap();
    let before = fs::read(place.path("db.sqlite3")).unwrap();
    place.run(&["import-django", "db.sqlite3"]).succeeds();
    assert_eq!(fs::read(place.path("db.sqlite3")).unwrap(), before);
    assert!(
        !names_in(place.folder.path())
            .iter()
            .any(|name| name.starts_with("db.sqlite3-"))
    );
    let server = place.serve();
    let answer = server
        .client()
        .login("ada", DJANGO_PASSWORD)
        .await
        .expect(200);
    assert_eq!(answer.json()["user"]["id"], id);
    assert_eq!(answer.json()["user"]["role"], "admin");
}

#[test]
fn doorwards_own_database_is_no_source() {
    let place = Place::embedded();
    place.run(&["migrate"]).succeeds();
    place
        .run(&["import-django", "data/doorward.db"])
        .fails(&["Doorward's own database"]);
}
