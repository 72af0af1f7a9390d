use super::*;
use doorward_domain::password_policy::PasswordPolicy;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const KEY: &str = "q9Zt4LxW0pVb7RkD2nHs5JmY8cGf1TaE";
const OTHER_KEY: &str = "mB3vXc6NzQ1wKe9T4yRi0OgAs7DfHh5J";

fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let values: BTreeMap<_, _> = pairs.iter().copied().collect();
    Config::from_lookup(|name| values.get(name).map(|value| (*value).to_owned()))
}

fn lines(pairs: &[(&str, &str)]) -> Vec<String> {
    let errors = config(pairs).unwrap_err();
    errors.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn without_any_variable_everything_has_its_default() {
    let config = config(&[]).unwrap();
    assert_eq!(config.http.bind.address(), ("127.0.0.1", 8000));
    assert_eq!(
        config.http.allowed_hosts,
        ["localhost", "127.0.0.1", "[::1]"]
    );
    assert_eq!(config.http.shutdown_delay, Duration::from_secs(2));
    assert_eq!(config.http.environment, "production");
    assert!(!config.http.debug && config.http.trusted_proxies.is_empty());
    assert_eq!(config.database.to_string(), "sqlite://data/doorward.db");
    assert!(
        matches!(&config.keys.signing, KeySource::File(file) if file.path() == "data/secret.key")
    );
    assert!(config.keys.fallbacks.is_empty());
    assert_eq!(config.keys.algorithm, JwtAlgorithm::Hs256);
    assert_eq!(config.passwords.bcrypt_cost, 12);
    assert_eq!(config.passwords.policy, PasswordPolicy::DJANGO);
    assert_eq!(config.log.format, None);
    assert_eq!(config.log.filter.to_string(), "actix_server=warn,info");
    assert_eq!(config.settings, doorward_domain::Settings::default());
    assert!(config.superuser_password.is_none());
    assert!(config.warnings.is_empty());
}

#[test]
fn every_variable_is_taken() {
    let config = config(&[
        ("BIND", " [::]:0 "),
        ("ALLOWED_HOSTS", "Accounts.example.com, [::1]:8443,10.0.0.1"),
        ("SHUTDOWN_DELAY", "0"),
        ("ENVIRONMENT", "staging"),
        ("DEBUG", "Yes"),
        ("DATABASE_URL", "postgres://u:p@h/db"),
        ("SECRET_KEY", KEY),
        ("SECRET_KEY_FALLBACKS", OTHER_KEY),
        ("JWT_ALGORITHM", "HS256"),
        ("BCRYPT_COST", "10"),
        ("PASSWORD_VALIDATORS", "none"),
        ("WORKER_CONCURRENCY", "1000"),
        ("WEBHOOK_ALLOW", "hooks.intern, 10.0.0.0/8"),
        ("LOG_FORMAT", "JSON"),
        ("RUST_LOG", "warn, doorward=debug"),
        ("ACCESS_TOKEN_LIFETIME", "30"),
        ("REGISTRATION_OPEN", "off"),
        ("DOORWARD_SUPERUSER_PASSWORD", " kept "),
    ])
    .unwrap();
    assert_eq!(config.http.bind.address(), ("::", 0));
    assert_eq!(
        config.http.allowed_hosts,
        ["accounts.example.com", "[::1]:8443", "10.0.0.1"]
    );
    assert_eq!(config.http.shutdown_delay, Duration::ZERO);
    assert_eq!(config.http.environment, "staging");
    assert!(config.http.debug);
    assert_eq!(config.database.expose(), "postgres://u:p@h/db");
    assert!(matches!(&config.keys.signing, KeySource::Given(key) if key.expose() == KEY));
    assert_eq!(config.keys.fallbacks[0].expose(), OTHER_KEY);
    assert_eq!(config.passwords.bcrypt_cost, 10);
    assert_eq!(config.passwords.policy, PasswordPolicy::NONE);
    assert_eq!(config.worker.concurrency.get(), 1000);
    assert_eq!(config.log.format, Some(LogFormat::Json));
    assert_eq!(config.log.filter.to_string(), "doorward=debug,warn");
    assert_eq!(config.settings.access_token_lifetime.num_seconds(), 30);
    assert!(!config.settings.registration_open);
    let password = config.superuser_password.unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&password), " kept ");
}

#[test]
fn a_bad_value_is_told_by_name_with_what_would_be_right() {
    for (name, value, line) in [
        (
            "BIND",
            "8000",
            r#"BIND must be an address and a port such as 127.0.0.1:8000, [::1]:8000 or localhost:0, not "8000""#,
        ),
        (
            "SHUTDOWN_DELAY",
            "301",
            r#"SHUTDOWN_DELAY must be a whole number of seconds from 0 to 300, not "301""#,
        ),
        (
            "DEBUG",
            "maybe",
            r#"DEBUG must be true or false, not "maybe""#,
        ),
        (
            "BCRYPT_COST",
            "9",
            r#"BCRYPT_COST must be a whole number from 10 to 15, not "9""#,
        ),
        (
            "PASSWORD_VALIDATORS",
            "lenght",
            r#"PASSWORD_VALIDATORS must be a list of similarity, length, common and numeric, or none, not "lenght""#,
        ),
        (
            "JWT_ALGORITHM",
            "none",
            r#"JWT_ALGORITHM must be HS256, EdDSA, ES256 or RS256, not "none""#,
        ),
        (
            "WORKER_CONCURRENCY",
            "0",
            r#"WORKER_CONCURRENCY must be a whole number from 1 to 1000, not "0""#,
        ),
        (
            "WEBHOOK_ALLOW",
            "hooks.intern,10.0.0.0/33",
            r#"WEBHOOK_ALLOW must be host names and networks such as 10.0.0.0/8, with commas between, not "hooks.intern,10.0.0.0/33""#,
        ),
        (
            "LOG_FORMAT",
            "xml",
            r#"LOG_FORMAT must be text or json, not "xml""#,
        ),
        (
            "RUST_LOG",
            "doorward=loud",
            r#"RUST_LOG must be a level (error, warn, info, debug, trace, off) or a list such as info,doorward=debug, not "doorward=loud""#,
        ),
        (
            "ACCESS_TOKEN_LIFETIME",
            "4",
            r#"ACCESS_TOKEN_LIFETIME must be a whole number of seconds from 5 to 86400, not "4""#,
        ),
        (
            "PUBLIC_USER_LIST",
            "2",
            r#"PUBLIC_USER_LIST must be true or false, not "2""#,
        ),
        (
            "LOGIN_RATE_LIMIT",
            "10/day",
            r#"LOGIN_RATE_LIMIT must be N/sec, N/min or N/hour with N from 1 to 1000000, or off, not "10/day""#,
        ),
        (
            "ENVIRONMENT",
            "one\ntwo",
            r#"ENVIRONMENT must be a name of at most 64 printable characters, not "one\ntwo""#,
        ),
        (
            "SUPABASE_DB_PORT",
            "0",
            r#"SUPABASE_DB_PORT must be a port such as 5432, not "0""#,
        ),
        ("BIND", "\u{fffd}:80", "BIND must be UTF-8 text"),
    ] {
        assert_eq!(lines(&[(name, value)])[0], line);
    }
}

#[test]
fn all_bad_variables_are_told_at_once() {
    let pairs = [
        ("BIND", "nowhere"),
        ("DATABASE_URL", "mysql://h/db"),
        ("SECRET_KEY", "short"),
        ("BCRYPT_COST", "99"),
        ("ALLOWED_HOSTS", "*"),
        ("RUST_LOG", "a=b"),
        ("REFRESH_GRACE_PERIOD", "61"),
    ];
    let lines = lines(&pairs);
    for (name, _) in pairs {
        let told = lines.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!(told, 1, "{name}: {lines:?}");
    }
    assert_eq!(lines.len(), pairs.len());
}

#[test]
fn a_secret_is_never_repeated() {
    for (name, value) in [
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY", "your-hunter2-q9Zt4LxW0pVb7RkD2nHs5JmY8cGf"),
        ("SECRET_KEY_FALLBACKS", "hunter2"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://u:hunter2@h/db"),
        ("DATABASE_URL", "postgres://u:x/hunter2@h/db"),
        ("SUPABASE_DB_PASSWORD", "hunter2"),
    ] {
        let error = config(&[(name, value)]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let config = config(&[
        ("DATABASE_URL", "postgres://u:hunter2@h/db"),
        ("SECRET_KEY", KEY),
        ("DOORWARD_SUPERUSER_PASSWORD", "hunter2"),
    ]);
    let printed = format!("{:?}", config.unwrap());
    assert!(!printed.contains("hunter2") && !printed.contains(KEY));
}

#[test]
fn a_bind_address_may_be_an_address_or_a_name() {
    for (text, expected) in [
        ("127.0.0.1:8000", Some(("127.0.0.1", 8000))),
        ("localhost:0", Some(("localhost", 0))),
        ("[::1]:8000", Some(("::1", 8000))),
        ("node-1.internal:65535", Some(("node-1.internal", 65535))),
        ("::1:8000", None),
        ("[::1]", None),
        ("[localhost]:80", None),
        ("localhost", None),
        (":8000", None),
        ("localhost:", None),
        ("localhost:+80", None),
        ("localhost:65536", None),
        ("http://localhost:80", None),
        ("local host:80", None),
    ] {
        let bind = config(&[("BIND", text)]).map(|config| config.http.bind);
        assert_eq!(bind.as_ref().ok().map(Bind::address), expected, "{text}");
        if let Ok(bind) = bind {
            assert_eq!(bind.to_string(), text);
        }
    }
}

#[test]
fn by_default_the_loopback_names_and_the_bound_address_are_answered_for() {
    for (bind, expected) in [
        ("localhost:8000", None),
        ("0.0.0.0:80", None),
        ("[::]:80", None),
        ("10.1.2.3:80", Some("10.1.2.3")),
        ("Node.internal:80", Some("node.internal")),
        ("[FE80::1]:80", Some("[fe80::1]")),
    ] {
        let hosts = config(&[("BIND", bind)]).unwrap().http.allowed_hosts;
        assert_eq!(hosts.get(3).map(String::as_str), expected, "{bind}");
    }
}

#[test]
fn a_wildcard_or_a_url_is_no_host() {
    for (list, part) in [
        ("*", "must name each host, not \"*\""),
        ("*.example.com", "must name each host"),
        (".example.com", "must name each host"),
        ("https://example.com", "\"https://example.com\" is none"),
        ("example.com/", "\"example.com/\" is none"),
        ("a.example,,b.example", "\"\" is none"),
        ("example.com:http", "is none"),
        ("::1", "is none"),
        ("two words", "is none"),
    ] {
        let line = &lines(&[("ALLOWED_HOSTS", list)])[0];
        assert!(line.contains(part), "{list}: {line}");
    }
}

#[test]
fn trusted_proxies_are_addresses_and_ranges_and_never_everybody() {
    let config = config(&[("TRUSTED_PROXIES", "10.0.0.0/8, ::1,192.0.2.7")]).unwrap();
    let proxies: Vec<_> = config
        .http
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128", "192.0.2.7/32"]);
    for (list, part) in [
        ("*", "\"*\" is none"),
        ("10.0.0.0/33", "\"10.0.0.0/33\" is none"),
        ("proxy.example.com", "is none"),
        ("10.0.0.1,,10.0.0.2", "\"\" is none"),
        ("0.0.0.0/0", "must name your proxies, not \"0.0.0.0/0\""),
        ("10.0.0.1, ::/0", "must name your proxies, not \"::/0\""),
    ] {
        let lines = lines(&[("TRUSTED_PROXIES", list)]);
        assert!(lines[0].starts_with("TRUSTED_PROXIES must"), "{}", lines[0]);
        assert!(lines[0].contains(part), "{list}: {}", lines[0]);
    }
}

#[test]
fn postgresql_needs_a_secret_key_and_the_embedded_database_does_not() {
    let lines = lines(&[("DATABASE_URL", "postgres://u:p@h/db")]);
    assert!(lines[0].starts_with("SECRET_KEY must be set with PostgreSQL"));
    let config = config(&[("DATABASE_URL", "sqlite:///srv/door/ward.db")]).unwrap();
    assert!(
        matches!(&config.keys.signing, KeySource::File(file) if file.path() == "/srv/door/secret.key")
    );
}

#[test]
fn a_secret_key_that_is_set_to_nothing_is_refused() {
    assert!(lines(&[("SECRET_KEY", "")])[0].starts_with("SECRET_KEY must be at least 32 bytes"));
    assert!(lines(&[("DATABASE_URL", "")])[0].starts_with("DATABASE_URL is empty"));
}

#[test]
fn anything_else_that_is_set_to_nothing_counts_as_not_set() {
    let values: Vec<_> = Variable::all()
        .iter()
        .map(|variable| (variable.name, ""))
        .filter(|(name, _)| !["SECRET_KEY", "DATABASE_URL"].contains(name))
        .filter(|(name, _)| !name.starts_with("SUPABASE"))
        .collect();
    let config = config(&values).unwrap();
    assert_eq!(config.http.bind, Bind::default());
}

#[test]
fn fallback_keys_are_a_list_and_a_weak_one_is_told_by_its_place() {
    let list = format!("{KEY}, {OTHER_KEY}");
    let keys = config(&[("SECRET_KEY_FALLBACKS", &list)]).unwrap().keys;
    assert_eq!(keys.fallbacks.len(), 2);
    let list = format!("{KEY},short");
    assert_eq!(
        lines(&[("SECRET_KEY_FALLBACKS", &list)]),
        ["SECRET_KEY_FALLBACKS must be at least 32 bytes long; its key 2 is too weak"]
    );
}

#[test]
fn the_ancestors_database_variables_are_taken_when_there_is_no_database_url() {
    let mut pairs = vec![
        ("SUPABASE_DB_NAME", "post/gres"),
        ("SUPABASE_DB_USER", "postgres.ab-c"),
        ("SUPABASE_DB_PASSWORD", "p@ss:w/rd?%#ü "),
        ("SUPABASE_DB_HOST", "db.example.com"),
        ("SECRET_KEY", KEY),
    ];
    assert_eq!(
        config(&pairs).unwrap().database.expose(),
        "postgres://postgres.ab-c:p%40ss%3Aw%2Frd%3F%25%23%C3%BC%20@db.example.com:5432/post%2Fgres"
    );
    pairs.push(("SUPABASE_DB_PORT", "6543"));
    let url = config(&pairs).unwrap().database.to_string();
    assert!(
        url.ends_with(":***@db.example.com:6543/post%2Fgres"),
        "{url}"
    );
    pairs.push(("DATABASE_URL", "sqlite://x.db"));
    assert_eq!(config(&pairs).unwrap().database.expose(), "sqlite://x.db");
}

#[test]
fn of_the_ancestors_database_variables_each_missing_one_is_told() {
    let told = lines(&[("SUPABASE_DB_USER", "u"), ("SUPABASE_DB_NAME", "")]);
    let names: Vec<_> = told
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "SUPABASE_DB_NAME",
            "SUPABASE_DB_PASSWORD",
            "SUPABASE_DB_HOST"
        ]
    );
    let told = lines(&[
        ("SUPABASE_DB_NAME", "n"),
        ("SUPABASE_DB_USER", "u"),
        ("SUPABASE_DB_PASSWORD", "p"),
        ("SUPABASE_DB_HOST", "https://h"),
    ]);
    assert!(told[0].starts_with("SUPABASE_DB_HOST must be a host name without scheme"));
}

#[test]
fn a_log_filter_is_a_level_or_a_list() {
    for (text, sound) in [
        ("debug", true),
        ("WARN", true),
        ("off", true),
        ("doorward", true),
        ("info,actix_server=warn,doorward::config=trace", true),
        ("inof", false),
        ("warning", false),
        ("9", false),
        ("=info", false),
        ("info,", false),
        ("doorward=", false),
        ("a b=info", false),
    ] {
        assert_eq!(config(&[("RUST_LOG", text)]).is_ok(), sound, "{text}");
    }
}

#[test]
fn a_redis_is_named_by_its_url_and_completed_by_three_more() {
    assert!(config(&[]).unwrap().redis.is_none());
    let redis = |variables: &[(&str, &str)]| {
        let redis = config(variables).unwrap().redis;
        redis.map(|redis| redis.place().unwrap())
    };
    let url = ("REDIS_URL", "redis://h");
    assert_eq!(redis(&[url]).as_deref(), Some("h:6379/0"));
    let port = ("REDIS_PORT", "7000");
    assert_eq!(redis(&[url, port]).as_deref(), Some("h:7000/0"));
    // What Compose passes on where nothing is set.
    let empty = [("REDIS_PASSWORD", ""), ("REDIS_PORT", "")];
    assert_eq!(redis(&empty), None);
    assert!(config(&empty).unwrap().warnings.is_empty());
    assert_eq!(
        config(&[("REDIS_PASSWORD", "p")]).unwrap().warnings,
        ["REDIS_PASSWORD has no effect without REDIS_URL"]
    );
}

#[test]
fn a_redis_that_cannot_be_meant_is_refused_by_name_without_its_password() {
    for (variables, named) in [
        (
            &[("REDIS_URL", "http://:geheim@h")][..],
            "REDIS_URL cannot be used: not a URL",
        ),
        (
            &[("REDIS_URL", "redis://:ge#heim@h")],
            "REDIS_URL cannot be used: ",
        ),
        (
            &[("REDIS_URL", "redis://h"), ("REDIS_PORT", "0")],
            "REDIS_PORT must be a port",
        ),
        (
            &[("REDIS_URL", "redis://h"), ("REDIS_CA_FILE", "/ca.pem")],
            "REDIS_CA_FILE cannot be used: a CA file belongs to a rediss:// URL",
        ),
        (
            &[
                ("REDIS_URL", "rediss://h"),
                ("REDIS_CA_FILE", "/nowhere/ca.pem"),
            ],
            "REDIS_CA_FILE cannot be used: the CA file /nowhere/ca.pem",
        ),
    ] {
        let told = config(variables).unwrap_err().to_string();
        assert!(told.starts_with(named), "{told}");
        assert!(!told.contains("heim"), "{told}");
    }
}

#[test]
fn a_variable_that_has_no_effect_is_told_at_the_start() {
    let warnings = config(&[("CELERY_BROKER_URL", "redis://h/0")])
        .unwrap()
        .warnings;
    assert!(warnings[0].starts_with("CELERY_BROKER_URL is set, but not needed"));
}

#[test]
fn a_metrics_token_is_long_enough_and_never_told() {
    for (token, is_good) in [
        ("0123456789abcdef", true),
        (" 0123456789abcdef ", true),
        ("0123456789abcde", false),
        ("0123456789 abcdef", false),
        ("0123456789abcdé\u{7f}", false),
    ] {
        match config(&[("METRICS_TOKEN", token)]) {
            Ok(config) => {
                let token = config.observed.metrics_token.unwrap();
                assert!(
                    is_good && secrecy::ExposeSecret::expose_secret(&token) == "0123456789abcdef"
                );
            }
            Err(errors) => {
                assert!(!is_good, "{token}");
                let told = errors.to_string();
                assert!(told.starts_with("METRICS_TOKEN must be"), "{told}");
                assert!(!told.contains("0123"), "{told}");
            }
        }
    }
    let none = config(&[("METRICS_TOKEN", " ")]).unwrap().observed;
    assert!(none.metrics_token.is_none() && none.otlp_endpoint.is_none());
}

#[test]
fn traces_go_to_a_url_of_http() {
    let endpoint = |text| {
        let read = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", text)]);
        read.ok().and_then(|config| config.observed.otlp_endpoint)
    };
    let base = Some("http://127.0.0.1:4318".to_owned());
    assert_eq!(endpoint("http://127.0.0.1:4318"), base);
    assert_eq!(endpoint("http://127.0.0.1:4318/"), base);
    assert!(endpoint("https://traces.example.com/otlp").is_some());
    for wrong in [
        "127.0.0.1:4318",
        "grpc://h:4317",
        "http://u:p@h",
        "http://h/?a",
        "x",
    ] {
        assert_eq!(endpoint(wrong), None, "{wrong}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let line = ["doorward", "--bcrypt-cost", "11"].map(Into::into);
    let flags = crate::cli::Cli::from_arguments(line).unwrap().flags;
    let file = DotEnv::parse(b"BCRYPT_COST=14\nSHUTDOWN_DELAY=7\nENVIRONMENT=file");
    let environment = |name: &str| match name {
        "BCRYPT_COST" => Some("13".to_owned()),
        "SHUTDOWN_DELAY" => Some("5".to_owned()),
        _ => None,
    };
    let config = Config::from_sources(&flags, environment, &file).unwrap();
    assert_eq!(config.passwords.bcrypt_cost, 11);
    assert_eq!(config.http.shutdown_delay, Duration::from_secs(5));
    assert_eq!(config.http.environment, "file");
}

#[test]
fn what_is_wrong_with_the_file_is_told_together_with_the_variables() {
    let file = DotEnv::parse(b"BCRYPT_COST=9\nnonsense");
    let errors = Config::from_sources(&Flags::default(), |_| None, &file).unwrap_err();
    let lines = errors.to_string();
    assert!(lines.contains(".env line 2 is not NAME=value\n"), "{lines}");
    assert!(lines.contains("BCRYPT_COST must be"), "{lines}");
}

#[test]
fn the_example_file_shows_every_variable_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example");
    let example = std::fs::read_to_string(path).unwrap();
    let shown: BTreeMap<_, _> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| !name.starts_with(' '))
        .collect();
    for variable in Variable::all() {
        let value = shown.get(variable.name);
        let value = value.unwrap_or_else(|| panic!("{} is missing", variable.name));
        let is_literal = !variable.default.contains(' ') && variable.default != "none";
        if is_literal {
            assert_eq!(*value, variable.default, "{}", variable.name);
        }
    }
    let names: Vec<_> = Variable::all()
        .iter()
        .map(|variable| variable.name)
        .collect();
    for name in shown.keys() {
        assert!(names.contains(name), "{name} is unknown");
    }
    assert!(
        example
            .lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    config(&[]).unwrap();
}

#[test]
fn the_readme_has_every_variable_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let told: Vec<&str> = readme
        .lines()
        .skip_while(|line| *line != "| variable | default | what it does |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let known: Vec<String> = Variable::all()
        .iter()
        .filter(|variable| variable.group != Group::Settings)
        .map(|it| format!("| `{}` | {} | {} |", it.name, it.default, it.help))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn https_has_a_pair_or_a_certificate_of_its_own_and_never_both() {
    let tls = |pairs: &[(&str, &str)]| config(pairs).unwrap().http.tls;
    assert_eq!(tls(&[]), None);
    assert_eq!(tls(&[("TLS_SELF_SIGNED", "no")]), None);
    let own = config(&[
        ("TLS_SELF_SIGNED", "yes"),
        ("ALLOWED_HOSTS", "a.example:8443,[::1],10.0.0.1,b_c.example"),
    ]);
    let http = own.unwrap().http;
    assert_eq!(
        (http.scheme(), &http.tls),
        ("https", &Some(TlsSource::SelfSigned))
    );
    assert_eq!(
        http.certificate_names(),
        ["localhost", "127.0.0.1", "::1", "a.example", "10.0.0.1"]
    );
    let pair = [("TLS_CERT", "a.crt"), ("TLS_KEY", "a.key")];
    assert!(matches!(
        tls(&pair),
        Some(TlsSource::Files(files)) if files.certificate == Path::new("a.crt") && files.key == Path::new("a.key")
    ));
    assert_eq!(
        lines(&pair[..1]),
        ["TLS_KEY must be set too where TLS_CERT is"]
    );
    assert_eq!(
        lines(&pair[1..]),
        ["TLS_CERT must be set too where TLS_KEY is"]
    );
    let both = [pair[0], pair[1], ("TLS_SELF_SIGNED", "true")];
    let told = lines(&both);
    assert!(
        told.len() == 1
            && told[0].starts_with("TLS_SELF_SIGNED must not be set together with TLS_CERT")
    );
}

#[test]
fn origins_are_named_one_by_one() {
    let origins = config(&[(
        "CORS_ALLOWED_ORIGINS",
        "https://App.example:443, http://[::1]:3000",
    )]);
    let origins = origins.unwrap().http.cors_allowed_origins;
    assert_eq!(origins, ["https://app.example", "http://[::1]:3000"]);
    for wrong in [
        "*",
        "https://*.example",
        "null",
        "app.example",
        "https://app.example/",
        "https://app.example,",
    ] {
        let told = lines(&[("CORS_ALLOWED_ORIGINS", wrong)]);
        assert!(
            told.len() == 1 && told[0].starts_with("CORS_ALLOWED_ORIGINS must "),
            "{told:?}"
        );
    }
}
