//! What [`Mode`] promises, asked of one: for whoever writes a mode, in the language it is written in or behind a loader.
//!
//! A mode that passes is not thereby right: only vectors from outside say that. But one that does not pass breaks the
//! core's own promises to its hosts.

use crate::run::{self, Bench, Options, Report, Verdict};
use crate::vectors::{Case, Expect, VectorFile};
use countersign::{Compiled, Keyring, Mode, Registry, Vars, template};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How many damaged requests are made of every case.
const DAMAGED: u64 = 64;

/// What was found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Conformance {
    /// The promises that do not hold, in words. Empty: conformant.
    pub broken: Vec<String>,

    /// How many requests were damaged and judged.
    pub damaged: usize,

    /// The vectors and their mutants.
    pub vectors: Report,
}

impl Conformance {
    /// Whether every promise held and every vector passed.
    pub fn is_ok(&self) -> bool {
        self.broken.is_empty() && self.vectors.is_ok()
    }

    fn say(&mut self, broken: impl Into<String>) {
        let broken = broken.into();
        if !self.broken.contains(&broken) {
            self.broken.push(broken);
        }
    }
}

impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broken, damaged, vectors } = self;
        broken.iter().try_for_each(|broken| writeln!(f, "broken: {broken}"))?;
        write!(f, "{vectors}; {damaged} damaged requests, {} promises broken", broken.len())
    }
}

/// Asks a mode what its trait promises, and runs vectors through it.
///
/// * Its example compiles as the table of a preset.
/// * Its detail codes are unique, begin with its name, and no refusal gives another.
/// * It takes no empty keyring.
/// * Asked twice, it answers alike; asked whole and in pieces, too.
/// * No damaged request makes it panic, fault, or verify what it must not.
///
/// `presets` are the files that the vectors are about, each a name and a text. Without vectors only the first three are
/// asked. A mode of the name of one that is always there, such as `hmac`, stands for it: that one is asked.
pub fn suite(mode: Arc<dyn Mode>, presets: &[(&str, &str)], vectors: &[VectorFile]) -> Conformance {
    let mut found = Conformance::default();
    let info = mode.info().clone();
    let mut registry = Registry::new();
    if registry.mode(&info.name).is_none()
        && let Err(errors) = registry.register(mode)
    {
        found.say(format!("it cannot be registered: {errors}"));
        return found;
    }
    for (file, text) in presets {
        if let Err(errors) = registry.add_preset(*file, *text) {
            found.say(format!("{file}: {}", errors.render(registry.sources())));
        }
    }
    match example(&mut registry, &info.name, &info.example) {
        Ok(compiled) => {
            if compiled.verifier("conformance", &Keyring::new(), &Vars::new()).is_ok() {
                found.say("it takes an empty keyring: an endpoint without keys must never come to be");
            }
        }
        Err(says) => found.say(says),
    }
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    for (code, _, says) in info.details.iter() {
        if !codes.insert(code) {
            found.say(format!("detail code `{code}` is declared twice"));
        }
        if says.trim().is_empty() {
            found.say(format!("detail code `{code}` says nothing: give it a sentence"));
        }
    }
    codes.extend(template::DETAILS.iter().map(|(code, ..)| &**code));
    for file in vectors {
        found.vectors.merge(run::run(&registry, file, &Options::default()));
        for case in &file.cases {
            damage(&registry, case, &codes, &mut found);
        }
    }
    found
}

/// The mode's example as a preset.
fn example(registry: &mut Registry, mode: &str, table: &str) -> Result<Arc<Compiled>, String> {
    const NAME: &str = "conformance-example";
    let text = format!("schema = 1\nname = \"{NAME}\"\nmode = \"{mode}\"\n[{mode}]\n{table}");
    let added = registry.add_preset("ModeInfo::example", text).map(drop);
    let compiled = added.and_then(|()| registry.named(NAME));
    compiled.map_err(|errors| format!("its example does not compile:\n{}", errors.render(registry.sources())))
}

/// Judges a case, and many damaged copies of it, twice and in pieces.
fn damage(registry: &Registry, case: &Case, codes: &BTreeSet<&str>, found: &mut Conformance) {
    let Ok(bench) = Bench::new(registry, case) else { return };
    let Ok(verifier) = bench.verifier(case) else { return };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ case.name.len() as u64);
    for round in 0..=DAMAGED {
        let mut copy = case.clone();
        (0..round.min(4)).for_each(|_| dice.damage(&mut copy));
        found.damaged += 1;
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let first = run::judge(&verifier, &copy);
            let second = run::judge(&verifier, &copy);
            let pieces = run::disagreement(&verifier, &copy, &first, (round > 0).then_some("damaged"));
            (first, second, pieces)
        }));
        let Ok((first, second, pieces)) = judged else {
            found.say(format!("case `{}`, damaged: it panics", case.name));
            continue;
        };
        if first != second {
            found.say(format!(
                "case `{}`: asked twice, it answers {} and {}",
                case.name, first.code, second.code
            ));
        }
        if let Some(failure) = pieces {
            found.say(failure.to_string());
        }
        if first.code == "mode_fault" && case.expect.code() != "mode_fault" {
            found.say(format!("case `{}`, damaged: mode_fault", case.name));
        }
        if round == 0 && case.expect != Expect::Ok && first.is_ok() {
            found.say(format!("case `{}` verifies and must not", case.name));
        }
        undeclared(&first, codes, found);
    }
}

fn undeclared(verdict: &Verdict, codes: &BTreeSet<&str>, found: &mut Conformance) {
    if let Some(code) = &verdict.detail_code
        && !codes.contains(&**code)
        && !countersign::CORE_DETAILS.iter().any(|(known, _, _)| known == code)
    {
        found.say(format!("detail code `{code}` is given and not declared in `ModeInfo::details`"));
    }
}

/// A small generator: the same damage every time, so that what is found can be found again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*: no quality is needed, only variety.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    fn damage(&mut self, case: &mut Case) {
        let headers = &mut case.request.headers;
        let header = self.roll(headers.len());
        match (self.roll(8), headers.get_mut(header)) {
            (0, Some((_, value))) => self.bytes(value),
            (1, Some((_, value))) => value.truncate(self.roll(value.len() + 1)),
            (2, Some((_, value))) => *value = vec![b',' + self.roll(20) as u8; self.roll(9000)],
            (3, Some(_)) => drop(headers.remove(header)),
            (4, Some(twin)) => {
                let twin = twin.clone();
                headers.push(twin);
            }
            (5, _) => case.request.body.truncate(self.roll(case.request.body.len() + 1)),
            (6, _) => {
                case.request.url.push_str(["?", "&a", "%", "#", "\u{e9}", "/..", "&a=%zz"][self.roll(7)])
            }
            (_, _) => self.bytes(&mut case.request.body),
        }
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let at = self.roll(bytes.len() + 1);
        match (self.roll(3), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << self.roll(8),
            (1, Some(_)) => drop(bytes.remove(at)),
            _ => bytes.insert(at, self.roll(256) as u8),
        }
    }
}
