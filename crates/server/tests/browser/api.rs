//! The pages of the API.

use crate::chrome::Chrome;
use crate::server::Server;

#[tokio::test]
async fn swagger_ui_and_the_list_of_routes_work_without_complaint_or_a_foreign_address() {
    let server = Server::start();
    let chrome = Chrome::start(&server).await;
    chrome.open("/api/docs/").await;
    let shown = "return document.querySelectorAll('.opblock').length";
    let began = std::time::Instant::now();
    while chrome.script(shown).await.as_u64() < Some(30) {
        assert!(began.elapsed().as_secs() < 30, "Swagger UI shows no routes");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    chrome.picture("swagger-ui").await;
    chrome.assert_clean(&[]).await;
    chrome.open("/api/").await;
    chrome.reads("/api/v1/user/login").await;
    chrome.picture("routes").await;
    chrome.assert_clean(&[]).await;
    chrome.quit().await;
}
