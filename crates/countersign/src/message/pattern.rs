//! Regular expressions of presets: read when a preset is, built when a verifier is made of it.
//!
//! To read one takes a few microseconds, to build its automaton up to a hundred, and whoever looks a preset up, shows or lints
//! it never asks the automaton anything. Building may not fail, then: no request could mend it. So how large it will be is
//! counted in the pattern itself, by [`MAX_STEPS`], and not left to a library's account of its memory.

use crate::config::{ConfigCode, ConfigError, Reader, Spanned};
use crate::mode::Alphabet;
use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::sync::{Arc, OnceLock};

/// How many steps a pattern may have, each repetition counted out: a byte is one, a class as many as it has ranges, and a group
/// that captures two more.
pub(crate) const MAX_STEPS: usize = 10_000;

/// A regular expression, anchored at both ends: the whole text matches or none of it does. Matching takes time linear in the
/// text.
///
/// It is one over bytes: `\d`, `\w` and the case of letters are ASCII's, and `.` is any byte but a newline. What is on the wire
/// is bytes, a digit there is one of ten, and the tables of Unicode would be most of what a preset costs to read.
#[derive(Clone, Debug)]
pub struct Pattern {
    read: Arc<Read>,
    /// Of its own in each clone, and once there, cloned: two verifiers do not wait for each other's memory.
    built: OnceLock<Option<meta::Regex>>,
}

#[derive(Debug)]
struct Read {
    text: Arc<str>,
    /// Without its anchors.
    hir: Hir,
}

impl Pattern {
    /// Read a pattern. What is wrong with it is complained of at its place.
    pub fn read(pattern: &Spanned<Arc<str>>, table: &Reader<'_>) -> Option<Self> {
        match Self::parse(&pattern.value) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                let says = format!("the pattern does not compile: {why}");
                let error = ConfigError::at(ConfigCode::MalformedConfig, pattern.span.clone(), says);
                let help =
                    "patterns are linear-time: no back-references, no look-around; the whole text must match";
                table.complaints().push(error.help(help));
                None
            }
        }
    }

    fn parse(text: &Arc<str>) -> Result<Self, String> {
        let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(text);
        let hir = parsed.map_err(|error| {
            let says = error.to_string();
            says.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        let steps = steps(&hir);
        if steps > MAX_STEPS {
            return Err(format!("it has {steps} steps, and at most {MAX_STEPS} are allowed"));
        }
        Ok(Pattern { read: Arc::new(Read { text: text.clone(), hir }), built: OnceLock::new() })
    }

    /// Build the automaton now, so that the first request need not wait for it.
    pub fn prepare(&self) {
        self.automaton();
    }

    /// Whether the whole text matches.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.automaton().is_some_and(|automaton| automaton.is_match(text))
    }

    pub(crate) fn captures<'t>(&self, text: &'t [u8]) -> Option<Captured<'t>> {
        let automaton = self.automaton()?;
        let mut groups = automaton.create_captures();
        automaton.captures(text, &mut groups);
        groups.is_match().then_some(Captured { groups, text })
    }

    /// As it is written.
    pub(crate) fn text(&self) -> &str {
        &self.read.text
    }

    /// Whether a part of it has this name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        fn has(hir: &Hir, name: &str) -> bool {
            match hir.kind() {
                HirKind::Capture(capture) => capture.name.as_deref() == Some(name) || has(&capture.sub, name),
                HirKind::Repetition(repetition) => has(&repetition.sub, name),
                HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().any(|one| has(one, name)),
                HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => false,
            }
        }
        has(&self.read.hir, name)
    }

    /// The bytes and the greatest length of the texts that match; `None` if one may be longer than `most`.
    pub(crate) fn alphabet(&self, most: usize) -> Option<Alphabet> {
        let hir = &self.read.hir;
        let longest = hir.properties().maximum_len().filter(|len| *len <= most)?;
        let mut bytes = [false; 256];
        collect(hir, &mut bytes);
        Some(Alphabet { bytes, longest })
    }

    /// Whether every text that matches has a byte outside the alphabet, or is longer than its longest text.
    pub(crate) fn needs_a_byte_outside(&self, text: &Alphabet) -> bool {
        fn needs(hir: &Hir, text: &Alphabet) -> bool {
            match hir.kind() {
                HirKind::Concat(all) => all.iter().any(|one| needs(one, text)),
                HirKind::Alternation(all) => all.iter().all(|one| needs(one, text)),
                HirKind::Capture(capture) => needs(&capture.sub, text),
                HirKind::Repetition(repetition) => repetition.min > 0 && needs(&repetition.sub, text),
                HirKind::Literal(literal) => literal.0.iter().any(|b| !text.bytes[usize::from(*b)]),
                HirKind::Class(_) => {
                    let mut bytes = [false; 256];
                    collect(hir, &mut bytes);
                    !bytes.iter().zip(&text.bytes).any(|(here, there)| *here && *there)
                }
                HirKind::Empty | HirKind::Look(_) => false,
            }
        }
        let hir = &self.read.hir;
        hir.properties().minimum_len().is_some_and(|least| least > text.longest) || needs(hir, text)
    }

    /// `None` if it could not be built, which its steps rule out: nothing matches then.
    fn automaton(&self) -> Option<&meta::Regex> {
        let build = || {
            #[cfg(test)]
            tests::BUILT.set(tests::BUILT.get() + 1);
            // Not as text, between brackets: `a)|(?:b` is a pattern there, and would leave the anchors behind.
            let hir = Hir::concat(vec![Hir::look(Look::Start), self.read.hir.clone(), Hir::look(Look::End)]);
            let config = meta::Config::new().utf8_empty(false);
            meta::Builder::new().configure(config).build_from_hir(&hir).ok()
        };
        self.built.get_or_init(build).as_ref()
    }
}

/// A text that matched, and its parts.
pub(crate) struct Captured<'t> {
    groups: Captures,
    text: &'t [u8],
}

impl<'t> Captured<'t> {
    /// The part of this name, if it took part.
    pub(crate) fn name(&self, name: &str) -> Option<&'t [u8]> {
        self.groups.get_group_by_name(name).map(|found| &self.text[found.range()])
    }
}

/// What the size of an automaton is at most a multiple of.
fn steps(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len().max(1),
        // Spelled `(?u)`: a range of characters is some ranges of up to four bytes each.
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().max(1).saturating_mul(8),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            steps(&repetition.sub).saturating_mul(times as usize)
        }
        HirKind::Capture(capture) => steps(&capture.sub).saturating_add(2),
        HirKind::Concat(all) | HirKind::Alternation(all) => {
            all.iter().map(steps).fold(0, usize::saturating_add)
        }
    }
}

/// Every byte that a text of this language may hold.
fn collect(hir: &Hir, bytes: &mut [bool; 256]) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| bytes[usize::from(*b)] = true),
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.iter() {
                (range.start()..=range.end()).for_each(|b| bytes[usize::from(b)] = true);
            }
        }
        // Only where a pattern spells `(?u)`.
        HirKind::Class(Class::Unicode(_)) => bytes.fill(true),
        HirKind::Repetition(repetition) => collect(&repetition.sub, bytes),
        HirKind::Capture(capture) => collect(&capture.sub, bytes),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().for_each(|one| collect(one, bytes)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Layer, Node, Sources, Value};
    use crate::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};
    use proptest::prelude::*;
    use regex_automata::nfa::thompson::Compiler;
    use std::cell::Cell;

    thread_local! {
        /// How many automata were built by this thread.
        pub(super) static BUILT: Cell<usize> = const { Cell::new(0) };
    }

    /// What an automaton may take for a step, and beside all steps.
    const BYTES_A_STEP: usize = 128;
    const BYTES_BESIDE: usize = 4096;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(&text.into()).unwrap()
    }

    /// Every pattern of every preset that ships.
    fn shipped() -> Vec<Arc<str>> {
        fn collect(node: &Node, found: &mut Vec<Arc<str>>) {
            match &node.value {
                Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
                Value::Table(table) => table.iter().for_each(|(key, node)| {
                    found
                        .extend(node.text().filter(|_| matches!(&*key.name, "matches" | "pattern")).cloned());
                    collect(node, found);
                }),
                _ => {}
            }
        }
        let mut found = Vec::new();
        for (file, text) in countersign_presets::PRESETS {
            let mut sources = Sources::new();
            let file = sources.add(*file, *text);
            collect(Layer::parse(&sources, file).unwrap().root(), &mut found);
        }
        found.sort();
        found.dedup();
        assert!(found.len() > 50);
        found
    }

    fn memory(pattern: &Pattern) -> usize {
        Compiler::new().build_from_hir(&pattern.read.hir).unwrap().memory_usage()
    }

    /// A pattern as the words of a grammar make it.
    fn any_pattern() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-c]{1,3}",
            Just("[a-c0-9_-]".to_owned()),
            Just("[^a]".to_owned()),
            Just(".".to_owned()),
            Just(r"\w".to_owned()),
            Just(r"(?u:\w)".to_owned()),
            Just(r"(?i:ab)".to_owned()),
            Just(r"\b".to_owned()),
            Just("".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|all| all.concat()),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|all| format!("(?:{})", all.join("|"))),
                (inner.clone(), "[*+?]|\\{[0-9]{1,2}\\}|\\{[0-4],[5-9]\\}|\\{[0-9],\\}")
                    .prop_map(|(inner, times)| format!("(?:{inner}){times}")),
                inner.prop_map(|inner| format!("({inner})")),
            ]
        })
    }

    #[test]
    fn every_pattern_that_ships_matches_as_the_library_says() {
        for text in shipped() {
            let (ours, theirs) = (pattern(&text), other(&text));
            let mut runner = proptest::test_runner::TestRunner::deterministic();
            // Texts that match, then what comes near to them.
            let matching = prop::string::bytes_regex(&format!("(?-u){text}")).unwrap();
            for _ in 0..20 {
                let mut bytes =
                    proptest::strategy::ValueTree::current(&matching.new_tree(&mut runner).unwrap());
                assert_eq!(ours.is_match(&bytes), theirs.is_match(&bytes), "{text} on {bytes:?}");
                for change in [b'\n', b'0', 0xff] {
                    bytes.push(change);
                    assert_eq!(ours.is_match(&bytes), theirs.is_match(&bytes), "{text} on {bytes:?}");
                    bytes.swap_remove(0);
                    assert_eq!(ours.is_match(&bytes), theirs.is_match(&bytes), "{text} on {bytes:?}");
                }
            }
        }
    }

    /// A second opinion: by its text, and not by ours.
    fn other(text: &str) -> regex::bytes::Regex {
        let anchored = format!("^(?:{text})$");
        regex::bytes::RegexBuilder::new(&anchored).unicode(false).size_limit(1 << 28).build().unwrap()
    }

    #[test]
    fn every_pattern_that_ships_is_far_from_the_limit() {
        for text in shipped() {
            let pattern = pattern(&text);
            assert!(steps(&pattern.read.hir) <= MAX_STEPS / 5, "{text}");
        }
    }

    #[test]
    fn what_has_more_steps_is_refused_when_it_is_read() {
        for (text, fits) in [
            ("a{10000}", true),
            ("a{10001}", false),
            ("[ab]{10000}", true),
            ("[ac]{5000}", true),
            ("[ac]{5001}", false),
            ("a{0,10000}", true),
            ("a{9999,}", true),
            ("a{10000,}", false),
            ("(?:a{100}){100}", true),
            ("(?:a{101}){100}", false),
            ("((((a{1000}){1000}){1000}){1000}){1000}", false),
            (r"(?u)\w", true),
            (r"(?u)\w{10}", false),
        ] {
            match Pattern::parse(&text.into()) {
                Ok(pattern) => {
                    assert!(fits, "{text} is read");
                    assert!(pattern.automaton().is_some(), "{text} is not built");
                }
                Err(why) => assert!(!fits && why.ends_with("at most 10000 are allowed"), "{text}: {why}"),
            }
        }
    }

    #[test]
    fn the_ends_are_those_of_the_text_whatever_a_pattern_spells() {
        for (text, no) in [("a|b", "ab"), ("(?m)^a$", "b\na\nb"), ("a", "a\n"), ("(?x)a # a comment", "ab")] {
            assert!(pattern(text).is_match(b"a"), "{text}");
            assert!(!pattern(text).is_match(no.as_bytes()), "{text}");
        }
        assert!(Pattern::parse(&"a)|(?:b".into()).is_err());
    }

    #[test]
    fn time_does_not_explode() {
        let text = vec![b'a'; 1 << 16];
        for nested in ["(a*)*b", "(a|a)*b", "(?:a?){100}a{100}b", "(.*)(.*)(.*)(.*)b", "(a*)*(?<x>b)"] {
            let pattern = pattern(nested);
            assert!(!pattern.is_match(&text) && pattern.captures(&text).is_none(), "{nested}");
        }
    }

    #[test]
    fn nothing_is_built_before_there_is_a_verifier_and_nothing_during_a_request() {
        let mut registry = Registry::new();
        let text = r#"
            schema = 1
            name = "acme"
            mode = "hmac"
            [hmac]
            algorithm = "sha256"
            signed_template = "{timestamp}.{body}"
            timestamp_source = { header = "x-sig", extract = "regex", pattern = "(?<timestamp>[0-9]+);.*", format = "unix" }
            signature_source = { header = "x-sig", extract = "regex", pattern = ".*;(?<signature>[0-9a-f]{64})", encoding = "hex" }
            require = [{ value = "{body}", matches = "[a-z]*" }]
            key = { forms = [{ decode = "text" }] }
            [[handshake]]
            kind = "answer"
            when = [{ value = "{query:challenge}", matches = "[a-z]{1,64}" }]
            answer = { body = "{query:challenge}" }
        "#;
        registry.add_preset("acme.toml", text).unwrap();
        BUILT.set(0);
        let compiled = registry.named("acme").unwrap();
        assert_eq!(BUILT.get(), 0);
        let keys = Keyring::of("It's a Secret to Everybody").unwrap();
        let verifier = compiled.verifier("a", &keys, &Vars::new()).unwrap();
        assert_eq!(BUILT.get(), 4);
        let headers = [("x-sig", format!("1700000000;{}", "0".repeat(64)))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let request =
            Request::new(Head::new("POST", "https://example.com/?challenge=abc", &headers), b"hello");
        let _ = verifier.verify(&request, &Context::at(Timestamp::from_unix(1_700_000_000)));
        // Rotation is another verifier.
        compiled.verifier("a", &keys, &Vars::new()).unwrap();
        assert_eq!(BUILT.get(), 4);
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_built_and_its_size_is_a_multiple_of_its_steps(text in any_pattern()) {
            let Ok(pattern) = Pattern::parse(&text.as_str().into()) else { return Ok(()) };
            let steps = steps(&pattern.read.hir);
            let memory = memory(&pattern);
            prop_assert!(memory <= BYTES_A_STEP * steps + BYTES_BESIDE, "{memory} bytes for {steps} steps");
            prop_assert!(pattern.automaton().is_some());
        }

        #[test]
        fn any_pattern_matches_as_the_library_says(text in any_pattern(), on in "[a-d0é\n]{0,6}") {
            let Ok(pattern) = Pattern::parse(&text.as_str().into()) else { return Ok(()) };
            prop_assert_eq!(pattern.is_match(on.as_bytes()), other(&text).is_match(on.as_bytes()));
        }
    }
}
