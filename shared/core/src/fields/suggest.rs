//! The name that a misspelt one may mean.

/// The most letters by which a misspelt name differs.
const MISSPELT: usize = 2;

/// The one of `names` that `given` may mean: written in another way (`orderId`), or misspelt.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long names are the caller's text, and none of ours is.
    if given.len() > 64 {
        return None;
    }
    let given = plain(given);
    let names = names.into_iter().map(|name| (strsim::osa_distance(&given, &plain(name)), name));
    let (distance, name) = names.min_by_key(|(distance, _)| *distance)?;
    // Half of a short name is another name.
    (distance <= MISSPELT && distance * 3 <= name.len()).then_some(name)
}

/// The beginning of the question about it.
pub(super) const DID_YOU_MEAN: &str = "did you mean ";

/// The question about it.
#[must_use]
pub fn did_you_mean(name: &str) -> String {
    format!("{DID_YOU_MEAN}`{name}`?")
}

/// The letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_means_the_nearest_one() {
        let names = ["order_id", "status", "total", "transaction_id", "wm", "ip"];
        for (given, meant) in [
            ("orderId", Some("order_id")),
            ("ORDER-ID", Some("order_id")),
            ("transactionid", Some("transaction_id")),
            ("trasnaction_id", Some("transaction_id")),
            ("totl", Some("total")),
            ("statsu", Some("status")),
            ("vm", None),
            ("id", None),
            ("pipeline", None),
        ] {
            assert_eq!(nearest(given, names), meant, "{given}");
        }
        assert_eq!(nearest(&"total".repeat(20), names), None);
    }
}
