//! Which request goes wrong, and how.

use std::fmt;
use std::time::Duration;

use super::Fault;
use crate::random::SplitMix;

/// Requests are counted by their names in so many counters; two names may share one.
const COUNTERS: usize = 4096;

/// How often each fault happens, in thousandths of all requests that it can happen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Odds {
    /// [`Fault::Delay`], up to [`pause_ms_max`](Self::pause_ms_max).
    pub delay_permille: u16,
    /// [`Fault::CutBefore`].
    pub cut_permille: u16,
    /// [`Fault::LoseAnswer`].
    pub lose_permille: u16,
    /// [`Fault::SlowDown`].
    pub slow_down_permille: u16,
    /// [`Fault::ServerError`].
    pub server_error_permille: u16,
    /// [`Fault::WriteConflict`], of requests with a condition.
    pub conflict_permille: u16,
    /// [`Fault::TruncateAnswer`].
    pub truncate_permille: u16,
    /// [`Fault::Duplicate`], up to [`pause_ms_max`](Self::pause_ms_max) later.
    pub duplicate_permille: u16,
    /// [`Fault::Late`], up to [`pause_ms_max`](Self::pause_ms_max) later.
    pub late_permille: u16,
    /// Longest pause of the faults that have one, in milliseconds.
    pub pause_ms_max: u64,
}

impl Odds {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            delay_permille: 0,
            cut_permille: 0,
            lose_permille: 0,
            slow_down_permille: 0,
            server_error_permille: 0,
            conflict_permille: 0,
            truncate_permille: 0,
            duplicate_permille: 0,
            late_permille: 0,
            pause_ms_max: 0,
        }
    }

    /// Everything goes wrong now and then.
    pub fn all() -> Self {
        Self {
            delay_permille: 40,
            cut_permille: 25,
            lose_permille: 50,
            slow_down_permille: 15,
            server_error_permille: 15,
            conflict_permille: 25,
            truncate_permille: 15,
            duplicate_permille: 40,
            late_permille: 25,
            pause_ms_max: 150,
        }
    }

    /// A mixture that `seed` picks: each fault is on or off, often or rarely, as in
    /// [`sim::Faults::swarm`](crate::sim::Faults::swarm). At least one is on.
    pub fn swarm(seed: u64) -> Self {
        let mut random = SplitMix::new(seed ^ 0x0057_4952_4553_4545);
        let mut odds = Self::all();
        // Seeds that are a multiple of five have all of them.
        if seed.is_multiple_of(5) {
            return odds;
        }
        let spared = random.below(9);
        for (index, permille) in odds.each().into_iter().enumerate() {
            let scale = [0, 1, 1, 3][random.below(4) as usize];
            let scale = if index as u64 == spared { scale.max(1) } else { scale };
            *permille = permille.saturating_mul(scale);
        }
        odds.pause_ms_max = [20, 150, 400][random.below(3) as usize];
        odds
    }

    fn each(&mut self) -> [&mut u16; 9] {
        [
            &mut self.delay_permille,
            &mut self.cut_permille,
            &mut self.lose_permille,
            &mut self.slow_down_permille,
            &mut self.server_error_permille,
            &mut self.conflict_permille,
            &mut self.truncate_permille,
            &mut self.duplicate_permille,
            &mut self.late_permille,
        ]
    }
}

/// Decides by a seed which request goes wrong.
///
/// The n-th request of one method for keys that end alike gets the same fault for the same seed, whatever comes between
/// and whichever prefix the test runs under. How requests overlap is up to the machine, and no seed replays it.
#[derive(Clone)]
pub struct Plan {
    seed: u64,
    odds: Odds,
    counters: Box<[u32]>,
}

impl Plan {
    /// Nothing goes wrong but what a script asks for.
    pub fn none() -> Self {
        Self::seeded(0).odds(Odds::none())
    }

    /// The plan of a seed, with the [mixture](Odds::swarm) that the seed picks.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, odds: Odds::swarm(seed), counters: vec![0; COUNTERS].into() }
    }

    /// Sets how often things go wrong.
    #[must_use]
    pub fn odds(mut self, odds: Odds) -> Self {
        self.odds = odds;
        self
    }

    /// The fault of the next request for a key.
    pub(super) fn draw(&mut self, method: &str, path: &str, has_condition: bool) -> Option<Fault> {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = fnv(method.bytes().chain([b' ']).chain(last.bytes()));
        let counter = self.counters.get_mut(name as usize % COUNTERS)?;
        *counter = counter.wrapping_add(1);
        let mut random = SplitMix::new(self.seed ^ name ^ (u64::from(*counter) << 32));
        let dice = random.below(1000);
        let pause = Duration::from_millis(random.below(self.odds.pause_ms_max.saturating_add(1)));
        let odds = &self.odds;
        let faults = [
            (odds.delay_permille, Fault::Delay(pause)),
            (odds.cut_permille, Fault::CutBefore),
            (odds.lose_permille, Fault::LoseAnswer),
            (odds.slow_down_permille, Fault::SlowDown),
            (odds.server_error_permille, Fault::ServerError),
            (odds.truncate_permille, Fault::TruncateAnswer),
            (odds.duplicate_permille, Fault::Duplicate(pause)),
            (odds.late_permille, Fault::Late(pause)),
            (if has_condition { odds.conflict_permille } else { 0 }, Fault::WriteConflict),
        ];
        let mut below = 0;
        faults.into_iter().find_map(|(permille, fault)| {
            below += u64::from(permille);
            (dice < below).then_some(fault)
        })
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("seed", &self.seed).field("odds", &self.odds).finish_non_exhaustive()
    }
}

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>. The same in every version of the compiler.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(seed: u64, prefix: &str, between: bool) -> Vec<Option<Fault>> {
        let mut plan = Plan::seeded(seed).odds(Odds::all());
        let draw = |_| {
            if between {
                plan.draw("PUT", "/bucket/other/id=d", true);
            }
            plan.draw("PUT", &format!("/bucket/{prefix}/data/id=c"), true)
        };
        (0..300).map(draw).collect()
    }

    #[test]
    fn a_seed_repeats_the_faults_of_a_key_whatever_comes_between() {
        let faults = faults_of(7, "app", false);
        assert_eq!(faults, faults_of(7, "another/app", true));
        assert_ne!(faults, faults_of(8, "app", false));
        let wrong = faults.iter().flatten().count();
        assert!((30..150).contains(&wrong), "{wrong} of 300 went wrong");
    }

    #[test]
    fn every_seed_has_a_fault_and_leaves_most_requests_alone() {
        for seed in 0..1000 {
            let sum: u16 = Odds::swarm(seed).each().into_iter().map(|permille| *permille).sum();
            assert!((15..900).contains(&sum), "seed {seed}: {sum}");
        }
    }

    #[test]
    fn only_requests_with_a_condition_conflict() {
        let mut odds = Odds::none();
        odds.conflict_permille = 1000;
        let mut plan = Plan::seeded(1).odds(odds);
        assert_eq!(plan.draw("PUT", "/b/k", true), Some(Fault::WriteConflict));
        assert_eq!(plan.draw("PUT", "/b/k", false), None);
    }
}
