//! The runtime settings, for owners.

use super::{Answer, json, versioned};
use crate::extract::{CurrentUser, JsonBody};
use crate::openapi::{Body, Field, Header, Operation, Reply, Tag, id, text, time};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use doorward_domain::settings::{ALL, Kind, RateLimit, Setting, SettingValue};
use doorward_domain::{Settings, UserId};
use doorward_services::Services;
use doorward_services::settings::{IfMatch, ListedSetting, Listing, Proposed};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// All settings by their names, in the order of the table.
struct SettingsResponse<'a>(&'a Listing);

/// A setting.
#[derive(Serialize)]
struct SettingResponse<'a> {
    value: Value,
    default: Value,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    changed_at: Option<DateTime<Utc>>,
    changed_by: Option<&'a Uuid>,
}

impl<'a> From<&'a ListedSetting> for SettingResponse<'a> {
    fn from(listed: &'a ListedSetting) -> Self {
        let bounds = listed.setting.bounds();
        Self {
            value: to_json(listed.value),
            default: to_json(listed.default),
            description: listed.setting.description,
            minimum: bounds.map(|(minimum, _)| minimum),
            maximum: bounds.map(|(_, maximum)| maximum),
            changed_at: listed.changed_at,
            changed_by: listed.changed_by.as_ref().map(UserId::as_uuid),
        }
    }
}

impl Serialize for SettingsResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let listed = self.0.settings.iter();
        serializer.collect_map(listed.map(|it| (it.setting.name, SettingResponse::from(it))))
    }
}

fn to_json(value: SettingValue) -> Value {
    match value {
        SettingValue::Seconds(seconds) => seconds.into(),
        SettingValue::Switch(is_on) => is_on.into(),
        SettingValue::Rate(limit) => limit.to_string().into(),
    }
}

/// None where it is no value of any setting.
fn of_json(value: &Value) -> Option<SettingValue> {
    match value {
        Value::Number(number) => number.as_i64().map(SettingValue::Seconds),
        Value::Bool(is_on) => Some(SettingValue::Switch(*is_on)),
        Value::String(text) => text.parse().ok().map(SettingValue::Rate),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The settings as `GET /api/v1/settings` answers them, for people to read.
///
/// # Errors
/// Never: all of it can be written as JSON.
pub fn settings_json(listing: &Listing) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&SettingsResponse(listing))
}

/// `GET /api/v1/settings`
pub(super) async fn list(
    services: web::Data<Services>,
    caller: CurrentUser,
    request: HttpRequest,
) -> Answer {
    respond(&request, &services.settings.list(&caller.0).await?)
}

pub(super) fn list_described() -> Operation {
    of_owners("listSettings", "List the runtime settings")
        .about(
            "A setting that nobody has changed has the value of its variable, or else its default.",
        )
        .header(
            "If-None-Match",
            "The `ETag` of the answer that the client has.",
        )
        .answer(all_settings("The settings."))
        .answer(
            Reply::empty(StatusCode::NOT_MODIFIED, "The client has these.").header(Header::ETag),
        )
}

/// `PATCH /api/v1/settings`
pub(super) async fn update(
    services: web::Data<Services>,
    caller: CurrentUser,
    body: JsonBody,
    request: HttpRequest,
) -> Answer {
    let fields = body.into_fields().into_iter();
    let proposed = fields.map(|(name, value)| Proposed {
        name,
        value: of_json(&value),
    });
    let seen = if_match(&request);
    let changed = services
        .settings
        .change(&caller.0, proposed.collect(), seen)
        .await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, changed.etag.as_str()));
    json(response, &SettingsResponse(&changed))
}

pub(super) fn update_described() -> Operation {
    let fields: Vec<_> = ALL
        .iter()
        .map(|setting| Field::new(setting.name, setting.description, value(setting)))
        .collect();
    of_owners("updateSettings", "Change runtime settings")
        .about(
            "All that are sent or none. They are in force at once where the request was answered, and within two seconds \
             on every other node, without a restart. From then on they win over the variables.",
        )
        .header(
            "If-Match",
            "The `ETag` of the settings as the client has seen them: 409 when somebody has changed any since.",
        )
        .body(Body::new("SettingsUpdate", fields).example(
            "Shorter access tokens, fewer logins",
            json!({ "ACCESS_TOKEN_LIFETIME": 30, "LOGIN_RATE_LIMIT": "5/min" }),
        ))
        .answer(all_settings("The settings as they are now."))
        .codes(&[Code::EditConflict])
}

fn of_owners(name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::Settings, name, summary)
        .for_users()
        .codes(&[Code::PermissionDenied])
}

fn respond(request: &HttpRequest, listing: &Listing) -> Answer {
    let body = serde_json::to_vec(&SettingsResponse(listing))
        .map_err(|error| Problem::new(Code::InternalError).because(&error.to_string()))?;
    Ok(versioned(request, &listing.etag, &Bytes::from(body), None))
}

/// Which version the client has seen (RFC 9110, 13.1.1).
fn if_match(request: &HttpRequest) -> IfMatch {
    let headers = request.headers().get_all(IF_MATCH);
    let tags: Vec<_> = headers
        .flat_map(|tags| tags.to_str().unwrap_or_default().split(','))
        .map(|tag| tag.trim().to_owned())
        .collect();
    if tags.is_empty() || tags.iter().any(|tag| tag == "*") {
        IfMatch::Any
    } else {
        IfMatch::OneOf(tags)
    }
}

fn all_settings(about: &'static str) -> Reply {
    Reply::json::<SettingsResponse<'_>>(StatusCode::OK, about)
        .header(Header::ETag)
        .example("Nothing was changed but one", example())
}

fn example() -> Value {
    let defaults = Settings::default();
    let settings = ALL.iter().map(|setting| {
        let is_changed = setting.name == "ACCESS_TOKEN_LIFETIME";
        let default = to_json(setting.value(&defaults));
        let mut shown = json!({
            "value": if is_changed { json!(30) } else { default.clone() },
            "default": default,
            "description": setting.description,
            "changed_at": is_changed.then_some("2026-11-20T21:06:44.139569Z"),
            "changed_by": is_changed.then_some("01a1fac8-772b-76f8-8b87-aa860a220012"),
        });
        if let (Some((minimum, maximum)), Some(fields)) = (setting.bounds(), shown.as_object_mut())
        {
            fields.insert("minimum".to_owned(), minimum.into());
            fields.insert("maximum".to_owned(), maximum.into());
        }
        (setting.name.to_owned(), shown)
    });
    Value::Object(settings.collect())
}

impl PartialSchema for SettingsResponse<'_> {
    fn schema() -> RefOr<Schema> {
        let all = ALL.iter().fold(ObjectBuilder::new(), |object, setting| {
            object
                .property(setting.name, described(setting))
                .required(setting.name)
        });
        all.description(Some("All runtime settings.")).into()
    }
}

impl ToSchema for SettingsResponse<'_> {
    fn name() -> Cow<'static, str> {
        "Settings".into()
    }
}

/// The setting as it is shown.
fn described(setting: &Setting) -> Object {
    let nobody = |object: ObjectBuilder| {
        object
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .build()
    };
    let mut object = ObjectBuilder::new()
        .description(Some(setting.description))
        .property("value", value(setting))
        .property("default", value(setting))
        .property("description", text())
        .property("changed_at", time())
        .property("changed_by", nobody(id()));
    for name in [
        "value",
        "default",
        "description",
        "changed_at",
        "changed_by",
    ] {
        object = object.required(name);
    }
    if let Some((minimum, maximum)) = setting.bounds() {
        for (name, bound) in [("minimum", minimum), ("maximum", maximum)] {
            let exactly = ObjectBuilder::new()
                .schema_type(Type::Integer)
                .enum_values(Some([bound]));
            object = object.property(name, exactly).required(name);
        }
    }
    object.build()
}

/// A value of the setting.
fn value(setting: &Setting) -> Object {
    match setting.kind {
        Kind::Seconds {
            minimum, maximum, ..
        } => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(minimum))
            .maximum(Some(maximum)),
        Kind::Switch { .. } => ObjectBuilder::new().schema_type(Type::Boolean),
        Kind::Rate { .. } => text().pattern(Some(RateLimit::PATTERN)),
    }
    .default(Some(to_json(setting.value(&Settings::default()))))
    .build()
}
