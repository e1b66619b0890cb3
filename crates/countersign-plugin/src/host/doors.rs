//! One mode through both doors in one process: linked, and behind the border with nothing loaded between. What a source
//! of several keys remembers must be the same, or a message with two signatures comes in twice.
#![allow(clippy::unwrap_used)]

use super::crossing::Crossing;
use super::descriptor::of_row;
use super::mode::LoadedMode;
use super::rooms::Rooms;
use super::spec::{Isolation, Pin, Spec};
use super::verdict::{Answer, Prints, read};
use super::watch::{Health, Shared};
use crate::abi;
use crate::guest::{self, Exported};
use countersign::config::ConfigErrors;
use countersign::{
    Binds, BodyNeed, Check, Context, Draft, Evidence, Head, Key, KeyError, KeyKind, KeySet, Keyring, Mark,
    MarkPlace, MemoryGuard, Mode, ModeConfig, ModeInfo, Needs, Outcome, Reason, Refusal, Registry, Rejection,
    Request, Scheme, Sign, Status, Timestamp, Vars, Verifier,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);
const URL: &str = "https://hooks.example.com/in";
const BODY: &[u8] = b"{\"items\":[{\"n\":1},{\"n\":2}]}";
const KEYS: [(&str, u8); 2] = [("old", 0x11), ("new", 0x22)];

struct Blake3;

impl Exported for Blake3 {
    fn mode() -> Arc<dyn Mode> {
        example_rust::mode()
    }
}

fn spec() -> Spec {
    Spec::new("/nowhere/libtest.so", Pin::of(b""))
}

/// The linked one, and the one behind the border.
fn doors() -> [Arc<dyn Mode>; 2] {
    let shared = Shared::new(&spec(), "test");
    let loaded = LoadedMode::new(of_row(guest::row::<Blake3>()).unwrap(), shared);
    [example_rust::mode(), Arc::new(loaded)]
}

/// A preset of the mode with this table, and what else it says.
fn registry(mode: &Arc<dyn Mode>, table: &str) -> Registry {
    let mut registry = Registry::new();
    registry.register(mode.clone()).unwrap();
    let key = "key = { forms = [{ decode = \"hex\" }]";
    let table = table.replace("KEY", key);
    let text = format!("schema = 1\nname = \"t\"\ntitle = \"T\"\nmode = \"blake3\"\n{table}\n");
    registry.add_preset("t.toml", text).unwrap();
    registry
}

fn key((id, byte): (&str, u8)) -> Key {
    Key::shared(id, format!("{byte:02x}").repeat(32)).unwrap()
}

fn verifier(mode: &Arc<dyn Mode>, table: &str) -> Arc<Verifier> {
    let registry = registry(mode, table);
    let compiled =
        registry.named("t").unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
    let mut ring = Keyring::new();
    for known in KEYS {
        ring.add(key(known)).unwrap();
    }
    compiled.verifier("tests", &ring, &Vars::new()).unwrap()
}

/// What each of the keys makes of a template, in hexadecimal.
fn signatures(template: &str) -> [String; 2] {
    KEYS.map(|known| {
        let in_content = template.contains("{secret}");
        let table = format!(
            "[blake3]\nsecret_in_content = {in_content}\nalgorithm = \"keyed\"\nsigned_template = \"{template}\"\n\
             signature_source = {{ header = \"x-signature\", encoding = \"hex\" }}\nKEY }}\n"
        );
        let mut ring = Keyring::new();
        ring.add(key(known)).unwrap();
        let compiled = registry(&example_rust::mode(), &table).named("t").unwrap();
        let signed = compiled.signer(&ring, &Vars::new()).unwrap();
        let signed = signed.sign(&Draft::new("msg_1", NOW, URL, BODY)).unwrap();
        String::from_utf8(signed.headers[0].1.clone()).unwrap()
    })
}

/// What becomes of deliveries that come one after the other to one guard.
fn accepted(verifier: &Verifier, deliveries: &[&[(&str, &str)]]) -> Vec<String> {
    let guard = MemoryGuard::new(100);
    let judge = |headers: &&[(&str, &str)]| {
        let request = Request::new(Head::new("POST", URL, headers), BODY);
        match verifier.verify(&request, &Context::at(NOW)) {
            Outcome::Verified(verified) => match verified.accept(&guard, NOW) {
                Ok(_) => "accepted".to_owned(),
                Err(_) => "replayed".to_owned(),
            },
            other => other.code().to_owned(),
        }
    };
    deliveries.iter().map(judge).collect()
}

/// A message with two signatures, delivered with the one and then with the other, and the other way round.
fn each_alone(table: &str, one: &str, other: &str) {
    let both = format!("{one},{other}");
    for (mode, door) in doors().iter().zip(["linked", "loaded"]) {
        let verifier = verifier(mode, table);
        let deliver = |values: &[&str]| {
            let headers: Vec<Vec<(&str, &str)>> =
                values.iter().map(|value| vec![("X-Signature", *value)]).collect();
            let headers: Vec<&[(&str, &str)]> = headers.iter().map(Vec::as_slice).collect();
            accepted(&verifier, &headers)
        };
        for order in [[one, other], [other, one], [&both, one], [&both, other], [one, &both], [other, &both]]
        {
            assert_eq!(deliver(&order), ["accepted", "replayed"], "{door}: {table} {order:?}");
        }
    }
}

#[test]
fn of_two_signatures_each_is_known_by_the_other() {
    let [old, new] = signatures("{body}");
    let table = "[replay]\nkey = \"content\"\n[blake3]\nalgorithm = \"keyed\"\nsigned_template = \"{body}\"\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\" }\nKEY }\n";
    each_alone(table, &old, &new);
}

#[test]
fn of_two_signatures_that_name_their_keys_each_is_known_by_the_other() {
    let [old, new] = signatures("{body}");
    let table = "[replay]\nkey = \"content\"\n[blake3]\nalgorithm = \"keyed\"\nsigned_template = \"{body}\"\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\", extract = \"regex\", \
                 pattern = '(?<key_id>[a-z]+):(?<signature>[0-9a-f]{64})' }\nKEY }\n";
    each_alone(table, &format!("old:{old}"), &format!("new:{new}"));
}

#[test]
fn of_two_signatures_of_which_one_spelling_cannot_be_made_each_is_known_by_the_other() {
    let [old, new] = signatures("{body}");
    let table = "[replay]\nkey = \"content\"\n[blake3]\nalgorithm = \"keyed\"\n\
                 signed_template = [\"{body}\", \"{body|unbase64}\"]\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\" }\nKEY }\n";
    each_alone(table, &old, &new);
}

#[test]
fn of_two_signatures_over_the_secret_itself_each_is_known_by_the_other() {
    let [old, new] = signatures("{secret}.{body}");
    let table = "[replay]\nkey = \"content\"\n[blake3]\nalgorithm = \"keyed\"\nsecret_in_content = true\n\
                 signed_template = [\"{secret}.{body}\", \"{secret}.{body|unbase64}\"]\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\" }\nKEY }\n";
    each_alone(table, &old, &new);
}

/// A mode that takes its time, and is never wrong.
struct Slow(ModeInfo);

const TAKES: Duration = Duration::from_millis(10);

impl Exported for Slow {
    fn mode() -> Arc<dyn Mode> {
        Arc::new(Slow(ModeInfo::new("slow", "takes its time", "", &[], Status::Stable)))
    }
}

impl Mode for Slow {
    fn info(&self) -> &ModeInfo {
        &self.0
    }

    fn compile(&self, _: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        Ok(Box::new(SlowScheme))
    }
}

struct SlowScheme;

impl Scheme for SlowScheme {
    fn needs(&self) -> Needs {
        Needs::new(BodyNeed::Whole, [KeyKind::Shared].to_vec())
    }

    fn bind(&self, _: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(SlowScheme))
    }
}

impl Check for SlowScheme {
    fn check<'r>(&self, _: &Request<'r>, _: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        thread::sleep(TAKES);
        Err(Reason::BadSignature.into())
    }
}

/// Whatever a stranger sends, a good module answers it as it does where it is linked, and is not to blame.
#[test]
fn odd_requests_are_no_fault_and_are_answered_alike() {
    let table = "[blake3]\nalgorithm = \"keyed\"\nsigned_template = \"{method}.{url}.{header:x-a}.{body}\"\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\" }\nKEY }\n";
    let [linked, loaded] = doors().map(|mode| verifier(&mode, table));
    let long = "a".repeat(1 << 16);
    let good = "ab".repeat(32);
    let many: Vec<(&str, &[u8])> = vec![("X-Many", b"1"); 5000];
    let all: [&[(&str, &[u8])]; 9] = [
        &[],
        &many,
        &[("X-Signature", good.as_bytes()), ("X-A", b"\xff\xfe\0")],
        &[("X-Signature", b"\xff"), ("X-A", b"1")],
        &[("X-Signature", b"\0"), ("X-A", b"1")],
        &[("X-Signature", good.as_bytes()), ("", b""), ("\0", b"\0"), ("X-A", b"")],
        &[("X-Signature", good.as_bytes()), ("X-A", b"1"), ("x-a", b"2")],
        &[("X-Signature", long.as_bytes()), ("X-A", b"1")],
        &[("X-Signature", good.as_bytes()), ("X-A", long.as_bytes()), (&long, b"1")],
    ];
    for headers in all {
        for (method, url) in
            [("POST", URL), ("", ""), ("\0", "https://a/\0?%ff"), ("é", "é"), ("POST", &long)]
        {
            for body in [b"".as_slice(), b"\xff\0", BODY] {
                let request = Request::new(Head::new(method, url, &headers), body);
                let [ours, theirs] = [&linked, &loaded]
                    .map(|verifier| format!("{:?}", verifier.verify(&request, &Context::at(NOW))));
                assert_eq!(ours, theirs);
                assert!(!theirs.contains("ModeFault"), "{theirs}");
            }
        }
    }
}

/// A module of one mode, whose table is empty, and how it fares.
fn alone<M: Exported>(name: &str, spec: &Spec, serial: bool) -> (Registry, Arc<Shared>) {
    let shared = Shared::new(spec, "test");
    let mut described = of_row(guest::row::<M>()).unwrap();
    described.serial = serial;
    let mut registry = Registry::new();
    registry.register(Arc::new(LoadedMode::new(described, shared.clone()))).unwrap();
    let text = format!("schema = 1\nname = \"t\"\ntitle = \"T\"\nmode = \"{name}\"\n[{name}]\n");
    registry.add_preset("t.toml", text).unwrap();
    (registry, shared)
}

/// How a good module fares that strangers ask all at once, far more often than it has time for.
fn crowded(isolation: Isolation, serial: bool) -> Health {
    let mut spec = spec();
    (spec.isolation, spec.deadline, spec.threads) = (isolation, 8 * TAKES, 2);
    let (registry, shared) = alone::<Slow>("slow", &spec, serial);
    let verifier = registry
        .named("t")
        .unwrap()
        .verifier("tests", &Keyring::of("secret").unwrap(), &Vars::new())
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| {
                for _ in 0..4 {
                    let request = Request::new(Head::new("POST", URL, &()), BODY);
                    let code = verifier.verify(&request, &Context::at(NOW)).code();
                    assert!(["bad_signature", "mode_fault"].contains(&code), "{code}");
                }
            });
        }
    });
    shared.health()
}

#[test]
fn a_crowd_before_a_good_module_is_no_fault_of_it() {
    for (isolation, serial) in [(Isolation::Inline, true), (Isolation::Thread, false)] {
        let health = crowded(isolation, serial);
        assert_eq!((health.quarantined, health.faults), (None, 0), "{isolation:?}");
    }
}

/// Ninety signatures of a hundred elements each, over a nonce of their own: every one might be known by its own print.
#[test]
fn many_elements_with_many_signatures_are_no_fault_and_no_more_than_a_refusal() {
    let table = "[blake3]\nalgorithm = \"keyed\"\neach = \"/items/*\"\nsigned_template = \"{sig:nonce}.{item:/n}\"\n\
                 signature_source = { header = \"x-signature\", list = \",\", encoding = \"hex\", max_candidates = 100, \
                 extract = \"regex\", pattern = '(?<nonce>[0-9]+):(?<signature>[0-9a-f]{64})' }\nKEY }\n";
    let body = format!("{{\"items\":[{}]}}", vec!["{\"n\":1}"; 100].join(","));
    let signatures: Vec<String> = (0..90).map(|n| format!("{n}:{}", "ab".repeat(32))).collect();
    let headers = [("X-Signature", &*signatures.join(","))];
    for mode in doors() {
        let request = Request::new(Head::new("POST", URL, &headers), body.as_bytes());
        let code = verifier(&mode, table).verify(&request, &Context::at(NOW)).code();
        assert_eq!(code, "bad_signature");
    }
}

/// A mode whose signer is done for once it has panicked.
struct Breaks(ModeInfo);

impl Exported for Breaks {
    fn mode() -> Arc<dyn Mode> {
        Arc::new(Breaks(ModeInfo::new("breaks", "breaks", "", &[], Status::Stable)))
    }
}

impl Mode for Breaks {
    fn info(&self) -> &ModeInfo {
        &self.0
    }

    fn compile(&self, _: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        Ok(Box::new(BreaksOnce::default()))
    }
}

#[derive(Default)]
struct BreaksOnce(AtomicBool);

impl Scheme for BreaksOnce {
    fn needs(&self) -> Needs {
        SlowScheme.needs()
    }

    fn bind(&self, _: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(SlowScheme))
    }

    fn signer(&self, _: &Keyring, _: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        Ok(Box::new(BreaksOnce::default()))
    }
}

impl Sign for BreaksOnce {
    fn sign(&self, draft: &Draft<'_>, _: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        assert!(!self.0.swap(draft.body == b"boom", Ordering::Relaxed), "half done");
        assert!(draft.body != b"boom", "as it should");
        out(Mark {
            place: MarkPlace::Header("x-signature".into()),
            text: b"signed".to_vec(),
            joined_by: None,
        });
        Ok(())
    }
}

#[test]
fn a_handle_that_panicked_while_it_signed_is_made_anew() {
    // To print where a panic came from may take long, and is no call that hangs.
    let mut spec = spec();
    spec.deadline = Duration::from_secs(600);
    let (registry, _) = alone::<Breaks>("breaks", &spec, false);
    let signer = registry.named("t").unwrap().signer(&Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let sign = |body| signer.sign(&Draft::new("msg_1", NOW, URL, body)).map(|signed| signed.headers.len());
    assert_eq!(sign(BODY), Ok(1));
    assert_eq!(sign(b"boom").unwrap_err().reason, Reason::ModeFault);
    assert_eq!(sign(BODY), Ok(1));
}

/// A host of ABI 1.0 has no room for the names of headers, and nothing is written behind what it has.
#[test]
fn an_older_host_gets_what_it_knows_and_nothing_behind_it() {
    const TABLE: &[u8] = br#"{"algorithm":"keyed","signed_template":"{timestamp}.{body}",
        "timestamp_source":{"header":"x-time","format":"unix"},
        "signature_source":{"header":"X-Signature","encoding":"hex"},"key":{"forms":[{"decode":"hex"}]}}"#;
    let compile = guest::row::<Blake3>().compile.unwrap();
    let setup = abi::Setup {
        struct_size: size_of::<abi::Setup>(),
        purpose: abi::FOR_CHECK,
        reserved: 0,
        config_json: abi::Bytes::of(TABLE),
        parts: std::ptr::null(),
        part_count: 0,
        vars: std::ptr::null(),
        var_count: 0,
    };
    let mut names = [0; 64];
    let room = abi::Buf { ptr: names.as_mut_ptr(), cap: names.len(), len: 0 };
    let answer = |struct_size, headers: abi::Buf| {
        let (needs, handle) = (abi::Needs { body: 0, keys: 0, abilities: 0, binds: 0 }, std::ptr::null_mut());
        let (errors, notes) = (abi::Buf::EMPTY, abi::Buf::EMPTY);
        let mut out = abi::Compiled { struct_size, handle, needs, errors, notes, headers };
        // SAFETY: both structures are there, and as long as their sizes say.
        let status = unsafe { compile(&setup, &mut out) };
        (status, out.needs.binds, out.headers.len)
    };
    let both = abi::BINDS_BODY | abi::BINDS_TIME;
    assert_eq!(answer(abi::Compiled::SIZE_1_0, abi::Buf { len: 77, ..room }), (abi::OK, both, 77));
    assert_eq!(answer(abi::Compiled::SIZE_1_0 - 1, room).0, abi::INTERNAL);
    assert_eq!(answer(size_of::<abi::Compiled>() + 8, abi::Buf { cap: 18, ..room }), (abi::OK, both, 0));
    assert_eq!(answer(size_of::<abi::Compiled>(), room), (abi::OK, both, 19));
    assert_eq!(&names[..20], b"x-signature\nx-time\n\0");
}

/// A verdict is read in two ways: at one look, where all is well and plain, and rule by rule. The first says yes only where the
/// second does, and the same.
#[test]
fn what_is_proven_at_one_look_is_what_all_rules_come_to() {
    type Change = fn(&mut abi::Verdict);
    const CHANGES: &[Change] = &[
        |_| {},
        |v| v.outcome = abi::BAD_SIGNATURE,
        |v| v.outcome = 1,
        |v| v.detail_code = 1,
        |v| v.binds = 0,
        |v| v.binds = abi::BINDS_BODY,
        |v| v.binds |= 64,
        |v| v.binds |= 0x1_0000,
        |v| v.fingerprint_kind = 0,
        |v| v.fingerprint_kind = abi::PRINT_CONTENT,
        |v| v.fingerprint_kind = 3,
        |v| v.signed_at_ms = abi::NONE_MS,
        |v| v.signed_until_ms = 5_000,
        |v| v.want_kind = 7,
        |v| v.reserved = 7,
        |v| v.struct_size = 7,
        |v| v.fingerprints.len = 0,
        |v| v.fingerprints.len = 31,
        |v| v.fingerprints.len = 64,
        |v| v.fingerprints.cap += 1,
        |v| v.fingerprints.ptr = v.want.ptr,
        |v| v.want.len = 1,
        |v| v.want.cap -= 1,
        |v| v.want.ptr = v.key_id.ptr,
        |v| v.message_id.len = 0,
        |v| v.message_id.len = 3,
        |v| v.message_id.len = usize::MAX,
        |v| v.message_id.ptr = v.want.ptr,
        |v| v.key_id.len = 1,
        |v| v.key_id.ptr = std::ptr::null_mut(),
        |v| v.detail_text.len = 1,
        |v| v.detail_text.cap = 0,
    ];
    let shared = Shared::new(&spec(), "test");
    let loaded = LoadedMode::new(of_row(guest::row::<Blake3>()).unwrap(), shared);
    let headers = [("x-id", "msg_1")];
    let request = Request::new(Head::new("POST", URL, &headers), BODY);
    let mut crossing = Crossing::new(&request, BodyNeed::Whole);
    crossing.fill(&request, None);
    let least = Binds::BODY.and(Binds::TIME);
    let mut proven = 0;
    for one in CHANGES {
        for other in CHANGES {
            for status in [abi::OK, abi::INTERNAL, abi::PANIC, 9] {
                let mut rooms = Rooms::of(1);
                let verdict = rooms.lend().what_mut();
                verdict.outcome = abi::VERIFIED;
                verdict.binds = abi::BINDS_BODY | abi::BINDS_TIME | abi::BINDS_ID;
                verdict.fingerprint_kind = abi::PRINT_TAG;
                verdict.signed_at_ms = 1_000;
                // SAFETY: there is room for 256 bytes.
                unsafe { verdict.fingerprints.ptr.write_bytes(7, 64) };
                verdict.fingerprints.len = 32;
                // SAFETY: there is room for 1024 bytes.
                unsafe { verdict.message_id.ptr.copy_from_nonoverlapping(b"msg_1".as_ptr(), 5) };
                verdict.message_id.len = 5;
                one(verdict);
                other(verdict);
                let mut prints = Prints::new();
                let asked = read(&rooms, None, status, &loaded.shape, least, &crossing, &mut prints);
                let proof = rooms.proof(status, least);
                match (&proof, asked) {
                    (Some(proof), Answer::Match(matched)) => {
                        assert_eq!((proof.binds, &prints[..]), (matched.binds, &[*proof.print][..]));
                        assert_eq!((proof.signed_at, None), (matched.signed_at, matched.signed_until));
                        let id = matched.message_id.as_deref().unwrap_or_default();
                        assert_eq!((proof.message_id, None), (id.as_bytes(), matched.key_id));
                        proven += 1;
                    }
                    (Some(_), _) => panic!("proven, and refused by a rule"),
                    (None, Answer::Match(matched)) => {
                        // What is said beside it, the rules read over.
                        let (want, text) = (rooms.verdict().want.len, rooms.verdict().detail_text.len);
                        let is_plain =
                            prints.len() == 1 && matched.signed_until.is_none() && want + text == 0;
                        assert!(!is_plain || matched.key_id.is_some(), "plain, and not proven");
                    }
                    (None, _) => {}
                }
                rooms.keep();
            }
        }
    }
    assert!(proven > 20, "{proven}");
}
