//! What goes wrong in a simulated world, and how often.

use std::time::Duration;

use crate::random::SplitMix;

/// For how long AWS accepts a signed request, and so the latest that one can land after its caller gave up:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>.
pub const SIGNATURE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// How often each fault happens, in thousandths of all requests, and the bounds of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// The request never arrives; its caller sees `Unavailable`.
    pub lost_request_permille: u16,
    /// The request is done and its answer never arrives; its caller sees `Unavailable`.
    pub lost_answer_permille: u16,
    /// The store answers 503 SlowDown and does nothing; its caller sees `Throttled`.
    pub throttled_permille: u16,
    /// The request arrives after its caller has given up, up to [`late_ms_max`](Self::late_ms_max) later.
    pub late_permille: u16,
    /// The request arrives twice, the second time up to [`late_ms_max`](Self::late_ms_max) later.
    pub duplicate_permille: u16,
    /// The node that sent the request dies when it arrives or when its answer does.
    pub crash_permille: u16,
    /// The wall clock of the node that sent the request jumps.
    pub clock_jump_permille: u16,
    /// The node that sent the request stands still when it arrives, up to [`pause_ms_max`](Self::pause_ms_max), and then
    /// goes on as if nothing had happened.
    pub pause_permille: u16,
    /// Longest pause of a node.
    pub pause_ms_max: u64,
    /// Most that a wall clock is off, in milliseconds, forwards or backwards.
    pub clock_skew_ms_max: u64,
    /// Latest that a request can arrive; at most [`SIGNATURE_WINDOW`].
    pub late_ms_max: u64,
    /// Longest ordinary way of a request or an answer.
    pub latency_ms_max: u64,
    /// Share of requests that take up to fifty times as long.
    pub slow_permille: u16,
    /// How often the store's client sends a failed request again before its caller hears of it, as SDKs do.
    pub retries: u32,
}

impl Faults {
    /// Nothing goes wrong; latencies vary.
    pub fn none() -> Self {
        Self {
            lost_request_permille: 0,
            lost_answer_permille: 0,
            throttled_permille: 0,
            late_permille: 0,
            duplicate_permille: 0,
            crash_permille: 0,
            clock_jump_permille: 0,
            pause_permille: 0,
            pause_ms_max: 0,
            clock_skew_ms_max: 0,
            late_ms_max: 0,
            latency_ms_max: 40,
            slow_permille: 0,
            retries: 0,
        }
    }

    /// Everything goes wrong now and then.
    pub fn all() -> Self {
        Self {
            lost_request_permille: 20,
            lost_answer_permille: 40,
            throttled_permille: 20,
            late_permille: 15,
            duplicate_permille: 15,
            crash_permille: 8,
            clock_jump_permille: 10,
            pause_permille: 4,
            pause_ms_max: 40 * 60_000,
            clock_skew_ms_max: 3_600_000,
            late_ms_max: SIGNATURE_WINDOW.as_millis() as u64,
            latency_ms_max: 40,
            slow_permille: 60,
            retries: 2,
        }
    }

    /// A mixture that `seed` picks: each fault is on or off, often or rarely. Worlds with few kinds of faults get into
    /// corners that a world with all of them never reaches (Groce and others, "Swarm testing", 2012).
    pub fn swarm(seed: u64) -> Self {
        let mut random = SplitMix::new(seed ^ 0x5EED_FA17);
        let all = Self::all();
        let mut pick = |permille: u16| match random.below(4) {
            0 | 1 => 0,
            2 => permille,
            _ => permille * 3,
        };
        let mut faults = Self {
            lost_request_permille: pick(all.lost_request_permille),
            lost_answer_permille: pick(all.lost_answer_permille),
            throttled_permille: pick(all.throttled_permille),
            late_permille: pick(all.late_permille),
            duplicate_permille: pick(all.duplicate_permille),
            crash_permille: pick(all.crash_permille),
            clock_jump_permille: pick(all.clock_jump_permille),
            pause_permille: pick(all.pause_permille),
            slow_permille: pick(all.slow_permille),
            ..all
        };
        faults.retries = u32::try_from(random.below(4)).unwrap_or(0);
        // Often a late request matters only if it is not later than everything else.
        faults.late_ms_max = [500, 5_000, 60_000, faults.late_ms_max][random.below(4) as usize];
        faults.pause_ms_max = [5_000, 60_000, faults.pause_ms_max][random.below(3) as usize];
        faults
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    /// When it arrives; `None` never.
    pub(super) arrives_ms: Option<u64>,
    /// When it arrives again.
    pub(super) again_ms: Option<u64>,
    /// How long the answer is on its way.
    pub(super) answer_ms: u64,
    pub(super) ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The caller hears what the store says.
    Answered,
    /// The caller hears nothing and gives up.
    Lost,
    /// The caller gives up before the request arrives.
    Late,
    /// The caller is told to slow down.
    Throttled,
}

impl Fate {
    pub(super) fn draw(faults: &Faults, random: &mut SplitMix) -> Self {
        let way = |random: &mut SplitMix| {
            let longest = faults.latency_ms_max;
            let longest = if random.chance(faults.slow_permille) { longest * 50 } else { longest };
            1 + random.below(longest)
        };
        let (there, back) = (way(random), way(random));
        let fate =
            Self { arrives_ms: Some(there), again_ms: None, answer_ms: back, ending: Ending::Answered };
        if random.chance(faults.lost_request_permille) {
            return Self { arrives_ms: None, ending: Ending::Lost, ..fate };
        }
        if random.chance(faults.lost_answer_permille) {
            return Self { ending: Ending::Lost, ..fate };
        }
        if random.chance(faults.throttled_permille) {
            return Self { arrives_ms: None, ending: Ending::Throttled, ..fate };
        }
        let late = |random: &mut SplitMix| there + back + random.below(faults.late_ms_max);
        if random.chance(faults.late_permille) {
            return Self { arrives_ms: Some(late(random)), ending: Ending::Late, ..fate };
        }
        if random.chance(faults.duplicate_permille) {
            return Self { again_ms: Some(late(random)), ..fate };
        }
        fate
    }
}
