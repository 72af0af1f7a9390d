use super::*;
use crate::clock::FakeClock;
use crate::passwords::Unverifiable;
use doorward_domain::username::ParseUsernameError;
use doorward_domain::{Role, UserId};
use doorward_storage::testing::{a_user, instant, read, write};
use doorward_storage::{FeedPosition, UserQuery};
use doorward_storage_diesel::testing::TestDatabase;
use secrecy::SecretString;

const BCRYPT: &str = "bcrypt_sha256$$2b$04$H03e65iqZj4njlr4z66hPON1e4AG768KCPHcOMKjrmTeWM1z4FDKC";

struct House {
    store: Arc<dyn Store>,
    clock: Arc<FakeClock>,
    _database: TestDatabase,
}

impl House {
    fn new() -> Self {
        let database = TestDatabase::sqlite();
        Self {
            store: Arc::new(database.open()),
            clock: Arc::new(FakeClock::at(instant(0))),
            _database: database,
        }
    }

    fn importer(&self) -> Importer {
        Importer::new(
            Arc::clone(&self.store),
            Arc::<FakeClock>::clone(&self.clock),
        )
    }

    fn dry_importer(&self) -> Importer {
        Importer::dry(
            Arc::clone(&self.store),
            Arc::<FakeClock>::clone(&self.clock),
        )
    }

    async fn import(&self, people: Vec<DjangoUser>) -> Report {
        self.importer().import(people).await.unwrap()
    }

    async fn user(&self, name: &str) -> Option<User> {
        let name = Username::parse(name).unwrap();
        read(&*self.store, move |tx| tx.user_by_username(&name)).await
    }

    async fn everybody(&self) -> Vec<User> {
        let query = UserQuery {
            limit: 1000,
            ..UserQuery::default()
        };
        read(&*self.store, move |tx| tx.list_users(&query)).await
    }
}

fn person(key: &str, name: &str) -> DjangoUser {
    DjangoUser {
        key: Some(key.to_owned()),
        username: Some(name.to_owned()),
        email: Some(format!("{name}@example.com")),
        password: Some(BCRYPT.into()),
        date_joined: Some("2020-02-29T12:34:56.789Z".to_owned()),
        ..DjangoUser::default()
    }
}

fn lines(report: &Report) -> Vec<String> {
    report.remarks.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_person_comes_as_he_was() {
    let house = House::new();
    let ada = DjangoUser {
        last_login: Some("2021-03-04 05:06:07.123456".to_owned()),
        is_active: Some(false),
        first_name: Some("Ada".to_owned()),
        ..person("7", "Ada")
    };
    let report = house.import(vec![ada]).await;
    assert_eq!((report.imported, lines(&report)), (1, vec![]));
    let user = house.user("ada").await.unwrap();
    assert_eq!(user.username.as_str(), "Ada");
    assert_eq!(user.email.unwrap().as_str(), "Ada@example.com");
    assert_eq!(user.password.unwrap().as_str(), BCRYPT);
    assert_eq!(user.role, Role::User);
    assert!(!user.is_active);
    assert_eq!(
        user.date_joined.to_rfc3339(),
        "2020-02-29T12:34:56.789+00:00"
    );
    assert_eq!(
        user.last_login.unwrap().to_rfc3339(),
        "2021-03-04T05:06:07.123456+00:00"
    );
    let (seconds, _) = user.id.as_uuid().get_timestamp().unwrap().to_unix();
    assert_eq!(i64::try_from(seconds), Ok(user.date_joined.timestamp()));
    let id = user.id;
    let account = read(&*house.store, |tx| tx.account_by_django_id("7")).await;
    assert_eq!(account.unwrap().user.id, id);
}

#[tokio::test]
async fn a_uuid_stays_the_id() {
    let house = House::new();
    let id = "0fa0e6d2-6c1b-4a7c-9a53-0d2f1a3b4c5d";
    for (name, key) in [("ada", id.to_owned()), ("bob", id.replace('-', ""))] {
        house.import(vec![person(&key, name)]).await;
    }
    let [ada] = house.everybody().await.try_into().unwrap();
    assert_eq!(
        (ada.id.to_string(), ada.username.as_str()),
        (id.to_owned(), "ada")
    );
    let account = read(&*house.store, move |tx| tx.account_by_django_id(id)).await;
    assert!(account.is_some());
}

#[tokio::test]
async fn a_superuser_is_an_owner_else_the_own_role_counts_else_staff_are_admins() {
    let house = House::new();
    for (number, (is_superuser, role, is_staff, expected)) in [
        (true, Some("user"), false, Role::Owner),
        (false, Some("user"), true, Role::User),
        (false, Some("Admin"), false, Role::Admin),
        (false, Some("owner"), false, Role::Owner),
        (false, Some("editor"), true, Role::Admin),
        (false, Some(""), true, Role::Admin),
        (false, None, true, Role::Admin),
        (false, None, false, Role::User),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("user{number}");
        let report = house
            .import(vec![DjangoUser {
                is_superuser,
                is_staff,
                role: role.map(str::to_owned),
                ..person(&number.to_string(), &name)
            }])
            .await;
        assert_eq!(house.user(&name).await.unwrap().role, expected, "{role:?}");
        let is_unknown = role == Some("editor");
        assert_eq!(report.remarks.len(), usize::from(is_unknown));
    }
}

#[tokio::test]
async fn an_address_that_is_missing_bad_or_taken_is_left_out_and_told() {
    let house = House::new();
    let with = |key: &str, name: &str, email: Option<&str>| DjangoUser {
        email: email.map(str::to_owned),
        ..person(key, name)
    };
    let people = vec![
        person("1", "ada"),
        with("2", "bob", Some("ADA@Example.com")),
        with("3", "eve", Some("")),
        with("4", "joe", None),
        with("5", "kim", Some("nowhere")),
    ];
    let report = house.import(people).await;
    assert_eq!((report.imported, report.without_email), (5, 4));
    assert_eq!(
        lines(&report),
        [
            "bob: imported without an email address: another account has it",
            "eve: imported without an email address: there is none",
            "joe: imported without an email address: there is none",
            "kim: imported without an email address: it is not valid",
        ]
    );
    assert_eq!(house.user("bob").await.unwrap().email, None);
    let late = house
        .import(vec![with("6", "lea", Some("ada@example.com"))])
        .await;
    assert_eq!(late.remarks.len(), 1, "taken before this batch");
}

#[tokio::test]
async fn a_taken_or_bad_username_is_left_out_with_its_reason() {
    let house = House::new();
    write(&*house.store, |tx| tx.insert_user(&a_user("taken"))).await;
    let nameless = DjangoUser {
        email: None,
        ..person("5", "")
    };
    let people = vec![
        person("1", "TAKEN"),
        person("2", "ada"),
        person("3", "Ada"),
        person("4", "a/b"),
        nameless,
        person("", "joe"),
    ];
    let report = house.import(people).await;
    let reasons: Vec<_> = report.remarks.iter().map(|remark| &remark.said).collect();
    assert_eq!(
        reasons,
        [
            &Said::LeftOut(LeftOut::Username(ParseUsernameError::Character)),
            &Said::LeftOut(LeftOut::NoName),
            &Said::LeftOut(LeftOut::Key),
            &Said::LeftOut(LeftOut::UsernameTaken),
            &Said::LeftOut(LeftOut::UsernameTaken),
        ]
    );
    assert_eq!((report.imported, report.left_out), (1, 5));
    assert!(
        lines(&report).contains(
            &"key 5: left out: there is neither a username nor an email address to make one from"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn who_has_no_username_gets_one_from_his_address() {
    let house = House::new();
    let people = ["ada@a.example", "ada@b.example", "ada@c.example"]
        .iter()
        .enumerate()
        .map(|(key, email)| DjangoUser {
            username: None,
            email: Some((*email).to_owned()),
            ..person(&key.to_string(), "")
        });
    let report = house.import(people.collect()).await;
    assert_eq!((report.imported, report.remarks.len()), (3, 0));
    for (name, email) in [
        ("ada", "ada@a.example"),
        ("ada2", "ada@b.example"),
        ("ada3", "ada@c.example"),
    ] {
        let user = house.user(name).await.unwrap();
        assert_eq!(user.email.unwrap().as_str(), email);
    }
}

#[tokio::test]
async fn a_username_that_is_somebody_elses_address_is_taken_over() {
    let house = House::new();
    let report = house
        .import(
            vec![person("1", "x")]
                .into_iter()
                .map(|x| DjangoUser {
                    username: Some("eve@example.com".to_owned()),
                    ..x
                })
                .collect(),
        )
        .await;
    assert_eq!(report.imported, 1);
    let user = house.user("eve@example.com").await.unwrap();
    assert_eq!(user.email.unwrap().as_str(), "x@example.com");
}

#[tokio::test]
async fn a_hash_that_would_match_nothing_is_not_taken_over() {
    let house = House::new();
    let hashed = |key: &str, name: &str, hash: &str| DjangoUser {
        password: Some(SecretString::from(hash)),
        ..person(key, name)
    };
    let people = vec![
        hashed("1", "empty", ""),
        hashed("2", "unusable", "!Tv4PHJ8nqWOylz0yMrx7bPyPEiu0sHjDsfeQyeIl"),
        hashed("3", "md5", "md5$abc$def"),
        hashed("4", "damaged", "pbkdf2_sha256$x"),
        hashed("5", "huge", &BCRYPT.replace("$04$", "$31$")),
        hashed("6", "none", "plain text"),
    ];
    let report = house.import(people).await;
    let said: Vec<_> = report
        .remarks
        .iter()
        .map(|remark| (remark.who.as_str(), &remark.said))
        .collect();
    assert_eq!(
        said,
        [
            ("md5", &Said::Password(Unverifiable::Algorithm)),
            ("damaged", &Said::Password(Unverifiable::Damaged)),
            ("huge", &Said::Password(Unverifiable::TooCostly)),
            ("none", &Said::Password(Unverifiable::Damaged)),
        ]
    );
    assert_eq!((report.imported, report.without_password), (6, 6));
    assert!(
        house
            .everybody()
            .await
            .iter()
            .all(|user| user.password.is_none())
    );
    assert!(!format!("{report:?}").contains("plain text"));
}

#[tokio::test]
async fn what_is_done_again_changes_nothing() {
    let house = House::new();
    let people = || {
        vec![
            person("1", "ada"),
            person("0fa0e6d26c1b4a7c9a530d2f1a3b4c5d", "bob"),
        ]
    };
    house.import(people()).await;
    let ada = house.user("ada").await.unwrap();
    let changed = User {
        username: Username::parse("countess").unwrap(),
        role: Role::Admin,
        ..ada
    };
    let kept = changed.clone();
    write(&*house.store, move |tx| {
        tx.update_user(&changed, instant(1))
    })
    .await;
    let before = house.everybody().await;
    let again = house.import(people()).await;
    assert_eq!(
        (again.imported, again.already_there, again.left_out),
        (0, 2, 0)
    );
    assert_eq!(again.remarks, [], "her address tells that it is her");
    assert_eq!(house.everybody().await, before);
    assert!(before.contains(&kept));
}

#[tokio::test]
async fn the_key_of_somebody_else_out_of_another_project_is_told() {
    let house = House::new();
    house.import(vec![person("1", "ada")]).await;
    let report = house.import(vec![person("1", "zoe")]).await;
    assert_eq!((report.imported, report.already_there), (0, 1));
    assert_eq!(
        lines(&report),
        ["zoe: left as it is: the account ada has the same key in Django"]
    );
}

#[tokio::test]
async fn a_dump_without_keys_can_be_repeated_too() {
    let house = House::new();
    let keyless = |name: &str, email: &str| DjangoUser {
        key: None,
        email: Some(email.to_owned()),
        ..person("", name)
    };
    house.import(vec![keyless("ada", "ada@example.com")]).await;
    let again = house
        .import(vec![
            keyless("ada", "ADA@example.com"),
            keyless("ada", "other@example.com"),
        ])
        .await;
    assert_eq!((again.already_there, again.left_out), (1, 1));
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let house = House::new();
    write(&*house.store, |tx| tx.insert_user(&a_user("taken"))).await;
    let batches = || {
        [
            vec![person("1", "ada"), person("2", "taken")],
            vec![person("1", "ada"), person("3", "ADA"), person("4", "bob")],
        ]
    };
    let position = read(&*house.store, |tx| tx.feed_end()).await;
    let (mut dry, mut told) = (house.dry_importer(), Report::default());
    for batch in batches() {
        told.add(dry.import(batch).await.unwrap());
    }
    assert_eq!(house.everybody().await.len(), 1);
    let page = read(&*house.store, move |tx| tx.changes_after(&position)).await;
    assert_eq!(page.changes, []);
    let (mut real, mut done) = (house.importer(), Report::default());
    for batch in batches() {
        done.add(real.import(batch).await.unwrap());
    }
    assert_eq!(told, done);
    assert_eq!(
        (done.imported, done.already_there, done.left_out),
        (2, 1, 2)
    );
}

#[tokio::test]
async fn a_batch_is_told_to_other_nodes_once() {
    let house = House::new();
    house
        .import(
            (0..50)
                .map(|i| person(&i.to_string(), &format!("user{i}")))
                .collect(),
        )
        .await;
    let page = read(&*house.store, |tx| {
        tx.changes_after(&FeedPosition::default())
    })
    .await;
    assert_eq!(page.changes, [doorward_domain::Change::UserListChanged]);
}

#[tokio::test]
async fn dates_and_names_that_are_none_are_left_out_and_told() {
    let house = House::new();
    let odd = DjangoUser {
        date_joined: Some("yesterday".to_owned()),
        last_login: Some("2020-13-01T00:00:00Z".to_owned()),
        first_name: Some("A\0da".to_owned()),
        last_name: Some("x".repeat(151)),
        ..person("1", "ada")
    };
    let report = house.import(vec![odd]).await;
    let said: Vec<_> = report
        .remarks
        .iter()
        .map(|remark| remark.said.clone())
        .collect();
    assert_eq!(
        said,
        [
            Said::Date("date_joined"),
            Said::Date("last_login"),
            Said::Name("first_name"),
            Said::Name("last_name"),
        ]
    );
    let ada = house.user("ada").await.unwrap();
    assert_eq!((ada.date_joined, ada.last_login), (instant(0), None));
    for (text, expected) in [
        ("2020-01-02", "2020-01-02T00:00:00+00:00"),
        ("2020-01-02 03:04:05", "2020-01-02T03:04:05+00:00"),
        (
            "2020-01-02T03:04:05.1234567",
            "2020-01-02T03:04:05.123456+00:00",
        ),
        ("2020-01-02T03:04:05+02:00", "2020-01-02T01:04:05+00:00"),
        ("2020-01-02 03:04:05+02:00", "2020-01-02T01:04:05+00:00"),
        ("1912-06-23T00:00:00Z", "1912-06-23T00:00:00+00:00"),
    ] {
        let name = format!("user{}", UserId::new(instant(0)));
        let someone = DjangoUser {
            date_joined: Some(text.to_owned()),
            ..person(&name, &name)
        };
        house.import(vec![someone]).await;
        let user = house.user(&name).await.unwrap();
        assert_eq!(user.date_joined.to_rfc3339(), expected, "{text}");
    }
}

#[tokio::test]
async fn nothing_in_a_name_reaches_the_terminal() {
    let house = House::new();
    let report = house.import(vec![person("1", "\u{1b}[2Jx\ny")]).await;
    let [line] = lines(&report).try_into().unwrap();
    assert!(!line.contains('\u{1b}') && !line.contains('\n'), "{line}");
}
