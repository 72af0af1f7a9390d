//! What is done to one user, each by a form of its own.

use crate::answer::Answer;
use crate::desk::{Change, Desk};
use crate::pages::user::parsed;
use crate::shell::{Section, Shell};
use crate::words::Time;
use actix_web::web::Path;
use askama::Template;
use doorward_domain::UserId;
use doorward_services::users::UserUpdate;

/// `POST /admin/users/{id}/activate`
pub(crate) async fn activate(change: Change, id: Path<String>) -> Answer {
    set_active(&change.desk, parsed(&id)?, true).await
}

/// `POST /admin/users/{id}/deactivate`
pub(crate) async fn deactivate(change: Change, id: Path<String>) -> Answer {
    set_active(&change.desk, parsed(&id)?, false).await
}

async fn set_active(desk: &Desk, id: UserId, is_active: bool) -> Answer {
    let update = UserUpdate {
        is_active: Some(is_active),
        ..UserUpdate::default()
    };
    desk.services()
        .users
        .update(desk.caller(), id, update)
        .await?;
    let done = if is_active {
        "activated"
    } else {
        "deactivated"
    };
    Ok(desk.to(&format!("/admin/users/{id}?done={done}")))
}

/// `POST /admin/users/{id}/sessions/end`
pub(crate) async fn end_sessions(change: Change, id: Path<String>) -> Answer {
    let (desk, id): (_, UserId) = (change.desk, parsed(&id)?);
    desk.services()
        .auth
        .end_sessions_of(desk.caller(), id)
        .await?;
    Ok(desk.to(&format!("/admin/users/{id}?done=sessions-ended")))
}

/// `POST /admin/users/{id}/sessions/{session}/end`
pub(crate) async fn end_session(change: Change, ids: Path<(String, String)>) -> Answer {
    let (desk, id): (_, UserId) = (change.desk, parsed(&ids.0)?);
    let (auth, session) = (&desk.services().auth, parsed(&ids.1)?);
    auth.end_session_of(desk.caller(), id, session).await?;
    Ok(desk.to(&format!("/admin/users/{id}?done=session-ended")))
}

/// `POST /admin/users/{id}/api-keys/{key}/delete`
pub(crate) async fn delete_key(change: Change, ids: Path<(String, String)>) -> Answer {
    let (desk, id): (_, UserId) = (change.desk, parsed(&ids.0)?);
    let (keys, key) = (&desk.services().api_keys, parsed(&ids.1)?);
    keys.delete_of(desk.caller(), id, key).await?;
    Ok(desk.to(&format!("/admin/users/{id}?done=key-deleted")))
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    shell: Shell,
    id: String,
    username: String,
    link: String,
    expires_at: Time,
}

/// `POST /admin/users/{id}/password-link`
pub(crate) async fn password_link(change: Change, id: Path<String>) -> Answer {
    link_page(&change, parsed(&id)?).await
}

/// The link, which is shown here and never again.
pub(crate) async fn link_page(change: &Change, id: UserId) -> Answer {
    let desk = &change.desk;
    let (services, caller) = (desk.services(), desk.caller());
    let link = services.accounts.password_link(caller, id).await?;
    let user = services.users.user(caller, id).await?;
    let page = LinkPage {
        shell: desk.shell(Section::Users, "Link to a new password"),
        id: id.to_string(),
        username: user.username.to_string(),
        link: format!("{}/admin/password?token={}", change.origin, link.token),
        expires_at: link.expires_at.into(),
    };
    desk.page(&page)
}
