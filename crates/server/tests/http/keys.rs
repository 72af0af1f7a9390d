//! Key pairs: what is published of them, and tokens under them.

use crate::support::{Response, Setup, TestApp, User, claims, forgeries};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_domain::{JwtAlgorithm, KeyAlgorithm};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

const JWKS: &str = "/.well-known/jwks.json";

async fn signing_with(algorithm: KeyAlgorithm) -> TestApp {
    let setup = Setup::new().jwt_algorithm(JwtAlgorithm::KeyPair(algorithm));
    setup.start().await
}

async fn jwks(app: &TestApp) -> Response {
    app.anon().get(JWKS).await.expect(200)
}

/// What another service makes of the token, which knows nothing but the published keys.
fn verified_by_others(set: &Value, token: &str) -> Option<Value> {
    let set: JwkSet = serde_json::from_value(set.clone()).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = set.find(&header.kid?)?;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false; // the clock of the test is not that of the library
    let read = jsonwebtoken::decode::<Value>(token, &key, &validation);
    Some(read.unwrap().claims)
}

#[tokio::test]
async fn with_the_secret_key_no_public_key_is_published() {
    let app = TestApp::start().await;
    let answer = jwks(&app).await;
    assert_eq!(answer.json(), json!({ "keys": [] }));
    let user = app.user("ada").await;
    let header = user.access.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    assert_eq!(header, br#"{"alg":"HS256","typ":"JWT"}"#);
}

#[tokio::test]
async fn the_published_keys_verify_our_tokens_and_tell_nothing_private() {
    for (algorithm, kty, members) in [
        (KeyAlgorithm::EdDsa, "OKP", vec!["crv", "x"]),
        (KeyAlgorithm::Es256, "EC", vec!["crv", "x", "y"]),
        (KeyAlgorithm::Rs256, "RSA", vec!["e", "n"]),
    ] {
        let app = signing_with(algorithm).await;
        let user = app.user("ada").await;
        let set = jwks(&app).await.json();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "the one that signs, and the next");
        for key in keys {
            let mut expected = members.clone();
            expected.extend(["alg", "kid", "kty", "use"]);
            crate::support::assert_fields(key, &expected);
            assert_eq!(key["kty"], kty);
            assert_eq!(key["alg"], algorithm.as_str());
            assert_eq!(key["use"], "sig");
        }
        for token in [&user.access, &user.refresh] {
            assert_eq!(verified_by_others(&set, token), Some(claims(token)));
        }
        app.anon().with_token(&user.access).me().await.expect(200);
    }
}

#[tokio::test]
async fn the_published_keys_may_be_kept_for_five_minutes_and_asked_for_again_by_their_tag() {
    let app = signing_with(KeyAlgorithm::EdDsa).await;
    let answer = jwks(&app).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let tag = answer.header("etag").unwrap().to_owned();
    let again = app.anon().get(JWKS).header("If-None-Match", &tag).await;
    let again = again.expect(304);
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    rotate(&app).await;
    let changed = app.anon().get(JWKS).header("If-None-Match", &tag).await;
    let changed = changed.expect(200);
    assert_eq!(changed.json()["keys"].as_array().unwrap().len(), 3);
    app.anon().get("/.well-known/jwks.json/").await.expect(200);
}

async fn rotate(app: &TestApp) {
    app.on_server(|application| {
        Box::pin(async move {
            let keys = &application.services().signing_keys;
            keys.rotate(true).await.expect("a rotation");
        })
    })
    .await;
}

#[tokio::test]
async fn a_rotation_is_in_force_on_every_node_and_logs_nobody_out() {
    let here = signing_with(KeyAlgorithm::Es256).await;
    let there = here.second_node().await;
    let before = here.user("ada").await;
    rotate(&here).await;
    let after = here.login("ada").await;
    // The other node has read the key before it signed.
    let accepts = async |app: &TestApp, user: &User| {
        app.anon().with_token(&user.access).me().await.expect(200);
    };
    accepts(&there, &after).await;
    accepts(&there, &before).await;
    let kid = |user: &User| jsonwebtoken::decode_header(&user.access).unwrap().kid;
    assert_ne!(kid(&before), kid(&after));
    crate::support::until(
        "it signs with the new key",
        std::time::Duration::from_secs(5),
        async || kid(&there.login("ada").await) == kid(&after),
    )
    .await;
    there.anon().refresh(&before.refresh).await.expect(200);
}

#[tokio::test]
async fn forged_tokens_are_refused_under_every_algorithm() {
    for algorithm in KeyAlgorithm::ALL {
        let app = signing_with(algorithm).await;
        let user = app.user("ada").await;
        let set = jwks(&app).await.json();
        let mut forged = forgeries(&user.access);
        // The public key, in every form in which a stranger may have it, as a shared one.
        let kid = jsonwebtoken::decode_header(&user.access).unwrap().kid;
        let keys = set["keys"].as_array().unwrap();
        let key = keys
            .iter()
            .find(|key| key["kid"].as_str() == kid.as_deref());
        for secret in [key.unwrap().to_string(), set.to_string()] {
            let secret = EncodingKey::from_secret(secret.as_bytes());
            for kid in [None, kid.clone()] {
                let mut header = Header::new(Algorithm::HS256);
                header.kid = kid;
                let token = jsonwebtoken::encode(&header, &claims(&user.access), &secret);
                forged.push(("a public key as a shared one".to_owned(), token.unwrap()));
            }
        }
        for (trick, token) in forged {
            let answer = app.anon().with_token(&token).me().await;
            assert_eq!(answer.status, 401, "{algorithm}: {trick}");
        }
        app.anon().with_token(&user.access).me().await.expect(200);
    }
}
