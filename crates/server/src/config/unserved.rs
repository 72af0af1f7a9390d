//! Variables that operators of the ancestors and of other versions set, and that have no effect here.

use super::reader::Reader;

/// What later versions serve.
pub(super) const NOT_YET: [&str; 1] = ["METRICS_TOKEN"];

/// Seed 003's, which needed a message broker.
pub(super) const CELERY: &str = "CELERY_BROKER_URL";

pub(super) fn note(reader: &mut Reader<'_>) {
    for name in NOT_YET {
        if reader.text(name).is_some() {
            reader.warn(format!(
                "{name} is set, but has no effect in this version of Doorward"
            ));
        }
    }
    if reader.text(CELERY).is_some() {
        reader.warn(format!(
            "{CELERY} is set, but not needed: Doorward keeps its tasks in the database"
        ));
    }
}
