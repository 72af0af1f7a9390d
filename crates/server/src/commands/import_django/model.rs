//! Which of the models of a project, or of the tables of its database, has its people.

use super::record::Record;
use anyhow::anyhow;
use doorward_storage_diesel::DjangoTable;
use std::collections::BTreeMap;

/// The models of a dump.
#[derive(Debug, Default)]
pub(super) struct Models(BTreeMap<String, Model>);

#[derive(Debug)]
struct Model {
    records: u64,
    is_of_people: bool,
}

impl Models {
    pub(super) fn count(&mut self, record: &Record) {
        if let Some(model) = self.0.get_mut(&record.model) {
            model.records += 1;
            return;
        }
        let model = Model {
            records: 1,
            is_of_people: record.looks_like_a_person(),
        };
        self.0.insert(record.model.clone(), model);
    }

    /// The model that is wanted, or else the one that is named as Django's own is: `auth.user`, `base.user`.
    pub(super) fn choose(self, wanted: Option<&str>) -> anyhow::Result<(String, u64)> {
        let of_people = self.0.iter().filter(|(_, model)| model.is_of_people);
        let names: Vec<String> = of_people.map(|(name, _)| name.clone()).collect();
        let is_meant = |name: &String| match wanted {
            Some(wanted) => name.eq_ignore_ascii_case(wanted),
            None => name.to_lowercase().ends_with(".user"),
        };
        let meant: Vec<_> = names.iter().filter(|name| is_meant(name)).collect();
        match meant.as_slice() {
            [name] => {
                let records = self.0.get(*name).map_or(0, |model| model.records);
                Ok(((*name).clone(), records))
            }
            _ => Err(undecided(&names, wanted, "model")),
        }
    }
}

/// The table that is wanted, or else the one that is named as Django names it: `auth_user`, `base_user`. Where a
/// project has moved on to a model of its own, an empty table may be left.
pub(super) fn table_of(
    tables: Vec<DjangoTable>,
    wanted: Option<&str>,
) -> anyhow::Result<DjangoTable> {
    let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    let wanted_name = wanted.map(|name| name.replace('.', "_"));
    let mut meant: Vec<_> = tables
        .into_iter()
        .filter(|table| match &wanted_name {
            Some(wanted) => table.name.eq_ignore_ascii_case(wanted),
            None => table.name.to_lowercase().ends_with("_user"),
        })
        .collect();
    if meant.len() > 1 {
        meant.retain(|table| table.rows > 0);
    }
    <[DjangoTable; 1]>::try_from(meant)
        .map(|[table]| table)
        .map_err(|_none_or_several| undecided(&names, wanted, "table"))
}

/// Why it is not clear where the people are, of all that looks like people.
fn undecided(names: &[String], wanted: Option<&str>, what: &str) -> anyhow::Error {
    let list = names.join(", ");
    match wanted {
        _ if names.is_empty() => anyhow!("there are no users in it"),
        Some(wanted) => anyhow!("it has no {what} {wanted} of users, but {list}"),
        None if names.len() == 1 => {
            anyhow!(
                "no {what} is named like users, but {list} looks so; choose it with --model {list}"
            )
        }
        None => anyhow!("several {what}s look like users; choose with --model: {list}"),
    }
}
