//! How many hashes a second one core makes: the `bcrypt` crate, and one to five lanes, in turns.
//!
//! ```sh
//! cargo run --release -p bcrypt-batch --example rates -- [COST] [ROUNDS]
//! ```
//!
//! The shortest time of all rounds counts, and on Linux without the time in which other programs had the core, so that
//! they disturb little.

#![expect(clippy::print_stdout, reason = "it is a program for people")]

use bcrypt_batch::{Cost, Job, LANES, hash_batch};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

const PASSWORD: &[u8] = b"correct horse battery staple";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let cost = arguments.next().map_or(Ok(12), |cost| cost.parse())?;
    let rounds: u32 = arguments.next().map_or(Ok(10), |rounds| rounds.parse())?;
    let jobs = (0..LANES)
        .map(|_| Job::new(PASSWORD, rand::random(), Cost::new(cost)?).map_err(Into::into))
        .collect::<Result<Vec<Job>, Box<dyn Error>>>()?;

    let mut alone = Duration::MAX;
    let mut together = [Duration::MAX; LANES];
    for _ in 0..rounds {
        alone = alone.min(time(|| {
            bcrypt::hash_with_salt(PASSWORD, cost, rand::random())
        }));
        for (lanes, best) in (1..).zip(&mut together) {
            *best = (*best).min(time(|| hash_batch(jobs.iter().take(lanes))));
        }
    }

    println!("cost {cost}, the best of {rounds} rounds\n");
    println!("| at once | ms together | hashes/s | x the crate |");
    println!("|---|---|---|---|");
    let row = |name: &str, lanes: f64, time: Duration| {
        let rate = lanes / time.as_secs_f64();
        let ratio = rate * alone.as_secs_f64();
        let ms = time.as_secs_f64() * 1e3;
        println!("| {name} | {ms:.1} | {rate:.2} | {ratio:.2} |");
    };
    row("`bcrypt` crate, 1", 1.0, alone);
    for (lanes, time) in (1_u32..).zip(together) {
        row(&lanes.to_string(), lanes.into(), time);
    }
    Ok(())
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    // In this order, a wait between two of the lines makes the time longer and never shorter.
    let began = Instant::now();
    let waited_before = waited();
    black_box(work());
    let waited_meanwhile = waited().saturating_sub(waited_before);
    began.elapsed().saturating_sub(waited_meanwhile)
}

/// How long this thread has been ready to run while others ran: the second field of `schedstat`, in nanoseconds.
fn waited() -> Duration {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|fields| fields.split(' ').nth(1)?.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
