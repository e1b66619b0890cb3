//! The one comparison of secrets.
//!
//! Every comparison of a tag, a token or a value that a signature is judged by goes through [`equal`], so that one
//! review covers them all.

/// Whether two byte strings are the same, in time that depends on their lengths alone.
///
/// Unequal lengths are unequal at once: how long a tag or a token is, is no secret. Never compares up to the shorter.
#[inline]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time_eq::constant_time_eq(a, b)
}

#[cfg(test)]
mod tests {
    use super::equal;

    #[test]
    fn a_prefix_is_not_equal() {
        assert!(equal(b"abc", b"abc"));
        for other in [&b"ab"[..], b"abcd", b"", b"abd"] {
            assert!(!equal(b"abc", other) && !equal(other, b"abc"));
        }
        assert!(equal(b"", b""), "lengths decide; an empty signature never gets here");
    }
}
