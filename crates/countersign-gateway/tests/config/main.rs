//! The file of the gateway: what is read, what is refused, and what is said about it. Real files, in a folder of their own.
#![allow(clippy::unwrap_used)]

mod attacks;

use countersign::{Binds, Timestamp};
use countersign_gateway::config::{
    Accepted, Config, Enforce, HeaderText, Keys, Loaded, Modules, Record, Refused, Shape, VarText,
};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// The file that the design shows a newcomer.
const NEWCOMER: &str = include_str!("../newcomer.toml");

/// What stands before the source that is being tried.
const HEAD: &str = "[server]\npublic_url = \"https://hooks.example.com\"\n";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, text: &str) -> Result<Loaded, Refused> {
        Config::read(&self.file("countersign.toml", text), &mut Modules::new())
    }
}

fn read(text: &str) -> Loaded {
    Folder::new().read(text).unwrap_or_else(|refused| panic!("{text}\n{refused}"))
}

fn refused(text: &str) -> String {
    match Folder::new().read(text) {
        Err(refused) => refused.to_string(),
        Ok(_) => panic!("this was read:\n{text}"),
    }
}

/// One source of the preset `github` with these lines more.
fn with(lines: &str) -> String {
    format!(
        "{HEAD}[[source]]\npath = \"/in/a\"\npreset = \"github\"\nsecrets = [{{ env = \"A\" }}]\n{lines}\n"
    )
}

/// The same, read, and its codes of warnings.
fn source(lines: &str) -> (std::sync::Arc<countersign_gateway::config::Source>, Vec<&'static str>) {
    let loaded = read(&with(lines));
    let codes = loaded.warnings.iter().map(|warning| warning.code.code()).collect();
    (loaded.config.sources[0].clone(), codes)
}

/// That each of these is refused, and what is said.
fn all_refused(cases: &[(&str, &str)], whole: impl Fn(&str) -> String) {
    for (lines, says) in cases {
        let said = refused(&whole(lines));
        assert!(said.contains(says), "{lines}\nshould say {says:?}:\n{said}");
    }
}

#[test]
fn the_file_that_a_newcomer_is_shown_is_read_whole() {
    let folder = Folder::new();
    let loaded = folder.read(NEWCOMER).unwrap_or_else(|refused| panic!("{refused}"));
    let config = loaded.config;
    assert_eq!(config.server.listen, ["0.0.0.0:8080".parse().unwrap()]);
    assert_eq!(config.server.public_url.as_deref(), Some("https://hooks.example.com"));
    assert_eq!(config.server.trusted_proxies[0].to_string(), "10.0.0.0/8");
    assert_eq!(config.admin.as_ref().unwrap().listen, "127.0.0.1:9090".parse().unwrap());
    assert_eq!(config.store.path, folder.0.path().join("countersign.db"));
    assert_eq!(config.store.keep, Duration::from_secs(30 * 86_400));
    let [payments, acme] = &config.sources[..] else { panic!("{:?}", config.sources) };
    assert_eq!((&*payments.name, &*payments.path), ("in-payments", "/in/payments"));
    assert_eq!(payments.preset.as_deref(), Some("stripe"));
    let Keys::Placed(keys) = &payments.keys else { panic!() };
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["2026-11", "2026-05"]);
    assert_eq!(keys[1].window.not_after, Some(Timestamp::from_unix(1_796_083_200)));
    assert_eq!(payments.limits.body, 1 << 20);
    let rate = payments.limits.rate.unwrap();
    assert_eq!((rate.count, rate.per, rate.shape), (100, Duration::from_secs(1), Shape::Window));
    assert_eq!(payments.allow_from.as_ref().unwrap().len(), 2);
    let events = payments.events.as_ref().unwrap();
    assert!(events.fit("invoice.paid") && events.fit("charge.refunded") && !events.fit("charge.failed"));
    assert_eq!(payments.forward[0].to.as_str(), "http://127.0.0.1:3000/stripe");
    assert_eq!(payments.forward[0].timeout, Duration::from_secs(10));
    assert_eq!(payments.forward[0].schedule.len(), 10);
    assert_eq!(payments.url.as_deref(), Some("https://hooks.example.com/in/payments"));
    assert_eq!(payments.require_bound, Binds::BODY);
    assert_eq!((&*acme.name, acme.enforce, acme.preset.as_deref()), ("in-acme", Enforce::Observe, None));
    assert_eq!(acme.compiled.preset().name.as_ref(), "in-acme");
    assert_eq!(acme.compiled.freshness().unwrap().tolerance.past, Duration::from_secs(300));
    let codes: Vec<_> = loaded.warnings.iter().map(|warning| warning.code.code()).collect();
    assert_eq!(codes, ["observing"]);
}

#[test]
fn an_empty_file_is_a_gateway_without_sources_on_this_machine_alone() {
    let config = read("").config;
    assert!(config.server.listen[0].ip().is_loopback() && config.admin.is_none());
    assert_eq!((config.server.max_connections, config.server.max_headers), (1024, 100));
    assert_eq!(config.server.junk.as_ref().unwrap().failures, 20);
    assert_eq!(config.server.audit.accepted, Accepted::All);
    assert!(config.sources.is_empty() && config.store.key.is_none());
    assert!(config.server.watch && !config.server.strict);
}

#[test]
fn every_key_of_a_source_says_something() {
    let text = format!(
        "{HEAD}[store]\nkey = {{ env = \"K\" }}\n\n[[source]]\nname = \"pay.v1\"\npath = \"/in\"\npreset = \"github\"\n\
         secrets = \"managed\"\nlimits = {{ body = \"64KiB\", rate = {{ count = 5, per = \"250ms\", shape = \"bucket\", burst = 9 }}, concurrency = 3 }}\n\
         methods = [\"POST\", \"PUT\"]\nrecord = \"all\"\nenabled = false\nrequire_bound = [\"body\"]\nurl = \"https://other.example.com/x\"\n\
         forward = [{{ name = \"one\", to = \"https://a.example.com/x?y=1\", attempts = 3, pass_query = true, pass_headers = [\"X-Kind\"],\n\
           headers = {{ X-From = \"us\", Authorization = {{ env = \"UP\" }} }} }},\n\
           {{ name = \"two\", to = \"http://b.internal:3000\", schedule = [\"1s\", \"1m\"] }}]\n"
    );
    let config = read(&text).config;
    let source = &config.sources[0];
    assert_eq!((&*source.name, source.enabled, source.record), ("pay.v1", false, Record::All));
    assert!(matches!(source.keys, Keys::Managed));
    let rate = source.limits.rate.unwrap();
    assert_eq!(
        (rate.count, rate.per, rate.shape),
        (5, Duration::from_millis(250), Shape::Bucket { burst: 9 })
    );
    assert_eq!((source.limits.body, source.limits.concurrency), (65_536, Some(3)));
    assert_eq!(source.methods.iter().map(|method| &**method).collect::<Vec<_>>(), ["POST", "PUT"]);
    assert_eq!(source.url.as_deref(), Some("https://other.example.com/x"));
    let [one, two] = &source.forward[..] else { panic!() };
    assert_eq!((&*one.endpoint, &*two.endpoint), ("pay.v1/one", "pay.v1/two"));
    assert_eq!((one.schedule.len(), two.schedule.len(), one.pass_query), (3, 3, true));
    assert!(matches!(&one.headers[0].1, HeaderText::Text(text) if &**text == "us"));
    assert!(matches!(&one.headers[1].1, HeaderText::Secret(_)));
    assert_eq!(one.pass_headers[0].as_str(), "x-kind");
    assert_eq!(two.schedule.waits(), [Duration::from_secs(1), Duration::from_secs(60)]);
    let shown = source.to_toml();
    assert!(!shown.contains("y=1"), "{shown}");
}

#[test]
fn a_preset_is_changed_and_its_variables_are_given() {
    let text = format!(
        "{HEAD}[[source]]\npath = \"/a\"\npreset = \"google-pubsub\"\nvars = {{ audience = \"x\", service_account = {{ env = \"SA\" }} }}\n\
         require_bound = []\n"
    );
    let loaded = read(&text);
    let source = &loaded.config.sources[0];
    assert!(matches!(source.keys, Keys::Found));
    assert!(matches!(&source.vars[0].1, VarText::Text(_)) && matches!(&source.vars[1].1, VarText::Secret(_)));
    let (source, codes) = source_with_override("freshness = { tolerance_seconds = 60 }");
    assert_eq!(source.compiled.freshness().unwrap().tolerance.past, Duration::from_secs(60));
    assert!(codes.is_empty());
}

fn source_with_override(
    changes: &str,
) -> (std::sync::Arc<countersign_gateway::config::Source>, Vec<&'static str>) {
    let text = format!(
        "[[source]]\npath = \"/a\"\npreset = \"stripe\"\nsecrets = [{{ env = \"A\" }}]\noverride = {{ {changes} }}\nallow_weak = true\n"
    );
    let loaded = read(&text);
    let codes = loaded.warnings.iter().map(|warning| warning.code.code()).collect();
    (loaded.config.sources[0].clone(), codes)
}

#[cfg(unix)]
#[test]
fn a_folder_of_presets_adds_to_those_that_ship() {
    let folder = Folder::new();
    std::fs::create_dir(folder.0.path().join("presets")).unwrap();
    let preset = "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{body}\"\n\
                  signature_source = { header = \"x\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }\n";
    folder.file("presets/acme.toml", preset);
    let text =
        "presets = \"presets\"\n[[source]]\npath = \"/a\"\npreset = \"acme\"\nsecrets = [{ env = \"A\" }]\n";
    let loaded = folder.read(text).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(loaded.config.sources[0].preset.as_deref(), Some("acme"));
    // What is wrong in it is told with its own line, and with all else that is wrong.
    folder.file("presets/acme.toml", &preset.replace("sha256", "sha257"));
    let said = folder.read(&format!("{text}tipo = 1\n")).unwrap_err().to_string();
    assert!(said.contains("presets/acme.toml:5:13: unknown algorithm `sha257`"), "{said}");
    assert!(said.contains("unknown key `tipo` in `[source.1]`"), "{said}");
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    let said = refused(
        "[server]\nlisten = \"8080\"\nmax_connections = 0\ndrain = \"5 minutes\"\njunk = \"on\"\n\
         [admin]\nlisten = \"localhost:9090\"\n[store]\nkeep = \"30\"\n[[source]]\npath = \"in\"\npreset = \"sripe\"\n\
         limits = { rate = \"fast\" }\nforward = { to = \"/x\", timeout = \"1s\", attempts = 11 }\n",
    );
    for says in [
        "`listen`: `8080` is no address with a port",
        "`max_connections` must be an integer from 1 to 1000000, but is 0",
        "`drain` must be a time from 0s to 1h, but `5 minutes` is no span of time",
        "`junk` is a table, or `off`",
        "`listen`: `localhost:9090` is no address with a port",
        "`[admin]` lacks `token`",
        "`keep` must be a time from 1h to 3660d, but `30` has no unit: write `30s`",
        "`path` begins with `/`",
        "there is no preset `sripe`",
        "did you mean",
        "`rate` must be a rate such as `100/s`, but `fast` is no rate",
        "`to` is no absolute URL",
        "`timeout` must be a time from 5s to 5m, but is 1s",
        "`attempts` must be an integer from 1 to 10, but is 11",
    ] {
        assert!(said.contains(says), "{says:?} is not in:\n{said}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    all_refused(
        &[
            ("record = \"none\"\nforward = { to = \"http://a/\" }", "what is forwarded has to be kept"),
            ("mode = \"hmac\"", "`preset` and `mode` are two schemes"),
            ("freshness = { tolerance_seconds = 60 }", "write `override = { freshness = { … } }`"),
            ("override = { name = \"x\" }", "`override` cannot change `name`"),
            ("learn = { until = \"2026-12-01\" }", "this scheme has no such challenge"),
            ("vars = { a = \"b\" }", "`github` declares no variable `a`"),
            ("pin = \"sha256:00\"", "write `pin = \"sha256:"),
            ("require_bound = [\"time\"]", "signatures of `github` do not cover `time`"),
            ("require_bound = [\"boby\"]", "write `\"body\"`"),
            ("methods = [\"post\"]", "write it in upper case"),
            ("methods = []", "nothing could come in"),
            ("events = []", "nothing would be taken"),
            ("forward = []", "`forward` is empty"),
            ("forward = [{ to = \"http://a/\" }, { to = \"http://b/\" }]", "lacks `name`"),
            (
                "forward = [{ name = \"a\", to = \"http://a/\" }, { name = \"a\", to = \"http://b/\" }]",
                "two targets are called `in-a/a`",
            ),
            (
                "forward = { to = \"http://a/\", attempts = 5, schedule = [\"1s\"] }",
                "needs 4 waits between them",
            ),
            (
                "forward = { to = \"http://a/\", headers = { Host = \"x\" } }",
                "is written by the gateway itself",
            ),
            ("forward = { to = \"http://a/\", pass_headers = [\"a b\"] }", "no header's name"),
            ("forward = { to = \"http://a/#x\" }", "has a fragment"),
            ("limits = { rate = { count = 1, per = \"1s\", burst = 2 } }", "write `shape = \"bucket\"`"),
            ("limits = { rate = { count = 1 } }", "lacks `per`"),
            ("limits = { body = \"1GiB\" }", "`body` must be a size from 1B to 64MiB"),
            ("name = \"a/b\"", "`a/b` can be no source's name"),
            ("url = \"https://h/?x\"", "`url` has a query"),
            ("enforce = \"of\"", "`enforce` must be `reject` or `observe`"),
        ],
        with,
    );
    all_refused(
        &[
            (
                "[server]\nlisten = \"0.0.0.0:9090\"\n[admin]\ntoken = { env = \"A\" }",
                "where senders come in",
            ),
            ("[server]\nlisten = [\"127.0.0.1:80\", \"127.0.0.1:80\"]", "has 127.0.0.1:80 twice"),
            (
                "[[source]]\npath = \"/\"\npreset = \"github\"\nsecrets = [{ env = \"A\" }]",
                "can be no source's name",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = \"managed\"",
                "`[store]` has no `key`",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"twilio\"\nsecrets = [{ env = \"A\" }]",
                "nothing says what senders call us",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"gitlab-token\"\nsecrets = [{ env = \"A\" }]",
                "write `require_bound = []`",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ id = \"a\", env = \"A\" }, { id = \"a\", env = \"B\" }]",
                "two keys are called `a`",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ env = \"A\" }, { id = \"a\", env = \"B\" }]",
                "lacks `id`",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ env = \"A\", file = \"b\" }]",
                "says twice where the secret is",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ id = \"a\" }]",
                "does not say where the secret is",
            ),
            ("[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = []", "accepts nothing"),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ env = \"A\", not_before = \"2026-02-01\", not_after = \"2026-01-01\" }]",
                "ends before it begins",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"github\"\nsecrets = [{ env = \"A\", not_after = \"soon\" }]",
                "a date or a time with its zone",
            ),
            (
                "[[source]]\npath = \"/a\"\npreset = \"affirm\"\nsecrets = [{ env = \"A\" }]\nevents = [\"x\"]",
                "does not say where an event's type is",
            ),
            ("[egress]\nports = [0]", "ports from 1 to 65535"),
            ("[egress]\nplain_http = [\"http://a\"]", "is no host as a URL has it"),
        ],
        |text| format!("{text}\n"),
    );
}

#[test]
fn what_is_not_good_is_said_and_read() {
    for (text, code) in [
        ("[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n".to_owned(), "wide_proxies"),
        ("[server]\ntrusted_proxies = [\"::/0\"]\n".to_owned(), "wide_proxies"),
        ("[admin]\nlisten = \"0.0.0.0:9090\"\ntoken = { env = \"A\" }\n".to_owned(), "admin_exposed"),
        (with("enforce = \"observe\""), "observing"),
        (
            "[[source]]\npath = \"/a\"\npreset = \"gitlab-token\"\nsecrets = [{ env = \"A\" }]\nrequire_bound = []\n".to_owned(),
            "unbound_body",
        ),
    ] {
        let loaded = read(&text);
        let codes: Vec<_> = loaded.warnings.iter().map(|warning| warning.code.code()).collect();
        assert_eq!(codes, [code], "{text}");
    }
}

#[test]
fn a_pin_holds_a_scheme_fast() {
    let (source, _) = source("");
    let pin = format!("pin = \"sha256:{}\"", source.digest);
    assert!(self::source(&pin).0.pinned);
    let said = refused(&with(&format!("{pin}\noverride = {{ hmac = {{ algorithm = \"sha512\" }} }}")));
    assert!(said.contains("the preset `github` is not the one that was pinned"), "{said}");
    assert!(said.contains("write `pin = \"sha256:") && !said.contains(&format!("write `{pin}`")), "{said}");
}

#[test]
fn methods_of_challenges_are_known() {
    let text = "[[source]]\npath = \"/a\"\npreset = \"meta-graph\"\nsecrets = [{ env = \"A\" }]\nvars = { verify_token = { env = \"V\" } }\n";
    let loaded = Folder::new().read(text);
    let config = loaded.unwrap_or_else(|refused| panic!("{refused}")).config;
    assert_eq!(config.sources[0].handshake_methods.iter().map(|it| &**it).collect::<Vec<_>>(), ["GET"]);
    assert_eq!(config.sources[0].methods.iter().map(|it| &**it).collect::<Vec<_>>(), ["POST"]);
}

#[test]
fn a_source_that_the_store_keeps_is_read_by_the_same_reader() {
    let config = read("[store]\nkey = { env = \"K\" }\n").config;
    let text = "path = \"/in/b\"\npreset = \"github\"\nsecrets = \"managed\"\n";
    let (source, warnings) = config.read_source("source `in-b`", text).unwrap();
    assert_eq!((&*source.name, warnings.len()), ("in-b", 0));
    let again = config.read_source("x", &source.to_toml()).unwrap_or_else(|refused| panic!("{refused}")).0;
    assert_eq!(again.to_toml(), source.to_toml());
    let said =
        config.read_source("source `in-b`", "path = \"/in/b\"\npreset = \"github\"\nsecrets = \"hunter2\"\n");
    let said = said.unwrap_err().to_string();
    assert!(said.contains("source `in-b`:3:11") && !said.contains("hunter2"), "{said}");
    assert!(config.taken("in-b", "/in/b").is_none());
}

/// Else whoever may add a source could run a command by it, or send the gateway's own secrets to himself.
#[test]
fn a_source_that_the_store_keeps_names_no_place_of_a_secret() {
    let config = read("[store]\nkey = { env = \"K\" }\n").config;
    let base = "path = \"/in/b\"\npreset = \"github\"\n";
    for (rest, key) in [
        ("secrets = [{ id = \"a\", command = \"id\" }]", "secrets"),
        ("secrets = [{ id = \"a\", file = \"/etc/shadow\" }]", "secrets"),
        ("secrets = [{ id = \"a\", env = \"K\" }]", "secrets"),
        (
            "secrets = \"managed\"\nforward = { to = \"https://a.example/\", headers = { x-a = { env = \"K\" } } }",
            "forward",
        ),
        (
            "secrets = \"managed\"\nforward = { to = \"https://a.example/\", sign = { command = \"id\" } }",
            "forward",
        ),
    ] {
        let refused = config.read_stored("b", &format!("{base}{rest}\n"));
        let says = refused.map(|_| ()).unwrap_err().to_string();
        assert!(says.contains(&format!("`{key}` does")), "{rest}\n{says}");
    }
    let var = "path = \"/in/b\"\npreset = \"meta-graph\"\nsecrets = \"managed\"\nvars = { verify_token = { env = \"K\" } }\n";
    assert!(config.read_stored("b", var).map(|_| ()).unwrap_err().to_string().contains("`vars` does"));
}

#[test]
fn hundreds_of_sources_are_read_in_one_file() {
    let mut text = String::from(HEAD);
    for number in 0..2000 {
        text.push_str(&format!(
            "[[source]]\npath = \"/in/{number}\"\npreset = \"github\"\nsecrets = [{{ id = \"main\", env = \"SECRET_{number}\" }}]\n\
             forward = {{ to = \"http://127.0.0.1:3000/hooks/of/tenant/{number}\" }}\n\n"
        ));
    }
    assert!(text.len() > countersign::config::MAX_BYTES);
    assert_eq!(read(&text).config.sources.len(), 2000);
}

#[test]
fn a_secret_that_a_challenge_hands_over_is_waited_for_until_a_moment() {
    let of = |secrets: &str, learn: &str| {
        format!(
            "[store]\nkey = {{ env = \"K\" }}\n[[source]]\npath = \"/a\"\npreset = \"asana\"\nsecrets = {secrets}\n{learn}\n"
        )
    };
    let config = read(&of("\"managed\"", "learn = { until = 2026-12-01T08:00:00Z }")).config;
    assert_eq!(config.sources[0].learn.unwrap().until, Timestamp::from_unix(1_796_112_000));
    let said = refused(&of("[{ env = \"A\" }]", "learn = { until = \"2026-12-01\" }"));
    assert!(said.contains("write `secrets = \"managed\"`"), "{said}");
    let said = refused(&of("\"managed\"", "learn = {}"));
    assert!(said.contains("lacks `until`"), "{said}");
}

#[test]
fn a_module_that_is_not_loaded_is_told_where_its_table_is() {
    let pin = "ab".repeat(32);
    let said = refused(&format!(
        "[server]\nwatch = false\n\n[[module]]\npath = \"/nowhere/libacme.so\"\nsha256 = \"{pin}\"\n"
    ));
    assert!(said.contains("module /nowhere/libacme.so is not loaded: "), "{said}");
    assert!(said.contains("countersign.toml:4:") || said.contains("countersign.toml:5:"), "{said}");
    let said = refused("[[module]]\npath = \"/a.so\"\nsha265 = \"x\"\n");
    assert!(said.contains("lacks `sha256`") && said.contains("unknown key `sha265`"), "{said}");
}

#[test]
fn a_scheme_that_is_written_out_has_the_variables_that_its_source_gives() {
    let of = |vars: &str| {
        format!(
            "[[source]]\npath = \"/a\"\nmode = \"hmac\"\nsecrets = [{{ env = \"A\" }}]\n{vars}\n\
             hmac = {{ algorithm = \"sha256\", signed_template = \"{{var:salt}}.{{body}}\", \
             signature_source = {{ header = \"x\", encoding = \"hex\" }}, key = {{ forms = [{{ decode = \"text\" }}] }} }}\n"
        )
    };
    let config = read(&of("vars = { salt = { env = \"SALT\" } }")).config;
    let declared = &config.sources[0].compiled.preset().vars;
    assert_eq!((&*declared[0].name, declared[0].secret), ("salt", true));
    assert!(!read(&of("vars = { salt = \"x\" }")).config.sources[0].compiled.preset().vars[0].secret);
    let said = refused(&of(""));
    assert!(said.contains("salt"), "{said}");
}
