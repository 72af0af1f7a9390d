//! Tokens as services give them, and as forgers make them.

use super::{PASSWORD, SECRET_KEY, TestApp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_domain::Origin;
use doorward_services::auth::Login;
use doorward_services::tokens::TokenPair;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

impl TestApp {
    /// A session without the routes, which give a refresh token in its signed form alone.
    pub(crate) async fn pair(&self, name: &str) -> TokenPair {
        let login = Login {
            username: Some(name.to_owned()),
            email: None,
            password: PASSWORD.to_owned().into(),
            origin: Origin::default(),
        };
        self.on_server(move |application| {
            Box::pin(async move {
                let signed_in = application.services().auth.login(login).await;
                signed_in.expect("a login").tokens
            })
        })
        .await
    }

    /// The next pair, likewise.
    pub(crate) async fn next_pair(&self, pair: &TokenPair) -> TokenPair {
        let token = pair.refresh_token.clone();
        self.on_server(move |application| {
            Box::pin(async move {
                let next = application
                    .services()
                    .auth
                    .refresh(&token, Origin::default())
                    .await;
                next.expect("a refresh")
            })
        })
        .await
    }
}

/// What a token says, signed or not.
pub(crate) fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("three parts");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

/// Tokens that say what `good` says and that nobody but a forger has made, each with the name of the trick.
pub(crate) fn forgeries(good: &str) -> Vec<(String, String)> {
    let says = claims(good);
    let parts: Vec<_> = good.split('.').collect();
    let mut forged = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
        for signature in ["", parts[2]] {
            let token = format!("{header}.{}.{signature}", parts[1]);
            forged.push((format!("alg {alg}, signature {signature:?}"), token));
        }
    }
    let sign = |algorithm, key: &str| {
        let key = EncodingKey::from_secret(key.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &says, &key).expect("a token")
    };
    let other_key = "another key, which is 32 bytes long and more";
    forged.push(("another key".into(), sign(Algorithm::HS256, other_key)));
    forged.push(("no key".into(), sign(Algorithm::HS256, "")));
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        forged.push((format!("{algorithm:?}"), sign(algorithm, SECRET_KEY)));
    }
    let mut richer = Header::new(Algorithm::HS256);
    richer.kid = Some("../../../../dev/null".to_owned());
    let key = EncodingKey::from_secret(b"");
    let token = jsonwebtoken::encode(&richer, &says, &key).expect("a token");
    forged.push(("a kid".into(), token));
    let mut exalted = says.clone();
    exalted["role"] = json!("owner");
    let exalted = URL_SAFE_NO_PAD.encode(exalted.to_string());
    let token = format!("{}.{exalted}.{}", parts[0], parts[2]);
    forged.push(("other claims".into(), token));
    for length in [0, 1, good.len() / 2, good.len() - 43, good.len() - 1] {
        forged.push((
            format!("cut to {length}"),
            good.chars().take(length).collect(),
        ));
    }
    forged.push(("longer".into(), format!("{good}A")));
    forged.push(("two signatures".into(), format!("{good}.{}", parts[2])));
    forged
}
