//! The code that the fuzz targets share.
//!
//! A target fails on a panic and when an assertion does not hold. It starts from seeds that are made
//! anew at every run from the recorded answers and the example orders ([`seeds`]). `corpus/` holds
//! named inputs besides, and the few that reach most of what the seeds do not.

pub mod answers;
pub mod canary;
pub mod json;
pub mod mutate;
pub mod networks;
pub mod seeds;
