//! Which module, and how it is to be used: what an operator writes in a `[[module]]` table.

use countersign::config::{ConfigCode, ConfigError, Reader, Spanned};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The SHA-256 that a module's bytes must have.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Pin(sha2::Sha256::digest(bytes).into())
    }

    /// 64 hexadecimal digits, of either case.
    ///
    /// # Errors
    /// Anything else, and what it is.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the pin is empty: it is the SHA-256 of the file".into());
        }
        if let Some(none) =
            text.chars().find(|c| !c.is_ascii_hexdigit()).filter(|_| text.chars().count() == 64)
        {
            let none = none.escape_default();
            return Err(format!("a pin is 64 hexadecimal digits, and `{none}` is none"));
        }
        let mut digest = [0; 32];
        const_hex::decode_to_slice(text.as_bytes(), &mut digest)
            .ok()
            .filter(|()| text.len() == 64)
            .map(|()| Pin(digest))
            .ok_or_else(|| {
                format!("a pin is 64 hexadecimal digits, and this has {} characters", text.chars().count())
            })
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far a module's calls are kept apart from the rest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Isolation {
    /// In the caller's thread, on the borrowed request: some 200 ns on top. A call that hangs cannot be stopped; it is
    /// noticed, and new requests are refused.
    #[default]
    Inline,

    /// In a bounded pool of threads, on a copy of the request, with a real deadline, one for the wait and one for the call:
    /// the caller has an answer by then, and the thread is given up. Costs microseconds and a copy of the body.
    Thread,
}

impl Isolation {
    /// The word for it, as in `isolation = "thread"`.
    pub fn word(self) -> &'static str {
        match self {
            Isolation::Inline => "inline",
            Isolation::Thread => "thread",
        }
    }
}

/// A module to load. The fields are public: set those that differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Spec {
    /// Where it is: absolute, without `..` and without a link on the way.
    pub path: PathBuf,

    /// What its bytes must hash to.
    pub pin: Pin,

    /// The modes to take from it. `None`: all.
    pub modes: Option<Vec<String>>,

    /// The presets to take from it. `None`: all.
    pub presets: Option<Vec<String>>,

    /// The hosts from which its modes may have keys fetched, exactly as in a URL. None at first.
    pub fetch_hosts: Vec<String>,

    /// How its calls are kept apart.
    pub isolation: Isolation,

    /// How long a call may take. Default: a second.
    pub deadline: Duration,

    /// How long an inline call may hang before this process aborts, so that whoever supervises it starts it anew. `None`:
    /// it never does.
    pub abort_after: Option<Duration>,

    /// How many threads a module has with [`Isolation::Thread`]. Default: 4.
    pub threads: usize,

    /// How many faults within a minute put it into quarantine. Default: 32.
    pub faults: usize,

    /// Take a module in which a panic would end this process.
    pub allow_unguarded: bool,
}

impl Spec {
    /// All of a module, inline, with a deadline of a second.
    pub fn new(path: impl Into<PathBuf>, pin: Pin) -> Self {
        Spec {
            path: path.into(),
            pin,
            modes: None,
            presets: None,
            fetch_hosts: Vec::new(),
            isolation: Isolation::default(),
            deadline: Duration::from_secs(1),
            abort_after: None,
            threads: 4,
            faults: 32,
            allow_unguarded: false,
        }
    }

    /// Read every `[[module]]` of a configuration. What is wrong goes to the reader's complaints.
    pub fn read_all(root: &Reader<'_>) -> Vec<Self> {
        root.tables("module").into_iter().filter_map(Self::read_table).collect()
    }

    fn read_table(table: Reader<'_>) -> Option<Self> {
        let path = table.required_text("path");
        let pin = table.required_text("sha256").and_then(|text| {
            let pin = Pin::parse(&text.value);
            let wrong = |says: &String| {
                let error = ConfigError::at(ConfigCode::MalformedConfig, text.span.clone(), says.clone());
                table.complaints().push(error.help("`countersign module check FILE` prints it"));
            };
            pin.inspect_err(wrong).ok()
        });
        let texts = |texts: Vec<Spanned<Arc<str>>>| texts.iter().map(|text| text.value.to_string()).collect();
        let list = |key: &str| table.texts(key).map(texts);
        let ms = |key: &str| table.integer(key, 1..=600_000).map(|ms| Duration::from_millis(ms.value as u64));
        let count = |key: &str, most: i64| table.integer(key, 1..=most).map(|count| count.value as usize);
        let words = [Isolation::Inline, Isolation::Thread].map(|isolation| (isolation.word(), isolation));
        let (modes, presets, fetch_hosts) = (list("modes"), list("presets"), list("fetch_hosts"));
        let (isolation, deadline) = (table.choice("isolation", &words), ms("deadline_ms"));
        let (abort_after, threads, faults) =
            (ms("abort_after_ms"), count("threads", 64), count("faults", 10_000));
        let allow_unguarded = table.boolean("allow_unguarded").unwrap_or(false);
        table.finish();
        let spec = Spec::new(&*path?.value, pin?);
        Some(Spec {
            modes,
            presets,
            fetch_hosts: fetch_hosts.unwrap_or_default(),
            isolation: isolation.map_or(spec.isolation, |isolation| isolation.value),
            deadline: deadline.unwrap_or(spec.deadline),
            abort_after,
            threads: threads.unwrap_or(spec.threads),
            faults: faults.unwrap_or(spec.faults),
            allow_unguarded,
            ..spec
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::config::{Complaints, ConfigErrors, Layer, Sources};

    fn read(text: &str) -> (Vec<Spec>, String) {
        let mut sources = Sources::new();
        let file = sources.add("c.toml", text);
        let layer = Layer::parse(&sources, file).unwrap();
        let complaints = Complaints::new();
        let root = Reader::new(layer.root(), &complaints, "");
        let specs = Spec::read_all(&root);
        root.finish();
        (specs, ConfigErrors(complaints.into_vec()).render(&sources))
    }

    #[test]
    fn a_table_is_read_whole_and_what_is_unsaid_is_the_default() {
        let pin = "Ab".repeat(32);
        let (specs, said) = read(&format!(
            "[[module]]\npath = \"/a.so\"\nsha256 = \"{pin}\"\n\n[[module]]\npath = \"/b.so\"\nsha256 = \"{pin}\"\nmodes = [\"x\"]\n\
             presets = []\nfetch_hosts = [\"keys.example.com\"]\nisolation = \"thread\"\ndeadline_ms = 50\nabort_after_ms = 100\n\
             threads = 2\nfaults = 3\nallow_unguarded = true\n"
        ));
        assert_eq!(said, "");
        let [first, second] = &specs[..] else { panic!("{specs:?}") };
        assert_eq!(first.pin.to_string(), pin.to_lowercase());
        assert_eq!(
            (first.isolation, first.deadline, &first.modes),
            (Isolation::Inline, Duration::from_secs(1), &None)
        );
        assert_eq!((second.isolation, second.deadline), (Isolation::Thread, Duration::from_millis(50)));
        assert_eq!((second.threads, second.faults, second.allow_unguarded), (2, 3, true));
        assert_eq!(second.presets.as_deref(), Some(&[][..]));
    }

    #[test]
    fn a_pin_is_64_digits() {
        for (bad, says) in [
            ("", "the pin is empty"),
            ("a1", "and this has 2 characters"),
            (&"a".repeat(63), "and this has 63 characters"),
            (&"g".repeat(64), "64 hexadecimal digits"),
            (&format!("0x{}", "a".repeat(64)), "and this has 66 characters"),
        ] {
            assert!(Pin::parse(bad).unwrap_err().contains(says), "{bad}");
        }
        let (specs, said) = read("[[module]]\npath = \"/a.so\"\nsha256 = \"\"\nsha265 = \"\"\n");
        assert!(specs.is_empty());
        assert!(
            said.contains("c.toml:3:10: the pin is empty")
                && said.contains("`countersign module check FILE`"),
            "{said}"
        );
    }
}
