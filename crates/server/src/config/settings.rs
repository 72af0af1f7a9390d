//! The variables that give the runtime settings their first values.

use super::reader::{Reader, quoted};
use doorward_domain::Settings;
use doorward_domain::settings::ALL;

pub(super) fn read(reader: &mut Reader<'_>) -> Settings {
    let mut settings = Settings::default();
    for setting in &ALL {
        let Some(text) = reader.text(setting.name) else {
            continue;
        };
        if let Err(error) = setting.set(&mut settings, &text) {
            reader.refuse(setting.name, format!("{error}, not {}", quoted(&text)));
        }
    }
    settings
}
