//! Requests damaged at random, each judged twice and in pieces.

use super::kit::{Kit, Subject};
use super::promises::{ANSWERS_DIFFER, Check, PIECES, WRONG_YES};
use crate::run;
use crate::vectors::{Case, Expect};

/// Judges a case, and many damaged copies of it.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    let case = subject.case;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ case.name.len() as u64);
    for round in 0..=kit.options.damaged {
        let mut copy = case.clone();
        (0..round.min(4)).for_each(|_| dice.damage(&mut copy));
        kit.found.damaged += 1;
        let what = if round == 0 { "as it stands" } else { "damaged" };
        let what = format_args!("{what}");
        let Some(first) = kit.ask(Check::Damage, subject, &copy, what) else { continue };
        let Some(second) = kit.ask(Check::Damage, subject, &copy, what) else { continue };
        if first != second {
            let found = format!("{what}: asked twice, it answers {} and {}", first.code, second.code);
            kit.say(ANSWERS_DIFFER, Some(case), found);
        }
        let pieces = kit.caught(case, what, || {
            run::disagreement(&subject.verifier, &copy, &first, (round > 0).then_some("damaged"))
        });
        if let Some(failure) = pieces.flatten() {
            kit.say(
                PIECES,
                Some(case),
                format!("{what}: expected {}, got {}", failure.expected, failure.got),
            );
        }
        // A challenge is answered, whatever may be said of its signature.
        let refused = !matches!(case.expect, Expect::Ok | Expect::Handshake);
        if round == 0 && refused && first.is_ok() {
            kit.say(WRONG_YES, Some(case), "it verifies and must not");
        }
    }
}

/// A small generator: the same damage every time, so that what is found can be found again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*: no quality is needed, only variety.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    fn damage(&mut self, case: &mut Case) {
        let headers = &mut case.request.headers;
        let header = self.roll(headers.len());
        match (self.roll(8), headers.get_mut(header)) {
            (0, Some((_, value))) => self.bytes(value),
            (1, Some((_, value))) => value.truncate(self.roll(value.len() + 1)),
            (2, Some((_, value))) => *value = vec![b',' + self.roll(20) as u8; self.roll(9000)],
            (3, Some(_)) => drop(headers.remove(header)),
            (4, Some(twin)) => {
                let twin = twin.clone();
                headers.push(twin);
            }
            (5, _) => case.request.body.truncate(self.roll(case.request.body.len() + 1)),
            (6, _) => {
                case.request.url.push_str(["?", "&a", "%", "#", "\u{e9}", "/..", "&a=%zz"][self.roll(7)])
            }
            (_, _) => self.bytes(&mut case.request.body),
        }
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let at = self.roll(bytes.len() + 1);
        match (self.roll(3), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << self.roll(8),
            (1, Some(_)) => drop(bytes.remove(at)),
            _ => bytes.insert(at, self.roll(256) as u8),
        }
    }
}
