//! What this process knows of who leads.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use s3db_core::env::Env;
use s3db_core::plugin::KnownLeader;
use tokio::sync::watch;

/// The reign of this process, if it has one, and the leader that was last heard of.
#[derive(Debug)]
pub(crate) struct Knowledge {
    env: Arc<dyn Env>,
    known: Mutex<Known>,
    /// Moves whenever something of it has changed.
    moves: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    reign: Option<Reign>,
    leader: Option<KnownLeader>,
    /// When the epoch before the one of the leader ended, by the monotonic clock.
    epoch_since: Duration,
}

/// A reign of this process.
#[derive(Debug, Clone, Copy)]
struct Reign {
    epoch: u64,
    /// Until when nobody else can have taken over, by the monotonic clock.
    until: Duration,
}

impl Knowledge {
    pub(crate) fn new(env: Arc<dyn Env>) -> Self {
        Self { env, known: Mutex::default(), moves: watch::Sender::new(0) }
    }

    /// The epoch under which this process leads.
    pub(crate) fn epoch(&self) -> Option<u64> {
        let reign = self.lock().reign?;
        (self.env.monotonic() < reign.until).then_some(reign.epoch)
    }

    /// How long the reign still lasts; `None` when there is none.
    pub(crate) fn left(&self) -> Option<Duration> {
        let reign = self.lock().reign?;
        reign.until.checked_sub(self.env.monotonic()).filter(|left| !left.is_zero())
    }

    /// The leader that was last heard of.
    pub(crate) fn leader(&self) -> Option<KnownLeader> {
        self.lock().leader.clone()
    }

    /// For how long the epoch of the leader is known.
    pub(crate) fn epoch_age(&self) -> Duration {
        self.env.monotonic().saturating_sub(self.lock().epoch_since)
    }

    /// This process leads. Returns whether that is news.
    pub(crate) fn reigns(&self, id: &str, epoch: u64, until: Duration) -> bool {
        let is_news = {
            let mut known = self.lock();
            let is_news = known.reign.is_none_or(|reign| reign.epoch != epoch);
            known.reign = Some(Reign { epoch, until });
            self.set_leader(&mut known, Some(KnownLeader::new(id, epoch)));
            is_news
        };
        if is_news {
            self.moves.send_modify(|moves| *moves += 1);
        }
        is_news
    }

    /// This process does not lead, and this is who does. Returns the epoch of a reign that has ended by that.
    pub(crate) fn follows(&self, leader: Option<KnownLeader>) -> Option<u64> {
        let ended = {
            let mut known = self.lock();
            self.set_leader(&mut known, leader);
            known.reign.take().map(|reign| reign.epoch)
        };
        self.moves.send_modify(|moves| *moves += 1);
        ended
    }

    /// The reign has ended, and nobody knows yet who leads.
    pub(crate) fn ends(&self) -> Option<u64> {
        let ended = self.lock().reign.take().map(|reign| reign.epoch);
        if ended.is_some() {
            self.moves.send_modify(|moves| *moves += 1);
        }
        ended
    }

    /// Waits until the epoch is another than `seen`.
    pub(crate) async fn changed(&self, seen: Option<u64>) -> Option<u64> {
        let mut moves = self.moves.subscribe();
        loop {
            moves.mark_unchanged();
            let epoch = self.epoch();
            if epoch != seen {
                return epoch;
            }
            match self.left() {
                // It ends by itself when its time is over.
                Some(left) => {
                    tokio::select! {
                        biased;
                        _ = moves.changed() => {}
                        () = self.env.sleep(left) => {}
                    }
                }
                None => drop(moves.changed().await),
            }
        }
    }

    fn set_leader(&self, known: &mut Known, leader: Option<KnownLeader>) {
        let epoch = |leader: &Option<KnownLeader>| leader.as_ref().map(|leader| leader.epoch);
        if epoch(&known.leader) != epoch(&leader) {
            known.epoch_since = self.env.monotonic();
        }
        known.leader = leader;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
