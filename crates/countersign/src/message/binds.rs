//! What a signature binds: worked out once, from the plan, and never from a request.
//!
//! The rule errs on one side. Something counts as bound only if a change of it must change the signed content: it
//! stands outside every optional segment, in every case and every alternative, and reaches the content through filters
//! that no two inputs share an output of. A checksum that is not cryptographic binds nothing.

use super::filter::{Filter, Keeps};
use super::place::Place;
use super::plan::{Case, Plan};
use super::test::{Check, Test};
use super::value::{Slot, Source, Value};
use crate::outcome::Binds;

/// What every request that verifies by this plan is bound to.
pub(crate) fn of(plan: &Plan) -> Binds {
    let all = plan.cases.iter().flat_map(|case| case.templates.iter().map(move |template| (case, template)));
    all.map(|(case, template)| of_template(plan, case, template)).reduce(Binds::common).unwrap_or_default()
}

fn of_template(plan: &Plan, case: &Case, template: &Value) -> Binds {
    let content = Content { plan, case, template };
    let mut binds = Binds::default();
    if content.has(|slot| {
        slot.source == Source::Url && slot.keeps(&[Keeps::Port, Keeps::QueryDrop, Keeps::PercentDecode])
    }) {
        binds = binds | Binds::URL;
    }
    if content.query() {
        binds = binds | Binds::QUERY;
    }
    if content.whole(&Source::Method) {
        binds = binds | Binds::METHOD;
    }
    if content.whole(&Source::Body)
        || case.late.iter().chain(&case.early).any(|test| content.equates_body(test))
    {
        binds = binds | Binds::BODY;
    }
    let body = binds.contains(Binds::BODY);
    if let Some(time) = &plan.time
        && (content.whole(&Source::Timestamp) || content.places(&time.places, body))
    {
        binds = binds | Binds::TIME;
    }
    if let Some(id) = &plan.id
        && (content.whole(&Source::Id) || content.places(&id.places, body))
    {
        binds = binds | Binds::ID;
    }
    binds
}

/// One content of one case.
struct Content<'a> {
    plan: &'a Plan,
    case: &'a Case,
    template: &'a Value,
}

impl Content<'_> {
    /// Whether such a placeholder reaches the content whatever the request: itself, in a part that does, or in the key.
    fn has(&self, is: impl Fn(&Slot) -> bool) -> bool {
        let part = |slot: &Slot| match slot.source {
            Source::Part(index) if slot.keeps(&[]) => fixed(&self.plan.parts[index]).any(&is),
            _ => false,
        };
        // A key is filled with zeros: only what can hold none, or is of one length, is bound by standing in it.
        let in_key = |slot: &Slot| {
            let digest = slot.filters.iter().any(|filter| filter.keeps() == Keeps::Digest);
            digest || matches!(slot.source, Source::Timestamp | Source::Id | Source::Method | Source::Url)
        };
        fixed(self.template).any(|slot| is(slot) || part(slot))
            || self.plan.key.derive.iter().flat_map(fixed).any(|slot| in_key(slot) && is(slot))
    }

    /// Whether this source is bound in full.
    fn whole(&self, source: &Source) -> bool {
        self.has(|slot| slot.source == *source && slot.keeps(&[]))
    }

    fn query(&self) -> bool {
        let of_query = [Source::Url, Source::Target, Source::QueryString];
        self.has(|slot| of_query.contains(&slot.source) && slot.keeps(&[Keeps::Port]))
    }

    /// Whether something that the sender wrote is covered: in the content, or in what is covered whole.
    fn covers(&self, source: &Source, body: bool) -> bool {
        self.whole(source)
            || match source {
                Source::Query(_) => self.query(),
                Source::Json(_) | Source::Form(_) | Source::Item(_) => body,
                Source::Header(name) => self.listed(name.as_str()),
                _ => false,
            }
    }

    fn places(&self, places: &[Place], body: bool) -> bool {
        let covered = |place: &Place| place.as_source().is_some_and(|source| self.covers(&source, body));
        !places.is_empty() && places.iter().all(covered)
    }

    /// `require` equates a digest of the body with something that is bound: then the body is, too.
    fn equates_body(&self, test: &Test) -> bool {
        let Check::Equals(other) = &test.check else { return false };
        let digest =
            |value: &Value| single(value).is_some_and(|slot| slot.source == Source::Body && slot.keeps(&[]));
        let covered = |value: &Value| {
            single(value).is_some_and(|slot| slot.filters.is_empty() && self.covers(&slot.source, false))
        };
        (digest(&test.value) && covered(other)) || (digest(other) && covered(&test.value))
    }

    /// The one inference about dynamic lists: the content looks up the headers that a list names, and `require` says that
    /// the list contains this one.
    fn listed(&self, name: &str) -> bool {
        // The list as it is tested, looked up and joined, with nothing taken out of it before or after.
        let looked_up = |slot: &Slot| slot.filters.iter().position(Filter::looks_up_headers);
        let whole = |rest: &[Filter]| rest.iter().all(|filter| matches!(filter.row().name, "pairs" | "join"));
        let mut lists = fixed(self.template)
            .filter_map(|slot| Some((slot, slot.filters.split_at_checked(looked_up(slot)?)?)))
            .filter(|(_, (_, rest))| whole(&rest[1..]));
        lists.any(|(list, (before, _))| {
            self.case.early.iter().chain(&self.case.late).any(|test| {
                let Check::Contains(wanted) = &test.check else { return false };
                single(&test.value).is_some_and(|slot| slot.source == list.source && *slot.filters == *before)
                    && wanted
                        .iter()
                        .filter_map(Value::literal)
                        .any(|w| w.eq_ignore_ascii_case(name.as_bytes()))
            })
        })
    }
}

/// The placeholders outside optional segments.
fn fixed(value: &Value) -> impl Iterator<Item = &Slot> {
    value.slots().filter(|(_, optional)| !optional).map(|(slot, _)| slot)
}

/// The placeholder that is all of a value.
fn single(value: &Value) -> Option<&Slot> {
    match &*value.segments {
        [super::value::Segment::Slot(slot)] => Some(slot),
        _ => None,
    }
}

impl Slot {
    /// Whether no two inputs give the same output, but for what `also` says does not matter.
    pub(crate) fn keeps(&self, also: &[Keeps]) -> bool {
        self.filters
            .iter()
            .map(Filter::keeps)
            .all(|keeps| matches!(keeps, Keeps::Injective | Keeps::Digest) || also.contains(&keeps))
    }
}
