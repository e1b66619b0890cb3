//! Attacks by means of modules, each a test named after its case in the corpus. Most of them are tried more widely elsewhere
//! in this folder; here stands, in a few lines each, that they fail.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use countersign::Registry;
use countersign_plugin::host::{Isolation, LoadFault, Loader, Pin, Spec};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use support::probe::{self, Answer, BAD, GOOD, Loaded, OTHER, SECRET, ask};
use support::{child, folder, load, set_mode, spec};

/// How it is refused, and in which words.
fn refused(spec: &Spec) -> (LoadFault, String) {
    let error = Loader::new().load(spec).err().unwrap_or_else(|| panic!("{spec:?} is loaded"));
    (error.fault(), error.to_string())
}

fn fault(path: &Path) -> LoadFault {
    refused(&spec(path)).0
}

/// What the module with this switch answers to a request that the good one verifies.
fn answer(switch: &str) -> Answer {
    let folder = folder("attack");
    ask(&Loaded::at(&probe::built(&folder, switch)).verifier(), GOOD)
}

#[test]
fn atk_019_a_panic_in_a_module_is_no_yes_and_the_next_request_is_judged() {
    let folder = folder("panic");
    let loaded = Loaded::at(&probe::built(&folder, "BROKEN_VERIFIED_STATUS_PANIC"));
    let verifier = loaded.verifier();
    for round in 1..=5 {
        assert!(ask(&verifier, GOOD).is("mode_fault", "module/fault"));
        assert!(ask(&verifier, BAD).is("bad_signature", "probe/differs"));
        assert_eq!(loaded.module.health().faults, round);
    }
}

#[test]
fn atk_290_a_module_is_not_searched_for() {
    let folder = folder("search");
    let bytes = fs::read(probe::built(&folder, "")).unwrap();
    for path in ["good.so", "./good.so", "~/good.so", "lib/good.so", ""] {
        assert_eq!(refused(&Spec::new(path, Pin::of(&bytes))).0, LoadFault::Path, "{path}");
    }
}

#[test]
fn atk_291_a_file_or_folder_that_others_may_write_is_refused_by_name() {
    let folder = folder("writable");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let module = inner.join("good.so");
    fs::copy(probe::built(&folder, ""), &module).unwrap();
    for (path, mode) in [(&module, 0o666), (&module, 0o664), (&inner, 0o777), (&inner, 0o775)] {
        set_mode(path, mode);
        let (fault, says) = refused(&spec(&module));
        assert_eq!(fault, LoadFault::Writable, "{says}");
        assert!(says.contains(&format!("{} may be written by others", path.display())), "{says}");
        set_mode(path, 0o755);
    }
    assert!(load(&module).is_ok());
}

#[test]
fn atk_292_a_link_is_refused_at_every_step() {
    let folder = folder("link");
    fs::create_dir(folder.path().join("real")).unwrap();
    let real = folder.path().join("real/good.so");
    fs::copy(probe::built(&folder, ""), &real).unwrap();
    symlink(folder.path().join("real"), folder.path().join("link")).unwrap();
    symlink(&real, folder.path().join("link.so")).unwrap();
    for link in ["link/good.so", "link.so"] {
        assert_eq!(fault(&folder.path().join(link)), LoadFault::Symlink, "{link}");
    }
}

/// How often it is loaded while somebody swaps it.
const LOADS: &str = "COUNTERSIGN_TEST_LOADS";

#[test]
fn atk_293_what_runs_is_what_was_pinned_whoever_swaps_the_file_meanwhile() {
    let folder = folder("swap");
    let (good, evil) = (probe::built(&folder, ""), probe::built(&folder, "BROKEN_NAME_HMAC"));
    let [good, evil] = [&good, &evil].map(|path| fs::read(path).unwrap());
    let (target, beside) = (folder.path().join("target.so"), folder.path().join("beside.so"));
    fs::write(&target, &good).unwrap();
    let spec = Spec::new(&target, Pin::of(&good));
    // Each that is loaded keeps a descriptor: a thousand is about as many as a process may have.
    let loads = std::env::var(LOADS).map_or(300, |loads| loads.parse().unwrap());
    let done = AtomicBool::new(false);
    let (mut loaded, mut swapped) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for bytes in [&evil, &good].into_iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Both ways: another file in its place, and other bytes in the same file.
                fs::write(&beside, bytes).unwrap();
                fs::rename(&beside, &target).unwrap();
                thread::sleep(Duration::from_micros(200));
                fs::write(&target, if bytes == &good { &evil } else { &good }).unwrap();
            }
        });
        for _ in 0..loads {
            match Loader::new().load(&spec) {
                Ok(module) => {
                    assert_eq!((module.pin(), &*module.modes()[0].info().name), (spec.pin, "probe"));
                    assert!(module.is_sealed());
                    loaded += 1;
                }
                // Between truncating and writing there is nothing in it.
                Err(error) => {
                    let known = [LoadFault::Pin, LoadFault::Size].contains(&error.fault());
                    assert!(known, "{error}");
                    swapped += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(loaded > 0 && swapped > 0, "{loaded} loaded, {swapped} refused: nothing was tried");
}

#[test]
fn atk_294_a_file_that_is_cut_off_or_overwritten_once_it_is_loaded_changes_nothing() {
    let folder = folder("overwritten");
    let path = probe::built(&folder, "");
    let loaded = Loaded::at(&path);
    assert!(loaded.module.is_sealed());
    fs::write(&path, vec![0xcc; 1 << 20]).unwrap();
    assert_eq!(ask(&loaded.verifier(), GOOD).code, "ok");
    fs::write(&path, "").unwrap();
    assert_eq!(ask(&loaded.verifier(), OTHER).code, "ok");
}

#[test]
fn atk_295_a_pin_that_is_missing_or_wrong_loads_nothing() {
    let folder = folder("pin");
    let path = probe::built(&folder, "");
    let own = Pin::of(&fs::read(&path).unwrap());
    for wrong in ["", &own.to_string()[1..], &"z".repeat(64), &format!("{own} ")] {
        assert!(Pin::parse(wrong).is_err(), "{wrong}");
    }
    let upper = Pin::parse(&own.to_string().to_uppercase()).unwrap();
    assert!(Loader::new().load(&Spec::new(&path, upper)).is_ok());
    let wrong = Pin::of(b"");
    let (fault, says) = refused(&Spec::new(&path, wrong));
    assert_eq!(fault, LoadFault::Pin);
    assert!(says.contains(&own.to_string()) && says.contains(&wrong.to_string()), "{says}");
}

#[test]
fn atk_296_another_version_of_the_interface_is_refused_with_both_numbers() {
    let folder = folder("abi");
    for (switch, theirs) in
        [("BROKEN_MAJOR_2", "ABI 2.1"), ("BROKEN_NEEDS_MINOR_9", "needs 1.9"), ("BROKEN_ONLY_V2", "ABI 2")]
    {
        let (fault, says) = refused(&spec(&probe::built(&folder, switch)));
        assert_eq!(fault, LoadFault::Abi, "{says}");
        assert!(says.contains(theirs) && says.contains("this program speaks ABI 1"), "{says}");
    }
}

#[test]
fn atk_297_a_second_load_of_one_file_is_checked_like_the_first() {
    let folder = folder("again");
    let path = probe::built(&folder, "");
    let spec = spec(&path);
    let mut loader = Loader::new();
    loader.load(&spec).unwrap();
    assert_eq!(loader.load(&spec).err().unwrap().fault(), LoadFault::Duplicate);
    fs::copy(probe::built(&folder, "BROKEN_MINOR_2"), &path).unwrap();
    assert_eq!(loader.load(&spec).err().unwrap().fault(), LoadFault::Pin);
}

#[test]
fn atk_298_a_description_that_is_garbage_is_refused_each_in_its_own_words() {
    let folder = folder("garbage");
    let mut words = Vec::new();
    for switch in ["MAGIC", "NULL_DESCRIPTOR", "PLUGIN_SIZE_8", "MODE_SIZE_8", "VERIFY_NULL", "COMPILE_NULL"]
    {
        let path = probe::built(&folder, &format!("BROKEN_{switch}"));
        let (fault, says) = refused(&spec(&path));
        assert_eq!(fault, LoadFault::Descriptor, "{says}");
        words.push(says.replace(&path.display().to_string(), ""));
    }
    let all = words.len();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), all, "{words:?}");
}

#[test]
fn atk_299_one_zero_and_true_are_no_yes() {
    for switch in ["RETURNS_ONE", "OUTCOME_UNSET", "OUTCOME_ONE", "OUTCOME_GARBAGE", "VERIFIED_STATUS_PANIC"]
    {
        let answer = answer(&format!("BROKEN_{switch}"));
        assert!(answer.is("mode_fault", "module/fault"), "{switch}: {answer:?}");
    }
}

#[test]
fn atk_300_a_length_beyond_its_buffer_is_a_fault_and_is_not_read() {
    for switch in ["LEN_SIZE_MAX", "LEN_BEYOND_CAP", "CAP_CHANGED", "PTR_CHANGED", "CAP_CHANGED_AT_YES"] {
        let answer = answer(&format!("BROKEN_{switch}"));
        assert!(answer.is("mode_fault", "module/fault"), "{switch}: {answer:?}");
        assert!(!answer.says.contains("memory of the module"), "{switch}: {answer:?}");
    }
}

#[test]
fn atk_301_a_module_whose_panics_would_leave_it_is_refused_unless_it_is_allowed() {
    let folder = folder("unguarded");
    let mut spec = spec(&probe::built(&folder, "BROKEN_UNGUARDED"));
    let (fault, says) = refused(&spec);
    assert_eq!(fault, LoadFault::Unguarded);
    assert!(says.contains("allow_unguarded = true"), "{says}");
    spec.allow_unguarded = true;
    assert!(!Loader::new().load(&spec).unwrap().is_guarded());
}

#[test]
fn atk_302_no_module_takes_the_name_of_a_mode_that_is_there() {
    let folder = folder("shadow");
    let hmac = load(&probe::built(&folder, "BROKEN_NAME_HMAC")).unwrap();
    let mut registry = Registry::new();
    assert!(hmac.register(&mut registry).unwrap_err().render(registry.sources()).contains("`hmac`"));
    let mut loader = Loader::new();
    loader.load(&spec(&probe::built(&folder, ""))).unwrap();
    let other = loader.load(&spec(&probe::built(&folder, "BROKEN_SLOW")));
    assert_eq!(other.err().unwrap().fault(), LoadFault::Duplicate);
    assert_eq!(fault(&probe::built(&folder, "BROKEN_NAME_TWICE")), LoadFault::Duplicate);
    // Two loaders know nothing of each other, and one registry knows both.
    let [first, second] = ["", "BROKEN_SLOW"].map(|switch| load(&probe::built(&folder, switch)).unwrap());
    let mut registry = Registry::new();
    first.register(&mut registry).unwrap();
    assert!(second.register(&mut registry).unwrap_err().render(registry.sources()).contains("`probe`"));
}

#[test]
fn atk_303_a_name_that_is_none_is_refused_and_shown_as_what_it_is() {
    let folder = folder("names");
    for (switch, shown) in [("BROKEN_NAME_SPACES", "`Bad Name!`"), ("BROKEN_NAME_CYRILLIC", "`\\u{440}robe`")]
    {
        let (fault, says) = refused(&spec(&probe::built(&folder, switch)));
        assert_eq!(fault, LoadFault::Name);
        assert!(says.contains(shown), "{says}");
    }
}

#[test]
fn atk_304_a_function_that_nobody_has_is_missed_at_the_load_and_not_at_the_call() {
    let folder = folder("unresolved");
    let (fault, says) = refused(&spec(&probe::built(&folder, "BROKEN_UNRESOLVED")));
    assert_eq!(fault, LoadFault::Linker);
    assert!(says.contains("countersign_test_nowhere"), "{says}");
}

/// Where a child finds its module, and whether it has its pin.
const MODULE: &str = "COUNTERSIGN_TEST_MODULE";
const PINNED: &str = "COUNTERSIGN_TEST_PINNED";
/// Where the module writes when it is loaded.
const WITNESS: &str = "COUNTERSIGN_TEST_WITNESS";

#[test]
fn atk_305_nothing_of_a_module_runs_before_its_pin_is_compared() {
    let folder = folder("constructor");
    let (path, witness) = (probe::built(&folder, "BROKEN_CONSTRUCTOR"), folder.path().join("witness"));
    for pinned in ["no", "yes"] {
        let settings =
            [(MODULE, path.as_os_str()), (PINNED, pinned.as_ref()), (WITNESS, witness.as_os_str())];
        let output = child("in_a_child_a_module_is_loaded_that_writes_when_it_is", &settings);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(witness.exists(), pinned == "yes", "{pinned}");
    }
}

#[test]
#[ignore = "a part of another: the module reads where to write from the environment"]
fn in_a_child_a_module_is_loaded_that_writes_when_it_is() {
    let Some(path) = std::env::var_os(MODULE).map(PathBuf::from) else { return };
    match std::env::var(PINNED).as_deref() {
        Ok("yes") => drop(load(&path).unwrap()),
        _ => assert_eq!(refused(&Spec::new(&path, Pin::of(b"another"))).0, LoadFault::Pin),
    }
}

#[test]
fn atk_306_what_is_written_for_people_to_read_is_never_beside_a_module() {
    let folder = folder("written");
    let path = probe::built(&folder, "");
    let spec = spec(&path);
    for written in [folder.path().join("audit"), folder.path().to_owned(), "/".into()] {
        let mut loader = Loader::new();
        loader.writes(&written);
        assert_eq!(loader.load(&spec).err().unwrap().fault(), LoadFault::Written, "{written:?}");
    }
}

#[test]
fn atk_307_no_name_becomes_a_path() {
    let folder = folder("traversal");
    let mut named = spec(&probe::built(&folder, ""));
    let up = format!("{}/inner/../good.so", folder.path().display());
    for path in ["../../bin/sh", "../good.so", &up] {
        assert_eq!(refused(&Spec::new(path, named.pin)).0, LoadFault::Path, "{path}");
    }
    for name in ["../../bin/sh", "/bin/sh", "probe/../probe", "probe\0"] {
        named.modes = Some(vec![name.into()]);
        assert_eq!(refused(&named).0, LoadFault::Unlisted, "{name}");
    }
}

#[test]
fn atk_308_a_mode_that_takes_one_call_at_a_time_gets_one_at_a_time() {
    let folder = folder("serial");
    let mut spec = spec(&probe::built(&folder, "BROKEN_NOT_THREAD_SAFE"));
    spec.deadline = Duration::from_secs(60);
    let loaded = Loaded::of(&spec);
    let verifier = loaded.verifier();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..10).for_each(|_| assert_eq!(ask(&verifier, GOOD).code, "ok")));
        }
    });
}

/// That it keeps what it was lent is seen by whoever poisons that, as the tests of modules do. A host that is at work can see
/// only what comes of it: where it is not the message that came that is judged, a genuine one is refused.
#[test]
fn atk_309_a_module_that_keeps_what_it_was_lent_judges_another_message() {
    let folder = folder("kept");
    let verifier = Loaded::at(&probe::built(&folder, "BROKEN_KEEPS_BODY_POINTER")).verifier();
    assert_eq!([GOOD, OTHER].map(|signed| ask(&verifier, signed).code), ["ok", "bad_signature"]);
}

#[test]
fn atk_310_a_secret_is_blotted_out_of_what_a_module_says() {
    let folder = folder("told");
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let spellings = [str::from_utf8(SECRET).unwrap(), &hex, "bWFkZS11cD8", "bWFkZS11c"];
    for isolation in [Isolation::Inline, Isolation::Thread] {
        for form in ["RAW", "HEX", "BASE64", "BASE64URL"] {
            let mut spec = spec(&probe::built(&folder, &format!("BROKEN_TEXT_SECRET_{form}")));
            spec.isolation = isolation;
            let answer = ask(&Loaded::of(&spec).verifier(), BAD);
            assert!(answer.is("bad_signature", "probe/differs"), "{form}: {answer:?}");
            assert!(answer.says.contains("[redacted]"), "{form}: {answer:?}");
            assert!(!spellings.iter().any(|spelling| answer.says.contains(spelling)), "{form}: {answer:?}");
        }
    }
}

#[test]
fn atk_311_what_is_no_library_for_this_machine_is_refused_and_the_process_lives() {
    let folder = folder("no-library");
    let good = fs::read(probe::built(&folder, "")).unwrap();
    let patched = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let headed = [b"\x7fELF\x02\x01\x01", &noise[..]].concat();
    for (bytes, expected) in [
        (noise, LoadFault::NotALibrary),
        (headed, LoadFault::NotALibrary),
        (good[..good.len() / 2].to_vec(), LoadFault::NotALibrary),
        (patched(4, 1), LoadFault::Architecture),
        (patched(18, 0xf3), LoadFault::Architecture),
        (Vec::new(), LoadFault::Size),
    ] {
        let path = folder.path().join("noise.so");
        fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o644);
        assert_eq!(fault(&path), expected);
    }
    assert!(load(&folder.path().join("good.so")).is_ok());
}
