//! The unit of work.

use super::{Gate, a_user, begun, read, write};
use crate::error::StoreError;
use crate::store::{CommitListener, Store};
use doorward_domain::{Change, UserId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Remembers what it hears.
#[derive(Debug, Default)]
struct Ear {
    heard: Mutex<Vec<Change>>,
    has_heard: Gate,
}

impl Ear {
    fn heard(&self) -> Vec<Change> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl CommitListener for Ear {
    fn committed(&self, changes: &[Change]) {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(changes);
        self.has_heard.open();
    }
}

fn listening(store: &Arc<dyn Store>) -> Arc<Ear> {
    let ear = Arc::new(Ear::default());
    store.subscribe(Arc::<Ear>::clone(&ear));
    ear
}

async fn is_there(store: &dyn Store, id: UserId) -> bool {
    read(store, move |tx| Ok(tx.user(id)?.is_some())).await
}

/// `Ok` commits: the same unit and later ones see it.
pub async fn what_is_ok_is_kept(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    let id = ada.id;
    let seen = write(&*store, move |tx| {
        tx.insert_user(&ada)?;
        tx.user(id)
    });
    assert_eq!(seen.await.map(|user| user.id), Some(id));
    assert!(is_there(&*store, id).await);
}

/// `Err` undoes all of it, and is handed on.
pub async fn an_error_rolls_back(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    let id = ada.id;
    let failed: Result<(), StoreError> = store
        .write(move |tx| {
            tx.insert_user(&ada)?;
            Err(StoreError::Backend("on purpose".into()))
        })
        .await;
    assert!(
        matches!(&failed, Err(StoreError::Backend(source)) if source.to_string() == "on purpose")
    );
    assert!(!is_there(&*store, id).await);
}

/// A panic undoes all of it, is an error, and the store goes on, however often.
pub async fn a_panic_rolls_back(store: Arc<dyn Store>) {
    for _ in 0..20 {
        let ada = a_user("ada");
        let id = ada.id;
        let failed: Result<(), StoreError> = store
            .write(move |tx| {
                tx.insert_user(&ada)?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Backend(_))), "{failed:?}");
        let failed: Result<(), StoreError> = store.read(|_| panic!("on purpose")).await;
        assert!(matches!(failed, Err(StoreError::Backend(_))), "{failed:?}");
        assert!(!is_there(&*store, id).await);
    }
    what_is_ok_is_kept(store).await;
}

/// No kind of write gets through in a read.
pub async fn a_read_must_not_write(store: Arc<dyn Store>) {
    let ada = a_user("ada");
    let (id, at) = (ada.id, ada.date_joined);
    let refused: Result<(), StoreError> = store.read(move |tx| tx.insert_user(&ada)).await;
    assert!(
        matches!(refused, Err(StoreError::Backend(_))),
        "{refused:?}"
    );
    let refused: Result<(), StoreError> = store
        .read(move |tx| tx.record_change(Change::UserListChanged, at))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Backend(_))),
        "{refused:?}"
    );
    assert!(!is_there(&*store, id).await);
}

/// What is committed while a read goes on, it does not see.
pub async fn a_read_sees_one_state(store: Arc<dyn Store>) {
    let (looked, go_on) = (Gate::default(), Gate::default());
    let ada = a_user("ada");
    let id = ada.id;
    let reading = {
        let (looked, go_on) = (looked.clone(), go_on.clone());
        begun(read(&*store, move |tx| {
            let before = tx.user(id)?.is_some();
            looked.open();
            go_on.pass();
            Ok((before, tx.user(id)?.is_some()))
        }))
        .await
    };
    looked.passed().await;
    write(&*store, move |tx| tx.insert_user(&ada)).await;
    go_on.open();
    assert_eq!(reading.await, (false, false));
    assert!(is_there(&*store, id).await);
}

/// After a statement has failed the transaction is of no use, on every database.
pub async fn work_that_goes_on_after_a_failed_statement_is_not_kept(store: Arc<dyn Store>) {
    let (ada, bob) = (a_user("ada"), a_user("bob"));
    let id = bob.id;
    write(&*store, {
        let ada = ada.clone();
        move |tx| tx.insert_user(&ada)
    })
    .await;
    let failed: Result<bool, StoreError> = store
        .write(move |tx| {
            assert!(tx.insert_user(&ada).is_err());
            Ok(tx.insert_user(&bob).is_ok())
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Backend(_))), "{failed:?}");
    assert!(!is_there(&*store, id).await);
}

/// The change is in force on this node at the next request.
pub async fn listeners_hear_of_a_commit_before_the_caller(store: Arc<dyn Store>) {
    let ears = [listening(&store), listening(&store)];
    let ada = a_user("ada");
    let id = ada.id;
    write(&*store, move |tx| tx.insert_user(&ada)).await;
    for ear in &ears {
        assert_eq!(
            ear.heard(),
            [Change::UserChanged(id), Change::UserListChanged]
        );
    }
}

/// Neither after an error nor after a panic.
pub async fn listeners_never_hear_of_what_was_rolled_back(store: Arc<dyn Store>) {
    let ear = listening(&store);
    for panics in [false, true] {
        let ada = a_user("ada");
        let undone: Result<(), StoreError> = store
            .write(move |tx| {
                tx.insert_user(&ada)?;
                assert!(!panics, "on purpose");
                Err(StoreError::Backend("on purpose".into()))
            })
            .await;
        assert!(undone.is_err());
    }
    let bob = a_user("bob");
    let id = bob.id;
    write(&*store, move |tx| tx.insert_user(&bob)).await;
    assert_eq!(
        ear.heard(),
        [Change::UserChanged(id), Change::UserListChanged]
    );
}

struct Clumsy;

impl CommitListener for Clumsy {
    fn committed(&self, _: &[Change]) {
        panic!("on purpose");
    }
}

/// The work counts, and the other listeners hear of it.
pub async fn a_listener_that_panics_harms_nobody(store: Arc<dyn Store>) {
    store.subscribe(Arc::new(Clumsy));
    let ear = listening(&store);
    for name in ["ada", "bob"] {
        let user = a_user(name);
        let id = user.id;
        write(&*store, move |tx| tx.insert_user(&user)).await;
        assert!(is_there(&*store, id).await);
        assert!(ear.heard().contains(&Change::UserChanged(id)));
    }
}

/// A request that is dropped does not undo what it has begun.
pub async fn work_goes_on_when_its_caller_goes_away(store: Arc<dyn Store>) {
    let ear = listening(&store);
    let gate = Gate::default();
    let ada = a_user("ada");
    let id = ada.id;
    let writing = {
        let gate = gate.clone();
        begun(write(&*store, move |tx| {
            gate.pass();
            tx.insert_user(&ada)
        }))
        .await
    };
    drop(writing);
    gate.open();
    ear.has_heard.passed().await;
    assert!(is_there(&*store, id).await);
}

/// Refused is refused, even when all threads are stuck meanwhile.
pub async fn work_that_waits_over_its_deadline_never_runs(store: Arc<dyn Store>) {
    let gate = Gate::default();
    let mut stuck = Vec::new();
    for _ in 0..30 {
        let gate = gate.clone();
        let blocking = store.write(move |_| {
            gate.pass();
            Ok::<_, StoreError>(())
        });
        stuck.push(begun(blocking).await);
    }
    let has_run = Arc::new(AtomicBool::new(false));
    let late: Result<(), StoreError> = {
        let has_run = Arc::clone(&has_run);
        store
            .write(move |_| {
                has_run.store(true, Ordering::SeqCst);
                Ok(())
            })
            .await
    };
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    gate.open();
    store.close().await;
    assert!(!has_run.load(Ordering::SeqCst));
    let mut finished = 0;
    for blocking in stuck {
        match blocking.await {
            Ok(()) => finished += 1,
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(finished > 0, "what had begun was finished");
}

/// However a store gathers them, units of work do not share their fate.
pub async fn parallel_writes_are_all_kept_or_undone_one_by_one(store: Arc<dyn Store>) {
    let ear = listening(&store);
    let writes: Vec<_> = (0..120)
        .map(|i| {
            let (store, user) = (Arc::clone(&store), a_user(&format!("user{i}")));
            tokio::spawn(async move {
                let id = user.id;
                let result: Result<(), StoreError> = store
                    .write(move |tx| {
                        tx.insert_user(&user)?;
                        match i % 4 {
                            0 => Err(StoreError::Backend("on purpose".into())),
                            1 => panic!("on purpose"),
                            2 => tx.insert_user(&user), // refused by the database
                            _ => Ok(()),
                        }
                    })
                    .await;
                assert_eq!(result.is_ok(), i % 4 == 3, "{i}: {result:?}");
                assert_eq!(is_there(&*store, id).await, i % 4 == 3, "{i}");
            })
        })
        .collect();
    for write in writes {
        write.await.expect("no assertion fails");
    }
    assert_eq!(ear.heard().len(), 2 * 30);
}

/// Accepted work is done, later work refused.
pub async fn close_finishes_queued_work_and_refuses_later_work(store: Arc<dyn Store>) {
    let gate = Gate::default();
    let mut queued = Vec::new();
    let count = Arc::new(Mutex::new(0));
    for _ in 0..20 {
        let (gate, count) = (gate.clone(), Arc::clone(&count));
        let writing = write(&*store, move |_| {
            gate.pass();
            *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            Ok(())
        });
        queued.push(begun(writing).await);
    }
    let closing = begun(store.close()).await;
    let refused: Result<(), StoreError> = store.write(|_| Ok(())).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    gate.open();
    closing.await;
    assert_eq!(*count.lock().unwrap_or_else(PoisonError::into_inner), 20);
    for writing in queued {
        writing.await;
    }
    store.close().await;
}
