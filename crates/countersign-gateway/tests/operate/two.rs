//! Two operators at work at once: what one writes between the other's reading and his writing is written over by nobody.
//!
//! The second one is called from inside the first: where he asks for random bytes, or for the time, he has read and not yet
//! written.

use countersign::{Clock, Timestamp};
use countersign_gateway::config::{Config, Modules};
use countersign_gateway::operate::{ErrorCode, NewSource, OperateError, Operator, Switch};
use countersign_gateway::secrets::{Outside, Sealer, SecretPlace, system_random};
use countersign_store::{Options, Sqlite, Store};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What is done between the first operator's reading and his writing.
type Between = Box<dyn FnMut(&Operator) + Send>;

struct Two {
    folder: TempDir,
    runtime: Runtime,
    between: Arc<Mutex<Option<Between>>>,
    first: Operator,
}

/// Calls whoever waits, once for each time that it is asked.
struct Clockwork {
    between: Arc<Mutex<Option<Between>>>,
    file: Arc<Path>,
    seconds: AtomicI64,
}

impl Clock for Clockwork {
    fn now(&self) -> Timestamp {
        call(&self.between, &self.file);
        Timestamp::from_unix(1_800_000_000 + self.seconds.fetch_add(1, Ordering::Relaxed))
    }
}

fn call(between: &Mutex<Option<Between>>, file: &Path) {
    // While he is called, nobody else is: he asks for the time as well.
    let Some(mut doing) = between.lock().unwrap().take() else { return };
    let other = operator(file, None);
    doing(&other);
    between.lock().unwrap().get_or_insert(doing);
}

fn operator(file: &Path, between: Option<&Arc<Mutex<Option<Between>>>>) -> Operator {
    let config = Arc::new(Config::read(file, &mut Modules::new()).unwrap().config);
    let key = SecretPlace::File(file.with_file_name("store.txt")).read(&Outside::system()).unwrap();
    let sealer = Arc::new(Sealer::new(&key.secret).unwrap());
    let store = Arc::new(Sqlite::open(&config.store.path, Options::default()).unwrap());
    let clock = Clockwork {
        between: between.cloned().unwrap_or_default(),
        file: file.into(),
        seconds: AtomicI64::new(0),
    };
    let (between, file): (_, Arc<Path>) = (between.cloned().unwrap_or_default(), file.into());
    let chance = move |bytes: &mut [u8]| {
        call(&between, &file);
        system_random(bytes)
    };
    Operator::new(store, Box::new(move || config.clone()), Some(sealer), Arc::new(clock), Box::new(chance))
}

/// From inside of something that is waited for already.
fn wait<T: Send>(doing: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(doing)
        });
        waiting.join().unwrap()
    })
}

impl Two {
    /// With a source `acme` that has a secret called `old`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.toml");
        std::fs::write(folder.path().join("store.txt"), KEY).unwrap();
        let text = "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:countersign.db\"\nkey = { file = \"store.txt\" }\n";
        std::fs::write(&file, text).unwrap();
        let between = Arc::default();
        let first = operator(&file, Some(&between));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let two = Two { folder, runtime, between, first };
        two.run(two.first.add_source(&acme())).unwrap();
        two.run(two.first.add_secret("acme", named("old"))).unwrap();
        two
    }

    fn run<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }

    /// Once, the next time that the first operator has read and not written.
    fn once(&self, doing: impl FnOnce(&Operator) + Send + 'static) {
        let mut doing = Some(doing);
        let run: Between = Box::new(move |other| {
            if let Some(doing) = doing.take() {
                doing(other);
            }
        });
        *self.between.lock().unwrap() = Some(run);
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(self.folder.path().join("countersign.db"), Options::default()).unwrap()
    }

    /// The names of the secrets that there are, and whether each has an end.
    fn secrets(&self) -> Vec<(String, bool)> {
        let rows = self.run(self.store().secrets()).unwrap();
        rows.iter().map(|row| (row.id.to_string(), row.not_after.is_some())).collect()
    }
}

fn acme() -> NewSource {
    let mut new = NewSource::default();
    (new.name, new.path, new.preset) =
        (Some("acme".into()), Some("/in/acme".into()), Some("standard-webhooks".into()));
    new
}

fn named(id: &str) -> countersign_gateway::operate::Given {
    countersign_gateway::operate::Given { id: Some(id.into()), ..Default::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T, OperateError>) -> ErrorCode {
    result.unwrap_err().code
}

const ANOTHER: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

impl Two {
    /// An operator whose `[store] key` is this one.
    fn with_key(&self, key: &str) -> Operator {
        std::fs::write(self.folder.path().join("store.txt"), key).unwrap();
        operator(&self.folder.path().join("countersign.toml"), None)
    }
}

#[test]
fn nothing_is_sealed_with_a_second_key() {
    let two = Two::new();
    let other = two.with_key(ANOTHER);
    let sealing = [
        two.run(other.add_secret("acme", named("new"))).unwrap_err(),
        two.run(other.rotate("acme", None, named("new"))).unwrap_err(),
        two.run(other.add_source(&NewSource {
            path: Some("/in/b".into()),
            name: None,
            generate_secret: true,
            ..acme()
        }))
        .unwrap_err(),
    ];
    for refused in sealing {
        assert_eq!(refused.code, ErrorCode::Unreadable);
        assert!(refused.message.contains("does not open secret `old` of `acme`"), "{refused}");
        assert!(refused.help.unwrap().contains("countersign secret reseal --old-key"));
    }
    assert_eq!(two.secrets(), [("old".into(), false)]);
    two.run(other.forget("acme", "old", true)).unwrap();
    two.run(other.add_secret("acme", named("new"))).unwrap();
}

#[test]
fn a_store_gets_another_key_whole_or_not_at_all() {
    let two = Two::new();
    let old = Sealer::new(&countersign::Secret::new(KEY.as_bytes()).unwrap()).unwrap();
    two.run(two.first.add_secret("acme", named("second"))).unwrap();
    let sealed = |two: &Two| -> Vec<_> {
        two.run(two.store().secrets()).unwrap().into_iter().map(|row| row.sealed).collect()
    };
    let before = sealed(&two);
    let other = two.with_key(ANOTHER);
    let wrong =
        Sealer::new(&countersign::Secret::new(ANOTHER.replace("1f", "2f").into_bytes()).unwrap()).unwrap();
    let refused = two.run(other.reseal(&wrong)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unreadable);
    assert!(refused.message.contains("`old` of `acme` opens with neither key"), "{refused}");
    assert_eq!(sealed(&two), before, "none was sealed anew");
    let done = two.run(other.reseal(&old)).unwrap();
    assert_eq!((done.resealed, done.already), (2, 0));
    assert!(sealed(&two).iter().all(|row| !before.contains(row)));
    let again = two.run(other.reseal(&old)).unwrap();
    assert_eq!((again.resealed, again.already), (0, 2), "repeating it does no harm");
    two.run(other.add_secret("acme", named("third"))).unwrap();
    assert_eq!(code(two.run(two.first.add_secret("acme", named("fourth")))), ErrorCode::Unreadable);
}

#[test]
fn what_says_nothing_any_more_is_not_kept() {
    let two = Two::new();
    let text = std::fs::read_to_string(two.folder.path().join("countersign.toml")).unwrap();
    let text = format!(
        "{text}[[source]]\nname = \"filed\"\npath = \"/in/filed\"\npreset = \"standard-webhooks\"\nsecrets = \"managed\"\n"
    );
    std::fs::write(two.folder.path().join("countersign.toml"), text).unwrap();
    let operator = two.with_key(KEY);
    two.run(operator.add_secret("filed", named("main"))).unwrap();
    let rows = || two.run(two.store().sources()).unwrap().iter().filter(|row| &*row.name == "filed").count();
    let said = || {
        let config = two.run(operator.config()).unwrap();
        let sources = config["source"].as_array().unwrap();
        let filed = sources.iter().find(|source| source["name"] == "filed").unwrap();
        (filed["enabled"].as_bool().unwrap(), filed["enforce"].as_str().unwrap().to_owned())
    };
    assert_eq!(said(), (true, "reject".into()));
    for (to, enabled, enforce, kept) in [
        (Switch::Disable, false, "reject", 1),
        (Switch::Observe, false, "observe", 1),
        (Switch::Enable, true, "observe", 1),
        (Switch::Enforce, true, "reject", 0),
        (Switch::Enforce, true, "reject", 0),
    ] {
        two.run(operator.switch("filed", to)).unwrap();
        assert_eq!((said(), rows()), ((enabled, enforce.into()), kept), "{to:?}");
    }
    assert_eq!(two.secrets().len(), 2, "its secret is not what is forgotten");
    for to in [Switch::Observe, Switch::Enforce] {
        two.run(operator.switch("acme", to)).unwrap();
    }
    assert_eq!(two.run(two.store().sources()).unwrap().len(), 1, "the source of the store is its row");
}

#[test]
fn a_rotation_brings_back_no_secret_that_was_forgotten_meanwhile() {
    let two = Two::new();
    two.once(|other| drop(wait(other.forget("acme", "old", true)).unwrap()));
    let rotated = two.run(two.first.rotate("acme", Some("1h"), named("new"))).unwrap();
    assert!(rotated.ending.is_empty(), "nothing is left that could end: {:?}", rotated.ending);
    assert_eq!(two.secrets(), [("new".into(), false)]);
}

#[test]
fn what_a_rotation_meanwhile_has_made_ends_with_the_next_one() {
    let two = Two::new();
    two.once(|other| drop(wait(other.rotate("acme", Some("1h"), named("second"))).unwrap()));
    two.run(two.first.rotate("acme", Some("1h"), named("third"))).unwrap();
    let mut secrets = two.secrets();
    secrets.sort();
    assert_eq!(secrets, [("old".into(), true), ("second".into(), true), ("third".into(), false)]);
}

#[test]
fn one_name_and_one_path_are_given_once() {
    let two = Two::new();
    let new =
        || NewSource { name: Some("b".into()), path: Some("/in/b".into()), generate_secret: true, ..acme() };
    two.once(move |other| {
        wait(other.add_source(&NewSource { name: Some("c".into()), ..new() })).unwrap();
    });
    assert_eq!(code(two.run(two.first.add_source(&new()))), ErrorCode::Taken);
    let names: Vec<String> =
        two.run(two.first.sources()).unwrap().into_iter().map(|line| line.name).collect();
    assert_eq!(names, ["acme", "c"], "nothing of the other one is there, nor of its secret");
    assert_eq!(two.secrets().len(), 2);
}

#[test]
fn a_switch_brings_back_no_source_that_was_removed_meanwhile() {
    let two = Two::new();
    two.once(|other| drop(wait(other.remove_source("acme", true)).unwrap()));
    assert_eq!(code(two.run(two.first.switch("acme", Switch::Observe))), ErrorCode::UnknownSource);
    assert_eq!(two.run(two.store().sources()).unwrap(), []);
}

#[test]
fn the_last_secret_stays_the_last_though_two_forget_one_each() {
    let two = Two::new();
    two.run(two.first.add_secret("acme", named("new"))).unwrap();
    two.once(|other| drop(wait(other.forget("acme", "old", false)).unwrap()));
    assert_eq!(code(two.run(two.first.forget("acme", "new", false))), ErrorCode::LastSecret);
    assert_eq!(two.secrets(), [("new".into(), false)]);
}

#[test]
fn who_is_overtaken_every_time_is_told_so_and_nothing_was_done() {
    let two = Two::new();
    let restless: Between = Box::new(|other| drop(wait(other.switch("acme", Switch::Enable)).unwrap()));
    *two.between.lock().unwrap() = Some(restless);
    let refused = two.run(two.first.rotate("acme", Some("1h"), named("new"))).unwrap_err();
    assert_eq!(
        (refused.code, refused.code.code(), refused.code.status()),
        (ErrorCode::Conflict, "conflict", 409)
    );
    assert_eq!(two.secrets(), [("old".into(), false)]);
}
