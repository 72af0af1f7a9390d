//! The tables of the project's README say what the code says.

#![expect(clippy::panic, reason = "that is how a test fails")]

use actix_web::http::Method;
use doorward_api::{Code, routes};
use doorward_domain::settings::ALL;
use doorward_domain::{ApiKeySecret, Scope, Settings};
use std::collections::BTreeSet;
use std::fs::read_to_string;

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the table with this head, each as its cells without the backticks.
fn table(head: &str) -> Vec<Vec<String>> {
    let rows: Vec<Vec<String>> = readme()
        .lines()
        .skip_while(|line| *line != head)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().replace('`', "")).collect()
        })
        .collect();
    assert!(
        !rows.is_empty(),
        "the README has a table with the head {head}"
    );
    rows
}

#[test]
fn the_catalogue_of_errors_has_every_code_in_its_order() {
    let codes: Vec<Vec<String>> = Code::ALL
        .iter()
        .map(|code| {
            vec![
                code.as_str().to_owned(),
                code.status().as_u16().to_string(),
                code.title().to_owned(),
            ]
        })
        .collect();
    assert_eq!(table("| code | status | meaning |"), codes);
}

#[test]
fn the_table_of_settings_has_every_setting_with_its_default_and_its_bounds() {
    let defaults = Settings::default();
    let settings: Vec<Vec<String>> = ALL
        .iter()
        .map(|setting| {
            let default = setting.value(&defaults).to_string();
            let (name, description) = (setting.name.to_owned(), setting.description.to_owned());
            vec![name, default, setting.allowed(), description]
        })
        .collect();
    assert_eq!(
        table("| setting | default | values | what it does |"),
        settings
    );
}

#[test]
fn the_expression_that_finds_keys_is_the_published_one() {
    assert!(readme().lines().any(|line| line == ApiKeySecret::PATTERN));
}

#[test]
fn the_table_of_scopes_has_every_scope() {
    let rows = table("| scope | lets a key |");
    let told = rows.iter().filter_map(|row| row.first());
    let told: Vec<_> = told.flat_map(|cell| cell.split(", ")).collect();
    assert_eq!(told, Scope::ALL.map(Scope::as_str));
}

#[test]
fn the_table_of_routes_has_every_route_with_every_method() {
    let mut told = BTreeSet::new();
    let canonical = table("| route | who | answers |");
    for row in canonical
        .into_iter()
        .chain(table("| ancestral route | who | answers |"))
    {
        let mut words: Vec<&str> = row
            .first()
            .map(|cell| cell.split(' ').collect())
            .unwrap_or_default();
        let path = words.pop().unwrap_or_default();
        for method in words {
            assert!(
                told.insert((path.to_owned(), method.to_owned())),
                "{method} {path} stands there twice"
            );
        }
    }
    // HEAD goes with GET, as the text above the table says.
    let served: BTreeSet<_> = routes()
        .into_iter()
        .flat_map(|(path, methods)| {
            let methods = methods.into_iter().filter(|method| *method != Method::HEAD);
            methods
                .map(|method| (path.clone(), method.to_string()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(told, served);
}
