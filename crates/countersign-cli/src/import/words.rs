//! The words of the older shapes, as data: what each is called, what else it may be called, and where it went.
//!
//! `docs/reference/coming-from.md` shows these tables, and a test holds the two together and tries every spelling. So
//! nothing here needs anything but itself. `camelCase` and `kebab-case` are read as `snake_case`, which is why they are
//! not listed.

/// One word of an older shape.
pub(crate) struct Word {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What else.
    pub(crate) also: &'static [&'static str],
    /// What became of it, for people: our key in backquotes, or what to do instead.
    pub(crate) ours: &'static str,
    /// What stands there.
    pub(crate) holds: Holds,
}

/// What stands at a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Holds {
    /// Something that a complaint may show.
    Plain,
    /// A secret, or what may have one in it, be it by mistake: no complaint shows it.
    Secret,
    /// What has no place here: it is passed over, and that is said.
    Nothing,
}

const fn plain(name: &'static str, also: &'static [&'static str], ours: &'static str) -> Word {
    Word { name, also, ours, holds: Holds::Plain }
}

const fn secret(name: &'static str, also: &'static [&'static str], ours: &'static str) -> Word {
    Word { name, also, ours, holds: Holds::Secret }
}

const fn nothing(name: &'static str, also: &'static [&'static str], ours: &'static str) -> Word {
    Word { name, also, ours, holds: Holds::Nothing }
}

/// Of one endpoint.
pub(crate) const SOURCE: &[Word] = &[
    plain("name", &["slug", "endpoint_name"], "`name`"),
    plain("path", &["route", "url_path", "endpoint_path"], "`path`"),
    secret("url", &["public_url"], "`url`, if it is what senders sign"),
    plain("enabled", &["active"], "`enabled`"),
    secret("auth", &["authentication", "verification"], "the scheme, see below"),
    secret("webhook_auth", &[], "the scheme, see below"),
    secret("webhook_secrets", &["secrets", "signing_secrets"], "`secrets`, see below"),
    secret("variables", &["vars"], "`vars`"),
    secret("forward_to", &["target_url", "upstream", "destination"], "`forward.to`"),
    plain("methods", &["method", "http_methods", "allowed_methods"], "`methods`"),
    plain("allow_from", &["allowed_ips", "ip_allowlist", "ip_whitelist"], "`allow_from`"),
    plain("rate_limit", &["rate_limiting"], "`limits.rate`, see below"),
    plain("max_body_bytes", &["max_body_size", "body_limit"], "`limits.body`"),
    plain("events", &["event_types"], "`events`"),
    plain("provider", &["service"], "chooses among presets that say the same"),
    nothing("id", &["uuid"], "a source is known by its `name`"),
    nothing("description", &["comment", "notes"], "a comment in the file, by hand"),
    nothing("created_at", &["updated_at"], "nothing keeps it"),
    nothing("metadata", &["tags", "labels"], "nothing reads them"),
    nothing(
        "retries",
        &["max_retries", "retry_policy"],
        "`forward.attempts` and `forward.schedule`, by hand",
    ),
    nothing("timeout", &["timeout_seconds", "timeout_ms"], "`forward.timeout`, by hand"),
];

/// Of `auth`: the first two shapes.
pub(crate) const AUTH: &[Word] = &[
    plain("type", &["kind"], "`mode`"),
    plain("header", &["header_name"], "`header` of `token_source` or `signature_source`"),
    plain(
        "scheme",
        &["auth_scheme", "token_prefix"],
        "`scheme` of `token_source`; `Bearer` if it is left out",
    ),
    plain("format", &["signature_format"], "`prefix` and `encoding` of `signature_source`"),
    plain("secret_encoding", &["key_encoding"], "`decode` of `key.forms`; `text` if it is left out"),
    secret("secret", &["token", "bearer_token", "signing_secret", "value"], "a file, and `secrets`"),
    secret("secret_env", &["token_env", "env"], "`secrets`, with `env`"),
    secret("secret_file", &["token_file", "file"], "`secrets`, with `file`"),
    secret("secrets", &["tokens"], "`secrets`, see below"),
];

/// Of `webhook_auth`: the third shape. `overrides` takes those of them that say how a request is signed.
pub(crate) const WEBHOOK_AUTH: &[Word] = &[
    plain("preset", &["preset_name"], "`preset`"),
    secret("overrides", &["override"], "`override`"),
    plain("mode", &["type"], "`mode`"),
    secret("secrets", &["webhook_secrets"], "`secrets`, see below"),
    secret("secret", &["signing_secret", "value"], "a file, and `secrets`"),
    secret("secret_env", &["env"], "`secrets`, with `env`"),
    secret("secret_file", &["file"], "`secrets`, with `file`"),
    secret("variables", &["vars"], "`vars`"),
];

/// Of `webhook_auth` and of its `overrides`: how a request is signed.
pub(crate) const SIGNING: &[Word] = &[
    plain("algorithm", &["algo", "hash"], "`hmac.algorithm`"),
    plain("template", &["signed_template", "payload_template", "signed_payload"], "`hmac.signed_template`"),
    plain("header", &["signature_header", "header_name"], "`header` of `signature_source`"),
    plain("encoding", &["signature_encoding"], "`encoding` of `signature_source`"),
    plain("prefix", &["signature_prefix"], "`prefix` of `signature_source`"),
    plain("scheme", &["auth_scheme"], "`scheme` of `token_source`"),
    plain(
        "signature_key",
        &["signature_field"],
        "`key` of `signature_source`, with `extract = \"kv_pairs\"`",
    ),
    plain("list_separator", &["signature_separator"], "`list` of `signature_source`"),
    plain("timestamp_header", &["time_header"], "`header` of `timestamp_source`"),
    plain(
        "timestamp_key",
        &["timestamp_field"],
        "`key` of `timestamp_source`, with `extract = \"kv_pairs\"`",
    ),
    plain("timestamp_format", &["time_format"], "`format` of `timestamp_source`; `unix` if it is left out"),
    plain("id_header", &["message_id_header"], "`header` of `id_source`"),
    plain("secret_encoding", &["key_encoding"], "`decode` of `key.forms`; `text` if it is left out"),
    plain("secret_prefix", &["key_prefix"], "`prefix` of `key.forms`"),
    plain(
        "tolerance",
        &["tolerance_seconds", "timestamp_tolerance", "max_age"],
        "`freshness.tolerance_seconds`",
    ),
];

/// Of one of `webhook_secrets`.
pub(crate) const SECRET: &[Word] = &[
    plain("id", &["name", "key_id", "kid"], "`id`"),
    secret("value", &["secret", "token"], "a file, or a variable that you set"),
    secret("env", &["env_var"], "`env`"),
    secret("file", &["path"], "`file`"),
    plain("not_before", &["valid_from", "starts_at"], "`not_before`"),
    plain("not_after", &["valid_until", "expires_at"], "`not_after`"),
    plain("status", &["state"], "the order: `current` stands before `previous`"),
    plain("role", &[], "`role`"),
    nothing("created_at", &["updated_at"], "nothing keeps it"),
];

/// Of `rate_limit`, where it is an object.
pub(crate) const RATE: &[Word] = &[
    plain("requests", &["limit", "max", "count", "max_requests"], "`rate.count`"),
    plain("per_seconds", &["window_seconds", "window", "period_seconds"], "`rate.per`"),
    plain("enabled", &["active"], "`rate`, or none"),
];

/// What `format` of the second shape may say: the word, the prefix that it means, and the encoding.
pub(crate) const FORMATS: &[(&str, Option<&str>, &str)] =
    &[("sha256=hex", Some("sha256="), "hex"), ("hex", None, "hex"), ("base64", None, "base64")];

/// What `type` of `auth` may say, and whether something is signed then.
pub(crate) const TYPES: &[(&str, bool)] =
    &[("bearer", false), ("bearer_token", false), ("token", false), ("hmac_sha256", true)];

/// What an algorithm may be called beside its own name, and ours.
pub(crate) const ALGORITHMS: &[(&str, &str)] = &[("md5", "md5-legacy")];

/// What a template may call something, and what it is called today.
pub(crate) const PLACEHOLDERS: &[(&str, &str)] = &[
    ("{payload}", "{body}"),
    ("{raw_body}", "{body}"),
    ("{ts}", "{timestamp}"),
    ("{message_id}", "{id}"),
    ("{msg_id}", "{id}"),
];

/// What `status` of a secret may say.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Standing {
    /// It is in use.
    Current,
    /// It is being replaced.
    Previous,
    /// It is of no use any more, and is left behind.
    Over,
}

/// Its words.
pub(crate) const STANDINGS: &[(&str, Standing)] = &[
    ("current", Standing::Current),
    ("active", Standing::Current),
    ("primary", Standing::Current),
    ("previous", Standing::Previous),
    ("secondary", Standing::Previous),
    ("rotating", Standing::Previous),
    ("revoked", Standing::Over),
    ("expired", Standing::Over),
    ("disabled", Standing::Over),
];

/// Every table, by what the page calls it.
pub(crate) const ALL: &[(&str, &[Word])] = &[
    ("An endpoint", SOURCE),
    ("`auth`", AUTH),
    ("`webhook_auth`", WEBHOOK_AUTH),
    ("`webhook_auth` and `overrides`", SIGNING),
    ("A secret", SECRET),
    ("`rate_limit`", RATE),
];

/// A key in `snake_case`, however it was written.
pub(crate) fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_small {
            out.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    out
}

impl Word {
    /// Every spelling that is listed.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_word_is_one_word_however_it_is_written() {
        for (key, word) in [
            ("webhookAuth", "webhook_auth"),
            ("webhook-auth", "webhook_auth"),
            ("WebhookAuth", "webhook_auth"),
            ("maxBodyBytes", "max_body_bytes"),
            ("publicURL", "public_url"),
            ("x", "x"),
        ] {
            assert_eq!(snake(key), word);
        }
    }

    #[test]
    fn no_spelling_means_two_things() {
        // The block of the third shape has two tables.
        for tables in [&[SOURCE][..], &[AUTH], &[SECRET], &[RATE], &[WEBHOOK_AUTH, SIGNING]] {
            let words = tables.iter().flat_map(|words| words.iter());
            let all: Vec<&str> = words.flat_map(Word::spellings).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
            assert!(all.iter().all(|word| snake(word) == *word), "{all:?}");
        }
    }
}
