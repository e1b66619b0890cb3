//! Every module of `modules/broken.c`, and what becomes of it: it is refused, or what it says is a fault and no yes, and in
//! every case this process goes on and another module answers as before.
//!
//! What is promised within one process ends where a module writes into memory that is not its own. Of those that do, the
//! table says what can be seen here.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use countersign::{Draft, Reason, Registry, Vars};
use countersign_plugin::host::{LoadFault, Loader};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use support::probe::{self, Answer, BAD, BOOM, Cache, GOOD, Loaded, NOW, OTHER, SECRET, ask, ask_with};
use support::{child, folder, load, spec};

/// What becomes of a module. Every list of words must be in what is said, all of them.
enum Expected {
    /// The loader refuses it.
    Refused(LoadFault, Words),

    /// A registry refuses it.
    NotRegistered(Words),

    /// No preset of it can be used.
    NoPreset(Words),

    /// No key can be bound to it.
    NoKey(Words),

    /// It answers as the good one does. Why it is here all the same.
    Good(&'static str),

    /// Every answer is a fault.
    Fault(Words),

    /// A yes of it is a fault, and its no is a no.
    FaultOfYes(Words),

    /// What is shown of what it says about a bad signature.
    Says(&'static str),

    /// What is shown where it wrote nothing is nothing of this process's.
    SaysNothing,

    /// What it answers after each of [`FETCHED`]: `ok`, `fault`, `refused`, or what is wanted.
    Wants([&'static str; 4]),

    /// It verifies like the good one, and what it signs is a fault.
    FaultOfSigning(Words),

    /// The process dies of the body `boom`, in this way.
    Dies(&'static str),

    /// It judges the body of the call before.
    JudgesTheBodyBefore,
}
use Expected::*;

type Words = &'static [&'static str];

const URL_A: &str = "https://keys.example/a";
const URL_0: &str = "https://keys.example/0";
const URL_B: &str = "https://keys.example/b";

/// What the host has fetched: nothing, one document, two, and whatever there is.
fn fetched() -> [Cache; 4] {
    [
        Cache::of(&[]),
        Cache::of(&[(URL_A, SECRET)]),
        Cache::of(&[(URL_A, b"no key"), (URL_B, SECRET)]),
        Cache::of_all(SECRET),
    ]
}

const TABLE: &[(&str, Expected)] = &[
    // What it is.
    ("BROKEN_NO_ENTRY", Refused(LoadFault::NotAModule, &["`countersign_plugin_v1`", "countersign.h"])),
    ("BROKEN_ONLY_V2", Refused(LoadFault::Abi, &["built for ABI 2", "speaks ABI 1"])),
    ("BROKEN_UNRESOLVED", Refused(LoadFault::Linker, &["undefined symbol: countersign_test_nowhere"])),
    ("BROKEN_CONSTRUCTOR", Good("it writes where it is told, and here it is told nothing: attacks.rs")),
    ("BROKEN_MINOR_2", Good("it is of a newer minor, and can do without what is new")),
    // What it says about itself.
    ("BROKEN_NULL_DESCRIPTOR", Refused(LoadFault::Descriptor, &["its entry gives no descriptor"])),
    ("BROKEN_MAGIC", Refused(LoadFault::Descriptor, &["0x314c50534e475342", "0x314c50534e475343"])),
    ("BROKEN_MAJOR_2", Refused(LoadFault::Abi, &["ABI 2.1", "speaks ABI 1.1"])),
    ("BROKEN_NEEDS_MINOR_9", Refused(LoadFault::Abi, &["needs 1.9 at least", "speaks ABI 1.1"])),
    ("BROKEN_PLUGIN_SIZE_8", Refused(LoadFault::Descriptor, &["its descriptor", "8 bytes", "96"])),
    ("BROKEN_MODE_SIZE_8", Refused(LoadFault::Descriptor, &["a mode", "8 bytes", "144"])),
    ("BROKEN_COMPILE_NULL", Refused(LoadFault::Descriptor, &["`probe`", "`compile`"])),
    ("BROKEN_VERIFY_NULL", Refused(LoadFault::Descriptor, &["`probe`", "`verify`"])),
    ("BROKEN_DESTROY_NULL", Refused(LoadFault::Descriptor, &["`probe`", "`destroy`"])),
    ("BROKEN_SIGN_NULL", Good("a mode need not sign")),
    ("BROKEN_NAME_OF_MODULE", Refused(LoadFault::Descriptor, &["its name", "`pro\\0be`", "line ends"])),
    ("BROKEN_SUMMARY_LINES", Refused(LoadFault::Descriptor, &["summary", "`HMAC\\nerror", "line ends"])),
    ("BROKEN_BINDS_UNSEEN_BODY", Refused(LoadFault::Descriptor, &["`probe`", "does not ask for"])),
    ("BROKEN_NAME_SPACES", Refused(LoadFault::Name, &["`Bad Name!`", "lower-case letters"])),
    ("BROKEN_NAME_CYRILLIC", Refused(LoadFault::Name, &["`\\u{440}robe`", "lower-case letters"])),
    ("BROKEN_NAME_HMAC", NotRegistered(&["`hmac`", "BROKEN_NAME_HMAC.so", "rename"])),
    ("BROKEN_NAME_TWICE", Refused(LoadFault::Duplicate, &["two modes called `probe`", "rename"])),
    ("BROKEN_MODES_65", Refused(LoadFault::Descriptor, &["65 modes", "64"])),
    ("BROKEN_MODE_NULL_IN_TABLE", Refused(LoadFault::Descriptor, &["null pointer", "table of modes"])),
    ("BROKEN_NO_MODES_NO_PRESETS", Refused(LoadFault::Descriptor, &["neither a mode nor a preset"])),
    ("BROKEN_SCHEMA_NOT_JSON", Refused(LoadFault::Descriptor, &["schema", "no JSON"])),
    ("BROKEN_SCHEMA_64K", Refused(LoadFault::Descriptor, &["schema", "65537", "65536"])),
    ("BROKEN_PRESET_NOT_TOML", Refused(LoadFault::Preset, &["`probe`", "probe.toml:4:"])),
    ("BROKEN_PRESETS_1025", Refused(LoadFault::Descriptor, &["1025 presets", "1024"])),
    ("BROKEN_UNGUARDED", Refused(LoadFault::Unguarded, &["panic", "allow_unguarded = true"])),
    // Making a handle.
    ("BROKEN_COMPILE_OK_NULL_HANDLE", NoKey(&["the module probe", "no handle"])),
    ("BROKEN_NEEDS_BEYOND", NoPreset(&["the module probe", "needs more, or binds less"])),
    ("BROKEN_BINDS_LESS", NoPreset(&["the module probe", "needs more, or binds less"])),
    ("BROKEN_NAMES_NO_HEADER", NoPreset(&["the module probe", "there cannot be", "`X Probe`"])),
    ("BROKEN_NAMES_LEN_BEYOND_CAP", NoPreset(&["the module probe", "than there is room"])),
    ("BROKEN_NAMES_ITS_HEADER", Good("it is passed no other")),
    ("BROKEN_ERROR_TOO_LONG", NoPreset(&["the module probe", "more complaints than there is room"])),
    ("BROKEN_ERROR_POINTER_NOWHERE", NoPreset(&["this is nowhere", "look elsewhere", "[probe]"])),
    ("BROKEN_ERROR_CONTROL", NoPreset(&["\\u{1b}[31mred", "\\u{202e}turned", "a forged line"])),
    // What a call comes to.
    ("BROKEN_RETURNS_ONE", FaultOfYes(&["status 1"])),
    ("BROKEN_VERIFIED_STATUS_PANIC", FaultOfYes(&["panicked"])),
    ("BROKEN_OUTCOME_UNSET", Fault(&["0x0"])),
    ("BROKEN_OUTCOME_ONE", Fault(&["0x1"])),
    ("BROKEN_OUTCOME_1006", Fault(&["0x1006"])),
    ("BROKEN_OUTCOME_100C", Fault(&["0x100c"])),
    ("BROKEN_OUTCOME_100F", Fault(&["module"])),
    ("BROKEN_OUTCOME_1010", Fault(&["module"])),
    ("BROKEN_OUTCOME_1011", Fault(&["0x1011"])),
    ("BROKEN_OUTCOME_GARBAGE", Fault(&["0xdeadbeef"])),
    ("BROKEN_NO_FINGERPRINT", FaultOfYes(&["nothing to know it by"])),
    ("BROKEN_FINGERPRINT_ODD", FaultOfYes(&["a part of a fingerprint"])),
    ("BROKEN_FINGERPRINT_NO_KIND", FaultOfYes(&["of what kind"])),
    ("BROKEN_UNBOUND_ID", FaultOfYes(&["message id", "not bind"])),
    ("BROKEN_UNBOUND_TIME", FaultOfYes(&["time", "not bind"])),
    ("BROKEN_BINDS_TOO_LITTLE_AT_VERIFY", FaultOfYes(&["without binding body"])),
    ("BROKEN_BINDS_UNSEEN_BODY_AT_YES", FaultOfYes(&["not given"])),
    ("BROKEN_BINDS_UNKNOWN_BIT", FaultOfYes(&["0x41"])),
    ("BROKEN_ID_NOT_UTF8", FaultOfYes(&["message id", "no text"])),
    ("BROKEN_DETAIL_FOREIGN", Fault(&["`probe/form`", "0x100a"])),
    ("BROKEN_DETAIL_BEYOND", Fault(&["row 3 of 2"])),
    ("BROKEN_LEN_SIZE_MAX", Fault(&["more than a buffer holds"])),
    ("BROKEN_LEN_BEYOND_CAP", Fault(&["more than a buffer holds"])),
    ("BROKEN_CAP_CHANGED", Fault(&["changed the buffer"])),
    ("BROKEN_CAP_CHANGED_AT_YES", FaultOfYes(&["changed the buffer"])),
    ("BROKEN_PTR_CHANGED", Fault(&["changed the buffer"])),
    // What it says to operators.
    (
        "BROKEN_TEXT_CONTROL",
        Says(
            "\\u{1b}[31mred\\u{1b}[0m\\u{0}\\u{7}\\r\\nerror: a forged line\\n\\u{202e}turned\\u{2066}\\u{200b}\\u{9b}2J\
             \\u{7f}\u{fffd}\\u{1b}]0;title\\u{7}",
        ),
    ),
    ("BROKEN_LEN_UNWRITTEN", SaysNothing),
    ("BROKEN_TEXT_SECRET_RAW", Says("x-probe key=[redacted]")),
    ("BROKEN_TEXT_SECRET_HEX", Says("x-probe key=[redacted]")),
    ("BROKEN_TEXT_SECRET_BASE64", Says("x-probe key=[redacted]")),
    ("BROKEN_TEXT_SECRET_BASE64URL", Says("x-probe key=[redacted]")),
    // What it wants fetched. A request is made for what is wanted, and for nothing else.
    ("BROKEN_WANTS_ONE", Wants([URL_A, "ok", "bad_signature", "ok"])),
    ("BROKEN_WANTS_TWO", Wants([URL_A, URL_B, "ok", "ok"])),
    ("BROKEN_WANTS_FOR_EVER", Wants([URL_0, URL_0, URL_0, "refused"])),
    ("BROKEN_WANTS_SAME", Wants([URL_A, "refused", "refused", "refused"])),
    ("BROKEN_WANTS_1MB", Wants(["fault", "fault", "fault", "fault"])),
    ("BROKEN_WANTS_HTTP", Wants(["refused", "refused", "refused", "refused"])),
    ("BROKEN_WANTS_OTHER_HOST", Wants(["refused", "refused", "refused", "refused"])),
    ("BROKEN_WANTS_NAMED", Wants(["probe/key", "probe/key", "probe/key", "ok"])),
    ("BROKEN_WANTS_LINES", Wants(["fault", "fault", "fault", "fault"])),
    ("BROKEN_WANT_KIND_9", Wants(["fault", "fault", "fault", "fault"])),
    // What it signs.
    ("BROKEN_SIGN_BAD_PLACE", FaultOfSigning(&["no place"])),
    ("BROKEN_SIGN_TWO_LINES", FaultOfSigning(&["cannot stand there"])),
    ("BROKEN_SIGN_LEN_BEYOND_CAP", FaultOfSigning(&["more than a buffer holds"])),
    ("BROKEN_SIGN_WRITES_PAST_CAP", FaultOfSigning(&["past the end"])),
    ("BROKEN_SIGN_NO_SPACE_FOR_EVER", FaultOfSigning(&["never has enough room"])),
    ("BROKEN_SIGN_MANY_MARKS", FaultOfSigning(&["more marks than there is room"])),
    ("BROKEN_SIGN_WANTS_LONG_MARKS", FaultOfSigning(&["more marks than a request can carry"])),
    ("BROKEN_SIGN_WANTS_MANY_MARKS", FaultOfSigning(&["more marks than a request can carry"])),
    // What no check of an answer can stop. The first three are not contained, and say so by how they end.
    ("BROKEN_ABORT", Dies("signal: 6")),
    ("BROKEN_SEGFAULT", Dies("signal: 11")),
    ("BROKEN_EXIT", Dies("exit status: 7")),
    ("BROKEN_HANGS", Good("only the body `hang` hangs: isolation.rs")),
    ("BROKEN_SLOW", Good("it is slow, and not slower than its deadline: isolation.rs")),
    ("BROKEN_NOT_THREAD_SAFE", Good("it says that calls must not meet, and they do not: isolation.rs")),
    ("BROKEN_WATCHES_DESTROY", Good("it is destroyed when no call is in it: isolation.rs")),
    ("BROKEN_TWO_KEYS", Good("it knows the keys of others, which nobody but a test of modules can see")),
    ("BROKEN_KEEPS_BODY_POINTER", JudgesTheBodyBefore),
    // A few bytes too far are seen by the fence that stands there; what is written elsewhere is not, and is found by those
    // who test modules.
    ("BROKEN_WRITES_PAST_CAP", Fault(&["past the end of what it was lent"])),
    ("BROKEN_WRITES_PAST_STRUCT", Fault(&["past the end of what it was lent"])),
];

#[test]
fn every_broken_module_comes_to_what_is_written_here() {
    let folder = folder("broken");
    let good = Loaded::at(&probe::built(&folder, ""));
    let next = AtomicUsize::new(0);
    let judged = || {
        let mut failed = Vec::new();
        while let Some((switch, expected)) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
            let path = probe::built(&folder, switch);
            let judged = catch_unwind(AssertUnwindSafe(|| judge(switch, &path, expected)));
            // Whatever became of that one, another module goes on.
            let goes_on = ask(&good.verifier(), GOOD).code == "ok";
            if judged.is_err() || !goes_on {
                failed.push(*switch);
            }
        }
        failed
    };
    let failed: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(judged)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(good.module.health().faults, 0);
}

#[test]
fn every_switch_of_the_broken_modules_is_in_the_table() {
    let words = probe::TEXT.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut switches: BTreeSet<_> = words.filter(|word| word.starts_with("BROKEN_")).collect();
    for (switch, _) in TABLE {
        assert!(switches.remove(switch), "{switch} is no switch, or twice in the table");
    }
    assert!(switches.is_empty(), "not in the table: {switches:?}");
}

fn judge(switch: &str, path: &Path, expected: &Expected) {
    match expected {
        Refused(fault, words) => {
            let refused = load(path).err().unwrap_or_else(|| panic!("{switch} is loaded"));
            assert_eq!(refused.fault(), *fault, "{switch}: {refused}");
            says(switch, &refused.to_string(), words);
            assert!(refused.next().is_some(), "{switch}: what is one to do? {refused}");
        }
        NotRegistered(words) => {
            let module = load(path).unwrap_or_else(|error| panic!("{error}"));
            let mut registry = Registry::new();
            let before = registry.modes().count();
            let errors = module.register(&mut registry).unwrap_err();
            says(switch, &errors.render(registry.sources()), words);
            assert_eq!((registry.modes().count(), registry.presets().count()), (before, 0), "{switch}");
        }
        NoPreset(words) => {
            let Loaded { registry, .. } = Loaded::at(path);
            let errors = registry.named("probe").err().unwrap_or_else(|| panic!("{switch} takes its preset"));
            says(switch, &errors.render(registry.sources()), words);
        }
        NoKey(words) => {
            let Loaded { registry, .. } = Loaded::at(path);
            let compiled = registry.named("probe").unwrap();
            let error = compiled.verifier("tests", &probe::ring(&compiled), &Vars::new()).err();
            says(switch, &error.unwrap_or_else(|| panic!("{switch} takes its key")).to_string(), words);
        }
        Good(why) => {
            let loaded = Loaded::at(path);
            answers_well(switch, &loaded);
            assert!(!why.is_empty() && loaded.module.health().faults == 0, "{switch}");
        }
        Fault(words) => faults(switch, &Loaded::at(path), words, &[GOOD, BAD, GOOD]),
        FaultOfYes(words) => {
            let loaded = Loaded::at(path);
            let no = ask(&loaded.verifier(), BAD);
            assert!(no.is("bad_signature", "probe/differs"), "{switch}: {no:?}");
            assert_eq!(loaded.module.health().faults, 0, "{switch}");
            faults(switch, &loaded, words, &[GOOD, GOOD]);
        }
        Says(shown) => {
            let no = ask(&Loaded::at(path).verifier(), BAD);
            assert_eq!((&*no.code, &*no.says), ("bad_signature", *shown), "{switch}");
        }
        SaysNothing => {
            let no = ask(&Loaded::at(path).verifier(), BAD);
            let unwritten = no.says.trim_end_matches('…').replace("\\u{0}", "");
            assert_eq!((&*no.code, &*unwritten), ("bad_signature", "x-probe"), "{switch}");
        }
        Wants(answers) => wants(switch, path, answers),
        FaultOfSigning(words) => signs(switch, &Loaded::at(path), words),
        Dies(how) => {
            answers_well(switch, &Loaded::at(path));
            let output =
                child("in_a_child_a_module_is_asked_about_the_body_boom", &[(MODULE, path.as_os_str())]);
            assert!(output.status.to_string().starts_with(how), "{switch}: {output:?}");
        }
        JudgesTheBodyBefore => {
            let loaded = Loaded::at(path);
            let verifier = loaded.verifier();
            // These bodies are static: what it reads is there. Of a body that is not, nothing could be promised.
            let codes = [GOOD, GOOD, OTHER, OTHER].map(|signed| ask(&verifier, signed).code);
            assert_eq!(codes, ["ok", "ok", "bad_signature", "ok"], "{switch}");
        }
    }
}

/// Whether all the words are there, and nothing that steers a terminal or forges a line.
fn says(switch: &str, text: &str, words: Words) {
    for word in words {
        assert!(text.contains(word), "{switch} should say `{word}`:\n{text}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{switch}: {text:?}");
}

fn answers_well(switch: &str, loaded: &Loaded) {
    let verifier = loaded.verifier();
    for (signed, code, detail) in
        [(GOOD, "ok", ""), (BAD, "bad_signature", "probe/differs"), (OTHER, "ok", "")]
    {
        let answer = ask(&verifier, signed);
        assert!(answer.is(code, detail), "{switch}: {answer:?}");
    }
}

fn faults(switch: &str, loaded: &Loaded, words: Words, requests: &[probe::Signed]) {
    let verifier = loaded.verifier();
    let before = loaded.module.health().faults;
    for signed in requests {
        let answer = ask(&verifier, *signed);
        assert!(answer.is("mode_fault", "module/fault"), "{switch}: {answer:?}");
        says(switch, &answer.says, words);
    }
    assert_eq!(loaded.module.health().faults, before + requests.len() as u64, "{switch}");
    assert_eq!(loaded.module.health().quarantined, None, "{switch}");
}

fn wants(switch: &str, path: &Path, answers: &[&str; 4]) {
    let mut spec = spec(path);
    // Where nothing may be fetched, no URL is wanted of the host.
    let nowhere = Cache::of_all(SECRET);
    let answer = ask_with(&Loaded::of(&spec).verifier(), GOOD, &nowhere);
    let url = nowhere.asked().into_iter().find(|name| name.contains("://"));
    assert_eq!((answer.code == "ok", url), (switch == "BROKEN_WANTS_NAMED", None), "{switch}: {answer:?}");
    spec.fetch_hosts = vec!["keys.example".into()];
    for (cache, expected) in fetched().iter().zip(answers) {
        let loaded = Loaded::of(&spec);
        let answer = ask_with(&loaded.verifier(), GOOD, cache);
        let Answer { code, detail, says } = &answer;
        let came = match (&**code, &**detail) {
            ("key_unavailable", "module/fetch-refused") => "refused",
            ("mode_fault", "module/fault") => "fault",
            ("unresolved", _) => &**says,
            (code, _) => code,
        };
        assert_eq!(came, *expected, "{switch}: {answer:?}");
        assert_eq!(loaded.module.health().faults, u64::from(came == "fault"), "{switch}");
        let asked = cache.asked();
        assert!(asked.len() <= countersign::MAX_FETCHES, "{switch}: {asked:?}");
        let strange = |name: &String| !name.starts_with("https://keys.example/") && name != "probe/key";
        assert!(!asked.iter().any(strange), "{switch}: {asked:?}");
    }
}

fn signs(switch: &str, loaded: &Loaded, words: Words) {
    answers_well(switch, loaded);
    let compiled = loaded.registry.named("probe").unwrap();
    let signer = compiled.signer(&probe::ring(&compiled), &Vars::new()).unwrap();
    let rejection =
        signer.sign(&Draft::new("msg_1", NOW, "https://hooks.example.com/in", GOOD.0)).unwrap_err();
    assert_eq!(rejection.reason, Reason::ModeFault, "{switch}: {rejection}");
    says(switch, &rejection.to_string(), words);
    assert_eq!(loaded.module.health().faults, 1, "{switch}");
}

/// Where a child finds its module.
const MODULE: &str = "COUNTERSIGN_TEST_MODULE";

#[test]
#[ignore = "a part of others: it ends the process that runs it"]
fn in_a_child_a_module_is_asked_about_the_body_boom() {
    let Some(path) = std::env::var_os(MODULE).map(PathBuf::from) else { return };
    let answer = ask(&Loaded::at(&path).verifier(), BOOM);
    panic!("it lives: {answer:?}");
}

#[test]
fn a_mode_that_cannot_sign_says_so_and_one_that_can_signs_what_it_verifies() {
    let folder = folder("signing");
    let draft = Draft::new("msg_1", NOW, "https://hooks.example.com/in", GOOD.0);
    let Loaded { registry, .. } = Loaded::at(&probe::built(&folder, "BROKEN_SIGN_NULL"));
    let compiled = registry.named("probe").unwrap();
    assert!(compiled.signer(&probe::ring(&compiled), &Vars::new()).is_err());
    let Loaded { registry, .. } = Loaded::at(&probe::built(&folder, ""));
    let compiled = registry.named("probe").unwrap();
    let signed = compiled.signer(&probe::ring(&compiled), &Vars::new()).unwrap().sign(&draft).unwrap();
    assert_eq!(signed.headers, [("x-probe".into(), GOOD.1.as_bytes().to_vec())]);
}

#[test]
fn an_unguarded_module_is_taken_by_whoever_says_so() {
    let folder = folder("unguarded");
    let mut spec = spec(&probe::built(&folder, "BROKEN_UNGUARDED"));
    spec.allow_unguarded = true;
    let module = Loader::new().load(&spec).unwrap();
    assert!(!module.is_guarded());
    answers_well("BROKEN_UNGUARDED", &Loaded::of(&spec));
}

/// The one way round: this host is of 1.1, and the module of 1.2, with a field more in every structure.
#[test]
fn a_module_of_a_newer_minor_is_known_by_it() {
    let folder = folder("minor");
    let loaded = Loaded::at(&probe::built(&folder, "BROKEN_MINOR_2"));
    assert_eq!(loaded.module.abi(), (1, 1));
    answers_well("BROKEN_MINOR_2", &loaded);
}

/// The other: the module is of 1.1, and the host, a program in C, of 1.2.
#[test]
fn a_host_of_a_newer_minor_gets_the_same_answers_and_its_new_fields_back_untouched() {
    let folder = folder("newer");
    let (module, program) = (probe::built(&folder, ""), folder.path().join("newer_host"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules/newer_host.c");
    support::compile(&source, &["-Wall", "-Wextra", "-Werror"], &["-ldl"], &program);
    let (body, signature) = GOOD;
    let texts = [SECRET, body, signature.as_bytes()].map(|text| str::from_utf8(text).unwrap());
    let output = Command::new(&program).arg(&module).args(texts).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{output:?}");
}
