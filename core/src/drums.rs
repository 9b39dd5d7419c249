//! Drums: breaks, their hits, and the kits that hits make.
//!
//! A break is a passage of drums. Its onsets are found ([`onset`]) and refined to the attack, each hit is classified
//! ([`class`]), hits that sound alike are clustered, and the cleanest of each cluster becomes a piece of a [`kit::Kit`],
//! with a [`kit::Groove`] that replays the break on it.

pub mod class;
pub mod kit;
pub mod onset;
pub mod patch;
