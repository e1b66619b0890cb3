//! The page of the gateway's configuration. Which keys a table takes, and what most of them take, is asked of the reader
//! itself, as it is for presets; by hand are the defaults, the meanings, and what the few keys take that take several sorts
//! of values. A key that is missing here, or is here and not taken, fails.

use super::schema::{known, takes};
use countersign_gateway::config::{Config, MAX_FILE, Modules, Refused, WarningCode};
use std::fmt::Write;
use std::path::Path;

/// A table of the file.
struct Table {
    title: &'static str,
    about: &'static str,
    /// What stands before its keys, heading and all.
    open: &'static str,
    /// Key; default; meaning; what it takes, if that is not asked of the reader.
    rows: &'static [Row],
}

type Row = (&'static str, &'static str, &'static str, &'static str);

/// The page; the error is what the reader and the tables below do not agree on.
pub(crate) fn page() -> Result<String, String> {
    let (mut page, mut wrong) = (super::head("what the reader of the configuration takes"), String::new());
    page.push_str(HEAD);
    let _ = write!(
        page,
        "\n```toml\n{}```\n",
        include_str!("../../crates/countersign-gateway/tests/newcomer.toml")
    );
    let _ = write!(page, "{}", BELOW.replace("MOST", &format!("{} MiB", MAX_FILE >> 20)));
    for Table { title, about, open, rows } in TABLES {
        let about = if about.is_empty() { String::new() } else { format!("{about}\n\n") };
        let head = "| key | takes | default | means |\n|---|---|---|---|";
        let _ = writeln!(page, "\n## {title}\n\n{about}{head}");
        let ask = |given: &str, line: &str| complaints(&format!("{open}\n{given}\n{line}\n"));
        let mut left = known(title, "", &ask);
        for (key, default, means, by_hand) in *rows {
            match left.iter().position(|name| name == key) {
                Some(at) => drop(left.remove(at)),
                None => drop(writeln!(
                    wrong,
                    "{title}: the reader takes no `{key}`: remove it from tests/reference/gateway.rs"
                )),
            }
            let takes = match by_hand.is_empty() {
                false => (*by_hand).to_owned(),
                true => bounded(key, &ask)
                    .map_or_else(|| takes("", &(key, "", "", ""), &ask), Ok)
                    .unwrap_or_else(|says| {
                        let _ = writeln!(wrong, "{title}: {says}");
                        String::new()
                    }),
            };
            wrong.extend(misstated(open, key, default).map(|says| format!("{title}: {says}\n")));
            let _ = writeln!(page, "| `{key}` | {takes} | {default} | {means} |");
        }
        for key in left {
            let _ = writeln!(
                wrong,
                "{title}: the reader takes `{key}`: say in tests/reference/gateway.rs what it means"
            );
        }
    }
    page.push_str(WEAK);
    page.push_str("\n## Warnings\n\nThe gateway starts all the same, and says them at every start.\n\n| code | when |\n|---|---|\n");
    for code in WarningCode::ALL {
        let _ = writeln!(page, "| `{}` | {} |", code.code(), code.says());
    }
    if wrong.is_empty() { Ok(page) } else { Err(wrong) }
}

/// The bounds of times and sizes, and what rates look like, as the reader says them of a text that is none.
fn bounded(key: &str, ask: super::schema::Ask<'_>) -> Option<String> {
    let start = format!("`{key}` must be a ");
    ask("", &format!("{key} = \"zz\"")).iter().find_map(|said| {
        let wanted = said.strip_prefix(&start)?.split(", but ").next()?;
        ["time ", "size ", "rate "].iter().any(|sort| wanted.starts_with(sort)).then(|| format!("a {wanted}"))
    })
}

/// What is not in a configuration as it is printed.
const NOT_PRINTED: [&str; 3] = ["replicas", "allow_weak", "shape"];

/// A default that is a value is the one of a configuration that does not say it.
fn misstated(open: &str, key: &str, default: &str) -> Option<String> {
    let is_code =
        |value: &str| value.starts_with('`') && value.ends_with('`') && value.matches('`').count() == 2;
    let is_bare = default.bytes().all(|byte| byte.is_ascii_digit()) || ["true", "false"].contains(&default);
    // The sample says where it forwards to.
    let said = open == "[[source]]" && key == "forward" || NOT_PRINTED.contains(&key);
    if default.is_empty() || said || !is_bare && !default.split(", ").all(is_code) {
        return None;
    }
    let text = "[admin]\ntoken = { env = \"A\" }\n[[source]]\npath = \"/a\"\npreset = \"github\"\n\
                secrets = [{ env = \"A\" }]\nforward = { to = \"http://a/\" }\n";
    let read = Config::read_text(Path::new("countersign.toml"), text, &mut Modules::new());
    let json = read.unwrap_or_else(|refused| panic!("{refused}")).config.to_json();
    let heading = open.lines().last().unwrap_or_default().trim_matches(['[', ']']).replace('.', "/");
    let pointer = format!("/{heading}/{key}").replace("/source/", "/source/0/");
    let is = match json.pointer(&pointer) {
        Some(serde_json::Value::Array(items)) => items.iter().map(plain).collect(),
        Some(value) => vec![plain(value)],
        None => Vec::new(),
    };
    let stated: Vec<&str> = default.split(", ").map(|value| value.trim_matches('`')).collect();
    (is != stated).then(|| format!("the default of `{key}` is {is:?}, and not {default}"))
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is complained of when the file is this.
fn complaints(text: &str) -> Vec<String> {
    match Config::read_text(Path::new("countersign.toml"), text, &mut Modules::new()) {
        Ok(_) => Vec::new(),
        Err(Refused::Wrong { errors, .. }) => errors.0.into_iter().map(|error| error.message).collect(),
        Err(refused) => panic!("{text}\n{refused}"),
    }
}

const HEAD: &str = "\
# The configuration of the gateway

One file of TOML, `countersign.toml`. `countersign config check` reads it and tells everything that is wrong with it at once;
`countersign config diff OLD NEW` tells what a reload would change. A file as a newcomer writes it:
";

const BELOW: &str = "
A key that is not here is an error. Times are whole numbers with a unit, `250ms`, `10s`, `5m`, `12h`, `30d`; sizes likewise,
`64KiB`, `1MiB`, `10MB`; rates say how many in which time, `100/s`, `5/250ms`, `1000/60s`. Paths are relative to the folder of
the file. Nothing is expanded: `${NAME}` is that text. The file has at most MOST.

**Where a secret is** is a table with one of three keys, and no secret stands in the file itself: a complaint about one does not
show it.

| key | means |
|---|---|
| `env` | a variable of the gateway's environment, taken as it is |
| `file` | a file; one newline at its end is no part of the secret, and PEM is kept as it is stored. White space elsewhere is refused |
| `command` | what a command of the shell prints within 10 seconds, read as a file is |
";

const WEAK: &str = "
## What weakens a preset

An `override` may change anything of a preset; `allow_weak = true` has to be written if it makes it weaker, and then it is a
warning at every start. Weaker is: an older message, a clock further ahead, a message without a time; a shorter memory of what
was accepted, or none; a signature that covers less; a hash that is not stronger; more hosts, issuers or algorithms that are allowed;
fewer claims, components or tests that are demanded; a shorter key; a permission such as `adjacent`. A key of which nobody can tell
what its change costs counts as weaker, too.
";

const TABLES: &[Table] = &[
    Table {
        title: "The file",
        about: "",
        open: "",
        rows: &[
            ("server", "see there", "where senders come in", ""),
            ("admin", "none: operators have no address", "where operators do", ""),
            ("store", "see there", "what is remembered, and where", ""),
            ("egress", "public addresses by https", "what may be called", ""),
            ("delivery", "see there", "how messages are sent that are published here", ""),
            ("presets", "none", "a folder with more presets: every `*.toml` in it, and no link", ""),
            (
                "module",
                "none",
                "shared libraries with modes or presets: [modules.md](../guide/modules.md)",
                "",
            ),
            ("source", "none", "what is received", ""),
        ],
    },
    Table {
        title: "`[server]`",
        about: "",
        open: "[server]",
        rows: &[
            ("listen", "`127.0.0.1:8080`", "addresses with ports: `0.0.0.0:8080`, `[::]:8080`", ""),
            (
                "public_url",
                "",
                "what senders call us: the start of every source's URL, without user, query and fragment. Has to be there if a scheme signs the URL",
                "",
            ),
            ("trusted_proxies", "none", "addresses and networks whose `X-Forwarded-For` is believed", ""),
            ("max_connections", "1024", "connections at the same time", ""),
            ("header_timeout", "`10s`", "for the head of a request", ""),
            ("body_timeout", "`30s`", "for its body", ""),
            ("max_headers", "100", "headers of a request", ""),
            ("drain", "`30s`", "for requests under way when the gateway stops", ""),
            (
                "junk",
                "as below",
                "when an address that only ever fails is refused unread",
                "a table, or `off`",
            ),
            ("audit", "as below", "which requests get a row of their own; all are counted", ""),
            (
                "strict",
                "false",
                "refuse files with secrets that every user of the machine can read, instead of warning",
                "",
            ),
            ("watch", "true", "read anew what has changed: this file, and files with secrets", ""),
        ],
    },
    Table {
        title: "`[server.junk]`",
        about: "Asked before anything is verified, charged by refused requests alone. An IPv6 address counts by its /64.",
        open: "[server.junk]",
        rows: &[
            ("failures", "20", "refused requests", ""),
            ("per", "`10s`", "within this time", ""),
            ("addresses", "65536", "addresses that are remembered: memory is taken for no more", ""),
        ],
    },
    Table {
        title: "`[server.audit]`",
        about: "",
        open: "[server.audit]",
        rows: &[
            ("refusals", "`10/m`", "rows for refused requests, per source and address", ""),
            (
                "accepted",
                "`all`",
                "rows for accepted requests of sources that record nothing",
                "`all`, a part of one such as `0.01`, or a text such as `1/100`",
            ),
        ],
    },
    Table {
        title: "`[admin]`",
        about: "Without this table operators have no address. Nothing of it answers on the public one.",
        open: "[admin]",
        rows: &[
            ("listen", "`127.0.0.1:9090`", "an address with a port, none of the server's", ""),
            ("token", "required", "what an operator has to show", "where a secret is"),
        ],
    },
    Table {
        title: "`[store]`",
        about: "",
        open: "[store]",
        rows: &[
            ("url", "`sqlite:countersign.db`", "`sqlite:` and a path", ""),
            ("keep", "`30d`", "how long events and audit rows are kept", ""),
            ("keep_bytes", "no bound", "how much of heads and bodies is kept at most, the newest", ""),
            (
                "key",
                "",
                "32 bytes, in 64 hexadecimal digits or base64: what managed secrets are sealed with",
                "where a secret is",
            ),
            (
                "replicas",
                "1",
                "how many gateways there are. More than one with SQLite is refused: each would accept a request once",
                "",
            ),
        ],
    },
    Table {
        title: "`[egress]`",
        about: "What is fetched, and what is called on a stranger's word: public addresses, by `https`, on ports 443 and 8443, and what is added \
                here. **The target of a `forward` needs no entry**: an operator wrote it and no sender, and so it is allowed as it is written, \
                by `http` and at private addresses, too. A name may then lead to this machine and to private networks, but to \
                link-local addresses, where clouds keep credentials, only where one is written down itself.",
        open: "[egress]",
        rows: &[
            ("networks", "none", "networks of one's own", ""),
            (
                "ports",
                "none",
                "ports beside 443 and 8443",
                "ports, ranges such as `\"9000-9100\"`, or an array of both",
            ),
            ("plain_http", "none", "hosts that are called by `http`, as a URL has them", ""),
            (
                "fetch_hosts",
                "those of the presets",
                "hosts that keys may be fetched from, of those; `*.example.com` is all below it",
                "",
            ),
            (
                "proxy",
                "none",
                "by which proxy is called, for keys and for endpoints. It is told judged addresses alone, never names, and is asked to `CONNECT`; \
                 no variable of the environment names one",
                "a URL, or a table: `url`, and `credentials`: where `USER:PASSWORD` is",
            ),
        ],
    },
    Table {
        title: "`[delivery]`",
        about: "How messages are sent that are published here. Endpoints and types of events are in the store: see \
                [sending](../guide/sending.md). Each endpoint may say any of this otherwise, but for the two headers. What may be called is \
                `[egress]`'s to say: an endpoint's URL may be a stranger's.",
        open: "[delivery]",
        rows: &[
            (
                "preset",
                "the one that says `default_outbound = true`",
                "what signs; it has to be one that can",
                "",
            ),
            (
                "timeout",
                "`15s`",
                "how long an attempt has, from the name of its host to the last byte of its answer",
                "",
            ),
            (
                "schedule",
                "`5s`, `1m`, `5m`, `30m`, `2h`, `6h`, `12h`, `1d`, `1d`",
                "waits between attempts, each give or take a fifth; at most 9. A longer `Retry-After` counts, up to a day",
                "an array of times from 1s to 7d",
            ),
            (
                "attempts",
                "as many as the schedule has",
                "how many there are; the first waits of the schedule are kept",
                "",
            ),
            ("concurrency", "8", "how many attempts to one endpoint are under way at once", ""),
            (
                "rate",
                "none",
                "how many attempts to one endpoint are begun, at even distances: whole ones a second",
                "a rate such as `10/s`",
            ),
            (
                "disable_after",
                "none",
                "pause an endpoint when an attempt fails and none has arrived for so long. One that answers 410 is paused in any case",
                "",
            ),
            (
                "certificate",
                "none",
                "the certificate, its issuers and its private key, all in PEM, that endpoints are shown which ask for one",
                "where a secret is",
            ),
            (
                "topic_header",
                "`webhook-topic`",
                "the header that says what a message is about; it is not signed, and the body says it too",
                "",
            ),
            ("type_header", "`webhook-type`", "the header that says of which type it is", ""),
        ],
    },
    Table {
        title: "`[[source]]`",
        about: "One path, one scheme: `preset`, perhaps with `override`; or `mode`, with a table named after it and, where they are needed, \
                `freshness`, `event`, `replay`, `handshake` and `response`, all as in [preset-schema.md](preset-schema.md). Two sources with one \
                path or one name are an error. Secrets, targets and limits are the source's own.",
        open: "[[source]]",
        rows: &[
            (
                "path",
                "required",
                "compared byte for byte: no pattern, no `//`, no `.` or `..`, no escape of what needs none",
                "",
            ),
            ("name", "the path, with `-` for `/`", "1 to 64 letters, digits and `_`, `.`, `-`", ""),
            ("enabled", "true", "whether it receives; one that does not is as if it were not there", ""),
            ("preset", "this or `mode`", "a preset's name", ""),
            (
                "override",
                "none",
                "laid over the preset: plain values and arrays replace, tables merge",
                "a table",
            ),
            ("allow_weak", "false", "the override may weaken the preset: see below", "true or false"),
            ("mode", "this or `preset`", "the mode of a scheme that is written out here", "a mode's name"),
            ("freshness", "as in presets", "with `mode`", "a table"),
            ("event", "as in presets", "with `mode`", "a table"),
            ("replay", "as in presets", "with `mode`", "a table"),
            ("handshake", "as in presets", "with `mode`", "a table, or an array of tables"),
            ("response", "as in presets", "with `mode`", "a table"),
            (
                "pin",
                "",
                "`sha256:` and the digest of the resolved scheme, as `config check --format json` prints it: another scheme is an error",
                "",
            ),
            (
                "vars",
                "none",
                "the preset's variables; one that is a secret is said where it is",
                "a table of texts, or of where a secret is",
            ),
            (
                "secrets",
                "required, unless keys are found",
                "where the keys are, the newest first: as below; or `managed`: in the store, sealed",
                "an array of tables, or `managed`",
            ),
            ("learn", "", "wait for a secret that a set-up challenge hands over", ""),
            ("methods", "`POST`", "those of the preset's challenges are let through for these", ""),
            ("allow_from", "anybody", "addresses and networks that may come at all; never empty", ""),
            (
                "events",
                "all",
                "types that are recorded, with `*` for any characters; the rest is acknowledged and dropped",
                "",
            ),
            ("limits", "as below", "how much", ""),
            (
                "require_bound",
                "`body`",
                "what signatures must cover: `body`, `time`, `id`, `url`, `method`, `query`; `[]` is a warning where the body is not covered",
                "",
            ),
            ("url", "`public_url` and the path", "what senders call this source", ""),
            (
                "enforce",
                "`reject`",
                "`observe` lets refused requests through, with the verdict written on them",
                "",
            ),
            (
                "record",
                "`all`",
                "`none`: accepted requests are kept nowhere; only with `forward = \"none\"`",
                "",
            ),
            ("forward", "`none`", "where accepted requests go", "a table, an array of tables, or `none`"),
        ],
    },
    Table {
        title: "`secrets` of `[[source]]`",
        about: "And one of `env`, `file` and `command`. Rotation is two keys whose windows overlap.",
        open: "[[source]]\n[[source.secrets]]",
        rows: &[
            (
                "id",
                "`main`, if it is alone",
                "the key's name in logs and lists, or as the sender calls it",
                "",
            ),
            ("role", "", "its part, where the preset gives several", ""),
            ("not_before", "", "not usable before this", "a date, or a time with its zone"),
            (
                "not_after",
                "",
                "not usable from this on; a date is its first moment in UTC",
                "a date, or a time with its zone",
            ),
            ("env", "one of three", "a variable", ""),
            ("file", "one of three", "a path", ""),
            ("command", "one of three", "a command of the shell", ""),
        ],
    },
    Table {
        title: "`limits` of `[[source]]`",
        about: "",
        open: "[[source]]\n[source.limits]",
        rows: &[
            ("body", "`1MiB`", "the longest body", ""),
            (
                "rate",
                "no bound",
                "authentic requests in a time; `true` is 100 in 60 s",
                "a rate such as `100/s`, a table, or true or false",
            ),
            ("concurrency", "no bound", "requests of this source at the same time", ""),
        ],
    },
    Table {
        title: "`rate` of `limits`",
        about: "",
        open: "[[source]]\n[source.limits.rate]",
        rows: &[
            ("count", "required", "how many", ""),
            ("per", "required", "in which time", ""),
            (
                "shape",
                "`window`",
                "`window` counts from the first on and anew when the time is over; `bucket` fills evenly",
                "",
            ),
            ("burst", "as `count`", "how many a bucket holds", ""),
        ],
    },
    Table {
        title: "`learn` of `[[source]]`",
        about: "With `secrets = \"managed\"`, and a preset that says what is learnt. One value is taken, an operator confirms it, and no key is overwritten.",
        open: "[[source]]\n[source.learn]",
        rows: &[(
            "until",
            "required",
            "from this moment on it does not wait",
            "a date, or a time with its zone",
        )],
    },
    Table {
        title: "`forward` of `[[source]]`",
        about: "The body as it came, the safe headers, and the verdict. Several targets each need a `name`.",
        open: "[[source]]\n[source.forward]",
        rows: &[
            (
                "name",
                "required, if there are several",
                "what waits for a target is kept under this name: it outlives a change of `to`",
                "",
            ),
            ("to", "required", "an absolute URL, without user and fragment", ""),
            ("timeout", "`10s`", "for one attempt", ""),
            ("attempts", "as many as there are waits, and one", "how many before it is a dead letter", ""),
            (
                "schedule",
                "`5s`, `1m`, `5m`, `30m`, `2h`, `6h`, `12h`, `1d`, `1d`",
                "the waits between attempts",
                "an array of times from 1s to 7d",
            ),
            ("headers", "none", "headers added to every attempt: a text, or where a secret is", "a table"),
            ("pass_query", "false", "add the request's query to the target's", ""),
            ("pass_headers", "none", "headers that go further though they are not safe by their name", ""),
            (
                "sign",
                "none",
                "where the secret is by which every attempt is signed: [the guide](../guide/gateway.md#handing-on) says how",
                "where a secret is",
            ),
        ],
    },
];
