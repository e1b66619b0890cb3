//! The short way for plain plans: one header, one template of plain pieces, no tests.
//!
//! Most providers sign like that, and for a small body half of the time would go into what such a plan does not use.
//! The short way says yes only where the long way would, and no only to a signature that was read and fits no key;
//! whatever else is odd about a request it leaves to the long way, which knows why. A body in pieces always goes the long
//! way: that both agree is what the property tests of streaming show.

use super::place::{At, Extract, Place, Tag, decode, split};
use super::plan::{Algorithm, Case, Plan, Time, Timed};
use super::template::{Bound, Primitive};
use super::value::{Segment, Slot, Source};
use super::wire;
use crate::keys::KeySet;
use crate::mode::{Evidence, Refusal, SignedBy};
use crate::outcome::{Fingerprints, Reason};
use crate::request::{Found, HeaderName, Request};
use smallvec::SmallVec;
use std::borrow::Cow;

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
                let known = match source {
                    Source::Body => true,
                    Source::Timestamp => self.time.is_some(),
                    Source::Id => self.id.is_some(),
                    _ => false,
                };
                filters.is_empty() && known
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
            && self.time.iter().all(|time| {
                let Time { places, from_signature, formats, before, .. } = time;
                *before && from_signature.is_none() && !formats.is_opaque() && in_one_header(places)
            })
            && self.id.iter().all(|id| id.before && in_one_header(&id.places))
    }
}

impl Plan {
    /// All headers that are looked at where the short way is open, be it gone or not. `None`: not known.
    pub(super) fn plain_headers(&self) -> Option<Vec<HeaderName>> {
        let Plan { cases, time, id, .. } = self;
        let places = cases.iter().flat_map(|case| &case.places);
        let places = places.chain(time.iter().flat_map(|time| &time.places));
        let places = places.chain(id.iter().flat_map(|id| &id.places)).filter(|_| self.is_plain());
        let mut names: Vec<HeaderName> = Vec::new();
        for place in places {
            let At::Header(name) = &place.at else { return None };
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        (!names.is_empty()).then_some(names)
    }
}

fn in_one_header(places: &[Place]) -> bool {
    matches!(places, [place] if place.is_one_header())
}

impl<P: Primitive> Bound<P> {
    /// The signatures, the time and the id, if all is as it should be. `None`: go the long way.
    #[inline]
    pub(super) fn read_plain<'r>(&self, request: &Request<'r>, tags: &mut Tags) -> Option<TimeAndId<'r>> {
        let Plan { cases, time, id, .. } = &self.plan;
        let place = &cases[0].places[0];
        let text = place.header(request)?;
        place.tags(text, tags)?;
        let read = |there: &Place| {
            // Several providers write the time beside the signature: one look at the header is enough.
            let text = if there.at == place.at { text } else { there.header(request)? };
            there.cut(Cow::Borrowed(text)).ok()
        };
        let time = match time {
            Some(time) => Some(time.timed(read(&time.places[0])?).ok()?),
            None => None,
        };
        let id = match id {
            Some(id) => Some(read(&id.places[0]).filter(|text| id.allows(text).is_ok())?),
            None => None,
        };
        Some((time, id))
    }

    /// One MAC a key, then only comparisons.
    #[inline]
    pub(super) fn judge_plain<'r>(
        &self,
        body: &[u8],
        tags: &Tags,
        time: Option<Timed<'r>>,
        id: Option<Cow<'r, [u8]>>,
    ) -> Result<Evidence<'r>, Refusal> {
        let Case { templates, algorithm, .. } = &self.plan.cases[0];
        let algorithm = match algorithm {
            Algorithm::Fixed(number) => *number,
            Algorithm::Mapped { .. } => return Err(Reason::ModeFault.into()),
        };
        // There is one content: kept under one key, it is the same under every other.
        let (mut keys, mut prints, mut whole) = (KeySet::default(), SmallVec::new(), None);
        let mut pieces = SmallVec::<[&[u8]; 12]>::new();
        for segment in &templates[0].segments {
            pieces.push(match (segment, &time, &id) {
                (Segment::Literal(text), _, _) => text,
                (Segment::Slot(Slot { source: Source::Body, .. }), _, _) => body,
                (Segment::Slot(Slot { source: Source::Timestamp, .. }), Some((text, _)), _) => text,
                (Segment::Slot(Slot { source: Source::Id, .. }), _, Some(id)) => id,
                _ => return Err(Reason::ModeFault.into()),
            });
        }
        for key in &self.keys {
            let Some(prepared) = key.prepared(algorithm) else { return Err(Reason::ModeFault.into()) };
            let made = self.primitive.whole(prepared, &pieces);
            if tags.iter().fold(false, |any, tag| self.primitive.matches(prepared, &made, tag) | any) {
                keys.insert(key.index);
            }
            match self.primitive.kept_content(made) {
                Ok(content) => whole = Some(content),
                Err(tag) => prints.push(self.primitive.fingerprint(&tag)),
            }
        }
        drop(pieces);
        if keys.is_empty() {
            return Err(Reason::BadSignature.into());
        }
        Ok(Evidence {
            signed_by: SignedBy::Held(keys),
            fingerprints: whole.map_or_else(|| Fingerprints::of(prints), Fingerprints::of_content),
            binds: self.plan.binds,
            signed_at: time.and_then(|(_, at)| at),
            signed_until: None,
            message_id: id.map(super::template::id_text),
        })
    }
}

/// The time and the id of a request, where the plan has them.
pub(super) type TimeAndId<'r> = (Option<Timed<'r>>, Option<Cow<'r, [u8]>>);

/// Decoded signatures; four cost no allocation.
pub(super) type Tags = SmallVec<[Tag; 4]>;

impl Place {
    /// Whether it is one header that is cut without a pattern and not changed before.
    fn is_one_header(&self) -> bool {
        let cut = match &self.extract {
            Extract::Raw => true,
            Extract::Prefix { prefix, .. } => wire::is_plain_header(prefix.as_bytes()),
            // A pair is cut at its first separator: a key that holds one is never found, and here it would be.
            Extract::Pairs { separator, key, .. } => {
                format!("{key}{separator}").find(&**separator) == Some(key.len())
            }
            Extract::Scheme(_) | Extract::Regex { .. } => false,
        };
        cut && matches!(self.at, At::Header(_)) && !self.repeat && !self.is_cleaned()
    }

    /// The header's value, if there is one and it is plain.
    #[inline]
    fn header<'r>(&self, request: &Request<'r>) -> Option<&'r [u8]> {
        let At::Header(name) = &self.at else { return None };
        let Found::One(text) = request.head.headers.find(name) else { return None };
        let text = wire::ows(text);
        // One word is looked at by whoever reads it: no encoding, time or id has a control character.
        let one_word = self.list.is_none() && matches!(self.extract, Extract::Raw | Extract::Prefix { .. });
        (one_word || wire::is_plain_header(text)).then_some(text)
    }

    /// The signatures in a header, if all is as it should be.
    #[inline]
    fn tags(&self, text: &[u8], tags: &mut Tags) -> Option<()> {
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
            Extract::Scheme(_) | Extract::Regex { .. } => None,
        }
    }
}

/// An item without signature, such as one of another version, counts all the same.
fn pass_over(left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::registry::Registry;

    /// The headers that a table of `hmac` names, if it does.
    fn named(table: &str) -> Option<Vec<String>> {
        let mut registry = Registry::new();
        let text = format!(
            "schema = 1\nname = \"t\"\ntitle = \"T\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\n\
             key = {{ forms = [{{ decode = \"text\" }}] }}\n{table}"
        );
        registry.add_preset("t.toml", text).unwrap();
        let compiled =
            registry.named("t").unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
        let headers = compiled.needs().headers.clone();
        headers.map(|names| names.iter().map(|name| name.as_str().to_owned()).collect())
    }

    #[test]
    fn a_plain_plan_names_its_headers_and_any_other_names_none() {
        const SIGNATURE: &str = "signature_source = { header = \"X-Sig\", encoding = \"hex\" }\n";
        assert_eq!(named(&format!("signed_template = \"{{body}}\"\n{SIGNATURE}")).unwrap(), ["x-sig"]);
        let all = format!(
            "signed_template = \"{{id}}.{{timestamp}}.{{body}}\"\nid_source = {{ header = \"X-Id\" }}\n\
             timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\n{SIGNATURE}"
        );
        assert_eq!(named(&all).unwrap(), ["x-sig", "x-time", "x-id"]);
        for other in ["{header:x-other}.{body}", "{method}.{body}", "{query:a}.{body}"] {
            assert_eq!(named(&format!("signed_template = \"{other}\"\n{SIGNATURE}")), None, "{other}");
        }
    }
}
