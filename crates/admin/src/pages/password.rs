//! Where somebody sets a new password who was given a link.

use crate::answer::Answer;
use crate::assets::VERSION;
use crate::failure::Failure;
use crate::fields::Field;
use crate::stranger::{Stranger, StrangersForm};
use actix_web::http::StatusCode;
use askama::Template;
use doorward_services::FieldErrors;
use doorward_services::accounts::{PasswordLinkError, SetPassword};

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    version: u64,
    state: State,
}

enum State {
    Asked {
        username: String,
        token: String,
        form_token: String,
        fields: Vec<Field>,
    },
    Set,
    NotValid,
}

/// `GET /admin/password`
pub(crate) async fn show(stranger: Stranger) -> Answer {
    let token = stranger.query.text("token").unwrap_or_default();
    ask(&stranger, token, &FieldErrors::default()).await
}

/// `POST /admin/password`
pub(crate) async fn set(form: StrangersForm) -> Answer {
    let StrangersForm { stranger, fields } = form;
    let token = fields.text("token").unwrap_or_default();
    let text = |name: &str| fields.raw(name).unwrap_or_default();
    let (new, again) = (text("new_password"), text("again"));
    let mut errors = FieldErrors::default();
    if new != again {
        errors.add("again", "The two passwords are not the same.");
    }
    let wanted = Some(new.to_owned()).filter(|new| !new.is_empty());
    let accounts = &stranger.panel.services.accounts;
    let new = SetPassword {
        new_password: wanted.map(Into::into),
        origin: stranger.origin.clone(),
        errors,
    };
    let set = accounts.set_password_by_link(&token, new).await;
    match set {
        Ok(()) => stranger.page(StatusCode::OK, &told(State::Set)),
        Err(PasswordLinkError::Invalid(errors)) => ask(&stranger, token, &errors).await,
        Err(PasswordLinkError::NotValid) => not_valid(&stranger),
        Err(PasswordLinkError::Internal(error)) => Err(error.into()),
    }
}

async fn ask(stranger: &Stranger, token: String, errors: &FieldErrors) -> Answer {
    let accounts = &stranger.panel.services.accounts;
    let username = match accounts.holder_of_password_link(&token).await {
        Ok(username) => username.to_string(),
        Err(PasswordLinkError::Internal(error)) => return Err(error.into()),
        Err(PasswordLinkError::NotValid | PasswordLinkError::Invalid(_)) => {
            return not_valid(stranger);
        }
    };
    let fields = [
        Field::password("new_password", "New password"),
        Field::password("again", "The same again"),
    ];
    let state = State::Asked {
        username,
        token,
        form_token: stranger.form_token(),
        fields: fields.map(|field| field.required().judged(errors)).into(),
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    stranger.page(status, &told(state))
}

fn not_valid(stranger: &Stranger) -> Result<actix_web::HttpResponse, Failure> {
    stranger.page(StatusCode::NOT_FOUND, &told(State::NotValid))
}

fn told(state: State) -> PasswordPage {
    PasswordPage {
        version: VERSION,
        state,
    }
}
