//! A value that many states hold alike.

use std::{
    hash::{Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use ahash::RandomState;

/// The same in each run, as the checker's own.
const HASHER: RandomState = RandomState::with_seeds(1, 2, 3, 4);

/// A value and its hash. A state is hashed at each transition, most of what it holds was there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shared<T> {
    hash: u64,
    value: Arc<T>,
}

impl<T: Hash> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { hash: HASHER.hash_one(&value), value: Arc::new(value) }
    }
}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
