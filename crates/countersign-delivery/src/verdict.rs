//! What an attempt came to.

use countersign::Timestamp;
use countersign_egress::{Refused, Response};
use std::time::{Duration, SystemTime};

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
}

/// Judge an attempt that ended at `now`: 2xx is delivered; no answer, a redirect, 408, 425, 429 and 5xx are tried again; all else is
/// final, what our own rule of addresses refuses among it.
pub fn judge(answer: &Result<Response, Refused>, now: Timestamp) -> Verdict {
    match answer {
        Ok(response) if (200..300).contains(&response.status) => Verdict::Delivered,
        Ok(response) => {
            let error = format!("the answer was {}", response.status);
            match response.status {
                408 | 425 | 429 | 500..=599 => Verdict::Retry { after: retry_after(response, now), error },
                _ => Verdict::Final { error },
            }
        }
        Err(refused) if refused.why.is_rule() => Verdict::Final { error: short(refused) },
        Err(refused) => Verdict::Retry { after: None, error: short(refused) },
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    date.checked_sub(Duration::from_secs(u64::try_from(now.unix()).ok()?))
}

/// For a dead letter: 200 characters.
fn short(refused: &Refused) -> String {
    refused.to_string().chars().take(200).collect()
}
