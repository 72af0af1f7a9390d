//! What stands around every page of somebody who is logged in.

use crate::assets::VERSION;
use crate::desk::Desk;
use doorward_domain::Role;

/// A part of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Users,
    Tasks,
    Settings,
    Audit,
}

impl Section {
    const ALL: [Self; 5] = [
        Self::Overview,
        Self::Users,
        Self::Tasks,
        Self::Settings,
        Self::Audit,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Users => "Users",
            Self::Tasks => "Tasks",
            Self::Settings => "Settings",
            Self::Audit => "Audit log",
        }
    }

    pub(crate) fn href(self) -> &'static str {
        match self {
            Self::Overview => "/admin/",
            Self::Users => "/admin/users",
            Self::Tasks => "/admin/tasks",
            Self::Settings => "/admin/settings",
            Self::Audit => "/admin/audit",
        }
    }

    /// Who finds something there.
    fn least_role(self) -> Role {
        match self {
            Self::Overview | Self::Users | Self::Tasks | Self::Audit => Role::Admin,
            Self::Settings => Role::Owner,
        }
    }
}

/// The frame of a page.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) sections: Vec<Section>,
    pub(crate) username: String,
    pub(crate) user_id: String,
    pub(crate) role: Role,
    pub(crate) form_token: String,
    pub(crate) done: Option<&'static str>,
    pub(crate) css: u64,
    pub(crate) version: &'static str,
    pub(crate) environment: String,
}

impl Shell {
    pub(crate) fn new(desk: &Desk, section: Section, title: String) -> Self {
        let (principal, role) = (&desk.caller().principal, desk.role());
        let sections = Section::ALL.into_iter();
        let token = desk.services().panel.form_token(desk.operator.visit);
        Self {
            title,
            section,
            sections: sections
                .filter(|section| section.least_role() <= role)
                .collect(),
            username: principal.username.to_string(),
            user_id: principal.id.to_string(),
            role,
            form_token: token.as_str().to_owned(),
            done: desk.query.get("done").and_then(done),
            css: VERSION,
            version: desk.panel.config.version,
            environment: desk.panel.config.environment.clone(),
        }
    }
}

/// What was done before this page, by the word that the address has for it.
fn done(word: &str) -> Option<&'static str> {
    let text = match word {
        "saved" => "The changes are saved.",
        "cancelled" => "The task is cancelled.",
        "again" => "The task runs again.",
        "undone" => "The change is undone.",
        "created" => "The account is made.",
        "activated" => "The account is active again.",
        "deactivated" => "The account is deactivated; all its sessions and keys are gone.",
        "session-ended" => "The session has ended.",
        "sessions-ended" => "All sessions have ended.",
        "key-deleted" => "The API key is deleted.",
        _ => return None,
    };
    Some(text)
}
