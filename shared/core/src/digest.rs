//! Digests as text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first `bytes` bytes of the SHA-256 of a text, as hexadecimal digits.
#[must_use]
pub fn sha256(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text);
    let mut hex = String::with_capacity(2 * bytes);
    for byte in digest.iter().take(bytes) {
        let _infallible = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_digest_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

        assert_eq!(sha256("abc", 32), abc);
        assert_eq!(sha256("abc", 8), abc[..16]);
    }
}
