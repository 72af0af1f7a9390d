//! The command line.

use crate::config::{Flags, Group, Variable};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use doorward_domain::Role;
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  doorward                                    serve on http://127.0.0.1:8000, data in ./data
  doorward --bind 0.0.0.0:80                  serve all networks, on port 80
  doorward createsuperuser --username ada     make the first owner
  DATABASE_URL=postgres://… doorward check    is everything set up?";

const SOURCES: &str = "\
Every option can be given as a flag, as an environment variable, or in a file .env in the working directory, whose \
values are taken to the letter. A flag wins over the environment, and the environment over .env.";

/// An account service: people register, log in, stay logged in and log out.
///
/// Nothing is needed but this program. Without options it listens on 127.0.0.1:8000 and keeps its data in an SQLite
/// file under ./data.
#[derive(Debug, Parser)]
#[command(
    name = "doorward",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = format!("{EXAMPLES}\n\n--help tells more, and shows the runtime settings."),
    after_long_help = after_long_help()
)]
pub struct Cli {
    /// The configuration options, which every command takes.
    #[command(flatten)]
    pub flags: Flags,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the HTTP server (also without a command)
    Serve(ServeArgs),
    /// Bring the tables of the database up to date (serve does so too)
    Migrate(MigrateArgs),
    /// Make an account that may sign in to manage the others
    #[command(name = "createsuperuser")]
    CreateSuperuser(SuperuserArgs),
    /// Tell what is wrong with the configuration, and whether the database answers
    ///
    /// Changes nothing. The exit status is 0 when all is well, and 1 otherwise.
    Check,
    /// Print the OpenAPI document, which the server has at /api/openapi.json
    ///
    /// Needs neither a configuration nor a database.
    Openapi,
    /// Ask the server that runs here with the same options whether it is ready, for the health checks of containers
    Healthcheck,
}

/// The options of `serve`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Leave the tables of the database as they are; `doorward migrate` brings them up to date
    #[arg(long)]
    pub no_migrate: bool,
}

/// The options of `migrate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct MigrateArgs {
    /// Only tell which migrations are applied and which are pending
    #[arg(long)]
    pub status: bool,
}

/// The options of `createsuperuser`. What is missing is asked for.
///
/// The password is asked for without echo, or taken from `DOORWARD_SUPERUSER_PASSWORD`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SuperuserArgs {
    /// The username of the new account
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The email address of the new account
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// An admin manages users; an owner also manages admins, owners and settings
    #[arg(long, value_enum, default_value_t = SuperuserRole::Owner)]
    pub role: SuperuserRole,
}

/// The roles that a superuser can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuperuserRole {
    /// Manages all.
    Owner,
    /// Manages users.
    Admin,
}

impl Cli {
    /// Reads the command line of this process; prints help, version or complaint and exits where that is due.
    pub fn from_process() -> Self {
        Self::from_arguments(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads a command line, whose first word is the program.
    ///
    /// # Errors
    /// What to print instead: the help, the version, or what is wrong.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::definition();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut cli =
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        if let Some((_, matches)) = matches.subcommand() {
            cli.flags.update_from_arg_matches(matches)?;
        }
        let serves = matches!(cli.command, None | Some(Command::Serve(_)));
        if cli.serve.no_migrate && !serves {
            return Err(command.error(
                ErrorKind::ArgumentConflict,
                "--no-migrate is an option of serve",
            ));
        }
        Ok(cli)
    }

    /// The configuration options stand after a command too; its help shows those that matter to it.
    fn definition() -> clap::Command {
        const TABLES: [Group; 2] = [Group::Database, Group::Log];
        const ACCOUNTS: [Group; 3] = [Group::Database, Group::Passwords, Group::Log];
        let shown = |name: &str| match name {
            "migrate" => TABLES.as_slice(),
            "createsuperuser" => ACCOUNTS.as_slice(),
            "openapi" => [].as_slice(),
            _ => Group::ALL.as_slice(),
        };
        Self::command().mut_subcommands(|command| {
            let shown = shown(command.get_name());
            Flags::augment_subcommand(command, shown)
        })
    }

    /// The command to run.
    pub fn command_or_serve(&self) -> Command {
        match self.command.clone() {
            None => Command::Serve(self.serve),
            Some(Command::Serve(args)) => Command::Serve(ServeArgs {
                no_migrate: args.no_migrate || self.serve.no_migrate,
            }),
            Some(command) => command,
        }
    }
}

impl From<SuperuserRole> for Role {
    fn from(role: SuperuserRole) -> Self {
        match role {
            SuperuserRole::Owner => Self::Owner,
            SuperuserRole::Admin => Self::Admin,
        }
    }
}

fn after_long_help() -> String {
    let variables: Vec<_> = Variable::all()
        .into_iter()
        .filter(|variable| !variable.flag)
        .map(|variable| {
            format!(
                "  {}\n          {} [default: {}]",
                variable.name, variable.help, variable.default
            )
        })
        .collect();
    format!(
        "{SOURCES}\n\nVariables without a flag, since other users of the machine can see flags:\n{}\n\n{EXAMPLES}",
        variables.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::from_arguments(line.split_whitespace().map(OsString::from))
    }

    fn command(line: &str) -> Command {
        parse(line).unwrap().command_or_serve()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let plain = Command::Serve(ServeArgs { no_migrate: false });
        let unmigrated = Command::Serve(ServeArgs { no_migrate: true });
        for (line, expected) in [
            ("doorward", &plain),
            ("doorward serve", &plain),
            ("doorward --bind localhost:0", &plain),
            ("doorward --no-migrate", &unmigrated),
            ("doorward --no-migrate serve", &unmigrated),
            ("doorward serve --no-migrate", &unmigrated),
        ] {
            assert_eq!(command(line), *expected, "{line}");
        }
    }

    #[test]
    fn a_flag_is_taken_before_and_after_the_command_and_is_known_by_its_variable() {
        for line in [
            "doorward --bcrypt-cost 13",
            "doorward --bcrypt-cost=13 serve",
            "doorward serve --bcrypt-cost 13",
            "doorward createsuperuser --bcrypt-cost 13 --username ada",
            "doorward migrate --bcrypt-cost 13",
            "doorward --bcrypt-cost 12 serve --bcrypt-cost 13",
        ] {
            let flags = parse(line).unwrap().flags;
            assert_eq!(flags.get("BCRYPT_COST").as_deref(), Some("13"), "{line}");
            assert_eq!(flags.get("BIND"), None, "{line}");
        }
    }

    #[test]
    fn a_superuser_is_an_owner_unless_told_otherwise() {
        let args = |line| {
            let Command::CreateSuperuser(args) = command(line) else {
                panic!("{line}");
            };
            args
        };
        let ada = args("doorward createsuperuser --username ada --email ada@engine.example");
        assert_eq!(ada.username.as_deref(), Some("ada"));
        assert_eq!(ada.email.as_deref(), Some("ada@engine.example"));
        assert_eq!(Role::from(ada.role), Role::Owner);
        let admin = args("doorward createsuperuser --role admin");
        assert_eq!(Role::from(admin.role), Role::Admin);
    }

    #[test]
    fn what_is_not_an_option_is_refused() {
        for line in [
            "doorward migrate --no-migrate",
            "doorward --no-migrate check",
            "doorward createsuperuser --role user",
            "doorward --secret-key x",
            "doorward --supabase-db-password x",
            "doorward serve extra",
            "doorward sreve",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(
            command("doorward migrate --status"),
            Command::Migrate(MigrateArgs { status: true })
        );
    }

    #[test]
    fn help_names_every_variable_and_where_values_come_from() {
        let help = parse("doorward --help").unwrap_err().to_string();
        for variable in Variable::all() {
            assert!(help.contains(variable.name), "{}", variable.name);
        }
        for text in [
            "--bind <ADDRESS:PORT>",
            "127.0.0.1:8000",
            ".env",
            "Examples:",
        ] {
            assert!(help.contains(text), "{text}");
        }
        let migrate = parse("doorward migrate --help").unwrap_err().to_string();
        assert!(migrate.contains("--database-url") && !migrate.contains("--bind"));
        let short = parse("doorward -h").unwrap_err().to_string();
        assert!(short.contains("--bind") && !short.contains("--step-up-window"));
    }
}
