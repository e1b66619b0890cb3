//! The other direction: the same plan makes what it verifies.
//!
//! Time and id are put where the receiver looks for them first, then the content is built from the request as the
//! receiver will see it, and last the signatures are placed.

use super::place::{At, Candidates, Extract, Place, encode};
use super::plan::{Algorithm, Case, Plan, Time};
use super::scope::{Local, Scope};
use super::template::{Bound, Primitive, why};
use super::test::{Check, Test, hold};
use super::value::{Pieces, Segment, Source, Value, refuse};
use super::{CASE_NONE, CONTENT_MALFORMED};
use crate::keys::{KeyError, KeySet};
use crate::mode::{Draft, Mark, MarkPlace, Sign};
use crate::outcome::{Reason, Rejection};
use crate::request::{Head, Request};
use crate::time::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

impl Plan {
    /// Why this plan cannot be turned round, if it cannot.
    pub(super) fn can_sign(&self) -> Result<(), KeyError> {
        let cannot = |why: &str| Err(KeyError::new(format!("this scheme verifies only: {why}")));
        if self.time.iter().any(|time| time.from_signature.is_some()) {
            return cannot("its time is a field of the signature");
        }
        if self.time.iter().any(|time| time.formats.is_opaque()) {
            return cannot("nothing says what its time looks like");
        }
        let places = self.cases.iter().flat_map(|case| &case.places);
        let others = self.time.iter().flat_map(|t| &t.places).chain(self.id.iter().flat_map(|id| &id.places));
        for place in places.chain(others) {
            if place.is_cleaned() || place.at == At::Body || matches!(place.extract, Extract::Regex { .. }) {
                return cannot("what is cut out of a place cannot be put back into it");
            }
        }
        match self.cases.iter().any(|case| case.per_candidate) {
            true => cannot("its content depends on the signature"),
            false => Ok(()),
        }
    }
}

impl<P: Primitive> Sign for Bound<P> {
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let plan = &self.plan;
        let mut sheet = Sheet::new(draft, out);
        let text = plan.time.as_ref().map(|time| time_text(time, draft.at));
        let items = self.items(draft)?;
        if let (Some(time), Some(text)) = (&plan.time, &text) {
            sheet.each(&time.places[0], &items, text.as_bytes(), None)?;
        }
        let id = plan.id.as_ref().filter(|id| id.needed || id.before);
        if let Some(id) = id {
            id.allows(draft.id.as_bytes())?;
            sheet.each(&id.places[0], &items, draft.id.as_bytes(), None)?;
        }
        // A place that the body has, and the preset says where the id is: nothing else names this message.
        let case = self.case_for(&mut sheet)?;
        for item in items.iter().map(Some).chain(items.is_empty().then_some(None)) {
            let mut count = 0;
            for key in self.keys.iter().filter(|key| live.contains(key.index)) {
                for place in places_for(case, key.role.as_ref()) {
                    let signature = {
                        let body = sheet.body.as_deref().unwrap_or(draft.body);
                        let request =
                            Request::new(Head::new(draft.method, sheet.url(), &sheet.headers), body);
                        let root = Scope::new(&request);
                        let scope = match item {
                            None => root,
                            Some(pointer) => {
                                let found = root.json().map_err(unreadable)?.pointer(pointer);
                                let found = found.ok_or_else(|| Rejection::new(Reason::MalformedContent))?;
                                root.at_item(found)
                            }
                        };
                        let local = Local {
                            timestamp: text.as_ref().map(|text| text.as_bytes()),
                            id: id.map(|_| draft.id.as_bytes()),
                            ..Local::default()
                        };
                        self.tag(case, key, &scope, &local)?
                    };
                    let joined = match (&place.extract, &place.list) {
                        (Extract::Pairs { between, .. }, None) => Some(between),
                        (_, list) => list.as_ref(),
                    };
                    let joined = joined.map(|text| Cow::Owned(text.to_string()));
                    let numbered = matches!(place.at, At::Numbered(_)).then_some(count);
                    sheet.put(
                        place,
                        item.map(|i| &**i),
                        numbered,
                        &encode(&signature, &place.encoding),
                        joined,
                    )?;
                    count += 1;
                }
            }
        }
        self.reread(&sheet, &items)
    }
}

impl<P: Primitive> Bound<P> {
    /// What is signed here must be what is taken: all that is found in it before a hash is looked at, and what is required.
    fn reread(&self, sheet: &Sheet<'_, '_>, items: &[String]) -> Result<(), Rejection> {
        let body = sheet.body.as_deref().unwrap_or(sheet.draft.body);
        let request = Request::new(Head::new(sheet.draft.method, sheet.url(), &sheet.headers), body);
        for item in items.iter().map(Some).chain(items.is_empty().then_some(None)) {
            let root = Scope::new(&request);
            let scope = match item {
                None => root,
                Some(pointer) => {
                    let found = root.json().map_err(unreadable)?.pointer(pointer);
                    root.at_item(found.ok_or_else(|| Rejection::new(Reason::MalformedContent))?)
                }
            };
            let mut candidates = Candidates::new();
            let found = self.find(&scope, &mut candidates)?;
            self.named(&found, &scope)?;
            self.late(&scope, &found, 0)?;
        }
        Ok(())
    }

    /// The signature over what the receiver will see.
    fn tag(
        &self,
        case: &Case,
        key: &super::held::Held<P>,
        scope: &Scope<'_>,
        local: &Local<'_>,
    ) -> Result<Vec<u8>, Rejection> {
        let number = match &case.algorithm {
            Algorithm::Fixed(number) => *number,
            Algorithm::Mapped { .. } => super::template::algorithm(&case.algorithm, scope)?,
        };
        let mut local = Local { secret: case.per_key.then(|| key.expose()), ..*local };
        let done = self.parts(scope, &local)?;
        local.parts = &done;
        let (mut pieces, mut derived) = (Pieces::new(), None);
        case.templates[0].resolve(scope, &local, &mut pieces)?;
        let prepared = match key.prepared(number) {
            Some(prepared) => prepared,
            None => &*derived.insert(self.derive(key, number, scope, &local)?),
        };
        let mut state = self.primitive.start(prepared);
        pieces.iter().for_each(|piece| self.primitive.update(&mut state, piece));
        self.primitive
            .sign(prepared, &self.primitive.finish(state))
            .ok_or_else(|| Rejection::new(Reason::ModeFault))
    }

    /// Concrete pointers of the elements that `each` means; none without it.
    fn items(&self, draft: &Draft<'_>) -> Result<Vec<String>, Rejection> {
        let Some(each) = &self.plan.each else { return Ok(Vec::new()) };
        let request = draft.request();
        let scope = Scope::new(&request);
        let json = scope.json().map_err(unreadable)?;
        let mut pointers = vec![String::new()];
        for token in each.pattern.split('/').skip(1) {
            pointers = pointers
                .into_iter()
                .flat_map(|pointer| match token {
                    "*" => {
                        let count = json.pointer(&pointer).map_or(0, |array| array.elements().count());
                        (0..count).map(|index| format!("{pointer}/{index}")).collect()
                    }
                    token => vec![format!("{pointer}/{token}")],
                })
                .collect();
        }
        match pointers.is_empty() || pointers.len() > each.max {
            true => Err(refuse(
                super::filter::Fault::Malformed("no elements to sign, or too many"),
                &each.pattern,
            )),
            false => Ok(pointers),
        }
    }

    /// The case a receiver would choose; headers that it requires to have one value are given it.
    fn case_for(&self, sheet: &mut Sheet<'_, '_>) -> Result<&Case, Rejection> {
        let case = {
            let body = sheet.body.as_deref().unwrap_or(sheet.draft.body);
            let request = Request::new(Head::new(sheet.draft.method, sheet.url(), &sheet.headers), body);
            let scope = Scope::new(&request);
            let fits = |case: &&Case| hold(&case.when, &scope, &Local::default()).unwrap_or(false);
            self.plan.cases.iter().find(fits)
        };
        let none =
            || Rejection::new(Reason::Disallowed).detail(CASE_NONE, "no case of the preset fits the request");
        let case = case.ok_or_else(none)?;
        for (name, value) in case.early.iter().chain(&case.late).filter_map(demanded) {
            if !sheet.has_header(name) {
                sheet.header(name, value.to_vec(), None);
            }
        }
        Ok(case)
    }
}

/// A test that only one value of a header passes.
fn demanded(test: &Test) -> Option<(&str, &[u8])> {
    let Check::Equals(wanted) = &test.check else { return None };
    match &*test.value.segments {
        [Segment::Slot(slot)] if slot.filters.is_empty() => match &slot.source {
            Source::Header(name) => Some((name.as_str(), Value::literal(wanted)?)),
            _ => None,
        },
        _ => None,
    }
}

/// Where a key of this role signs: every place of its role, else the first.
fn places_for<'c>(case: &'c Case, role: Option<&Arc<str>>) -> impl Iterator<Item = &'c Place> {
    let roled = case.places.iter().any(|place| place.role.is_some());
    let fits = move |place: &&Place| !roled || place.role.as_ref() == role;
    case.places.iter().filter(fits).take(1)
}

/// Something as it is put at a place; `None` where what is cut out cannot be put back.
pub(super) fn mark(place: &Place, text: &[u8]) -> Option<Mark> {
    let text = if place.encoding.is_empty() { text.to_vec() } else { encode(text, &place.encoding) };
    let text = match &place.extract {
        _ if place.is_cleaned() => return None,
        Extract::Regex { .. } => return None,
        extract => put_around(extract, &text),
    };
    let place = match &place.at {
        At::Header(name) => MarkPlace::Header(name.as_str().into()),
        At::Numbered(names) => MarkPlace::Header(names.first()?.as_str().into()),
        At::Query(name) => MarkPlace::Query((**name).into()),
        At::Form(name) => MarkPlace::Form((**name).into()),
        At::Json(pointer) => MarkPlace::Json((**pointer).into()),
        At::Item(_) | At::Body => return None,
    };
    Some(Mark { place, text, joined_by: None })
}

/// What an item looks like before it is cut.
fn put_around(extract: &Extract, text: &[u8]) -> Vec<u8> {
    match extract {
        Extract::Prefix { prefix, .. } => [prefix.as_bytes(), text].concat(),
        Extract::Pairs { separator, key, .. } => [key.as_bytes(), separator.as_bytes(), text].concat(),
        Extract::Scheme(scheme) => [scheme.as_bytes(), b" ", text].concat(),
        Extract::Raw | Extract::Regex { .. } => text.to_vec(),
    }
}

fn time_text(time: &Time, at: Timestamp) -> String {
    time.formats.print(at)
}

fn unreadable(fault: super::filter::Fault) -> Rejection {
    Rejection::new(Reason::MalformedContent).detail(CONTENT_MALFORMED, why(fault))
}

/// A draft with the marks so far, as a receiver would see it; each mark is handed on, too.
struct Sheet<'d, 'o> {
    draft: &'d Draft<'d>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The names of those that are not the draft's.
    put: Vec<Box<str>>,
    url: Option<String>,
    body: Option<Vec<u8>>,
    out: &'o mut dyn FnMut(Mark),
}

impl<'d, 'o> Sheet<'d, 'o> {
    fn new(draft: &'d Draft<'d>, out: &'o mut dyn FnMut(Mark)) -> Self {
        let mut headers = Vec::new();
        draft.headers.each(&mut |name, value| headers.push((name.to_vec(), value.to_vec())));
        Sheet { draft, headers, put: Vec::new(), url: None, body: None, out }
    }

    fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(self.draft.url)
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// In the place of the draft's, and joined to what was put there since: as whoever sends it puts it together.
    fn header(&mut self, name: &str, text: Vec<u8>, joined_by: Option<Cow<'static, str>>) {
        let named = |(there, _): &&mut (Vec<u8>, Vec<u8>)| there.eq_ignore_ascii_case(name.as_bytes());
        if !self.put.iter().any(|put| put.eq_ignore_ascii_case(name)) {
            self.headers.retain(|(there, _)| !there.eq_ignore_ascii_case(name.as_bytes()));
            self.headers.push((name.as_bytes().to_vec(), text.clone()));
            self.put.push(name.into());
        } else if let (Some((_, there)), Some(separator)) = (self.headers.iter_mut().find(named), &joined_by)
        {
            there.extend_from_slice(separator.as_bytes());
            there.extend_from_slice(&text);
        }
        (self.out)(Mark { place: MarkPlace::Header(name.into()), text, joined_by });
    }

    /// At the place, or at that of every element.
    fn each(
        &mut self,
        place: &Place,
        items: &[String],
        text: &[u8],
        joined_by: Option<Cow<'static, str>>,
    ) -> Result<(), Rejection> {
        let joined_by = match &place.extract {
            Extract::Pairs { between, .. } => Some(Cow::Owned(between.to_string())),
            _ => joined_by,
        };
        match (&place.at, items) {
            (At::Item(_), items) => {
                items.iter().try_for_each(|item| self.put(place, Some(item), None, text, joined_by.clone()))
            }
            _ => self.put(place, None, None, text, joined_by),
        }
    }

    fn put(
        &mut self,
        place: &Place,
        item: Option<&str>,
        number: Option<usize>,
        text: &[u8],
        joined_by: Option<Cow<'static, str>>,
    ) -> Result<(), Rejection> {
        let text = put_around(&place.extract, text);
        match &place.at {
            At::Header(name) => self.header(name.as_str(), text, joined_by),
            At::Numbered(names) => {
                let name = names.get(number.unwrap_or(0)).ok_or_else(|| Rejection::new(Reason::ModeFault))?;
                self.header(name.as_str(), text, None);
            }
            At::Query(name) => {
                self.url = Some(super::wire::with_pair(self.url(), name, &text));
                (self.out)(Mark { place: MarkPlace::Query((**name).into()), text, joined_by });
            }
            At::Form(name) => {
                let body = self.body.as_deref().unwrap_or(self.draft.body);
                self.body = Some(super::wire::with_field(body, name, &text));
                (self.out)(Mark { place: MarkPlace::Form((**name).into()), text, joined_by });
            }
            At::Json(pointer) | At::Item(pointer) => {
                let pointer: Arc<str> = format!("{}{pointer}", item.unwrap_or_default()).into();
                let body = self.body.as_deref().unwrap_or(self.draft.body);
                let value = String::from_utf8_lossy(&text);
                self.body = Some(super::json::place(body, &pointer, &value).map_err(unreadable)?);
                (self.out)(Mark { place: MarkPlace::Json(pointer), text, joined_by });
            }
            At::Body => return Err(Rejection::new(Reason::ModeFault)),
        }
        Ok(())
    }
}
