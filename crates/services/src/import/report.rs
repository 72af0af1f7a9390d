//! What has become of the people of an import.

use super::person::Candidate;
pub use crate::passwords::Unverifiable;
use doorward_domain::username::ParseUsernameError;
use doorward_domain::{Role, User};
use doorward_storage::Holder;
use std::fmt;

/// How many there were, and what is to be said of some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Taken over.
    pub imported: u64,
    /// Left as they are, since they are here already.
    pub already_there: u64,
    /// Not taken over; each has a remark.
    pub left_out: u64,
    /// Those who were taken over as owners.
    pub owners: u64,
    /// Those who were taken over as admins.
    pub admins: u64,
    /// Those who were taken over without an email address.
    pub without_email: u64,
    /// Those who were taken over without a usable password.
    pub without_password: u64,
    /// One for each thing that is not as it was in Django, in the order of the people.
    pub remarks: Vec<Remark>,
}

/// Something to be said of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// His username, or what else he is known by.
    pub who: String,
    /// What it is.
    pub said: Said,
}

/// What is to be said of somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Said {
    /// He is not taken over.
    #[error("left out: {0}")]
    LeftOut(LeftOut),
    /// His key in Django belongs to an account that was renamed, or to somebody out of another project.
    #[error("left as it is: the account {0} has the same key in Django")]
    There(String),
    /// He has none.
    #[error("imported without an email address: there is none")]
    NoEmail,
    /// His is none.
    #[error("imported without an email address: it is not valid")]
    Email,
    /// Somebody else has it.
    #[error("imported without an email address: another account has it")]
    EmailTaken,
    /// His hash matches nothing here.
    #[error("imported without a password: {0}")]
    Password(Unverifiable),
    /// His model has a role that is none here.
    #[error("imported as {0}: the role is not known")]
    Role(Role),
    /// A date is none.
    #[error("imported without {0}: it is not a date")]
    Date(&'static str),
    /// A name has control characters or is too long.
    #[error("imported without {0}: it is not usable")]
    Name(&'static str),
}

/// Why somebody is not taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// The username breaks a rule.
    #[error("the username is not valid: {0}")]
    Username(ParseUsernameError),
    /// Neither is there.
    #[error("there is neither a username nor an email address to make one from")]
    NoName,
    /// By an account that is here, or by somebody earlier in the same file; without regard to case.
    #[error("another account has the username")]
    UsernameTaken,
    /// Empty, too long, or with control characters.
    #[error("the key in Django is not usable")]
    Key,
    /// The record cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl fmt::Display for Remark {
    /// One line, whatever is in the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.who.escape_debug(), self.said)
    }
}

impl Report {
    /// Somebody is not taken over.
    pub fn leave_out(&mut self, who: &str, reason: LeftOut) {
        self.left_out += 1;
        self.remark(who, Said::LeftOut(reason));
    }

    /// All of another report comes behind this one.
    pub fn add(&mut self, other: Self) {
        self.imported += other.imported;
        self.already_there += other.already_there;
        self.left_out += other.left_out;
        self.owners += other.owners;
        self.admins += other.admins;
        self.without_email += other.without_email;
        self.without_password += other.without_password;
        self.remarks.extend(other.remarks);
    }

    pub(super) fn find_there(&mut self, candidate: &Candidate, holder: &Holder) {
        self.already_there += 1;
        let of_file = &candidate.imported.user;
        let is_renamed = candidate.username.is_some()
            && of_file.username.key() != holder.username.key()
            && of_file.email != holder.email;
        if is_renamed {
            let name = holder.username.as_str().to_owned();
            self.remark(&candidate.who, Said::There(name));
        }
    }

    pub(super) fn take_over(&mut self, candidate: &Candidate, user: &User) {
        self.imported += 1;
        self.owners += u64::from(user.role == Role::Owner);
        self.admins += u64::from(user.role == Role::Admin);
        self.without_email += u64::from(user.email.is_none());
        self.without_password += u64::from(user.password.is_none());
        for said in &candidate.said {
            self.remark(&candidate.who, said.clone());
        }
        if user.email != candidate.imported.user.email {
            self.remark(&candidate.who, Said::EmailTaken);
        }
    }

    fn remark(&mut self, who: &str, said: Said) {
        self.remarks.push(Remark {
            who: who.to_owned(),
            said,
        });
    }
}
