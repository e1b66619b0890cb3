//! Moments as operators write and read them.

use countersign::{TimeFormat, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;

/// A moment: RFC 3339 in UTC, to the millisecond where it has any. Unix seconds are read as well.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05Z")]
pub struct Moment(pub Timestamp);

impl Moment {
    /// Read one.
    pub fn parse(text: &str) -> Option<Self> {
        let seconds = || {
            let is = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is).map(Timestamp::from_unix)
        };
        TimeFormat::Rfc3339.parse(text.as_bytes()).or_else(seconds).map(Moment)
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Moment(at)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Moment::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{}` is not a time: write RFC 3339 (2026-01-02T03:04:05Z) or Unix seconds",
                text.escape_debug()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        for (text, shown) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T04:04:05.25+01:00", "2026-01-02T03:04:05.250Z"),
            ("1767323045", "2026-01-02T03:04:05Z"),
        ] {
            assert_eq!(Moment::parse(text).map(|at| at.to_string()).as_deref(), Some(shown));
        }
        for bad in ["", "now", "-1", "+1", "2026-01-02", "1234567890123"] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }
}
