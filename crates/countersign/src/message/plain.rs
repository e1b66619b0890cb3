//! The short way for plain plans: one header, one template of plain pieces, no tests.
//!
//! Most providers sign like that, and for a small body half of the time would go into what such a plan does not use.
//! The short way says yes only where the long way would, and no only to a signature that was read and fits no key;
//! whatever else is odd about a request it leaves to the long way, which knows why. A body in pieces always goes the long
//! way: that both agree is what the property tests of streaming show.

use super::place::{At, Extract, Place, Tag, decode, split};
use super::plan::{Algorithm, Case, Plan};
use super::scope::Scope;
use super::template::{Bound, Primitive};
use super::value::{Segment, Slot, Source};
use super::wire;
use crate::keys::KeySet;
use crate::mode::{Evidence, Refusal, SignedBy};
use crate::outcome::{Fingerprints, Reason};
use crate::request::{Found, Request};
use smallvec::SmallVec;

impl Plan {
    /// Whether the short way is open.
    pub(super) fn is_plain(&self) -> bool {
        let ([case], true) = (&*self.cases, self.parts.is_empty() && self.each.is_none()) else {
            return false;
        };
        let Case { when, early, late, templates, places, algorithm, wanted, per_candidate, per_key, .. } =
            case;
        let ([template], [place]) = (&**templates, &**places) else { return false };
        let plain = |segment: &Segment| match segment {
            Segment::Literal(_) => true,
            Segment::Slot(Slot { source, filters, without: None, .. }) => {
                filters.is_empty() && matches!(source, Source::Body | Source::Timestamp | Source::Id)
            }
            Segment::Slot(_) | Segment::Optional(_) => false,
        };
        when.is_empty()
            && early.is_empty()
            && late.is_empty()
            && wanted.is_empty()
            && !per_candidate
            && !per_key
            && !self.key.per_request
            && self.key.select.is_none()
            && matches!(algorithm, Algorithm::Fixed(_))
            && template.segments.iter().all(plain)
            && place.role.is_none()
            && place.is_one_header()
            && self.time.iter().all(|time| time.before && time.from_signature.is_none())
            && self.id.iter().all(|id| id.before)
    }
}

impl<P: Primitive> Bound<P> {
    /// `None`: go the long way.
    #[inline]
    pub(super) fn check_plain<'r>(&self, request: &Request<'r>) -> Option<Result<Evidence<'r>, Refusal>> {
        let (
            [Case { templates, places, algorithm: Algorithm::Fixed(algorithm), .. }],
            Plan { time, id, binds, .. },
        ) = (&*self.plan.cases, &self.plan)
        else {
            return None;
        };
        let mut tags = Tags::new();
        places[0].tags(request, &mut tags)?;
        let scope = Scope::new(request);
        let time = match time {
            Some(time) => Some(time.read(&scope).ok()??),
            None => None,
        };
        let id = match id {
            Some(id) => Some(id.read(&scope).ok()??),
            None => None,
        };
        let mut keys = KeySet::default();
        let mut prints = SmallVec::new();
        for key in &self.keys {
            let prepared = key.prepared(*algorithm)?;
            let mut state = self.primitive.start(prepared);
            for segment in &templates[0].segments {
                let piece = match segment {
                    Segment::Literal(text) => text,
                    Segment::Slot(Slot { source: Source::Body, .. }) => request.body,
                    Segment::Slot(Slot { source: Source::Timestamp, .. }) => &*time.as_ref()?.0,
                    Segment::Slot(Slot { source: Source::Id, .. }) => id.as_deref()?,
                    Segment::Slot(_) | Segment::Optional(_) => return None,
                };
                self.primitive.update(&mut state, piece);
            }
            let made = self.primitive.finish(state);
            prints.push(self.primitive.fingerprint(&made));
            for tag in &tags {
                if self.primitive.matches(prepared, &made, tag) {
                    keys.insert(key.index);
                }
            }
        }
        if keys.is_empty() {
            return Some(Err(Reason::BadSignature.into()));
        }
        Some(Ok(Evidence {
            signed_by: SignedBy::Held(keys),
            fingerprints: Fingerprints::of(prints),
            binds: *binds,
            signed_at: time.and_then(|(_, at)| at),
            signed_until: None,
            message_id: id.map(super::template::id_text),
        }))
    }
}

/// Decoded signatures; four cost no allocation.
type Tags = SmallVec<[Tag; 4]>;

impl Place {
    /// Whether it is one header that is cut without a pattern and not changed before.
    fn is_one_header(&self) -> bool {
        matches!(self.at, At::Header(_))
            && !self.repeat
            && !self.is_cleaned()
            && !matches!(self.extract, Extract::Regex { .. })
    }

    /// The signatures here, if all is as it should be.
    #[inline]
    fn tags(&self, request: &Request<'_>, tags: &mut Tags) -> Option<()> {
        let At::Header(name) = &self.at else { return None };
        let Found::One(text) = request.head.headers.find(name) else { return None };
        let text = wire::ows(text);
        if !wire::is_plain_header(text) {
            return None;
        }
        let mut left = self.max;
        match &self.list {
            None => self.tags_of(text, &mut left, tags)?,
            Some(separator) => {
                for item in split(text, separator.as_bytes()) {
                    let item = wire::ows(item);
                    if !item.is_empty() {
                        self.tags_of(item, &mut left, tags)?;
                    }
                }
            }
        }
        (!tags.is_empty()).then_some(())
    }

    /// `None` if there are more than may be.
    #[inline]
    fn tags_of(&self, item: &[u8], left: &mut usize, tags: &mut Tags) -> Option<()> {
        let mut add = |text: &[u8]| {
            pass_over(left)?;
            tags.push(Tag::new());
            let there = tags.last_mut().and_then(|tag| decode(text, &self.encoding, tag));
            if there.is_none() {
                tags.pop();
            }
            Some(())
        };
        match &self.extract {
            Extract::Raw => add(item),
            Extract::Prefix { prefix, optional } => match (item.strip_prefix(prefix.as_bytes()), optional) {
                (Some(rest), _) => add(rest),
                (None, true) => add(item),
                (None, false) => pass_over(left),
            },
            Extract::Pairs { between, separator, key } => {
                let mut any = false;
                for pair in split(item, between.as_bytes()) {
                    let value = pair
                        .strip_prefix(key.as_bytes())
                        .and_then(|rest| rest.strip_prefix(separator.as_bytes()));
                    if let Some(value) = value {
                        any = true;
                        add(value)?;
                    }
                }
                if any { Some(()) } else { pass_over(left) }
            }
            Extract::Regex { .. } => None,
        }
    }
}

/// An item without signature, such as one of another version, counts all the same.
fn pass_over(left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    Some(())
}
