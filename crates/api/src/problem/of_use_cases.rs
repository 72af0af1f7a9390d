//! Each failure of a use case as a problem: exhaustive matches, so that a new failure does not compile without a code.

use super::{Code, Problem, TokenClass};
use doorward_services::Internal;
use doorward_services::accounts::{ProfileError, RegisterError};
use doorward_services::api_keys::{ApiKeyError, CreateApiKeyError};
use doorward_services::auth::{
    AuthenticateError, EndSessionError, LoginError, LogoutError, RefreshError,
};
use doorward_services::settings::SettingsError;
use doorward_services::tasks::{CreateTaskError, TaskError};
use doorward_services::users::{AdministerError, ListError};
use doorward_services::webhook_secrets::RotateWebhookSecretError;
use std::time::Duration;

impl From<Internal> for Problem {
    fn from(error: Internal) -> Self {
        let (code, retry_after) = match &error {
            Internal::Overloaded(overloaded) => (Code::Overloaded, Some(overloaded.retry_after)),
            Internal::Throttled(throttled) => (Code::Throttled, Some(throttled.retry_after)),
            Internal::Unavailable(_) | Internal::Stale(_) => {
                (Code::Unavailable, Some(Duration::from_secs(1)))
            }
            Internal::Failed(_) => (Code::InternalError, None),
        };
        Self {
            retry_after,
            ..Self::new(code).because(&error.to_string())
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(errors) => Self::invalid(errors),
            RegisterError::Closed => Self::new(Code::RegistrationClosed),
            RegisterError::RoleNotAllowed => {
                Self::new(Code::PermissionDenied).detail("Only an owner may give this role.")
            }
            RegisterError::Internal(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::new(Code::InvalidCredentials),
            LoginError::Internal(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for Problem {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken => {
                Self::new(Code::TokenNotValid).about_token(TokenClass::Access)
            }
            AuthenticateError::InvalidKey => Self::new(Code::ApiKeyNotValid),
            AuthenticateError::Internal(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken | RefreshError::Replayed => Self::new(Code::TokenNotValid),
            RefreshError::Internal(error) => error.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::InvalidToken => Self::new(Code::TokenNotValid),
            LogoutError::DifferentSessions => Self::new(Code::DifferentTokens)
                .detail("The access token and the refresh token belong to different sessions."),
            LogoutError::Internal(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::new(Code::NotFound),
            EndSessionError::Internal(error) => error.into(),
        }
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Invalid(errors) => Self::invalid(errors),
            ProfileError::LastOwner => Self::new(Code::LastOwner),
            ProfileError::Gone => Self::new(Code::TokenNotValid),
            ProfileError::Internal(error) => error.into(),
        }
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::NotPublic => Self::new(Code::NotAuthenticated),
            ListError::Internal(error) => error.into(),
        }
    }
}

impl From<AdministerError> for Problem {
    fn from(error: AdministerError) -> Self {
        match error {
            AdministerError::NotAllowed => Self::new(Code::PermissionDenied),
            AdministerError::NotFound => Self::new(Code::NotFound),
            AdministerError::Invalid(errors) => Self::invalid(errors),
            AdministerError::LastOwner => Self::new(Code::LastOwner),
            AdministerError::Internal(error) => error.into(),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::NotAllowed => Self::new(Code::PermissionDenied),
            SettingsError::NotFound => Self::new(Code::NotFound),
            SettingsError::Invalid(errors) => Self::invalid(errors),
            SettingsError::Stale => Self::new(Code::EditConflict),
            SettingsError::Internal(error) => error.into(),
        }
    }
}

impl From<CreateApiKeyError> for Problem {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::Invalid(errors) => Self::invalid(errors),
            CreateApiKeyError::TooMany => Self::new(Code::TooManyApiKeys),
            CreateApiKeyError::Gone => Self::new(Code::TokenNotValid),
            CreateApiKeyError::Internal(error) => error.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound => Self::new(Code::NotFound),
            ApiKeyError::Invalid(errors) => Self::invalid(errors),
            ApiKeyError::Internal(error) => error.into(),
        }
    }
}

impl From<CreateTaskError> for Problem {
    fn from(error: CreateTaskError) -> Self {
        match error {
            CreateTaskError::Invalid(errors) => Self::invalid(errors),
            CreateTaskError::TooMany => Self::new(Code::TooManyTasks),
            CreateTaskError::Gone => Self::new(Code::TokenNotValid),
            CreateTaskError::Internal(error) => error.into(),
        }
    }
}

impl From<TaskError> for Problem {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::NotFound => Self::new(Code::NotFound),
            TaskError::NotPending => Self::new(Code::TaskNotPending),
            TaskError::Running => Self::new(Code::TaskRunning),
            TaskError::Internal(error) => error.into(),
        }
    }
}

impl From<RotateWebhookSecretError> for Problem {
    fn from(error: RotateWebhookSecretError) -> Self {
        match error {
            RotateWebhookSecretError::Gone => Self::new(Code::TokenNotValid),
            RotateWebhookSecretError::Internal(error) => error.into(),
        }
    }
}
