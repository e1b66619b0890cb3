//! What can be wrong with a message signature, as one table; every code occurs in a test.

use countersign::{DetailInfo, Reason, Rejection};
use std::borrow::Cow;

macro_rules! details {
    ($($name:ident = $code:literal, $reason:ident, $says:literal;)+) => {
        $(pub(crate) const $name: Flaw = Flaw { code: concat!("http-signature/", $code), reason: Reason::$reason, says: $says };)+

        /// The table, as a mode declares it.
        pub(crate) const DETAILS: &[DetailInfo] =
            &[$((Cow::Borrowed($name.code), $name.reason, Cow::Borrowed($name.says))),+];
    };
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Flaw {
    code: &'static str,
    reason: Reason,
    says: &'static str,
}

impl Flaw {
    /// In general.
    pub(crate) fn refuse(self) -> Rejection {
        self.because(self.says)
    }

    /// In this case.
    pub(crate) fn because(self, says: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection::new(self.reason).detail(self.code, says)
    }
}

details! {
    NOT_THERE = "not-there", MissingSignature, "there are signatures, but none of the label or tag that the preset means";
    SEVERAL = "several", MalformedSignature, "several signatures are there, and the preset does not say which is meant";
    UNREADABLE = "unreadable", MalformedSignature, "the signature's fields cannot be read, or name something twice";
    UNPAIRED = "unpaired", MalformedSignature, "a signature without its input, or an input without its signature";
    TOO_LONG = "too-long", MalformedSignature, "a field is longer, or holds more, than is ever read";
    COMPONENT_UNKNOWN = "component-unknown", MalformedSignature, "a covered component is none that a request has";
    COMPONENT_TWICE = "component-twice", MalformedSignature, "a component is covered twice";
    COMPONENT_ABSENT = "component-absent", MissingHeader, "a covered component is not in the request";
    COMPONENT_UNREADABLE = "component-unreadable", MalformedContent, "a covered component has no value that could have been signed";
    NOT_COVERED = "not-covered", MalformedSignature, "the signature does not cover what the preset requires";
    PARAMETER_ABSENT = "parameter-absent", MalformedSignature, "the signature lacks a parameter that the preset requires";
    PARAMETER_UNREADABLE = "parameter-unreadable", MalformedSignature, "a parameter of the signature is not what it must be";
    EXPIRES_FIRST = "expires-first", MalformedSignature, "the signature expires before it is created";
    ALG_NOT_ALLOWED = "alg-not-allowed", MalformedSignature, "the signature names an algorithm that the preset does not allow";
    ALG_NOT_OF_KEY = "alg-not-of-key", MalformedSignature, "the signature names another algorithm than its key has";
    KEYID_UNKNOWN = "keyid-unknown", UnknownKey, "no key is held by the name that the signature gives";
    DIGEST_UNREADABLE = "digest-unreadable", MalformedSignature, "the digest of the body cannot be read";
    DIGEST_WEAK = "digest-weak", MalformedSignature, "the digest of the body is of no algorithm that is trusted: SHA-256 and SHA-512 are";
    DIGEST_OTHER = "digest-other", BadSignature, "the digest that was signed is not that of the body";
    DATE_UNREADABLE = "date-unreadable", MalformedTimestamp, "the signed Date is no HTTP date";
    EXPIRED = "expired", StaleTimestamp, "the signature has expired by its own word";
}
