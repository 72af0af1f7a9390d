//! Chromium.

use crate::server::{PASSWORD, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use thirtyfour::common::capabilities::desiredcapabilities::DesiredCapabilities;
use thirtyfour::prelude::*;

/// The longest that a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one window, and the driver that it hangs on.
pub(crate) struct Chrome {
    pub(crate) driver: WebDriver,
    origin: String,
    process: DriverProcess,
}

/// In which colours a page is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Chrome {
    pub(crate) async fn start(server: &Server) -> Self {
        let (process, port) = DriverProcess::start();
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let logged = json!({ "browser": "ALL", "performance": "ALL" });
        wanted.set("goog:loggingPrefs", logged).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(url, wanted).await.expect("a browser");
        Self {
            driver,
            origin: server.origin.clone(),
            process,
        }
    }

    /// Runs to the end: the browser is closed, and the driver ended.
    pub(crate) async fn quit(self) {
        self.driver.quit().await.expect("the browser closes");
        drop(self.process);
    }

    /// The window as wide as a telephone or a desk, in these colours.
    pub(crate) async fn look(&self, width: u32, scheme: Scheme) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme.name() });
        let media = json!({ "features": [feature] });
        self.cdp("Emulation.setEmulatedMedia", media).await;
    }

    /// The whole page as a picture, kept outside of the repository.
    pub(crate) async fn picture(&self, name: &str) -> PathBuf {
        let wanted = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.cdp("Page.captureScreenshot", wanted).await;
        let data = taken["data"].as_str().expect("a picture");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        std::fs::write(&file, bytes.unwrap()).unwrap();
        file
    }

    async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .unwrap()
    }

    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.origin);
        self.driver.goto(url).await.expect("a page");
    }

    /// Enters the panel.
    pub(crate) async fn log_in(&self, name: &str) {
        self.open("/admin/").await;
        self.fill("username", name).await;
        self.fill("password", PASSWORD).await;
        self.press("Log in").await;
    }

    /// Types into the field of this name, in place of what is there.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let field = By::Css(format!("main [name='{name}']"));
        let field = self.driver.find(field).await.expect("a field");
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses from the list of this name.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let option = format!("//main//select[@name='{name}']/option[normalize-space()='{value}']");
        let option = self
            .driver
            .find(By::XPath(option))
            .await
            .expect("an option");
        option.click().await.unwrap();
    }

    /// Presses the first button that says so, and waits for the page that it leads to.
    pub(crate) async fn press(&self, text: &str) {
        self.click(&format!("//button[normalize-space()='{text}']"))
            .await;
    }

    /// Follows the first link that says so.
    pub(crate) async fn follow(&self, text: &str) {
        self.click(&format!("//a[normalize-space()='{text}']"))
            .await;
    }

    pub(crate) async fn click(&self, path: &str) {
        let found = self.driver.find(By::XPath(path)).await;
        let Ok(found) = found else {
            panic!("no {path} in {}", self.text().await)
        };
        self.script("window.isBefore = true").await;
        found.click().await.unwrap();
        self.wait_for_next_page().await;
    }

    /// What is clicked leads to another page, which takes its time to come.
    async fn wait_for_next_page(&self) {
        let is_there = "return window.isBefore !== true && document.readyState === 'complete'";
        let began = Instant::now();
        loop {
            let looked = self.driver.execute(is_there, Vec::new()).await;
            if looked.is_ok_and(|is_there| is_there.json() == &Value::Bool(true)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "no other page came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What is to be read on the page.
    pub(crate) async fn text(&self) -> String {
        let body = self.driver.find(By::Tag("body")).await.expect("a page");
        body.text().await.unwrap()
    }

    #[track_caller]
    pub(crate) fn reads(&self, text: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let shown = self.text().await;
            assert!(shown.contains(text), "{place}: no {text:?} in {shown}");
        }
    }

    pub(crate) async fn script(&self, script: &str) -> Value {
        let done = self.driver.execute(script, Vec::new()).await;
        done.unwrap().json().clone()
    }

    /// The path of the page.
    pub(crate) async fn path(&self) -> String {
        self.driver.current_url().await.unwrap().path().to_owned()
    }

    /// Since the last look, nothing was complained of in the console but what is `expected`, and nobody else was asked.
    pub(crate) async fn assert_clean(&self, expected: &[&str]) {
        for entry in self.driver.get_log("browser").await.unwrap() {
            let is_complaint = ["WARNING", "SEVERE"].contains(&entry.level.as_str());
            let is_expected =
                !is_complaint || expected.iter().any(|part| entry.message.contains(part));
            assert!(is_expected, "in the console: {entry:?}");
        }
        for entry in self.driver.get_log("performance").await.unwrap() {
            let event: Value = serde_json::from_str(&entry.message).unwrap();
            let event = &event["message"];
            if event["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = event["params"]["request"]["url"].as_str().unwrap();
            let is_own = url.starts_with(&format!("{}/", self.origin)) || url.starts_with("data:");
            assert!(is_own, "another address was asked: {url}");
        }
    }
}

/// A chromedriver and all that it starts, in a group of processes of its own.
struct DriverProcess(Child);

impl DriverProcess {
    fn start() -> (Self, u16) {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed, and so is Chromium");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = "was started successfully on port ";
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once(said).map(|(_, port)| port.to_owned()));
        let port = port.and_then(|port| port.trim_end_matches('.').parse().ok());
        thread::spawn(move || lines.for_each(drop));
        (Self(child), port.expect("chromedriver says its port"))
    }
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill")
            .args(["-s", "KILL", "--", &group])
            .status();
        let _ = self.0.wait();
    }
}
