//! A kind of one's own: it writes a report into a folder.

use doorward_domain::UserId;
use doorward_services::FieldErrors;
use doorward_worker::{CheckError, Kind, Run, RunError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Writes reports.
#[derive(Debug)]
pub(crate) struct WriteReport {
    /// Where they go.
    pub(crate) folder: PathBuf,
}

/// What a task of this kind carries. What does not fit is refused when the task is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    title: String,
    lines: Vec<String>,
}

impl Kind for WriteReport {
    const NAME: &'static str = "write-report";
    const TIME_LIMIT: Duration = Duration::from_secs(5);
    type Payload = Report;

    /// Beyond the types: asked when the task is made.
    async fn check(&self, _owner: UserId, report: Report) -> Result<(), CheckError> {
        if report.lines.is_empty() {
            let errors = FieldErrors::one("payload.lines", "A report has at least one line.");
            return Err(CheckError::Invalid(errors));
        }
        Ok(())
    }

    /// It may run twice, if this process dies after it has written and before that is known. The name of the file makes
    /// the second time harmless: it is the same at all attempts.
    async fn run(&self, run: &Run, report: Report) -> Result<Value, RunError> {
        let name = format!("{}.txt", run.task);
        let text = format!("{}\n\n{}\n", report.title, report.lines.join("\n"));
        let written = tokio::fs::write(self.folder.join(&name), text).await;
        // A full disk may have room in a while; the folder's place is nobody's business.
        written.map_err(|_| RunError::retry("The report could not be written."))?;
        Ok(json!({ "file": name }))
    }
}
