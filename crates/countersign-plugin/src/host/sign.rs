//! Signing by a loaded mode: one handle for each live key, and their marks without what all of them say.

use super::call::view;
use super::credential::{Credential, RawMark, Setup, Signed, sign};
use super::crossing::Crossing;
use super::mode::{BUSY, CROWDED, FAULT, PANICKED, QUARANTINED, SAID, Shape};
use crate::abi;
use crate::border;
use countersign::{BodyNeed, Draft, KeySet, Mark, MarkPlace, Reason, Rejection, Sign};
use std::borrow::Cow;
use std::sync::Arc;

/// A scheme with its signing keys.
pub(super) struct LoadedSign {
    pub(super) shape: Arc<Shape>,
    pub(super) credentials: Vec<Credential>,
}

impl Sign for LoadedSign {
    /// In the caller's thread whatever the isolation: who signs is the operator, and no stranger waits.
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let fault = |says: String| {
            self.shape.shared.fault();
            Err(Rejection::new(Reason::ModeFault).detail(FAULT, says))
        };
        if self.shape.shared.is_quarantined() {
            return Err(
                Rejection::new(Reason::ModeFault).detail(QUARANTINED, "the module is not asked any more")
            );
        }
        let request = draft.request();
        let mut crossing = Crossing::new(&request, BodyNeed::Whole);
        crossing.fill(&request, None);
        let headers = crossing.headers();
        let crossed = abi::Draft {
            struct_size: size_of::<abi::Draft>(),
            method: view(draft.method.as_bytes()),
            url: view(draft.url.as_bytes()),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            body: view(draft.body),
            id: view(draft.id.as_bytes()),
            at_ms: draft.at.unix_ms(),
        };
        let mut placed: Vec<(MarkPlace, Vec<u8>)> = Vec::new();
        let is_live = |credential: &&Credential| credential.index().is_some_and(|index| live.contains(index));
        for credential in self.credentials.iter().filter(is_live) {
            let handle = credential.handle();
            let marks = match sign(&handle, &self.shape, &crossed) {
                Signed::Marks(marks) => marks,
                Signed::Refused(outcome, row, said) => {
                    let Some(reason) = border::reason_of(outcome) else {
                        return fault(format!(
                            "the module gives the outcome {outcome:#x}, which there is not"
                        ));
                    };
                    let code = (row as usize).checked_sub(1).and_then(|row| self.shape.details.get(row));
                    let code = code.map_or(Cow::Borrowed(SAID), |(code, ..)| code.clone());
                    let all: Vec<&Setup> = self.credentials.iter().map(|one| &one.setup).collect();
                    let said = Setup::spellings(&all).clean(&said);
                    return Err(Rejection::new(reason).detail(code, said));
                }
                Signed::Busy => return Err(Rejection::new(Reason::ModeFault).detail(BUSY, CROWDED)),
                Signed::Panicked => {
                    credential.renew(&handle);
                    return fault(PANICKED.into());
                }
                Signed::Fault(says) => return fault(says),
            };
            for mark in marks {
                let Some(mark) = placed_mark(mark) else {
                    return fault(
                        "the module puts a mark where there is no place, or one that cannot stand there"
                            .into(),
                    );
                };
                // The time and the id are every key's.
                let twin = (mark.place.clone(), mark.text.clone());
                if !placed.contains(&twin) {
                    placed.push(twin);
                    out(mark);
                }
            }
        }
        Ok(())
    }
}

fn placed_mark(mark: RawMark) -> Option<Mark> {
    let name: Arc<str> = String::from_utf8(mark.name).ok().filter(|name| !name.is_empty())?.into();
    let joined_by = mark.joined_by.map(|text| String::from_utf8(text).ok().map(Cow::Owned));
    let place = match mark.place {
        abi::IN_HEADER if !is_header(&name, &mark.text) => return None,
        abi::IN_HEADER => MarkPlace::Header(name),
        abi::IN_QUERY => MarkPlace::Query(name),
        abi::IN_FORM => MarkPlace::Form(name),
        abi::IN_JSON => MarkPlace::Json(name),
        _ => return None,
    };
    let joined_by = match joined_by {
        None => None,
        Some(text) => Some(text?),
    };
    Some(Mark { place, text: mark.text, joined_by })
}

/// Whether it is one header, and not the end of one and the beginning of another.
fn is_header(name: &str, text: &[u8]) -> bool {
    let of_name = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    name.bytes().all(of_name) && text.iter().all(|b| *b == b'\t' || !b.is_ascii_control())
}
