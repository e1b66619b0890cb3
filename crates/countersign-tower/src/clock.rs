use countersign::{Clock, Timestamp};
use std::time::SystemTime;

/// The system's clock, for hosts: the core has none. Before 1970 it is 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(since.as_millis().try_into().unwrap_or(i64::MAX))
    }
}
