//! Bad presets, bad keys, bad requests: each has its own answer, and none of them says a secret.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{
    ConfigErrors, Context, Head, Key, KeyError, Keyring, Outcome, Reason, Registry, Rejection, Request, Timestamp, Vars,
};
use std::fmt::Write;
use std::sync::Arc;

const GOOD: &str = r#"schema = 1
name = "acme"
mode = "hmac"

[hmac]
algorithm = "sha256"
signed_template = "{timestamp}.{body}"
timestamp_source = { header = "x-acme-time", format = "unix" }
signature_source = { header = "x-acme-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

fn compile(text: &str) -> Result<Arc<countersign::Compiled>, (ConfigErrors, Registry)> {
    let mut registry = Registry::new();
    let compiled = match registry.add_preset("acme.toml", text) {
        Ok(_) => registry.named("acme"),
        Err(errors) => Err(errors),
    };
    compiled.map_err(|errors| (errors, registry))
}

/// What an operator sees when this stands where that stood.
fn complaint(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    let (errors, registry) = compile(&GOOD.replacen(from, to, 1)).err().unwrap_or_else(|| panic!("{to} compiles"));
    errors.render(registry.sources())
}

#[test]
fn show() {
    for (what, from, to) in BAD { println!("// {what}\n{}----", complaint(from, to)); }
}

const BAD: &[(&str, &str, &str)] = &[
    ("an unknown key", "algorithm = ", "algoritm = \"sha256\"\nalgorithm = "),
    ("a wrong type", "algorithm = \"sha256\"", "algorithm = 256"),
    ("a wrong type in a list", "forms = [{ decode = \"text\" }]", "forms = [\"text\"]"),
    ("an unclosed brace", "{timestamp}.{body}", "{timestamp}.{body"),
    ("an unknown source", "{timestamp}.{body}", "{timestamp}.{bdy}"),
    ("an unknown filter", "{timestamp}.{body}", "{timestamp}.{body|sha266|hex}"),
    ("a wrong chain of types", "{timestamp}.{body}", "{timestamp}.{body|split:,}"),
    ("another wrong chain of types", "{timestamp}.{body}", "{timestamp}.{body|join:,}"),
    ("a regex that does not compile", "encoding = \"hex\"", "extract = \"regex\", pattern = \"(?<signature>[0-9\", encoding = \"hex\""),
    ("a look-around", "encoding = \"hex\"", "extract = \"regex\", pattern = \"(?<signature>.(?=x))\", encoding = \"hex\""),
    ("an unknown algorithm", "\"sha256\"", "\"sha265\""),
    ("an unknown mode", "mode = \"hmac\"", "mode = \"hmca\""),
    ("an unknown encoding", "encoding = \"hex\"", "encoding = \"base46\""),
    ("an unknown time format", "format = \"unix\"", "format = \"unixms\""),
    ("no signature source", "signature_source = { header = \"x-acme-signature\", encoding = \"hex\" }\n", ""),
    ("a TOML mistake", "schema = 1", "schema = 1 2"),
    ("another schema", "schema = 1", "schema = 2"),
    ("no name", "name = \"acme\"\n", ""),
];
