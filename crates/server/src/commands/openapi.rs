//! `doorward openapi`

use std::io::{self, Write};

/// Prints the OpenAPI document, to the byte as the server has it.
///
/// # Errors
/// When it cannot be written.
pub fn openapi() -> anyhow::Result<()> {
    Ok(io::stdout().write_all(&doorward_api::openapi())?)
}
