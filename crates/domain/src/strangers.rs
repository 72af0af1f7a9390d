//! What strangers send is read or refused, whatever it is: nothing panics, and what is taken keeps what its type promises.

use crate::api_key::ApiKeySecret;
use crate::settings::RateLimit;
use crate::task::{Repeat, TaskPayload};
use crate::{Network, Scopes, TaskId};
use chrono::DateTime;
use proptest::prelude::*;
use serde_json::Value;

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Casablanca",
];

/// One field of a cron expression, or what somebody might take for one.
fn a_field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        "[0-9]{1,3}",
        "\\*/[0-9]{1,4}",
        "[0-9]{1,2}-[0-9]{1,2}(/[0-9]{1,2})?",
        "[0-9]{1,2}(,[0-9]{1,2}){1,4}",
        "(MON|sun|JAN|FEB|[0-7]|L|[0-9]{1,2}W|LW|[0-7]#[0-9]|[0-7]L|\\?|\\+[0-7])",
        "[0-9*/,#LW?+A-Za-z-]{1,8}",
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(40, 120, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,4}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_cron_expression_is_refused_or_has_a_next_moment_after_now_or_none(
        fields in prop::collection::vec(a_field(), 4..7),
        zone in prop::sample::select(&ZONES[..]),
        now in 0_i64..5_000_000_000,
    ) {
        let text = fields.join(" ");
        if let Ok(repeat) = Repeat::parse(&text, zone) {
            let now = DateTime::from_timestamp(now, 0).unwrap();
            let next = repeat.next_after(now);
            prop_assert!(next.is_none_or(|next| next > now), "{text}: {next:?}");
            prop_assert_eq!(Repeat::parse(repeat.cron(), repeat.timezone()), Ok(repeat));
        }
    }

    #[test]
    fn any_text_is_no_cron_expression_or_a_good_one(cron in any::<String>(), zone in any::<String>()) {
        if let Ok(repeat) = Repeat::parse(&cron, "UTC") {
            repeat.next_after(DateTime::UNIX_EPOCH);
        }
        prop_assert!(Repeat::parse("* * * * *", &zone).is_ok() == zone.parse::<chrono_tz::Tz>().is_ok());
    }

    #[test]
    fn a_changed_key_is_no_key(digits in any::<[u8; 30]>(), at in 0_usize..40, other in any::<char>()) {
        let mut next = digits.into_iter().cycle();
        let key = ApiKeySecret::generate(|| next.next().unwrap() % 62);
        let mut changed: Vec<char> = key.expose().chars().collect();
        changed[at] = other;
        let changed: String = changed.into_iter().collect();
        if changed == key.expose() {
            prop_assert_eq!(changed.parse(), Ok(key));
        } else {
            prop_assert!(changed.parse::<ApiKeySecret>().is_err(), "{changed}");
        }
    }

    #[test]
    fn a_cursor_is_an_id_or_refused(text in "[0-9a-fA-F{}:urnid-]{0,50}|.{0,60}") {
        if let Ok(id) = text.parse::<TaskId>() {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn a_network_has_its_own_addresses_or_is_refused(text in "[0-9a-f.:]{0,40}(/[0-9]{0,4})?|.{0,40}") {
        if let Ok(network) = text.parse::<Network>() {
            let address = text.split('/').next().unwrap().parse().unwrap();
            prop_assert!(network.contains(address), "{text}");
        }
    }

    #[test]
    fn a_rate_limit_is_read_back_from_its_text_or_refused(text in "[0-9+-]{0,9}/?(sec|min|hour|day)?|off|.{0,20}") {
        if let Ok(limit) = text.parse::<RateLimit>() {
            prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        }
    }

    #[test]
    fn scopes_are_read_back_from_their_text_or_refused(text in "((profile|users|tasks):(read|write)[ ,]?){0,6}|.{0,40}") {
        if let Ok(scopes) = text.parse::<Scopes>() {
            prop_assert_eq!(scopes.to_string().parse(), Ok(scopes));
        }
    }

    #[test]
    fn a_payload_is_read_back_from_its_json_or_refused(value in json()) {
        if let Ok(payload) = TaskPayload::parse(&value.to_string()) {
            prop_assert_eq!(TaskPayload::parse(&payload.to_json()), Ok(payload));
        }
    }
}
