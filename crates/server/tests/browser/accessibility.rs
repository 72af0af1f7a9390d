//! What axe-core finds.

use crate::chrome::Chrome;
use serde_json::Value;

/// The rules of WCAG 2.2 A and AA, and what axe calls best practices.
const RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
       .then(found => done(found.violations), failure => done([String(failure)]));";

/// axe-core finds nothing on the present page. It is no part of this project: `run_tests.sh` fetches it.
pub(crate) async fn assert_accessible(chrome: &Chrome, page: &str) {
    let file = axe_file();
    let axe = std::fs::read_to_string(&file);
    let axe = axe.unwrap_or_else(|error| panic!("TEST_AXE names no axe.min.js: {error}"));
    chrome.script(&axe).await;
    let found = chrome.driver.execute_async(RUN, Vec::new()).await.unwrap();
    let violations: Vec<Value> = found.convert().unwrap();
    let said: Vec<_> = violations
        .iter()
        .map(|it| format!("{}: {}\n{:#}", it["id"], it["help"], it["nodes"]))
        .collect();
    assert!(said.is_empty(), "{page}: {}", said.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "this is no part of the service")]
fn axe_file() -> String {
    std::env::var("TEST_AXE")
        .expect("TEST_AXE names the file axe.min.js of the npm package axe-core")
}
