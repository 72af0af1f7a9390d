//! Where the people come from: a dump, or a database file.

use super::dump::{self, Format};
use super::model::{Models, table_of};
use super::record::{Record, person};
use anyhow::Context;
use doorward_services::import::DjangoUser;
use doorward_storage_diesel::{DjangoFile, DjangoTable};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// So many people are taken over in one transaction.
const BATCH: usize = 500;
const SQLITE: &[u8] = b"SQLite format 3\0";

/// People who are taken over together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) people: Vec<DjangoUser>,
    /// Those whose record cannot be read: what they are known by, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

impl Batch {
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.people.len() + self.unreadable.len()).unwrap_or_default()
    }

    fn add(&mut self, record: &Record) {
        match person(record) {
            Ok(person) => self.people.push(person),
            Err((who, reason)) => self.unreadable.push((who, reason)),
        }
    }

    fn is_full(&self) -> bool {
        self.people.len() + self.unreadable.len() >= BATCH
    }
}

/// A file whose people are counted.
pub(super) enum Source {
    Dump {
        file: PathBuf,
        format: Format,
        model: String,
        total: u64,
    },
    Database {
        file: Box<DjangoFile>,
        table: DjangoTable,
    },
}

impl Source {
    /// Reads the whole file, so that what is damaged or cut off is refused before anybody is taken over.
    pub(super) fn survey(path: &Path, wanted: Option<&str>) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let mut start = Vec::new();
        let file = File::open(path).with_context(named)?;
        file.take(64).read_to_end(&mut start).with_context(named)?;
        if start.starts_with(SQLITE) {
            return Self::database(path, wanted);
        }
        let format = dump::format(&start).with_context(named)?;
        let mut models = Models::default();
        dump::read(path, format, |record| {
            models.count(&record);
            true
        })
        .with_context(named)?;
        let (model, total) = models.choose(wanted).with_context(named)?;
        Ok(Self::Dump {
            file: path.to_owned(),
            format,
            model,
            total,
        })
    }

    fn database(path: &Path, wanted: Option<&str>) -> anyhow::Result<Self> {
        let mut file = DjangoFile::open(path)?;
        let tables = file.user_tables()?;
        let table = table_of(tables, wanted).with_context(|| path.display().to_string())?;
        Ok(Self::Database {
            file: Box::new(file),
            table,
        })
    }

    pub(super) fn total(&self) -> u64 {
        match self {
            Self::Dump { total, .. } => *total,
            Self::Database { table, .. } => table.rows,
        }
    }

    /// Sends everybody in batches, for as long as they are wanted.
    pub(super) fn read(self, mut send: impl FnMut(Batch) -> bool) -> anyhow::Result<()> {
        match self {
            Self::Dump {
                file,
                format,
                model,
                ..
            } => {
                let mut batch = Batch::default();
                let mut is_wanted = true;
                dump::read(&file, format, |record| {
                    if record.is_of(&model) {
                        batch.add(&record);
                    }
                    if batch.is_full() {
                        is_wanted = send(std::mem::take(&mut batch));
                    }
                    is_wanted
                })?;
                if is_wanted && batch.len() > 0 {
                    send(batch);
                }
                Ok(())
            }
            Self::Database { mut file, table } => read_table(&mut file, &table, send),
        }
    }
}

fn read_table(
    file: &mut DjangoFile,
    table: &DjangoTable,
    mut send: impl FnMut(Batch) -> bool,
) -> anyhow::Result<()> {
    let mut position = None;
    loop {
        let rows = file.rows(table, position, u32::try_from(BATCH)?)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        position = Some(last.position);
        let mut batch = Batch::default();
        for row in rows {
            match serde_json::from_slice(&row.json) {
                Ok(record) => batch.add(&record),
                Err(_) => batch.unreadable.push((
                    format!("row {}", row.position),
                    "the row is damaged".to_owned(),
                )),
            }
        }
        if !send(batch) {
            return Ok(());
        }
    }
}
