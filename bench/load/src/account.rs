//! Accounts and sessions for the requests.

use crate::http::{Answer, Connection, Failure, Request};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// For setting up, which others may slow down.
pub(crate) const BUSY_PATIENCE: Duration = Duration::from_mins(1);
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// What logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// A live session.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tokens {
    #[serde(rename = "access_token")]
    pub(crate) access: String,
    #[serde(rename = "refresh_token")]
    pub(crate) refresh: String,
}

/// The account, as its owner sees it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Profile {
    pub(crate) id: Uuid,
    pub(crate) username: String,
    pub(crate) email: String,
}

/// An account that is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) account: Account,
    pub(crate) profile: Profile,
    pub(crate) tokens: Tokens,
}

#[derive(Deserialize)]
struct LoggedIn {
    #[serde(flatten)]
    tokens: Tokens,
    user: Profile,
}

impl Account {
    /// One that nobody has yet.
    pub(crate) fn new() -> Self {
        let name = Uuid::new_v4().simple().to_string();
        Self {
            email: format!("{name}@example.com"),
            username: format!("load{name}"),
            password: unlike(&Uuid::new_v4()),
        }
    }

    pub(crate) fn registration(&self) -> String {
        json!({ "username": self.username, "email": self.email, "password": self.password })
            .to_string()
    }

    pub(crate) fn credentials(&self) -> String {
        json!({ "email": self.email, "password": self.password }).to_string()
    }

    /// One line of a file.
    pub(crate) fn to_line(&self) -> String {
        format!("{} {} {}\n", self.username, self.email, self.password)
    }

    /// The counterpart of [`Self::to_line`].
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Self {
            username: words.next()?,
            email: words.next()?,
            password: words.next()?,
        })
    }

    /// Whether this is the answer to its registration.
    pub(crate) fn is_made_by(&self, answer: &Answer<'_>) -> bool {
        serde_json::from_slice(answer.body).is_ok_and(|profile| self.has(&profile))
    }

    /// The tokens in the answer to its login, if that is what it is.
    pub(crate) fn tokens_of(&self, answer: &Answer<'_>) -> Option<Tokens> {
        let answer: LoggedIn = serde_json::from_slice(answer.body).ok()?;
        (self.has(&answer.user) && answer.tokens.are_there()).then_some(answer.tokens)
    }

    fn has(&self, profile: &Profile) -> bool {
        profile.username == self.username && profile.email == self.email
    }
}

impl Tokens {
    /// Those in the answer to a refresh, if they are the next ones.
    pub(crate) fn successor(&self, answer: &Answer<'_>) -> Option<Self> {
        let next: Self = serde_json::from_slice(answer.body).ok()?;
        (next.are_there() && next.refresh != self.refresh).then_some(next)
    }

    fn are_there(&self) -> bool {
        !self.access.is_empty() && !self.refresh.is_empty()
    }
}

/// A random password of letters that hardly occur in names and addresses made of hexadecimal digits, or else the server
/// would call it too similar to them.
fn unlike(random: &Uuid) -> String {
    let digits = random.simple().to_string();
    let letter = |digit: char| {
        let place = digit.to_digit(16).unwrap_or_default() % 8;
        "GHKQUVWZ"
            .chars()
            .nth(usize::try_from(place).unwrap_or_default())
    };
    digits.chars().filter_map(letter).collect()
}

/// Asks until the server has time for it.
async fn ask(connection: &mut Connection, request: Request<'_>) -> Result<u16, Failure> {
    let began = Instant::now();
    loop {
        let status = connection.ask(&request).await?.status;
        if status != 503 || began.elapsed() > BUSY_PATIENCE {
            return Ok(status);
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// Makes an account.
///
/// # Errors
/// When the server does not.
pub(crate) async fn register(connection: &mut Connection) -> anyhow::Result<Account> {
    let account = Account::new();
    let body = account.registration();
    let status = ask(connection, Request::post("/api/v1/user/create").body(&body)).await?;
    if status != 201 {
        bail!("an account cannot be made: {status}");
    }
    Ok(account)
}

/// Makes an account and logs in.
///
/// # Errors
/// When the server does not let it.
pub(crate) async fn join(connection: &mut Connection) -> anyhow::Result<Member> {
    let account = register(connection).await?;
    let tokens = login(connection, &account).await?;
    let profile = profile(connection, &tokens.access).await?;
    Ok(Member {
        account,
        profile,
        tokens,
    })
}

/// Logs in.
///
/// # Errors
/// When the server does not let it.
pub(crate) async fn login(
    connection: &mut Connection,
    account: &Account,
) -> anyhow::Result<Tokens> {
    let body = account.credentials();
    let began = Instant::now();
    loop {
        let request = Request::post("/api/v1/user/login").body(&body);
        let answer = connection.ask(&request).await?;
        match answer.status {
            200 => return account.tokens_of(&answer).context("a login has no tokens"),
            503 if began.elapsed() < BUSY_PATIENCE => {}
            status => bail!("a login is refused: {status}"),
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// Asks who the token belongs to.
///
/// # Errors
/// When it does not belong to this account.
pub(crate) async fn profile(connection: &mut Connection, access: &str) -> anyhow::Result<Profile> {
    let request = Request::get("/api/v1/user/me").bearer(access);
    let answer = connection.ask(&request).await?;
    if answer.status != 200 {
        bail!("a fresh token is refused: {}", answer.status);
    }
    serde_json::from_slice(answer.body).context("a profile is not one")
}

/// Ends the session.
///
/// # Errors
/// When the server does not.
pub(crate) async fn logout(connection: &mut Connection, tokens: &Tokens) -> anyhow::Result<()> {
    let request = Request::post("/api/v1/user/logout")
        .bearer(&tokens.access)
        .refresh(&tokens.refresh);
    match ask(connection, request).await? {
        200 => Ok(()),
        status => bail!("a logout is refused: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_survives_its_line() {
        let account = Account::new();
        assert_eq!(
            Account::from_line(account.to_line().trim_end()),
            Some(account)
        );
        assert_eq!(Account::from_line("too short"), None);
    }

    #[test]
    fn only_the_right_answer_is_taken() {
        let account = Account::new();
        let answer = |body: &'static str| Answer {
            status: 200,
            has_retry_after: false,
            body: body.as_bytes(),
        };
        for body in ["", "{}", r#"{"id": "x"}"#] {
            assert!(!account.is_made_by(&answer(body)), "{body}");
            assert!(account.tokens_of(&answer(body)).is_none(), "{body}");
        }
        let tokens = Tokens {
            access: "a".to_owned(),
            refresh: "r".to_owned(),
        };
        let same = answer(r#"{"access_token": "b", "refresh_token": "r"}"#);
        assert!(tokens.successor(&same).is_none());
        let next = answer(r#"{"access_token": "b", "refresh_token": "s"}"#);
        assert_eq!(tokens.successor(&next).unwrap().refresh, "s");
    }
}
