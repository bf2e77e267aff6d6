//! The regions of AWS: only to name those that exist.

use crate::failure::Failure;

/// The regions that AWS's own SDK lists, November 2026. One that opened since can be used all the same.
pub(crate) const REGIONS: [&str; 38] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Refuses a word that has not the form of a region: `eu-central-1`.
pub(super) fn check(word: &str) -> Result<(), Failure> {
    let mut parts: Vec<_> = word.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_one = parts.len() >= 2 && parts.iter().all(letters) && number.parse::<u8>().is_ok();
    if is_one { Ok(()) } else { Err(Failure::BadRegion { region: word.to_owned() }) }
}

/// A failure of the first call in a region: where nobody answers and AWS has no such region, it is wrong.
pub(super) fn named(failure: Failure, region: &str) -> Failure {
    let region = region.to_owned();
    match failure {
        Failure::Unreachable { .. } if REGIONS.contains(&region.as_str()) => {
            Failure::RegionUnreachable { region }
        }
        Failure::Unreachable { .. } => Failure::BadRegion { region },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_its_form() {
        assert!(REGIONS.iter().all(|region| check(region).is_ok()));
        assert_eq!(check("eu-new-1"), Ok(()));
        for wrong in ["", "frankfurt", "eu-central", "eu_central_1", "EU-central-1", "eu--1"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_region_where_nobody_answers_is_named_with_those_that_exist() {
        let silent =
            || Failure::Unreachable { service: "CloudFormation", action: "DescribeStacks" };

        let wrong = named(silent(), "eu-central-9");
        assert_eq!((wrong.code(), wrong.exit_status()), ("bad_region", 2));
        let words = wrong.to_string();
        assert!(words.starts_with("eu-central-9 is no AWS region"), "{words}");
        assert!(words.contains("eu-central-1, eu-central-2"), "{words}");
        let right = named(silent(), "eu-central-1");
        assert_eq!(right.code(), "unreachable");
        assert!(right.to_string().starts_with("CloudFormation in eu-central-1 could not"));
        assert_eq!(named(Failure::NoCredentials, "eu-central-9"), Failure::NoCredentials);
    }
}
