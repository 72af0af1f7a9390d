//! Requests by route, method and status.
//!
//! Each thread that serves has series of its own, which it is handed at the start; a page adds them up. So a request
//! looks nothing up, and no thread waits for another's cache line.

use crate::counter::Counter;
use crate::histogram::{Distribution, Histogram};
use crate::page::{Kind, Page};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The pattern of everything that no route has.
pub const UNMATCHED: &str = "unmatched";

/// Every other method is one series, since a client may think one up.
const METHODS: [&str; 8] = [
    "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "other",
];

/// How many statuses of one route and method are told apart; the rest is one series.
const STATUSES: usize = 16;

/// All routes of all threads.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<Vec<Arc<Route>>>>);

/// What one thread counts of one route.
#[derive(Debug)]
pub struct Route {
    pattern: Box<str>,
    methods: [OnceLock<Box<Answers>>; METHODS.len()],
}

#[derive(Debug, Default)]
struct Answers {
    statuses: [OfStatus; STATUSES],
    others: Counter,
    seconds: Histogram,
}

/// Zero is no status yet.
#[derive(Debug, Default)]
struct OfStatus {
    status: AtomicU16,
    count: Counter,
}

impl Requests {
    /// A place to count the requests of one route, for one thread. The pattern is the one under which the route is mounted,
    /// `/users/{id}`, and never a path that somebody has asked for.
    pub fn route(&self, pattern: &str) -> Arc<Route> {
        let route = Arc::new(Route {
            pattern: pattern.into(),
            methods: Default::default(),
        });
        self.lock().push(Arc::clone(&route));
        route
    }

    /// The pattern that `path` fits: for the few answers of which nobody knows any more how they were routed.
    pub fn matching(&self, path: &str) -> Option<Arc<Route>> {
        let routes = self.lock();
        routes.iter().find(|route| route.fits(path)).map(Arc::clone)
    }

    /// Writes both families.
    pub fn write(&self, page: &mut Page) {
        let (counts, times) = self.add_up();
        let name = "doorward_http_requests_total";
        let help = "Requests that were answered, by route pattern, method and status.";
        let mut family = page.family(Kind::Counter, name, help);
        for ((pattern, method, status), count) in &counts {
            let status = status.map_or("other".to_owned(), |status| status.to_string());
            let labels = [
                ("method", *method),
                ("route", &**pattern),
                ("status", &status),
            ];
            family.value(&labels, count);
        }
        let name = "doorward_http_request_duration_seconds";
        let help = "How long requests took, from their head to the head of the answer.";
        let mut family = page.family(Kind::Histogram, name, help);
        for ((pattern, method), time) in &times {
            family.distribution(&[("method", *method), ("route", &**pattern)], time);
        }
    }

    #[expect(clippy::type_complexity, reason = "two maps of plain keys")]
    fn add_up(
        &self,
    ) -> (
        BTreeMap<(Box<str>, &'static str, Option<u16>), u64>,
        BTreeMap<(Box<str>, &'static str), Distribution>,
    ) {
        let (mut counts, mut times) = (BTreeMap::new(), BTreeMap::new());
        for route in self.lock().iter() {
            for (method, answers) in METHODS.into_iter().zip(&route.methods) {
                let Some(answers) = answers.get() else {
                    continue;
                };
                for (status, count) in answers.counts() {
                    *counts
                        .entry((route.pattern.clone(), method, status))
                        .or_default() += count;
                }
                let time: &mut Distribution =
                    times.entry((route.pattern.clone(), method)).or_default();
                time.add(&answers.seconds.distribution());
            }
        }
        (counts, times)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Route>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// The pattern under which it is mounted.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// A request was answered.
    pub fn answered(&self, method: &str, status: u16, took: Duration) {
        let known = METHODS.iter().position(|known| *known == method);
        let place = known.map_or(self.methods.last(), |at| self.methods.get(at));
        let Some(answers) = place.map(|place| &**place.get_or_init(Box::default)) else {
            return;
        };
        answers.of(status).count();
        answers.seconds.took(took);
    }

    fn fits(&self, path: &str) -> bool {
        let (mut parts, mut given) = (
            self.pattern.split('/'),
            path.trim_end_matches('/').split('/'),
        );
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
                (_, _) => return false,
            }
        }
    }
}

impl Answers {
    fn of(&self, status: u16) -> &Counter {
        for place in &self.statuses {
            let taken = match place.status.load(Ordering::Relaxed) {
                0 => place
                    .status
                    .compare_exchange(0, status, Ordering::Relaxed, Ordering::Relaxed)
                    .map_or_else(|other| other, |_free| status),
                taken => taken,
            };
            if taken == status {
                return &place.count;
            }
        }
        &self.others
    }

    fn counts(&self) -> impl Iterator<Item = (Option<u16>, u64)> {
        let known = self.statuses.iter();
        let known = known.map(|it| (Some(it.status.load(Ordering::Relaxed)), it.count.total()));
        let all = known.chain([(None, self.others.total())]);
        all.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    fn text(requests: &Requests) -> String {
        let mut page = Page::default();
        requests.write(&mut page);
        page.into_text()
    }

    #[test]
    fn the_threads_of_one_route_are_one_series() {
        let requests = Requests::default();
        for _ in 0..2 {
            let route = requests.route("/users/{id}");
            route.answered("GET", 200, MICROSECOND);
            route.answered("GET", 404, MICROSECOND);
        }
        let text = text(&requests);
        let line =
            |status| format!("{{method=\"GET\",route=\"/users/{{id}}\",status=\"{status}\"}} 2\n");
        assert!(
            text.contains(&line(200)) && text.contains(&line(404)),
            "{text}"
        );
        assert!(
            text.contains("_count{method=\"GET\",route=\"/users/{id}\"} 4\n"),
            "{text}"
        );
    }

    #[test]
    fn neither_methods_nor_statuses_that_are_thought_up_make_series_without_end() {
        let requests = Requests::default();
        let route = requests.route("/");
        for number in 0..500 {
            route.answered(&format!("M{number}"), 200, MICROSECOND);
            route.answered("GET", 100 + number, MICROSECOND);
        }
        let text = text(&requests);
        assert!(
            text.contains("{method=\"other\",route=\"/\",status=\"200\"} 500\n"),
            "{text}"
        );
        assert!(
            text.contains("{method=\"GET\",route=\"/\",status=\"other\"} 484\n"),
            "{text}"
        );
        let counts = text.lines().filter(|line| line.contains("requests_total{"));
        assert_eq!(counts.count(), STATUSES + 2);
    }

    #[test]
    fn a_path_finds_the_pattern_that_it_fits() {
        let requests = Requests::default();
        for pattern in [UNMATCHED, "/users", "/users/{id}/keys"] {
            requests.route(pattern);
        }
        let find = |path| {
            requests
                .matching(path)
                .map(|route| route.pattern().to_owned())
        };
        assert_eq!(find("/users/").as_deref(), Some("/users"));
        assert_eq!(find("/users/7/keys").as_deref(), Some("/users/{id}/keys"));
        assert_eq!(find("/users/7"), None);
        assert_eq!(find("/"), None);
    }
}
