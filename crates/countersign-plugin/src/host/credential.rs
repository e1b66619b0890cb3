//! One credential behind the border: what its handle is made of, so that it can be made anew, and how it is asked.

use super::call::{self, Handle, Lent, Room, lend, view};
use super::crossing::Crossing;
use super::descriptor::check_needs;
use super::mode::Shape;
use super::redact::Spellings;
use super::rooms::{Rooms, TEXT};
use super::verdict::{self, Answer, Prints};
use super::watch::lock;
use crate::abi;
use crate::border;
use countersign::{Binds, KeyError, KeyIndex, KeySet, Var, Vars};
use std::borrow::Cow;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// Room for a module's complaints, in bytes.
const ERRORS: usize = 64 << 10;
/// Room for its notes.
const NOTES: usize = 16 << 10;

/// Room for the names of the headers that it looks at.
const HEADERS: usize = 16 << 10;

/// Memory that is not the module's may hold anything now, and so may the answer.
const PAST_THE_END: &str = "the module writes past the end of what it was lent";

/// Everything a handle is made of. The values are wiped when dropped.
pub(super) struct Setup {
    pub(super) shape: Arc<Shape>,
    pub(super) config: Arc<[u8]>,
    pub(super) vars: Arc<[(Var, Option<Zeroizing<String>>)]>,
    pub(super) part: Option<Part>,
    pub(super) purpose: u32,
}

/// One key.
pub(super) struct Part {
    /// Its place in the ring; none for a key that is only tried.
    pub(super) index: Option<KeyIndex>,
    pub(super) id: String,
    pub(super) role: String,
    pub(super) kind: u32,
    pub(super) value: Zeroizing<Vec<u8>>,
}

/// What compiling came to.
pub(super) struct Outcome {
    pub(super) status: i32,
    pub(super) handle: Option<Handle>,
    pub(super) needs: abi::Needs,
    /// The module's own words, not yet looked at.
    pub(super) errors: Zeroizing<Vec<u8>>,
    pub(super) notes: Vec<u8>,
    /// Lines: the headers that it looks at.
    pub(super) headers: Vec<u8>,
}

/// Values for variables, as they cross.
pub(super) fn vars_of(declared: &[Var], given: &Vars) -> Arc<[(Var, Option<Zeroizing<String>>)]> {
    let value = |var: &Var| given.get(&var.name).map(|value| Zeroizing::new(value.to_owned()));
    declared.iter().map(|var| (var.clone(), value(var))).collect()
}

impl Setup {
    /// Call `compile`. `Err`: what it wrote is not as the contract has it.
    pub(super) fn compile(&self) -> Result<Outcome, String> {
        let Self { shape, config, vars, part, purpose } = self;
        let vars: Vec<abi::Var> = vars
            .iter()
            .map(|(var, value)| abi::Var {
                name: view(var.name.as_bytes()),
                value: value.as_ref().map_or(abi::Bytes::EMPTY, |value| view(value.as_bytes())),
            })
            .collect();
        let parts: Vec<abi::SecretPart> = part
            .iter()
            .map(|Part { id, role, kind, value, .. }| abi::SecretPart {
                key_id: view(id.as_bytes()),
                role: view(role.as_bytes()),
                value: view(value),
                kind: *kind,
                reserved: 0,
            })
            .collect();
        let setup = abi::Setup {
            struct_size: size_of::<abi::Setup>(),
            purpose: *purpose,
            reserved: 0,
            config_json: view(config),
            parts: parts.as_ptr(),
            part_count: parts.len(),
            vars: vars.as_ptr(),
            var_count: vars.len(),
        };
        // A complaint may quote the key that it is about.
        let mut errors = Zeroizing::new(vec![0; ERRORS]);
        let (mut notes, mut headers) = (vec![0; NOTES], vec![0; HEADERS]);
        let mut compiled = abi::Compiled {
            struct_size: size_of::<abi::Compiled>(),
            handle: ptr::null_mut(),
            needs: abi::Needs { body: 0, keys: 0, abilities: 0, binds: 0 },
            errors: lend(&mut errors),
            notes: lend(&mut notes),
            headers: lend(&mut headers),
        };
        let lent = [&compiled.errors, &compiled.notes, &compiled.headers].map(Lent::of);
        let status = {
            // Given back before the handle may be: that takes a turn as well.
            let _turn = match &shape.gate {
                None => None,
                Some(gate) => {
                    Some(gate.enter(shape.shared.deadline).ok_or("another call into the mode does not end")?)
                }
            };
            shape.shared.within(|| call::compile(&shape.functions, &setup, &mut compiled))
        };
        let handle = (!compiled.handle.is_null())
            .then(|| Handle::new(compiled.handle, shape.functions, shape.gate.clone()));
        // SAFETY: all three vectors live, unmoved, until the end of this function.
        let written = unsafe { lent[0].written(&compiled.errors) };
        // SAFETY: as above.
        let noted = unsafe { lent[1].written(&compiled.notes) };
        // SAFETY: as above.
        let named = unsafe { lent[2].written(&compiled.headers) };
        let (Some(written), Some(noted), Some(named)) = (written, noted, named) else {
            return Err(
                "it says that it wrote more complaints than there is room for, or changed the buffer".into(),
            );
        };
        let (errors, notes) = (Zeroizing::new(written.to_vec()), noted.to_vec());
        Ok(Outcome { status, handle, needs: compiled.needs, errors, notes, headers: named.to_vec() })
    }

    /// Every spelling of the key, and of the variables that are secret.
    pub(super) fn spellings(all: &[&Self]) -> Spellings {
        let keys = all.iter().filter_map(|setup| setup.part.as_ref()).map(|part| &part.value[..]);
        let vars = all.iter().flat_map(|setup| setup.vars.iter());
        let vars = vars.filter(|(var, _)| var.secret).filter_map(|(_, value)| value.as_ref());
        Spellings::of(keys.chain(vars.map(|value| value.as_bytes())))
    }
}

/// A handle for one key of a ring, or for none.
pub(super) struct Credential {
    pub(super) setup: Setup,
    /// Itself; none where it has no place in a ring.
    own: KeySet,
    first: Arc<Handle>,
    /// Whether the first is not to be used any more: it panicked.
    replaced: AtomicBool,
    /// What is used instead.
    newest: Mutex<Arc<Handle>>,
}

impl Credential {
    /// Make its handle.
    pub(super) fn new(setup: Setup) -> Result<Self, KeyError> {
        let first = Arc::new(make(&setup)?);
        let newest = Mutex::new(first.clone());
        let own = setup.part.as_ref().and_then(|part| part.index).into_iter().collect();
        Ok(Credential { setup, own, first, replaced: AtomicBool::new(false), newest })
    }

    /// Borrowed while nothing has gone wrong: a count of references costs as much as a look at a header.
    #[inline]
    pub(super) fn handle(&self) -> Cow<'_, Arc<Handle>> {
        match self.replaced.load(Ordering::Acquire) {
            false => Cow::Borrowed(&self.first),
            true => Cow::Owned(lock(&self.newest).clone()),
        }
    }

    /// The one key, as a set; empty where it has no place in a ring.
    #[inline]
    pub(super) fn own(&self) -> KeySet {
        self.own
    }

    pub(super) fn index(&self) -> Option<KeyIndex> {
        self.setup.part.as_ref().and_then(|part| part.index)
    }

    /// After a panic: what the old handle holds may be half done. Calls that still run keep it until they return.
    pub(super) fn renew(&self, old: &Arc<Handle>) {
        let mut newest = lock(&self.newest);
        if !Arc::ptr_eq(&newest, old) {
            return;
        }
        match make(&self.setup) {
            Ok(handle) => {
                *newest = Arc::new(handle);
                self.replaced.store(true, Ordering::Release);
            }
            Err(_) => {
                self.setup.shape.shared.quarantine("a handle could not be made anew after a panic".into())
            }
        }
    }
}

fn make(setup: &Setup) -> Result<Handle, KeyError> {
    let Setup { shape, part, purpose, .. } = setup;
    let named = |error: KeyError| match part {
        Some(part) => error.key(&countersign::KeyId::new(&*part.id)),
        None => error,
    };
    let broken = |says: String| named(KeyError::new(format!("the module {}: {says}", shape.shared.name)));
    let Outcome { status, handle, needs, errors, .. } = setup.compile().map_err(broken)?;
    let words = || {
        let said = Setup::spellings(&[setup]).clean(first_line(&errors));
        if said.is_empty() { "it gives no reason".to_owned() } else { said }
    };
    match (status, handle) {
        (abi::OK, Some(handle)) => match check_needs(&needs) {
            Ok(()) => Ok(handle),
            Err(says) => Err(broken(says)),
        },
        (abi::OK, None) => Err(broken("it compiled, and gave no handle".into())),
        (abi::BAD_KEY, _) => Err(named(KeyError::new(words()))),
        (abi::UNSUPPORTED, _) if *purpose == abi::FOR_SIGN => Err(match errors.is_empty() {
            true => KeyError::cannot_sign(),
            false => KeyError::new(words()),
        }),
        (abi::BAD_CONFIG, _) => Err(broken(format!("it refuses a table that it took before: {}", words()))),
        (abi::PANIC, _) => Err(broken("it panicked".into())),
        (status, _) => Err(broken(format!("it returned the status {status}"))),
    }
}

/// The message of the first complaint, without its pointer.
fn first_line(errors: &[u8]) -> &[u8] {
    let line = errors.split(|b| *b == b'\n').next().unwrap_or_default();
    let mut fields = line.splitn(3, |b| *b == b'\t');
    let first = fields.next().unwrap_or_default();
    fields.next().unwrap_or(first)
}

/// What came back of a call that was lent no more room than there always is.
pub(super) struct Came {
    pub(super) status: i32,
    pub(super) rooms: Rooms,
}

/// Ask a handle about a request, unless something `came` back already. What its content is known by is added to `known`.
pub(super) fn ask<'r>(
    handle: &Handle,
    shape: &Shape,
    binds: Binds,
    request: &abi::Request,
    crossing: &Crossing<'r>,
    came: Option<Came>,
    known: &mut Prints,
) -> Answer<'r> {
    let mut read = |came: Result<Came, Answer<'r>>, prints: Option<&[u8]>| match came {
        Ok(Came { status, rooms }) if rooms.is_whole() => {
            let answer = verdict::read(&rooms, prints, status, shape, binds, crossing, known);
            rooms.keep();
            answer
        }
        Ok(_) => Answer::Fault(PAST_THE_END.into()),
        Err(answer) => answer,
    };
    match read(came.map_or_else(|| ask_with(handle, shape, request, None), Ok), None) {
        Answer::NoSpace(needed) => {
            let mut prints = vec![0; needed];
            let came = ask_with(handle, shape, request, Some(lend(&mut prints)));
            match read(came, Some(&prints)) {
                Answer::NoSpace(_) => Answer::Fault("the module wants more room than it asked for".into()),
                answer => answer,
            }
        }
        answer => answer,
    }
}

/// One call, with `prints` in the place of the room for fingerprints, if there is more. `Err`: it was not made.
fn ask_with<'r>(
    handle: &Handle,
    shape: &Shape,
    request: &abi::Request,
    prints: Option<abi::Buf>,
) -> Result<Came, Answer<'r>> {
    let mut rooms = Rooms::of(shape.shared.id);
    let verdict = match prints {
        None => rooms.lend(),
        Some(prints) => rooms.lend_with(prints),
    };
    let _turn = match handle.gate() {
        None => None,
        Some(gate) => Some(gate.enter(shape.shared.deadline).ok_or(Answer::Busy)?),
    };
    let status = shape.shared.within(|| handle.verify(request, verdict));
    Ok(Came { status, rooms })
}

/// What a module may write for one mark.
struct MarkRoom {
    name: Vec<u8>,
    text: Vec<u8>,
    joined_by: Vec<u8>,
}

/// A mark as it came.
pub(super) struct RawMark {
    pub(super) place: u32,
    pub(super) name: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) joined_by: Option<Vec<u8>>,
}

/// What signing came to.
pub(super) enum Signed {
    Marks(Vec<RawMark>),
    /// The outcome, the row of a detail, and what was said.
    Refused(u32, u32, Vec<u8>),
    /// It was not asked: others were before it.
    Busy,
    Panicked,
    Fault(String),
}

/// How many marks there are at most, how long one is, and how much room all of them get.
const MAX_MARKS: usize = 256;
const MAX_MARK: usize = 1 << 20;
const MAX_ROOM: usize = 8 << 20;

/// Have a handle sign a draft.
pub(super) fn sign(handle: &Handle, shape: &Shape, draft: &abi::Draft) -> Signed {
    let (mut count, mut sizes) = (8, [256, 2048, 64]);
    for _ in 0..3 {
        let mut rooms: Vec<MarkRoom> = (0..count)
            .map(|_| MarkRoom {
                name: vec![0; sizes[0]],
                text: vec![0; sizes[1]],
                joined_by: vec![0; sizes[2]],
            })
            .collect();
        let mut marks: Vec<abi::Mark> = rooms
            .iter_mut()
            .map(|room| abi::Mark {
                place: 0,
                joined: 0,
                name: lend(&mut room.name),
                text: lend(&mut room.text),
                joined_by: lend(&mut room.joined_by),
            })
            .collect();
        let lent: Vec<[Lent; 3]> = marks
            .iter()
            .map(|mark| [Lent::of(&mark.name), Lent::of(&mark.text), Lent::of(&mark.joined_by)])
            .collect();
        let mut text = Room::<TEXT>::empty();
        let mut signed = abi::Signed {
            struct_size: size_of::<abi::Signed>(),
            outcome: 0,
            detail_code: 0,
            marks: marks.as_mut_ptr(),
            mark_cap: marks.len(),
            mark_count: 0,
            detail_text: text.buf(),
        };
        let lent_text = Lent::of(&signed.detail_text);
        let _turn = match handle.gate() {
            None => None,
            Some(gate) => match gate.enter(shape.shared.deadline) {
                Some(turn) => Some(turn),
                None => return Signed::Busy,
            },
        };
        let status = shape.shared.within(|| handle.sign(draft, &mut signed));
        if !text.is_whole() {
            return Signed::Fault(PAST_THE_END.into());
        }
        match status {
            abi::NO_SPACE => {
                let back = &marks[..marks.len().min(signed.mark_count)];
                let most = |of: fn(&abi::Mark) -> usize| back.iter().map(of).max().unwrap_or(0);
                let wanted = [most(|m| m.name.len), most(|m| m.text.len), most(|m| m.joined_by.len)];
                (count, sizes) = (count.max(signed.mark_count), [0, 1, 2].map(|i| sizes[i].max(wanted[i])));
                let much = sizes.iter().any(|size| *size > MAX_MARK) || count > MAX_MARKS;
                if much || count * sizes.iter().sum::<usize>() > MAX_ROOM {
                    return Signed::Fault(
                        "the module wants room for more marks than a request can carry".into(),
                    );
                }
            }
            abi::OK if signed.outcome != 0 => {
                // SAFETY: the room lives until the end of this round.
                let said = unsafe { lent_text.written(&signed.detail_text) };
                return match said {
                    Some(said) => Signed::Refused(signed.outcome, signed.detail_code, said.to_vec()),
                    None => Signed::Fault("the module says that it wrote more than a buffer holds".into()),
                };
            }
            abi::OK => return read_marks(&marks, &lent, signed.mark_count),
            abi::PANIC => return Signed::Panicked,
            status => return Signed::Fault(format!("the module returned the status {status} from `sign`")),
        }
    }
    Signed::Fault("the module never has enough room for its marks".into())
}

fn read_marks(marks: &[abi::Mark], lent: &[[Lent; 3]], count: usize) -> Signed {
    if count > marks.len() {
        return Signed::Fault("the module says that it made more marks than there is room for".into());
    }
    let read = |(mark, lent): (&abi::Mark, &[Lent; 3])| {
        // SAFETY: the rooms of the marks live until the caller has this answer.
        let name = unsafe { lent[0].written(&mark.name) }?;
        // SAFETY: as above.
        let text = unsafe { lent[1].written(&mark.text) }?;
        // SAFETY: as above.
        let joined_by = unsafe { lent[2].written(&mark.joined_by) }?;
        let joined_by = (mark.joined != 0).then(|| joined_by.to_vec());
        Some(RawMark { place: mark.place, name: name.to_vec(), text: text.to_vec(), joined_by })
    };
    match marks[..count].iter().zip(lent).map(read).collect::<Option<Vec<_>>>() {
        Some(marks) => Signed::Marks(marks),
        None => Signed::Fault(
            "the module says that it wrote more than a buffer holds, or changed the buffer".into(),
        ),
    }
}

/// The bits of a kind of key.
pub(super) fn kind_bit(kind: countersign::KeyKind) -> u32 {
    border::KINDS.iter().find(|(known, _)| *known == kind).map_or(0, |(_, bit)| *bit)
}
