//! The document, and what it says of an answer.

use crate::support::Response;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The OpenAPI document with its schemas closed: an answer has exactly the fields that they name.
pub(super) struct Document {
    document: Value,
    seen: BTreeSet<String>,
}

impl Document {
    pub(super) fn read() -> Self {
        let mut document = serde_json::from_slice(&doorward_api::openapi()).expect("JSON");
        close(&mut document);
        Self {
            document,
            seen: BTreeSet::new(),
        }
    }

    /// Every path with every method.
    pub(super) fn operations(&self) -> Vec<(String, String)> {
        let mut operations = Vec::new();
        for (path, item) in object(&self.document["paths"]) {
            for method in object(item).keys() {
                operations.push((path.clone(), method.to_uppercase()));
            }
        }
        operations
    }

    /// Whether the operation takes a body.
    pub(super) fn takes_a_body(&self, method: &str, path: &str) -> bool {
        let (_, operation) = self.operation(method, path);
        operation.get("requestBody").is_some()
    }

    /// The names of the fields that the operation's body has.
    pub(super) fn fields(&self, method: &str, path: &str) -> Vec<String> {
        let (_, operation) = self.operation(method, path);
        let Some(body) = operation.get("requestBody") else {
            return Vec::new();
        };
        let schema = self.resolve(&body["content"]["application/json"]["schema"]);
        object(&schema["properties"]).keys().cloned().collect()
    }

    /// The answer is one that the document tells of, with a body and headers as it says.
    #[track_caller]
    pub(super) fn check(&mut self, answer: &Response) {
        let (method, target) = answer.request.split_once(' ').expect("a request");
        let (name, operation) = self.operation(method, target);
        let status = answer.status.to_string();
        let told = operation["responses"].get(&status);
        let told = told.unwrap_or_else(|| panic!("{name} tells of no {status}: {answer}"));
        let headers = object(&told["headers"]).keys();
        for header in headers.filter(|header| *header != "Link") {
            assert!(answer.header(header).is_some(), "{header}: {answer}");
        }
        let mut seen = format!("{name} {status}");
        if let Some(kind) = answer.header("content-type") {
            let kind = kind.split(';').next().unwrap_or_default();
            let content = &told["content"][kind];
            assert!(content.is_object(), "{name} tells of no {kind}: {answer}");
            if kind.ends_with("json") {
                self.validate(&content["schema"], &answer.json(), &name);
            }
            if kind == "application/problem+json" {
                let code = answer.text("code");
                let known = content["examples"].get(&code).is_some();
                assert!(known, "{name} tells of no {code}: {answer}");
                seen = format!("{seen} {code}");
            }
        } else {
            assert!(told.get("content").is_none(), "no body: {answer}");
        }
        self.seen.insert(seen);
    }

    /// What the document tells of and no answer was, but for these codes.
    pub(super) fn unseen(&self, unreached: &[&str]) -> Vec<String> {
        let mut told = BTreeSet::new();
        for (path, method) in self.operations() {
            let (name, operation) = self.operation(&method, &path);
            for (status, response) in object(&operation["responses"]) {
                let contents = response["content"].as_object();
                if contents.is_none() {
                    told.insert(format!("{name} {status}"));
                }
                for (kind, content) in contents.into_iter().flatten() {
                    if kind != "application/problem+json" {
                        let mut examples = content["examples"]
                            .as_object()
                            .into_iter()
                            .flat_map(Map::keys);
                        let is_shown = examples.clone().next().is_some();
                        if !(is_shown && examples.all(|name| unreached.contains(&name.as_str()))) {
                            told.insert(format!("{name} {status}"));
                        }
                        continue;
                    }
                    let codes = object(&content["examples"]).keys();
                    let codes = codes.filter(|code| !unreached.contains(&code.as_str()));
                    told.extend(codes.map(|code| format!("{name} {status} {code}")));
                }
            }
        }
        told.difference(&self.seen).cloned().collect()
    }

    /// Holds each example against its schema; how many there are.
    pub(super) fn check_examples(&self) -> usize {
        let mut count = 0;
        for (path, method) in self.operations() {
            let (name, operation) = self.operation(&method, &path);
            let responses = object(&operation["responses"]).values();
            let bodies = operation.get("requestBody").into_iter();
            for content in bodies
                .chain(responses)
                .filter_map(|holder| holder["content"].as_object())
                .flat_map(Map::values)
            {
                for example in content["examples"]
                    .as_object()
                    .into_iter()
                    .flat_map(Map::values)
                {
                    let value = &self.resolve(example)["value"];
                    self.validate(&content["schema"], value, &name);
                    count += 1;
                }
            }
        }
        count
    }

    /// The operation for a method and a target, with its name.
    fn operation(&self, method: &str, target: &str) -> (String, &Value) {
        let path = target.split('?').next().unwrap_or_default();
        let matches = |template: &str| {
            let (template, path) = (template.split('/'), path.split('/'));
            template.clone().count() == path.clone().count()
                && template
                    .zip(path)
                    .all(|(known, part)| known == part || known.starts_with('{'))
        };
        let mut paths = object(&self.document["paths"]).iter();
        let found = paths.find(|(template, _)| *template == path);
        let found = found.or_else(|| paths_of(&self.document).find(|(known, _)| matches(known)));
        let (template, item) = found.unwrap_or_else(|| panic!("no path for {target}"));
        let operation = item.get(method.to_lowercase());
        let operation = operation.unwrap_or_else(|| panic!("no {method} {template}"));
        (format!("{method} {template}"), operation)
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(place) => {
                let pointer = place.strip_prefix('#').expect("a place in the document");
                self.document.pointer(pointer).expect("what is referred to")
            }
            None => value,
        }
    }

    #[track_caller]
    fn validate(&self, schema: &Value, value: &Value, name: &str) {
        let mut whole = schema.clone();
        whole["components"] = json!({ "schemas": self.document["components"]["schemas"] });
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors: Vec<_> = validator.iter_errors(value).collect();
        let errors: Vec<_> = errors
            .iter()
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?} in {value:#}");
    }
}

fn paths_of(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object(&document["paths"]).iter()
}

fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
}

/// Objects with named fields have no others.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) {
                fields
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
