//! The `bcrypt` crate and one to five lanes beside it: `cargo bench -p bcrypt-batch`.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot make its jobs measures nothing"
)]

use bcrypt_batch::{Cost, Job, LANES, hash_batch};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Low, for a time of milliseconds. The work doubles with each cost, and nothing else changes.
const COST: u32 = 8;

const PASSWORD: &[u8] = b"correct horse battery staple";

fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bcrypt");
    group.sample_size(30);
    group.throughput(Throughput::Elements(1));
    group.bench_function("crate", |bencher| {
        bencher.iter(|| bcrypt::hash_with_salt(PASSWORD, COST, [1; 16]));
    });
    for lanes in 1..=LANES {
        let jobs: Vec<Job> = (0..lanes)
            .map(|_| Job::new(PASSWORD, rand::random(), Cost::new(COST).unwrap()).unwrap())
            .collect();
        group.throughput(Throughput::Elements(lanes.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("lanes", lanes), &jobs, |bencher, jobs| {
            bencher.iter(|| hash_batch(jobs));
        });
    }
    group.finish();
}

criterion_group!(benches, hashes);
criterion_main!(benches);
