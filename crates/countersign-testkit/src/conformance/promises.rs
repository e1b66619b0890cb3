//! What is asked of a mode, and every way to break it: two tables, from which all else is derived.

use std::fmt;

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $says:literal;)+) => {
        /// One of the things that a mode is asked for. [`ALL`](Self::ALL) is in the order of reports.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Check { $(#[doc = concat!("`", $name, "`: ", $says)] $variant,)+ }

        impl Check {
            /// Every check.
            pub const ALL: &'static [Check] = &[$(Check::$variant),+];

            /// Its stable name.
            pub const fn name(self) -> &'static str { match self { $(Check::$variant => $name,)+ } }

            /// What must hold.
            pub const fn says(self) -> &'static str { match self { $(Check::$variant => $says,)+ } }
        }
    };
}
checks! {
    Descriptor   = "descriptor",   "the example compiles, codes and summary are in order, needs agree with themselves.";
    Details      = "details",      "every detail that is given is declared, under the reason that it is declared for.";
    Damage       = "damage",       "no damaged request makes it fault or verify; whole and in pieces it answers alike.";
    Binding      = "binding",      "of what it says is bound, no change verifies.";
    Headers      = "headers",      "names of headers have no case, and one that matters is refused when it comes twice.";
    Signature    = "signature",    "a signature cut, extended, emptied, changed or undecodable never verifies.";
    Time         = "time",         "the answer follows the `now` that it is told, and is never a matter of freshness.";
    WeakKeys     = "weak-keys",    "a key that is empty, short, long or holds a NUL is refused or verifies nothing.";
    AnotherKey   = "another-key",  "what one key signed, a verifier that holds another key never verifies.";
    Purity       = "purity",       "the same request gets the same answer, whatever was asked before or lives beside it.";
    Threads      = "threads",      "many threads at once get the answers that one gets.";
    Replay       = "replay",       "the same content has the same replay keys, other content others; a signature less is no new message.";
    Secrets      = "secrets",      "no text holds a secret, or a signature that the sender does not have.";
    Panics       = "panics",       "nothing makes it panic.";
    Signing      = "signing",      "what it signs it verifies, with that key and no other.";
    Speed        = "speed",        "measured, and not judged.";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A way to break a promise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Breach {
    /// Stable, such as `binding/body-ignored`.
    pub code: &'static str,

    /// The check that finds it.
    pub check: Check,

    /// What to look at.
    pub look: &'static str,
}

macro_rules! breaches {
    ($($name:ident = $check:ident, $code:literal, $look:literal;)+) => {
        $(pub(super) const $name: Breach = Breach { code: $code, check: Check::$check, look: $look };)+

        /// Every way to break a promise.
        pub const BREACHES: &[Breach] = &[$($name),+];
    };
}
breaches! {
    UNREGISTERED       = Descriptor, "descriptor/unregistered",     "`ModeInfo::name`: lower-case letters, digits and hyphens, and no table's that every preset may have";
    PRESET             = Descriptor, "descriptor/preset",           "the file of the preset";
    EXAMPLE            = Descriptor, "descriptor/example",          "`ModeInfo::example`: a smallest complete table, without the heading";
    EMPTY_KEYRING      = Descriptor, "descriptor/empty-keyring",    "`Needs::keys`, and `Scheme::bind`: an endpoint without keys must never come to be";
    SUMMARY            = Descriptor, "descriptor/summary",          "`ModeInfo::summary`: one line of text";
    CODE_TWICE         = Descriptor, "descriptor/code-twice",       "`ModeInfo::details`: one row for each code";
    CODE_PREFIX        = Descriptor, "descriptor/code-prefix",      "`ModeInfo::details`: a code is the mode's name, a slash and a word";
    CODE_SILENT        = Descriptor, "descriptor/code-silent",      "`ModeInfo::details`: give it a sentence";
    NEEDS              = Descriptor, "descriptor/needs",            "`Scheme::needs`";
    UNDECLARED         = Details,    "details/undeclared",          "`ModeInfo::details`: declare it, or give one that is declared";
    OTHER_REASON       = Details,    "details/other-reason",        "`ModeInfo::details`: a code stands under one reason; give the other one a code of its own";
    FAULT              = Damage,     "damage/fault",                "what `core/contract` says: evidence that is less than `Needs`, or has nothing to know the content by";
    WRONG_YES          = Damage,     "damage/verifies",             "what `Check::check` does not look at, and should";
    PIECES             = Damage,     "damage/pieces",               "`Check::begin`, `Progress::update` and `Progress::finish`: they disagree with `Check::check`";
    BODY_IGNORED       = Binding,    "binding/body-ignored",        "whether every byte of the body enters what is signed; or take `Binds::BODY` back";
    METHOD_IGNORED     = Binding,    "binding/method-ignored",      "whether the method enters what is signed; or take `Binds::METHOD` back";
    URL_IGNORED        = Binding,    "binding/url-ignored",         "whether scheme, host and path enter what is signed; or take `Binds::URL` back";
    QUERY_IGNORED      = Binding,    "binding/query-ignored",       "whether all of the query enters what is signed; or take `Binds::QUERY` back";
    TIME_IGNORED       = Binding,    "binding/time-ignored",        "whether `Evidence::signed_at` is read from what is signed; or take `Binds::TIME` back";
    ID_IGNORED         = Binding,    "binding/id-ignored",          "whether `Evidence::message_id` is read from what is signed; or take `Binds::ID` back";
    HEADER_CASE        = Headers,    "headers/case",                "`Headers::find`: look headers up by a `HeaderName`";
    HEADER_DOUBLED     = Headers,    "headers/doubled",             "`Headers::find`: `Found::Several` is a refusal, never first-wins or last-wins";
    SIGNATURE_EMPTY    = Signature,  "signature/empty",             "a signature of no bytes: refuse it before comparing, and compare whole lengths";
    SIGNATURE_PREFIX   = Signature,  "signature/prefix",            "how signatures are compared: `ct::equal` of the whole tag, whatever was sent";
    SIGNATURE_EXTENDED = Signature,  "signature/extended",          "how signatures are compared: all of what was sent, with `ct::equal`";
    SIGNATURE_CHANGED  = Signature,  "signature/changed",           "how signatures are compared: every byte of the tag, with `ct::equal`";
    SIGNATURE_GARBAGE  = Signature,  "signature/undecodable",       "what is done when a signature cannot be decoded: an error is a refusal";
    CLOCK              = Time,       "time/clock",                  "`SystemTime`, `Instant` and the like: `Context::now` is the only clock";
    FRESHNESS          = Time,       "time/freshness",              "where the age of a message is judged: give `Evidence::signed_at`, and leave the judgement to the core";
    NOW                = Time,       "time/other-answer",           "what follows `Context::now` and is no validity of a key, a certificate or a claim";
    WEAK_KEY           = WeakKeys,   "keys/weak",                   "`Scheme::bind`: whether the key is used, and all of it";
    ANOTHER_KEY        = AnotherKey, "keys/another-key",            "where keys are kept: in the `Check` that was bound to them, and nowhere else";
    ANSWERS_DIFFER     = Purity,     "purity/answers-differ",       "whatever changes between two calls: a clock, randomness, a counter";
    KEEPS_STATE        = Purity,     "purity/keeps-state",          "what a call leaves behind for the next: a check keeps nothing but a `Memo`";
    KEY_ORDER          = Purity,     "purity/key-order",            "whether every key of the ring is tried, whatever its place";
    LIFETIMES          = Purity,     "purity/lifetimes",            "what verifiers share: one that goes must take nothing with it that another needs";
    THREADS            = Threads,    "threads/answers-differ",      "what calls share without a lock: a buffer, a cell, a global";
    SAME_CONTENT       = Replay,     "replay/same-content",         "`Evidence::fingerprints`: of the content, never of the signature as it was sent";
    OTHER_CONTENT      = Replay,     "replay/other-content",        "`Evidence::fingerprints`: of all of the content";
    SIGNATURE_DROPPED  = Replay,     "replay/signature-dropped",    "`Fingerprints::tags`: the tags under all keys of the ring, not only those that matched";
    SECRET_LEAKED      = Secrets,    "secrets/leaked",              "the texts of details and of `KeyError`: say what is wrong with a key, never the key";
    TAG_LEAKED         = Secrets,    "secrets/signature-leaked",    "the texts of details: an expected signature is a signature";
    PANICS             = Panics,     "panics/caught",               "indexing, slicing, `unwrap`, arithmetic on what was sent";
    NOT_VERIFIED       = Signing,    "signing/not-verified",        "`Sign::sign` against `Check::check`: both must build the same content";
    OTHER_VERIFIES     = Signing,    "signing/another-key",         "which key signs, and which verifies";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_codes_are_unique_and_spelled_alike() {
        let names: BTreeSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
        let codes: BTreeSet<_> = BREACHES.iter().map(|breach| breach.code).collect();
        assert_eq!((names.len(), codes.len()), (Check::ALL.len(), BREACHES.len()));
        for code in codes {
            let word =
                |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(code.split_once('/').is_some_and(|(a, b)| word(a) && word(b)), "{code}");
        }
        assert!(Check::ALL.iter().all(|check| check.says().ends_with('.')));
    }

    #[test]
    fn every_check_but_speed_can_fail() {
        let can_fail = |check: &Check| BREACHES.iter().any(|breach| breach.check == *check);
        assert!(Check::ALL.iter().all(|check| can_fail(check) != (*check == Check::Speed)));
    }
}
