//! What strangers write into queries and headers is read or refused, whatever it is.

use super::credential::{Presented, presented};
use super::{AuditListQuery, ListQuery, MAX_LIMIT, PageQuery, TaskListQuery};
use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::test::TestRequest;
use doorward_domain::UserId;
use futures_util::FutureExt;
use proptest::prelude::*;

/// Characters as they may stand in a query, some of them by their codes.
fn a_query() -> impl Strategy<Value = String> {
    let name =
        "limit|cursor|search|role|status|actor|subject|action|since|until|[a-z]{0,4}|%[0-9A-F]{2}";
    let value = prop_oneof![
        "[0-9]{0,12}",
        "[0-9a-f-]{36}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[T+ ]?([0-9:.]{8,20})?(Z|[+-][0-9:]{4,5}|%2B01:00)?",
        "([!$-~]|%[0-9A-Fa-f]{2}){0,30}",
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop_oneof![
        prop::collection::vec(pair, 0..5).prop_map(|pairs| pairs.join("&")),
        "[!$-~]{0,60}",
    ]
}

fn taken<T: FromRequest>(query: &str) -> Option<T> {
    let uri = format!(
        "/?{}",
        query.replace(
            ['"', '<', '>', '\\', '^', '`', '{', '|', '}', ' ', '#'],
            "_"
        )
    );
    let request = TestRequest::with_uri(&uri).to_http_request();
    let taken = T::from_request(&request, &mut Payload::None);
    taken.now_or_never().expect("nothing is waited for").ok()
}

proptest! {
    #[test]
    fn a_query_is_taken_with_a_limit_in_its_bounds_or_refused(query in a_query()) {
        let limits = [
            taken::<ListQuery>(&query).map(|query| query.0.limit),
            taken::<PageQuery<UserId>>(&query).map(|query| query.limit),
            taken::<TaskListQuery>(&query).map(|query| query.page.limit),
            taken::<AuditListQuery>(&query).map(|query| query.0.limit),
        ];
        prop_assert!(limits.iter().flatten().all(|limit| (1..=MAX_LIMIT).contains(limit)), "{query}");
    }

    #[test]
    fn of_all_credentials_one_is_taken_as_it_was_sent_or_none(
        sent in prop::collection::vec(
            ("authorization|x-api-key", "((?i)bearer|api-key|basic)? ?[ -~]{0,40}|[ -~\\x80-\\xff]{0,30}"),
            0..3,
        ),
    ) {
        let mut request = TestRequest::get();
        for (name, value) in &sent {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                request = request.append_header((name.as_str(), value));
            }
        }
        let request = request.to_http_request();
        let read = presented(&request);
        if let Ok(Some(Presented::Token(text) | Presented::Key(text))) = read {
            prop_assert!(sent.len() == 1 && sent[0].1.contains(text), "{sent:?}");
        }
        if request.headers().get_all(AUTHORIZATION).count() > 1 {
            prop_assert!(read.is_err());
        }
    }
}
