//! The document says what the routes say.

#![expect(clippy::expect_used, reason = "that is how a test fails")]

use actix_web::http::Method;
use doorward_api::{Code, openapi, routes};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::from_slice(&openapi()).expect("JSON")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// Path, method and operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = object(&document["paths"]).iter();
    paths
        .flat_map(|(path, item)| {
            let operations = object(item).iter();
            operations.map(move |(method, operation)| (path.clone(), method.clone(), operation))
        })
        .collect()
}

#[test]
fn every_route_stands_there_with_every_method() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let told = operations(&document).into_iter();
    let told: BTreeSet<_> = told.map(|(path, method, _)| (path, method)).collect();
    let served = routes().into_iter().flat_map(|(path, methods)| {
        let methods = methods.into_iter().filter(|method| *method != Method::HEAD);
        methods
            .map(|method| (path.clone(), method.as_str().to_lowercase()))
            .collect::<Vec<_>>()
    });
    assert_eq!(told, served.collect());
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect(&what);
        assert!(ids.insert(id), "{id} is there twice");
        assert!(operation["summary"].is_string(), "{what}");
        assert!(operation["security"].is_array(), "{what}");
        let tag = &operation["tags"][0];
        let tags = document["tags"].as_array().expect("tags");
        assert!(tags.iter().any(|known| known["name"] == *tag), "{what}");
        let responses = object(&operation["responses"]);
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{what}"
        );
        for (status, response) in responses {
            let request_id = &response["headers"]["X-Request-ID"];
            assert!(request_id.is_object(), "{what} {status}");
        }
    }
}

#[test]
fn every_parameter_of_a_path_is_described() {
    for (path, method, operation) in operations(&document()) {
        let named = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters = operation["parameters"].as_array();
        let described = parameters.into_iter().flatten();
        let described = described.filter(|parameter| parameter["in"] == "path");
        let described: Vec<_> = described.filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(named.collect::<Vec<_>>(), described, "{method} {path}");
    }
}

#[test]
fn every_code_that_an_operation_can_answer_is_told_somewhere() {
    let document = document();
    let text = serde_json::to_string(&document["paths"]).expect("JSON");
    for code in Code::ALL {
        let name = format!("\"{}\":", code.as_str());
        // The 405 is the answer to what is no operation.
        let is_expected = *code != Code::MethodNotAllowed;
        assert_eq!(text.contains(&name), is_expected, "{}", code.as_str());
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn follow(document: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(place)) = fields.get("$ref") {
                    let pointer = place.strip_prefix('#').expect("a place in the document");
                    assert!(document.pointer(pointer).is_some(), "{place}");
                }
                fields.values().for_each(|value| follow(document, value));
            }
            Value::Array(items) => items.iter().for_each(|item| follow(document, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    follow(&document, &document);
}
