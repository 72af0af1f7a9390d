use super::*;
use chrono::TimeDelta;
use serde_json::json;

fn at(text: &str) -> DateTime<Utc> {
    parse_instant(text).unwrap()
}

fn now() -> DateTime<Utc> {
    at("2027-01-01T12:00:00Z")
}

fn task(attempts: u32, earlier_attempts: u32) -> ScheduledTask {
    ScheduledTask {
        id: TaskId::new(now()),
        user_id: UserId::new(now()),
        name: TaskName::parse("digest").unwrap(),
        kind: TaskKind::NOOP,
        payload: TaskPayload::default(),
        status: TaskStatus::Running,
        scheduled_at: now(),
        due_at: Some(now()),
        series: None,
        max_attempts: MaxAttempts::new(3).unwrap(),
        attempts,
        earlier_attempts,
        created_at: now(),
        started_at: Some(now()),
        finished_at: None,
        result: None,
        error: None,
    }
}

fn failure() -> TaskFailure {
    TaskFailure::new("it did not work")
}

#[test]
fn a_status_is_read_back_from_its_name() {
    for status in TaskStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
    }
    for text in ["", "Pending", "done", "pending "] {
        assert_eq!(text.parse::<TaskStatus>(), Err(ParseTaskStatusError));
    }
}

#[test]
fn only_what_has_not_begun_is_cancelled_and_nothing_is_deleted_while_it_runs() {
    let of = |may: fn(TaskStatus) -> bool| TaskStatus::ALL.map(may);
    assert_eq!(
        of(TaskStatus::may_be_cancelled),
        [true, false, false, false, false]
    );
    assert_eq!(
        of(TaskStatus::may_be_deleted),
        [true, false, true, true, true]
    );
    assert_eq!(of(TaskStatus::has_ended), [false, false, true, true, true]);
}

#[test]
fn attempts_are_1_to_20() {
    for attempts in [1, 5, 20] {
        let max = MaxAttempts::new(attempts).unwrap();
        assert_eq!(i64::from(max.get()), attempts);
    }
    for attempts in [0, -1, 21, 256, 257, i64::MAX, i64::MIN] {
        assert_eq!(MaxAttempts::new(attempts), Err(MaxAttemptsOutOfBounds));
    }
    assert_eq!(MaxAttempts::default().get(), 5);
}

#[test]
fn pauses_grow_to_an_hour() {
    let pauses = (1..=9).map(|made| retry_pause(made, Jitter::NONE).num_seconds());
    let expected = [5, 15, 45, 135, 405, 1215, 3600, 3600, 3600];
    assert_eq!(pauses.collect::<Vec<_>>(), expected);
    assert_eq!(retry_pause(u32::MAX, Jitter::NONE), TimeDelta::hours(1));
    assert_eq!(retry_pause(0, Jitter::NONE), TimeDelta::seconds(5));
}

#[test]
fn pauses_are_a_tenth_off_at_the_most_and_never_over_an_hour() {
    let pause =
        |made, thousandths| retry_pause(made, Jitter::per_mille(thousandths)).num_milliseconds();
    assert_eq!((pause(1, -100), pause(1, 100)), (4500, 5500));
    assert_eq!((pause(1, -999), pause(1, 999)), (4500, 5500));
    assert_eq!((pause(2, 1), pause(2, -1)), (15_015, 14_985));
    assert_eq!((pause(7, -100), pause(7, 100)), (3_240_000, 3_600_000));
}

#[test]
fn a_failure_is_retried_until_no_attempt_is_left() {
    let decide = |attempts, report| task(attempts, 0).decide(report, now(), Jitter::NONE);
    let not_done = || TaskReport::NotDone(failure(), None);
    for (attempts, pause) in [(1, 5), (2, 15)] {
        let expected = TaskOutcome::Retry {
            at: now() + TimeDelta::seconds(pause),
            error: failure(),
        };
        assert_eq!(decide(attempts, not_done()), expected);
    }
    assert_eq!(decide(3, not_done()), TaskOutcome::Failed(failure()));
    let hopeless = TaskReport::Hopeless(failure());
    assert_eq!(decide(1, hopeless), TaskOutcome::Failed(failure()));
    let result = Some(json!({"status": 200}));
    assert_eq!(
        decide(3, TaskReport::Done(result.clone())),
        TaskOutcome::Completed(result)
    );
}

#[test]
fn what_was_run_anew_has_all_its_attempts_again() {
    assert!(!task(3, 0).has_attempts_left());
    assert!(task(3, 3).has_attempts_left() && task(5, 3).has_attempts_left());
    assert!(!task(6, 3).has_attempts_left());
    let outcome = task(4, 3).decide(TaskReport::NotDone(failure(), None), now(), Jitter::NONE);
    let at = now() + TimeDelta::seconds(5);
    assert_eq!(
        outcome,
        TaskOutcome::Retry {
            at,
            error: failure()
        }
    );
}

#[test]
fn whoever_asks_for_a_longer_pause_gets_it_up_to_an_hour() {
    for (asked, given) in [(1, 5), (60, 60), (999_999, 3600)] {
        let report = TaskReport::NotDone(failure(), Some(TimeDelta::seconds(asked)));
        let at = now() + TimeDelta::seconds(given);
        assert_eq!(
            task(1, 0).decide(report, now(), Jitter::NONE),
            TaskOutcome::Retry {
                at,
                error: failure()
            }
        );
    }
}

#[test]
fn a_failure_is_bounded_and_every_database_keeps_it() {
    assert_eq!(TaskFailure::new("a\0b").as_str(), "ab");
    let long = TaskFailure::new(&"ü".repeat(2000));
    assert_eq!(long.as_str().chars().count(), 1000);
}

#[test]
fn an_instant_has_a_zone_and_a_year_of_four_digits() {
    assert_eq!(
        at("2027-01-01T13:00:00.1234567+01:00"),
        at("2027-01-01T12:00:00.123456Z")
    );
    assert_eq!(at("0000-01-01T00:00:00Z").timestamp(), -62_167_219_200);
    for text in [
        "2027-01-01T12:00:00",
        "2027-01-01",
        "1798804800",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00+01:00",
        "2027-01-01T12:59:60Z",
        "10000-01-01T00:00:00Z",
        "soon",
        "",
    ] {
        assert_eq!(parse_instant(text), Err(ParseInstantError), "{text}");
    }
}

fn repeat(cron: &str, timezone: &str) -> Repeat {
    Repeat::parse(cron, timezone).unwrap()
}

#[test]
fn a_repeat_is_a_cron_expression_of_five_fields_and_a_zone() {
    for (cron, zone) in [
        ("* * * * *", "UTC"),
        ("*/15 6-18 * * MON-FRI", "Europe/Berlin"),
        ("0 0 L * *", "America/New_York"),
        ("30 9 1,15 * 1#2", "Asia/Kolkata"),
    ] {
        let parsed = repeat(cron, zone);
        assert_eq!((parsed.cron(), parsed.timezone()), (cron, zone));
    }
    for cron in [
        "",
        "* * * *",
        "* * * * * *",
        "0 0 1 1 * * 2030",
        "60 * * * *",
        "a b c d e",
        "@daily",
        "* * * * @",
        "* * * * ü",
        "0/0 * * * *",
        "*/0 * * * *",
    ] {
        assert_eq!(
            Repeat::parse(cron, "UTC"),
            Err(ParseRepeatError::Cron),
            "{cron}"
        );
    }
    let long = format!("{} * * * *", "1,".repeat(60) + "1");
    assert_eq!(Repeat::parse(&long, "UTC"), Err(ParseRepeatError::Cron));
    for zone in ["", "Berlin", "europe/berlin", "+01:00", "CEST2"] {
        assert_eq!(
            Repeat::parse("* * * * *", zone),
            Err(ParseRepeatError::TimeZone),
            "{zone}"
        );
    }
}

#[test]
fn the_next_moment_is_after_now_by_the_clocks_of_the_zone() {
    let next = |cron, zone, after| repeat(cron, zone).next_after(at(after));
    let berlin = "Europe/Berlin";
    assert_eq!(
        next("30 6 * * *", berlin, "2027-01-01T05:30:00Z"),
        Some(at("2027-01-02T05:30:00Z"))
    );
    assert_eq!(
        next("30 6 * * *", berlin, "2027-01-01T05:29:59.5Z"),
        Some(at("2027-01-01T05:30:00Z"))
    );
    assert_eq!(
        next("* * * * *", "UTC", "2027-01-01T05:30:00.000001Z"),
        Some(at("2027-01-01T05:31:00Z"))
    );
    assert_eq!(next("0 0 30 2 *", "UTC", "2027-01-01T00:00:00Z"), None);
    assert_eq!(next("* * * * *", "UTC", "2200-01-01T00:00:00Z"), None);
    assert_eq!(
        next("0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z"),
        Some(at("2028-02-29T00:00:00Z"))
    );
}

/// In Berlin the clocks went from 2 to 3 on 28 March 2027 and from 3 to 2 on 31 October.
#[test]
fn what_the_clocks_skip_happens_right_after_and_what_they_repeat_happens_once() {
    let berlin = "Europe/Berlin";
    let firings = |cron: &str, from: &str, count: usize| {
        let repeat = repeat(cron, berlin);
        let mut firings = vec![at(from)];
        for _ in 0..count {
            firings.push(repeat.next_after(*firings.last().unwrap()).unwrap());
        }
        firings.split_off(1)
    };
    assert_eq!(
        firings("30 2 * * *", "2027-03-27T12:00:00Z", 2),
        [at("2027-03-28T01:00:00Z"), at("2027-03-29T00:30:00Z")]
    );
    assert_eq!(
        firings("30 2 * * *", "2027-10-30T12:00:00Z", 2),
        [at("2027-10-31T00:30:00Z"), at("2027-11-01T01:30:00Z")]
    );
    assert_eq!(
        firings("*/30 * * * *", "2027-10-30T23:59:00Z", 6),
        [
            at("2027-10-31T00:00:00Z"),
            at("2027-10-31T00:30:00Z"),
            at("2027-10-31T01:00:00Z"),
            at("2027-10-31T01:30:00Z"),
            at("2027-10-31T02:00:00Z"),
            at("2027-10-31T02:30:00Z"),
        ]
    );
}

#[test]
fn what_was_missed_happens_once() {
    let hourly = ScheduledTask {
        series: Some(Series {
            id: TaskId::new(now()),
            repeat: repeat("0 * * * *", "UTC"),
        }),
        result: Some(json!(1)),
        error: Some(failure()),
        ..task(2, 1)
    };
    let next = hourly.next_firing(at("2027-01-04T08:20:00Z")).unwrap();
    let expected = ScheduledTask {
        id: next.id,
        status: TaskStatus::Pending,
        scheduled_at: at("2027-01-04T09:00:00Z"),
        due_at: Some(at("2027-01-04T09:00:00Z")),
        created_at: at("2027-01-04T08:20:00Z"),
        started_at: None,
        result: None,
        error: None,
        attempts: 0,
        earlier_attempts: 0,
        ..hourly.clone()
    };
    assert_eq!(next, expected);
    assert_ne!(next.id, hourly.id);
    let early = hourly.next_firing(at("2027-01-01T11:59:59Z")).unwrap();
    assert_eq!(early.scheduled_at, at("2027-01-01T13:00:00Z"));
    assert_eq!(task(1, 0).next_firing(now()), None);
}
