//! The validation of what a network took, where the network asks for one.

use std::{collections::BTreeMap, fmt};

use super::{Classification, Network};
use crate::{
    delivery::{Call, Terms},
    http::{Answer, Request},
};

/// A network that keeps what it took as pending until the shop validates it. A validation can't be
/// taken back, and nothing de-duplicates it.
pub trait Validates: Network {
    /// The ids of `report` that its validation repeats, by the network's names.
    fn ids(&self, report: &Self::Report) -> BTreeMap<String, String>;

    /// The request that validates the conversion of these ids.
    fn validating(&self, ids: &BTreeMap<String, String>, call: &Call) -> Request;

    /// Returns the meaning of the answer to [`Self::validating`].
    fn validated(&self, answer: &Answer) -> Classification;
}

/// The ids of a report, by the network's names.
type Ids = BTreeMap<String, String>;

/// The way to validate at one network, as plain functions. It can be named only for a network that
/// [`Validates`].
pub struct ValidationPlan<N: Network> {
    /// The terms.
    pub terms: Terms,
    /// True if the shop sends a workbook: what a validation repeats is kept, and nothing is called.
    pub by_workbook: bool,
    ids: fn(&N, &N::Report) -> Ids,
    request: fn(&N, &Ids, &Call) -> Request,
    classify: fn(&N, &Answer) -> Classification,
}

impl<N: Network> fmt::Debug for ValidationPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValidationPlan").field(&self.terms).finish()
    }
}

impl<N: Network> ValidationPlan<N> {
    /// Validate by these terms.
    #[must_use]
    pub fn new(terms: Terms) -> Self
    where
        N: Validates,
    {
        let (ids, request, classify) = (N::ids, N::validating, N::validated);
        Self { terms, by_workbook: false, ids, request, classify }
    }

    /// Validate by these terms with a workbook alone.
    #[must_use]
    pub fn by_workbook(terms: Terms) -> Self
    where
        N: Validates,
    {
        Self { by_workbook: true, ..Self::new(terms) }
    }

    /// The ids of `report` that its validation repeats.
    #[must_use]
    pub fn ids(&self, network: &N, report: &N::Report) -> BTreeMap<String, String> {
        (self.ids)(network, report)
    }

    /// The request that validates the conversion of these ids.
    #[must_use]
    pub fn request(&self, network: &N, ids: &BTreeMap<String, String>, call: &Call) -> Request {
        (self.request)(network, ids, call)
    }

    /// Returns the meaning of the answer to [`Self::request`].
    #[must_use]
    pub fn classify(&self, network: &N, answer: &Answer) -> Classification {
        (self.classify)(network, answer)
    }
}
