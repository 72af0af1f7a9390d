//! What handlers take out of requests.

mod audit_query;
mod body;
mod caller;
mod client;
mod credential;
mod query;
#[cfg(test)]
mod strangers;

pub(crate) use audit_query::AuditListQuery;
pub(crate) use body::{JsonBody, MAX_BODY};
pub(crate) use caller::{CurrentUser, KeyAccess, KeyRules, MaybeUser};
pub use client::origin;
pub(crate) use client::{ClientOrigin, RequestId};
pub(crate) use query::{ListQuery, MAX_LIMIT, PageQuery, TaskListQuery};
