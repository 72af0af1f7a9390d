//! Reads the people out of a SQLite file of Django's, and never writes to it.

use crate::open_error::{OpenError, on_one_line};
use crate::sqlite::{application_id_is_ours, establish};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Binary};
use diesel::{RunQueryDsl, SqliteConnection};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The columns that are read, of those that a table has.
const FIELDS: [&str; 12] = [
    "username",
    "email",
    "password",
    "first_name",
    "last_name",
    "role",
    "is_active",
    "is_staff",
    "is_superuser",
    "date_joined",
    "created_at",
    "last_login",
];

/// Why a file of Django's cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DjangoFileError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is a database of Doorward's.
    #[error("{file} is Doorward's own database, not Django's", file = .0.display())]
    Ours(PathBuf),
    /// It is no SQLite database, is damaged, or is in use by others.
    #[error("{file} cannot be read: {reason}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

/// A table that looks as if it held people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DjangoTable {
    /// Its name, such as `auth_user`.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    key: Option<String>,
    fields: Vec<&'static str>,
}

/// A row as `dumpdata` would write it: JSON with `model`, `pk` and `fields`, but for booleans, which are 0 and 1.
#[derive(Clone, PartialEq, Eq)]
pub struct DjangoRow {
    /// Where the next page begins.
    pub position: i64,
    /// The JSON, in UTF-8 unless the row is damaged. It holds a password hash.
    pub json: Vec<u8>,
}

impl fmt::Debug for DjangoRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoRow")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// An open file; it is read as it was when it was opened.
pub struct DjangoFile {
    file: PathBuf,
    connection: SqliteConnection,
}

impl fmt::Debug for DjangoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoFile")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl DjangoFile {
    /// Opens a file for reading. Blocks the thread, as the other methods do.
    ///
    /// # Errors
    /// [`DjangoFileError`], when it is no SQLite database or ours.
    pub fn open(file: &Path) -> Result<Self, DjangoFileError> {
        let mut opened = Self {
            file: file.to_owned(),
            connection: establish(file, "mode=ro")?,
        };
        let ours = application_id_is_ours(&mut opened.connection);
        if opened.read(ours)? {
            return Err(DjangoFileError::Ours(file.to_owned()));
        }
        let begun = opened
            .connection
            .batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; BEGIN");
        opened.read(begun)?;
        Ok(opened)
    }

    /// The tables that have a password, a name and what else Django's people have.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn user_tables(&mut self) -> Result<Vec<DjangoTable>, DjangoFileError> {
        // As bytes, since names in a damaged file need not be UTF-8.
        let query = "SELECT CAST(t.name AS BLOB), CAST(c.name AS BLOB), c.pk \
                     FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        let columns = sql::<(Binary, Binary, BigInt)>(query)
            .load::<(Vec<u8>, Vec<u8>, i64)>(&mut self.connection);
        let mut tables: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        for (table, column, key) in self.read(columns)? {
            let (Ok(table), Ok(column)) = (String::from_utf8(table), String::from_utf8(column))
            else {
                continue;
            };
            tables.entry(table).or_default().push((column, key > 0));
        }
        let mut found = Vec::new();
        for (name, columns) in tables {
            let has = |field: &str| columns.iter().any(|(column, _)| column == field);
            let is_of_people = has("password")
                && (has("username") || has("email"))
                && (has("last_login") || has("is_active"));
            if is_of_people {
                let rows = self.count(&name)?;
                found.push(DjangoTable {
                    rows,
                    key: columns
                        .iter()
                        .find(|column| column.1)
                        .map(|(name, _)| name.clone()),
                    fields: FIELDS.into_iter().filter(|field| has(field)).collect(),
                    name,
                });
            }
        }
        Ok(found)
    }

    fn count(&mut self, table: &str) -> Result<u64, DjangoFileError> {
        let count = sql::<BigInt>(&format!("SELECT count(*) FROM {}", quoted(table)))
            .get_result::<i64>(&mut self.connection);
        Ok(u64::try_from(self.read(count)?).unwrap_or_default())
    }

    /// Up to `limit` rows behind a position, in the order of their making; the first page is behind none.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn rows(
        &mut self,
        table: &DjangoTable,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DjangoRow>, DjangoFileError> {
        // JSON holds no bytes, and neither does any of these fields.
        let value = |column: &str| {
            let column = quoted(column);
            format!("CASE typeof({column}) WHEN 'blob' THEN NULL ELSE {column} END")
        };
        let fields: Vec<_> = table
            .fields
            .iter()
            .map(|field| format!("'{field}', {}", value(field)))
            .collect();
        let query = format!(
            "SELECT rowid, CAST(json_object('model', {model}, 'pk', {key}, 'fields', json_object({fields})) AS BLOB) \
             FROM {name} WHERE rowid > {after} ORDER BY rowid LIMIT {limit}",
            model = literal(&table.name),
            key = table.key.as_deref().map_or("NULL".to_owned(), value),
            fields = fields.join(", "),
            name = quoted(&table.name),
            after = after.unwrap_or(i64::MIN),
        );
        let rows = sql::<(BigInt, Binary)>(&query).load::<(i64, Vec<u8>)>(&mut self.connection);
        let rows = self.read(rows)?;
        Ok(rows
            .into_iter()
            .map(|(position, json)| DjangoRow { position, json })
            .collect())
    }

    fn read<T>(&self, result: Result<T, Error>) -> Result<T, DjangoFileError> {
        result.map_err(|error| DjangoFileError::Unreadable {
            file: self.file.clone(),
            reason: on_one_line(&error),
        })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::Connection;

    fn file(sql: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite3");
        SqliteConnection::establish(path.to_str().unwrap())
            .unwrap()
            .batch_execute(sql)
            .unwrap();
        (folder, path)
    }

    #[test]
    fn the_rows_of_the_table_of_users_come_as_json_in_pages() {
        let (_folder, path) = file(
            "CREATE TABLE \"odd \"\" name\" (id integer PRIMARY KEY, password text, email text, is_active bool, photo blob);
             CREATE TABLE auth_group (id integer PRIMARY KEY, name text);
             INSERT INTO \"odd \"\" name\" VALUES (-3, 'x$y', 'a@b.co', 1, x'00'), (9, 'p', x'ff', 0, NULL), (10, NULL, 'é', 1, NULL);",
        );
        let mut django = DjangoFile::open(&path).unwrap();
        let [table] = django.user_tables().unwrap().try_into().unwrap();
        assert_eq!((table.name.as_str(), table.rows), ("odd \" name", 3));
        let text = |row: &DjangoRow| String::from_utf8(row.json.clone()).unwrap();
        let first = django.rows(&table, None, 2).unwrap();
        assert_eq!(
            first.iter().map(text).collect::<Vec<_>>(),
            [
                r#"{"model":"odd \" name","pk":-3,"fields":{"email":"a@b.co","password":"x$y","is_active":1}}"#,
                r#"{"model":"odd \" name","pk":9,"fields":{"email":null,"password":"p","is_active":0}}"#,
            ]
        );
        let rest = django.rows(&table, Some(9), 2).unwrap();
        assert_eq!(rest.len(), 1);
        assert!(text(rest.first().unwrap()).contains("\"é\""));
        assert!(!format!("{first:?}").contains("x$y"));
    }

    #[test]
    fn what_is_no_file_of_djangos_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert!(matches!(
            DjangoFile::open(&missing),
            Err(DjangoFileError::Open(_))
        ));
        assert!(!missing.exists());
        let junk = folder.path().join("junk");
        std::fs::write(&junk, "SQLite format 3\0 and then nothing".repeat(100)).unwrap();
        let refused = DjangoFile::open(&junk).unwrap_err();
        assert!(
            matches!(refused, DjangoFileError::Unreadable { .. }),
            "{refused}"
        );
        let database = crate::testing::TestDatabase::sqlite();
        crate::migrate(&database.database_url()).unwrap();
        let refused = DjangoFile::open(&database.file()).unwrap_err();
        assert!(matches!(refused, DjangoFileError::Ours(_)), "{refused}");
    }
}
