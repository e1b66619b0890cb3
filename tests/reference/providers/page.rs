//! The page of one provider, most wanted first: what is signed, what goes wrong, what to configure, a delivery that verifies.

use super::markdown::{block, code, prose, table};
use super::{Provider, delivery, drawing};
use countersign::config::{Node, Table};
use countersign::{Binds, KeyKind, Var};
use countersign_testkit::{Case, CaseSource};
use countersign_words::tree::{integer, is_true, tables, text, texts};
use countersign_words::{Piece, Voice, Words, kinds, pieces, proof};
use std::fmt::Write;

/// What a preset says, as code.
pub(crate) const VOICE: Voice =
    Voice { name: code, text: |text| if text.is_empty() { "empty".into() } else { code(text) } };

/// The page.
pub(crate) fn page(provider: &Provider) -> String {
    let mut out = format!("# {}\n\n{}", prose(provider.title()), about(provider));
    let mut section = |heading: &str, text: String| {
        if !text.is_empty() {
            let _ = write!(out, "\n## {heading}\n\n{}\n", text.trim_end());
        }
    };
    section("What is signed", signed(provider));
    section("Pitfalls", pitfalls(provider));
    section("What to configure", configure(provider));
    let shown = delivery::shown(provider).map(|case| delivery::section(provider, case));
    section("A delivery that verifies", shown.unwrap_or_default());
    section("What a good signature proves", proves(provider));
    section("Handshakes and answers", answers(provider));
    section("Cases", cases(provider));
    out
}

fn about(provider: &Provider) -> String {
    let name = provider.name();
    let mut out = format!(
        "- preset: `{name}`: [the file](../../presets/{name}.toml), [its cases](../../presets/{name}.vectors.toml)\n"
    );
    if let Some(reference) = &provider.compiled.preset().reference {
        let _ = writeln!(out, "- the provider's page: <{reference}>");
    }
    let mode = provider.mode();
    let _ = writeln!(out, "- mode: [`{mode}`](../reference/modes.md#{mode}), {}", prose(&provider.summary));
    let sure = proof::confidence(provider.compiled.preset().confidence.as_deref());
    let _ = writeln!(out, "- confidence: {sure}\n- {}", proven(provider));
    out
}

/// By how many cases, and whence they are.
fn proven(provider: &Provider) -> String {
    let count = |wanted: CaseSource| provider.cases.iter().filter(|case| case.source == wanted).count();
    let sources = CaseSource::WORDS.map(|(_, source)| source).into_iter().filter(|source| source.is_proof());
    let sources: Vec<CaseSource> = sources.filter(|source| count(*source) > 0).collect();
    let whence = match sources[..] {
        [one] => format!(", {}", whence(one)),
        _ => {
            let each = sources.iter().map(|source| format!("{} {}", count(*source), whence(*source)));
            format!(": {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    let generated = match count(CaseSource::Generated) {
        0 => String::new(),
        many => format!("; {many} generated to show that two programs agree"),
    };
    let published = match provider.published() {
        1 => "1 published case".into(),
        many => format!("{many} published cases"),
    };
    match (provider.is_proven(), &sources[..]) {
        (true, _) => format!("proven by {published}{whence}{generated}"),
        (false, []) => format!("consistent only: no case is published{generated}"),
        (false, _) => format!("consistent only: {published}{whence}, and none that verifies{generated}"),
    }
}

fn whence(source: CaseSource) -> &'static str {
    match source {
        CaseSource::ProviderDocs => "from the provider's documentation",
        CaseSource::ProviderSdk => "from the provider's own code",
        CaseSource::Captured => "captured",
        CaseSource::OtherImplementation => "from other implementations",
        CaseSource::Generated => "generated",
    }
}

fn signed(provider: &Provider) -> String {
    let mut out = String::new();
    let drawings = drawing::drawings(provider, VOICE);
    let same = drawings.windows(2).all(|two| two[0].require == two[1].require);
    for drawing::Drawing { when, text, require } in &drawings {
        if !when.is_empty() {
            let _ = writeln!(out, "When {}:\n", when.join(" and "));
        }
        let _ = writeln!(out, "{}", block("text", text));
        if !same {
            out.push_str(&required(require));
        }
    }
    if same {
        out.push_str(&required(drawings.first().map_or(&[], |drawing| &drawing.require)));
    }
    let claims = Words::of(provider.table(), VOICE).claims();
    if !claims.is_empty() {
        out.push_str("What the token must say:\n\n");
        out.extend(claims.iter().map(|(label, says)| format!("- {label}: {says}\n")));
    }
    out
}

fn required(tests: &[String]) -> String {
    match tests {
        [] => String::new(),
        tests => {
            let tests: String = tests.iter().map(|test| format!("- {test}\n")).collect();
            format!("Besides, it must hold that:\n\n{tests}\n")
        }
    }
}

fn pitfalls(provider: &Provider) -> String {
    let needs = provider.compiled.needs();
    let notes = provider.compiled.preset().notes.iter().map(|note| &**note);
    let notes = notes.chain(needs.notes.iter().map(|note| &**note));
    notes.map(|note| format!("- {}\n", prose(note))).collect()
}

fn configure(provider: &Provider) -> String {
    let (preset, needs) = (provider.compiled.preset(), provider.compiled.needs());
    let facts = Words::of(provider.table(), VOICE).keys(&needs);
    let mut out = format!("- key: {}", kinds(&needs));
    for (label, says) in facts.into_iter().filter(|(label, _)| *label != "remote") {
        let says = says.lines().collect::<Vec<_>>().join(", or ");
        match label {
            "forms" => out += &format!("; {says}"),
            label => out += &format!("\n- {label}: {says}"),
        }
    }
    out.push('\n');
    for Var { name, label, secret, required, .. } in preset.vars.iter() {
        let secret = if *secret { ", secret" } else { "" };
        let required = if *required { "required" } else { "optional" };
        let _ = writeln!(out, "- variable {}: {} ({required}{secret})", code(name), prose(label));
    }
    let command = format!("countersign verify delivery.http{}", configured(provider));
    let _ = write!(out, "\n{}", block("sh", &command));
    out
}

/// The options of the command by which a provider is configured.
pub(crate) fn configured(provider: &Provider) -> String {
    let preset = provider.compiled.preset();
    let mut options = format!(" --preset {}", preset.name);
    for secret in secrets(provider) {
        let _ = write!(options, " --secret {secret}");
    }
    for var in preset.vars.iter().filter(|var| var.required) {
        let _ = write!(options, " --var {}=…", var.name);
    }
    options
}

/// What would be given for `--secret`.
fn secrets(provider: &Provider) -> Vec<String> {
    let (needs, table) = (provider.compiled.needs(), provider.table());
    if needs.keys.is_empty() {
        return Vec::new();
    }
    let place = match needs.key_kind(false) {
        KeyKind::Shared => "env:WEBHOOK_SECRET",
        KeyKind::TrustAnchor => "file:root.pem",
        _ => "file:public.pem",
    };
    let key = table.get("key").and_then(Node::table);
    let roles = key.map(|key| texts(key, "roles")).unwrap_or_default();
    // An HTTP signature names its key, unless that is to be passed over.
    let is_named = table.get("required").is_some() && text(table, "keyid") != Some("ignored");
    match key.is_some_and(|key| key.get("select").is_some()) || is_named {
        _ if !roles.is_empty() => {
            roles.iter().map(|role| format!("role={role}@{place}_{}", role.to_uppercase())).collect()
        }
        true => vec![format!("id=KEYID@{place}")],
        false => vec![place.into()],
    }
}

fn proves(provider: &Provider) -> String {
    let needs = provider.compiled.needs();
    let mut out = String::new();
    for (label, says) in proof::covers(needs.binds) {
        let _ = writeln!(out, "- {label}: {says}");
    }
    if !needs.binds.contains(Binds::BODY) {
        out.push_str("- beware: **the body is not covered as a whole**\n");
    }
    let _ = writeln!(out, "- freshness: {}", proof::freshness(provider.compiled.freshness()));
    let _ = writeln!(out, "- replay: {}", proof::replay(provider.compiled.replay()));
    let event = provider.layer.get(&["event"]).and_then(Node::table);
    for (key, label) in [("type", "the event's type"), ("id", "the event's id")] {
        let Some(template) = event.and_then(|event| text(event, key)) else { continue };
        let signed = match is_covered(provider, template) {
            Some(true) => " (covered)",
            Some(false) => " (not covered by the signature)",
            None => "",
        };
        let _ = writeln!(out, "- {label}: {}{signed}", said(provider, template));
    }
    out
}

/// A value in words, if it is a placeholder and nothing else.
fn said(provider: &Provider, template: &str) -> String {
    let bare = template.trim_start_matches('[').trim_end_matches(']');
    match &pieces(bare)[..] {
        [Piece::Slot(slot)] => Words::of(provider.table(), VOICE).slot(slot),
        _ => code(template),
    }
}

/// Whether every signature covers all that a value reads. `None`: some of it, or by ways that are not looked into here.
fn is_covered(provider: &Provider, template: &str) -> Option<bool> {
    let slots = pieces(template).into_iter().filter_map(|piece| match piece {
        Piece::Slot(slot) => Some(slot.split('|').next().unwrap_or_default()),
        Piece::Literal(_) => None,
    });
    let covered: Vec<Option<bool>> = slots.map(|source| is_source_covered(provider, source)).collect();
    let first = covered.first().copied().flatten()?;
    covered.iter().all(|covered| *covered == Some(first)).then_some(first)
}

fn is_source_covered(provider: &Provider, source: &str) -> Option<bool> {
    let (binds, contents) = (provider.compiled.needs().binds, provider.contents());
    let (kind, name) = source.split_once(':').unwrap_or((source, ""));
    let is_body = ["body", "json", "form"].contains(&kind);
    let stands = |content: &&str| content.contains(&format!("{{{source}}}"));
    if is_body && binds.contains(Binds::BODY)
        || kind == "claim"
        || !contents.is_empty() && contents.iter().all(stands)
    {
        return Some(true);
    }
    // What is read by a list, in parts or for each element is more than can be told here.
    let ways: &[&str] = match kind {
        "header" => &["lookup:header", "required"],
        _ if is_body => &["{body", "{json", "{form", "{item", "{param", "lookup:json"],
        _ => return None,
    };
    let mut read = false;
    super::each_text(provider.table(), &mut |key, text| {
        let named = kind == "header"
            && (text.contains(&format!("{{header:{name}")) || text.eq_ignore_ascii_case(name));
        read |= named || ways.iter().any(|way| key == *way || text.contains(way));
    });
    (!read).then_some(false)
}

fn answers(provider: &Provider) -> String {
    let root = provider.layer.root().table();
    let words = Words::of(provider.table(), VOICE);
    let mut out = String::new();
    for handshake in root.map(|root| tables(root, "handshake")).unwrap_or_default() {
        let when: Vec<String> = tables(handshake, "when").into_iter().map(|test| words.test(test)).collect();
        let after = match is_true(handshake, "signed") {
            true => "once it has verified",
            false => "before anything is verified",
        };
        let _ = write!(out, "- when {}: ", when.join(" and "));
        let answer = handshake.get("answer").and_then(Node::table).map(answer);
        let parts = parts(handshake);
        let _ = match (text(handshake, "kind"), answer) {
            (Some("learn"), answer) => {
                let secret = code(text(handshake, "secret").unwrap_or_default());
                let answer =
                    answer.map_or_else(String::new, |answer| format!(", and answered with {answer}"));
                writeln!(out, "the secret {secret} is handed over, for an operator to confirm{answer}{parts}")
            }
            (_, Some(answer)) => writeln!(out, "answered with {answer}, {after}{parts}"),
            (_, None) => writeln!(out, "a formality, {after}"),
        };
    }
    let response = provider.layer.get(&["response"]).and_then(Node::table);
    for key in ["accepted", "refused"] {
        let answered = response.and_then(|response| response.get(key)).and_then(Node::table);
        out.extend(answered.map(|table| format!("- what is {key} is answered with {}\n", answer(table))));
    }
    out
}

/// `200, text/plain, {query:challenge}`.
fn answer(table: &Table) -> String {
    let mut parts = vec![integer(table, "status").unwrap_or(200).to_string()];
    if let Some(body) = text(table, "body") {
        parts.push(text(table, "content_type").unwrap_or("text/plain").into());
        parts.push(code(&unescaped(body)));
    }
    let headers = table.get("headers").and_then(Node::table).into_iter().flat_map(Table::iter);
    parts.extend(
        headers.filter_map(|(name, node)| Some(code(&format!("{}: {}", name.name, unescaped(node.text()?))))),
    );
    parts.join(", ")
}

/// `; {part:all} is {query:challenge}{var:token}`, of each that an answer may use.
fn parts(handshake: &Table) -> String {
    let parts = handshake.get("parts").and_then(Node::table).into_iter().flat_map(Table::iter);
    let named = parts.filter_map(|(name, node)| {
        let part = code(&format!("{{part:{}}}", name.name));
        Some(format!("; {part} is {}", code(&unescaped(node.text()?))))
    });
    named.collect()
}

/// A value as it is said: braces and brackets that are meant as such stand once.
fn unescaped(template: &str) -> String {
    let once = |text: &str| {
        ["{", "}", "[", "]"].iter().fold(text.to_owned(), |text, mark| text.replace(&mark.repeat(2), mark))
    };
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Literal(text) => once(text),
        Piece::Slot(slot) => format!("{{{slot}}}"),
    };
    pieces(template).iter().map(piece).collect()
}

fn cases(provider: &Provider) -> String {
    let row = |case: &Case| {
        let why = case.why.as_deref().map(prose).unwrap_or_default();
        let says =
            case.provider_says.as_deref().map(|says| format!("the provider's own code: {}", prose(says)));
        let why: Vec<String> = says.into_iter().chain((!why.is_empty()).then_some(why)).collect();
        let origin = match case.origin.as_deref().map(prose) {
            Some(origin) if !case.source.is_proof() && !origin.starts_with("tests/") => {
                format!("altered from {origin}")
            }
            origin => origin.unwrap_or_default(),
        };
        vec![code(&case.name), case.source.word().into(), origin, code(case.expect.code()), why.join("; ")]
    };
    table(&["case", "source", "origin", "expected", "why"], provider.cases.iter().map(row))
}
