//! Times, counted by size: small, and two of them can be added.

/// How many of which size. Four steps for each doubling, so that what is read off is at most a quarter too high.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    /// Steps and how many, the smallest step first; none is zero.
    counts: Vec<(u8, u64)>,
}

impl Histogram {
    /// Count `value` once.
    pub fn add(&mut self, value: u64) {
        self.add_times(step(value), 1);
    }

    /// Count all that `other` has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for &(step, count) in &other.counts {
            self.add_times(step, count);
        }
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The value that `share` (0 to 1) of all do not exceed, rounded up to its step; `None` if nothing was counted.
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let wanted = (self.total() as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.counts.iter().find_map(|&(step, count)| {
            seen += count;
            (seen >= wanted).then(|| highest(step))
        })
    }

    /// Each step that anything was counted in: its highest value, and how many.
    pub fn steps(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().map(|&(step, count)| (highest(step), count))
    }

    /// As bytes: a step and a count in LEB128, for each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.counts.len() * 3);
        for &(step, mut count) in &self.counts {
            bytes.push(step);
            while count > 0x7f {
                bytes.push(count as u8 | 0x80);
                count >>= 7;
            }
            bytes.push(count as u8);
        }
        bytes
    }

    /// From [`to_bytes`](Self::to_bytes); `None` if they are not such bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.iter().copied();
        let mut histogram = Histogram::default();
        while let Some(step) = bytes.next() {
            let (mut count, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes.next()?;
                count |= u64::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 64)?;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            histogram.add_times(step, count);
        }
        Some(histogram)
    }

    fn add_times(&mut self, step: u8, times: u64) {
        match self.counts.binary_search_by_key(&step, |(known, _)| *known) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(times),
            Err(at) => self.counts.insert(at, (step, times)),
        }
    }
}

/// Values below four are their own step.
fn step(value: u64) -> u8 {
    if value < 4 {
        return value as u8;
    }
    let power = 63 - value.leading_zeros();
    let quarter = (value >> (power - 2)) & 3;
    (power * 4 + quarter as u32 - 4) as u8
}

/// The highest value of a step.
fn highest(step: u8) -> u64 {
    if step < 4 {
        return u64::from(step);
    }
    let (power, quarter) = (u32::from(step + 4) / 4, u64::from(step) & 3);
    ((4 + quarter + 1) as u128)
        .checked_shl(power - 2)
        .map_or(u64::MAX, |end| u64::try_from(end - 1).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_told_too_low_and_at_most_a_quarter_too_high() {
        for value in (0..5000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX / 3, u64::MAX]) {
            let told = highest(step(value));
            assert!(told >= value && told as f64 <= value as f64 * 1.25, "{value} is told as {told}");
        }
    }

    #[test]
    fn percentiles_are_of_all_and_what_is_added_is_as_if_counted_here() {
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        assert_eq!(low.percentile(0.5), None);
        (0..90).for_each(|_| low.add(100));
        (0..10).for_each(|_| high.add(10_000));
        low.merge(&high);
        assert_eq!((low.total(), low.percentile(0.5), low.percentile(0.9)), (100, Some(111), Some(111)));
        assert_eq!(low.percentile(0.99), Some(highest(step(10_000))));
    }

    #[test]
    fn bytes_come_back_and_others_are_refused() {
        let mut histogram = Histogram::default();
        [0, 3, 4, 500, u64::MAX].into_iter().for_each(|value| histogram.add(value));
        (0..300).for_each(|_| histogram.add(7));
        assert_eq!(Histogram::from_bytes(&histogram.to_bytes()), Some(histogram));
        assert_eq!(Histogram::from_bytes(&[1]), None);
        assert_eq!(Histogram::from_bytes(&[1, 0x80]), None);
        assert_eq!(Histogram::from_bytes(&[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]), None);
    }
}
