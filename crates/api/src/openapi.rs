//! The document that describes the API (OpenAPI 3.1). Each route describes itself beside its handler; the catalogue of
//! problems, the limits of the lists and the types that are sent are taken from the code that uses them.

mod body;
mod document;
mod operation;
mod problems;
mod reply;
mod shared;

pub(crate) use body::{Body, Field};
pub(crate) use document::document;
pub(crate) use operation::{Operation, Shown, Tag};
pub(crate) use reply::Reply;
pub(crate) use shared::{
    Header, id, moment, path_parameter, query_parameter, role, scopes, text, time,
};
