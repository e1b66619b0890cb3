//! What goes wrong with deliveries, as people report it: each a small function that takes a question about a delivery that
//! verifies and spoils it.
//!
//! The search knows nothing of this, and this knows nothing of the search: it asks by the library's public types, and is drawn
//! from threads of people whose signatures failed. What it spoils it can mend, for the question as it was is kept; and what
//! nobody can mend, because something is gone for good, it says and does not count.

mod body;
mod key;
mod message;
mod secret;
mod signature;
mod transport;
mod url;

use crate::faults::deliveries::{Delivery, Question};
use crate::faults::random::Random;
use countersign::Registry;

/// Which side of a delivery is spoilt. Two faults of one side are not put together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Side {
    Secret,
    Key,
    Body,
    Url,
    Message,
    Signature,
    Transport,
    Time,
}

/// What can be asked of whoever looks for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// Trial or a plain look proves it: the state is `Explained`, by causes of these families and no others.
    Provable,
    /// Nothing proves it, and yet it shows: it is enough if it is noted. Counted for itself.
    Told,
    /// What is needed is gone. Nothing may be said to match.
    Hopeless,
}

/// What an injection did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Did {
    Spoilt,
    /// It changes nothing here, or there is nothing here that it could change.
    Unfit,
    /// It destroyed what nobody can guess.
    Lost,
}

impl Did {
    pub(crate) fn if_so(done: bool) -> Did {
        if done { Did::Spoilt } else { Did::Unfit }
    }
}

/// What an injection may look at.
pub(crate) struct At<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) delivery: &'a Delivery,
}

type Inject = Box<dyn Fn(&mut Question, &At<'_>, &mut Random) -> Did + Send + Sync>;

/// A way in which things go wrong.
pub(crate) struct Fault {
    /// Ours, and not the search's: `side/what`.
    pub(crate) code: &'static str,
    pub(crate) side: Side,
    /// How often, beside the others: 1 is rare, 10 is what most threads are about.
    pub(crate) weight: usize,
    pub(crate) class: Class,
    /// What the codes of the findings begin with, one of these.
    pub(crate) expects: &'static [&'static str],
    inject: Inject,
}

impl Fault {
    fn new(
        code: &'static str,
        side: Side,
        weight: usize,
        inject: impl Fn(&mut Question, &At<'_>, &mut Random) -> Did + Send + Sync + 'static,
    ) -> Fault {
        let expects: &[&str] = match side {
            Side::Secret | Side::Key => &["secret/", "key/"],
            Side::Body => &["body/"],
            Side::Url => &["url/", "message/"],
            Side::Message => &["message/", "time/", "id/", "url/"],
            Side::Signature => &["signature/", "algorithm/", "transport/"],
            Side::Transport => &["transport/", "signature/", "message/", "preset/", "time/"],
            Side::Time => &["time/", "transport/"],
        };
        Fault { code, side, weight, class: Class::Provable, expects, inject: Box::new(inject) }
    }

    fn expects(self, expects: &'static [&'static str]) -> Fault {
        Fault { expects, ..self }
    }

    fn told(self) -> Fault {
        Fault { class: Class::Told, ..self }
    }

    fn hopeless(self) -> Fault {
        Fault { class: Class::Hopeless, ..self }
    }

    /// Spoil a question. A fault that leaves it verifying is unfit for it.
    pub(crate) fn inject(&self, question: &mut Question, at: &At<'_>, random: &mut Random) -> Did {
        (self.inject)(question, at, random)
    }

    /// Whether a finding's code is one that tells of this.
    pub(crate) fn is_told_by(&self, code: &str) -> bool {
        self.expects.iter().any(|family| code.starts_with(family))
    }
}

/// All of them, by side.
pub(crate) fn faults() -> Vec<Fault> {
    let sides = [
        secret::faults(),
        key::faults(),
        body::faults(),
        url::faults(),
        message::faults(),
        signature::faults(),
        transport::faults(),
    ];
    sides.into_iter().flatten().collect()
}
