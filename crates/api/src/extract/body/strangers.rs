//! A body is an object or refused, whatever it is.

use super::*;
use proptest::prelude::*;

fn parse(body: &[u8]) -> Result<JsonBody, Code> {
    let parsed = JsonBody::parse(Dialect::Canonical, Some("application/json"), body);
    parsed.map_err(|problem| problem.code)
}

/// How deep it is nested.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inner.unwrap_or_default()
}

fn a_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\[\\]{}\"\\\\]{0,80}".prop_map(Value::from),
    ];
    let flat = leaf.prop_recursive(6, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[\"\\\\\\[{}]?.{0,3}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    (flat, 0..70).prop_map(|(value, levels)| {
        let wrapped = (0..levels).fold(value, |value, _| Value::Array(vec![value]));
        Value::Object(Map::from_iter([("a".to_owned(), wrapped)]))
    })
}

proptest! {
    #[test]
    fn any_bytes_are_an_object_or_refused(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(
                prop::sample::select(b"{}[]\":,\\u0dce1-. \xff\xc3\xa4tfn".to_vec()), 0..300),
        ],
    ) {
        let expected = body.is_empty()
            || serde_json::from_slice::<Map<String, Value>>(&body)
                .is_ok_and(|fields| depth(&fields.into()) <= MAX_DEPTH);
        prop_assert_eq!(parse(&body).is_ok(), expected);
    }

    #[test]
    fn an_object_is_taken_unless_it_is_too_deep(value in a_value()) {
        let taken = parse(value.to_string().as_bytes());
        prop_assert_eq!(taken.is_ok(), depth(&value) <= MAX_DEPTH, "{}", value);
        prop_assert_eq!(taken.ok().map(|body| Value::Object(body.into_fields())), (depth(&value) <= MAX_DEPTH).then_some(value));
    }

    #[test]
    fn every_field_is_taken_or_named(value in a_value(), inner in a_value()) {
        let json = serde_json::json!({ "x": value["a"], "y": inner });
        let text = json.to_string();
        let Ok(body) = parse(text.as_bytes()) else {
            return Ok(());
        };
        let mut bodies = (0..7).map(|_| parse(text.as_bytes()).unwrap());
        let mut with = |take: &dyn Fn(&mut JsonBody) -> bool| {
            let mut body = bodies.next().unwrap();
            let is_taken = take(&mut body);
            let errors = body.finish();
            let is_named = errors.iter().any(|(name, _)| name.starts_with('x'));
            is_taken || is_named || value["a"].is_null()
        };
        prop_assert!(with(&|body| body.text("x").is_some()));
        prop_assert!(with(&|body| body.flag("x").is_some()));
        prop_assert!(with(&|body| body.whole("x").is_some()));
        prop_assert!(with(&|body| body.texts("x").is_some()));
        prop_assert!(with(&|body| body.optional_object("x").is_some()));
        prop_assert!(with(&|body| body.optional_within("x", |inner| inner.text("y")).is_some()));
        prop_assert!(body.only("x").is_err(), "y is unknown");
    }

    #[test]
    fn any_content_type_is_one_of_json_or_refused(kind in "(application/)?(json|[a-z.+]{0,12})?(; ?[a-z]{0,9}=?.{0,9})?|.{0,30}") {
        let parsed = JsonBody::parse(Dialect::Canonical, Some(&kind), b"{}");
        prop_assert_eq!(parsed.is_ok(), is_json(&kind));
    }
}
