//! From rows to the domain: a row that no version of ours has written fails alone.

use doorward_storage::StoreError;
use std::fmt::Display;

/// Why a row cannot be read.
pub(crate) fn inconsistent(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Inconsistent { table, column }
}

/// All of a list that can be read. What cannot is left out and reported.
pub(crate) fn readable<R, I: Display, T: TryFrom<R, Error = StoreError>>(
    rows: Vec<R>,
    key: impl Fn(&R) -> I,
) -> Vec<T> {
    rows.into_iter()
        .filter_map(|row| {
            let key = key(&row);
            T::try_from(row)
                .inspect_err(|error| tracing::error!(%error, %key, "a row was left out of a list"))
                .ok()
        })
        .collect()
}
