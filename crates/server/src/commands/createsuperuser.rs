//! `doorward createsuperuser`

use super::{open, say};
use crate::cli::SuperuserArgs;
use crate::config::Config;
use anyhow::{Context, bail};
use doorward_domain::Origin;
use doorward_services::accounts::{Register, RegisterError};
use doorward_services::{FieldErrors, Services};
use doorward_storage_diesel::OnPending;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

/// Makes an owner or an admin. What is missing is asked for, if somebody is there to ask.
///
/// # Errors
/// One line for everything that is wrong with what was given.
pub async fn create_superuser(config: &Config, args: SuperuserArgs) -> anyhow::Result<()> {
    let (services, _) = open(config, OnPending::Migrate)?;
    let store = Arc::clone(&services.store);
    let services = Services::start(services).await?;
    let created = ask_and_create(&services, config, &args).await;
    store.close().await;
    created
}

async fn ask_and_create(
    services: &Services,
    config: &Config,
    args: &SuperuserArgs,
) -> anyhow::Result<()> {
    let is_person = io::stdin().is_terminal();
    loop {
        let register = Register {
            username: given_or_asked(args.username.as_ref(), "Username", "--username", is_person)?,
            email: given_or_asked(args.email.as_ref(), "Email address", "--email", is_person)?,
            password: Some(password(config, is_person)?),
            role: Some(doorward_domain::Role::from(args.role).to_string()),
            origin: Origin::default(),
            errors: FieldErrors::default(),
        };
        match services.accounts.create(register).await {
            Ok(user) => {
                let (role, name) = (user.role, user.username);
                say(&format!("The {role} {name} is made, and may log in."))?;
                return Ok(());
            }
            Err(RegisterError::Invalid(errors)) if is_person && can_ask_again(&errors, args) => {
                say(&explain(&errors))?;
            }
            Err(RegisterError::Invalid(errors)) => bail!(explain(&errors)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What was given on the command line stays as it is: to ask again makes sense for the rest alone.
fn can_ask_again(errors: &FieldErrors, args: &SuperuserArgs) -> bool {
    let is_given = [
        ("username", args.username.is_some()),
        ("email", args.email.is_some()),
    ];
    !is_given
        .iter()
        .any(|(field, is_given)| *is_given && errors.mentions(field))
}

fn explain(errors: &FieldErrors) -> String {
    let lines: Vec<_> = errors
        .iter()
        .flat_map(|(field, messages)| {
            messages
                .iter()
                .map(move |message| format!("{field}: {message}"))
        })
        .collect();
    lines.join("\n")
}

fn given_or_asked(
    given: Option<&String>,
    question: &str,
    flag: &str,
    is_person: bool,
) -> anyhow::Result<Option<String>> {
    match given {
        Some(text) => Ok(Some(text.clone())),
        None if is_person => ask(question).map(Some),
        None => bail!("{flag} is needed where nobody can be asked"),
    }
}

fn ask(question: &str) -> anyhow::Result<String> {
    let mut out = io::stdout();
    write!(out, "{question}: ")?;
    out.flush()?;
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        bail!("no answer");
    }
    Ok(line.trim().to_owned())
}

fn password(config: &Config, is_person: bool) -> anyhow::Result<SecretString> {
    match &config.superuser_password {
        Some(password) => Ok(password.clone()),
        None if is_person => ask_password(),
        None => bail!("DOORWARD_SUPERUSER_PASSWORD is needed where nobody can be asked"),
    }
}

fn ask_password() -> anyhow::Result<SecretString> {
    loop {
        let ask = |question| rpassword::prompt_password(question).map(SecretString::from);
        let password = ask("Password: ").context("the password cannot be read")?;
        let again = ask("Password (again): ").context("the password cannot be read")?;
        if password.expose_secret() == again.expose_secret() {
            return Ok(password);
        }
        say("The two are not the same.")?;
    }
}
