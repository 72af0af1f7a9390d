//! The text that Prometheus reads, version 0.0.4 of its format.

use crate::histogram::Distribution;
use std::fmt::{Display, Write};

/// What kind of a number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many things took how long.
    Histogram,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A page as it is written, family by family.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// The numbers of one name. A name may come but once on a page.
    pub fn family<'a>(&'a mut self, kind: Kind, name: &'a str, help: &str) -> Family<'a> {
        // Nothing can fail that writes to a text.
        let _ = writeln!(self.0, "# HELP {name} {help}");
        let _ = writeln!(self.0, "# TYPE {name} {}", kind.as_str());
        Family { page: self, name }
    }

    /// One number that has its name for itself.
    pub fn value(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.family(kind, name, help).value(&[], value);
    }

    /// The whole.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The numbers of one name.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'a str,
}

impl Family<'_> {
    /// One more, with what tells it from the others.
    pub fn value(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// The numbers of a histogram.
    pub fn distribution(&mut self, labels: &[(&str, &str)], distribution: &Distribution) {
        for (bound, count) in distribution.cumulative() {
            self.line("_bucket", labels, Some(bound), count);
        }
        self.line("_sum", labels, None, distribution.sum().as_secs_f64());
        self.line("_count", labels, None, distribution.count());
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        le: Option<&str>,
        value: impl Display,
    ) {
        let text = &mut self.page.0;
        let _ = write!(text, "{}{suffix}", self.name);
        let bound = le.map(|bound| ("le", bound));
        let mut opening = '{';
        for (name, value) in labels.iter().copied().chain(bound) {
            let _ = write!(text, "{opening}{name}=\"{}\"", escaped(value));
            opening = ',';
        }
        if opening == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;
    use std::time::Duration;

    #[test]
    fn a_page_is_written_as_prometheus_reads_it() {
        let mut page = Page::default();
        page.value(Kind::Gauge, "up", "Whether it is.", 1);
        let mut hits = page.family(Kind::Counter, "hits_total", "How many.");
        hits.value(&[("a", "x"), ("b", "say \"\\\n")], 2);
        let expected = "# HELP up Whether it is.\n# TYPE up gauge\nup 1\n\
                        # HELP hits_total How many.\n# TYPE hits_total counter\n\
                        hits_total{a=\"x\",b=\"say \\\"\\\\\\n\"} 2\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn a_histogram_has_its_buckets_its_sum_and_its_count() {
        let histogram = Histogram::default();
        histogram.took(Duration::from_millis(1500));
        let mut page = Page::default();
        let mut family = page.family(Kind::Histogram, "took_seconds", "How long.");
        family.distribution(&[("of", "x")], &histogram.distribution());
        let text = page.into_text();
        assert!(
            text.contains("took_seconds_bucket{of=\"x\",le=\"1\"} 0\n"),
            "{text}"
        );
        assert!(
            text.contains("took_seconds_bucket{of=\"x\",le=\"2.5\"} 1\n"),
            "{text}"
        );
        assert!(text.ends_with(
            "le=\"+Inf\"} 1\ntook_seconds_sum{of=\"x\"} 1.5\ntook_seconds_count{of=\"x\"} 1\n"
        ));
    }
}
