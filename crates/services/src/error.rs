//! What every use case can fail with.

use crate::hashing::Overloaded;
use crate::throttle::Throttled;
use doorward_storage::StoreError;
use std::time::Duration;

/// A failure that any use case may have, whatever it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum Internal {
    /// The database does not answer; the same call may succeed later.
    #[error(transparent)]
    Unavailable(StoreError),
    /// More passwords wait to be hashed than can be served in time.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The caller has tried too often.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// What other nodes have changed has not been learnt for too long: what is in memory cannot be trusted.
    #[error("the change feed has not been read for {0:?}")]
    Stale(Duration),
    /// A mistake of ours.
    #[error(transparent)]
    Failed(StoreError),
}

impl From<StoreError> for Internal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::Conflict(_) | StoreError::Inconsistent { .. } | StoreError::Backend(_) => {
                Self::Failed(error)
            }
        }
    }
}

/// Lets `?` turn a broken rule of the database into a message about its field, and everything else as
/// [`from_internal`] does.
macro_rules! conflicts_are_invalid {
    ($($error:ty),+ $(,)?) => {$(
        impl From<doorward_storage::StoreError> for $error {
            fn from(error: doorward_storage::StoreError) -> Self {
                match error {
                    doorward_storage::StoreError::Conflict(constraint) => {
                        let (field, message) = crate::accounts::taken(constraint);
                        Self::Invalid(crate::fields::FieldErrors::one(field, message))
                    }
                    error @ (doorward_storage::StoreError::Unavailable(_)
                    | doorward_storage::StoreError::Inconsistent { .. }
                    | doorward_storage::StoreError::Backend(_)) => Self::Internal(error.into()),
                }
            }
        }

        impl From<crate::hashing::Overloaded> for $error {
            fn from(error: crate::hashing::Overloaded) -> Self {
                Self::Internal(error.into())
            }
        }

        impl From<crate::throttle::Throttled> for $error {
            fn from(error: crate::throttle::Throttled) -> Self {
                Self::Internal(error.into())
            }
        }
    )+};
}
pub(crate) use conflicts_are_invalid;

/// Lets `?` turn store errors and overload into the error of a use case, by way of its variant `Internal`.
macro_rules! from_internal {
    ($($error:ty),+ $(,)?) => {$(
        impl From<doorward_storage::StoreError> for $error {
            fn from(error: doorward_storage::StoreError) -> Self {
                Self::Internal(error.into())
            }
        }

        impl From<crate::hashing::Overloaded> for $error {
            fn from(error: crate::hashing::Overloaded) -> Self {
                Self::Internal(error.into())
            }
        }

        impl From<crate::throttle::Throttled> for $error {
            fn from(error: crate::throttle::Throttled) -> Self {
                Self::Internal(error.into())
            }
        }
    )+};
}
pub(crate) use from_internal;
