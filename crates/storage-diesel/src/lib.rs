#![doc = include_str!("../README.md")]

mod api_keys;
mod audit;
mod backend;
mod changes;
pub mod config;
pub mod database_url;
pub mod django;
mod error;
mod imports;
mod job;
mod listeners;
pub mod migrations;
pub mod open_error;
mod places;
#[cfg(test)]
mod plans;
mod pooler;
mod postgres;
mod rows;
mod schema;
mod sessions;
mod settings;
mod signing_keys;
mod sqlite;
pub mod store;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod transaction;
mod types;
mod unit;
mod users;
mod webhook_secrets;

pub use config::{OnPending, StoreConfig};
pub use database_url::{DatabaseUrl, ParseUrlError};
pub use django::{DjangoFile, DjangoFileError, DjangoRow, DjangoTable};
pub use migrations::{MigrationStatus, migrate, migration_status};
pub use open_error::OpenError;
pub use store::DieselStore;
