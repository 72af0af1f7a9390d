use super::*;
use crate::Clock;
use crate::tests::{Node, new_task, said};
use crate::users::AdministerError;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::task::{TaskKind, TaskOutcome, TaskPayload};
use doorward_domain::{Role, User};
use doorward_storage::AuditQuery;
use doorward_storage::testing::{KINDS, a_task, instant, read, write};
use serde_json::{Value, json};

fn at(text: &str) -> DateTime<Utc> {
    doorward_domain::task::parse_instant(text).unwrap()
}

fn due_now() -> NewTask {
    NewTask {
        scheduled_at: Some("2001-01-01T00:00:00Z".to_owned()),
        ..new_task()
    }
}

fn every(cron: &str, timezone: Option<&str>) -> NewRepeat {
    NewRepeat {
        cron: Some(cron.to_owned()),
        timezone: timezone.map(str::to_owned),
    }
}

async fn make(node: &Node, caller: &Caller, new: NewTask) -> ScheduledTask {
    node.services.tasks.create(caller, new).await.unwrap()
}

async fn refused(node: &Node, caller: &Caller, new: NewTask) -> FieldErrors {
    match node.services.tasks.create(caller, new).await {
        Err(CreateTaskError::Invalid(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

async fn claim(node: &Node) -> Vec<ScheduledTask> {
    let now = node.clock.now();
    let claim = write(&*node.store, move |tx| {
        tx.claim_due_tasks(KINDS, now, now + TimeDelta::seconds(30), 100)
    });
    claim.await.tasks
}

async fn complete(node: &Node, task: ScheduledTask) {
    let now = node.clock.now();
    let done = write(&*node.store, move |tx| {
        tx.finish_task(&task, &TaskOutcome::Completed(None), now)
    });
    assert!(done.await);
}

// --- What a task may be ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_task_is_kept_as_it_was_asked_for() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let task = make(&node, &ada, new_task()).await;
    let expected = ScheduledTask {
        id: task.id,
        name: task.name.clone(),
        user_id: ada.principal.id,
        scheduled_at: at("2030-01-31T12:00:00Z"),
        due_at: Some(at("2030-01-31T12:00:00Z")),
        ..a_task(&node.user(ada.principal.id).await.unwrap())
    };
    assert_eq!(task, expected);
    let shown = node.services.tasks.show(&ada, task.id).await.unwrap();
    assert_eq!(shown, task);
    let payload = json!({ "n": [1, { "deep": null }] });
    let Value::Object(object) = payload else {
        panic!("an object");
    };
    let more = NewTask {
        kind: Some("noop".to_owned()),
        payload: Some(object.clone()),
        max_attempts: Some(20),
        ..new_task()
    };
    let task = make(&node, &ada, more).await;
    assert_eq!(task.payload.as_object(), &object);
    assert_eq!(task.max_attempts.get(), 20);
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let zone = "Enter a time with its zone, such as 2030-01-31T12:00:00Z.";
    let errors = refused(&node, &ada, NewTask::default()).await;
    let required = vec!["This field is required."];
    let expected = [
        ("name", required.clone()),
        ("scheduled_at", required.clone()),
    ];
    assert_eq!(said(&errors), expected.into());
    let deep = "[".repeat(32) + &"]".repeat(32);
    let Ok(Value::Object(payload)) = format!("{{\"a\":{deep}}}").parse() else {
        panic!("an object");
    };
    let new = NewTask {
        name: Some("a\nb".to_owned()),
        scheduled_at: Some("2030-01-31T12:00:00".to_owned()),
        kind: Some("launch".to_owned()),
        payload: Some(payload),
        max_attempts: Some(0),
        repeat: Some(every("* * * * * *", None)),
        errors: FieldErrors::one("status", "Unknown field."),
    };
    let errors = refused(&node, &ada, new).await;
    let cron = "Enter a cron expression of five fields, such as 30 6 * * MON-FRI.";
    let expected = [
        ("kind", vec!["Must be one of noop."]),
        ("max_attempts", vec!["Must be a whole number from 1 to 20."]),
        ("name", vec!["Control characters are not allowed."]),
        ("payload", vec!["Must not be nested deeper than 32 levels."]),
        ("repeat.cron", vec![cron]),
        ("scheduled_at", vec![zone]),
        ("status", vec!["Unknown field."]),
    ];
    assert_eq!(said(&errors), expected.into());
    let both = NewTask {
        repeat: Some(every("daily", Some("Mars"))),
        ..new_task()
    };
    let errors = refused(&node, &ada, both).await;
    let zone = "Enter the name of a time zone, such as Europe/Berlin.";
    let expected = [("repeat.cron", vec![cron]), ("repeat.timezone", vec![zone])];
    assert_eq!(said(&errors), expected.into());
    for (repeat, field, message) in [
        (
            every("0 0 30 2 *", None),
            "repeat.cron",
            "It never happens.",
        ),
        (every("* * * * *", Some("Mars")), "repeat.timezone", zone),
        (
            NewRepeat::default(),
            "repeat.cron",
            "This field is required.",
        ),
    ] {
        let new = NewTask {
            repeat: Some(repeat),
            ..new_task()
        };
        let errors = refused(&node, &ada, new).await;
        assert_eq!(said(&errors), [(field, vec![message])].into());
    }
}

#[tokio::test]
async fn a_time_that_is_past_is_due_at_once_and_before_nobody_else() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let task = make(&node, &ada, due_now()).await;
    assert_eq!(task.scheduled_at, at("2001-01-01T00:00:00Z"));
    assert_eq!(task.due_at, Some(instant(0)));
    let claimed = claim(&node).await;
    assert_eq!(claimed[0].id, task.id);
}

#[tokio::test]
async fn one_that_repeats_begins_when_it_is_told_or_when_its_expression_says() {
    let node = Node::start().await; // it is 2027-01-15T08:00:00.123456Z
    let (ada, _) = node.join("ada", Role::User).await;
    let new = |scheduled_at: Option<&str>| NewTask {
        scheduled_at: scheduled_at.map(str::to_owned),
        repeat: Some(every("30 6 * * *", Some("Europe/Berlin"))),
        ..new_task()
    };
    let by_expression = make(&node, &ada, new(None)).await;
    assert_eq!(by_expression.scheduled_at, at("2027-01-16T05:30:00Z"));
    let told = make(&node, &ada, new(Some("2027-01-15T08:00:00Z"))).await;
    assert_eq!(told.scheduled_at, at("2027-01-15T08:00:00Z"));
    let series = told.series.clone().unwrap();
    assert_eq!(series.id, told.id);
    node.pass(3 * 86_400);
    for task in claim(&node).await {
        complete(&node, task).await;
    }
    let pending = Some(TaskStatus::Pending);
    let page = node.services.tasks.list(&ada, pending, None, 50).await;
    let next: Vec<_> = page.unwrap().tasks;
    assert_eq!(next.len(), 2);
    for firing in &next {
        assert_eq!(firing.scheduled_at, at("2027-01-19T05:30:00Z"));
    }
    assert!(
        next.iter()
            .any(|firing| firing.series.as_ref() == Some(&series))
    );
    let late = NewTask {
        scheduled_at: Some("9999-12-31T23:59:59Z".to_owned()),
        ..new(None)
    };
    let errors = refused(&node, &ada, late).await;
    assert_eq!(
        said(&errors),
        [("repeat.cron", vec!["It never happens."])].into()
    );
}

/// Knows one kind more, which wants a word in its payload and breaks down for a name.
#[derive(Debug)]
struct Picky;

#[async_trait]
impl TaskKinds for Picky {
    fn names(&self) -> Vec<TaskKind> {
        vec![TaskKind::NOOP, TaskKind::parse("picky").unwrap()]
    }

    async fn validate(
        &self,
        kind: &TaskKind,
        payload: &TaskPayload,
        _owner: UserId,
    ) -> Result<(), KindError> {
        match payload.as_object().get("word") {
            _ if *kind == TaskKind::NOOP => Ok(()),
            Some(Value::String(word)) if word == "outage" => Err(KindError::Internal(
                StoreError::Unavailable("on purpose".into()).into(),
            )),
            Some(_) => Ok(()),
            None => Err(KindError::Invalid(FieldErrors::one(
                "payload",
                "Say the word.",
            ))),
        }
    }
}

#[tokio::test]
async fn a_kind_says_what_it_takes() {
    let node = Node::with(|config| config.task_kinds = Arc::new(Picky)).await;
    let (ada, _) = node.join("ada", Role::User).await;
    let of = |kind: &str, payload: Value| NewTask {
        kind: Some(kind.to_owned()),
        payload: payload.as_object().cloned(),
        ..new_task()
    };
    let errors = refused(&node, &ada, of("webhook", json!({}))).await;
    assert_eq!(
        said(&errors),
        [("kind", vec!["Must be one of noop, picky."])].into()
    );
    let nameless = NewTask {
        name: None,
        ..of("picky", Value::Null)
    };
    let errors = refused(&node, &ada, nameless).await;
    let expected = [
        ("name", vec!["This field is required."]),
        ("payload", vec!["Say the word."]),
    ];
    assert_eq!(said(&errors), expected.into());
    let task = make(&node, &ada, of("picky", json!({ "word": 1 }))).await;
    assert_eq!(task.kind.as_str(), "picky");
    let outage = of("picky", json!({ "word": "outage" }));
    let broken = node.services.tasks.create(&ada, outage).await;
    let is_outage = matches!(
        broken,
        Err(CreateTaskError::Internal(Internal::Unavailable(_)))
    );
    assert!(is_outage, "{broken:?}");
}

#[tokio::test]
async fn a_user_has_so_many_live_tasks_and_no_more() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (bob, _) = node.join("bob", Role::User).await;
    let user = node.user(ada.principal.id).await.unwrap();
    write(&*node.store, move |tx| {
        (1..MAX_LIVE_TASKS_PER_USER).try_for_each(|_| tx.insert_task(&a_task(&user), instant(0)))
    })
    .await;
    let last = make(&node, &ada, new_task()).await;
    let one_more = node.services.tasks.create(&ada, new_task()).await;
    assert!(matches!(one_more, Err(CreateTaskError::TooMany)));
    make(&node, &bob, new_task()).await;
    node.services.tasks.cancel(&ada, last.id).await.unwrap();
    make(&node, &ada, new_task()).await;
}

#[tokio::test]
async fn whoever_is_deactivated_meanwhile_makes_none() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (other, id) = (node.clone(), ada.principal.id);
    node.store.before(0, async move {
        other.change(id, deactivated).await;
    });
    let made = node.services.tasks.create(&ada, new_task()).await;
    assert!(matches!(made, Err(CreateTaskError::Gone)), "{made:?}");
}

fn deactivated(user: User) -> User {
    User {
        is_active: false,
        ..user
    }
}

// --- What becomes of it ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn anothers_task_is_as_none() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let id = make(&node, &ada, new_task()).await.id;
    let tasks = &node.services.tasks;
    for id in [id, TaskId::new(instant(0))] {
        let answers = [
            tasks.show(&owner, id).await.err(),
            tasks.cancel(&owner, id).await.err(),
            tasks.delete(&owner, id).await.err(),
        ];
        for answer in answers {
            assert!(matches!(answer, Some(TaskError::NotFound)), "{answer:?}");
        }
    }
    let page = tasks.list(&owner, None, None, 50).await.unwrap();
    assert!(page.tasks.is_empty());
    let task = tasks.show(&ada, id).await.unwrap();
    assert_eq!(task.status, TaskStatus::Pending);
}

#[tokio::test]
async fn what_is_pending_is_cancelled_and_what_runs_is_neither_cancelled_nor_deleted() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let tasks = &node.services.tasks;
    let waiting = make(&node, &ada, new_task()).await;
    let cancelled = tasks.cancel(&ada, waiting.id).await.unwrap();
    assert_eq!(cancelled.status, TaskStatus::Cancelled);
    assert_eq!(cancelled.finished_at, Some(instant(0)));
    let again = tasks.cancel(&ada, waiting.id).await;
    assert!(matches!(again, Err(TaskError::NotPending)), "{again:?}");
    let begun = make(&node, &ada, due_now()).await;
    let running = claim(&node).await.remove(0);
    let late = tasks.cancel(&ada, begun.id).await;
    assert!(matches!(late, Err(TaskError::NotPending)), "{late:?}");
    let deleted = tasks.delete(&ada, begun.id).await;
    assert!(matches!(deleted, Err(TaskError::Running)), "{deleted:?}");
    complete(&node, running).await;
    for id in [waiting.id, begun.id] {
        tasks.delete(&ada, id).await.unwrap();
        let gone = tasks.show(&ada, id).await;
        assert!(matches!(gone, Err(TaskError::NotFound)), "{gone:?}");
    }
}

#[tokio::test]
async fn pages_lead_on_to_the_end() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(make(&node, &ada, new_task()).await.id);
        node.pass(1);
    }
    made.reverse();
    let (mut listed, mut before) = (Vec::new(), None);
    for is_last in [false, false, true] {
        let page = node
            .services
            .tasks
            .list(&ada, None, before, 2)
            .await
            .unwrap();
        assert_eq!(page.next.is_none(), is_last);
        before = page.next;
        listed.extend(page.tasks.into_iter().map(|task| task.id));
    }
    assert_eq!(listed, made);
}

#[tokio::test]
async fn a_page_of_large_tasks_ends_early_and_leads_on() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let large = Value::from("x".repeat(60_000));
    for _ in 0..70 {
        let new = NewTask {
            payload: Some([("a".to_owned(), large.clone())].into_iter().collect()),
            ..new_task()
        };
        make(&node, &ada, new).await;
        node.pass(1);
    }
    let (mut sizes, mut ids, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let page = node.services.tasks.list(&ada, None, before, 1000).await;
        let page = page.unwrap();
        sizes.push(page.tasks.len());
        ids.extend(page.tasks.into_iter().map(|task| task.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [18, 18, 18, 16]);
    assert!(ids.is_sorted_by(|newer, older| newer.as_uuid() > older.as_uuid()));
}

#[tokio::test]
async fn a_list_that_takes_several_looks_is_whole() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    for _ in 0..130 {
        make(&node, &ada, new_task()).await;
    }
    for (limit, count) in [(1000, 130), (130, 130), (129, 129), (64, 64), (63, 63)] {
        let page = node.services.tasks.list(&ada, None, None, limit).await;
        let page = page.unwrap();
        assert_eq!(page.tasks.len(), count, "{limit}");
        assert_eq!(page.next.is_some(), count < 130, "{limit}");
    }
}

// --- Admins ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn admins_see_all_tasks_and_manage_those_of_users_and_their_own() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (admin, _) = node.join("alan", Role::Admin).await;
    let (owner, _) = node.join("olga", Role::Owner).await;
    let tasks = &node.services.tasks;
    let of_ada = make(&node, &ada, new_task()).await;
    let of_admin = make(&node, &admin, new_task()).await;
    let of_owner = make(&node, &owner, new_task()).await;
    for caller in [&admin, &owner] {
        let waiting = TaskQuery {
            status: Some(TaskStatus::Pending),
            limit: 50,
            ..TaskQuery::default()
        };
        let page = tasks.list_all(caller, waiting.clone()).await;
        assert_eq!(page.unwrap().tasks.len(), 3);
        let of_one = TaskQuery {
            user_id: Some(ada.principal.id),
            ..waiting
        };
        let page = tasks.list_all(caller, of_one).await;
        assert_eq!(page.unwrap().tasks.len(), 1);
        let counts = tasks.count_all(caller).await.unwrap();
        assert_eq!(counts[0], (TaskStatus::Pending, 3));
        let shown = tasks.show_any(caller, of_owner.id).await.unwrap();
        assert_eq!(shown, of_owner);
    }
    let denied = tasks.list_all(&ada, TaskQuery::default()).await;
    assert!(matches!(denied, Err(AdministerError::NotAllowed)));
    assert!(tasks.count_all(&ada).await.is_err());
    for (caller, task, is_allowed) in [
        (&ada, &of_ada, false),
        (&admin, &of_owner, false),
        (&admin, &of_ada, true),
        (&admin, &of_admin, true),
        (&owner, &of_owner, true),
    ] {
        let cancelled = tasks.cancel_any(caller, task.id).await;
        if is_allowed {
            assert_eq!(cancelled.unwrap().status, TaskStatus::Cancelled);
        } else {
            assert!(matches!(cancelled, Err(ManageTaskError::NotAllowed)));
        }
    }
    let missing = TaskId::new(instant(0));
    for answer in [
        tasks.show_any(&admin, missing).await,
        tasks.cancel_any(&admin, missing).await,
        tasks.run_again(&admin, missing).await,
    ] {
        assert!(matches!(answer, Err(ManageTaskError::NotFound)));
    }
    for answer in [
        tasks.show_any(&ada, of_ada.id).await,
        tasks.run_again(&ada, of_ada.id).await,
    ] {
        assert!(matches!(answer, Err(ManageTaskError::NotAllowed)));
    }
}

#[tokio::test]
async fn an_admin_runs_again_what_has_ended() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (admin, _) = node.join("alan", Role::Admin).await;
    let tasks = &node.services.tasks;
    let id = make(&node, &ada, due_now()).await.id;
    let early = tasks.run_again(&admin, id).await;
    assert!(matches!(early, Err(ManageTaskError::WrongStatus)));
    complete(&node, claim(&node).await.remove(0)).await;
    let late = tasks.cancel_any(&admin, id).await;
    assert!(matches!(late, Err(ManageTaskError::WrongStatus)));
    node.pass(60);
    let again = tasks.run_again(&admin, id).await.unwrap();
    assert_eq!((again.status, again.attempts), (TaskStatus::Pending, 1));
    let claimed = claim(&node).await.remove(0);
    assert_eq!((claimed.id, claimed.attempts), (id, 2));
}

#[tokio::test]
async fn what_admins_do_to_tasks_is_told_in_the_audit_log() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let (admin, _) = node.join("alan", Role::Admin).await;
    let tasks = &node.services.tasks;
    let id = make(&node, &ada, new_task()).await.id;
    tasks.cancel_any(&admin, id).await.unwrap();
    assert!(tasks.cancel_any(&admin, id).await.is_err());
    // Events of one moment are in no order.
    node.clock.advance(TimeDelta::seconds(1));
    tasks.run_again(&admin, id).await.unwrap();
    tasks.cancel(&ada, id).await.unwrap();
    let by_admin = AuditQuery {
        actor: Some(admin.principal.id),
        limit: 9,
        ..AuditQuery::default()
    };
    let events = read(&*node.store, move |tx| tx.list_events(&by_admin)).await;
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.subject_id == Some(ada.principal.id))
        .map(|event| (event.action.as_str(), event.details.as_str()))
        .collect();
    let details = json!({"task": id.to_string()}).to_string();
    assert_eq!(
        told,
        [("task.run_again", &*details), ("task.cancelled", &*details)]
    );
}

// --- What wakes the workers ------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_alarm_rings_on_every_node_when_a_task_is_made() {
    let node = Node::start().await;
    let (ada, _) = node.join("ada", Role::User).await;
    let other = node.beside().await;
    let (here, there) = (&node.services.task_alarm, &other.services.task_alarm);
    for alarm in [here, there] {
        assert_eq!(alarm.rung().await, DateTime::UNIX_EPOCH, "the start");
    }
    let late = make(&node, &ada, new_task()).await;
    make(&node, &ada, due_now()).await;
    assert_eq!(here.rung().await, instant(0), "the earlier one");
    other.services.feed.catch_up().await.unwrap();
    assert_eq!(there.rung().await, instant(0));
    node.services.tasks.cancel(&ada, late.id).await.unwrap();
    let next = read(&*node.store, |tx| tx.next_task_due(KINDS)).await;
    assert_eq!(next, Some(instant(0)));
    let silent = tokio::time::timeout(std::time::Duration::from_millis(1), here.rung());
    assert!(silent.await.is_err(), "nothing is due earlier");
}
