//! `doorward serve`

use super::{KEY_REPLACED, Made, join_others, offer_kinds, open, say};
use crate::application::{Application, Options};
use crate::cli::ServeArgs;
use crate::config::{Config, KeySource, TlsSource};
use crate::net;
use anyhow::{Context, anyhow, bail};
use doorward_storage_diesel::OnPending;
use std::io::ErrorKind;
use std::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// One line that says why it does not serve, or why it stopped.
pub async fn serve(config: &Config, args: ServeArgs) -> anyhow::Result<()> {
    net::raise_open_files();
    // Before anything is made: a start that is refused leaves nothing behind.
    let tls = super::tls(config)?;
    let listener = bind(config)?;
    let on_pending = if args.no_migrate {
        OnPending::Refuse
    } else {
        OnPending::Migrate
    };
    let (mut services, made) = open(config, on_pending)?;
    join_others(config, &mut services)?;
    let worker = offer_kinds(config, &mut services)?;
    let mut application = Application::start(Options {
        listener,
        services,
        allowed_hosts: config.http.allowed_hosts.clone(),
        cors_allowed_origins: config.http.cors_allowed_origins.clone(),
        tls,
        trusted_proxies: config.http.trusted_proxies.clone(),
        environment: config.http.environment.clone(),
        observed: config.observed.clone(),
        worker: Some(worker).filter(|_| !args.no_worker),
        workers: None,
    })
    .await?;
    // Before it says that it runs, since until then a signal ends it on the spot.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&greeting(config, &application, made).await?)?;
    tracing::info!(address = %application.address(), "listening");
    tokio::select! {
        ended = application.ended() => ended.context("the server ended by itself")?,
        _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
        _ = terminate.recv() => {
            tracing::info!(delay = ?config.http.shutdown_delay, "asked to end: not ready any more");
            application.drain();
            tokio::select! {
                () = tokio::time::sleep(config.http.shutdown_delay) => {}
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    }
    let again = "interrupted again: not all requests were answered";
    tokio::select! {
        () = application.stop() => {}
        _ = interrupt.recv() => bail!(again),
        _ = terminate.recv() => bail!(again),
    }
    tracing::info!("stopped");
    Ok(())
}

fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let bind = &config.http.bind;
    TcpListener::bind(bind.address()).map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            anyhow!(
                "{bind} is in use: another program listens there; --bind chooses another address"
            )
        } else {
            anyhow!("{bind} cannot be listened on: {error}")
        }
    })
}

async fn greeting(
    config: &Config,
    application: &Application,
    made: Made,
) -> anyhow::Result<String> {
    let new = |is_new| if is_new { " (new)" } else { "" };
    let home = format!("{}://{}", config.http.scheme(), application.address());
    let mut lines = vec![
        format!("Doorward {} listens on {home}", env!("CARGO_PKG_VERSION")),
        format!("  API         {home}/api/docs"),
        format!("  panel       {home}/admin/"),
        format!("  database    {}{}", config.database, new(made.database)),
    ];
    if let Some(redis) = &config.redis {
        lines.push(format!("  redis       {}", redis.place()?));
    }
    if config.http.tls == Some(TlsSource::SelfSigned) {
        lines.push(
            "  certificate made now, for development: no client trusts it by itself".to_owned(),
        );
    }
    if let KeySource::File(file) = &config.keys.signing {
        let path = file.path().display();
        lines.push(format!("  secret key  {path}{}", new(made.secret_key)));
    }
    if made.secret_key {
        lines.push("              Back it up apart from the database: together they are the keys and the house.".to_owned());
    }
    if made.is_key_replaced() {
        lines.push(KEY_REPLACED.to_owned());
    }
    let has_owner = application.services().users.has_owner().await;
    if matches!(has_owner, Ok(false)) {
        lines.push(
            "There is no owner yet. In another terminal: doorward createsuperuser".to_owned(),
        );
    }
    Ok(lines.join("\n"))
}
