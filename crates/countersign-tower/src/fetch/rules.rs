//! How long, how often, how much.

use countersign_egress::Limits;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The longest name of a named document, in bytes.
pub(super) const MAX_NAME: usize = 1024;

/// How long documents are good for, how often they are fetched, and how much is kept. Start from the default, and set
/// what is to be otherwise.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// A copy is fetched anew after this, or sooner if the server says so (`Cache-Control: max-age`), never later. One
    /// hour: so long a key that the sender took back still verifies. At least a second.
    pub max_age: Duration,

    /// A copy that could not be had anew is used no longer than this. 24 hours.
    pub max_stale: Duration,

    /// How long a document is left alone after a fetch while there is a fresh copy, however many keys that copy lacks.
    /// 30 seconds: so late a new key may be noticed, and so seldom can a forger make us fetch.
    pub cool_down: Duration,

    /// How long a document is left alone after a failure; twice as long after each further one. 1 second.
    pub first_wait: Duration,

    /// At most this long. 1 minute.
    pub longest_wait: Duration,

    /// How many documents are kept, of at most `limits.bytes` each. 256. Those that never led to a proof are the first
    /// to go, then those unused for longest.
    pub documents: usize,

    /// How many fetches are under way at the same time, a quarter of them kept for documents of which there is a copy. 16.
    pub fetches: usize,

    /// How much and how long one fetch may take. 256 KiB, 5 seconds.
    pub limits: Limits,

    /// The hosts that keys may come from, beside what the preset allows: `keys.example.com`, or `*.example.com` for all
    /// below it. Empty: the preset's word is enough.
    pub hosts: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            max_age: HOUR,
            max_stale: 24 * HOUR,
            cool_down: Duration::from_secs(30),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            documents: 256,
            fetches: 16,
            limits: Limits::default(),
            hosts: Vec::new(),
        }
    }
}

impl Rules {
    /// Whether the operator takes keys from this host, which is in lower case.
    pub(super) fn takes(&self, host: &str) -> bool {
        let takes = |pattern: &String| match pattern.strip_prefix('*') {
            Some(below) if below.starts_with('.') => host.len() > below.len() && host.ends_with(below),
            _ => pattern == host,
        };
        self.hosts.is_empty() || self.hosts.iter().any(takes)
    }

    /// How long a new copy is fresh: what the server asks for, within bounds. A server that wants nothing kept is asked
    /// once a cool-down all the same.
    pub(super) fn fresh_for(&self, max_age: Option<Duration>) -> Duration {
        let fresh = max_age.unwrap_or(self.max_age).max(self.cool_down).min(self.max_age);
        // Not at all would be: never to be used.
        fresh.max(Duration::from_secs(1))
    }

    /// How long to wait after so many failures in a row.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first_wait.saturating_mul(doubled).min(self.longest_wait)
    }
}

/// What `Cache-Control` says of the age (RFC 9111, section 5.2.2): the shortest, if several.
pub(super) fn max_age(header: &str) -> Option<Duration> {
    let directives = header.split(',').map(|one| one.trim().to_ascii_lowercase());
    let ages = directives.filter_map(|directive| match directive.split_once('=') {
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
        None if directive == "no-store" || directive == "no-cache" => Some(Duration::ZERO),
        _ => None,
    });
    ages.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_whole_or_by_what_is_above_it() {
        let rules =
            Rules { hosts: vec!["a.example".into(), "*.b.example".into(), "*".into()], ..Rules::default() };
        for (host, takes) in [
            ("a.example", true),
            ("x.a.example", false),
            ("xa.example", false),
            ("a.example.", false),
            ("x.b.example", true),
            ("y.x.b.example", true),
            ("b.example", false),
            (".b.example", false),
            ("xb.example", false),
            ("x.b.example.evil.example", false),
            ("other.example", false),
        ] {
            assert_eq!(rules.takes(host), takes, "{host}");
        }
        assert!(Rules::default().takes("anything.example"));
    }

    #[test]
    fn what_a_server_says_of_the_age_is_heard_within_bounds() {
        let fresh = |header: &str| Rules::default().fresh_for(max_age(header)).as_secs();
        for (header, seconds) in [
            ("max-age=600", 600),
            ("public, Max-Age=\"600\", must-revalidate", 600),
            ("max-age=600, max-age=60", 60),
            ("max-age=31536000", 3600),
            ("max-age=99999999999999999999999", 3600),
            ("max-age=-1", 3600),
            ("max-age=0", 30),
            ("no-store", 30),
            ("no-cache, max-age=600", 30),
            ("s-maxage=5", 3600),
            ("", 3600),
        ] {
            assert_eq!(fresh(header), seconds, "{header}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = [0, 1, 2, 3, 6, 7, 40, u32::MAX].map(|n| Rules::default().wait(n).as_secs());
        assert_eq!(waits, [1, 1, 2, 4, 32, 60, 60, 60]);
    }
}
