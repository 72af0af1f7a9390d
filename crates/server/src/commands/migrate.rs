//! `doorward migrate`

use super::{database_url, make_folder, say};
use crate::cli::MigrateArgs;
use crate::config::Config;
use doorward_storage_diesel::{migrate as run, migration_status};

/// Brings the tables up to date, or tells how they stand.
///
/// # Errors
/// One line that says why the database cannot be brought up to date.
pub fn migrate(config: &Config, args: MigrateArgs) -> anyhow::Result<()> {
    let url = database_url(config)?;
    if args.status {
        for migration in migration_status(&url)? {
            let state = if migration.is_applied {
                "applied"
            } else {
                "pending"
            };
            say(&format!("{state}  {}", migration.name))?;
        }
        return Ok(());
    }
    make_folder(&url)?;
    let applied = run(&url)?;
    for name in &applied {
        say(&format!("applied  {name}"))?;
    }
    if applied.is_empty() {
        say("The database is up to date.")?;
    }
    Ok(())
}
