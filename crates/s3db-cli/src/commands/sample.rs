//! An even sample of things of which it is not known how many come.

/// Keeps every thing, then every second one, every fourth, …, so that never more than twice the wanted number is kept and
/// the whole length is covered.
#[derive(Debug)]
pub(super) struct Sample<T> {
    wanted: usize,
    every: usize,
    seen: usize,
    kept: Vec<T>,
}

impl<T> Sample<T> {
    /// A sample of about so many things; 0 keeps all.
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, every: 1, seen: 0, kept: Vec::new() }
    }

    pub(super) fn offer(&mut self, thing: impl FnOnce() -> T) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(thing());
        }
        self.seen += 1;
        if self.wanted > 0 && self.kept.len() >= 2 * self.wanted {
            self.every *= 2;
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }

    /// Things that were offered.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// The sample, evenly thinned to the wanted number.
    pub(super) fn take(self) -> Vec<T> {
        let kept = self.kept.len();
        if self.wanted == 0 || kept <= self.wanted {
            return self.kept;
        }
        let wanted = self.wanted;
        let in_sample = |at: usize| at * wanted / kept != (at + 1) * wanted / kept;
        self.kept.into_iter().enumerate().filter(|(at, _)| in_sample(*at)).map(|(_, thing)| thing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_wanted_size_and_covers_all() {
        for (count, wanted, size) in
            [(0, 5, 0), (3, 5, 3), (10, 5, 5), (1000, 7, 7), (999, 100, 100), (50, 0, 50)]
        {
            let mut sample = Sample::new(wanted);
            (0..count).for_each(|n| sample.offer(|| n));
            assert_eq!(sample.seen(), count);
            let taken = sample.take();
            assert_eq!(taken.len(), size, "{wanted} of {count}: {taken:?}");
            if size > 1 && wanted > 0 {
                let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(widest <= 3 * count.div_ceil(size), "{wanted} of {count} leaves gaps: {taken:?}");
                assert!(
                    taken[size - 1] + 3 * count.div_ceil(size) >= count,
                    "the end is not covered: {taken:?}"
                );
            }
        }
    }
}
