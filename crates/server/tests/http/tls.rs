//! HTTPS.

use crate::support::{PASSWORD, Session, Setup, TestApp, until};
use doorward::net::tls::TlsFiles;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn under_tls_every_answer_tells_browsers_to_stay_there() {
    let app = Setup::new().tls().start().await;
    let ada = app.user("ada").await;
    for answer in [
        ada.me().await.expect(200),
        app.anon().me().await.expect(401),
        app.anon().get("/nothing").await.expect(404),
        app.anon().request("PUT", "/livez").await.expect(405),
        app.anon().login("ada", PASSWORD).await.expect(200),
    ] {
        let told = answer.header("strict-transport-security");
        assert_eq!(told, Some("max-age=31536000"), "{answer}");
    }
    let plain = TestApp::start().await;
    let answer = plain.anon().get("/livez").await;
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[tokio::test]
async fn plain_http_on_a_port_with_tls_gets_no_answer() {
    let app = Setup::new().tls().start().await;
    let answer = app
        .raw("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(!answer.as_str().contains("HTTP/"), "{answer:?}");
    app.anon().get("/livez").await.expect(200);
}

fn lay_pair(files: &TlsFiles) -> Vec<u8> {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&files.certificate, pair.cert.pem()).unwrap();
    std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
    let for_the_owner = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&files.key, for_the_owner).unwrap();
    pair.cert.der().to_vec()
}

fn files_in(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

#[tokio::test]
async fn another_pair_is_shown_to_those_who_come_and_nobody_is_disconnected() {
    let folder = tempfile::tempdir().unwrap();
    let files = files_in(folder.path());
    let first = lay_pair(&files);
    let app = Setup::new().tls_files(files.clone()).start().await;
    let early = Session::open(app.address).await;
    assert_eq!(early.certificate, first);
    assert_eq!(early.get("https://localhost/livez").await.0, 200);

    let second = lay_pair(&files);
    let is_new = || async { Session::open(app.address).await.certificate == second };
    until("the new pair is shown", Duration::from_secs(20), is_new).await;
    assert_eq!(early.get("https://localhost/livez").await.0, 200);

    std::fs::write(&files.certificate, "broken").unwrap();
    let late = Session::open(app.address).await;
    assert_eq!(late.certificate, second);
}

/// The greeting of a client that knows nothing newer than `version`, and offers a cipher suite that is good for all.
fn greeting(version: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    // No session, ECDHE-ECDSA and ECDHE-RSA with AES, no compression; the curve, the form of its points, the signature.
    hello.extend([
        0, 0, 8, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x09, 0xc0, 0x13, 1, 0,
    ]);
    let extensions = [
        0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3,
    ];
    hello.extend([0, 22]);
    hello.extend(extensions);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    const HANDSHAKE: u8 = 22;
    const PROTOCOL_VERSION: [u8; 7] = [21, 3, 3, 0, 2, 2, 70];
    let app = Setup::new().tls().start().await;
    for old in [[3, 0], [3, 1], [3, 2]] {
        assert_eq!(
            first_bytes(&app, &greeting(old)),
            PROTOCOL_VERSION,
            "{old:?}"
        );
    }
    let newer = first_bytes(&app, &greeting([3, 3]));
    assert_eq!(newer[0], HANDSHAKE, "1.2 is spoken: {newer:?}");
}

fn first_bytes(app: &TestApp, sent: &[u8]) -> [u8; 7] {
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.write_all(sent).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    answer
}
