//! The pages.

pub(crate) mod audit;
pub(crate) mod export;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod password;
pub(crate) mod people;
pub(crate) mod settings;
pub(crate) mod tasks;
pub(crate) mod user;
pub(crate) mod user_actions;
pub(crate) mod users;
