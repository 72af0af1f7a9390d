//! The table of every variable: what `--help` shows, which flags there are, and which names `.env` may hold.

use super::unserved;
use doorward_domain::Settings;
use doorward_domain::settings::{ALL, Kind, Setting};

/// One variable, as the help shows it.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name in the environment.
    pub name: &'static str,
    /// Under which heading it stands.
    pub group: Group,
    /// What its value looks like.
    pub value: &'static str,
    /// What holds without it.
    pub default: String,
    /// What it does.
    pub help: &'static str,
    /// Whether there is a flag too. What is secret has none, since the list of processes shows flags to everybody.
    pub flag: bool,
}

/// The headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Where and for whom the server listens.
    Server,
    /// Where the data is kept.
    Database,
    /// What nodes share beside the database.
    Redis,
    /// What signs and verifies.
    Keys,
    /// How passwords are treated.
    Passwords,
    /// How scheduled tasks are run.
    Worker,
    /// What is logged.
    Log,
    /// How the service is watched.
    Observed,
    /// The first values of the runtime settings.
    Settings,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Server,
        Self::Database,
        Self::Redis,
        Self::Keys,
        Self::Passwords,
        Self::Worker,
        Self::Log,
        Self::Observed,
        Self::Settings,
    ];

    /// Its title.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Database => "Database",
            Self::Redis => "Redis",
            Self::Keys => "Keys and tokens",
            Self::Passwords => "Passwords",
            Self::Worker => "Scheduled tasks",
            Self::Log => "Log",
            Self::Observed => "Metrics and traces",
            Self::Settings => "Runtime settings (first values, until an owner changes them)",
        }
    }
}

/// The variables that are read once, at the start.
const TABLE: [Row; 33] = [
    with_flag(
        "BIND",
        Group::Server,
        "ADDRESS:PORT",
        "127.0.0.1:8000",
        "Where to listen; port 0 picks a free one",
    ),
    with_flag(
        "ALLOWED_HOSTS",
        Group::Server,
        "LIST",
        "the loopback names and the bound address",
        "The hosts that are answered for, with commas between",
    ),
    with_flag(
        "TLS_CERT",
        Group::Server,
        "PATH",
        "none: plain HTTP",
        "PEM with the certificate and those that lead to an authority; read again when it changes",
    ),
    with_flag(
        "TLS_KEY",
        Group::Server,
        "PATH",
        "none: plain HTTP",
        "PEM with the private key of TLS_CERT, which other users cannot read",
    ),
    with_flag(
        "TLS_SELF_SIGNED",
        Group::Server,
        "BOOL",
        "false",
        "HTTPS with a certificate that is made at the start, for development",
    ),
    with_flag(
        "CORS_ALLOWED_ORIGINS",
        Group::Server,
        "LIST",
        "none",
        "The origins whose pages may call, such as https://app.example.com, with commas between",
    ),
    with_flag(
        "TRUSTED_PROXIES",
        Group::Server,
        "LIST",
        "none",
        "The proxies whose X-Forwarded-For and Forwarded count: addresses and ranges such as 10.0.0.0/8, with commas between",
    ),
    with_flag(
        "SHUTDOWN_DELAY",
        Group::Server,
        "SECONDS",
        "2",
        "For how long connections are still accepted after SIGTERM",
    ),
    with_flag(
        "ENVIRONMENT",
        Group::Server,
        "NAME",
        "production",
        "The name that the health route gives",
    ),
    with_flag(
        "DEBUG",
        Group::Server,
        "BOOL",
        "false",
        "For developers; never changes what a client may see",
    ),
    with_flag(
        "DATABASE_URL",
        Group::Database,
        "URL",
        "sqlite://data/doorward.db",
        "sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME; keep a password out of the flag, which other users of the machine can see",
    ),
    without_flag(
        "SUPABASE_DB_NAME",
        Group::Database,
        "NAME",
        "none",
        "Without DATABASE_URL, these five name a PostgreSQL database",
    ),
    without_flag(
        "SUPABASE_DB_USER",
        Group::Database,
        "NAME",
        "none",
        "The user of that database",
    ),
    without_flag(
        "SUPABASE_DB_PASSWORD",
        Group::Database,
        "PASSWORD",
        "none",
        "The password of that user",
    ),
    without_flag(
        "SUPABASE_DB_HOST",
        Group::Database,
        "HOST",
        "none",
        "The host of that database",
    ),
    without_flag(
        "SUPABASE_DB_PORT",
        Group::Database,
        "PORT",
        "5432",
        "The port of that database",
    ),
    without_flag(
        "REDIS_URL",
        Group::Redis,
        "URL",
        "none: each node remembers for itself",
        "redis:// or rediss://[USER][:PASSWORD]@HOST[:PORT][/NUMBER], the same on all nodes",
    ),
    without_flag(
        "REDIS_PASSWORD",
        Group::Redis,
        "PASSWORD",
        "none",
        "The password, where the URL has none; taken to the letter",
    ),
    with_flag(
        "REDIS_PORT",
        Group::Redis,
        "PORT",
        "6379",
        "The port, where the URL has none",
    ),
    with_flag(
        "REDIS_CA_FILE",
        Group::Redis,
        "PATH",
        "those whom the system trusts",
        "PEM with the authorities that may have signed the certificate of a rediss:// server",
    ),
    without_flag(
        "SECRET_KEY",
        Group::Keys,
        "KEY",
        "SQLite: made at the first start, in secret.key beside the database",
        "Signs the tokens; required with PostgreSQL",
    ),
    without_flag(
        "SECRET_KEY_FALLBACKS",
        Group::Keys,
        "LIST",
        "none",
        "Earlier keys that still verify, with commas between",
    ),
    with_flag(
        "JWT_ALGORITHM",
        Group::Keys,
        "NAME",
        "HS256",
        "HS256 signs with SECRET_KEY; EdDSA, ES256 and RS256 with a key pair, published at /.well-known/jwks.json",
    ),
    with_flag(
        "JWT_ACCEPT_FOREIGN",
        Group::Keys,
        "BOOL",
        "false",
        "Accept access tokens that simplejwt signed with SECRET_KEY, of users who came from Django",
    ),
    with_flag(
        "BCRYPT_COST",
        Group::Passwords,
        "NUMBER",
        "12",
        "The work of hashing a password, 10 to 15; one more doubles it",
    ),
    with_flag(
        "PASSWORD_VALIDATORS",
        Group::Passwords,
        "LIST",
        "similarity,length,common,numeric",
        "What a new password has to pass, or none",
    ),
    without_flag(
        "DOORWARD_SUPERUSER_PASSWORD",
        Group::Passwords,
        "PASSWORD",
        "createsuperuser asks for it",
        "The password of the new superuser",
    ),
    with_flag(
        "WORKER_CONCURRENCY",
        Group::Worker,
        "NUMBER",
        "16",
        "How many tasks one process runs at once, 1 to 1000",
    ),
    with_flag(
        "WEBHOOK_ALLOW",
        Group::Worker,
        "LIST",
        "none: only public addresses",
        "Host names and networks (10.0.0.0/8) that webhooks may reach although they are not public, with commas between",
    ),
    with_flag(
        "LOG_FORMAT",
        Group::Log,
        "FORMAT",
        "text on a terminal, else json",
        "text or json",
    ),
    with_flag(
        "RUST_LOG",
        Group::Log,
        "FILTER",
        "info",
        "A level, or a list such as info,doorward=debug",
    ),
    without_flag(
        "METRICS_TOKEN",
        Group::Observed,
        "TOKEN",
        "none: /metrics answers the machine itself alone",
        "What /metrics asks for as a bearer token, at least 16 characters",
    ),
    with_flag(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Group::Observed,
        "URL",
        "none: no traces",
        "Where traces go, over OTLP as HTTP with protobuf: http://127.0.0.1:4318",
    ),
];

struct Row {
    name: &'static str,
    group: Group,
    value: &'static str,
    default: &'static str,
    help: &'static str,
    flag: bool,
}

const fn with_flag(
    name: &'static str,
    group: Group,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Row {
    Row {
        name,
        group,
        value,
        default,
        help,
        flag: true,
    }
}

const fn without_flag(
    name: &'static str,
    group: Group,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Row {
    Row {
        flag: false,
        ..with_flag(name, group, value, default, help)
    }
}

impl Variable {
    /// Every variable that has an effect, in the order of the help.
    pub fn all() -> Vec<Self> {
        let read_once = TABLE.into_iter().map(|row| Self {
            name: row.name,
            group: row.group,
            value: row.value,
            default: row.default.to_owned(),
            help: row.help,
            flag: row.flag,
        });
        read_once.chain(ALL.iter().map(of_setting)).collect()
    }

    /// The name of its flag, without the dashes: `bcrypt-cost` for `BCRYPT_COST`.
    pub fn flag_name(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// Every name that `.env` may hold, those without an effect too.
    pub(super) fn names() -> Vec<&'static str> {
        let own = TABLE.iter().map(|row| row.name);
        own.chain(ALL.iter().map(|setting| setting.name))
            .chain([unserved::CELERY])
            .collect()
    }
}

fn of_setting(setting: &Setting) -> Variable {
    Variable {
        name: setting.name,
        group: Group::Settings,
        value: match setting.kind {
            Kind::Seconds { .. } => "SECONDS",
            Kind::Switch { .. } => "BOOL",
            Kind::Rate { .. } => "RATE",
        },
        default: setting.value(&Settings::default()).to_string(),
        help: setting.description.trim_end_matches('.'),
        flag: true,
    }
}
