//! `doorward import-django`

mod dump;
mod model;
mod record;
mod source;

use super::{database_url, open, say};
use crate::cli::ImportArgs;
use crate::config::Config;
use anyhow::{Context, bail, ensure};
use doorward_services::import::{Importer, LeftOut, Report};
use doorward_services::{Clock, SystemClock};
use doorward_storage::Store;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, OnPending, StoreConfig, migrate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use source::{Batch, Source};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// So many remarks are shown; a report file has them all.
const MOST_SHOWN: usize = 20;
/// Batches that are read ahead.
const READ_AHEAD: usize = 4;

/// Takes the people of a Django project over. The file is read to its end before anything is written.
///
/// # Errors
/// One line that says why nothing was done, why it went no further, or how many people were left out.
pub async fn import_django(config: &Config, args: ImportArgs) -> anyhow::Result<()> {
    let source = Source::survey(&args.file, args.model.as_deref())?;
    let report_file = args.report.as_deref().map(create).transpose()?;
    let house = House::open(config, args.dry_run)?;
    let imported = import(&house, &args, source).await;
    house.store.close().await;
    let (report, failure) = imported;
    tell(&report, args.dry_run)?;
    let written = match (&args.report, report_file) {
        (Some(path), Some(file)) => write_down(&report, file, path),
        (_, _) => Ok(()),
    };
    if let Some(failure) = failure {
        let advice = "start it again once this is mended: whoever is here stays as he is";
        return Err(failure.context(format!(
            "the import went no further after {} people; {advice}",
            report.imported + report.already_there + report.left_out
        )));
    }
    written?;
    let total = report.imported + report.already_there + report.left_out;
    ensure!(
        report.left_out == 0,
        "{} of {total} people were left out",
        report.left_out
    );
    Ok(())
}

/// Where the people come to live.
struct House {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Where a dry run finds no database.
    _imagined: Option<TempDir>,
}

impl House {
    /// A dry run makes and changes nothing: where there is no database yet, it looks at an empty one that is thrown
    /// away.
    fn open(config: &Config, is_dry_run: bool) -> anyhow::Result<Self> {
        if !is_dry_run {
            let (services, _) = open(config, OnPending::Migrate)?;
            return Ok(Self {
                store: services.store,
                clock: services.clock,
                _imagined: None,
            });
        }
        let mut url = database_url(config)?;
        let is_missing = url.file().is_some_and(|file| !file.exists());
        let imagined = is_missing.then(TempDir::new).transpose()?;
        if let Some(folder) = &imagined {
            url = DatabaseUrl::parse(&format!("sqlite://{}/empty.db", folder.path().display()))?;
            migrate(&url)?;
        }
        let store_config = StoreConfig {
            on_pending: OnPending::Refuse,
            ..StoreConfig::default()
        };
        Ok(Self {
            store: Arc::new(DieselStore::open(&url, &store_config)?),
            clock: Arc::new(SystemClock::start()),
            _imagined: imagined,
        })
    }
}

/// Everything up to the first failure.
async fn import(
    house: &House,
    args: &ImportArgs,
    source: Source,
) -> (Report, Option<anyhow::Error>) {
    let (store, clock) = (Arc::clone(&house.store), Arc::clone(&house.clock));
    let mut importer = if args.dry_run {
        Importer::dry(store, clock)
    } else {
        Importer::new(store, clock)
    };
    let bar = progress_bar(source.total());
    let (sender, mut batches) = mpsc::channel::<Batch>(READ_AHEAD);
    let reader = thread::spawn(move || source.read(|batch| sender.blocking_send(batch).is_ok()));
    let mut report = Report::default();
    let mut failure = None;
    while let Some(batch) = batches.recv().await {
        let count = batch.len();
        for (who, reason) in batch.unreadable {
            report.leave_out(&who, LeftOut::Unreadable(reason));
        }
        match importer.import(batch.people).await {
            Ok(of_batch) => report.add(of_batch),
            Err(error) => {
                failure = Some(error.into());
                break;
            }
        }
        bar.inc(count);
    }
    drop(batches); // so that the reader ends, too
    let read = reader.join().unwrap_or_else(|_panic| bail_read());
    bar.finish_and_clear();
    let noted = importer.note(&report).await.map_err(anyhow::Error::from);
    (report, failure.or(read.err()).or(noted.err()))
}

fn bail_read() -> anyhow::Result<()> {
    bail!("reading the file panicked")
}

/// On a terminal alone.
fn progress_bar(total: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} people, {eta} to go");
    ProgressBar::with_draw_target(Some(total), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path);
    let file = file.with_context(|| unwritable(path))?;
    Ok(BufWriter::new(file))
}

fn write_down(report: &Report, mut file: BufWriter<File>, path: &Path) -> anyhow::Result<()> {
    let mut remarks = report.remarks.iter();
    remarks
        .try_for_each(|remark| writeln!(file, "{remark}"))
        .and_then(|()| file.flush())
        .with_context(|| unwritable(path))
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

fn tell(report: &Report, is_dry_run: bool) -> anyhow::Result<()> {
    for remark in report.remarks.iter().take(MOST_SHOWN) {
        say(&remark.to_string())?;
    }
    let hidden = report.remarks.len().saturating_sub(MOST_SHOWN);
    if hidden > 0 {
        say(&format!(
            "… and {hidden} more lines, which --report FILE writes down"
        ))?;
    }
    let done = if is_dry_run { "To import" } else { "Imported" };
    say(&format!(
        "{done}: {} (owners: {}, admins: {}; without an email address: {}, without a password: {})\n\
         Here already: {}\nLeft out: {}",
        report.imported,
        report.owners,
        report.admins,
        report.without_email,
        report.without_password,
        report.already_there,
        report.left_out,
    ))?;
    Ok(())
}
