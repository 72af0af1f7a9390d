//! Tokens whose headers would have a server fetch the key that verifies them.

use crate::support::{SECRET_KEY, TestApp, claims};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use std::io::ErrorKind;
use std::net::TcpListener;

#[tokio::test]
async fn no_token_makes_the_server_connect_to_anywhere() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let keys = TcpListener::bind("127.0.0.1:0").unwrap();
    keys.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", keys.local_addr().unwrap());
    let own = json!({ "kty": "oct", "k": "AAAA", "alg": "HS256" });
    let own: Jwk = serde_json::from_value(own).unwrap();
    let plain = Header::new(Algorithm::HS256);
    for header in [
        Header {
            jku: Some(url.clone()),
            ..plain.clone()
        },
        Header {
            x5u: Some(url.clone()),
            ..plain.clone()
        },
        Header {
            kid: Some(url.clone()),
            ..plain.clone()
        },
        Header {
            jwk: Some(own),
            ..plain.clone()
        },
        Header {
            cty: Some(url.clone()),
            ..plain.clone()
        },
    ] {
        for token in [&ada.access, &ada.refresh] {
            let key = EncodingKey::from_secret(SECRET_KEY.as_bytes());
            let token = jsonwebtoken::encode(&header, &claims(token), &key).unwrap();
            let me = app.anon().with_token(&token).me().await;
            me.problem(401, "token_not_valid");
            let refreshed = app.anon().refresh(&token).await;
            refreshed.problem(401, "token_not_valid");
        }
    }
    let came = keys.accept().map_err(|error| error.kind());
    assert_eq!(came.err(), Some(ErrorKind::WouldBlock));
    ada.me().await.expect(200);
}
