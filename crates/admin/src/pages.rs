//! The pages.

pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod password;
pub(crate) mod user;
pub(crate) mod user_actions;
pub(crate) mod users;
