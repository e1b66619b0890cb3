//! The attacks on a configuration, each by its number, and what must not be shown of one that is refused.

use super::{Folder, HEAD, all_refused, read, refused, source, with};
use countersign_gateway::config::{Config, Keys};
use proptest::prelude::*;
use proptest::sample::{Index, select};

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
        source("secrets = [{ env = \"A\" }]\nforward = { to = \"http://a/?k=hunter2\", timout = \"1s\" }"),
        source("secrets = [{ env = \"A\" }]\nforward = { timeout = 1, to = \"http://u:hunter2@a/\" }"),
        source("secrets = [{ env = \"A\" }]\nforward = { to = \"ftp://a/?k=hunter2\" }"),
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

/// A source with a secret written down in a place where people do it.
const WRITTEN_DOWN: [&str; 5] = [
    "secrets = [{ id = \"a\", value = \"hunter2hunter2\" }]",
    "secrets = [{ id = \"a\", env = \"hunter2/+/+/hunter2\" }]",
    "secrets = \"hunter2hunter2\"",
    "secret = \"hunter2hunter2\"\nsecrets = \"managed\"",
    "secrets = [\n  { id = \"a\", literal = 'hunter2hunter2' },\n]",
];

proptest! {
    /// Whatever a slip of the hand makes of such a source, nobody is shown the secret, and nothing falls over.
    #[test]
    fn a_secret_that_stands_in_the_file_is_not_shown_whatever_else_is_wrong(
        secret in select(&WRITTEN_DOWN[..]),
        slips in prop::collection::vec((any::<Index>(), select(vec!["", "\"", "'", "=", "{", "}", "[", "]", "\n", ",", "x", "é"])), 1..4),
    ) {
        let mut text = format!("path = \"/in/a\"\npreset = \"github\"\n{secret}\nlimits = {{ body = \"1MiB\" }}\n");
        for (at, with) in slips {
            let at = at.index(text.chars().count());
            let (from, to) = (nth(&text, at), nth(&text, at + 1));
            text.replace_range(from..to, with);
        }
        let said = plain().read_source("source", &text).err().map(|refused| refused.to_string());
        // A slip within the secret leaves half of it.
        let shown = said.iter().any(|said| said.contains("hunter2") || said.contains("unter2h") || said.contains("2hunter"));
        prop_assert!(!shown, "{}\n{}", text, said.unwrap_or_default());
    }
}

fn nth(text: &str, at: usize) -> usize {
    text.char_indices().nth(at).map_or(text.len(), |(at, _)| at)
}

/// One configuration for all.
fn plain() -> &'static Config {
    static PLAIN: std::sync::OnceLock<Config> = std::sync::OnceLock::new();
    PLAIN.get_or_init(|| read("[store]\nkey = { env = \"K\" }\n").config)
}
