//! Configuration that says what nobody meant.

use crate::harness::*;

fn text(text: impl Into<String>) -> Case {
    Case::new(Scheme::Text(text.into()), Sent::default()).expect(Expected::ConfigError)
}

const GOOD: &str = "schema = 1\nname = \"attacked\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{body}\"\n\
    signature_source = { header = \"x-sig\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }\n";

fn with(old: &str, new: &str) -> Case {
    let changed = GOOD.replacen(old, new, 1);
    assert_ne!(changed, GOOD);
    text(changed)
}

/// A reader of configuration that recurses can be made to crash by a file.
#[test]
fn atk_315_toml_or_json_depth_bomb() {
    attack(
        "ATK-315",
        [
            text(format!("{GOOD}a = {}{}\n", "[".repeat(5000), "]".repeat(5000))),
            text(format!("{GOOD}a = {}1{}\n", "{a=".repeat(5000), "}".repeat(5000))),
            text(format!("a{} = 1\n{GOOD}", ".a".repeat(5000))),
            text("[".repeat(100_000)),
        ],
    );
}

/// A misspelt limit that is passed over is no limit.
#[test]
fn atk_316_unknown_keys_ignored() {
    attack(
        "ATK-316",
        [
            text(format!("{GOOD}[freshness]\ntolerence_seconds = 10\n")),
            text(format!("{GOOD}tolerence = 10\n")),
            with("mode =", "modes = 1\nmode ="),
            with("encoding = \"hex\"", "encoding = \"hex\", encodings = 1"),
            with("decode = \"text\"", "decode = \"text\", min = 2"),
            text(format!("{GOOD}require = [{{ value = \"{{body}}\", equals = \"\", erly = true }}]\n")),
            github("", b"").overrides("hmac.tolerance = 10").expect(Expected::ConfigError),
        ],
    );
}

/// Of two values under one name, readers choose differently.
#[test]
fn atk_317_duplicate_keys() {
    attack(
        "ATK-317",
        [
            with("algorithm = \"sha256\"", "algorithm = \"sha256\"\nalgorithm = \"sha1\""),
            with("[hmac]", "[hmac]\n[hmac]"),
            with("encoding = \"hex\"", "encoding = \"hex\", encoding = \"base64\""),
            github("", b"")
                .overrides("hmac.algorithm = \"sha256\"\nhmac.algorithm = \"sha1\"")
                .expect(Expected::ConfigError),
            github("", b"").keys([key("main", "one"), key("main", "two")]).expect(Expected::KeyError),
        ],
    );
}

/// YAML is not read, so neither are its surprises.
#[test]
fn atk_318_yaml_anchors_tags_norway() {
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n";
    attack(
        "ATK-318",
        [
            text(bomb),
            text("schema: 1\nname: attacked\nmode: hmac\nhmac: no\n"),
            text("%YAML 1.2\n---\nname: !!str no\n"),
        ],
    );
}

/// A preset that reads the environment hands its secrets to whoever receives.
#[test]
fn atk_319_environment_expansion_in_untrusted_presets() {
    attack(
        "ATK-319",
        [with("x-sig", "x-${HOME}"), with("{body}", "${HOME}{body}"), with("{body}", "{env:HOME}{body}")],
    );
    // A dollar sign is a dollar sign.
    let content = "$HOME$(id)`id`{\"a\":1}";
    let case = with("{body}", "$HOME$(id)`id`{body}").expect(Expected::Verified);
    let request = Sent { headers: headers([("x-sig", sign(content))]), ..Sent::default() };
    attack("ATK-319", [Case { request, ..case }]);
}
