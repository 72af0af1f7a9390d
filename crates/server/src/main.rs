//! The binary `doorward`.

use doorward::cli::{Cli, Command};
use doorward::config::Config;
use doorward::{commands, telemetry};
use std::io::{self, Write};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Cli::from_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in told(&error).lines() {
                // Nobody is left to tell when even this fails.
                let _ = writeln!(io::stderr(), "error: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, but for those that it has named itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match (told.is_empty(), told.ends_with(&cause)) {
            (true, _) => cause,
            (false, true) => told,
            (false, false) => format!("{told}: {cause}"),
        }
    })
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    if cli.command_or_serve() == Command::Openapi {
        return commands::openapi();
    }
    let config = Config::load(&cli.flags)?;
    telemetry::init(&config.log)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let system = actix_web::rt::System::new();
    match cli.command_or_serve() {
        Command::Serve(args) => system.block_on(commands::serve(&config, args)),
        Command::Worker(args) => system.block_on(commands::worker(&config, args)),
        Command::Migrate(args) => commands::migrate(&config, args),
        Command::CreateSuperuser(args) => {
            system.block_on(commands::create_superuser(&config, args))
        }
        Command::ImportDjango(args) => system.block_on(commands::import_django(&config, args)),
        Command::Keys(args) => system.block_on(commands::keys(&config, args)),
        Command::Settings(args) => system.block_on(commands::settings(&config, args)),
        Command::Audit(args) => system.block_on(commands::audit(&config, args)),
        Command::Restored(args) => system.block_on(commands::restored(&config, args)),
        Command::Check => system.block_on(commands::check(&config)),
        Command::Openapi => commands::openapi(),
        Command::Healthcheck => commands::healthcheck(&config),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_storage::StoreError;

    #[test]
    fn an_error_names_each_cause_once() {
        let full = StoreError::Unavailable("the disk is full".into());
        let error = anyhow::Error::from(full).context("it went no further");
        let expected = "it went no further: the database does not answer: the disk is full";
        assert_eq!(told(&error), expected);
    }
}
