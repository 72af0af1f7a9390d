#![doc = include_str!("../README.md")]

pub mod api_keys;
pub mod audit;
pub mod changes;
pub mod error;
pub mod imports;
pub mod places;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod store;
pub mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
pub mod users;
pub mod webhook_secrets;

pub use api_keys::ApiKeyRepository;
pub use audit::{AuditQuery, AuditRepository, HourlyCount};
pub use changes::{ChangeRepository, FeedPage, FeedPosition};
pub use error::{Constraint, StoreError};
pub use imports::{Claims, DjangoAccount, Holder, ImportRepository, ImportedUser};
pub use places::PlaceRepository;
pub use sessions::SessionRepository;
pub use settings::SettingRepository;
pub use signing_keys::SigningKeyRepository;
pub use store::{CommitListener, Mode, Store, StoreFigures, Transaction, Verdict, Work};
pub use tasks::{Claim, TaskQuery, TaskRepository};
pub use users::{UserCounts, UserQuery, UserRepository};
pub use webhook_secrets::WebhookSecretRepository;
