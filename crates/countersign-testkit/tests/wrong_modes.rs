//! The kit finds what it is for: one small mode, right as it stands, and wrong in one way for each switch.
#![allow(clippy::unwrap_used)]

use countersign::*;
use countersign_testkit::conformance::{self, BREACHES, Check as Asked, Conformance, Options};
use countersign_testkit::{Case, VectorFile};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::SystemTime;

/// Every wrong way, and the code that means it.
const WRONG: &[(&str, &str)] = &[
    ("ignores-the-body", "binding/body-ignored"),
    ("ignores-the-time", "binding/time-ignored"),
    ("accepts-an-empty-signature", "signature/empty"),
    ("compares-a-prefix", "signature/prefix"),
    ("compares-the-first-half", "signature/changed"),
    ("lets-more-follow", "signature/extended"),
    ("verifies-on-error", "signature/undecodable"),
    ("accepts-a-doubled-header", "headers/doubled"),
    ("minds-the-case-of-names", "headers/case"),
    ("reads-its-own-clock", "time/clock"),
    ("judges-the-age", "time/freshness"),
    ("judges-the-age-by-its-clock", "time/freshness"),
    ("leaks-the-secret", "secrets/leaked"),
    ("leaks-the-tag", "secrets/signature-leaked"),
    ("leaks-the-secret-when-bound", "secrets/leaked"),
    ("keeps-state", "purity/keeps-state"),
    ("answers-every-third-differently", "purity/answers-differ"),
    ("accepts-another-key", "keys/another-key"),
    ("tries-the-first-key", "purity/key-order"),
    ("uses-no-key", "keys/weak"),
    ("panics-on-nul", "panics/caught"),
    ("gives-a-detail-under-two-reasons", "details/other-reason"),
    ("prints-what-was-sent", "replay/same-content"),
    ("prints-the-time-alone", "replay/other-content"),
    ("prints-what-matched", "replay/signature-dropped"),
    ("signs-another-content", "signing/not-verified"),
    ("binds-what-it-does-not-read", "descriptor/needs"),
    ("signs-and-denies-it", "descriptor/needs"),
];

#[test]
fn every_wrong_mode_is_told_by_the_code_that_means_it() {
    quiet();
    // At once, for each of them waits until the clock shows another second.
    let told = std::thread::scope(|scope| {
        let asked: Vec<_> = WRONG.iter().map(|row| scope.spawn(move || told(row))).collect();
        asked.into_iter().filter_map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What is wrong with what is said of a wrong mode.
fn told((wrong, code): &(&str, &str)) -> Option<String> {
    assert!(BREACHES.iter().any(|breach| breach.code == *code), "{code}");
    let found = ask(wrong, &[vectors()]);
    let Some(finding) = found.broken.iter().find(|finding| finding.breach.code == *code) else {
        return Some(format!("{wrong} is not told by {code}:\n{found}"));
    };
    let said = format!("{found}{}", found.to_json());
    let shown = said.contains(FIRST) || said.contains(SECOND) || finding.found.is_empty() || found.is_ok();
    shown.then(|| format!("{wrong}: the report shows a secret, or too little:\n{found}"))
}

#[test]
fn the_right_mode_is_clean_and_every_check_was_made() {
    let found = ask("nothing", &[vectors()]);
    assert!(found.is_ok(), "{found}");
    assert_eq!(found.checks.len(), Asked::ALL.len());
    assert!(found.checks.iter().all(|checked| checked.word() == "ok" && checked.asked > 0), "{found}");
    let part = |name: &str| found.parts.iter().find(|part| part.name == name).unwrap();
    for (name, claim, tried, verified) in [
        ("body", "bound", true, 0),
        ("method", "not bound", true, part("method").tried),
        ("path", "not bound", true, part("path").tried),
        ("header x-time", "-", true, 0),
        ("header x-other", "-", true, part("header x-other").tried),
    ] {
        let part = part(name);
        assert_eq!(
            (part.claim.word(), part.tried > 0, part.verified),
            (claim, tried, verified),
            "{name}\n{found}"
        );
    }
    // Upper-case hex is the same signature.
    assert_eq!(part("header x-sig").claim.word(), "signature");
    assert_eq!(found.timings.iter().map(|timing| timing.body).collect::<Vec<_>>(), [1_000, 100_000]);
    let json = found.to_json();
    assert_eq!(
        (&json["ok"], &json["mode"], &json["checks"][0]["result"]),
        (&true.into(), &"toy".into(), &"ok".into())
    );
    let said = found.to_string();
    assert!(said.contains("16 checks of mode `toy`, 0 failed") && said.contains("what is bound:"), "{said}");
    assert!(found.unseen.iter().any(|(code, _)| code == "toy/never"), "{said}");
}

#[test]
fn without_vectors_only_the_mode_itself_is_asked_and_the_report_says_so() {
    let found = ask("nothing", &[]);
    assert!(found.is_ok(), "{found}");
    let words: Vec<_> = found.checks.iter().map(|checked| checked.word()).collect();
    assert_eq!(
        words.iter().filter(|word| **word == "not applicable").count(),
        Asked::ALL.len() - 1,
        "{found}"
    );
}

fn ask(wrong: &str, vectors: &[VectorFile]) -> Conformance {
    let preset = PRESET.replace("WRONG", wrong);
    let mut options = Options::default();
    (options.rounds, options.damaged) = (200, 16);
    let options = if wrong == "nothing" { options } else { options.without_speed() };
    conformance::suite_with(Arc::new(Toy), &[("toy.toml", &preset)], vectors, &options)
}

/// Those that panic on purpose print nothing. Other tests of this file do not panic unless they fail, and then say why.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&PANIC) {
                hook(info);
            }
        }));
    });
}

const PANIC: &str = "wrong on purpose";
const FIRST: &str = "the-first-secret-1";
const SECOND: &str = "the-second-secret-2";

const PRESET: &str = r#"
schema = 1
name = "toy"
mode = "toy"
[freshness]
tolerance_seconds = 300
[replay]
key = "content"
[toy]
wrong = "WRONG"
"#;

/// Two cases that verify, the second by two signatures, and one that is refused. The wire of the toy is not said to the kit:
/// it has to find out.
fn vectors() -> VectorFile {
    let case = |name: &str, body: &str, signatures: &str| {
        format!(
            r#"
[[case]]
name = "{name}"
source = "generated"
secrets = [{{ id = "a", value = "{FIRST}" }}, {{ id = "b", value = "{SECOND}" }}]
headers = [["x-sig", "{signatures}"], ["x-time", "1767225600"], ["x-other", "1"]]
body = '{body}'
expect = "ok"
"#
        )
    };
    let (one, two) = (r#"{"a":1}"#, r#"{"b":"two"}"#);
    let sig = |key: &str, body: &str| hex(&tag(key.as_bytes(), b"1767225600", body.as_bytes()));
    let both = format!("{},{}", sig(FIRST, two), sig(SECOND, two));
    let text = format!(
        "schema = 1\npreset = \"toy\"\n{}{}\n[[case]]\nname = \"other-body\"\nlike = \"one\"\nsource = \"generated\"\nbody = '{{}}'\nexpect = \"bad_signature\"\n",
        case("one", one, &sig(FIRST, one)),
        case("two", two, &both),
    );
    let mut file = VectorFile::parse("toy.vectors.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    // What the kit itself finds is tested here; mutants have a file of their own.
    file.cases.iter_mut().for_each(|case: &mut Case| case.without_mutants = Some("tested elsewhere".into()));
    file
}

// ───────────── the mode ─────────────

/// The tag is a checksum of key, time and body; `x-sig` holds one or several in hex, with commas between.
struct Toy;

type Text = Cow<'static, str>;
const fn detail(code: &'static str, reason: Reason) -> DetailInfo {
    (Text::Borrowed(code), reason, Text::Borrowed("for tests"))
}
static DETAILS: [DetailInfo; 3] = [
    detail("toy/undecodable", Reason::MalformedSignature),
    detail("toy/no-match", Reason::BadSignature),
    detail("toy/never", Reason::BadSignature),
];
static TOY: ModeInfo = ModeInfo::new("toy", "for tests", "wrong = \"nothing\"", &DETAILS, Status::Preview);

/// What a wrong mode keeps where nothing may be kept.
static KEYS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

impl Mode for Toy {
    fn info(&self) -> &ModeInfo {
        &TOY
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        Ok(Box::new(ToyScheme(config.read(|table| Some(table.required_text("wrong")?.value))?)))
    }
}

struct ToyScheme(Arc<str>);

impl ToyScheme {
    fn held(&self, keys: &Keyring) -> Result<ToyCheck, KeyError> {
        let keys: Vec<_> = keys.iter().map(|(index, key)| (index, key.material.expose().to_vec())).collect();
        if let Some((_, key)) =
            keys.iter().find(|(_, key)| key.len() < 8 || key.contains(&0) || key.contains(&1))
        {
            let shown = String::from_utf8_lossy(key).into_owned();
            let shown = if &*self.0 == "leaks-the-secret-when-bound" { shown } else { String::new() };
            return Err(KeyError::new(format!("a key is eight letters at least {shown}")));
        }
        if &*self.0 == "accepts-another-key" {
            let mut global = KEYS.lock().unwrap();
            let new = keys.iter().map(|(_, key)| key).filter(|key| !global.contains(key)).cloned();
            let new: Vec<_> = new.collect();
            global.extend(new);
        }
        Ok(ToyCheck {
            wrong: self.0.clone(),
            keys,
            born: seconds(),
            yes: AtomicBool::new(false),
            calls: Mutex::new(0),
        })
    }
}

impl Scheme for ToyScheme {
    fn needs(&self) -> Needs {
        let body =
            if &*self.0 == "binds-what-it-does-not-read" { BodyNeed::Nothing } else { BodyNeed::Whole };
        let signs = &*self.0 != "signs-and-denies-it";
        Needs::new(body, vec![KeyKind::Shared]).binds(Binds::BODY | Binds::TIME).signs(signs)
    }

    fn bind(&self, keys: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(self.held(keys)?))
    }

    fn signer(&self, keys: &Keyring, _: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        Ok(Box::new(self.held(keys)?))
    }
}

struct ToyCheck {
    wrong: Arc<str>,
    keys: Vec<(KeyIndex, Vec<u8>)>,
    born: u64,
    yes: AtomicBool,
    calls: Mutex<usize>,
}

impl Check for ToyCheck {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let wrong = |name: &str| &*self.wrong == name;
        let (sent, time) = (self.header(request, "x-sig")?, self.header(request, "x-time")?);
        if wrong("panics-on-nul") && sent.contains(&0) {
            std::panic::panic_any(PANIC);
        }
        let calls = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        let signed_at = TimeFormat::Unix.parse(time).ok_or(Reason::MalformedTimestamp)?;
        self.age(signed_at, cx)?;
        let body = if wrong("ignores-the-body") { b"" } else { request.body };
        let time = if wrong("ignores-the-time") { b"" } else { time };
        // The cases are signed over both: a mode that ignores one has signed without it, and so is tried with it, too.
        let made = |key: &[u8]| match wrong("uses-no-key") {
            true => tag(FIRST.as_bytes(), time, body),
            false => tag(key, time, body),
        };
        let prints: Vec<_> = self.keys.iter().map(|(_, key)| padded(&tag(key, time, body))).collect();
        let (matched, undecodable) = self.compare(sent, &made, &|key| self.lenient(key, request, sent));
        let undecodable = undecodable && !(wrong("verifies-on-error"));
        let no = matched.is_empty() || wrong("answers-every-third-differently") && calls.is_multiple_of(3);
        let before = self.yes.swap(!no, Ordering::SeqCst);
        if no && !(wrong("keeps-state") && before) {
            return Err(self.refusal(undecodable, sent, &prints).into());
        }
        let all: KeySet = self.keys.iter().map(|(index, _)| *index).collect();
        let matched = if matched.is_empty() { all } else { matched };
        let prints = match &*self.wrong {
            "prints-what-was-sent" => vec![padded(&tag(b"", sent, b""))],
            "prints-the-time-alone" => vec![padded(&tag(b"", time, b""))],
            "prints-what-matched" => {
                let held = self.keys.iter().zip(&prints).filter(|((index, _), _)| matched.contains(*index));
                held.map(|(_, print)| *print).collect()
            }
            _ => prints,
        };
        let signed_by = SignedBy::Held(matched);
        let mut evidence = Evidence::new(signed_by, Fingerprints::tags(prints), Binds::BODY | Binds::TIME);
        evidence.signed_at = Some(signed_at);
        Ok(evidence)
    }
}

impl ToyCheck {
    fn header<'r>(&self, request: &Request<'r>, name: &str) -> Result<&'r [u8], Reason> {
        let (headers, prepared) = (request.head.headers, HeaderName::new(name).unwrap());
        let mut exact = None;
        headers.each(&mut |n, v| exact = exact.or((n == name.as_bytes()).then_some(v)));
        let found = match &*self.wrong {
            "accepts-a-doubled-header" => headers.nth(&prepared, 0),
            "minds-the-case-of-names" => exact,
            _ => match headers.find(&prepared) {
                Found::One(value) => Some(value),
                Found::Several => return Err(Reason::MalformedSignature),
                Found::Absent => None,
            },
        };
        found.ok_or(Reason::MissingSignature)
    }

    /// What no mode may judge.
    fn age(&self, signed_at: Timestamp, cx: &Context<'_>) -> Result<(), Reason> {
        let since = seconds();
        let told = signed_at.skew_seconds(cx.now).unsigned_abs();
        let read = signed_at.skew_seconds(Timestamp::from_unix(since as i64)).unsigned_abs();
        match &*self.wrong {
            "judges-the-age" if told > 300 => Err(Reason::StaleTimestamp),
            "judges-the-age-by-its-clock" if read > 300 => Err(Reason::StaleTimestamp),
            "reads-its-own-clock" if since != self.born => Err(Reason::KeyUnavailable),
            _ => Ok(()),
        }
    }

    /// The keys that match, and whether something could not be read.
    fn compare(
        &self,
        sent: &[u8],
        made: &dyn Fn(&[u8]) -> [u8; 8],
        lenient: &dyn Fn(&[u8]) -> bool,
    ) -> (KeySet, bool) {
        let wrong = |name: &str| &*self.wrong == name;
        let mut undecodable = false;
        let mut matched = KeySet::default();
        for text in sent.split(|b| *b == b',') {
            let empty_is_fine = ["accepts-an-empty-signature", "compares-a-prefix"].contains(&&*self.wrong);
            let decoded = const_hex::decode(text).ok().filter(|bytes| !bytes.is_empty() || empty_is_fine);
            undecodable |= decoded.is_none();
            for (index, key) in &self.keys {
                let made = made(key);
                let same = |bytes: &[u8]| match &*self.wrong {
                    "accepts-an-empty-signature" if bytes.is_empty() => true,
                    "compares-a-prefix" => made.starts_with(bytes),
                    "compares-the-first-half" => bytes.len() == 8 && made[..4] == bytes[..4],
                    "lets-more-follow" => bytes.starts_with(&made),
                    _ => made[..] == bytes[..],
                };
                let on_error = wrong("verifies-on-error") && decoded.is_none();
                if decoded.as_deref().is_some_and(same) || on_error || lenient(key) {
                    matched.insert(*index);
                }
            }
        }
        let first = self.keys.iter().map(|(index, _)| *index).take(1).collect();
        (if wrong("tries-the-first-key") { matched.intersect(first) } else { matched }, undecodable)
    }

    /// Whether a mode that looks at too little, or at too much, says yes.
    fn lenient(&self, _key: &[u8], request: &Request<'_>, sent: &[u8]) -> bool {
        let sent = const_hex::decode(sent).unwrap_or_default();
        let is = |key: &[u8], time: &[u8], body: &[u8]| tag(key, time, body)[..] == sent[..];
        let bodies = [&b"{\"a\":1}"[..], b"{\"b\":\"two\"}"];
        match &*self.wrong {
            "ignores-the-body" => bodies.iter().any(|body| is(FIRST.as_bytes(), b"1767225600", body)),
            "ignores-the-time" => is(FIRST.as_bytes(), b"1767225600", request.body),
            "accepts-another-key" => {
                KEYS.lock().unwrap().iter().any(|key| is(key, b"1767225600", request.body))
            }
            _ => false,
        }
    }

    fn refusal(&self, undecodable: bool, sent: &[u8], prints: &[[u8; 32]]) -> Rejection {
        let says: Text = match &*self.wrong {
            "leaks-the-secret" => format!("none of {}", String::from_utf8_lossy(&self.keys[0].1)).into(),
            "leaks-the-tag" => format!("expected {}, got {} bytes", hex(&prints[0][..8]), sent.len()).into(),
            _ => "no signature is ours".into(),
        };
        match undecodable {
            _ if &*self.wrong == "gives-a-detail-under-two-reasons" => {
                Rejection::new(Reason::UnknownKey).detail("toy/no-match", says)
            }
            true => Rejection::new(Reason::MalformedSignature).detail("toy/undecodable", says),
            false => Rejection::new(Reason::BadSignature).detail("toy/no-match", says),
        }
    }
}

impl Sign for ToyCheck {
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let time = draft.at.unix().to_string().into_bytes();
        let body = if &*self.wrong == "signs-another-content" { b"other" } else { draft.body };
        let place = |name: &str| MarkPlace::Header(name.into());
        for (_, key) in self.keys.iter().filter(|(index, _)| live.contains(*index)) {
            let text = hex(&tag(key, &time, body)).into_bytes();
            out(Mark { place: place("x-sig"), text, joined_by: Some(",".into()) });
        }
        out(Mark { place: place("x-time"), text: time, joined_by: None });
        Ok(())
    }
}

fn tag(key: &[u8], time: &[u8], body: &[u8]) -> [u8; 8] {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for part in [key, time, body] {
        for byte in part.iter().chain(&[0xff]) {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (sum ^ sum >> 29).to_be_bytes()
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn padded(tag: &[u8; 8]) -> [u8; 32] {
    std::array::from_fn(|at| tag.get(at).copied().unwrap_or(0))
}

fn hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}
