//! What needs no trial: what stands in the request, the configuration or the refusal for everyone to see.

use crate::asked::Asked;
use crate::deviation::Deviation;
use crate::head::{self, Headers};
use crate::schemes;
use base64_simd::STANDARD;
use countersign::config::Value;
use countersign::{Layer, Reason, Rejection};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

/// What a digest of the body, made by somebody on the way, says of it.
pub(crate) struct Witness {
    pub(crate) header: &'static str,
    algorithm: Algorithm,
    expected: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512,
}

impl Witness {
    /// Whether these are the bytes that it saw.
    pub(crate) fn saw(&self, body: &[u8]) -> bool {
        let digest = match self.algorithm {
            Algorithm::Md5 => Md5::digest(body).to_vec(),
            Algorithm::Sha256 => Sha256::digest(body).to_vec(),
            Algorithm::Sha512 => Sha512::digest(body).to_vec(),
        };
        digest == self.expected
    }
}

/// Every digest of the body that the request carries: RFC 9530, RFC 3230, RFC 1864.
pub(crate) fn witnesses(headers: &Headers<'_>) -> Vec<Witness> {
    let mut found = Vec::new();
    let decode = |text: &str| STANDARD.decode_to_vec(text.trim().trim_matches(':').as_bytes()).ok();
    for (header, names) in [
        ("content-digest", [("sha-256=", Algorithm::Sha256), ("sha-512=", Algorithm::Sha512)]),
        ("digest", [("sha-256=", Algorithm::Sha256), ("sha-512=", Algorithm::Sha512)]),
    ] {
        for value in head::values(headers, header).iter().filter_map(|value| std::str::from_utf8(value).ok())
        {
            for item in value.split(',').map(str::trim) {
                for (name, algorithm) in names {
                    let given = item.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
                    if let Some(expected) = given.and_then(|_| decode(&item[name.len()..])) {
                        found.push(Witness { header, algorithm, expected });
                    }
                }
            }
        }
    }
    for value in
        head::values(headers, "content-md5").iter().filter_map(|value| std::str::from_utf8(value).ok())
    {
        if let Some(expected) = decode(value).filter(|expected| expected.len() == 16) {
            found.push(Witness { header: "content-md5", algorithm: Algorithm::Md5, expected });
        }
    }
    found
}

/// What a refusal says that can be seen in the request, and whether something is not there.
pub(crate) fn refusal(
    rejection: &Rejection,
    asked: &Asked<'_>,
    headers: &Headers<'_>,
) -> Option<(Deviation, bool)> {
    let detail = rejection.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", detail.text));
    let (code, advice) = match rejection.reason {
        Reason::MissingSignature => (
            "transport/signature-missing",
            "look whether the sender signs at all, and whether a proxy drops the header",
        ),
        Reason::MissingTimestamp => {
            ("transport/time-missing", "look whether a proxy drops the header that has the time")
        }
        Reason::MissingHeader => ("transport/header-missing", "look whether a proxy drops it"),
        Reason::MalformedSignature => {
            ("signature/malformed", "compare the header with what the provider says that it sends")
        }
        Reason::MalformedTimestamp => {
            ("message/time-malformed", "compare the time with what the provider says that it sends")
        }
        Reason::MalformedContent => ("body/malformed", "look what was done to the body on its way"),
        Reason::ClaimMismatch => (
            "message/requirement",
            "the signature is right, and something else is not as the preset requires",
        ),
        Reason::Disallowed => ("message/case", "the request is of a kind that the preset does not know"),
        Reason::KeyUnavailable | Reason::UnknownKey => {
            ("secret/unknown-key", "look which keys the provider publishes now")
        }
        Reason::UntrustedKey => (
            "secret/untrusted-key",
            "look at the certificate or URL that came along, at what the preset trusts, and at the clock",
        ),
        _ => return None,
    };
    let says = match rejection.reason {
        Reason::MissingSignature => {
            let wanted = schemes::signature_headers(asked.source.preset);
            let missing: Vec<&String> =
                wanted.iter().filter(|name| head::values(headers, name).is_empty()).collect();
            match missing.is_empty() {
                true => format!("the request carries no signature where the preset looks for one{detail}"),
                false => format!("the request has no header {}", listed(&missing)),
            }
        }
        reason => format!("{}{detail}", reason.code().replace('_', " ")),
    };
    let absent = matches!(
        rejection.reason,
        Reason::MissingSignature | Reason::MissingTimestamp | Reason::MissingHeader
    );
    Some((Deviation::new(code, 0, says, advice), absent))
}

fn listed(names: &[&String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// Marks of what may have gone wrong: suspects.
pub(crate) fn suspects(asked: &Asked<'_>, headers: &Headers<'_>) -> Vec<Deviation> {
    let body = asked.request.body;
    let mut suspects = Vec::new();
    let mut add =
        |code, says: String, advice: &'static str| suspects.push(Deviation::new(code, 0, says, advice));
    let text = |name: &str| {
        head::values(headers, name).first().and_then(|value| std::str::from_utf8(value).ok()).map(str::trim)
    };
    if let Some(length) = text("content-length")
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|length| *length != body.len())
    {
        let says = format!("Content-Length says {length} bytes, and the body has {}", body.len());
        let (code, advice): (_, &'static str) = match body.len() {
            0 => (
                "body/consumed",
                "the body was read before it was verified: read it once, keep it, and hand the copy on",
            ),
            len if len < length => (
                "body/truncated",
                "the body was cut off, and what is missing cannot be guessed: look for a limit on its way",
            ),
            _ => ("body/grown", "something was added to the body, or changed in it, on its way"),
        };
        add(code, says, advice);
    }
    let encoded = text("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    let magic = body.starts_with(&[0x1f, 0x8b]);
    match encoded {
        Some(encoding) if !magic && encoding.contains("gzip") => add(
            "body/decompressed",
            "Content-Encoding says gzip, and the body is not: it was decompressed on its way".to_owned(),
            "if the sender signs the compressed bytes, have the proxy leave them alone",
        ),
        None if magic => add(
            "body/compressed",
            "the body is gzip, and nothing says so".to_owned(),
            "look who compresses it",
        ),
        _ => {}
    }
    let start = body.trim_ascii_start();
    if start.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!doctype"))
        || start.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"<html"))
    {
        add(
            "body/html",
            "the body is an HTML page".to_owned(),
            "a proxy or a tunnel answered in place of the sender: look at the page",
        );
    }
    let json = text("content-type").is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    if json && !body.is_empty() && crate::json::Document::read(body).is_none() {
        add(
            "body/not-json",
            "Content-Type says JSON, and the body is none".to_owned(),
            "look what was done to the body, or whether it is cut off",
        );
    }
    let boundary = text("content-type").filter(|value| value.to_ascii_lowercase().starts_with("multipart/"));
    if let Some((_, boundary)) = boundary.and_then(|value| value.split_once("boundary=")) {
        let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
        if memchr::memmem::find(body, format!("--{boundary}").as_bytes()).is_none() {
            add(
                "body/multipart",
                "Content-Type names a line that divides the parts of the body, and the body has no such line"
                    .to_owned(),
                "the parts were taken apart and put together again: hand on the bytes that arrived",
            );
        }
    }
    if [&b"[object Object]"[..], b"undefined", b"null"].contains(&start) {
        add(
            "body/object",
            "the body is what a program prints in place of one".to_owned(),
            "hand on the bytes that arrived, and not what a framework made of them",
        );
    }
    if body.is_empty() && asked.request.head.method == "GET" {
        add(
            "transport/get",
            "it is a GET request without a body".to_owned(),
            "a person or a monitor looked at the URL, or a redirect made a GET of the POST",
        );
    }
    let marks: Vec<&str> = [
        "via",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-original-uri",
    ]
    .into_iter()
    .filter(|name| !head::values(headers, name).is_empty())
    .collect();
    if !marks.is_empty() {
        let names: Vec<String> = marks.iter().map(|name| format!("`{name}`")).collect();
        add(
            "transport/proxy",
            format!("the request came through a proxy ({})", names.join(", ")),
            "look what it changes: URL, headers, the body's bytes",
        );
    }
    for (_, key) in asked.source.keys.iter() {
        let told = crate::secret::shapes(key)
            .or_else(|| mistaken(asked, key))
            .or_else(|| foreign_prefix(asked, key));
        suspects.extend(told);
    }
    suspects.extend(fingerprints(asked, headers));
    suspects
}

/// A secret that is, by the account of this preset or another, something else.
fn mistaken(asked: &Asked<'_>, key: &countersign::Key) -> Option<Deviation> {
    let text = key.material.expose();
    let told = |layer: &Layer, of: &str| {
        let table = crate::layers::table(layer)?.get("key")?.table()?;
        let Value::Array(kinds) = &table.get("mistaken")?.value else { return None };
        kinds.iter().find_map(|kind| {
            let word = |key: &str| kind.table()?.get(key)?.text().map(|text| text.to_string());
            let (prefix, is) = (word("prefix")?, word("is")?);
            text.starts_with(prefix.as_bytes()).then(|| {
                let says = format!(
                    "key `{}` begins with `{prefix}`: it is {is}{of}, and the signing secret is wanted",
                    key.id
                );
                Deviation::new(
                    "secret/wrong-kind",
                    0,
                    says,
                    "copy the signing secret of this endpoint from the provider's page",
                )
            })
        })
    };
    let others = asked.registry.presets();
    told(asked.source.preset, "").or_else(|| {
        others
            .into_iter()
            .find_map(|(name, layer)| told(layer, &format!(" where the preset `{name}` is meant")))
    })
}

/// A secret that begins as another preset's do.
fn foreign_prefix(asked: &Asked<'_>, key: &countersign::Key) -> Option<Deviation> {
    let own = crate::layers::table(asked.source.preset).map(secret_prefixes).unwrap_or_default();
    let text = key.material.expose();
    if own.iter().any(|prefix| text.starts_with(prefix.as_bytes())) {
        return None;
    }
    let of = asked.registry.presets().find_map(|(name, layer)| {
        let prefixes = crate::layers::table(layer).map(secret_prefixes).unwrap_or_default();
        let prefix =
            prefixes.into_iter().find(|prefix| prefix.len() >= 4 && text.starts_with(prefix.as_bytes()))?;
        Some((name.to_owned(), prefix))
    })?;
    let says = format!(
        "key `{}` begins with `{}`, as secrets of the preset `{}` do, and this preset's do not",
        key.id, of.1, of.0
    );
    Some(Deviation::new("secret/other-kind", 0, says, "look whether it is this endpoint's secret"))
}

/// The prefixes that a table's secrets have.
pub(crate) fn secret_prefixes(table: &countersign::config::Table) -> Vec<String> {
    crate::secret::forms(table)
        .into_iter()
        .map(|form| form.prefix)
        .filter(|prefix| !prefix.is_empty())
        .collect()
}

/// Presets whose signature headers the request carries, if they are not this one's.
fn fingerprints(asked: &Asked<'_>, headers: &Headers<'_>) -> Option<Deviation> {
    let own = schemes::signature_headers(asked.source.preset);
    let there = |names: &[String]| names.iter().any(|name| !head::values(headers, name).is_empty());
    if own.is_empty() || there(&own) {
        return None;
    }
    let mut alike: Vec<String> = Vec::new();
    for (name, layer) in asked.registry.presets() {
        let theirs = schemes::signature_headers(layer);
        if there(&theirs) {
            alike.push(format!("`{name}`"));
        }
    }
    if alike.is_empty() || alike.len() > 8 {
        return None;
    }
    let says =
        format!("the request carries the signature header of {}, and not this preset's", alike.join(", "));
    Some(Deviation::new(
        "transport/other-fingerprint",
        0,
        says,
        "look whether it is the sender that you think it is",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::asked::Source;
    use base64_simd::STANDARD;
    use countersign::{Head, Keyring, Registry, Request, Timestamp, Vars};

    const PRESET: &str = "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{body}\"\n\
        signature_source = { header = \"X-Acme-Signature\", encoding = \"hex\" }\n\
        key = { forms = [{ prefix = \"acme_\", decode = \"text\" }], mistaken = [{ prefix = \"pk_\", is = \"a public key\" }] }\n";

    fn asked<T>(
        method: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        secret: &str,
        ask: impl FnOnce(&Asked<'_>, &Headers<'_>) -> T,
    ) -> T {
        let mut registry = Registry::new();
        registry.add_preset("acme.toml", PRESET).unwrap();
        registry.add_preset("other.toml", PRESET.replace("acme", "other").replace("Acme", "Other")).unwrap();
        let preset = registry.resolve("acme", None).unwrap();
        let (keys, vars) = (Keyring::of(secret).unwrap(), Vars::new());
        let source = Source { name: "s", preset: &preset, keys: &keys, vars: &vars };
        let request = Request::new(Head::new(method, "https://h/p", &headers), body);
        let asked = Asked::new(&registry, source, &request, Timestamp::from_unix(1_700_000_000));
        ask(&asked, &head::headers(&request))
    }

    #[test]
    fn what_is_suspect_is_told() {
        let signed = ("X-Acme-Signature", "ab");
        let json = ("Content-Type", "application/json");
        /// Method, headers, body, secret, codes.
        type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], &'r [u8], &'r str, &'r [&'r str]);
        let table: &[Row<'_>] = &[
            ("POST", &[signed, json, ("Content-Length", "2")], b"{}", "acme_1", &[]),
            ("POST", &[signed, ("Content-Length", "2")], b"", "acme_1", &["body/consumed"]),
            ("POST", &[signed, ("Content-Length", "3")], b"{}", "acme_1", &["body/truncated"]),
            ("POST", &[signed, ("Content-Length", "1")], b"{}", "acme_1", &["body/grown"]),
            ("POST", &[signed, ("Content-Encoding", "gzip")], b"{}", "acme_1", &["body/decompressed"]),
            ("POST", &[signed, ("Content-Encoding", "gzip")], b"\x1f\x8b", "acme_1", &[]),
            ("POST", &[signed], b"\x1f\x8b", "acme_1", &["body/compressed"]),
            ("POST", &[signed], b"\n<!DOCTYPE html>", "acme_1", &["body/html"]),
            ("POST", &[signed, json], b"{\"a\":", "acme_1", &["body/not-json"]),
            (
                "POST",
                &[signed, ("Content-Type", "multipart/form-data; boundary=\"x1\"")],
                b"--x1\r\n",
                "acme_1",
                &[],
            ),
            (
                "POST",
                &[signed, ("Content-Type", "multipart/form-data; boundary=x1")],
                b"--y2\r\n",
                "acme_1",
                &["body/multipart"],
            ),
            ("POST", &[signed], b"[object Object]", "acme_1", &["body/object"]),
            ("GET", &[signed], b"", "acme_1", &["transport/get"]),
            ("POST", &[signed, ("Via", "1.1 x")], b"", "acme_1", &["transport/proxy"]),
            ("POST", &[("X-Other-Signature", "ab")], b"", "acme_1", &["transport/other-fingerprint"]),
            ("POST", &[signed], b"", "pk_1", &["secret/wrong-kind"]),
            ("POST", &[signed], b"", "other_1", &["secret/other-kind"]),
            ("POST", &[signed], b"", "WEBHOOK_SECRET", &["secret/wrong-kind"]),
        ];
        for (method, headers, body, secret, wanted) in table {
            let codes = asked(method, headers, body, secret, |asked, headers| {
                suspects(asked, headers).iter().map(|suspect| suspect.code).collect::<Vec<_>>()
            });
            assert_eq!(codes, *wanted, "{method} {headers:?} {:?} {secret}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_digest_of_the_body_is_a_witness() {
        let text = |digest: &[u8]| STANDARD.encode_to_string(digest);
        let (sha256, sha512, md5) =
            (text(&Sha256::digest(b"{}")), text(&Sha512::digest(b"{}")), text(&Md5::digest(b"{}")));
        for (header, value) in [
            ("content-digest", format!("sha-256=:{sha256}:")),
            ("content-digest", format!("x=:AAAA:, sha-512=:{sha512}:")),
            ("digest", format!("SHA-256={sha256}")),
            ("content-md5", md5),
        ] {
            let came: Headers<'_> = vec![(header.as_bytes().into(), value.as_bytes().into())];
            let found = witnesses(&came);
            assert_eq!(found.iter().map(|witness| witness.header).collect::<Vec<_>>(), [header], "{value}");
            assert!(found[0].saw(b"{}") && !found[0].saw(b"{ }"), "{value}");
        }
        for value in ["", "sha-256=", "sha-256=:&:", "sha-1=:AAAA:", "é"] {
            let came: Headers<'_> = vec![(b"content-digest"[..].into(), value.as_bytes().into())];
            assert!(witnesses(&came).iter().all(|witness| !witness.saw(b"{}")), "{value}");
        }
    }

    #[test]
    fn a_refusal_that_can_be_seen_is_told() {
        let told = |reason| {
            asked("POST", &[], b"", "acme_1", |asked, headers| {
                refusal(&Rejection::new(reason), asked, headers)
                    .map(|(deviation, absent)| (deviation.code, absent, deviation.says.into_owned()))
            })
        };
        let (code, absent, says) = told(Reason::MissingSignature).unwrap();
        assert_eq!(
            (code, absent, &*says),
            ("transport/signature-missing", true, "the request has no header `x-acme-signature`")
        );
        for (reason, wanted, wanted_absent) in [
            (Reason::MissingTimestamp, "transport/time-missing", true),
            (Reason::MissingHeader, "transport/header-missing", true),
            (Reason::MalformedSignature, "signature/malformed", false),
            (Reason::MalformedTimestamp, "message/time-malformed", false),
            (Reason::MalformedContent, "body/malformed", false),
            (Reason::ClaimMismatch, "message/requirement", false),
            (Reason::Disallowed, "message/case", false),
            (Reason::UnknownKey, "secret/unknown-key", false),
            (Reason::KeyUnavailable, "secret/unknown-key", false),
            (Reason::UntrustedKey, "secret/untrusted-key", false),
        ] {
            let (code, absent, _) = told(reason).unwrap();
            assert_eq!((code, absent), (wanted, wanted_absent), "{reason}");
        }
        assert!(told(Reason::BadSignature).is_none(), "that is what is to be explained");
    }
}
