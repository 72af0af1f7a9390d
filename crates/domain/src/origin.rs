//! Where a request comes from.

use std::net::IpAddr;

/// User agents are kept up to this many characters.
pub const MAX_USER_AGENT_CHARS: usize = 256;

/// Where a request comes from, as far as it is known: commands come from nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The client's address.
    pub ip_address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The id under which the request stands in the log. A session does not keep that of its login; the audit log does.
    pub request_id: Option<String>,
}

impl Origin {
    /// Keeps the printable part of a user agent, up to [`MAX_USER_AGENT_CHARS`] characters.
    pub fn new(ip_address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent
            .map(|text| {
                text.chars()
                    .filter(|c| !c.is_control())
                    .take(MAX_USER_AGENT_CHARS)
                    .collect::<String>()
            })
            .filter(|text| !text.is_empty());
        Self {
            ip_address,
            user_agent,
            request_id: None,
        }
    }

    /// The same, of the request with this id.
    #[must_use]
    pub fn of_request(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let origin = Origin::new(None, Some(&format!("a\u{7}b{}", "x".repeat(500))));
        let text = origin.user_agent.unwrap();
        assert!(text.starts_with("abx") && text.chars().count() == MAX_USER_AGENT_CHARS);
        assert_eq!(Origin::new(None, Some("\n")).user_agent, None);
    }
}
