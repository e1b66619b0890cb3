//! Bad presets, bad keys, bad requests: each has its own answer.
#![allow(clippy::unwrap_used)]

use countersign::{
    Compiled, ConfigErrors, Context, Head, Key, KeyError, Keyring, Layer, Outcome, Registry, Request,
    Timestamp, Vars,
};
use std::sync::Arc;

// ───────────── presets ─────────────

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

/// What, what stands there in a good preset, what in the bad one, and what its author sees.
const BAD_PRESETS: &[(&str, &str, &str, &str)] = &[
    (
        "an unknown key",
        "algorithm = ",
        "algoritm = \"sha256\"\nalgorithm = ",
        r#"acme.toml:6:1: unknown key `algoritm` in `[hmac]`, which takes `each`, `max_items`, `adjacent`, `secret_in_content`, `parts`, `timestamp_source`, `id_source`, `key`, `signed_template`, `signature_source`, `algorithm`, `require` or `case`
    algoritm = "sha256"
    ^^^^^^^^
help: write `algorithm`, if that is what is meant
"#,
    ),
    (
        "an unknown part of an answer",
        "[hmac]\n",
        "[[handshake]]\nkind = \"answer\"\nwhen = [{ value = \"{body}\", equals = \"\" }]\nparts = { code = \"{query:c}\" }\nanswer = { body = \"{part:cod|sha256|hex}\" }\n\n[hmac]\n",
        r#"acme.toml:9:21: no part `cod` is declared
    answer = { body = "{part:cod|sha256|hex}" }
                        ^^^^^^^^
help: did you mean `{part:code}`?
"#,
    ),
    (
        "a wrong type",
        "algorithm = \"sha256\"",
        "algorithm = 256",
        r#"acme.toml:6:13: `algorithm` must be a text in quotes, but is an integer
    algorithm = 256
                ^^^
help: write `algorithm = "256"`
"#,
    ),
    (
        "a wrong type in a list",
        "forms = [{ decode = \"text\" }]",
        "forms = [\"text\"]",
        r#"acme.toml:10:18: `forms` must be an array of tables, but holds a text
    key = { forms = ["text"] }
                     ^^^^^^
"#,
    ),
    (
        "an unclosed brace",
        "{timestamp}.{body}",
        "{timestamp}.{body",
        r#"acme.toml:7:32: this `{` is never closed
    signed_template = "{timestamp}.{body"
                                   ^
help: close it with `}`, or write `{{` for a `{`
"#,
    ),
    (
        "an unknown source",
        "{timestamp}.{body}",
        "{timestamp}.{bdy}",
        r#"acme.toml:7:33: unknown source `bdy`
    signed_template = "{timestamp}.{bdy}"
                                    ^^^
help: did you mean `body`? Known are `body`, `method`, `url`, `path`, `target`, `query_string`, `host`, `header`, `query`, `form`, `param`, `json`, `item`, `timestamp`, `id`, `sig`, `part`, `var`, `secret` or `claim`
"#,
    ),
    (
        "an unknown filter",
        "{timestamp}.{body}",
        "{timestamp}.{body|sha266|hex}",
        r#"acme.toml:7:38: there is no filter `sha266`
    signed_template = "{timestamp}.{body|sha266|hex}"
                                         ^^^^^^
help: did you mean `sha256`? It makes the SHA-256 digest, as bytes
"#,
    ),
    (
        "a chain that does not end in text",
        "{timestamp}.{body}",
        "{timestamp}.{body|split:,}",
        r#"acme.toml:7:33: this ends in a list, where text is needed
    signed_template = "{timestamp}.{body|split:,}"
                                    ^^^^^^^^^^^^
help: end in text: add `|join` or `|join:,`
"#,
    ),
    (
        "a chain in which a filter does not fit",
        "{timestamp}.{body}",
        "{timestamp}.{body|join:,}",
        r#"acme.toml:7:38: `join:,` does not take text
    signed_template = "{timestamp}.{body|join:,}"
                                         ^^^^^^
help: see the table of filters: `docs/reference/grammar.md`
"#,
    ),
    (
        "a regex that does not compile",
        "encoding = \"hex\"",
        "extract = \"regex\", pattern = \"(?<signature>[0-9\", encoding = \"hex\"",
        r#"acme.toml:9:80: the pattern does not compile: unclosed character class
    … { header = "x-acme-signature", extract = "regex", pattern = "(?<signature>[0-9", encoding = "hex" }
                                                                  ^^^^^^^^^^^^^^^^^^^
help: patterns are linear-time: no back-references, no look-around; the whole text must match
"#,
    ),
    (
        "an unknown algorithm",
        "\"sha256\"",
        "\"sha265\"",
        r#"acme.toml:6:13: unknown algorithm `sha265`: `sha256`, `sha1`, `sha384`, `sha512` or `md5-legacy`
    algorithm = "sha265"
                ^^^^^^^^
help: write `"sha256"`
"#,
    ),
    (
        "an unknown encoding",
        "encoding = \"hex\"",
        "encoding = \"base46\"",
        r#"acme.toml:9:62: unknown encoding `base46`: `hex`, `base64` or `base64url`
    signature_source = { header = "x-acme-signature", encoding = "base46" }
                                                                 ^^^^^^^^
help: write `encoding = "base64"`
"#,
    ),
    (
        "an unknown time format",
        "format = \"unix\"",
        "format = \"unixms\"",
        r#"acme.toml:8:55: unknown time format `unixms`: `unix`, `unix_ms`, `rfc3339`, `iso8601_utc`, `http_date` or `opaque`
    timestamp_source = { header = "x-acme-time", format = "unixms" }
                                                          ^^^^^^^^
help: write `format = "unix_ms"`
"#,
    ),
    (
        "no place of a signature",
        "signature_source = { header = \"x-acme-signature\", encoding = \"hex\" }\n",
        "",
        r#"acme.toml:5:1: `[hmac]` lacks `signature_source`
    [hmac]
    ^^^^^^
help: say where it is: `signature_source = { header = "x-signature", encoding = "hex" }`
"#,
    ),
    (
        "another schema",
        "schema = 1",
        "schema = 2",
        r#"acme.toml:1:10: this preset has schema 2, and this program reads 1
    schema = 2
             ^
"#,
    ),
    (
        "no name",
        "name = \"acme\"\n",
        "",
        r#"acme.toml:1:1: this preset has no `name`
    schema = 1
    ^
help: write `name = "acme"`, the name of its file
"#,
    ),
];

#[test]
fn every_mistake_in_a_preset_is_shown_where_it_is() {
    assert!(compile(GOOD).is_ok());
    for (what, from, to, seen) in BAD_PRESETS {
        assert_eq!(GOOD.matches(from).count(), 1, "{what}");
        let (errors, registry) =
            compile(&GOOD.replacen(from, to, 1)).err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(errors.render(registry.sources()), *seen, "{what}");
    }
}

#[test]
fn text_that_is_no_toml_is_shown_where_it_stops_being_it() {
    for (text, place) in [("schema = 1 2\n", "acme.toml:1:"), ("schema = 1\nname = \"acme\n", "acme.toml:2:")]
    {
        let (errors, registry) = compile(text).err().unwrap();
        let seen = errors.render(registry.sources());
        assert!(seen.starts_with(place) && seen.contains('^'), "{seen}");
    }
}

#[test]
fn six_mistakes_are_six_complaints() {
    let six = GOOD
        .replace("\"sha256\"", "\"md6\"")
        .replace("{timestamp}.{body}", "{tim}.{body|sort}")
        .replace("format = \"unix\"", "format = \"unics\"")
        .replace("\"hex\"", "\"hax\"")
        .replace("\"text\"", "\"txt\"");
    let (errors, registry) = compile(&six).err().unwrap();
    let seen = errors.render(registry.sources());
    let places = seen.lines().filter_map(|line| line.strip_prefix("acme.toml:"));
    let lines: Vec<&str> = places.filter_map(|place| place.split(':').next()).collect();
    assert_eq!(lines, ["6", "7", "7", "8", "9", "10"], "{seen}");
    assert_eq!(errors.0.len(), 6, "{seen}");
}

/// A complaint names the text in which the mistake stands, whichever preset it was found in.
#[test]
fn every_layer_is_blamed_for_its_own_mistakes() {
    let like = "schema = 1\nname = \"own\"\nlike = \"acme\"\n[hmac]\nsigned_template = \"{bdy}\"\n";
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", GOOD.replace("\"hex\"", "\"hax\"")).unwrap();
    registry.add_preset("own.toml", like).unwrap();
    let change = registry.sources_mut().add("--override", "hmac.algorithm = 256");
    let change = Layer::parse(registry.sources(), change).unwrap();
    let seen = registry.named_with("own", change).err().unwrap().render(registry.sources());
    assert_eq!(seen, SEEN_IN_LAYERS);
    let broken = registry.sources_mut().add("--override", "hmac.algorithm = ");
    let seen = Layer::parse(registry.sources(), broken).err().unwrap().render(registry.sources());
    assert!(seen.starts_with("--override:1:"), "{seen}");
}

const SEEN_IN_LAYERS: &str = r#"acme.toml:9:62: unknown encoding `hax`: `hex`, `base64` or `base64url`
    signature_source = { header = "x-acme-signature", encoding = "hax" }
                                                                 ^^^^^
help: write `encoding = "hex"`

own.toml:5:21: unknown source `bdy`
    signed_template = "{bdy}"
                        ^^^
help: did you mean `body`? Known are `body`, `method`, `url`, `path`, `target`, `query_string`, `host`, `header`, `query`, `form`, `param`, `json`, `item`, `timestamp`, `id`, `sig`, `part`, `var`, `secret` or `claim`

--override:1:18: `algorithm` must be a text in quotes, but is an integer
    hmac.algorithm = 256
                     ^^^
help: write `algorithm = "256"`
"#;

fn compile(text: &str) -> Result<Arc<Compiled>, (ConfigErrors, Registry)> {
    let mut registry = Registry::new();
    let compiled = match registry.add_preset("acme.toml", text) {
        Ok(_) => registry.named("acme"),
        Err(errors) => Err(errors),
    };
    compiled.map_err(|errors| (errors, registry))
}

// ───────────── keys ─────────────

#[test]
fn every_bad_key_is_refused_before_the_first_request() {
    let decoded = |decode: &str| GOOD.replace("decode = \"text\"", decode);
    let long = "x".repeat(countersign::MAX_SECRET + 1);
    for (preset, secret, says) in [
        (GOOD, "", "key `main`: the secret is empty: give its value"),
        (GOOD, " \n", "key `main`: the secret is empty: give its value"),
        (
            GOOD,
            "undefined",
            "key `main`: the secret is a placeholder, not a value: look where it should come from",
        ),
        (
            GOOD,
            "${SECRET}",
            "key `main`: the secret is a reference that was not resolved: set the variable it names",
        ),
        (GOOD, &long, "key `main`: the secret is longer than 65536 bytes"),
        (&decoded("decode = \"hex\""), "0x00", "key `main`: the secret is not hex: copy it again, whole"),
        (
            &decoded("decode = \"hex\""),
            "-----BEGIN PUBLIC KEY-----",
            "key `main`: the key is PEM, and this preset's keys are hex",
        ),
        (
            &decoded("decode = \"base64\""),
            "a-b_",
            "key `main`: the secret is not base64: copy it again, whole",
        ),
        (
            &decoded("prefix = \"whsec_\", decode = \"base64\""),
            "whsec_!",
            "key `main`: what follows `whsec_` is not base64: copy the secret again, whole",
        ),
        (
            &decoded("prefix = \"whsec_\", decode = \"base64\""),
            "c2VjcmV0",
            "key `main`: the secret has no known form: it starts with `whsec_…`",
        ),
    ] {
        let error = key_error(preset, secret);
        assert_eq!(error.to_string(), says);
        let debug = format!("{error:?}");
        assert!(secret.trim().len() < 4 || !debug.contains(secret), "{debug}");
    }
    let none = compile(GOOD).ok().unwrap().verifier("test", &Keyring::new(), &Vars::new()).err().unwrap();
    assert_eq!(none.to_string(), "no key is given, and `acme` verifies nothing without one");
}

fn key_error(preset: &str, secret: &str) -> KeyError {
    let compiled = compile(preset).ok().unwrap();
    match Keyring::of(secret) {
        Err(error) => error,
        Ok(ring) => compiled.verifier("test", &ring, &Vars::new()).err().unwrap(),
    }
}

#[test]
fn a_key_error_names_the_key_and_not_its_bytes() {
    let compiled = compile(&GOOD.replace("decode = \"text\"", "decode = \"hex\"")).ok().unwrap();
    let (mut ring, mut vars) = (Keyring::new(), Vars::new());
    ring.add(Key::shared("prod-2024", "hunter2-not-hex").unwrap()).unwrap();
    let error = compiled.verifier("test", &ring, &vars).err().unwrap();
    vars.set("token", "hunter2");
    let unknown = compiled.verifier("test", &ring, &vars).err().unwrap();
    let said = format!("{error} {error:?} {ring:?} {unknown} {unknown:?} {vars:?}");
    assert!(said.contains("prod-2024") && said.contains("token") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_required_variable_that_is_empty_is_not_set() {
    let text = format!("{GOOD}\n[[var]]\nname = \"endpoint\"\nlabel = \"its id\"\n")
        .replace("{body}\"", "{var:endpoint}.{body}\"");
    let (compiled, ring) = (compile(&text).ok().unwrap(), Keyring::of(SECRET).unwrap());
    let error = |vars: &Vars| compiled.verifier("test", &ring, vars).err().map(|error| error.to_string());
    let mut vars = Vars::new();
    let told = Some("variable `endpoint` (its id) is not set".to_owned());
    assert_eq!((error(&vars), error(vars.set("endpoint", ""))), (told.clone(), told));
    assert_eq!(error(vars.set("endpoint", "7")), None);
}

// ───────────── requests ─────────────

const NOW: i64 = 1_700_000_000;
const TIME: &str = "1700000000";

/// A good signature over the time and the body `{}`, whatever text the time is: so that it is never the signature
/// that is refused.
fn signature_of(time: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    [time, b".", b"{}"].iter().for_each(|piece| mac.update(piece));
    const_hex::encode(mac.finalize().into_bytes())
}

const SECRET: &str = "It's a Secret to Everybody";

type Headers = Vec<(&'static str, Vec<u8>)>;

fn judge(headers: &Headers) -> (&'static str, Option<String>) {
    judge_by(GOOD, headers)
}

fn judge_by(preset: &str, headers: &Headers) -> (&'static str, Option<String>) {
    let ring = Keyring::of(SECRET).unwrap();
    let verifier = compile(preset).ok().unwrap().verifier("test", &ring, &Vars::new()).unwrap();
    let request = Request::new(Head::new("POST", "https://example.com/", headers), b"{}");
    match verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))) {
        Outcome::Rejected(rejection) => {
            (rejection.reason.code(), rejection.detail.map(|d| d.code.into_owned()))
        }
        outcome => (outcome.code(), None),
    }
}

#[test]
fn every_bad_request_has_its_own_answer() {
    let good = signature_of(TIME.as_bytes());
    let with =
        |signature: &[u8]| vec![("x-acme-time", TIME.into()), ("x-acme-signature", signature.to_vec())];
    let several = |name: &'static str| {
        let mut headers = with(good.as_bytes());
        headers.push((name, headers.iter().find(|(n, _)| *n == name).unwrap().1.clone()));
        headers
    };
    let longer = [good.as_bytes(), b"00"].concat();
    let wrong = good.chars().rev().collect::<String>();
    let cases: Vec<(&str, Headers, &str, Option<&str>)> = vec![
        ("a good one", with(good.as_bytes()), "ok", None),
        ("upper-case hex", with(good.to_uppercase().as_bytes()), "ok", None),
        ("spaces around", with(format!(" \t{good} ").as_bytes()), "ok", None),
        ("no header at all", vec![], "missing_signature", None),
        ("no signature", vec![("x-acme-time", TIME.into())], "missing_signature", None),
        ("two signatures", several("x-acme-signature"), "malformed_signature", Some("signature/ambiguous")),
        ("not UTF-8", with(&[0xff, 0xfe]), "malformed_signature", Some("signature/shape")),
        (
            "not UTF-8 at the end",
            with(&[good.as_bytes(), &[0xc3]].concat()),
            "malformed_signature",
            Some("signature/shape"),
        ),
        ("empty", with(b""), "malformed_signature", Some("signature/shape")),
        ("only spaces", with(b"  "), "malformed_signature", Some("signature/shape")),
        (
            "a control character",
            with(&[good.as_bytes(), b"\0"].concat()),
            "malformed_signature",
            Some("signature/shape"),
        ),
        ("one digit short", with(&good.as_bytes()[1..]), "malformed_signature", Some("signature/shape")),
        ("cut to its half", with(&good.as_bytes()[..32]), "bad_signature", None),
        ("one byte more", with(&longer), "bad_signature", None),
        ("with 0x", with(format!("0x{good}").as_bytes()), "malformed_signature", Some("signature/shape")),
        ("another", with(wrong.as_bytes()), "bad_signature", None),
        ("no time", vec![("x-acme-signature", good.clone().into())], "missing_timestamp", None),
        ("two times", several("x-acme-time"), "malformed_timestamp", Some("time/ambiguous")),
    ];
    for (what, headers, code, detail) in cases {
        assert_eq!(judge(&headers), (code, detail.map(str::to_owned)), "{what}");
    }
}

/// Each is signed as it stands: an implementation that reads numbers leniently would accept most of them.
#[test]
fn a_time_has_one_spelling() {
    let times: &[(&[u8], &str)] = &[
        (b"1700000000", "ok"),
        (b"1699999700", "ok"),
        (b"1699999699", "stale_timestamp"),
        (b"1700000060", "ok"),
        (b"1700000061", "future_timestamp"),
        (b"", "malformed_timestamp"),
        (b"+1700000000", "malformed_timestamp"),
        (b"-1700000000", "malformed_timestamp"),
        (b"01700000000", "malformed_timestamp"),
        (b"1700000000.0", "malformed_timestamp"),
        (b"1_700_000_000", "malformed_timestamp"),
        (b"17 00000000", "malformed_timestamp"),
        (b"1e9", "malformed_timestamp"),
        (b"NaN", "malformed_timestamp"),
        (b"Infinity", "malformed_timestamp"),
        (b"null", "malformed_timestamp"),
        (b"0", "malformed_timestamp"),
        (b"99999999999999999999", "malformed_timestamp"),
        (b"9223372036854775808", "malformed_timestamp"),
        (b"1700000000000", "malformed_timestamp"),
        (b"0x6553f100", "malformed_timestamp"),
        (b"2023-11-14T22:13:20Z", "malformed_timestamp"),
        ("１７００００００００".as_bytes(), "malformed_timestamp"),
        (b"170000000\xff", "malformed_timestamp"),
        (b"9999999999", "future_timestamp"),
    ];
    for (time, code) in times {
        let headers = vec![("x-acme-time", time.to_vec()), ("x-acme-signature", signature_of(time).into())];
        assert_eq!(judge(&headers).0, *code, "{}", String::from_utf8_lossy(time));
    }
    // A leading space is HTTP's, not the time's: it is off before anything looks, and so off the content, too.
    let spaced = |signed: &str| {
        vec![
            ("x-acme-time", b" 1700000000".to_vec()),
            ("x-acme-signature", signature_of(signed.as_bytes()).into()),
        ]
    };
    assert_eq!(judge(&spaced("1700000000")).0, "ok");
    assert_eq!(judge(&spaced(" 1700000000")).0, "bad_signature");
}

/// A header's outer space is HTTP's; what stands inside a pair is the sender's, and is judged as it stands.
#[test]
fn nothing_is_trimmed_inside_a_pair() {
    let preset = GOOD
        .replace(
            r#"header = "x-acme-time", "#,
            r#"header = "x-acme-signature", extract = "kv_pairs", key = "t", "#,
        )
        .replace(r#"encoding = "hex""#, r#"extract = "kv_pairs", key = "v1", encoding = "hex""#);
    for (time, code) in [
        ("1700000000", "ok"),
        (" 1700000000", "malformed_timestamp"),
        ("1700000000 ", "malformed_timestamp"),
        // A tab is a control character: no signature is read out of a header that has one.
        ("\t1700000000", "malformed_signature"),
        ("NaN", "malformed_timestamp"),
        ("", "malformed_timestamp"),
        ("1700000000000", "malformed_timestamp"),
    ] {
        let signature = signature_of(time.as_bytes());
        let headers = vec![("x-acme-signature", format!(" t={time},v1={signature}").into())];
        assert_eq!(judge_by(&preset, &headers).0, code, "{time:?}");
    }
    let good = signature_of(TIME.as_bytes());
    for (header, code) in [
        (format!("v1={good}"), "missing_timestamp"),
        // The header is there, and what is in it is no signature.
        (format!("t={TIME}"), "malformed_signature"),
        (format!("t={TIME},v1="), "malformed_signature"),
        (format!("t={TIME},v1= {good}"), "malformed_signature"),
        (format!("t={TIME},t={TIME},v1={good}"), "malformed_timestamp"),
        (format!("t={TIME},v1={good},v1={good}"), "ok"),
    ] {
        assert_eq!(judge_by(&preset, &vec![("x-acme-signature", header.clone().into())]).0, code, "{header}");
    }
}
