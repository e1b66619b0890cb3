//! What happens on the way: headers that are lost or called otherwise, deliveries that come late, and presets of somebody else.

use super::{Class, Did, Fault, Side};
use crate::faults::bodies::Size;
use crate::faults::deliveries::{Delivery, NOW, PRESETS, Question};
use countersign::Timestamp;

pub(crate) fn faults() -> Vec<Fault> {
    [headers(), presets(), times(), told()].into_iter().flatten().collect()
}

/// A fault of the header that holds the signature.
fn header(code: &'static str, weight: usize, change: fn(&mut Question, &str) -> Option<()>) -> Fault {
    Fault::new(code, Side::Transport, weight, move |question, _, _| {
        let Some(name) = question.signature_header() else { return Did::Unfit };
        Did::if_so(change(question, &name).is_some())
    })
}

fn rename(question: &mut Question, name: &str, other: String) -> Option<()> {
    let (there, _) = question.headers.iter_mut().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
    *there = other;
    Some(())
}

fn headers() -> Vec<Fault> {
    vec![
        header("transport/signature-stripped", 4, |question, name| {
            question.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
            Some(())
        }),
        Fault::new("transport/time-stripped", Side::Transport, 2, |question, _, _| {
            let place = question.set(&["timestamp_source", "header"]);
            let Some(name) = place.filter(|name| Some(name) != question.signature_header().as_ref()) else {
                return Did::Unfit;
            };
            question.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(&name));
            Did::Spoilt
        }),
        // CGI's spelling, and WSGI's, of what a framework hands on.
        header("transport/renamed-as-cgi", 3, |question, name| {
            rename(question, name, format!("HTTP_{}", name.to_uppercase().replace('-', "_")))
        }),
        header("transport/renamed-with-underscores", 3, |question, name| {
            name.contains('-').then(|| rename(question, name, name.replace('-', "_")))?
        }),
        header("transport/renamed-with-prefix", 2, |question, name| {
            rename(question, name, format!("x-original-{name}"))
        }),
        header("transport/renamed-without-x", 1, |question, name| {
            rename(question, name, name.strip_prefix("x-")?.to_owned())
        }),
    ]
}

/// Whose preset was configured for whose deliveries: schemes that are alike.
const ALIKE: &[(&str, &str)] = &[
    ("slack", "zoom"),
    ("zoom", "slack"),
    ("stripe", "calendly"),
    ("calendly", "stripe"),
    ("calendly", "workos"),
    ("airwallex", "zoom"),
    ("paddle-billing", "stripe"),
    ("svix", "standard-webhooks"),
    ("github", "intercom"),
    ("github", "gocardless"),
    ("intercom", "github"),
    ("shopify", "woocommerce"),
    ("woocommerce", "shopify"),
    ("xero", "shopify"),
    ("typeform", "github"),
    ("gocardless", "nylas"),
    ("square", "trello"),
    ("trello", "square"),
    ("hubspot-v3", "hubspot-v2"),
    ("hubspot-v2", "hubspot-v1"),
    ("gitlab-token", "telegram"),
    ("telegram", "gitlab-token"),
    ("wise", "chip-collect"),
    ("chip-collect", "wise"),
    ("netlify", "fusionauth-hmac"),
    ("pagbank", "recharge"),
];

fn presets() -> Vec<Fault> {
    vec![
        Fault::new("transport/preset-of-another", Side::Transport, 5, |question, at, random| {
            let sent = at.delivery.known.preset;
            let alike: Vec<_> = ALIKE.iter().filter(|(sender, _)| *sender == sent).collect();
            if alike.is_empty() {
                return Did::Unfit;
            }
            let (_, other) = random.of_these(&alike);
            match at.registry.resolve(other, None) {
                Ok(layer) => {
                    question.layer = layer;
                    Did::Spoilt
                }
                Err(_) => Did::Unfit,
            }
        })
        .expects(&["transport/", "preset/", "message/", "signature/", "algorithm/", "time/"]),
        // Only the older of a provider's two signatures came: SHA-1, in the header that the newer one has by another name.
        Fault::new("transport/legacy-signature-only", Side::Transport, 2, |question, at, _| {
            if at.delivery.known.preset != "github" {
                return Did::Unfit;
            }
            let mut legacy = question.clone();
            let Ok(layer) = at.registry.resolve("intercom", None) else { return Did::Unfit };
            legacy.layer = layer;
            let Some(signed) = at.delivery.signed(at.registry, &legacy, &at.delivery.pen) else {
                return Did::Unfit;
            };
            question.headers.retain(|(name, _)| name != "x-hub-signature-256");
            question.carry(signed);
            Did::Spoilt
        })
        .expects(&["transport/", "signature/", "algorithm/", "preset/"]),
    ]
}

fn times() -> Vec<Fault> {
    let moved = |code, weight, by: fn(usize) -> i64| {
        Fault::new(code, Side::Time, weight, move |question, _, random| {
            question.now = Timestamp::from_unix(NOW + by(random.below(1000)));
            Did::Spoilt
        })
    };
    vec![
        moved("time/stale-by-hours", 4, |chance| 90_000 + chance as i64 * 60),
        moved("time/stale-by-a-minute-too-many", 2, |chance| 400 + chance as i64 % 60),
        // A clock that stands behind: everything comes from the future.
        moved("time/from-the-future", 3, |chance| -600 - chance as i64),
    ]
}

/// What shows, and what nothing proves.
fn told() -> Vec<Fault> {
    let mut all = vec![
        // Another sender's delivery, signed with its own secret, at our door.
        Fault::new("transport/delivery-of-another", Side::Transport, 2, |question, at, random| {
            let known = random.of_these(PRESETS);
            if known.preset == at.delivery.known.preset {
                return Did::Unfit;
            }
            let Some(other) = Delivery::of(at.registry, known, Size::Small, random) else {
                return Did::Unfit;
            };
            (question.headers, question.body) = (other.truth.headers, other.truth.body);
            Did::Spoilt
        }),
        Fault::new("transport/a-browser", Side::Transport, 1, |question, _, _| {
            question.method = "GET".into();
            question.body.clear();
            question.headers = vec![
                ("host".into(), b"hooks.example.com".to_vec()),
                ("accept".into(), b"text/html".to_vec()),
            ];
            Did::Spoilt
        }),
        Fault::new("transport/a-page", Side::Transport, 1, |question, _, _| {
            question.body = b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n".to_vec();
            question.set_header("content-type", "text/html");
            Did::Spoilt
        })
        .expects(&["transport/", "body/"]),
    ];
    all.iter_mut().for_each(|fault| fault.class = Class::Told);
    all
}
