//! Workers on real databases, with a clock that is moved by hand: each test runs on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers, too"
)]

mod attempts;
mod leases;
mod loops;
mod support;

/// Makes of each case one test on each database.
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(doorward_storage_diesel::testing::TestDatabase::sqlite()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(doorward_storage_diesel::testing::TestDatabase::postgres()).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_databases;
