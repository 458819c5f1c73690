//! The simulation, and the proof that it sees what it is there to see.

mod determinism;
mod mutations;
mod seeds;
