//! `doorward settings`

use super::{Place, login};
use crate::support::{Client, PASSWORD, until};
use serde_json::{Value, json};
use std::time::Duration;

/// How soon a running server follows.
const IN_FORCE: Duration = Duration::from_secs(2);

async fn lifetime(client: &Client) -> Value {
    let login = client.login("ada", PASSWORD).await.expect(200);
    login.json()["expires_in"].clone()
}

#[tokio::test]
async fn a_running_server_follows_what_the_command_sets() {
    let place = Place::of_this_run();
    let server = place.serve();
    let client = server.client();
    client.register("ada").await.expect(201);
    assert_eq!(lifetime(&client).await, 300);
    let said = place.run(&["settings", "set", "ACCESS_TOKEN_LIFETIME", "30"]);
    let said = said.succeeds();
    assert!(said.contains("ACCESS_TOKEN_LIFETIME is 30"), "{said}");
    let follows = async || lifetime(&client).await == 30;
    until("the server follows", IN_FORCE, follows).await;
    login(&client, "ada").await.me().await.expect(200);
}

#[test]
fn settings_are_listed_and_shown_as_they_are() {
    let place = Place::of_this_run().with("LOGIN_RATE_LIMIT", "10/min");
    place.run(&["migrate"]).succeeds();
    let get = |name: &str| place.run(&["settings", "get", name]).succeeds();
    assert_eq!(get("LOGIN_RATE_LIMIT"), "10/min\n");
    let set = place.run(&["settings", "set", "LOGIN_RATE_LIMIT", "5/SEC"]);
    set.succeeds();
    assert_eq!(get("LOGIN_RATE_LIMIT"), "5/sec\n");
    let list = place.run(&["--step-up-window", "7", "settings", "list"]);
    let list = list.succeeds();
    let row = |name: &str| {
        let mut lines = list.lines().filter(|line| line.starts_with(name));
        let words = lines.next().unwrap().split_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("NAME"), ["NAME", "VALUE", "DEFAULT", "CHANGED"]);
    assert_eq!(row("REGISTRATION_OPEN")[1..], ["true", "true", "no"]);
    let window = ["7", "300", "no;", "its", "variable", "is", "set"];
    assert_eq!(row("STEP_UP_WINDOW")[1..], window);
    let limit = row("LOGIN_RATE_LIMIT");
    assert_eq!(limit[1..3], ["5/sec", "10/min"]);
    assert_eq!(limit[4..], ["by", "this", "command"]);
    let listed = place.run(&["settings", "list", "--json"]).succeeds();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["LOGIN_RATE_LIMIT"]["value"], "5/sec");
    assert_eq!(listed["LOGIN_RATE_LIMIT"]["changed_by"], json!(null));
    assert_eq!(listed.as_object().unwrap().len(), list.lines().count() - 1);
}

#[test]
fn a_wrong_name_or_value_is_refused_in_one_line_and_changes_nothing() {
    let place = Place::of_this_run();
    place.run(&["migrate"]).succeeds();
    let run = |arguments: &[&str]| place.run(&[&["settings"], arguments].concat());
    run(&["get", "ACCESS"]).fails(&["no setting \"ACCESS\"", "settings list"]);
    run(&["set", "access_token_lifetime", "30"]).fails(&["no setting"]);
    run(&["set", "ACCESS_TOKEN_LIFETIME", "4"]).fails(&[
        "ACCESS_TOKEN_LIFETIME must be a whole number of seconds from 5 to 86400",
        "not \"4\"",
    ]);
    run(&["set", "REFRESH_GRACE_PERIOD", "-1"]).fails(&["from 0 to 60"]);
    run(&["set", "PUBLIC_USER_LIST", "maybe"]).fails(&["must be true or false"]);
    run(&["set", "LOGIN_RATE_LIMIT", "10/day"]).fails(&["N/sec, N/min or N/hour"]);
    let list = run(&["list"]).succeeds();
    assert!(!list.contains("this command"), "{list}");
}

#[test]
fn without_tables_there_are_no_settings_and_none_are_made() {
    let place = Place::of_this_run();
    for arguments in [
        &["settings", "list"][..],
        &["settings", "set", "STEP_UP_WINDOW", "7"],
    ] {
        place.run(arguments).fails(&["start Doorward first"]);
    }
}
