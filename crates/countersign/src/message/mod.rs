//! What was signed, and where the signature is: the grammar of presets, shared by every mode that has a template.
//!
//! A value is a template, a place is a table, a condition is a test; everything else is built of these three. All of it
//! is checked when a preset is compiled. A request then meets a flat plan, and is answered without being copied.

pub(crate) mod binds;
pub(crate) mod filter;
pub(crate) mod forms;
pub(crate) mod grammar;
mod held;
pub(crate) mod json;
mod known;
pub(crate) mod pattern;
pub(crate) mod place;
mod plain;
pub(crate) mod plan;
pub(crate) mod scope;
pub(crate) mod sign;
mod stream;
pub(crate) mod template;
pub(crate) mod test;
pub(crate) mod value;
pub(crate) mod wire;

use crate::mode::DetailInfo;
use crate::outcome::Reason;
use std::borrow::Cow;

macro_rules! details {
    ($($name:ident = $code:literal, $reason:ident, $says:literal;)+) => {
        $(pub(crate) const $name: &str = $code;)+

        /// Every detail that reading a message can give. A mode with a template declares these among its own.
        pub const DETAILS: &[DetailInfo] =
            &[$((Cow::Borrowed($code), Reason::$reason, Cow::Borrowed($says))),+];
    };
}
details! {
    CASE_NONE           = "case/none",              Disallowed,         "no case of the preset fits the request";
    CASE_UNREADABLE     = "case/unreadable",        MalformedContent,   "what a case is chosen by cannot be read";
    REQUIRE_EARLY       = "require/early",          MalformedSignature, "a version or algorithm that the preset requires is not the one sent";
    REQUIRE_LATE        = "require/claim",          ClaimMismatch,      "a test that the preset requires does not hold";
    SIGNATURE_AMBIGUOUS = "signature/ambiguous",    MalformedSignature, "there are several where one is meant";
    SIGNATURE_SHAPE     = "signature/shape",        MalformedSignature, "it cannot be cut out or decoded as the preset says";
    SIGNATURE_COUNT     = "signature/count",        MalformedSignature, "there are more than the preset allows";
    TIME_AMBIGUOUS      = "time/ambiguous",         MalformedTimestamp, "there are several times, or it cannot be cut out";
    TIME_SHAPE          = "time/shape",             MalformedTimestamp, "it is not in the format the preset names";
    ID_SHAPE            = "id/shape",               MalformedContent,   "the id holds bytes that no id has, or the literal that follows it";
    CONTENT_ABSENT      = "content/absent",         MissingHeader,      "something the signed content needs is not there";
    CONTENT_MALFORMED   = "content/malformed",      MalformedContent,   "something the signed content needs cannot be read";
    ITEMS_COUNT         = "items/count",            MalformedContent,   "there are more elements than the preset allows";
    ITEMS_REPEATED      = "items/repeated",         MalformedContent,   "an element stands in the list more than once";
    ALGORITHM_UNKNOWN   = "algorithm/unknown",      MalformedSignature, "the request names an algorithm that the preset does not allow";
    KEY_DERIVED         = "key/derived",            MalformedContent,   "no key can be derived from this request";
}
