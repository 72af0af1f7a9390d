//! Runs one unit of work in a transaction that is open.

use crate::backend::Backend;
use crate::transaction::DieselTransaction;
use doorward_domain::Change;
use doorward_storage::{Mode, StoreError, Verdict, Work};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// How the transaction has to end.
pub(crate) enum Ending {
    /// It is to be committed, and then the listeners are told of these.
    Commit(Vec<Change>),
    /// It is to be rolled back, and then this is the answer.
    Rollback(Result<(), StoreError>),
}

/// A statement that fails after `limited_at`, where there is a limit, failed because of it if it does not say why.
pub(crate) fn run(
    work: Work,
    backend: Backend<'_>,
    mode: Mode,
    limited_at: Option<Instant>,
) -> Ending {
    let mut tx = DieselTransaction::new(backend, mode, limited_at);
    let Ok(verdict) = catch_unwind(AssertUnwindSafe(|| work(&mut tx))) else {
        return Ending::Rollback(Err(StoreError::Backend("the unit of work panicked".into())));
    };
    match verdict {
        Verdict::Rollback => Ending::Rollback(Ok(())),
        // Work that goes on after a failed statement, as if nothing had been, is not committed.
        Verdict::Commit => match tx.check_usable().and_then(|()| tx.write_changes()) {
            Ok(()) => Ending::Commit(tx.written),
            Err(error) => Ending::Rollback(Err(error)),
        },
    }
}
