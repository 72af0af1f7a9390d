//! What one method of a route takes and answers.

use super::body::Body;
use super::problems;
use super::reply::Reply;
use super::shared::{Header, header_parameter, text};
use crate::dialect::Dialect;
use crate::extract::KeyAccess;
use crate::problem::Code;
use actix_web::http::StatusCode;
use std::collections::BTreeMap;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{RefOr, Response, ResponseBuilder, path};

/// What a group of operations is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// From a login to a logout.
    Sessions,
    /// One's own account.
    Account,
    /// All accounts.
    Users,
    /// What services use in place of a password.
    ApiKeys,
    /// What happens at a time.
    Tasks,
    /// What owners change while the service runs.
    Settings,
    /// What clients of older services ask for.
    Ancestors,
    /// For those who run the service.
    Operations,
    /// What the API says of itself.
    Documentation,
}

impl Tag {
    /// Every one, in the order in which the document has them.
    pub(super) const ALL: [Self; 9] = [
        Self::Sessions,
        Self::Account,
        Self::Users,
        Self::ApiKeys,
        Self::Tasks,
        Self::Settings,
        Self::Ancestors,
        Self::Operations,
        Self::Documentation,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Account => "Account",
            Self::Users => "Users",
            Self::ApiKeys => "API keys",
            Self::Tasks => "Tasks",
            Self::Settings => "Settings",
            Self::Ancestors => "Ancestors",
            Self::Operations => "Operations",
            Self::Documentation => "Documentation",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Sessions => {
                "A login begins a session, a refresh goes on with it, a logout ends it."
            }
            Self::Account => "One's own account, from the registration on.",
            Self::Users => "All accounts, for everybody to list and for admins to manage.",
            Self::ApiKeys => "What services use in place of a password.",
            Self::Tasks => "What happens at its time, once, whatever dies meanwhile.",
            Self::Settings => "What owners change while the service runs.",
            Self::Ancestors => {
                "What clients of several Django services ask for, which this one replaces."
            }
            Self::Operations => "For those who run the service, and for their probes.",
            Self::Documentation => "What the API says of itself.",
        }
    }
}

/// Whose credentials an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Anyone,
    AnyoneOrUser,
    User,
}

/// The name of the bearer tokens among the document's security schemes.
pub(super) const BEARER: &str = "accessToken";
/// The name of the API keys among them.
pub(super) const API_KEY: &str = "apiKey";

/// One method of one route, as the document describes it.
pub(crate) struct Operation {
    tag: Tag,
    id: &'static str,
    summary: &'static str,
    about: Option<&'static str>,
    access: Access,
    takes_keys: bool,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Reply>,
    codes: Vec<Code>,
    is_limited: bool,
}

impl Operation {
    /// An operation that anyone may ask for; `id` is what programs call it and `summary` what people do.
    pub(crate) fn new(tag: Tag, id: &'static str, summary: &'static str) -> Self {
        let this = Self {
            tag,
            id,
            summary,
            about: None,
            access: Access::Anyone,
            takes_keys: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            codes: Vec::new(),
            is_limited: false,
        };
        this.codes(&[Code::HeadersTooLarge, Code::InternalError])
            .codes(&[Code::HostNotValid, Code::MisdirectedRequest])
    }

    /// What there is to say beyond the summary; `CommonMark`.
    pub(crate) fn about(self, about: &'static str) -> Self {
        Self {
            about: Some(about),
            ..self
        }
    }

    /// It needs an access token.
    pub(crate) fn for_users(self) -> Self {
        Self {
            access: Access::User,
            ..self
        }
        .codes(&[Code::NotAuthenticated, Code::TokenNotValid])
        .codes(&[Code::Unavailable])
    }

    /// An access token may be sent, and changes the answer.
    pub(crate) fn for_anyone_or_users(self) -> Self {
        Self {
            access: Access::AnyoneOrUser,
            ..self
        }
        .codes(&[Code::TokenNotValid, Code::Unavailable])
    }

    /// What the route asks of an API key, where it asks who calls.
    pub(crate) fn keys(self, access: KeyAccess) -> Self {
        if self.access == Access::Anyone {
            return self;
        }
        let this = self.codes(&[Code::TwoCredentials, Code::ApiKeyNotValid, Code::Throttled]);
        match access {
            KeyAccess::Never => this.codes(&[Code::ApiKeyNotAllowed]),
            KeyAccess::With(_) => this.taking_keys().codes(&[Code::InsufficientScope]),
            KeyAccess::Any => this.taking_keys(),
        }
    }

    fn taking_keys(self) -> Self {
        Self {
            takes_keys: true,
            ..self
        }
    }

    /// Attempts at it are counted, or some of them.
    pub(crate) fn limited(self) -> Self {
        Self {
            is_limited: true,
            ..self
        }
        .codes(&[Code::Throttled])
    }

    /// Probes ask it by address, with whatever host.
    pub(crate) fn for_probes(self) -> Self {
        self.without(&[Code::HostNotValid, Code::MisdirectedRequest])
    }

    /// These do not go wrong here.
    pub(crate) fn without(mut self, codes: &[Code]) -> Self {
        self.codes.retain(|code| !codes.contains(code));
        self
    }

    /// It takes a parameter.
    pub(crate) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// It takes these parameters.
    pub(crate) fn parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// It takes a header.
    pub(crate) fn header(self, name: &'static str, about: &'static str) -> Self {
        self.parameter(header_parameter(name, about, text()))
    }

    /// It takes a JSON object.
    pub(crate) fn body(self, body: Body) -> Self {
        Self {
            body: Some(body),
            ..self
        }
        .codes(&[Code::MalformedRequest, Code::ValidationFailed])
        .codes(&[Code::PayloadTooLarge, Code::UnsupportedMediaType])
        .codes(&[Code::RequestTimeout])
    }

    /// It answers so.
    pub(crate) fn answer(mut self, answer: Reply) -> Self {
        self.answers.push(answer);
        self
    }

    /// These may go wrong.
    pub(crate) fn codes(mut self, codes: &[Code]) -> Self {
        for code in codes {
            if !self.codes.contains(code) {
                self.codes.push(*code);
            }
        }
        self
    }

    /// The types that it sends and takes, by name.
    pub(super) fn components(&self) -> impl Iterator<Item = (String, RefOr<Schema>)> {
        let answers = self.answers.iter().flat_map(|answer| &answer.components);
        let body = self.body.iter().map(Body::component);
        answers.cloned().chain(body)
    }

    pub(super) fn described(&self, dialect: Dialect) -> path::Operation {
        let mut builder = OperationBuilder::new()
            .tag(self.tag.name())
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .description(self.about)
            .securities(Some(self.securities()))
            .request_body(self.body.as_ref().map(Body::described));
        for parameter in &self.parameters {
            builder = builder.parameter(parameter.clone());
        }
        for (status, response) in self.responses(dialect) {
            builder = builder.response(status.as_str(), response);
        }
        builder.build()
    }

    fn securities(&self) -> Vec<SecurityRequirement> {
        let nothing = SecurityRequirement::default();
        let scheme = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
        let mut securities = match self.access {
            Access::Anyone => Vec::new(),
            Access::AnyoneOrUser => vec![nothing, scheme(BEARER)],
            Access::User => vec![scheme(BEARER)],
        };
        securities.extend(self.takes_keys.then(|| scheme(API_KEY)));
        securities
    }

    fn responses(&self, dialect: Dialect) -> BTreeMap<StatusCode, Response> {
        let mut responses = BTreeMap::new();
        for answer in &self.answers {
            responses.insert(answer.status, answered(answer));
        }
        for code in &self.codes {
            let status = code.status();
            let codes = self.codes.iter().filter(|code| code.status() == status);
            let codes: Vec<Code> = codes.copied().collect();
            let before = responses.remove(&status);
            responses.insert(status, problems::response(dialect, status, &codes, before));
        }
        if let Some(refused) = responses.get_mut(&StatusCode::TOO_MANY_REQUESTS)
            && self.is_limited
        {
            for header in [Header::RateLimit, Header::RateLimitPolicy] {
                let reference = RefOr::Ref(header.reference());
                refused.headers.insert(header.name().to_owned(), reference);
            }
        }
        responses
    }
}

fn answered(answer: &Reply) -> Response {
    let mut response = ResponseBuilder::new().description(answer.about);
    for (media_type, content) in answer.contents() {
        response = response.content(media_type, content);
    }
    for header in &answer.headers {
        response = response.header_ref(header.name(), header.reference());
    }
    if answer.status == StatusCode::SERVICE_UNAVAILABLE {
        let header = Header::RetryAfter;
        response = response.header_ref(header.name(), header.reference());
    }
    response.build()
}

/// What is said of an operation on a page: how it is called, and an example of what it takes.
pub(crate) struct Shown {
    pub(crate) summary: &'static str,
    pub(crate) who: &'static str,
    pub(crate) example: Option<String>,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

impl Operation {
    /// For the pages.
    pub(crate) fn shown(&self) -> Shown {
        let example = self.body.as_ref().and_then(Body::first_example);
        Shown {
            summary: self.summary,
            who: match self.access {
                Access::Anyone => "anyone",
                Access::AnyoneOrUser => "anyone, and more for users",
                Access::User => "users",
            },
            example: example.map(|value| format!("{value:#}")),
            parameters: self
                .parameters
                .iter()
                .map(|parameter| (place(&parameter.parameter_in), parameter.name.clone()))
                .collect(),
        }
    }
}

fn place(place: &ParameterIn) -> &'static str {
    match place {
        ParameterIn::Path => "path",
        ParameterIn::Header => "header",
        ParameterIn::Query | ParameterIn::QueryString | ParameterIn::Cookie => "query",
    }
}
