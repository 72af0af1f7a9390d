//! Every query of the repositories uses an index, on both databases.

use crate::backend::Backend;
use crate::testing::TestDatabase;
use crate::transaction::DieselTransaction;
use crate::{migrations, sqlite};
use chrono::TimeDelta;
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::dsl::sql;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use doorward_domain::audit::{AuditKeyId, AuditMac, SealedEvent};
use doorward_domain::task::{TaskKind, TaskOutcome};
use doorward_domain::{EndReason, KeyAlgorithm, KeyState, PlaceDigest, Role, TaskStatus, User};
use doorward_storage::testing::builders::advanced;
use doorward_storage::testing::{
    a_session, a_setting_change, a_signing_key, a_task, a_user, a_webhook_secret, an_api_key,
    an_event, instant,
};
use doorward_storage::{
    ApiKeyRepository, AuditQuery, AuditRepository, ChangeRepository, Claims, FeedPosition,
    ImportRepository, Mode, PlaceRepository, SessionRepository, SettingRepository,
    SigningKeyRepository, TaskQuery, TaskRepository, UserQuery, UserRepository,
    WebhookSecretRepository,
};
use std::sync::{Arc, Mutex};

/// The statements that were sent.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Sent {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let statement = text.split("-- binds").next().unwrap_or_default();
            self.0.lock().unwrap().push(statement.trim().to_owned());
        }
    }
}

impl Sent {
    /// Each kind of statement that looks for rows, once.
    fn searching(&self) -> Vec<String> {
        let mut statements = self.0.lock().unwrap().clone();
        statements.retain(|sql| {
            ["SELECT", "UPDATE", "DELETE"]
                .iter()
                .any(|verb| sql.starts_with(verb))
        });
        statements.sort();
        statements.dedup();
        statements
    }
}

/// Calls every method that searches.
fn call_all(tx: &mut DieselTransaction<'_>) {
    let user = a_user("ada");
    let session = a_session(&user);
    let email = user.email.clone().unwrap();
    tx.insert_user(&user).unwrap();
    tx.insert_session(&session).unwrap();
    call_all_of_tasks(tx, &user);
    tx.user(user.id).unwrap();
    tx.lock_user(user.id).unwrap();
    tx.user_by_email(&email).unwrap();
    tx.user_by_username(&user.username).unwrap();
    tx.holders(&Claims {
        ids: vec![user.id],
        django_ids: vec!["7".to_owned()],
        usernames: vec![user.username.clone()],
        emails: vec![email],
    })
    .unwrap();
    tx.account_by_django_id("7").unwrap();
    tx.refuse_foreign_tokens(user.id, instant(1)).unwrap();
    tx.update_user(&a_user("nobody"), instant(1)).unwrap();
    tx.lock_user(user.id).unwrap();
    let changed = User {
        is_active: false,
        ..user.clone()
    };
    tx.update_user(&changed, instant(1)).unwrap();
    tx.lock_active_owners().unwrap();
    for (prefix, role, after) in [
        (None, None, None),
        (None, None, Some(user.id)),
        (None, Some(Role::Owner), Some(user.id)),
        (Some("ad".to_owned()), None, None),
    ] {
        let query = UserQuery {
            prefix,
            role,
            is_active: Some(true),
            after,
            limit: 50,
        };
        tx.list_users(&query).unwrap();
    }
    let inactive = UserQuery {
        is_active: Some(false),
        after: Some(user.id),
        limit: 50,
        ..UserQuery::default()
    };
    tx.list_users(&inactive).unwrap();
    tx.count_live_sessions(instant(1)).unwrap();
    tx.session(session.id).unwrap();
    tx.session_by_digest(&[session.digest, session.digest])
        .unwrap();
    tx.live_sessions_of(user.id, instant(1)).unwrap();
    tx.advance_session(&advanced(&session, 1)).unwrap();
    tx.end_session(session.id, EndReason::Logout, instant(2))
        .unwrap();
    tx.end_sessions_of(user.id, Some(session.id), EndReason::Revoked, instant(2))
        .unwrap();
    // Setting it empties the feed, for which no index is of use.
    tx.session_cutoff().unwrap();
    let cutoff = instant(1).into();
    let old = tx.end_sessions_before(cutoff, Some(session.id), instant(0), 9);
    assert_eq!(old.unwrap(), []);
    tx.insert_session(&a_session(&user)).unwrap();
    let old = tx.end_sessions_before(cutoff, None, instant(0), 9);
    assert_eq!(old.unwrap().len(), 1);
    call_all_of_keys(tx, &user);
    call_all_of_places(tx, &user);
    call_all_of_the_audit_log(tx, &user);
    tx.changes_after(&FeedPosition {
        floor: 1,
        open: [7, 8].into(),
        cutoff: None,
    })
    .unwrap();
    tx.ended_sessions(instant(0)).unwrap();
    assert_eq!(tx.sweep_sessions(instant(9999), 100).unwrap(), 2);
    assert!(tx.sweep_changes(instant(9999), instant(9999), 100).unwrap() > 0);
    assert!(tx.delete_user(user.id, instant(3)).unwrap());
    let key = a_signing_key("a", KeyAlgorithm::EdDsa);
    tx.insert_signing_key(&key, instant(0)).unwrap();
    assert_eq!(tx.signing_keys().unwrap().len(), 1);
    let retired = key.retired(instant(1));
    tx.update_signing_key(&retired, KeyState::Prepared, instant(1))
        .unwrap();
    assert_eq!(tx.sweep_signing_keys(instant(9999), 100).unwrap(), 1);
    call_all_of_settings(tx);
}

fn call_all_of_settings(tx: &mut DieselTransaction<'_>) {
    tx.settings_version().unwrap();
    assert!(tx.advance_settings(0, instant(0)).unwrap());
    assert!(tx.advance_settings(1, instant(0)).unwrap());
    let change = a_setting_change("A", None, Some("1"));
    tx.change_setting(&change).unwrap();
    tx.stored_settings().unwrap();
    assert!(tx.setting_change(change.id).unwrap().is_some());
    tx.list_setting_changes(None, 10).unwrap();
    tx.list_setting_changes(Some(change.id), 10).unwrap();
    tx.change_setting(&a_setting_change("A", Some("1"), None))
        .unwrap();
    assert_eq!(tx.sweep_setting_changes(instant(9999), 100).unwrap(), 2);
}

fn call_all_of_keys(tx: &mut DieselTransaction<'_>, user: &User) {
    let key = an_api_key(user);
    tx.insert_api_key(&key).unwrap();
    tx.api_key(key.id).unwrap();
    tx.lock_api_key(key.id).unwrap();
    tx.api_key_by_digest(key.digest).unwrap();
    tx.count_api_keys_of(user.id).unwrap();
    tx.list_api_keys_of(user.id, None, 50).unwrap();
    tx.update_api_key(&key, instant(1)).unwrap();
    tx.note_api_key_use(key.id, instant(1), TimeDelta::minutes(1))
        .unwrap();
    assert!(tx.delete_api_key(key.id, instant(1)).unwrap());
    tx.put_webhook_secret(&a_webhook_secret(user)).unwrap();
    tx.webhook_secret(user.id).unwrap();
    assert_eq!(tx.lock_webhook_secrets(None, 50).unwrap().len(), 1);
}

fn call_all_of_places(tx: &mut DieselTransaction<'_>, user: &User) {
    let digest = |number| PlaceDigest([number; 16]);
    for number in 0..=20 {
        tx.note_place(user.id, digest(number), instant(number.into()))
            .unwrap();
    }
    tx.place_seen_at(user.id, &[digest(1), digest(2)]).unwrap();
    assert_eq!(tx.sweep_places(instant(9999), 100).unwrap(), 20);
}

fn call_all_of_the_audit_log(tx: &mut DieselTransaction<'_>, user: &User) {
    let event = an_event(0).by(user.id).about(user.id);
    tx.append_event(&event).unwrap();
    let all = AuditQuery {
        limit: 50,
        ..AuditQuery::default()
    };
    let (since, until) = (Some(instant(-1)), Some(instant(1)));
    for query in [
        all.clone(),
        AuditQuery {
            since,
            until,
            before: Some(an_event(1).id),
            ..all.clone()
        },
        AuditQuery {
            actor: Some(user.id),
            ..all.clone()
        },
        AuditQuery {
            subject: Some(user.id),
            since,
            ..all.clone()
        },
        AuditQuery {
            action: Some(event.action.clone()),
            until,
            ..all
        },
    ] {
        assert_eq!(tx.list_events(&query).unwrap().len(), 1);
    }
    assert_eq!(tx.count_unsealed_events().unwrap(), 1);
    let event = tx.unsealed_events(9).unwrap().remove(0);
    let sealed = SealedEvent {
        sequence: 1,
        mac: AuditMac::default(),
        key_id: AuditKeyId::default(),
        event,
    };
    let head = tx.lock_audit_chain().unwrap().unwrap();
    tx.seal_events(std::slice::from_ref(&sealed), &head)
        .unwrap();
    assert_eq!(tx.sealed_events(0, 9).unwrap(), [sealed]);
    assert_eq!(tx.last_sequence().unwrap(), 1);
    assert_eq!(tx.audit_chain().unwrap(), head);
    assert_eq!(tx.activity(instant(-9999)).unwrap().len(), 1);
    assert_eq!(tx.sweep_activity(instant(9999)).unwrap(), 1);
    assert_eq!(tx.delete_sealed_events(1, &head).unwrap(), 1);
}

fn call_all_of_tasks(tx: &mut DieselTransaction<'_>, user: &User) {
    let task = a_task(user);
    tx.insert_task(&task, instant(0)).unwrap();
    tx.task(task.id).unwrap();
    for (user_id, status) in [
        (None, None),
        (None, Some(TaskStatus::Pending)),
        (Some(user.id), None),
        (Some(user.id), Some(TaskStatus::Pending)),
    ] {
        let query = TaskQuery {
            user_id,
            status,
            before: None,
            limit: 50,
        };
        assert_eq!(tx.list_tasks(&query).unwrap().tasks.len(), 1);
    }
    tx.count_live_tasks_of(user.id).unwrap();
    tx.count_tasks_by_status().unwrap();
    let kinds = [TaskKind::NOOP, TaskKind::WEBHOOK];
    tx.next_task_due(&kinds).unwrap();
    let claim = tx
        .claim_due_tasks(&kinds, instant(1), instant(2), 9)
        .unwrap();
    tx.renew_task_lease(task.id, 1, instant(2)).unwrap();
    let outcome = TaskOutcome::Completed(None);
    assert!(
        tx.finish_task(&claim.tasks[0], &outcome, instant(1))
            .unwrap()
    );
    assert!(tx.rerun_task(task.id, instant(2)).unwrap());
    assert!(tx.cancel_task(task.id, instant(2)).unwrap());
    assert_eq!(tx.sweep_finished_tasks(instant(9), 9).unwrap(), 1);
    tx.delete_task(task.id).unwrap();
}

#[test]
fn on_sqlite() {
    let database = TestDatabase::sqlite();
    migrations::migrate(&database.database_url()).unwrap();
    let mut connection = sqlite::connect(&database.file(), Mode::Write).unwrap();
    let sent = Sent::default();
    connection.set_instrumentation(sent.clone());
    call_all(&mut DieselTransaction::new(
        Backend::Sqlite(&mut connection),
        Mode::Write,
        None,
    ));
    let statements = sent.searching();
    assert!(statements.len() > 20, "{statements:#?}");
    for statement in statements {
        let plan = sqlite_plan(&mut connection, &statement);
        let scans: Vec<_> = plan
            .iter()
            .filter(|line| line.starts_with("SCAN") && !line.contains("INDEX"))
            .collect();
        assert!(scans.is_empty(), "{statement}\n{plan:#?}");
    }
}

fn sqlite_plan(connection: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let rows: Vec<(i32, i32, i32, String)> =
        sql::<(Integer, Integer, Integer, Text)>(&format!("EXPLAIN QUERY PLAN {statement}"))
            .load(connection)
            .unwrap();
    rows.into_iter().map(|row| row.3).collect()
}

#[test]
fn on_postgres() {
    let database = TestDatabase::postgres();
    migrations::migrate(&database.database_url()).unwrap();
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let sent = Sent::default();
    connection.set_instrumentation(sent.clone());
    call_all(&mut DieselTransaction::new(
        Backend::Postgres(&mut connection),
        Mode::Write,
        None,
    ));
    // What cannot use an index even so would scan the whole table.
    connection
        .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let statements = sent.searching();
    assert!(statements.len() > 20, "{statements:#?}");
    for statement in statements {
        let plan = postgres_plan(&mut connection, &statement).join("\n");
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
        let is_whole_index = plan.contains("Index Scan") && !plan.contains("Index Cond");
        let is_page = statement.contains("ORDER BY") && statement.contains("LIMIT");
        // Who counts reads all that an index has, of the table or of a part of it.
        let is_count = statement.contains("COUNT(*)");
        assert!(
            !is_whole_index || is_page || is_count,
            "{statement}\n{plan}"
        );
    }
}

fn postgres_plan(connection: &mut PgConnection, statement: &str) -> Vec<String> {
    let parameters = (1..=20)
        .take_while(|number| statement.contains(&format!("${number}")))
        .map(|_| "NULL")
        .collect::<Vec<_>>()
        .join(", ");
    let arguments = if parameters.is_empty() {
        String::new()
    } else {
        format!("({parameters})")
    };
    connection
        .batch_execute(&format!("DEALLOCATE ALL; PREPARE plan AS {statement}"))
        .unwrap();
    sql::<Text>(&format!("EXPLAIN EXECUTE plan{arguments}"))
        .load(connection)
        .unwrap()
}
