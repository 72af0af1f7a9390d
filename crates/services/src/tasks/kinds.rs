//! Which kinds of tasks there are.

use crate::error::Internal;
use crate::fields::FieldErrors;
use async_trait::async_trait;
use doorward_domain::UserId;
use doorward_domain::task::{TaskKind, TaskPayload};
use std::fmt;

/// The kinds that users may ask for: a port, since the workers know what each does. All nodes of a cluster should offer
/// the same; a worker that does not know a kind cannot run it.
#[async_trait]
pub trait TaskKinds: Send + Sync + fmt::Debug {
    /// Their names, in the order in which they are told.
    fn names(&self) -> Vec<TaskKind>;

    /// Whether the owner may have this done, asked before the task is kept. `kind` is among the [names](Self::names).
    ///
    /// # Errors
    /// [`KindError::Invalid`] with messages about the fields of the input: `payload`, most likely.
    async fn validate(
        &self,
        kind: &TaskKind,
        payload: &TaskPayload,
        owner: UserId,
    ) -> Result<(), KindError>;
}

/// Why a kind does not take a task.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// Every bad field with every message.
    #[error("the kind does not take the task")]
    Invalid(FieldErrors),
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Nothing but `noop`, which takes any payload and only completes.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopOnly;

#[async_trait]
impl TaskKinds for NoopOnly {
    fn names(&self) -> Vec<TaskKind> {
        vec![TaskKind::NOOP]
    }

    async fn validate(
        &self,
        _kind: &TaskKind,
        _payload: &TaskPayload,
        _owner: UserId,
    ) -> Result<(), KindError> {
        Ok(())
    }
}
