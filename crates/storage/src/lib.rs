#![doc = include_str!("../README.md")]

pub mod api_keys;
pub mod changes;
pub mod error;
pub mod imports;
pub mod sessions;
pub mod signing_keys;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod users;

pub use api_keys::ApiKeyRepository;
pub use changes::{ChangeRepository, FeedPage, FeedPosition};
pub use error::{Constraint, StoreError};
pub use imports::{Claims, DjangoAccount, Holder, ImportRepository, ImportedUser};
pub use sessions::SessionRepository;
pub use signing_keys::SigningKeyRepository;
pub use store::{CommitListener, Mode, Store, Transaction, Verdict, Work};
pub use users::{UserCounts, UserQuery, UserRepository};
