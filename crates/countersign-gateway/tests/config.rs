//! The file of the gateway: what is read, what is refused, and what is said about it. Real files, in a folder of their own.
#![allow(clippy::unwrap_used)]

use countersign::{Binds, Timestamp};
use countersign_gateway::config::{
    Accepted, Config, Enforce, HeaderText, Keys, Loaded, Modules, Record, Refused, Shape, VarText,
};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// The file that the design shows a newcomer.
const NEWCOMER: &str = include_str!("newcomer.toml");

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

#[test]
fn atk_323_what_weakens_a_preset_has_to_be_spelled_and_is_said_at_every_start() {
    let text = "[[source]]\npath = \"/a\"\npreset = \"stripe\"\nsecrets = [{ env = \"A\" }]\n\
                override = { hmac = { algorithm = \"sha1\" }, freshness = { tolerance_seconds = \"none\" } }\n";
    let said = refused(text);
    for says in [
        "countersign.toml:5:35: this makes `stripe` weaker: `sha1` is no stronger than `sha256`",
        "this makes `stripe` weaker: a message may be of any age",
        "write `allow_weak = true` in the source",
    ] {
        assert!(said.contains(says), "{says:?} is not in:\n{said}");
    }
    let loaded = read(&format!("{text}allow_weak = true\n"));
    let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("a weaker `stripe`"), "{told:?}");
}

#[test]
fn atk_119_several_gateways_need_a_store_that_they_share() {
    let said = refused("[store]\nreplicas = 2\n");
    assert!(said.contains("each accept a request once") && said.contains("countersign.toml:2:12"), "{said}");
    read("[store]\nreplicas = 1\n");
}

#[test]
fn atk_221_a_public_url_has_neither_password_nor_fragment() {
    let of = |url: &str| format!("[server]\npublic_url = \"{url}\"\n");
    for (url, says) in [
        ("https://u:hunter2@h.example/", "has a user or a password in it"),
        ("https://u@h.example/", "has a user or a password in it"),
        ("https://@h.example/", "has a user or a password in it"),
        ("https://h.example/#x", "ends before `#`"),
        ("https://h.example/?x", "ends before `?`"),
        ("h.example", "no absolute URL"),
        ("ftp://h.example", "no absolute URL"),
        ("https:///x", "no absolute URL"),
        (" https://h.example", "no absolute URL"),
        ("https://h.example/a\\tb", "no absolute URL"),
        ("", "no absolute URL"),
    ] {
        let said = refused(&of(url));
        assert!(said.contains(says) && !said.contains("hunter2"), "{url}: {said}");
    }
    for (url, is) in [
        ("https://h.example/", "https://h.example"),
        ("http://h.example:8080/base", "http://h.example:8080/base"),
    ] {
        assert_eq!(read(&of(url)).config.server.public_url.as_deref(), Some(is));
    }
}

#[test]
fn atk_238_an_address_of_an_allow_list_is_read_in_one_way() {
    all_refused(
        &[
            ("allow_from = [\"010.0.0.0/8\"]", "begins with 0, which some programs read as octal"),
            ("allow_from = [\"10/8\"]", "`10/8` is no network"),
            (
                "allow_from = [\"192.0.2.7/24\"]",
                "write `192.0.2.0/24` for the network, or `192.0.2.7` for the machine",
            ),
            ("allow_from = []", "leave it out to let anybody come"),
            ("allow_from = \"\"", "is no network"),
            ("allow_from = [\"example.com\"]", "is no network"),
            ("allow_from = true", "`allow_from` must be a text in quotes, or an array of them"),
        ],
        with,
    );
    let (source, _) = source("allow_from = \"192.0.2.7\"");
    assert_eq!(source.allow_from.as_ref().unwrap()[0].to_string(), "192.0.2.7/32");
}

#[test]
fn atk_239_an_address_alone_proves_nothing() {
    let said = refused("[[source]]\npath = \"/a\"\nallow_from = [\"192.0.2.0/24\"]\n");
    assert!(said.contains("has no scheme: nothing would prove who sent a request"), "{said}");
    let said = refused("[[source]]\npath = \"/a\"\nmode = \"ip\"\nallow_from = [\"192.0.2.0/24\"]\n");
    assert!(said.contains("unknown mode `ip`"), "{said}");
    all_refused(&[("", "lacks `secrets`")], |_| {
        format!("{HEAD}[[source]]\npath = \"/a\"\npreset = \"github\"\n")
    });
}

#[test]
fn atk_313_a_preset_is_a_name_and_leads_nowhere() {
    for name in ["../x", "/etc/passwd", "a%2fb", "./github", "GITHUB", "github.toml", ""] {
        let said = refused(&with("").replace("\"github\"", &format!("\"{name}\"")));
        assert!(said.contains(&format!("there is no preset `{name}`")), "{name}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn atk_314_a_link_among_the_presets_is_refused_unread() {
    let folder = Folder::new();
    std::fs::create_dir(folder.0.path().join("presets")).unwrap();
    let secret = folder.file("shadow", "root:hunter2\n");
    std::os::unix::fs::symlink(secret, folder.0.path().join("presets/x.toml")).unwrap();
    let said = folder.read("presets = \"presets\"\n").unwrap_err().to_string();
    assert!(said.contains("is a symbolic link") && said.contains("put the file itself there"), "{said}");
    assert!(said.contains("countersign.toml:1:11") && !said.contains("hunter2"), "{said}");
}

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
fn atk_315_a_file_that_nests_too_deep_is_refused_and_nothing_falls_over() {
    let deep = format!("a = {}{}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(refused(&deep).contains("nested deeper than 32 levels"));
    let dots = format!("{} = 1\n", vec!["a"; 5000].join("."));
    assert!(refused(&dots).contains("nested deeper than 32 levels"));
    let long = format!("# {}\n", "x".repeat(5 << 20));
    assert!(refused(&long).contains("bytes"));
}

#[test]
fn atk_316_an_unknown_key_is_told_the_known_one() {
    let said = refused(&with("tolerence = 10\nlimit = { body = \"1MiB\" }\nlimits = { boby = \"1MiB\" }"));
    for says in [
        "unknown key `tolerence` in `[source.1]`",
        "write `limits`, if that is what is meant",
        "unknown key `boby` in `[source.1.limits]`",
        "write `body`, if that is what is meant",
    ] {
        assert!(said.contains(says), "{says:?} is not in:\n{said}");
    }
    all_refused(
        &[
            ("[server]\nlisten_on = \"0.0.0.0:80\"", "unknown key `listen_on` in `[server]`"),
            ("[admin]\ntoken = { envv = \"A\" }", "unknown key `envv`"),
            ("[servre]\n", "unknown key `servre` in the top level"),
        ],
        |text| text.to_owned(),
    );
}

#[test]
fn atk_317_a_key_that_stands_twice_is_refused() {
    let said = refused(&with("secrets = [{ env = \"B\" }]"));
    assert!(said.contains("`secrets` is set twice"), "{said}");
    let said = refused("[server]\nstrict = true\n[server]\nstrict = false\n");
    assert!(said.contains("set twice"), "{said}");
}

#[test]
fn atk_318_there_are_no_anchors_tags_or_aliases() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nsource: *b\n";
    assert!(refused(bomb).contains("countersign.toml:1:"));
    // Words that YAML takes for truths are texts or nothing.
    assert!(refused("[server]\nstrict = yes\n").contains("countersign.toml:2:"));
}

#[test]
fn atk_319_a_variable_in_a_text_is_that_text() {
    let text = "[[source]]\npath = \"/a\"\nmode = \"hmac\"\nsecrets = [{ env = \"A\" }]\n\
        hmac = { algorithm = \"sha256\", signed_template = \"${HOME}{body}\", signature_source = { header = \"x\", encoding = \"hex\" }, key = { forms = [{ decode = \"text\" }] } }\n";
    assert!(refused(text).contains("HOME"), "a placeholder of that name there is not");
    let said = refused(&with("").replace("env = \"A\"", "env = \"${A}\""));
    assert!(said.contains("`env` is the name of a variable, and this is none"), "{said}");
    let folder = Folder::new();
    let config = folder.read(&with("").replace("env = \"A\"", "file = \"$HOME/x\"")).unwrap().config;
    let Keys::Placed(keys) = &config.sources[0].keys else { panic!() };
    assert_eq!(keys[0].place.file(), Some(&*folder.0.path().join("$HOME/x")));
}

#[test]
fn atk_322_two_sources_of_one_path_or_name_are_told_both_places() {
    let two = |first: &str, second: &str| {
        let source = |lines: &str| {
            format!("[[source]]\n{lines}\npreset = \"github\"\nsecrets = [{{ env = \"A\" }}]\n")
        };
        format!("{}{}", source(first), source(second))
    };
    let said = refused(&two("path = \"/in/a\"", "path = \"/in/a\"\nname = \"b\""));
    assert!(
        said.contains("two sources have the path `/in/a`: the other is at") && said.contains(":2:8"),
        "{said}"
    );
    let said = refused(&two("path = \"/in/a\"", "path = \"/in-a\""));
    assert!(said.contains("two sources have the name `in-a`"), "{said}");
    let said = refused(&two("path = \"/a\"\nname = \"x\"", "path = \"/b\"\nname = \"x\""));
    assert!(said.contains("two sources have the name `x`"), "{said}");
    assert!(refused(&two("path = \"/hooks/*\"", "path = \"/hooks/a\"")).contains("one path and no pattern"));
    let config = read(&two("path = \"/hooks/a\"", "path = \"/hooks/a/\"\nname = \"b\"")).config;
    assert_eq!(config.sources.len(), 2, "compared byte for byte");
}

#[test]
fn a_secret_that_stands_in_the_file_is_refused_and_not_shown() {
    let source = |secrets: &str| format!("[[source]]\npath = \"/a\"\npreset = \"github\"\n{secrets}\n");
    for text in [
        source("secrets = \"hunter2\""),
        source("secrets = [\"hunter2\"]"),
        source("secrets = [{ id = \"a\", value = \"hunter2\" }]"),
        source("secrets = [{ id = \"a\", secret = \"hunter2\", tipo = 1 }]"),
        source("secrets = [{ id = \"a\", literal = \"hunter2\" }]"),
        source("secrets = [{ id = \"a\", evn = \"hunter2\" }]"),
        source("secrets = [{ id = \"a\", env = \"hunter2-hunter2\" }]"),
        source("secrets = [{ env = \"A\" }]\nsecret = \"hunter2\""),
        source("secret = \"hunter2\""),
        source("secrets = { main = \"hunter2\" }"),
        source(
            "secrets = [{ env = \"A\" }]\nforward = { to = \"http://a/\", headers = { Authorization = \"Bearer hunter2\" } }",
        ),
        source("secrets = [{ env = \"A\" }]\nforward = { to = \"http://u:hunter2@a/\" }"),
        source("secrets = [{ env = \"A\" }]\nforward = \"http://u:hunter2@a/\""),
        "[admin]\ntoken = \"hunter2\"\n".into(),
        "[admin]\ntoken = { value = \"hunter2\" }\n".into(),
        "[store]\nkey = \"hunter2\"\n".into(),
        "[store]\nurl = \"postgres://u:hunter2@db/x\"\n".into(),
        // And where it is not even TOML.
        source("secrets = [{ id = \"a\", value = \"hunter2\" ]"),
        "[admin]\ntoken = hunter2\n".into(),
    ] {
        let said = refused(&text);
        assert!(!said.contains("hunter2"), "{text}\n{said}");
        assert!(said.contains('^'), "{said}");
    }
    let said = refused(&source("secrets = [{ id = \"a\", value = \"hunter2\" }]"));
    assert!(
        said.contains("a secret does not stand in this file") && said.contains("{ env = \"NAME\" }"),
        "{said}"
    );
    assert!(refused("[store]\nurl = \"postgres://db/x\"\n").contains("is to come, and is not there yet"));
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
            ("events = []", "nothing would be recorded"),
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
