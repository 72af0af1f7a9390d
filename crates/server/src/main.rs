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
            for line in format!("{error:#}").lines() {
                // Nobody is left to tell when even this fails.
                let _ = writeln!(io::stderr(), "error: {line}");
            }
            ExitCode::FAILURE
        }
    }
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
        Command::Migrate(args) => commands::migrate(&config, args),
        Command::CreateSuperuser(args) => {
            system.block_on(commands::create_superuser(&config, args))
        }
        Command::ImportDjango(args) => system.block_on(commands::import_django(&config, args)),
        Command::Keys(args) => system.block_on(commands::keys(&config, args)),
        Command::Restored(args) => system.block_on(commands::restored(&config, args)),
        Command::Check => system.block_on(commands::check(&config)),
        Command::Openapi => commands::openapi(),
        Command::Healthcheck => commands::healthcheck(&config),
    }
}
