use super::*;
use async_trait::async_trait;

/// Says the same of every name.
struct Says(Vec<&'static str>);

#[async_trait]
impl Resolver for Says {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, Refused> {
        Ok(self.0.iter().map(|text| text.parse().unwrap()).collect())
    }
}

async fn vetted(url: &str, found: &[&'static str], allow: &str) -> Result<Vec<String>, Refused> {
    let allow = if allow.is_empty() {
        AllowList::default()
    } else {
        allow.parse().unwrap()
    };
    let addresses = Target::parse(url)?
        .vetted(&Says(found.to_vec()), &allow)
        .await?;
    Ok(addresses.iter().map(ToString::to_string).collect())
}

#[test]
fn a_url_is_taken_apart() {
    let target = Target::parse("HTTPS://Hooks.Example.com.:8443/a%20b/../c?d=e#f").unwrap();
    assert!(target.is_tls);
    assert_eq!(target.host, Host::Domain("hooks.example.com".to_owned()));
    assert_eq!(target.authority, "hooks.example.com:8443");
    assert_eq!((target.port, target.path.as_str()), (8443, "/c?d=e"));
    let target = Target::parse("http://[2606:4700::1111]").unwrap();
    assert!(!target.is_tls);
    assert_eq!(target.authority, "[2606:4700::1111]");
    assert_eq!((target.port, target.path.as_str()), (80, "/"));
    let target = Target::parse("https://bücher.example/ä?ö").unwrap();
    assert_eq!(target.authority, "xn--bcher-kva.example");
    assert_eq!((target.port, target.path.as_str()), (443, "/%C3%A4?%C3%B6"));
}

#[test]
fn a_url_that_is_too_long_or_goes_to_a_port_of_others_is_refused() {
    let of_length = |length: usize| format!("http://a.example/{}", "x".repeat(length - 17));
    assert!(Target::parse(&of_length(MAX_URL)).is_ok());
    assert_eq!(Target::parse(&of_length(MAX_URL + 1)), Err(Refused));
    for (port, is_open) in [
        (0, false),
        (22, false),
        (25, false),
        (80, true),
        (81, false),
        (443, true),
        (1023, false),
        (1024, true),
        (65535, true),
    ] {
        let target = Target::parse(&format!("http://a.example:{port}/"));
        assert_eq!(target.is_ok(), is_open, "{port}");
    }
}

#[tokio::test]
async fn every_address_of_a_name_has_to_be_allowed() {
    let url = "https://hooks.example.com/";
    assert_eq!(
        vetted(url, &["8.8.8.8", "2606:4700::1111"], "").await,
        Ok(vec![
            "8.8.8.8:443".to_owned(),
            "[2606:4700::1111]:443".to_owned()
        ])
    );
    for found in [
        &[][..],
        &["127.0.0.1"],
        &["8.8.8.8", "10.0.0.1"],
        &["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "::1"],
        &["::ffff:8.8.8.8"],
    ] {
        assert_eq!(vetted(url, found, "").await, Err(Refused), "{found:?}");
    }
    let many = ["1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"];
    assert_eq!(vetted(url, &many, "").await.unwrap().len(), MAX_ADDRESSES);
}

#[tokio::test]
async fn what_the_operator_allows_is_allowed_and_nothing_else() {
    let url = "http://hooks.intern:8080/";
    let at = |address: &str| Ok(vec![format!("{address}:8080")]);
    assert_eq!(
        vetted(url, &["10.0.0.7"], "10.0.0.0/8").await,
        at("10.0.0.7")
    );
    assert_eq!(
        vetted(url, &["10.0.0.7"], "hooks.intern").await,
        at("10.0.0.7")
    );
    assert_eq!(vetted(url, &["8.8.8.8"], "10.0.0.0/8").await, at("8.8.8.8"));
    for allow in ["10.0.1.0/24", "intern", "x.hooks.intern", "10.0.0.8"] {
        assert_eq!(vetted(url, &["10.0.0.7"], allow).await, Err(Refused));
    }
    let both = ["10.0.0.7", "192.168.0.1"];
    assert_eq!(vetted(url, &both, "10.0.0.0/8").await, Err(Refused));
    let literal = "http://127.0.0.1:8080/";
    assert_eq!(vetted(literal, &[], "127.0.0.0/8").await, at("127.0.0.1"));
    assert_eq!(vetted(literal, &[], "localhost").await, Err(Refused));
}

#[tokio::test]
async fn localhost_is_loopback_whatever_a_resolver_says() {
    for url in [
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
    ] {
        assert_eq!(vetted(url, &["8.8.8.8"], "").await, Err(Refused), "{url}");
    }
    let found = vetted("http://localhost/", &[], "localhost").await;
    assert_eq!(found.unwrap(), ["127.0.0.1:80", "[::1]:80"]);
}
