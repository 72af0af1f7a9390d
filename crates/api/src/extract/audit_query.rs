//! The query of the audit log.

use super::query::{PageQuery, Pairs, get, read_page};
use crate::openapi::{id, moment, query_parameter, text};
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, Datelike, SubsecRound, Utc};
use doorward_domain::{AuditAction, AuditEventId, UserId};
use doorward_services::FieldErrors;
use doorward_services::audit::AuditQuery;
use std::future::{Ready, ready};
use utoipa::openapi::path::Parameter;

/// `?actor=`, `?subject=`, `?action=`, `?since=`, `?until=`, `?limit=` and `?cursor=`.
pub(crate) struct AuditListQuery(pub(crate) AuditQuery);

impl AuditListQuery {
    /// For the document.
    pub(crate) fn described() -> [Parameter; 7] {
        let [limit, cursor] = PageQuery::<AuditEventId>::described();
        let actions = AuditAction::ALL.iter().map(|action| action.as_str());
        let actions = text().examples(actions.take(1));
        [
            limit,
            cursor,
            query_parameter("actor", "Only what this user has done.", id()),
            query_parameter("subject", "Only what concerns this user.", id()),
            query_parameter("action", "Only this.", actions),
            query_parameter("since", "Only from then on.", moment()),
            query_parameter("until", "Only before then.", moment()),
        ]
    }
}

impl FromRequest for AuditListQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Pairs>::from_query(request.query_string());
        ready(parse(&pairs.map(web::Query::into_inner).unwrap_or_default()).map(Self))
    }
}

fn parse(pairs: &Pairs) -> Result<AuditQuery, Problem> {
    let mut errors = FieldErrors::default();
    let page = read_page::<AuditEventId>(pairs, &mut errors);
    let mut user = |name| {
        let text = get(pairs, name)?;
        errors.take(name, text.parse::<UserId>())
    };
    let (actor, subject) = (user("actor"), user("subject"));
    let mut time = |name| errors.take(name, read_time(get(pairs, name)?));
    let (since, until) = (time("since"), time("until"));
    match page {
        Some(page) if errors.is_empty() => Ok(AuditQuery {
            actor,
            subject,
            action: get(pairs, "action").map(str::to_owned),
            since,
            until,
            before: page.after,
            limit: page.limit,
        }),
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

/// A `+` in a query is a space, and clients forget to write it otherwise.
fn read_time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let read = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|at| at.to_utc());
    match read {
        Ok(at) if (1..=9999).contains(&at.year()) => Ok(at.trunc_subsecs(6)),
        Ok(_) | Err(_) => Err("Enter a time with its zone, such as 2030-01-31T12:00:00Z."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(query: &str) -> Result<AuditQuery, Vec<String>> {
        let pairs = web::Query::<Pairs>::from_query(query).unwrap().into_inner();
        parse(&pairs).map_err(|problem| {
            let fields = problem.errors.iter();
            fields.map(|(field, _)| field.to_owned()).collect()
        })
    }

    #[test]
    fn every_filter_is_read() {
        let user = "01a1fac8-772b-76f8-8b87-aa860a220012";
        let query = format!(
            "actor={user}&subject={user}&action=login.failed&since=2026-01-01T00:00:00Z\
             &until=2026-01-01T02:00:00+01:00&cursor={user}&limit=7"
        );
        let at = |hour| format!("2026-01-01T0{hour}:00:00Z").parse().unwrap();
        let expected = AuditQuery {
            actor: user.parse().ok(),
            subject: user.parse().ok(),
            action: Some("login.failed".to_owned()),
            since: Some(at(0)),
            until: Some(at(1)),
            before: user.parse().ok(),
            limit: 7,
        };
        assert_eq!(parse_text(&query), Ok(expected));
    }

    #[test]
    fn every_bad_filter_is_named() {
        assert_eq!(
            parse_text("actor=x&subject=x&since=yesterday&until=2026-01-01&limit=0&cursor=x"),
            Err(["actor", "cursor", "limit", "since", "subject", "until"]
                .map(str::to_owned)
                .to_vec())
        );
        for time in [
            "-1000-01-01T00:00:00Z",
            "12026-01-01T00:00:00Z",
            "2026-01-01T00:00:00",
        ] {
            assert!(parse_text(&format!("since={time}")).is_err(), "{time}");
        }
    }
}
