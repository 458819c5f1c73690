//! How long calls took.

use std::time::Duration;

/// Upper ends of the buckets, in microseconds.
pub(crate) const BOUNDS_US: [u64; 18] = [
    20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

/// Durations in buckets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Histogram {
    /// How many were at most so long, and longer than the bound before.
    buckets: [u64; BOUNDS_US.len()],
    pub(crate) count: u64,
    pub(crate) sum: Duration,
    pub(crate) max: Duration,
}

impl Histogram {
    pub(crate) fn note(&mut self, duration: Duration) {
        let micros = duration.as_nanos().div_ceil(1_000);
        let fits = |bound: &u64| micros <= u128::from(*bound);
        let place = BOUNDS_US.iter().position(fits);
        if let Some(bucket) = place.and_then(|place| self.buckets.get_mut(place)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
        self.max = self.max.max(duration);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// What was noted since `before`, an earlier state of it. The longest is that of all.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut more = *self;
        for (bucket, before) in more.buckets.iter_mut().zip(before.buckets) {
            *bucket = bucket.saturating_sub(before);
        }
        more.count = self.count.saturating_sub(before.count);
        more.sum = self.sum.saturating_sub(before.sum);
        more
    }

    /// Bounds, and how many were at most so long.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut sum = 0;
        BOUNDS_US.into_iter().zip(self.buckets).map(move |(bound, bucket)| {
            sum += bucket;
            (bound, sum)
        })
    }

    pub(crate) fn mean_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum.as_secs_f64() * 1e3 / self.count as f64 }
    }

    /// The time within which so many of a hundred were done: the end of the bucket, and never above the longest.
    pub(crate) fn percentile_ms(&self, percent: u64) -> f64 {
        let wanted = (self.count * percent).div_ceil(100);
        let longest = self.max.as_secs_f64() * 1e3;
        let found = self.cumulative().find(|(_, sum)| *sum >= wanted);
        found.map_or(longest, |(bound, _)| (bound as f64 / 1e3).min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_that_holds_them() {
        let mut histogram = Histogram::default();
        for micros in [1, 20, 21, 1_000, 60_000_000] {
            histogram.note(Duration::from_micros(micros));
        }
        let sums: Vec<_> = histogram.cumulative().collect();
        assert_eq!((sums[0], sums[1], sums[5], sums[17]), ((20, 2), (50, 3), (1_000, 4), (10_000_000, 4)));
        assert_eq!(histogram.percentile_ms(50), 0.05);
        assert_eq!(histogram.percentile_ms(99), 60_000.0);
        assert_eq!(Histogram::default().percentile_ms(99), 0.0);
    }
}
