//! Users and sessions to change as a test needs them: `User { role: Role::Owner, ..a_user("ada") }`.

use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::api_key::ApiKeyName;
use doorward_domain::session::{RefreshDigest, Salt, Session};
use doorward_domain::settings::SettingChange;
use doorward_domain::task::{MaxAttempts, Repeat, Series, TaskKind, TaskName, TaskPayload};
use doorward_domain::{
    ApiKey, ApiKeyDigest, ApiKeyId, ApiKeySecret, AuditEvent, EmailAddress, KeyAlgorithm, KeyId,
    KeyState, Origin, PasswordHash, Role, ScheduledTask, Scopes, SealedSecret, SecurityEvent,
    SessionId, SettingChangeId, SigningKey, TaskId, TaskStatus, User, UserId, Username,
    WebhookSecret,
};

/// A fixed instant, with microseconds, and so many seconds behind it.
pub fn instant(seconds: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp_micros(1_800_000_000_123_456).expect("in range");
    start + TimeDelta::seconds(seconds)
}

/// An active user with that name, an address at example.com and a password.
pub fn a_user(name: &str) -> User {
    User {
        id: UserId::new(instant(0)),
        username: Username::parse(name).expect("a username"),
        email: Some(EmailAddress::parse(&format!("{name}@example.com")).expect("an address")),
        password: Some(PasswordHash::parse(format!("plain${name}")).expect("a hash")),
        role: Role::User,
        is_active: true,
        date_joined: instant(0),
        last_login: None,
    }
}

/// A change of this setting at `instant(0)` by the command line, from a stored text to another; none stands for the variable
/// or the default.
pub fn a_setting_change(name: &str, old: Option<&str>, new: Option<&str>) -> SettingChange {
    SettingChange {
        id: SettingChangeId::new(instant(0)),
        version: 1,
        name: name.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
        at: instant(0),
        by: None,
    }
}

/// A session of the user, begun at `instant(0)`, whose access token lives for 300 s and it itself for 1000 s.
pub fn a_session(user: &User) -> Session {
    let id = SessionId::new(instant(0));
    Session {
        id,
        user_id: user.id,
        generation: 0,
        salt: Salt(*id.as_uuid().as_bytes()),
        digest: a_digest(id, 0),
        previous_digest: None,
        created_at: instant(0),
        rotated_at: instant(0),
        expires_at: instant(1000),
        access_expires_at: instant(300),
        origin: Origin::default(),
        end: None,
    }
}

/// A key of the user that reads and does not expire, made at `instant(0)`.
pub fn an_api_key(user: &User) -> ApiKey {
    let id = ApiKeyId::new(instant(0));
    ApiKey {
        id,
        user_id: user.id,
        name: ApiKeyName::parse("backup").expect("a name"),
        prefix: ApiKeySecret::generate(|| 1).prefix(),
        digest: a_key_digest(id, 0),
        previous: None,
        scopes: Scopes::READING,
        created_at: instant(0),
        expires_at: None,
        last_used_at: None,
    }
}

/// An event so many seconds after `instant(0)`, by and about nobody.
pub fn an_event(seconds: i64) -> AuditEvent {
    AuditEvent::new(instant(seconds), &SecurityEvent::UserActivated)
}

/// The digest of a secret of a key; another one for each number.
pub fn a_key_digest(id: ApiKeyId, number: u8) -> ApiKeyDigest {
    ApiKeyDigest(spread(id.as_uuid().as_bytes(), number))
}

/// The digest of a session's generation; another one for each.
pub fn a_digest(id: SessionId, generation: u8) -> RefreshDigest {
    RefreshDigest(spread(id.as_uuid().as_bytes(), generation))
}

fn spread(id: &[u8; 16], number: u8) -> [u8; 32] {
    let mut bytes = [number; 32];
    for (byte, of_id) in bytes.iter_mut().zip(id) {
        *byte = *of_id;
    }
    bytes
}

/// The session's next generation, begun so many seconds after `instant(0)`.
pub fn advanced(session: &Session, seconds: i64) -> Session {
    let generation = u8::try_from(session.generation + 1).expect("a young session");
    session.clone().advanced(
        a_digest(session.id, generation),
        instant(seconds),
        instant(seconds + 300),
    )
}

/// A key pair, prepared at `instant(0)`, whose kid is `name` with zeros behind it.
pub fn a_signing_key(name: &str, algorithm: KeyAlgorithm) -> SigningKey {
    SigningKey {
        kid: KeyId::parse(format!("{name:0<43}")).expect("a kid"),
        algorithm,
        public_key: format!("{{\"kty\":\"{name}\"}}"),
        sealed_key: Some(vec![0, 1, 254, 255]),
        state: KeyState::Prepared,
        created_at: instant(0),
        activated_at: None,
        deactivated_at: None,
        retired_at: None,
    }
}

/// A webhook secret of the user, the first one, made at `instant(0)`.
pub fn a_webhook_secret(user: &User) -> WebhookSecret {
    let sealed = SealedSecret(user.id.as_uuid().as_bytes().to_vec());
    WebhookSecret::new(user.id, sealed, instant(0))
}

/// The kinds that are claimed where a test does not name others.
pub const KINDS: &[TaskKind] = &[TaskKind::NOOP, TaskKind::WEBHOOK];

/// A task of the user that does nothing, made at `instant(0)` and due then.
pub fn a_task(user: &User) -> ScheduledTask {
    ScheduledTask {
        id: TaskId::new(instant(0)),
        user_id: user.id,
        name: TaskName::parse("digest").expect("a name"),
        kind: TaskKind::NOOP,
        payload: TaskPayload::default(),
        status: TaskStatus::Pending,
        scheduled_at: instant(0),
        due_at: Some(instant(0)),
        series: None,
        max_attempts: MaxAttempts::default(),
        attempts: 0,
        earlier_attempts: 0,
        created_at: instant(0),
        started_at: None,
        finished_at: None,
        result: None,
        error: None,
    }
}

/// A series of its own that fires so.
pub fn a_series(cron: &str, timezone: &str) -> Series {
    Series {
        id: TaskId::new(instant(0)),
        repeat: Repeat::parse(cron, timezone).expect("a repeat"),
    }
}
