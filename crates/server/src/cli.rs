//! The command line.

use crate::config::{Flags, Group, Variable};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use doorward_domain::Role;
use std::ffi::OsString;
use std::path::PathBuf;

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
    /// Run scheduled tasks, and nothing else: for more machines (serve runs them too)
    ///
    /// Any number may run beside servers, on one database. A task that a worker holds when it is killed is run again by
    /// another one, half a minute later.
    Worker(WorkerArgs),
    /// Bring the tables of the database up to date (serve does so too)
    Migrate(MigrateArgs),
    /// Make an account that may sign in to manage the others
    #[command(name = "createsuperuser")]
    CreateSuperuser(SuperuserArgs),
    /// Take the people of a Django project over, with their password hashes as they are
    ///
    /// FILE is what `manage.py dumpdata auth.user` writes as JSON, or a SQLite file of Django's. The model is `auth.user`
    /// or a custom `….user`; --model chooses another one. A superuser becomes an owner; otherwise the model's `role`
    /// counts, if it has one, and else staff become admins.
    ///
    /// Whoever is here already is left as he is, so it can be done again. The exit status is 0 when all people are here
    /// now, and 1 when some were left out or nothing could be done.
    #[command(name = "import-django")]
    ImportDjango(ImportArgs),
    /// After a restore from a backup, and before serving again: end all sessions
    ///
    /// A session that was ended after the backup was made is alive in it, and tokens of sessions that were begun after it
    /// are good. So everybody has to log in again. API keys are not touched. Stop all nodes before the restore, and start
    /// them after this command; it may be run again.
    Restored(RestoredArgs),
    /// Manage the key pairs that sign tokens, with any `JWT_ALGORITHM` but HS256
    ///
    /// Each is published at /.well-known/jwks.json before it signs. A running server learns of every change within a
    /// second.
    Keys(KeysArgs),
    /// Show and change the runtime settings, beside a running server too
    ///
    /// A change is in force on every running server within two seconds, without a restart. Of a setting that nobody has
    /// changed, what is shown is the value of its variable as this command has it, or else the default.
    Settings(SettingsArgs),
    /// Verify the audit log
    ///
    /// A running server chains what happens with keyed hashes, so that nobody without the secret key changes, moves or
    /// deletes an event unnoticed.
    Audit(AuditArgs),
    /// Tell what is wrong with the configuration, and whether database and Redis answer
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
    /// Run no scheduled tasks; `doorward worker` does
    #[arg(long)]
    pub no_worker: bool,
}

/// The options of `worker`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct WorkerArgs {
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

/// The options of `restored`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct RestoredArgs {
    /// Refuse a backup whose tables are older than this program, instead of bringing them up to date
    #[arg(long)]
    pub no_migrate: bool,
}

/// The options of `audit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct AuditArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub task: AuditTask,
}

/// What can be done with the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum AuditTask {
    /// Name the first event that was changed, moved or deleted
    ///
    /// Changes nothing, and may run beside the server. The exit status is 0 when all is as it was sealed, and 1 otherwise.
    Verify,
    /// Begin the chain anew, where its secret key is lost or its head was changed
    ///
    /// What was sealed before stays, and cannot be verified any more. The log tells of it.
    Restart,
}

/// The options of `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct KeysArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What can be done with key pairs.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum KeysAction {
    /// List them, with their states, and for how long tokens of them may live
    List,
    /// Make the next one, which is published and does not sign yet
    Prepare,
    /// Let the prepared one sign, and prepare the next; the one before goes on verifying
    Rotate {
        /// Even if it was published less than ten minutes ago, and others may not have read it
        #[arg(long)]
        now: bool,
    },
    /// Refuse the tokens of key pairs from now on, and forget their private parts
    Retire {
        /// Which ones
        #[arg(required = true, value_name = "KID")]
        kids: Vec<String>,
        /// Even the one that signs
        #[arg(long)]
        active: bool,
    },
}

/// The options of `settings`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SettingsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub action: SettingsAction,
}

/// What can be done with settings.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum SettingsAction {
    /// List all with their values, and when they were changed
    List {
        /// As JSON, as /api/v1/settings has it
        #[arg(long)]
        json: bool,
    },
    /// Print the value of one
    Get {
        /// Which one: `ACCESS_TOKEN_LIFETIME`
        name: String,
    },
    /// Give one another value
    Set {
        /// Which one: `ACCESS_TOKEN_LIFETIME`
        name: String,
        /// The value: whole seconds, true or false, or a rate such as 10/min
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
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

/// The options of `import-django`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// A dump in JSON, or a SQLite file
    pub file: PathBuf,
    /// Only tell what would happen; nothing is made or changed
    #[arg(long)]
    pub dry_run: bool,
    /// The model of a dump (`accounts.member`), or the table of a SQLite file (`accounts_member`)
    #[arg(long, value_name = "NAME", visible_alias = "table")]
    pub model: Option<String>,
    /// Write a line about everybody who was left out or is not as he was into this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
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
        let mut inner = matches.subcommand();
        while let Some((_, matches)) = inner {
            cli.flags.update_from_arg_matches(matches)?;
            inner = matches.subcommand();
        }
        let serves = matches!(cli.command, None | Some(Command::Serve(_)));
        if cli.serve.no_migrate && !serves {
            return Err(command.error(
                ErrorKind::ArgumentConflict,
                "--no-migrate is an option of serve, or stands after worker or restored",
            ));
        }
        if cli.serve.no_worker && !serves {
            return Err(command.error(
                ErrorKind::ArgumentConflict,
                "--no-worker is an option of serve",
            ));
        }
        Ok(cli)
    }

    /// The configuration options stand after a command too; its help shows those that matter to it.
    fn definition() -> clap::Command {
        const TABLES: [Group; 2] = [Group::Database, Group::Log];
        const KEYS: [Group; 3] = [Group::Database, Group::Keys, Group::Log];
        const SETTINGS: [Group; 3] = [Group::Database, Group::Settings, Group::Log];
        const TASKS: [Group; 5] = [
            Group::Database,
            Group::Redis,
            Group::Keys,
            Group::Worker,
            Group::Log,
        ];
        const ACCOUNTS: [Group; 3] = [Group::Database, Group::Passwords, Group::Log];
        let shown = |name: &str| match name {
            "migrate" | "restored" | "import-django" => TABLES.as_slice(),
            "createsuperuser" => ACCOUNTS.as_slice(),
            "keys" | "audit" => KEYS.as_slice(),
            "settings" => SETTINGS.as_slice(),
            "worker" => TASKS.as_slice(),
            "openapi" => [].as_slice(),
            _ => Group::ALL.as_slice(),
        };
        Self::command().mut_subcommands(|command| {
            let shown = shown(command.get_name());
            let command =
                command.mut_subcommands(|action| Flags::augment_subcommand(action, shown));
            Flags::augment_subcommand(command, shown)
        })
    }

    /// The command to run.
    pub fn command_or_serve(&self) -> Command {
        match self.command.clone() {
            None => Command::Serve(self.serve),
            Some(Command::Serve(args)) => Command::Serve(ServeArgs {
                no_migrate: args.no_migrate || self.serve.no_migrate,
                no_worker: args.no_worker || self.serve.no_worker,
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
        let plain = Command::Serve(ServeArgs::default());
        let unmigrated = Command::Serve(ServeArgs {
            no_migrate: true,
            ..ServeArgs::default()
        });
        let idle = Command::Serve(ServeArgs {
            no_worker: true,
            ..ServeArgs::default()
        });
        for (line, expected) in [
            ("doorward", &plain),
            ("doorward serve", &plain),
            ("doorward --bind localhost:0", &plain),
            ("doorward --no-migrate", &unmigrated),
            ("doorward --no-migrate serve", &unmigrated),
            ("doorward serve --no-migrate", &unmigrated),
            ("doorward --no-worker", &idle),
            ("doorward --no-worker serve", &idle),
            ("doorward serve --no-worker", &idle),
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
    fn what_is_done_with_keys_is_named_and_flags_stand_anywhere() {
        let action = |line| {
            let Command::Keys(args) = command(line) else {
                panic!("{line}");
            };
            args.action
        };
        assert_eq!(action("doorward keys list"), KeysAction::List);
        assert_eq!(action("doorward keys prepare"), KeysAction::Prepare);
        let rotate = |now| KeysAction::Rotate { now };
        assert_eq!(action("doorward keys rotate"), rotate(false));
        assert_eq!(action("doorward keys rotate --now"), rotate(true));
        let retire = |active| KeysAction::Retire {
            kids: vec!["a".to_owned(), "b".to_owned()],
            active,
        };
        assert_eq!(action("doorward keys retire a b"), retire(false));
        assert_eq!(action("doorward keys retire --active a b"), retire(true));
        for line in [
            "doorward --jwt-algorithm ES256 keys list",
            "doorward keys --jwt-algorithm ES256 list",
            "doorward keys list --jwt-algorithm ES256",
        ] {
            let flags = parse(line).unwrap().flags;
            assert_eq!(
                flags.get("JWT_ALGORITHM").as_deref(),
                Some("ES256"),
                "{line}"
            );
        }
        for line in [
            "doorward keys",
            "doorward keys retire",
            "doorward keys steal",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_is_done_with_settings_is_named() {
        let action = |line| {
            let Command::Settings(args) = command(line) else {
                panic!("{line}");
            };
            args.action
        };
        let list = |json| SettingsAction::List { json };
        assert_eq!(action("doorward settings list"), list(false));
        assert_eq!(action("doorward settings list --json"), list(true));
        let name = "STEP_UP_WINDOW".to_owned();
        let get = SettingsAction::Get { name: name.clone() };
        assert_eq!(action("doorward settings get STEP_UP_WINDOW"), get);
        let value = "-5".to_owned();
        let set = SettingsAction::Set { name, value };
        assert_eq!(action("doorward settings set STEP_UP_WINDOW -5"), set);
        for line in [
            "doorward settings",
            "doorward settings get",
            "doorward settings set STEP_UP_WINDOW",
            "doorward settings list STEP_UP_WINDOW",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_is_not_an_option_is_refused() {
        for line in [
            "doorward migrate --no-migrate",
            "doorward --no-migrate check",
            "doorward --no-migrate worker",
            "doorward --no-worker worker",
            "doorward worker --no-worker",
            "doorward --no-worker migrate",
            "doorward createsuperuser --role user",
            "doorward --no-migrate restored",
            "doorward restored backup.db",
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
        assert_eq!(
            command("doorward worker --no-migrate"),
            Command::Worker(WorkerArgs { no_migrate: true })
        );
        assert_eq!(
            command("doorward restored --no-migrate"),
            Command::Restored(RestoredArgs { no_migrate: true })
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
