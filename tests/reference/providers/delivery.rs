//! A delivery that verifies, as commands of a shell: `curl` that sends it, and `countersign` that accepts it.

use super::Provider;
use super::markdown::{block, code, prose};
use super::page::configured;
use countersign::config::Layer;
use countersign::{Draft, KeyKind};
use countersign_testkit::{Case, Delivery, Expect, SecretSpec};
use std::fmt::Write;

/// The case that is shown: one that verifies, by the preset as it is, and published, as far as there are such.
pub(crate) fn shown(provider: &Provider) -> Option<&Case> {
    let good = provider.cases.iter().filter(|case| {
        case.expect == Expect::Ok && *case.preset == *provider.name() && overrides(case).is_some()
    });
    good.min_by_key(|case| (case.overrides.is_some(), !case.source.is_proof()))
}

/// The section of a page.
pub(crate) fn section(provider: &Provider, case: &Case) -> String {
    let Case { name, source, origin, now, .. } = case;
    let mut out = format!("The case {} ({}", code(name), source.word());
    if let Some(origin) = origin {
        let _ = write!(out, ": {}", prose(origin));
    }
    let under = match (&case.secrets[..], provider.takes_secrets()) {
        ([], _) => "the documents below".into(),
        ([secret], true) if !secret.value.contains('\n') => format!("the secret {}", code(&secret.value)),
        ([_], true) => "the secret below".into(),
        ([_], false) => "the key below".into(),
        (_, true) => "the secrets below".into(),
        (_, false) => "the keys below".into(),
    };
    let _ = writeln!(out, ") verifies under {under} at {now}.{}\n", of_url(provider));
    out.push_str(&block("sh", &(body(case) + &curl(case))));
    let _ = writeln!(out, "\nIn the same shell, {}:\n", accepts(provider, case));
    out.push_str(&block("sh", &(documents(case) + &verify(case))));
    out.push_str(&fresh(provider, case));
    out
}

fn accepts(provider: &Provider, case: &Case) -> &'static str {
    match (&case.overrides, provider.compiled.freshness()) {
        (Some(_), _) => "this accepts it, with what the case lays over the preset",
        (None, Some(_)) => "this accepts it, as of then",
        (None, None) => "this accepts it",
    }
}

/// Whether another URL would do.
fn of_url(provider: &Provider) -> &'static str {
    match provider.reads_url() {
        true => " Something of the URL is signed: a receiver elsewhere has to be told that it is this one.",
        false => " The URL is not signed: put your own in its place.",
    }
}

/// How one is signed for now, where secrets and a body are all that it takes.
fn fresh(provider: &Provider, case: &Case) -> String {
    const URL: &str = "https://example.com/webhook";
    let compiled = &provider.compiled;
    let kind = compiled.needs().key_kind(true);
    let signer = SecretSpec::ring(&case.secrets, kind).and_then(|ring| compiled.signer(&ring, &case.vars));
    let draft = Draft::new("msg_1", case.now, URL, &case.request.body);
    let signs = kind == KeyKind::Shared && signer.is_ok_and(|signer| signer.sign(&draft).is_ok());
    if !signs || provider.mode() == "token" {
        return String::new();
    }
    let why = match compiled.freshness() {
        Some(_) => "A receiver refuses it as `stale_timestamp` by now. To sign one of this moment:",
        None => "To sign one of your own:",
    };
    let mut command = format!("countersign sign{}", configured(provider));
    if provider.reads_url() {
        let _ = write!(command, " --url {URL}");
    }
    format!("\n{why}\n\n{}", block("sh", &(command + " --body @body --format curl")))
}

/// The body in a variable, which keeps every byte of text; other bytes are made where they are used.
fn body(case: &Case) -> String {
    match text_body(&case.request) {
        Some(text) if !text.is_empty() => format!("body={}\n", quoted(text)),
        _ => String::new(),
    }
}

/// The body, if a page can show it and a command take it.
fn text_body(Delivery { body, .. }: &Delivery) -> Option<&str> {
    let is_shown = |c: char| !c.is_control() || c == '\n' || c == '\t';
    // An `@` at the front would name a file, and a `-` standard input.
    std::str::from_utf8(body).ok().filter(|text| text.chars().all(is_shown) && !text.starts_with(['@', '-']))
}

/// What stands before a command that has its body from standard input.
fn piped(case: &Case) -> String {
    match text_body(&case.request) {
        Some(_) => String::new(),
        None => {
            let body = base64_simd::STANDARD.encode_to_string(&case.request.body);
            format!("printf %s {} | base64 -d | \\\n  ", quoted(&body))
        }
    }
}

fn curl(case: &Case) -> String {
    let Delivery { method, url, headers, body } = &case.request;
    let mut out = piped(case) + "curl";
    if url.contains(['[', ']', '{', '}']) {
        out.push_str(" --globoff");
    }
    if url.contains("/.") {
        out.push_str(" --path-as-is");
    }
    let _ = write!(out, " -X {method} {}", quoted(url));
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        let _ = write!(out, " \\\n  -H {}", quoted(&header));
    }
    if !body.is_empty() {
        if !typed {
            // Curl would call it a form, which some schemes read.
            out.push_str(" \\\n  -H 'Content-Type:'");
        }
        let data = if text_body(&case.request).is_some() { "\"$body\"" } else { "@-" };
        let _ = write!(out, " \\\n  --data-binary {data}");
    }
    out
}

/// What would be fetched, in files.
fn documents(case: &Case) -> String {
    let file = |(index, (_, text)): (usize, &(_, std::sync::Arc<str>))| {
        format!("printf %s {} > document-{}\n", quoted(text), index + 1)
    };
    case.documents.iter().enumerate().map(file).collect()
}

fn verify(case: &Case) -> String {
    let Delivery { method, url, headers, body } = &case.request;
    let mut out = piped(case) + "countersign verify --preset " + &case.preset;
    for SecretSpec { id, value, role, window } in &case.secrets {
        let mut attributes = Vec::new();
        // The first without a name is `main` anyway.
        attributes.extend((**id != *"main").then(|| format!("id={id}")));
        attributes.extend(role.as_ref().map(|role| format!("role={role}")));
        attributes.extend(window.not_before.map(|at| format!("not_before={at}")));
        attributes.extend(window.not_after.map(|at| format!("not_after={at}")));
        let at = if attributes.is_empty() { "" } else { "@" };
        let spec = format!("{}{at}literal:{value}", attributes.join(","));
        let _ = write!(out, " --secret {}", quoted(&spec));
    }
    for name in case.vars.names() {
        let value = case.vars.get(name).unwrap_or_default();
        let _ = write!(out, " --var {}", quoted(&format!("{name}={value}")));
    }
    for (key, value) in overrides(case).unwrap_or_default() {
        let _ = write!(out, " --override {}", quoted(&format!("{key}={value}")));
    }
    let _ = write!(out, " --now {}", case.now);
    for (index, (name, _)) in case.documents.iter().enumerate() {
        let _ = write!(out, " \\\n  --document {}", quoted(&format!("{name}=document-{}", index + 1)));
    }
    let method = if method == "POST" { String::new() } else { format!("--method {method} ") };
    let _ = write!(out, " \\\n  {method}--url {}", quoted(url));
    for (name, value) in headers {
        let header = format!("{name}: {}", String::from_utf8_lossy(value));
        let _ = write!(out, " \\\n  --header {}", quoted(header.trim_end()));
    }
    if !body.is_empty() {
        let data = if text_body(&case.request).is_some() { "\"$body\"" } else { "-" };
        let _ = write!(out, " \\\n  --body {data}");
    }
    out
}

/// What is laid over the preset, as keys and values. `None`: a command line cannot say it.
fn overrides(case: &Case) -> Option<Vec<(String, String)>> {
    let mut out = Vec::new();
    let toml = case.overrides.as_ref().map(Layer::to_toml).unwrap_or_default();
    let mut section = String::new();
    for line in toml.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix('[').and_then(|line| line.strip_suffix(']')), line.split_once(" = ")) {
            (Some(name), None) if !name.starts_with('[') => section = format!("{name}."),
            (None, Some((key, value))) => out.push((format!("{section}{key}"), value.to_owned())),
            _ => return None,
        }
    }
    Some(out)
}

/// As a POSIX shell reads it as one word.
fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/.:_-=@,+".contains(&b);
    match !text.is_empty() && !text.starts_with(['=', '-']) && text.bytes().all(plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
