//! What handlers take out of requests.

mod body;
mod caller;
mod client;
mod credential;
mod query;

pub(crate) use body::{JsonBody, MAX_BODY};
pub(crate) use caller::{CurrentUser, KeyAccess, KeyRules, MaybeUser};
pub(crate) use client::{ClientOrigin, RequestId};
pub(crate) use query::{ListQuery, MAX_LIMIT, PageQuery};
