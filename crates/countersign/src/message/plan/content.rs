//! What must be true of signed content: that it can be cut in one way only, and that not everybody can make it.

use super::super::filter::{Filter, Keeps};
use super::super::value::{Segment, Slot, Source, Value};
use super::Plan;
use crate::config::{Complaints, ConfigCode, ConfigError, Span};

/// Two neighbours without a literal between them, of which the first may be of any length, can be cut elsewhere and
/// still give the same content.
pub(super) fn neighbours(plan: &Plan, complaints: &Complaints) {
    let fixed = plan.time.as_ref().is_some_and(|time| time.formats.is_fixed_width());
    for template in plan.cases.iter().flat_map(|case| &case.templates) {
        if let Some(slot) = after_optional(template) {
            let says = format!(
                "where the optional segment ends and `{{{}}}` begins cannot be told if the segment may be missing",
                slot.text
            );
            let help = "if the provider signs it so, write `adjacent = \"accepted\"` and say in `notes` what it means";
            let error = ConfigError::at(ConfigCode::MalformedTemplate, template.span.clone(), says);
            complaints.push(error.help(help));
            return;
        }
        let mut before: Option<&Slot> = None;
        for segment in template.segments.iter().flat_map(|segment| match segment {
            Segment::Optional(inner) => &**inner,
            other => std::slice::from_ref(other),
        }) {
            // Nobody moves bytes across a secret that is not theirs: it sets off as a literal does.
            let slot = match segment {
                Segment::Slot(slot) if slot.source != Source::Secret || !is_left(slot) => slot,
                _ => {
                    before = None;
                    continue;
                }
            };
            if let Some(before) = before.filter(|before| !before.is_fixed_width(fixed)) {
                let says = format!(
                    "where `{{{}}}` ends and `{{{}}}` begins cannot be told: bytes could move from one to the other",
                    before.text, slot.text
                );
                let help = "if the provider signs it so, write `adjacent = \"accepted\"` and say in `notes` what it means";
                let error = ConfigError::at(ConfigCode::MalformedTemplate, template.span.clone(), says);
                complaints.push(error.help(help));
                return;
            }
            before = Some(slot);
        }
    }
}

/// Literals end what stands before them only if it cannot hold them. One value of a content may hold anything: the
/// body, or else the last; what stands before it may not hold the literal that follows, what stands behind it not the
/// one before. Times, ids, methods and URLs have alphabets of their own.
pub(super) fn set_off(template: &mut Value, timestamp_is_fixed: bool) {
    let mut flat: Vec<&mut Segment> = Vec::new();
    for segment in &mut template.segments {
        match segment {
            Segment::Optional(inner) => flat.extend(inner.iter_mut()),
            other => flat.push(other),
        }
    }
    let free = |slot: &Slot| !slot.is_fixed_width(timestamp_is_fixed);
    let place = |is: &dyn Fn(&Slot) -> bool| {
        flat.iter().rposition(|segment| matches!(&**segment, Segment::Slot(slot) if free(slot) && is(slot)))
    };
    let Some(anything) = place(&|slot| slot.source == Source::Body).or_else(|| place(&|_| true)) else {
        return;
    };
    let literals: Vec<Option<Box<[u8]>>> = flat
        .iter()
        .map(|segment| match &**segment {
            Segment::Literal(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    for (at, segment) in flat.into_iter().enumerate().filter(|(at, _)| *at != anything) {
        let Segment::Slot(slot) = segment else { continue };
        let written = matches!(
            slot.source,
            Source::Header(_)
                | Source::Query(_)
                | Source::Form(_)
                | Source::Param(_)
                | Source::Json(_)
                | Source::Item(_)
                | Source::Sig(_)
                | Source::Part(_)
                | Source::QueryPairs
                | Source::FormPairs
        );
        let beside = if at < anything {
            literals.get(at + 1)
        } else {
            at.checked_sub(1).map(|before| &literals[before])
        };
        if let Some(Some(literal)) = beside
            && written
            && free(slot)
        {
            slot.without = Some(literal.clone());
        }
    }
}

/// A placeholder right behind an optional segment: what it stands for could begin as the segment does.
fn after_optional(template: &Value) -> Option<&Slot> {
    template.segments.windows(2).find_map(|pair| match pair {
        [Segment::Optional(_), Segment::Slot(slot)] => Some(slot),
        _ => None,
    })
}

/// Whether a value of the sender's touches the URL in some content: then bytes may move from its query to that value, or back.
/// The rest of a URL is the receiver's.
pub(super) fn url_is_touched(plan: &Plan) -> bool {
    let url = |slot: &Slot| matches!(slot.source, Source::Url | Source::Target | Source::QueryString);
    let fixed = plan.time.as_ref().is_some_and(|time| time.formats.is_fixed_width());
    let free = |slot: &Slot| {
        !slot.is_fixed_width(fixed)
            && !matches!(slot.source, Source::Secret | Source::Var(_) | Source::Method)
    };
    plan.cases.iter().flat_map(|case| &case.templates).any(|template| {
        template.segments.windows(2).any(|pair| match pair {
            [Segment::Slot(one), Segment::Slot(other)] => url(one) && free(other) || free(one) && url(other),
            _ => false,
        })
    })
}

/// Filters that may change a secret and leave it hard to guess.
const KEEP_A_SECRET: [&str; 8] =
    ["lower", "upper", "trim", "reverse", "strip_space", "split", "sort", "join"];

/// Whether what stands in the content is as hard to guess as the secret.
fn is_left(slot: &Slot) -> bool {
    let harmless = |filter: &Filter| {
        matches!(filter.keeps(), Keeps::Injective | Keeps::Digest)
            || KEEP_A_SECRET.contains(&filter.row().name)
    };
    slot.filters.iter().all(harmless)
}

/// Every template must hold the secret, and hold enough of it: content that anybody can make proves nothing.
pub(super) fn secrets(plan: &Plan, complaints: &Complaints) {
    let wrong = |span: &Span, says: &str, help: &str| {
        complaints.push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
    };
    let fixed = |value: &Value| {
        value.slots().any(|(slot, optional)| !optional && slot.source == Source::Secret && is_left(slot))
    };
    if let Some(derive) = &plan.key.derive {
        let help = "shape it where it stands: `{secret|md5|hex}`";
        wrong(&derive.span, "this mode hashes the secret as content, and no key is made of it", help);
    }
    let mut parts: Vec<bool> = Vec::with_capacity(plan.parts.len());
    let holds = |value: &Value, parts: &[bool]| {
        fixed(value)
            || value.slots().any(|(slot, optional)| match slot.source {
                Source::Part(index) => !optional && parts.get(index) == Some(&true) && is_left(slot),
                _ => false,
            })
    };
    for part in &plan.parts {
        let held = holds(part, &parts);
        parts.push(held);
    }
    for template in plan.cases.iter().flat_map(|case| &case.templates) {
        if !holds(template, &parts) {
            let help = "put `{secret}` where the provider has it, outside brackets, and cut nothing off it";
            wrong(&template.span, "anybody could make this content: it lacks the secret", help);
        }
    }
}
