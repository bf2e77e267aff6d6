//! What every network must pass.
