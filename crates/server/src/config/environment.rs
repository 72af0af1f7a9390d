//! Where values come from beside the `.env` file: the command line, and the environment of the process.

use super::variables::{Group, Variable};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use std::collections::BTreeMap;
use std::env::VarError;

/// The environment of this process. What is no UTF-8 comes with replacement characters, which the parser refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn environment(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
    }
}

/// The values that were given as flags, by the names of their variables: `--bcrypt-cost 13` is `BCRYPT_COST`.
///
/// Clap only collects them. They are parsed where the variables are, so that there is one parser and one error report.
#[derive(Debug, Clone, Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// The value of the flag that belongs to the variable.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// Adds the flags to a command of its own, whose help shows those of these groups alone.
    pub(crate) fn augment_subcommand(command: Command, shown: &[Group]) -> Command {
        Variable::all()
            .iter()
            .filter(|variable| variable.flag)
            .map(|variable| argument(variable).hide(!shown.contains(&variable.group)))
            .fold(command, Command::arg)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for variable in Variable::all().iter().filter(|variable| variable.flag) {
            let given = matches.value_source(variable.name) == Some(ValueSource::CommandLine);
            if let Some(value) = matches
                .get_one::<String>(variable.name)
                .filter(|_value| given)
            {
                self.0.insert(variable.name, value.clone());
            }
        }
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        Self::augment_subcommand(command, &Group::ALL)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(variable: &Variable) -> Arg {
    Arg::new(variable.name)
        .long(variable.flag_name())
        .value_name(variable.value)
        .help(format!(
            "{} [env: {}] [default: {}]",
            variable.help, variable.name, variable.default
        ))
        .help_heading(variable.group.heading())
        .hide_short_help(variable.group == Group::Settings)
}
