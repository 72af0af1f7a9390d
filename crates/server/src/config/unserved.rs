//! Variables that operators of the ancestors set, and that have no effect here.

use super::reader::Reader;

/// Seed 003's, which needed a message broker.
pub(super) const CELERY: &str = "CELERY_BROKER_URL";

pub(super) fn note(reader: &mut Reader<'_>) {
    if reader.text(CELERY).is_some() {
        reader.warn(format!(
            "{CELERY} is set, but not needed: Doorward keeps its tasks in the database"
        ));
    }
}
