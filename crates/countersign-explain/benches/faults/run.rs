//! Questions by the thousand: what is asked, and whether what is answered is right.

use crate::faults::bodies::{Body, Size};
use crate::faults::deliveries::{Delivery, Held, PRESETS, Question, Said};
use crate::faults::inject::{At, Class, Did, Fault, Side};
use crate::faults::leaks::Needles;
use crate::faults::random::Random;
use countersign::{KeyKind, Registry};
use countersign_explain::{Budget, Diagnosis, Proof, State};
use std::time::{Duration, Instant};

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// How many questions for each unit of a fault's weight.
    pub(crate) each: usize,
    pub(crate) doubles: usize,
    pub(crate) controls: usize,
    /// Every so manieth single has a body of a mebibyte; 0: none.
    pub(crate) big: usize,
    pub(crate) budget: Budget,
    /// Only faults of this class.
    pub(crate) class: Option<Class>,
}

/// A question with one fault in it, or more.
pub(crate) struct Asking {
    pub(crate) delivery: Delivery,
    pub(crate) question: Question,
}

/// What came of one question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Came {
    /// What had to be said was said, and nothing else.
    Right,
    /// Nothing was said.
    Nothing,
    /// Something that is not so was said to be proven.
    Wrong,
}

/// One question's answer and what it took.
pub(crate) struct Answer {
    pub(crate) came: Came,
    pub(crate) time: Duration,
    pub(crate) trials: u64,
    pub(crate) leak: Option<&'static str>,
    /// What was said, for whoever looks into it.
    pub(crate) said: String,
    /// What was asked, likewise.
    pub(crate) asked: String,
}

/// The moderately many attempts after which a fault is taken to fit nothing.
const ATTEMPTS: u64 = 200;

/// A question with these faults in it, the `number`th; `Err`: what stands against it. The same number always gives the same.
pub(crate) fn asking(registry: &Registry, faults: &[&Fault], number: u64, size: Size) -> Result<Asking, Did> {
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
    let mut random = Random::of(&codes.join("+"), number);
    let known = random.of_these(PRESETS);
    let delivery = Delivery::of(registry, known, size, &mut random).ok_or(Did::Unfit)?;
    let at = At { registry, delivery: &delivery };
    let spoilt = |faults: &[&Fault]| {
        let mut question = delivery.truth.clone();
        for fault in faults {
            // Its own stream, and not that of the delivery: what it makes itself would be the same again.
            let mut random = Random::of(&format!("into {}", fault.code), number);
            match fault.inject(&mut question, &at, &mut random) {
                Did::Spoilt => {}
                other => return Err(other),
            }
        }
        match question.said(registry) {
            Said::Verified | Said::NoPreset => Err(Did::Unfit),
            Said::Refused(_) | Said::NoKey => Ok(question),
        }
    };
    let question = spoilt(faults)?;
    if faults.len() > 1 {
        // Each alone does harm: else there would be one thing to find, and two to expect.
        faults.iter().try_for_each(|fault| spoilt(&[*fault]).map(drop))?;
    }
    Ok(Asking { delivery, question })
}

/// Ask about it, and judge what is said.
pub(crate) fn answer(
    registry: &Registry,
    asking: &Asking,
    budget: Budget,
    judge: impl FnOnce(&Diagnosis, &Question) -> Came,
) -> Answer {
    let Asking { delivery, question } = asking;
    let start = Instant::now();
    let diagnosis = question.ask(registry, budget);
    let time = start.elapsed();
    // A secret that cannot even be held is no question: the operator has heard before.
    let diagnosis = diagnosis.unwrap_or_default();
    let leak = Needles::of(registry, delivery, question).said(&diagnosis);
    let codes = |findings: &[countersign_explain::Finding]| {
        findings
            .iter()
            .map(|found| format!("{} ({:?})", found.code, found.proof))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let said = format!(
        "{:?}, cause [{}], noted [{}]{}",
        diagnosis.state,
        codes(&diagnosis.cause),
        codes(&diagnosis.noted),
        if diagnosis.effort.cut_short { ", cut short" } else { "" },
    );
    Answer {
        came: judge(&diagnosis, question),
        time,
        trials: diagnosis.effort.trials,
        leak,
        said,
        asked: format!("{}; {:?}", delivery.words(), question.said(registry)),
    }
}

/// Whether a diagnosis tells of these faults and of nothing else.
pub(crate) fn judge(faults: &[&Fault], diagnosis: &Diagnosis, question: &Question) -> Came {
    let Diagnosis { state, cause, noted, .. } = diagnosis;
    let tells = |code: &str| faults.iter().any(|fault| fault.is_told_by(code));
    let matched = cause.iter().any(|found| found.proof == Proof::Match);
    match faults {
        _ if *state == State::Verifies => Came::Wrong,
        [fault] if fault.class == Class::Hopeless => match state {
            // That a signed digest is of another body is true of every body that lost something.
            State::Explained
                if !matched
                    && fault.side == Side::Body
                    && cause.iter().all(|found| found.code == "body/altered") =>
            {
                Came::Right
            }
            State::Explained if matched || !shows(question, fault.side) => Came::Wrong,
            _ => Came::Right,
        },
        [fault] if fault.class == Class::Told => {
            match cause.iter().chain(noted).any(|found| tells(found.code)) {
                _ if matched && !cause.iter().all(|found| tells(found.code)) => Came::Wrong,
                true => Came::Right,
                false => Came::Nothing,
            }
        }
        _ if *state != State::Explained => Came::Nothing,
        _ if cause.is_empty() || !cause.iter().all(|found| tells(found.code)) => Came::Wrong,
        _ => {
            // Beside another cause, a time that is too old may be noted: no signature proves it.
            let told = |fault: &&Fault| {
                let beside = noted.iter().filter(|_| fault.side == Side::Time);
                cause.iter().chain(beside).any(|found| fault.is_told_by(found.code))
            };
            if faults.iter().all(told) { Came::Right } else { Came::Nothing }
        }
    }
}

/// Whether something can be read off a question that nobody can prove: lengths that contradict, secrets of an odd shape.
fn shows(question: &Question, side: Side) -> bool {
    let length = question.header_text("content-length").and_then(|text| text.parse::<usize>().ok());
    length.is_some_and(|length| length != question.body.len()) || matches!(side, Side::Secret | Side::Key)
}

/// What came of all questions of one kind.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) injected: usize,
    pub(crate) right: usize,
    pub(crate) wrong: usize,
    pub(crate) lost: usize,
    pub(crate) times: Vec<Duration>,
    pub(crate) trials: Vec<u64>,
    /// What was missed, and how to have it again.
    pub(crate) misses: Vec<String>,
    pub(crate) leaks: Vec<String>,
}

impl Row {
    fn take(&mut self, name: &str, number: u64, answer: Answer) {
        let Answer { came, time, trials, leak, said, asked } = answer;
        self.injected += 1;
        self.times.push(time);
        self.trials.push(trials);
        let line = format!("{name} #{number}: {asked}\n    {said}, {:.1} ms", time.as_secs_f64() * 1e3);
        if let Some(what) = leak {
            self.leaks.push(format!("{what} is told: {line}"));
        }
        match came {
            Came::Right => self.right += 1,
            Came::Nothing => self.misses.push(line),
            Came::Wrong => {
                self.wrong += 1;
                self.misses.push(format!("WRONG {line}"));
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Row) {
        let Row { injected, right, wrong, lost, times, trials, misses, leaks } = other;
        self.injected += injected;
        self.right += right;
        self.wrong += wrong;
        self.lost += lost;
        self.times.extend(times);
        self.trials.extend(trials);
        self.misses.extend_from_slice(misses);
        self.leaks.extend_from_slice(leaks);
    }
}

/// One fault, as often as its weight says.
pub(crate) fn single(registry: &Registry, fault: &Fault, plan: &Plan) -> Row {
    let mut row = Row::default();
    let wanted = (fault.weight * plan.each).max(1);
    for number in 0..wanted as u64 * ATTEMPTS {
        let big = plan.big > 0 && number % plan.big as u64 == 7;
        match asking(registry, &[fault], number, if big { Size::Big } else { Size::Small }) {
            Ok(asking) => {
                let answer = answer(registry, &asking, plan.budget, |diagnosis, question| {
                    judge(&[fault], diagnosis, question)
                });
                row.take(fault.code, number, answer);
            }
            Err(Did::Lost) => row.lost += 1,
            Err(_) => {}
        }
        if row.injected == wanted {
            break;
        }
    }
    row
}

/// Which sides go together. The order is the one of the day: what the sender did comes first, what the receiver did last.
const PAIRS: &[(Side, Side)] = &[
    (Side::Body, Side::Secret),
    (Side::Body, Side::Secret),
    (Side::Body, Side::Secret),
    (Side::Signature, Side::Secret),
    (Side::Signature, Side::Body),
    (Side::Url, Side::Body),
    (Side::Url, Side::Secret),
    (Side::Message, Side::Secret),
    (Side::Message, Side::Body),
    (Side::Transport, Side::Secret),
    (Side::Transport, Side::Body),
    (Side::Signature, Side::Url),
    (Side::Secret, Side::Time),
    (Side::Body, Side::Time),
    (Side::Url, Side::Time),
    (Side::Body, Side::Key),
    (Side::Signature, Side::Key),
];

/// Whether a fault leaves anything to be tried beside it.
fn is_of_a_pair(fault: &Fault) -> bool {
    fault.class == Class::Provable
        && !["transport/signature-stripped", "transport/time-stripped"].contains(&fault.code)
}

/// Pairs of faults, by their weights.
pub(crate) fn doubles(registry: &Registry, faults: &[Fault], plan: &Plan) -> Vec<(String, Row)> {
    let mut rows: Vec<(String, Row)> = Vec::new();
    let (mut asked, mut number) = (0, 0);
    while asked < plan.doubles && number < plan.doubles as u64 * ATTEMPTS {
        number += 1;
        let mut random = Random::of("double", number);
        let (one, other) = random.of_these(PAIRS);
        let first = by_weight(faults, *one, &mut random);
        let second = by_weight(faults, *other, &mut random);
        // The preset that is chosen for a pair may suit neither: the numbers after it are tried until one does.
        let fits = (0..150).map(|at| number * 1000 + at).find_map(|number| {
            let asking = asking(registry, &[first, second], number, Size::Small).ok()?;
            Some((number, asking))
        });
        let Some((number, asking)) = fits else { continue };
        asked += 1;
        let answer = answer(registry, &asking, plan.budget, |diagnosis, question| {
            judge(&[first, second], diagnosis, question)
        });
        let name = format!("{one:?} and {other:?}").to_lowercase();
        let at = rows.iter().position(|(known, _)| *known == name).unwrap_or(rows.len());
        if at == rows.len() {
            rows.push((name, Row::default()));
        }
        rows[at].1.take(&format!("{} + {}", first.code, second.code), number, answer);
    }
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows
}

fn by_weight<'f>(faults: &'f [Fault], side: Side, random: &mut Random) -> &'f Fault {
    let of_side: Vec<&Fault> =
        faults.iter().filter(|fault| fault.side == side && is_of_a_pair(fault)).collect();
    let all: usize = of_side.iter().map(|fault| fault.weight).sum();
    let mut left = random.below(all);
    let found = of_side.into_iter().find(|fault| {
        let here = left < fault.weight;
        left = left.saturating_sub(fault.weight);
        here
    });
    found.expect("the weights add up")
}

/// What nothing explains, by name.
pub(crate) const CONTROLS: &[&str] = &[
    "control/random-secret",
    "control/random-body",
    "control/cut-body",
    "control/changed-digit",
    "control/random-signature",
    "control/signed-by-another",
];

/// Questions without an answer: that none is given to them.
pub(crate) fn control(registry: &Registry, name: &'static str, plan: &Plan) -> Row {
    let mut row = Row::default();
    let wanted = plan.controls.div_ceil(CONTROLS.len());
    for number in 0..wanted as u64 * ATTEMPTS {
        let Some(asking) = unexplainable(registry, name, number) else { continue };
        let answer = answer(registry, &asking, plan.budget, |diagnosis, question| match diagnosis.state {
            State::Unexplained => Came::Right,
            State::Verifies => Came::Wrong,
            // What stands there for everyone to see is no lie, where it does; a match would be one.
            _ => {
                let refused = question.said(registry);
                let seen = |found: &countersign_explain::Finding| {
                    found.proof == Proof::Read
                        && match found.code {
                            // A signed digest of another body, which only these presets have.
                            "body/altered" => {
                                matches!(refused, Said::Refused("claim_mismatch"))
                                    && name != "control/random-secret"
                            }
                            "transport/signature-missing" => {
                                matches!(refused, Said::Refused("missing_signature"))
                            }
                            _ => shows(question, Side::Body),
                        }
                };
                if diagnosis.cause.iter().all(seen) { Came::Right } else { Came::Wrong }
            }
        });
        row.take(name, number, answer);
        if row.injected == wanted {
            break;
        }
    }
    row
}

pub(crate) fn unexplainable(registry: &Registry, name: &'static str, number: u64) -> Option<Asking> {
    let mut random = Random::of(name, number);
    let known = random.of_these(PRESETS);
    let delivery = Delivery::of(registry, known, Size::Small, &mut random)?;
    let mut question = delivery.truth.clone();
    let kept = random.once_in(4);
    match name {
        "control/random-secret" => {
            let other = Delivery::of(registry, known, Size::Small, &mut random)?.truth.key;
            question.key = other;
        }
        "control/random-body" => {
            question.body = Body::of(delivery.body.kind, Size::Small, &mut random).bytes;
        }
        "control/cut-body" => {
            let end = question.body.len().checked_sub(8)?;
            question.body.truncate(random.below(end.max(1)));
        }
        "control/changed-digit" => {
            let digits: Vec<usize> =
                (0..question.body.len()).filter(|at| question.body[*at].is_ascii_digit()).collect();
            let at = *digits.get(random.below(digits.len().max(1)))?;
            let up = 1 + random.below(8) as u8;
            question.body[at] = b'0' + (question.body[at] - b'0' + up) % 10;
        }
        "control/random-signature" => random_signature(&mut question, &mut random)?,
        _ => {
            let pen = match question.key.kind {
                KeyKind::Shared => Held::of(KeyKind::Shared, random.text("abcdef0123456789", 64)),
                _ => Delivery::of(registry, known, Size::Small, &mut random)?.pen,
            };
            question.carry(delivery.signed(registry, &question, &pen)?);
        }
    }
    if question.header("content-length").is_some() && !(kept && name == "control/cut-body") {
        question.set_header("content-length", question.body.len().to_string());
    }
    match question.said(registry) {
        Said::Refused(_) => Some(Asking { delivery, question }),
        _ => None,
    }
}

/// Every letter of the signature by chance, in the alphabet that it is written in.
fn random_signature(question: &mut Question, random: &mut Random) -> Option<()> {
    let name = question.signature_header()?;
    let value = question.header_text(&name)?;
    let start = value.rfind([',', '=', ' ', '.']).filter(|at| value.len() - at > 20).map_or(0, |at| at + 1);
    let start = if value.ends_with('=') { value.find(',').map_or(0, |at| at + 1) } else { start };
    let one = |c: char, random: &mut Random| match c {
        '0'..='9' => random.text("0123456789", 1),
        'a'..='f' => random.text("abcdef", 1),
        'g'..='z' => random.text("ghijklmnopqrstuvwxyz", 1),
        'A'..='Z' => random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1),
        c => c.to_string(),
    };
    let (before, signature) = value.split_at(start);
    let changed: String = signature.chars().map(|c| one(c, random)).collect();
    question.set_header(&name, format!("{before}{changed}"));
    Some(())
}
