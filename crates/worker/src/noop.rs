//! The kind `noop`, which only completes.

use crate::kind::{Kind, Run, RunError};
use serde_json::Value;

/// Does nothing. Its payload may be anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Noop;

impl Kind for Noop {
    const NAME: &'static str = "noop";
    type Payload = Value;

    async fn run(&self, _: &Run, _: Value) -> Result<Value, RunError> {
        Ok(Value::Null)
    }
}
