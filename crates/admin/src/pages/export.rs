//! The audit log as a table for other programs, sent page by page, so that it may be long.

use crate::answer::Answer;
use crate::desk::Desk;
use crate::pages::audit::read;
use crate::site::Panel;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Data;
use bytes::Bytes;
use doorward_domain::AuditEvent;
use doorward_services::audit::AuditQuery;
use doorward_services::auth::Caller;
use doorward_services::users::AdministerError;
use futures_util::stream;

/// So many events are read at once.
const PAGE: u32 = 1000;

const HEAD: &str = "id,at,action,actor_id,subject_id,ip_address,user_agent,request_id,details\r\n";

/// Where an export stands.
struct Export {
    panel: Data<Panel>,
    caller: Caller,
    /// What is still to be read; none at the end.
    query: Option<AuditQuery>,
    is_begun: bool,
}

/// `GET /admin/audit.csv`
pub(crate) async fn csv(desk: Desk) -> Answer {
    let query = read(&desk, PAGE).await?.query;
    let export = Export {
        panel: desk.panel.clone(),
        caller: desk.caller().clone(),
        query: Some(query).filter(|query| query.limit > 0),
        is_begun: false,
    };
    let parts = stream::try_unfold(export, next_part);
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""));
    for cookie in desk.cookies() {
        response.append_header((actix_web::http::header::SET_COOKIE, cookie));
    }
    Ok(response.streaming(parts))
}

/// A failure ends the connection before the end is sent, so that nobody takes a part for the whole.
async fn next_part(mut export: Export) -> Result<Option<(Bytes, Export)>, ExportError> {
    let mut text = String::new();
    if !export.is_begun {
        export.is_begun = true;
        text.push_str(HEAD);
    }
    if let Some(query) = export.query.take() {
        let audit = &export.panel.services.audit;
        let page = audit.list(&export.caller, query.clone()).await;
        let page = page.map_err(ExportError)?;
        for event in &page.events {
            write(&mut text, event);
        }
        export.query = page.next.map(|next| AuditQuery {
            before: Some(next),
            ..query
        });
    }
    Ok((!text.is_empty()).then(|| (Bytes::from(text), export)))
}

#[derive(Debug)]
struct ExportError(AdministerError);

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ExportError {}

fn write(text: &mut String, event: &AuditEvent) {
    let id = |id: Option<doorward_domain::UserId>| id.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        event.id.to_string(),
        event.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        event.action.clone(),
        id(event.actor_id),
        id(event.subject_id),
        event.ip_address.clone().unwrap_or_default(),
        event.user_agent.clone().unwrap_or_default(),
        event.request_id.clone().unwrap_or_default(),
        event.details.clone(),
    ];
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell after RFC 4180. A text that a spreadsheet would compute gets an apostrophe, as OWASP advises.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        for (text, expected) in [
            ("", "\"\""),
            ("curl/8", "\"curl/8\""),
            ("a,\"b\"\r\nc", "\"a,\"\"b\"\"\r\nc\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
