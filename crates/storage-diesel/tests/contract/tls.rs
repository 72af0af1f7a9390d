//! TLS to a real server, which is given a certificate of our own authority for 127.0.0.1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{Bool, Double};
use diesel::{Connection, PgConnection, RunQueryDsl};
use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{DatabaseUrl, migration_status};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The authority whose certificate the server has, and another one.
struct Authorities {
    _folder: TempDir,
    right: PathBuf,
    wrong: PathBuf,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Once for all tests: there is one server.
fn authorities(database: &TestDatabase) -> &'static Authorities {
    static AUTHORITIES: OnceLock<Authorities> = OnceLock::new();
    AUTHORITIES.get_or_init(|| {
        let (right, wrong) = (authority(), authority());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &right).unwrap();
        switch_tls_on(database.url(), &certificate.pem(), &key.serialize_pem());
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, pem: String| {
            let file = folder.path().join(name);
            std::fs::write(&file, pem).unwrap();
            file
        };
        Authorities {
            right: write("right.pem", right.pem()),
            wrong: write("wrong.pem", wrong.pem()),
            _folder: folder,
        }
    })
}

fn switch_tls_on(url: &str, certificate: &str, key: &str) {
    let mut server = PgConnection::establish(url).unwrap();
    let write = |name: &str, pem: &str| {
        let pem = STANDARD.encode(pem);
        format!("COPY (SELECT '{pem}') TO PROGRAM 'base64 -d > {name} && chmod 600 {name}'")
    };
    let loaded = "SELECT extract(epoch FROM pg_conf_load_time())::float8";
    let loaded_at =
        |server: &mut PgConnection| -> f64 { sql::<Double>(loaded).get_result(server).unwrap() };
    let before = loaded_at(&mut server);
    for statement in [
        write("server.crt", certificate),
        write("server.key", key),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        server.batch_execute(&statement).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while loaded_at(&mut PgConnection::establish(url).unwrap()) <= before {
        assert!(
            Instant::now() < deadline,
            "the server does not switch TLS on"
        );
    }
}

/// What connecting with these parameters comes to.
fn connect(database: &TestDatabase, parameters: &str) -> Result<(), String> {
    let url = DatabaseUrl::parse(&format!("{}&{parameters}", database.url())).unwrap();
    migration_status(&url)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn a_connection_is_encrypted_where_the_url_demands_it() {
    let database = TestDatabase::postgres_itself();
    let roots = authorities(&database);
    let right = roots.right.display();
    for parameters in [
        "sslmode=require".to_owned(),
        format!("sslmode=verify-ca&sslrootcert={right}"),
        format!("sslmode=verify-full&sslrootcert={right}"),
    ] {
        assert_eq!(connect(&database, &parameters), Ok(()), "{parameters}");
    }
}

#[test]
fn a_server_that_is_not_whom_the_url_demands_is_refused_with_a_reason() {
    let database = TestDatabase::postgres_itself();
    let roots = authorities(&database);
    let (right, wrong) = (roots.right.display(), roots.wrong.display());
    for (parameters, reason) in [
        (
            format!("sslmode=require&sslrootcert={wrong}"),
            "invalid peer certificate",
        ),
        (
            format!("sslmode=verify-ca&sslrootcert={wrong}"),
            "invalid peer certificate",
        ),
        (
            format!("sslmode=verify-full&sslrootcert={wrong}"),
            "invalid peer certificate",
        ),
        (
            format!("sslmode=verify-full&host=localhost&sslrootcert={right}"),
            "not valid for name",
        ),
        (
            "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(),
            "cannot be read",
        ),
    ] {
        let refused = connect(&database, &parameters).unwrap_err();
        assert!(refused.contains(reason), "{parameters}: {refused}");
    }
    let by_other_name = format!("sslmode=verify-ca&host=localhost&sslrootcert={right}");
    assert_eq!(connect(&database, &by_other_name), Ok(()));
}

#[test]
fn the_server_sees_an_encrypted_connection_of_a_store() {
    let database = TestDatabase::postgres_itself();
    authorities(&database);
    let url = format!(
        "{}&sslmode=require&application_name=doorward-tls-test",
        database.url()
    );
    let store = doorward_storage_diesel::DieselStore::open(
        &DatabaseUrl::parse(&url).unwrap(),
        &doorward_storage_diesel::StoreConfig::default(),
    );
    let _store = store.unwrap();
    let mut server = PgConnection::establish(database.url()).unwrap();
    let query = "SELECT coalesce(bool_and(ssl), false) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'doorward-tls-test'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while !sql::<Bool>(query).get_result::<bool>(&mut server).unwrap() {
        assert!(
            Instant::now() < deadline,
            "no encrypted connection is there"
        );
    }
}
