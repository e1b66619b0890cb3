//! What content is known by under keys that did not sign it.
//!
//! A guard remembers the tags of every key of a ring. Where each key is asked on its own, as behind the C ABI, those
//! that did not match must say theirs, too. Of a preset with alternative contents nobody knows which of them the other
//! key signed, and so all are told: alternatives are spellings of one message, and to take a spelling for seen is right.

use super::place::Candidates;
use super::scope::Scope;
use super::template::{Bound, Primitive, Prints};
use super::value::Pieces;
use crate::outcome::Fingerprints;
use crate::request::Request;

impl<P: Primitive> Bound<P> {
    /// The prints of a request, or of each of its elements, under every key held.
    pub(super) fn known_by(&self, request: &Request<'_>) -> Option<Fingerprints> {
        if self.finder.is_some() {
            return None;
        }
        let scope = Scope::new(request);
        let mut prints = Prints::default();
        match &self.plan.each {
            None => self.prints_of(&scope, &mut prints)?,
            Some(each) => {
                let items = scope.json().and_then(|json| json.wildcard(&each.pattern)).ok()?;
                if items.len() > each.max {
                    return None;
                }
                for item in items {
                    self.prints_of(&scope.at_item(item), &mut prints)?;
                }
            }
        }
        let prints = prints.done();
        (!prints.is_empty()).then_some(prints)
    }

    fn prints_of(&self, scope: &Scope<'_>, prints: &mut Prints) -> Option<()> {
        let mut candidates = Candidates::new();
        let found = self.find(scope, &mut candidates).ok()?;
        let contents = if found.case.per_candidate { found.candidates.len() } else { 1 };
        for candidate in 0..contents {
            let fields = found.fields(candidate);
            let local = self.local(&found, &fields);
            for template in &found.case.templates {
                let mut pieces = Pieces::new();
                if !found.case.per_key && template.resolve(scope, &local, &mut pieces).is_err() {
                    continue;
                }
                for key in &self.keys {
                    let derived;
                    let prepared = match key.prepared(found.algorithm) {
                        Some(prepared) => prepared,
                        None => match self.derive(key, found.algorithm, scope, &local) {
                            Ok(key) => {
                                derived = key;
                                &derived
                            }
                            Err(_) => continue,
                        },
                    };
                    let mut state = self.primitive.start(prepared);
                    if !found.case.per_key {
                        pieces.iter().for_each(|piece| self.primitive.update(&mut state, piece));
                    } else if self.take_in_secret(key, template, scope, &local, &mut state).is_err() {
                        continue;
                    }
                    prints.push(&*self.primitive, self.primitive.finish(state));
                }
            }
        }
        Some(())
    }
}
