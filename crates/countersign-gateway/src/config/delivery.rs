//! What is sent: `[delivery]`, which says how, and the endpoints that the store keeps, each of which may say it otherwise.

use super::forward::{header, plain_header, schedule, sounds_secret};
use super::source::{Events, is_name, patterns, vars};
use super::urls::checked_url;
use super::values::{Around, finish, place, rate, span_of_time};
use super::{Egress, Schemes, VarText};
use crate::secrets::SecretPlace;
use countersign::config::{Reader, Span, Spanned};
use countersign::{Compiled, HeaderName};
use countersign_delivery::{CONCURRENCY, DISABLE_AFTER, Names, Policy, RATE, TIMEOUT};
use countersign_egress::Why;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// `[delivery]`: how everything is sent whose endpoint does not say otherwise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The preset that signs. `None`: the one that says `default_outbound = true`.
    pub preset: Option<Arc<str>>,

    /// How long, how often, how many at once.
    pub policy: Policy,

    /// The header that says a message's topic. Default: `webhook-topic`.
    pub topic_header: HeaderName,

    /// The header that says its type. Default: `webhook-type`.
    pub type_header: HeaderName,

    /// Where the certificate is, with its issuers and its private key, all in PEM, that endpoints are shown which ask for one.
    pub certificate: Option<SecretPlace>,
}

/// Where messages are sent.
#[derive(Clone)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name: as a source's.
    pub name: Arc<str>,

    /// Where it is.
    pub url: Url,

    /// For people.
    pub description: Option<Arc<str>>,

    /// Which types are sent to it. `None`: all.
    pub events: Option<Events>,

    /// What signs, and can.
    pub compiled: Arc<Compiled>,

    /// The preset, if it is named here; `None`: that of `[delivery]`.
    pub preset: Option<Arc<str>>,

    /// The preset's variables.
    pub vars: Vec<(Arc<str>, Arc<str>)>,

    /// Headers of every attempt beside those that sign it.
    pub headers: Vec<(HeaderName, Arc<str>)>,

    /// As it says, or else as `[delivery]` does.
    pub policy: Policy,
}

/// Prints no query: many a URL's has a key in it.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.url.clone();
        url.set_query(None);
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("url", &url.as_str())
            .finish_non_exhaustive()
    }
}

/// What a delivery is when nothing is said of it.
fn default_delivery() -> Delivery {
    let Names { topic, kind } = Names::default();
    let name = |name: &str| HeaderName::new(name).unwrap_or_else(|| unreachable!("it is a header's name"));
    Delivery {
        preset: None,
        policy: Policy::default(),
        topic_header: name(topic.as_str()),
        type_header: name(kind.as_str()),
        certificate: None,
    }
}

/// `[delivery]`.
pub(super) fn delivery(around: &Around<'_>, schemes: &Schemes, root: &Reader<'_>) -> Delivery {
    let default = default_delivery();
    let Some(table) = root.table("delivery") else { return default };
    let preset = table.text("preset");
    let preset = preset.filter(|text| signing(around, schemes, &text.value, &text.span).is_some());
    let policy = policy(around, &table, &default.policy);
    let named = |key: &str| table.text(key).and_then(|text| header(around, key, &text));
    let (topic, kind) = (named("topic_header"), named("type_header"));
    if let (Some(topic), Some(kind)) = (&topic, &kind)
        && topic == kind
    {
        let says = format!("`topic_header` and `type_header` are both `{}`", kind.as_str());
        around.wrong(table.span(), says, "give each a name of its own");
    }
    let certificate = place(around, &table, "certificate");
    finish(around, table);
    Delivery {
        preset: preset.map(|text| text.value),
        policy,
        topic_header: topic.unwrap_or(default.topic_header),
        type_header: kind.unwrap_or(default.type_header),
        certificate,
    }
}

/// The preset of this name, which has to be able to sign.
fn signing(around: &Around<'_>, schemes: &Schemes, name: &str, span: &Span) -> Option<Arc<Compiled>> {
    match schemes.registry().named(name) {
        Ok(compiled) if compiled.needs().signs => return Some(compiled),
        Ok(_) => {
            let says = format!("`{name}` verifies only: it cannot sign what is sent");
            around.wrong(span, says, "`countersign preset list --columns name,signs` shows which can");
        }
        Err(errors) => {
            for mut error in errors.0 {
                error.span.get_or_insert_with(|| span.clone());
                around.complaints.push(error);
            }
        }
    }
    None
}

fn policy(around: &Around<'_>, table: &Reader<'_>, default: &Policy) -> Policy {
    let timeout = span_of_time(table, "timeout", times(TIMEOUT)).map(|time| time.value);
    let schedule = schedule(around, table, default.waits());
    let concurrency = table.integer("concurrency", whole(CONCURRENCY)).map(|count| count.value as u64);
    let rate = table.text("rate").and_then(|text| per_second(around, table, &text));
    let disable_after = span_of_time(table, "disable_after", times(DISABLE_AFTER)).map(|time| time.value);
    // Each was held against the same bounds a line ago.
    let set = |policy: Policy| {
        let policy = timeout.map_or(Ok(policy.clone()), |time| policy.timeout(time))?;
        let policy = concurrency.map_or(Ok(policy.clone()), |count| policy.concurrency(count))?;
        let policy = rate.map_or(Ok(policy.clone()), |rate| policy.rate(Some(rate)))?;
        disable_after.map_or(Ok(policy.clone()), |time| policy.disable_after(Some(time)))
    };
    set(default.clone().schedule(schedule)).unwrap_or_default()
}

fn times(seconds: RangeInclusive<u64>) -> RangeInclusive<Duration> {
    Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end())
}

fn whole(bounds: RangeInclusive<u64>) -> RangeInclusive<i64> {
    *bounds.start() as i64..=*bounds.end() as i64
}

/// A rate that is so many a second: attempts are begun at even distances.
fn per_second(around: &Around<'_>, table: &Reader<'_>, text: &Spanned<Arc<str>>) -> Option<u64> {
    let rate = rate(table, "rate", text)?;
    let (count, per) = (u128::from(rate.count) * 1_000_000_000, rate.per.as_nanos());
    let a_second = u64::try_from(count / per.max(1)).ok().filter(|_| count % per.max(1) == 0);
    let a_second = a_second.filter(|rate| RATE.contains(rate));
    if a_second.is_none() {
        let (least, most) = RATE.into_inner();
        let says = format!("`rate` is begun at even distances: {least} to {most} whole attempts a second");
        around.wrong(&text.span, says, "write `rate = \"10/s\"`, say");
    }
    a_second
}

/// One endpoint's table.
pub(super) fn endpoint(
    around: &Around<'_>,
    schemes: &Schemes,
    (delivery, egress): (&Delivery, &Egress),
    table: Reader<'_>,
) -> Option<Endpoint> {
    let name = name(around, &table);
    let url = table.required_text("url").and_then(|text| url(around, egress, &text));
    let description = table.text("description").map(|text| text.value);
    let preset = table.text("preset");
    let compiled = match (&preset, delivery.preset.as_deref().or(schemes.registry().default_outbound())) {
        (Some(text), _) => signing(around, schemes, &text.value, &text.span),
        (None, Some(default)) => signing(around, schemes, default, table.span()),
        (None, None) => {
            let says =
                "no preset here says `default_outbound = true`, and neither this nor `[delivery]` names one";
            around.wrong(table.span(), says, "write `preset = \"NAME\"`");
            None
        }
    };
    let events = patterns(around, &table);
    let vars = texts(around, &table, compiled.as_deref());
    let headers = headers(around, delivery, &table);
    let policy = policy(around, &table, &delivery.policy);
    finish(around, table);
    let preset = preset.map(|text| text.value);
    Some(Endpoint {
        name: name?,
        url: url?,
        description,
        events,
        compiled: compiled?,
        preset,
        vars,
        headers,
        policy,
    })
}

/// `vars`, each of them a text.
fn texts(around: &Around<'_>, table: &Reader<'_>, compiled: Option<&Compiled>) -> Vec<(Arc<str>, Arc<str>)> {
    let text = |(name, value): (Arc<str>, VarText)| match value {
        VarText::Text(text) => Some((name, text)),
        VarText::Secret(_) => {
            let says = format!(
                "the variable `{name}` is a secret somewhere, and an endpoint's table names no place"
            );
            around.wrong(table.span(), says, "give the text itself");
            None
        }
    };
    vars(around, table, compiled).into_iter().filter_map(text).collect()
}

fn name(around: &Around<'_>, table: &Reader<'_>) -> Option<Arc<str>> {
    let name = table.required_text("name")?;
    if is_name(&name.value) {
        return Some(name.value);
    }
    let says = format!("`{}` can be no endpoint's name", name.value);
    around.wrong(
        &name.span,
        says,
        "write `name = \"books\"`, say: 1 to 64 letters, digits and `_`, `.`, `-`",
    );
    None
}

/// A URL that a stranger may have written: judged by the rule of what may be called before anything is sent to it.
fn url(around: &Around<'_>, egress: &Egress, text: &Spanned<Arc<str>>) -> Option<Url> {
    let url = checked_url(around, "url", text)?;
    if url.fragment().is_some() {
        around.wrong(&text.span, "`url` has a fragment, which is never sent", "leave out what follows `#`");
        return None;
    }
    let Err(refused) = egress.reach().judge_url(url.as_str()) else { return Some(url) };
    let help = match refused.why {
        Why::Scheme => "write it with `https`; or allow its host: `[egress] plain_http = [\"HOST\"]`",
        Why::Port => "use 443 or 8443; or allow its port: `[egress] ports = [PORT]`",
        _ => "an address of one's own has to be allowed: `[egress] networks = [\"10.0.0.0/8\"]`, say",
    };
    around.wrong(&text.span, format!("`url`: {refused}"), help);
    None
}

fn headers(around: &Around<'_>, delivery: &Delivery, table: &Reader<'_>) -> Vec<(HeaderName, Arc<str>)> {
    let mut headers: Vec<(HeaderName, Arc<str>)> = Vec::new();
    for (key, node) in table.entries("headers") {
        let name = Spanned { value: key.name.clone(), span: key.span.clone() };
        if sounds_secret(&key.name) {
            // It may be one, and stands in the store as it is written.
            around.mask(node);
            let says = format!(
                "`headers`: `{}` would say a secret, and an endpoint's headers are no place for one",
                key.name
            );
            around.wrong(&key.span, says, "leave it out: the signature says who sends");
            continue;
        }
        let Some((name, text)) = header(around, "headers", &name).zip(plain_header(around, node, &key.name))
        else {
            continue;
        };
        if [&delivery.topic_header, &delivery.type_header].contains(&&name) || name.as_str() == "content-type"
        {
            let says = format!("`headers`: `{}` is written for every message", name.as_str());
            around.wrong(&key.span, says, "leave it out");
        }
        if headers.iter().any(|(other, _)| *other == name) {
            let says = format!("`headers` has `{}` twice", name.as_str());
            around.wrong(&key.span, says, "keep one of the two: a header's case says nothing");
        }
        headers.push((name, text));
    }
    headers
}
