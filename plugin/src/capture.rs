//! Listening: from the audio thread's blocks to takes with bars.
//!
//! The audio thread's [`Tap`](tap::Tap) copies each block into a ring and says in a [`Mark`](mark::Mark) where the host was.
//! The worker's [`Feed`](tap::Feed) drains both into the [`History`](history::History), which cuts the stream into takes
//! wherever the host's time jumps, fits each take's beat grid over all its marks ([`grid`]), and forgets the oldest when
//! there is too much.

mod echo;
mod follow;
pub mod grid;
pub mod history;
pub mod mark;
pub mod peaks;
pub mod take;
pub mod tap;
#[cfg(test)]
pub(crate) mod testing;
