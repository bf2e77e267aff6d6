//! What the fuzz targets share.
//!
//! A target fails on a panic and when what it asserts does not hold. The seeds it starts from are
//! made anew from the recorded answers and the example orders at every run ([`seeds`]), so they
//! follow the tree; `corpus/` holds what fuzzing has found beyond them.

pub mod answers;
pub mod canary;
pub mod json;
pub mod mutate;
pub mod networks;
pub mod seeds;
