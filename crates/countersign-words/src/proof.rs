//! What a good signature proves: what it covers, how old it may be, what counts as the same message.

use crate::Fact;
use countersign::{Binds, Freshness, Replay, ReplayBy};
use std::time::Duration;

/// What is covered, and what is not.
pub fn covers(binds: Binds) -> Vec<Fact> {
    let words = |is: bool| {
        let words = Binds::WORDS.iter().filter(|(part, _)| binds.contains(*part) == is);
        words.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    };
    let covered = match words(true) {
        none if none.is_empty() => "nothing as a whole".into(),
        covered => covered,
    };
    let mut facts = vec![("covers", covered)];
    if binds != Binds::ALL {
        facts.push(("not covered", words(false)));
    }
    facts
}

/// How old a message may be.
pub fn freshness(freshness: Option<Freshness>) -> String {
    let Some(Freshness { tolerance, required }) = freshness else {
        return "not judged: a message of any age is taken".into();
    };
    let unless = if required { "" } else { "; a message without a time is taken" };
    format!("at most {} old and {} ahead{unless}", span(tolerance.past), span(tolerance.future))
}

/// What makes two messages the same, and for how long that is remembered.
pub fn replay(Replay { key, keep }: Replay) -> String {
    let (word, meaning) = ReplayBy::WORDS[key as usize];
    match key {
        ReplayBy::None => meaning.into(),
        _ => format!("{word}: {meaning}; remembered for {}", span(keep)),
    }
}

/// `300 s`, `2 h`, `1 d`.
pub fn span(duration: Duration) -> String {
    match duration.as_secs() {
        s if s > 0 && s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        s if s > 0 && s.is_multiple_of(3600) => format!("{} h", s / 3600),
        s => format!("{s} s"),
    }
}

/// How sure a preset's facts are.
pub fn confidence(word: Option<&str>) -> &str {
    match word {
        Some("provider") => "provider: cases of the provider's own pass",
        Some("third-party") => "third-party: from descriptions and other programs, not from the provider",
        Some(other) => other,
        None => "unsaid",
    }
}
