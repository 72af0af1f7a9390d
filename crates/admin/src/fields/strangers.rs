//! What browsers send is read, whatever it is.

use super::*;
use crate::cookie::Cookie;
use crate::site::AdminConfig;
use actix_web::http::header::{COOKIE, HeaderValue};
use actix_web::test::TestRequest;
use doorward_domain::Origin;
use futures_util::FutureExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

/// As it comes from the network.
fn sent(kind: &str, body: Vec<u8>) -> Result<Fields, Failure> {
    let Ok(kind) = HeaderValue::from_bytes(kind.as_bytes()) else {
        return Err(Failure::NoForm);
    };
    let request = TestRequest::post()
        .insert_header((CONTENT_TYPE, kind))
        .set_payload(body);
    let (request, mut payload) = request.to_http_parts();
    let fields = Fields::sent(&request, &mut payload);
    fields.now_or_never().expect("all of it is there")
}

const FORM: &str = "application/x-www-form-urlencoded";

proptest! {
    #[test]
    fn any_body_is_a_form_or_refused(
        kind in prop_oneof![Just(FORM.to_owned()), "[a-zA-Z/-]{0,20}(;.{0,10})?", ".{0,20}"],
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "([a-z_]{0,5}[=&+;]?(%[0-9a-fA-F]{0,2})?){0,20}".prop_map(String::into_bytes),
        ],
    ) {
        let is_text = str::from_utf8(&body).is_ok();
        let fields = sent(&kind, body);
        let is_form = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM);
        prop_assert_eq!(fields.is_ok(), is_form && is_text);
        if let Ok(fields) = fields {
            fields.get("form_token");
        }
    }

    #[test]
    fn what_was_entered_arrives_as_it_was(fields in prop::collection::hash_map(".{1,8}", ".{0,40}", 0..6)) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let read = sent(FORM, body.into_bytes());
        let read = read.unwrap_or_default();
        for (name, value) in &fields {
            prop_assert_eq!(read.raw(name), Some(value.as_str()));
        }
    }

    #[test]
    fn any_cookies_are_read(text in "((doorward_admin|doorward_visit|[a-z]{0,3})=?[!-~]{0,20};? ?){0,4}|.{0,60}") {
        let config = AdminConfig {
            version: "0",
            environment: String::new(),
            origin: |_| Origin::default(),
            is_secure: false,
            requests: doorward_metrics::Requests::default(),
        };
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            let request = TestRequest::get().insert_header((COOKIE, value)).to_http_request();
            for cookie in [Cookie::Session, Cookie::Visit] {
                let read = cookie.read(&request, &config);
                prop_assert!(read.is_none_or(|value| text.contains(&value) && !value.contains(';')));
            }
        }
    }
}
