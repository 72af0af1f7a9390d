//! What a connection asks, and whether the answer is right.

use crate::account::{Account, Member, Tokens};
use crate::cli::Scenario;
use crate::http::{Answer, Request};
use crate::junk;

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The one that was asked for.
    Right,
    /// An honest refusal or error.
    Refused,
    /// It says what is not so.
    Wrong,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Me,
    Users,
    Refresh,
    Login,
    Register,
    Revoked,
    Junk,
}

/// Asks over one connection.
#[derive(Debug)]
pub(crate) struct Asker {
    scenario: Scenario,
    turn: u32,
    kind: Kind,
    account: Account,
    id: String,
    tokens: Tokens,
    users: String,
    body: String,
    key: String,
    /// Accounts whose registration was acknowledged.
    pub(crate) registered: Vec<Account>,
}

impl Asker {
    pub(crate) fn new(scenario: Scenario, turn: u32, member: Member, limit: u32) -> Self {
        Self {
            scenario,
            turn,
            kind: Kind::Me,
            id: format!(r#""id":"{}""#, member.profile.id),
            body: member.account.credentials(),
            account: member.account,
            tokens: member.tokens,
            users: format!("/api/v1/users?limit={limit}"),
            key: String::new(),
            registered: Vec::new(),
        }
    }

    /// Goes on to the next request.
    pub(crate) fn advance(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.kind = match self.scenario {
            Scenario::Me => Kind::Me,
            Scenario::Users => Kind::Users,
            Scenario::Refresh => Kind::Refresh,
            Scenario::Login => Kind::Login,
            Scenario::Register => Kind::Register,
            Scenario::Revoked => Kind::Revoked,
            Scenario::Junk | Scenario::Forged => Kind::Junk,
            // Of every ten, one is for the list and one refreshes.
            Scenario::Mixed => match self.turn % 10 {
                3 => Kind::Users,
                7 => Kind::Refresh,
                _ => Kind::Me,
            },
        };
        if let Kind::Register = self.kind {
            self.account = Account::new();
            self.body = self.account.registration();
        }
        if let Kind::Junk = self.kind {
            self.key = match (self.scenario, self.turn % 2) {
                (Scenario::Forged, _) => junk::forged_key(),
                (_, 0) => junk::no_key(),
                _ => junk::misspelt_key(),
            };
        }
    }

    /// The request whose turn it is.
    pub(crate) fn request(&self) -> Request<'_> {
        match self.kind {
            Kind::Me | Kind::Revoked => Request::get("/api/v1/user/me").bearer(&self.tokens.access),
            Kind::Junk => Request::get("/api/v1/user/me").api_key(&self.key),
            Kind::Users => Request::get(&self.users),
            Kind::Refresh => Request::post("/api/v1/user/refresh").refresh(&self.tokens.refresh),
            Kind::Login => Request::post("/api/v1/user/login").body(&self.body),
            Kind::Register => Request::post("/api/v1/user/create").body(&self.body),
        }
    }

    /// Looks at its answer.
    pub(crate) fn judge(&mut self, answer: &Answer<'_>) -> Verdict {
        let is_right = match (self.kind, answer.status) {
            (Kind::Me, 200) => contains(answer.body, self.id.as_bytes()),
            (Kind::Users, 200) => {
                answer.body.starts_with(br#"[{"id":""#) && answer.body.ends_with(b"}]")
            }
            (Kind::Refresh, 200) => match self.tokens.successor(answer) {
                Some(tokens) => {
                    self.tokens = tokens;
                    true
                }
                None => false,
            },
            (Kind::Login, 200) => self.account.tokens_of(answer).is_some(),
            (Kind::Register, 201) => {
                self.registered.push(self.account.clone());
                self.account.is_made_by(answer)
            }
            (Kind::Revoked | Kind::Junk, 401) => true,
            (Kind::Revoked, 503) | (_, 400..) => return Verdict::Refused,
            _ => false,
        };
        if is_right {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Profile;
    use uuid::Uuid;

    fn asker(scenario: Scenario) -> Asker {
        let account = Account::new();
        let profile = Profile {
            id: Uuid::nil(),
            username: account.username.clone(),
            email: account.email.clone(),
        };
        let tokens = Tokens {
            access: "a".to_owned(),
            refresh: "r".to_owned(),
        };
        let member = Member {
            account,
            profile,
            tokens,
        };
        let mut asker = Asker::new(scenario, 0, member, 50);
        asker.advance();
        asker
    }

    fn judge(asker: &mut Asker, status: u16, body: &str) -> Verdict {
        asker.judge(&Answer {
            status,
            has_retry_after: true,
            body: body.as_bytes(),
        })
    }

    #[test]
    fn an_answer_about_somebody_else_is_wrong() {
        let mut me = asker(Scenario::Me);
        let body = format!(r#"{{"id":"{}"}}"#, Uuid::nil());
        assert_eq!(judge(&mut me, 200, &body), Verdict::Right);
        assert_eq!(
            judge(&mut me, 200, &format!(r#"{{"id":"{}"}}"#, Uuid::max())),
            Verdict::Wrong
        );
        assert_eq!(judge(&mut me, 503, "{}"), Verdict::Refused);
        assert_eq!(judge(&mut me, 204, ""), Verdict::Wrong);
    }

    #[test]
    fn a_revoked_token_that_works_is_wrong() {
        let mut revoked = asker(Scenario::Revoked);
        assert_eq!(judge(&mut revoked, 401, "{}"), Verdict::Right);
        assert_eq!(judge(&mut revoked, 503, "{}"), Verdict::Refused);
        assert_eq!(judge(&mut revoked, 200, "{}"), Verdict::Wrong);
    }

    #[test]
    fn a_key_that_is_none_and_works_is_wrong() {
        for scenario in [Scenario::Junk, Scenario::Forged] {
            let mut junk = asker(scenario);
            let first = junk.request().api_key.map(str::to_owned);
            assert_eq!(judge(&mut junk, 401, "{}"), Verdict::Right);
            assert_eq!(judge(&mut junk, 429, "{}"), Verdict::Refused);
            assert_eq!(judge(&mut junk, 200, "{}"), Verdict::Wrong);
            junk.advance();
            assert_ne!(junk.request().api_key.map(str::to_owned), first);
        }
    }

    #[test]
    fn a_refresh_is_followed_by_its_successor() {
        let mut refresh = asker(Scenario::Refresh);
        assert_eq!(judge(&mut refresh, 503, "{}"), Verdict::Refused);
        assert_eq!(refresh.request().refresh, Some("r"));
        let next = r#"{"access_token":"b","refresh_token":"s"}"#;
        assert_eq!(judge(&mut refresh, 200, next), Verdict::Right);
        assert_eq!(refresh.request().refresh, Some("s"));
        assert_eq!(judge(&mut refresh, 200, next), Verdict::Wrong);
    }

    #[test]
    fn of_a_hundred_mixed_requests_eighty_are_me_ten_users_and_ten_refresh() {
        let mut mixed = asker(Scenario::Mixed);
        let (mut me, mut users, mut refresh) = (0, 0, 0);
        for _ in 0..100 {
            match mixed.kind {
                Kind::Users => users += 1,
                Kind::Refresh => refresh += 1,
                Kind::Me => me += 1,
                Kind::Login | Kind::Register | Kind::Revoked | Kind::Junk => {
                    panic!("not in the mix")
                }
            }
            mixed.advance();
        }
        assert_eq!((me, users, refresh), (80, 10, 10));
    }
}
