//! The contract on SQLite.

use crate::opened;
use doorward_storage_diesel::testing::TestDatabase;

doorward_storage::store_contract!(|| opened(TestDatabase::sqlite()));
