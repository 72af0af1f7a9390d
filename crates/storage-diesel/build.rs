//! Builds anew when a migration is added: the macro that embeds them cannot notice.

fn main() {
    println!("cargo:rerun-if-changed=migrations/sqlite");
    println!("cargo:rerun-if-changed=migrations/postgres");
}
