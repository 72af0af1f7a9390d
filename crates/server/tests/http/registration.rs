//! New accounts.

use crate::support::{Client, PASSWORD, Setup, TestApp, assert_fields, at_once, count};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CREATE: &str = "/api/v1/user/create";
const USERNAME_TAKEN: &str = "A user with that username already exists.";
const EMAIL_TAKEN: &str = "A user with that email address already exists.";
const FOREIGN_ADDRESS: &str = "A username that contains @ must be the account's own email address.";
const BAD_NAME: &str = "Enter a valid username. This value may contain only letters, numbers, single inner spaces \
                        and @/./+/-/_ characters.";

fn ada(field: &str, value: impl Into<Value>) -> Value {
    let mut body = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    body[field] = value.into();
    body
}

#[tokio::test]
async fn a_registration_answers_with_the_new_account() {
    let app = TestApp::start().await;
    let answer = app.anon().register("ada").await.expect(201);
    let body = answer.json();
    assert_fields(&body, &["id", "username", "email", "role", "date_joined"]);
    assert_eq!(body["username"], "ada");
    assert_eq!(body["email"], "ada@example.com");
    assert_eq!(body["role"], "user");
    assert_eq!(body["date_joined"], "2025-06-15T15:06:40Z");
    let id = uuid::Uuid::parse_str(body["id"].as_str().unwrap()).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(app.login("ada").await.id, id.to_string());
}

#[tokio::test]
async fn nobody_gives_himself_a_role() {
    let app = TestApp::start().await;
    let (ada_herself, admin, owner) = (
        app.user("lovelace").await,
        app.admin().await,
        app.owner().await,
    );
    for role in ["admin", "owner"] {
        let strangers: [&Client; 3] = [&app.anon(), &ada_herself, &admin];
        for caller in strangers {
            let answer = caller.post(CREATE, ada("role", role)).await;
            answer.problem(403, "permission_denied");
        }
    }
    app.anon()
        .post(CREATE, ada("role", "user"))
        .await
        .expect(201);
    for (number, role) in ["user", "admin", "owner"].into_iter().enumerate() {
        let body = json!({ "email": format!("n{number}@example.com"), "password": PASSWORD, "role": role });
        let answer = owner.post(CREATE, body).await.expect(201);
        assert_eq!(answer.text("role"), role);
    }
    let king = app.anon().post(CREATE, ada("role", "king")).await.errors();
    assert_eq!(king["role"], json!(["Must be one of user, admin, owner."]));
}

#[tokio::test]
async fn fields_that_nobody_may_set_are_refused() {
    let app = TestApp::start().await;
    for (field, value) in [
        ("id", json!("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("is_active", json!(true)),
        ("is_staff", json!(true)),
        ("is_superuser", json!(true)),
        ("date_joined", json!("2020-01-01T00:00:00Z")),
        ("user", json!({ "role": "owner" })),
        ("Role", json!("owner")),
        ("__proto__", json!({ "role": "owner" })),
    ] {
        let answer = app.anon().post(CREATE, ada(field, value)).await;
        assert_eq!(answer.errors(), json!({ field: ["Unknown field."] }));
    }
    for (field, value) in [
        ("role", json!(["owner"])),
        ("role", json!({ "name": "owner" })),
        ("username", json!(7)),
        ("email", json!(true)),
    ] {
        let answer = app.anon().post(CREATE, ada(field, value)).await;
        assert_eq!(answer.errors(), json!({ field: ["Not a valid string."] }));
    }
    assert_eq!(count(&app.database, "users"), 0);
}

#[tokio::test]
async fn every_bad_field_is_named_with_every_message_in_djangos_wording() {
    let app = TestApp::start().await;
    let bad = json!({
        "username": "what a  name!", "email": "no address", "password": "123456", "role": "king", "otp": "1",
    });
    assert_eq!(
        app.anon().post(CREATE, bad).await.errors(),
        json!({
            "username": [BAD_NAME],
            "email": ["Enter a valid email address."],
            "password": [
                "This password is too short. It must contain at least 8 characters.",
                "This password is too common.",
                "This password is entirely numeric.",
            ],
            "role": ["Must be one of user, admin, owner."],
            "otp": ["Unknown field."],
        })
    );
    assert_eq!(
        app.anon().post(CREATE, json!({})).await.errors(),
        json!({ "email": ["This field is required."], "password": ["This field is required."] })
    );
    let similar = app.anon().post(CREATE, ada("password", "ada@example.co"));
    let like_email = "The password is too similar to the email address.";
    assert_eq!(similar.await.errors(), json!({ "password": [like_email] }));
    for (password, message) in [
        ("", "This field may not be blank."),
        ("gustav\u{0}Eiffel-1889", "Null characters are not allowed."),
        (
            &"x9Z-".repeat(65),
            "Ensure this field has no more than 256 characters and 1024 bytes.",
        ),
    ] {
        let answer = app.anon().post(CREATE, ada("password", password)).await;
        assert_eq!(answer.errors(), json!({ "password": [message] }));
    }
}

#[tokio::test]
async fn names_and_addresses_with_nul_control_or_invisible_characters_are_refused() {
    let app = TestApp::start().await;
    for name in [
        "a\u{0}da",
        "a\u{7}da",
        "ada\n",
        "a\tda",
        "a\u{200b}da",
        "a\u{3164}da",
        "a\u{202e}da",
        "ada\u{feff}",
        "a\u{a0} da",
        "a/da",
        "<ada>",
        "a  da",
    ] {
        let answer = app.anon().post(CREATE, ada("username", name)).await;
        assert_eq!(
            answer.errors(),
            json!({ "username": [BAD_NAME] }),
            "{name:?}"
        );
    }
    for name in ["", "   "] {
        let answer = app.anon().post(CREATE, ada("username", name)).await;
        let blank = json!({ "username": ["This field may not be blank."] });
        assert_eq!(answer.errors(), blank, "{name:?}");
    }
    for address in [
        "a\u{0}da@example.com",
        "ada@exa\u{7}mple.com",
        "ada@\u{3164}.com",
        "ada",
        "@example.com",
        "a@b@c.com",
    ] {
        let answer = app.anon().post(CREATE, ada("email", address)).await;
        let invalid = json!({ "email": ["Enter a valid email address."] });
        assert_eq!(answer.errors(), invalid, "{address:?}");
    }
    let longest = "é".repeat(150);
    app.anon()
        .post(CREATE, ada("username", longest))
        .await
        .expect(201);
    let answer = app
        .anon()
        .post(CREATE, ada("username", "e".repeat(151)))
        .await;
    let too_long = "Ensure this field has no more than 150 characters.";
    assert_eq!(answer.errors()["username"], json!([too_long]));
}

#[tokio::test]
async fn a_name_that_django_allows_is_allowed_with_single_inner_spaces() {
    let app = TestApp::start().await;
    for (number, name) in ["John Smith", "a.b+c-d_e", "Zoë", "李小龍", "0"]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "username": name, "email": format!("n{number}@example.com"), "password": PASSWORD });
        let answer = app.anon().post(CREATE, body).await.expect(201);
        assert_eq!(answer.text("username"), name);
        app.anon().login(name, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn fifty_registrations_of_one_address_at_once_make_one_account() {
    let app = TestApp::start().await;
    let requests = (0..50).map(|number| {
        let address = ["ada@example.com", "ADA@Example.com"][number % 2];
        let body =
            json!({ "username": format!("ada{number}"), "email": address, "password": PASSWORD });
        app.anon().post(CREATE, body)
    });
    let answers = at_once(requests).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 49));
    for answer in refused {
        assert_eq!(answer.errors(), json!({ "email": [EMAIL_TAKEN] }));
    }
    assert_eq!(count(&app.database, "users"), 1);
}

#[tokio::test]
async fn registrations_of_one_name_in_several_spellings_at_once_make_one_account() {
    let app = TestApp::start().await;
    let spellings = [
        "Ada Lovelace",
        "ADA LOVELACE",
        "ada lovelace",
        "\u{ff21}da Lovelace",
    ];
    let requests = (0..24).map(|number| {
        let body = json!({
            "username": spellings[number % 4], "email": format!("n{number}@example.com"), "password": PASSWORD,
        });
        app.anon().post(CREATE, body)
    });
    let answers = at_once(requests).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 23));
    for answer in refused {
        assert_eq!(answer.errors(), json!({ "username": [USERNAME_TAKEN] }));
    }
}

#[tokio::test]
async fn taken_names_and_addresses_are_named_together() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let both = json!({ "username": "ADA", "email": "Ada@EXAMPLE.com", "password": PASSWORD });
    let taken = json!({ "username": [USERNAME_TAKEN], "email": [EMAIL_TAKEN] });
    assert_eq!(app.anon().post(CREATE, both).await.errors(), taken);
}

#[tokio::test]
async fn without_a_username_one_is_made_from_the_address_and_numbered_when_taken() {
    let app = TestApp::start().await;
    let mut names = BTreeSet::new();
    for (number, expected) in [
        Some("ada"),
        Some("ada2"),
        Some("ada3"),
        None,
        None,
        None,
        None,
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "email": format!("ada@{number}.example.com"), "password": PASSWORD });
        let name = app
            .anon()
            .post(CREATE, body)
            .await
            .expect(201)
            .text("username");
        assert!(expected.is_none_or(|expected| expected == name), "{name}");
        assert!(name.starts_with("ada") && names.insert(name));
    }
    let odd = json!({ "email": "#!%@example.com", "password": PASSWORD });
    let odd = app.anon().post(CREATE, odd).await.expect(201);
    assert_eq!(odd.text("username"), "user");
}

#[tokio::test]
async fn made_up_names_are_told_apart_even_when_asked_for_at_once() {
    let app = TestApp::start().await;
    let requests = (0..6).map(|number| {
        let body = json!({ "email": format!("ada@{number}.example.com"), "password": PASSWORD });
        app.anon().post(CREATE, body)
    });
    let answers = at_once(requests).await;
    let made: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    let names: BTreeSet<_> = made.iter().map(|answer| answer.text("username")).collect();
    assert_eq!(names.len(), made.len());
    assert_eq!(
        made.len(),
        6,
        "nobody who left the name to us hears that it is taken: {answers:?}"
    );
}

#[tokio::test]
async fn a_username_that_looks_like_an_address_must_be_the_accounts_own() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    for name in [
        "ada@example.com",
        "ADA@example.com",
        "eve@",
        "@eve",
        "\u{ff20}eve",
        "nobody@example.com",
    ] {
        let body = json!({ "username": name, "email": "eve@example.com", "password": PASSWORD });
        let answer = app.anon().post(CREATE, body).await;
        let errors = answer.errors();
        assert_eq!(errors["username"][0], FOREIGN_ADDRESS, "{name}: {errors}");
    }
    let body =
        json!({ "username": "EVE@example.com", "email": "eve@example.com", "password": PASSWORD });
    app.anon().post(CREATE, body).await.expect(201);
}

#[tokio::test]
async fn where_registration_is_closed_admins_alone_make_accounts() {
    let setup = Setup::new().settings(|settings| settings.registration_open = false);
    let app = setup.start().await;
    let admin = app.admin().await;
    let answer = app.anon().register("ada").await;
    answer.problem(403, "registration_closed");
    let answer = app.anon().post(CREATE, json!({})).await;
    answer.problem(403, "registration_closed");
    admin.register("ada").await.expect(201);
    let ada = app.login("ada").await;
    ada.register("eve")
        .await
        .problem(403, "registration_closed");
}

#[tokio::test]
async fn a_bad_token_does_not_count_as_none() {
    let app = TestApp::start().await;
    let answer = app.anon().with_token("garbage").register("ada").await;
    answer.problem(401, "token_not_valid");
    assert_eq!(count(&app.database, "users"), 0);
}

#[tokio::test]
async fn passwords_are_stored_in_djangos_notation() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let stored = "users WHERE password LIKE 'bcrypt_sha256$$2b$04$%'";
    assert_eq!(count(&app.database, stored), 1);
}
