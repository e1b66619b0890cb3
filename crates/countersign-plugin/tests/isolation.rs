//! Modules that hang, are slow or must not be called twice at once, and what each level of isolation promises of them.
//!
//! Nothing here asserts that something is quick: what is waited for may take long on a busy machine, and no longer than
//! [`PATIENCE`].
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use countersign::{Draft, Vars, Verifier};
use countersign_plugin::host::{Isolation, Spec};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use support::probe::{self, Answer, BAD, GOOD, HANG, Loaded, NOW, OTHER, ask};
use support::{child, folder, spec};

const PATIENCE: Duration = Duration::from_secs(60);
/// A deadline. A good call may well take that long where nobody gives its thread any time, and is late then.
const SOON: Duration = Duration::from_millis(500);
const BOTH: [Isolation; 2] = [Isolation::Inline, Isolation::Thread];

fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn loaded(path: &Path, isolation: Isolation, change: impl FnOnce(&mut Spec)) -> Loaded {
    let mut spec = spec(path);
    spec.isolation = isolation;
    change(&mut spec);
    Loaded::of(&spec)
}

/// Ask in a thread that nobody waits for: it may never come back.
fn ask_and_leave(verifier: &Arc<Verifier>) {
    let verifier = verifier.clone();
    thread::spawn(move || ask(&verifier, HANG));
}

fn is_quarantined(loaded: &Loaded) -> bool {
    loaded.module.health().quarantined.is_some()
}

fn assert_refused(answer: &Answer, detail: &str) {
    assert!(answer.is("mode_fault", detail), "{answer:?}");
}

/// Inline, the call is in its caller's thread, and nothing can take it out of there. Promised is that it is noticed, that no
/// other request goes the same way, and that whoever is asked says so.
#[test]
fn inline_a_call_that_hangs_is_noticed_and_no_request_follows_it() {
    let folder = folder("inline");
    let hanging =
        loaded(&probe::built(&folder, "BROKEN_HANGS"), Isolation::Inline, |spec| spec.deadline = SOON);
    let other = Loaded::at(&probe::built(&folder, ""));
    let (verifier, others) = (hanging.verifier(), other.verifier());
    assert_eq!(ask(&verifier, GOOD).code, "ok");
    for round in 1..=2 {
        ask_and_leave(&verifier);
        until("the hanging call is noticed", || is_quarantined(&hanging));
        let health = hanging.module.health();
        assert!(health.quarantined.unwrap().contains("within 500 ms"));
        assert_eq!(health.faults, round);
        for signed in [GOOD, BAD, HANG] {
            assert_refused(&ask(&verifier, signed), "module/quarantined");
        }
        // What others do is not touched by it.
        assert_eq!(ask(&others, GOOD).code, "ok");
        assert_eq!(other.module.health().quarantined, None);
        // The call still hangs, and whoever lets requests in again knows of it: it does not count once more.
        hanging.module.release();
        let start = Instant::now();
        while start.elapsed() < 2 * SOON {
            assert_eq!(ask(&verifier, GOOD).code, "ok");
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(hanging.module.health().faults, round);
    }
}

/// Where a child finds its module.
const MODULE: &str = "COUNTERSIGN_TEST_MODULE";

#[test]
fn inline_a_process_that_is_to_abort_does_and_says_of_what() {
    let folder = folder("abort");
    let path = probe::built(&folder, "BROKEN_HANGS");
    let output = child("in_a_child_a_call_hangs_until_the_process_aborts", &[(MODULE, path.as_os_str())]);
    assert!(output.status.to_string().starts_with("signal: 6"), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let line =
        said.lines().find(|line| line.starts_with("countersign: ")).unwrap_or_else(|| panic!("{said}"));
    for word in ["the module probe", &path.display().to_string(), "hangs since", "aborting"] {
        assert!(line.contains(word), "{line}");
    }
}

#[test]
#[ignore = "a part of another: it ends the process that runs it"]
fn in_a_child_a_call_hangs_until_the_process_aborts() {
    let Some(path) = std::env::var_os(MODULE).map(PathBuf::from) else { return };
    let hanging = loaded(&path, Isolation::Inline, |spec| {
        spec.deadline = SOON;
        spec.abort_after = Some(2 * SOON);
    });
    let answer = ask(&hanging.verifier(), HANG);
    panic!("it came back: {answer:?}");
}

/// In a thread of the module's, the call has a deadline that its caller can rely on. What hangs is lost until it comes back;
/// with the last thread goes the module.
#[test]
fn in_threads_a_caller_has_an_answer_by_the_deadline_and_the_last_thread_is_the_end() {
    let folder = folder("threads");
    let hanging = loaded(&probe::built(&folder, "BROKEN_HANGS"), Isolation::Thread, |spec| {
        spec.deadline = SOON;
        spec.threads = 2;
    });
    let other = loaded(&probe::built(&folder, ""), Isolation::Thread, |_| {});
    let (verifier, others) = (hanging.verifier(), other.verifier());
    let asked = Instant::now();
    assert_refused(&ask(&verifier, HANG), "module/deadline");
    assert!((SOON..PATIENCE).contains(&asked.elapsed()));
    assert_eq!(hanging.module.health().faults, 1);
    // One thread is left, and it does the work of both.
    assert!(!is_quarantined(&hanging));
    for _ in 0..20 {
        assert_eq!(ask(&verifier, GOOD).code, "ok");
    }
    assert_refused(&ask(&verifier, HANG), "module/deadline");
    assert!(hanging.module.health().quarantined.unwrap().contains("no thread"));
    for signed in [GOOD, BAD, HANG] {
        assert_refused(&ask(&verifier, signed), "module/quarantined");
    }
    assert_eq!(ask(&others, GOOD).code, "ok");
    // To let requests in does not make threads: the first finds that there are none.
    hanging.module.release();
    assert_refused(&ask(&verifier, GOOD), "module/deadline");
    assert!(is_quarantined(&hanging));
}

/// A call takes 20 ms, and a hundred of them in one thread more than the deadline: each is judged by itself.
#[test]
fn calls_that_come_back_in_time_are_no_fault_however_many() {
    let folder = folder("slow");
    let path = probe::built(&folder, "BROKEN_SLOW");
    for isolation in BOTH {
        let slow = loaded(&path, isolation, |_| {});
        let verifier = slow.verifier();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..100).for_each(|_| assert_eq!(ask(&verifier, GOOD).code, "ok")));
            }
        });
        let health = slow.module.health();
        assert_eq!((health.faults, health.quarantined), (0, None), "{isolation:?}");
    }
}

#[test]
fn faults_within_a_minute_are_counted_and_enough_of_them_quarantine() {
    let folder = folder("faults");
    let path = probe::built(&folder, "BROKEN_RETURNS_ONE");
    for isolation in BOTH {
        let failing = loaded(&path, isolation, |spec| spec.faults = 3);
        let verifier = failing.verifier();
        for round in 1..=2 {
            for _ in 0..3 {
                assert_eq!(ask(&verifier, BAD).code, "bad_signature");
                assert_refused(&ask(&verifier, GOOD), "module/fault");
            }
            assert_eq!(failing.module.health().quarantined.as_deref(), Some("3 faults within a minute"));
            assert_refused(&ask(&verifier, BAD), "module/quarantined");
            assert_eq!(failing.module.health().faults, 3 * round);
            failing.module.release();
        }
    }
}

/// The module fails for ever once two calls have met in it.
#[test]
fn calls_into_a_mode_that_takes_one_at_a_time_never_meet() {
    let folder = folder("serial");
    let path = probe::built(&folder, "BROKEN_NOT_THREAD_SAFE");
    for isolation in BOTH {
        let serial = loaded(&path, isolation, |spec| {
            spec.deadline = PATIENCE;
            spec.threads = 16;
        });
        let compiled = serial.registry.named("probe").unwrap();
        let ring = probe::ring(&compiled);
        // Calls meet in a mode, whichever verifier or signer they come from.
        let verifiers = [serial.verifier(), serial.verifier()];
        let signer = compiled.signer(&ring, &Vars::new()).unwrap();
        let draft = Draft::new("msg_1", NOW, "https://hooks.example.com/in", GOOD.0);
        thread::scope(|scope| {
            for number in 0..16 {
                let (verifier, signer, draft) = (&verifiers[number % 2], &signer, &draft);
                scope.spawn(move || {
                    for _ in 0..20 {
                        assert_eq!(ask(verifier, OTHER).code, "ok");
                        assert!(number != 0 || signer.sign(draft).is_ok());
                    }
                });
            }
        });
        assert_eq!(serial.module.health().faults, 0, "{isolation:?}");
    }
}

/// The module ends the process if a handle of it is destroyed while a call is in it.
#[test]
fn a_handle_is_destroyed_when_the_last_call_on_it_has_returned() {
    let folder = folder("destroy");
    let path = probe::built(&folder, "BROKEN_WATCHES_DESTROY");
    // The caller has gone, and with it the verifier: the call is in a thread of the module's still.
    let left = loaded(&path, Isolation::Thread, |spec| {
        spec.deadline = Duration::from_millis(1);
        spec.faults = 1000;
        spec.threads = 8;
    });
    for _ in 0..40 {
        assert_refused(&ask(&left.verifier(), GOOD), "module/deadline");
        left.module.release();
    }
    // The keys are changed, again and again, while requests go on.
    for isolation in BOTH {
        let shared = loaded(&path, isolation, |spec| spec.deadline = PATIENCE);
        let current = Mutex::new(shared.verifier());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..15 {
                        let verifier = current.lock().unwrap().clone();
                        assert_eq!(ask(&verifier, GOOD).code, "ok");
                    }
                });
            }
            for _ in 0..100 {
                *current.lock().unwrap() = shared.verifier();
                thread::sleep(Duration::from_millis(3));
            }
        });
        assert_eq!(shared.module.health().faults, 0, "{isolation:?}");
    }
}
