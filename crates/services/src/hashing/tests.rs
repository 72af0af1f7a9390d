use super::*;
use bcrypt_batch::{Cost, Hash};
use std::sync::mpsc;
use tokio::task::JoinHandle;

fn pool(queue: usize, deadline: Duration) -> HashingPool {
    HashingPool::start(HashingLimits {
        threads: 1,
        deadline,
        queue,
    })
    .unwrap()
}

fn ample() -> HashingPool {
    pool(100, Duration::from_mins(1))
}

/// Occupies the only thread until the returned sender is dropped or used.
async fn occupy(pool: &HashingPool) -> (mpsc::Sender<()>, JoinHandle<Result<(), Overloaded>>) {
    let (release, released) = mpsc::channel::<()>();
    let running = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(move || released.recv().unwrap_or(())).await }
    });
    until(|| pool.0.0.lock().running == 1).await;
    (release, running)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Lets one more caller wait.
async fn queued<T: Send + 'static>(
    pool: &HashingPool,
    caller: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let pending = pool.pending();
    let caller = tokio::spawn(caller);
    until(|| pool.pending() == pending + 1).await;
    caller
}

fn job(password: &str, cost: u32) -> Job {
    Job::new(
        password.as_bytes(),
        *b"sixteen of salt.",
        Cost::new(cost).unwrap(),
    )
    .unwrap()
}

/// A hash that says when it was computed.
async fn traced(
    pool: HashingPool,
    name: &'static str,
    cost: u32,
    trace: mpsc::Sender<&'static str>,
) -> Result<Hash, Overloaded> {
    let next = move |hash| {
        trace.send(name).unwrap();
        Step::Answer(hash)
    };
    pool.bcrypt(job(name, cost), Box::new(next)).await
}

async fn hash(pool: HashingPool, password: &'static str) -> Result<Hash, Overloaded> {
    pool.bcrypt(job(password, 4), Box::new(Step::Answer)).await
}

#[tokio::test]
async fn work_is_done_and_its_answer_given() {
    assert_eq!(pool(4, Duration::from_secs(5)).run(|| 6 * 7).await, Ok(42));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_again() {
    let pool = pool(1, Duration::from_secs(5));
    let (release, running) = occupy(&pool).await;
    let waiting = pool.clone();
    let waiting = queued(&pool, async move { waiting.run(|| ()).await }).await;
    let refused = pool.run(|| ()).await.unwrap_err();
    assert!(refused.retry_after >= Duration::from_secs(1));
    let refused = hash(pool.clone(), "x").await.unwrap_err();
    assert!(refused.retry_after >= Duration::from_secs(1));
    assert_eq!(pool.pending(), 2);
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_cannot_be_served_within_the_deadline_is_refused_before_it_costs_anything() {
    let pool = pool(100, Duration::from_secs(1));
    pool.0.0.lock().remember(Duration::from_secs(2));
    let (release, running) = occupy(&pool).await;
    assert!(pool.run(|| ()).await.is_err());
    assert!(hash(pool.clone(), "x").await.is_err());
    assert_eq!(pool.pending(), 1);
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn the_wait_is_estimated_in_turns_of_five_hashes() {
    let pool = pool(100, Duration::from_secs(4));
    let (release, running) = occupy(&pool).await;
    pool.0.0.lock().remember(Duration::from_secs(2));
    let mut waiting = Vec::new();
    for _ in 0..=LANES {
        let caller = pool.clone();
        waiting.push(queued(&pool, hash(caller, "x")).await);
    }
    // Now three turns are ahead: the one that runs, one of five and one of one.
    let refused = hash(pool.clone(), "x").await.unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(6));
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
    for caller in waiting {
        assert!(caller.await.unwrap().is_ok());
    }
}

#[test]
fn a_thread_without_work_serves_at_once() {
    let state = State {
        queue: Queue::new(),
        busy: 1,
        running: 5,
        turn: Some(Duration::from_secs(8)),
        is_closed: false,
    };
    assert_eq!(state.expected_wait(2), Duration::ZERO);
    assert_eq!(state.expected_wait(1), Duration::from_secs(8));
}

#[test]
fn one_costly_hash_does_not_make_others_wait_and_a_slower_machine_shows() {
    let mut state = State {
        queue: Queue::new(),
        busy: 1,
        running: 1,
        turn: None,
        is_closed: false,
    };
    let day = Duration::from_hours(24);
    state.remember(day);
    assert_eq!(state.expected_wait(1), MOST_FIRST_TURN);
    state.turn = Some(Duration::from_millis(100));
    state.remember(day);
    assert_eq!(state.expected_wait(1), Duration::from_millis(175));
    for _ in 0..10 {
        state.remember(Duration::from_secs(3));
    }
    assert!(state.expected_wait(1) > Duration::from_secs(2));
}

#[tokio::test]
async fn those_who_have_gone_away_hold_no_place_against_those_who_come() {
    let pool = pool(1, Duration::from_mins(1));
    let (release, running) = occupy(&pool).await;
    let gone = queued(&pool, hash(pool.clone(), "gone")).await;
    assert!(hash(pool.clone(), "refused").await.is_err());
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let comes = pool.clone();
    let comes = tokio::spawn(async move { hash(comes, "comes").await });
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
    assert!(comes.await.unwrap().is_ok());
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_computed() {
    let pool = ample();
    let (release, running) = occupy(&pool).await;
    let (trace, computed) = mpsc::channel();
    let abandoned = [
        queued(&pool, traced(pool.clone(), "gone", 4, trace.clone())).await,
        queued(&pool, {
            let (pool, trace) = (pool.clone(), trace.clone());
            async move {
                let work = move || trace.send("gone, too").unwrap();
                pool.run(work).await?;
                hash(pool, "x").await
            }
        })
        .await,
    ];
    let kept = queued(&pool, traced(pool.clone(), "kept", 4, trace)).await;
    for caller in abandoned {
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
    }
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
    assert!(kept.await.unwrap().is_ok());
    assert_eq!(computed.iter().collect::<Vec<_>>(), ["kept"]);
    until(|| pool.pending() == 0).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_between_two_hashes_gets_no_second_one() {
    let pool = ample();
    let (gone, is_gone) = mpsc::channel::<()>();
    let (trace, computed) = mpsc::channel();
    let caller = queued(&pool, {
        let pool = pool.clone();
        async move {
            let first: Next<()> = Box::new(move |_| {
                is_gone.recv().unwrap();
                let second = move |_| {
                    trace.send("second").unwrap();
                    Step::Answer(())
                };
                Step::Hash(job("x", 4), Box::new(second))
            });
            pool.bcrypt(job("x", 4), first).await
        }
    })
    .await;
    until(|| pool.0.0.lock().running == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gone.send(()).unwrap();
    assert_eq!(computed.iter().count(), 0);
    until(|| pool.pending() == 0).await;
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_not_the_thread() {
    let pool = pool(4, Duration::from_secs(5));
    assert!(
        pool.run(|| panic!("on purpose"))
            .await
            .map(|(): ()| ())
            .is_err()
    );
    assert_eq!(pool.run(|| 1).await, Ok(1));
    until(|| pool.pending() == 0).await;
}

#[tokio::test]
async fn a_panic_after_a_hash_costs_no_answer_of_those_beside_it() {
    let pool = ample();
    let (release, running) = occupy(&pool).await;
    let before = queued(&pool, hash(pool.clone(), "before")).await;
    let panicking = queued(&pool, {
        let pool = pool.clone();
        async move {
            let next: Next<()> = Box::new(|_| panic!("on purpose"));
            pool.bcrypt(job("x", 4), next).await
        }
    })
    .await;
    let after = queued(&pool, hash(pool.clone(), "after")).await;
    drop(release);
    assert_eq!(running.await.unwrap(), Ok(()));
    assert!(panicking.await.unwrap().is_err());
    assert!(before.await.unwrap().is_ok() && after.await.unwrap().is_ok());
    assert_eq!(pool.run(|| 1).await, Ok(1));
    until(|| pool.pending() == 0).await;
}

#[tokio::test]
async fn what_is_hashed_together_is_what_the_bcrypt_crate_makes_of_each() {
    let pool = ample();
    for passwords in [
        vec!["a"],
        vec!["a", "b", "c"],
        vec!["a", "b", "c", "d", "e", "f", "g"],
    ] {
        let (release, running) = occupy(&pool).await;
        let mut waiting = Vec::new();
        for password in passwords {
            let caller = queued(&pool, hash(pool.clone(), password)).await;
            waiting.push((password, caller));
        }
        drop(release);
        running.await.unwrap().unwrap();
        for (password, caller) in waiting {
            let expected = bcrypt::hash_with_salt(password, 4, *b"sixteen of salt.").unwrap();
            let hash = caller.await.unwrap().unwrap();
            assert_eq!(hash.to_string(), expected.to_string());
        }
    }
}

#[tokio::test]
async fn those_of_one_cost_are_hashed_together_and_the_oldest_of_another_are_next() {
    let pool = ample();
    let (release, running) = occupy(&pool).await;
    let (trace, computed) = mpsc::channel();
    let mut waiting = Vec::new();
    for (name, cost) in [("a5", 5), ("b4", 4), ("c5", 5), ("d4", 4), ("e5", 5)] {
        let caller = traced(pool.clone(), name, cost, trace.clone());
        waiting.push(queued(&pool, caller).await);
    }
    drop((release, trace));
    running.await.unwrap().unwrap();
    for caller in waiting {
        assert!(caller.await.unwrap().is_ok());
    }
    let order: Vec<_> = computed.iter().collect();
    assert_eq!(order, ["a5", "c5", "e5", "b4", "d4"]);
}

#[tokio::test]
async fn further_hashes_wait_for_nobody_and_are_made_together_with_those_beside_them() {
    let pool = ample();
    let (release, running) = occupy(&pool).await;
    let (trace, computed) = mpsc::channel();
    let mut waiting = Vec::new();
    for (name, second) in [("a", 6), ("b", 5), ("c", 6)] {
        let (caller, trace) = (pool.clone(), trace.clone());
        let steps = async move {
            let next = move |_| {
                let said = format!("{name}{second}");
                Step::Hash(
                    job(name, second),
                    Box::new(move |_| {
                        trace.send(said).unwrap();
                        Step::Answer(())
                    }),
                )
            };
            caller.bcrypt(job(name, 4), Box::new(next)).await
        };
        waiting.push(queued(&pool, steps).await);
    }
    let stranger = queued(&pool, {
        let (pool, trace) = (pool.clone(), trace.clone());
        async move {
            pool.run(move || trace.send("stranger".to_owned()).unwrap())
                .await
        }
    })
    .await;
    drop((release, trace));
    running.await.unwrap().unwrap();
    for caller in waiting {
        caller.await.unwrap().unwrap();
    }
    stranger.await.unwrap().unwrap();
    let order: Vec<_> = computed.iter().collect();
    assert_eq!(order, ["b5", "a6", "c6", "stranger"]);
}

#[tokio::test]
async fn the_threads_end_with_the_last_handle() {
    let pool = ample();
    let shared = Arc::downgrade(&pool.0.0);
    drop(pool.clone());
    assert_eq!(pool.run(|| 1).await, Ok(1));
    drop(pool);
    until(|| shared.strong_count() == 0).await;
}
