//! What an attempt came to.

use crate::schedule::MAX_RETRY_AFTER;
use countersign::Timestamp;
use countersign_egress::{Refused, Response};
use std::time::{Duration, SystemTime};

/// The longest error that is kept of an attempt, in characters.
pub const MAX_ERROR: usize = 200;

/// What is done after an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It arrived.
    Delivered,

    /// Try again, and not before the receiver's own word, if it gave one.
    Retry {
        /// What it asked for.
        after: Option<Duration>,
        /// Why it failed.
        error: String,
    },

    /// Trying again would be of no use.
    Final {
        /// Why.
        error: String,
    },

    /// There is no such receiver any more (410): neither this nor anything else is of use to it.
    Gone {
        /// Why.
        error: String,
    },
}

/// Judge an attempt that ended at `now`: 2xx is delivered; no answer, a redirect, 408, 425, 429 and 5xx are tried again; 410 is the end
/// of its receiver; all else is final, what our own rule of addresses refuses among it.
pub fn judge(answer: &Result<Response, Refused>, now: Timestamp) -> Verdict {
    match answer {
        Ok(response) if (200..300).contains(&response.status) => Verdict::Delivered,
        Ok(response) => {
            let error = format!("the answer was {}", response.status);
            match response.status {
                410 => Verdict::Gone { error },
                408 | 425 | 429 | 500..=599 => Verdict::Retry { after: retry_after(response, now), error },
                _ => Verdict::Final { error },
            }
        }
        Err(refused) if refused.why.is_rule() => Verdict::Final { error: short(refused) },
        Err(refused) => Verdict::Retry { after: None, error: short(refused) },
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date; at most [`MAX_RETRY_AFTER`], however many digits it has. `None` for what is
/// neither, and for what is past.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        date.checked_sub(Duration::from_millis(u64::try_from(now.unix_ms()).ok()?))?
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

/// The beginning of an error, in [`MAX_ERROR`] characters.
pub(crate) fn short(error: impl ToString) -> String {
    error.to_string().chars().take(MAX_ERROR).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign_egress::{HeaderMap, HeaderValue, Why};

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn answer(status: u16, after: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(after).unwrap());
        judge(&Ok(Response::new(status, headers, "")), NOW)
    }

    #[test]
    fn every_status_has_one_meaning() {
        for status in 200..600 {
            let wanted = match status {
                200..=299 => "delivered",
                408 | 425 | 429 | 500..=599 => "retry",
                410 => "gone",
                _ => "final",
            };
            let told = match judge(&Ok(Response::new(status, HeaderMap::new(), "")), NOW) {
                Verdict::Delivered => "delivered",
                Verdict::Retry { .. } => "retry",
                Verdict::Final { .. } => "final",
                Verdict::Gone { .. } => "gone",
            };
            assert_eq!(told, wanted, "{status}");
        }
    }

    #[test]
    fn what_our_own_rule_refuses_is_final_and_every_other_failure_is_tried_again() {
        for why in Why::ALL {
            let verdict = judge(&Err(Refused::new(*why, "x".repeat(500))), NOW);
            let (Verdict::Final { error } | Verdict::Retry { error, .. }) = &verdict else {
                panic!("{verdict:?}")
            };
            assert_eq!(matches!(verdict, Verdict::Final { .. }), why.is_rule(), "{why:?}");
            assert_eq!(error.chars().count(), MAX_ERROR);
        }
    }

    #[test]
    fn atk_282_an_absurd_retry_after_is_a_day_at_most_and_never_a_panic() {
        let day = Some(MAX_RETRY_AFTER);
        let table = [
            ("7", Some(Duration::from_secs(7))),
            ("0", Some(Duration::ZERO)),
            ("86401", day),
            ("18446744073709551615", day),
            ("99999999999999999999", day),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("+5", None),
            ("Tue, 14 Nov 2023 22:15:20 GMT", Some(Duration::from_secs(120))),
            ("Tue, 14 Nov 2023 22:13:19 GMT", None),
            ("Wed, 01 Jan 1000 00:00:00 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", day),
        ];
        for (text, wanted) in table {
            let Verdict::Retry { after, .. } = answer(503, text) else { panic!("503 is tried again") };
            assert_eq!(after, wanted, "{text}");
        }
    }
}
