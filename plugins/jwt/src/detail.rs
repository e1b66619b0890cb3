//! What can be wrong with a token, and under which reason: one table, from which the refusals are made.

use countersign::{DetailInfo, Reason, Rejection};
use std::borrow::Cow;

macro_rules! details {
    ($($name:ident = $code:literal, $reason:ident, $says:literal;)+) => {
        $(pub(crate) const $name: Fault = Fault { code: $code, reason: Reason::$reason, says: $says };)+

        /// Every code of this mode's own.
        pub(crate) const DETAILS: &[DetailInfo] =
            &[$((Cow::Borrowed($code), Reason::$reason, Cow::Borrowed($says))),+];
    };
}

/// A kind of refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    code: &'static str,
    reason: Reason,
    says: &'static str,
}

impl Fault {
    /// With no more to say.
    pub(crate) fn refuse(self) -> Rejection {
        Rejection::new(self.reason).detail(self.code, self.says)
    }

    /// With what exactly is wrong. Never the token's own text: it ends in logs.
    pub(crate) fn because(self, why: impl std::fmt::Display) -> Rejection {
        Rejection::new(self.reason).detail(self.code, format!("{}: {why}", self.says))
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        fault.refuse()
    }
}

details! {
    SEGMENTS        = "jwt/segments",         MalformedSignature, "a token is three parts with dots between, and no more";
    BASE64URL       = "jwt/base64url",        MalformedSignature, "a part of the token is not base64url without padding, in its one spelling";
    HEADER          = "jwt/header",           MalformedSignature, "the header is no JSON object, or holds a member twice or of a wrong type";
    CLAIMS          = "jwt/claims",           MalformedSignature, "the claims are no JSON object, or hold a member twice";
    ALGORITHM       = "jwt/algorithm",        MalformedSignature, "the token names an algorithm that the preset does not allow";
    CRITICAL        = "jwt/critical",         MalformedSignature, "the header calls something critical that is not known here";
    UNENCODED       = "jwt/unencoded",        MalformedSignature, "the header and the preset disagree on whether the payload is encoded";
    ATTACHED        = "jwt/attached",         MalformedSignature, "the token brings a payload, and the one that counts stands elsewhere";
    SIGNATURE       = "jwt/signature-length", MalformedSignature, "the signature has not the length of its algorithm's";
    KID_SHAPE       = "jwt/kid-shape",        MalformedSignature, "the key id is longer than 256 characters, or holds some that are not printable ASCII";
    PAYLOAD         = "jwt/payload",          MissingHeader,      "what the signature covers is not in the request";
    NO_KEY_SET      = "jwt/no-key-set",       KeyUnavailable,     "what was fetched is no key set";
    KID_UNKNOWN     = "jwt/kid-unknown",      UnknownKey,         "the key set has no key of this id, even fetched just now";
    KEY_EXPIRED     = "jwt/key-expired",      UnknownKey,         "the key was withdrawn by whoever published it";
    KEY_UNFIT       = "jwt/key-unfit",        UnknownKey,         "the key of this id is of another algorithm, or too weak";
    KID_MISSING     = "jwt/kid-missing",      UnknownKey,         "the token names no key, and more than one could be meant";
    CHAIN_SHAPE     = "jwt/chain-shape",      MalformedSignature, "the certificates in the header are not as many, or not written, as the preset says";
    CHAIN_UNTRUSTED = "jwt/chain-untrusted",  UntrustedKey,       "the certificates in the header lead to no pinned root, or are not for this";
    REQUIRED        = "jwt/claim-missing",    ClaimMismatch,      "a claim that the preset requires is not there";
    ISSUER          = "jwt/issuer",           ClaimMismatch,      "the issuer is another";
    AUDIENCE        = "jwt/audience",         ClaimMismatch,      "the token is for another audience";
    SUBJECT         = "jwt/subject",          ClaimMismatch,      "the subject is another";
    TYPE            = "jwt/type",             ClaimMismatch,      "the token is of another type";
    EXPIRED         = "jwt/expired",          StaleTimestamp,     "the token has expired";
    NOT_YET         = "jwt/not-yet",          FutureTimestamp,    "the token is not valid yet, or was issued in the future";
    TIME            = "jwt/time",             MalformedTimestamp, "a claim that is a time is none";
    ID              = "jwt/id",               MalformedContent,   "the id is no text of 1 to 256 letters, digits, dots, colons, underscores and hyphens";
    UNSIGNABLE      = "jwt/unsignable",       MalformedContent,   "no token can be made for this";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_of_this_mode() {
        assert!(DETAILS.iter().all(|(code, _, says)| code.starts_with("jwt/") && !says.is_empty()));
    }
}
