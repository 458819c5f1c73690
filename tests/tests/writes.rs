//! What writers can rely on when others write too, answers are lost, and processes die.

mod changes;
mod faulty;
mod partition_writes;
mod races;
mod snapshots;
mod unique;
