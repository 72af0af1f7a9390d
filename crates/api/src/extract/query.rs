//! The query of a list.

use crate::openapi::{id, query_parameter, text};
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use doorward_domain::folding::fold;
use doorward_domain::{Role, TaskId, TaskStatus, UserId};
use doorward_services::FieldErrors;
use doorward_services::users::UserQuery;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{ObjectBuilder, Type};

const DEFAULT_LIMIT: u32 = 50;
/// The most that one page has.
pub(crate) const MAX_LIMIT: u32 = 1000;

/// `?limit=`, `?cursor=`, `?search=` and `?role=`.
pub(crate) struct ListQuery(pub(crate) UserQuery);

impl ListQuery {
    /// For the document.
    pub(crate) fn described() -> [Parameter; 4] {
        let [limit, cursor] = PageQuery::<UserId>::described();
        let roles = text().enum_values(Some(Role::ALL.map(Role::as_str)));
        [
            limit,
            cursor,
            query_parameter(
                "search",
                "The beginning of a username or an email address; for admins.",
                text(),
            ),
            query_parameter("role", "Only users with this role; for admins.", roles),
        ]
    }
}

impl FromRequest for ListQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Pairs>::from_query(request.query_string());
        ready(parse(&pairs.map(web::Query::into_inner).unwrap_or_default()).map(Self))
    }
}

/// `?limit=` and `?cursor=`, of a list that is paged by ids of this type.
pub(crate) struct PageQuery<I> {
    /// After which one the page begins.
    pub(crate) after: Option<I>,
    /// How many it has at the most.
    pub(crate) limit: u32,
}

impl<I> PageQuery<I> {
    /// For the document.
    pub(crate) fn described() -> [Parameter; 2] {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MAX_LIMIT))
            .default(Some(DEFAULT_LIMIT.into()));
        let about = "Where the page begins, as the header `Link` has it.";
        [
            query_parameter("limit", "How many there are on a page.", limit),
            query_parameter("cursor", about, id()),
        ]
    }
}

impl<I: FromStr<Err: Display>> FromRequest for PageQuery<I> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Pairs>::from_query(request.query_string());
        let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
        let mut errors = FieldErrors::default();
        let page = read_page(&pairs, &mut errors);
        ready(page.ok_or_else(|| Problem::invalid(errors)))
    }
}

/// `?status=` beside `?limit=` and `?cursor=`.
pub(crate) struct TaskListQuery {
    /// Only tasks that are so far.
    pub(crate) status: Option<TaskStatus>,
    /// Which of them.
    pub(crate) page: PageQuery<TaskId>,
}

impl TaskListQuery {
    /// For the document.
    pub(crate) fn described() -> [Parameter; 3] {
        let [limit, cursor] = PageQuery::<TaskId>::described();
        let statuses = text().enum_values(Some(TaskStatus::ALL.map(TaskStatus::as_str)));
        let status = query_parameter("status", "Only tasks that are so far.", statuses);
        [limit, cursor, status]
    }
}

impl FromRequest for TaskListQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Pairs>::from_query(request.query_string());
        let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
        let mut errors = FieldErrors::default();
        let status = get(&pairs, "status").and_then(|text| errors.take("status", text.parse()));
        let page = read_page(&pairs, &mut errors);
        let query = page.map(|page| Self { status, page });
        ready(query.ok_or_else(|| Problem::invalid(errors)))
    }
}

pub(super) type Pairs = HashMap<String, String>;

pub(super) fn get<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let text = pairs.get(name).map(String::as_str);
    text.filter(|text| !text.is_empty())
}

/// None where something is wrong with it.
pub(super) fn read_page<I: FromStr<Err: Display>>(
    pairs: &Pairs,
    errors: &mut FieldErrors,
) -> Option<PageQuery<I>> {
    let limit = get(pairs, "limit").map_or(Ok(DEFAULT_LIMIT), |text| match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err("Must be a whole number from 1 to 1000."),
    });
    let limit = errors.take("limit", limit);
    let after = get(pairs, "cursor").and_then(|text| errors.take("cursor", text.parse::<I>()));
    let limit = limit.filter(|_| errors.is_empty())?;
    Some(PageQuery { after, limit })
}

fn parse(pairs: &Pairs) -> Result<UserQuery, Problem> {
    let mut errors = FieldErrors::default();
    let page = read_page::<UserId>(pairs, &mut errors);
    let role = get(pairs, "role").and_then(|text| errors.take("role", text.parse::<Role>()));
    let prefix = get(pairs, "search").map(fold);
    match page {
        Some(page) if errors.is_empty() => Ok(UserQuery {
            prefix,
            role,
            is_active: None,
            after: page.after,
            limit: page.limit,
        }),
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(query: &str) -> Result<UserQuery, Vec<String>> {
        let pairs = web::Query::<Pairs>::from_query(query).unwrap().into_inner();
        parse(&pairs).map_err(|problem| {
            problem
                .errors
                .iter()
                .map(|(field, _)| field.to_owned())
                .collect()
        })
    }

    #[test]
    fn without_a_query_it_is_the_first_fifty() {
        assert_eq!(
            parse_text(""),
            Ok(UserQuery {
                limit: 50,
                ..UserQuery::default()
            })
        );
    }

    #[test]
    fn a_search_is_folded_as_names_are() {
        assert_eq!(
            parse_text("search=ADA&limit=1000")
                .unwrap()
                .prefix
                .as_deref(),
            Some("ada")
        );
    }

    #[test]
    fn every_bad_value_is_named() {
        for limit in ["0", "1001", "-1", "x", "1e3"] {
            assert_eq!(
                parse_text(&format!("limit={limit}")),
                Err(vec!["limit".to_owned()]),
                "{limit}"
            );
        }
        assert_eq!(
            parse_text("limit=0&cursor=x&role=king").unwrap_err(),
            ["cursor", "limit", "role"]
        );
    }
}
