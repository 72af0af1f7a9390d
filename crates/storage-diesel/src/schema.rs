//! The tables, as both databases have them.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::types::{Id, Instant};

    users (id) {
        id -> Id,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        password -> Nullable<Text>,
        role -> Text,
        is_active -> Bool,
        date_joined -> Instant,
        last_login -> Nullable<Instant>,
        django_id -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        foreign_tokens_from -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::types::{Id, Instant};

    sessions (id) {
        id -> Id,
        user_id -> Id,
        generation -> BigInt,
        salt -> Binary,
        digest -> Binary,
        previous_digest -> Nullable<Binary>,
        created_at -> Instant,
        rotated_at -> Instant,
        expires_at -> Instant,
        access_expires_at -> Instant,
        ip_address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::types::{Id, Instant};

    changes (seq) {
        seq -> BigInt,
        /// PostgreSQL only.
        xid -> BigInt,
        kind -> Text,
        subject -> Nullable<Id>,
        until -> Nullable<Instant>,
        recorded_at -> Instant,
    }
}

table! {
    use diesel::sql_types::BigInt;
    use crate::types::Instant;

    token_cutoff (id) {
        id -> BigInt,
        sessions_since -> Instant,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::types::Instant;

    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_key -> Text,
        sealed_key -> Nullable<Binary>,
        state -> Text,
        created_at -> Instant,
        activated_at -> Nullable<Instant>,
        deactivated_at -> Nullable<Instant>,
        retired_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::types::{Id, Instant};

    api_keys (id) {
        id -> Id,
        user_id -> Id,
        name -> Text,
        prefix -> Text,
        digest -> Binary,
        previous_digest -> Nullable<Binary>,
        previous_until -> Nullable<Instant>,
        scopes -> Text,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Binary;
    use crate::types::{Id, Instant};

    known_places (digest) {
        digest -> Binary,
        user_id -> Id,
        seen_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::types::{Id, Instant};

    settings (name) {
        name -> Text,
        value -> Text,
        changed_at -> Instant,
        changed_by -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::BigInt;

    settings_version (id) {
        id -> BigInt,
        version -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::types::{Id, Instant};

    setting_changes (id) {
        id -> Id,
        version -> BigInt,
        name -> Text,
        old_value -> Nullable<Text>,
        new_value -> Nullable<Text>,
        changed_at -> Instant,
        changed_by -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::types::{Id, Instant};

    audit_events (id) {
        id -> Id,
        at -> Instant,
        action -> Text,
        actor_id -> Nullable<Id>,
        subject_id -> Nullable<Id>,
        ip_address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
        details -> Text,
        sequence -> Nullable<BigInt>,
        mac -> Nullable<Binary>,
        key_id -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Text};

    audit_chain (id) {
        id -> BigInt,
        last_sequence -> BigInt,
        last_mac -> Binary,
        base_sequence -> BigInt,
        base_mac -> Binary,
        key_id -> Text,
        seal -> Binary,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::types::Instant;

    audit_hours (hour, action) {
        hour -> Instant,
        action -> Text,
        count -> BigInt,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable};
    use crate::types::{Id, Instant};

    webhook_secrets (user_id) {
        user_id -> Id,
        sealed -> Binary,
        created_at -> Instant,
        previous_sealed -> Nullable<Binary>,
        previous_until -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::types::{Id, Instant};

    tasks (id) {
        id -> Id,
        user_id -> Id,
        name -> Text,
        kind -> Text,
        payload -> Text,
        status -> Text,
        scheduled_at -> Instant,
        due_at -> Nullable<Instant>,
        series_id -> Nullable<Id>,
        cron -> Nullable<Text>,
        timezone -> Nullable<Text>,
        max_attempts -> BigInt,
        attempts -> BigInt,
        earlier_attempts -> BigInt,
        created_at -> Instant,
        started_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        result -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

joinable!(sessions -> users (user_id));
allow_tables_to_appear_in_same_query!(users, sessions);
