//! The roots that certificates are checked against: those compiled in and, where an operator has
//! egress inspected, the inspecting proxy's own.

use std::{sync::OnceLock, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::clock::Timestamp;
use rustls::{RootCertStore, pki_types::CertificateDer};

/// The version of the list that is compiled in, and the day on which it was taken over. A test fails
/// when another version is linked.
const LIST: (&str, &str) = ("1.0.10", "2026-11-21T00:00:00Z");

/// The age from which the list is old: roots are replaced over years, with a year's notice or more.
const OLD: Duration = Duration::from_hours(365 * 24);

/// The certificates of private authorities.
static PRIVATE: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();

/// All roots.
pub(super) fn all() -> RootCertStore {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    store.add_parsable_certificates(PRIVATE.get().into_iter().flatten().cloned());
    store
}

/// Trusts the certificates in `pem` as well, from the first connection on. The error says what is
/// wrong.
pub fn trust(pem: &str) -> Result<(), &'static str> {
    let certificates = parse(pem)?;
    let _first_call = PRIVATE.set(certificates);
    Ok(())
}

/// Returns the age of the roots that are compiled in, if they are old.
#[must_use]
pub fn old_roots(now: Timestamp) -> Option<Duration> {
    let age = now.since(Timestamp::parse(LIST.1)?);
    (age > OLD).then_some(age)
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads certificates. The lines may be joined by blanks or written as `\n`, because a parameter of a
/// command line has no lines.
fn parse(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let text = pem.replace("\\n", " ");
    let mut parts = text.split(BEGIN);
    if !parts.next().unwrap_or_default().trim().is_empty() {
        return Err("must hold certificates in PEM and nothing else");
    }
    let certificates: Vec<_> = parts.map(certificate).collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        return Err("must hold at least one certificate in PEM");
    }
    Ok(certificates)
}

fn certificate(part: &str) -> Result<CertificateDer<'static>, &'static str> {
    let (body, rest) = part.split_once(END).ok_or("holds a certificate without its end")?;
    if !rest.trim().is_empty() {
        return Err("must hold certificates in PEM and nothing else");
    }
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64_STANDARD.decode(body).map_err(|_| "holds a certificate that is not base64")?;
    let certificate = CertificateDer::from(der);
    RootCertStore::empty()
        .add(certificate.clone())
        .map_err(|_| "holds a certificate that is not an authority's")?;
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = include_str!("../../../../tests/harness/tests/tls/ca.pem");

    #[test]
    fn the_day_is_that_of_the_list_that_is_linked() {
        let lock = include_str!("../../../../Cargo.lock");
        let linked = format!("name = \"webpki-roots\"\nversion = \"{}\"\n", LIST.0);

        assert!(lock.contains(&linked), "write the new version and today's date into LIST");
    }

    #[test]
    fn roots_are_old_after_a_year() {
        let listed = Timestamp::parse(LIST.1).expect("a time");

        assert_eq!(old_roots(listed + OLD), None);
        let late = OLD + Duration::from_hours(1);
        assert_eq!(old_roots(listed + late), Some(late));
    }

    #[test]
    fn certificates_are_read_however_their_lines_are_joined() {
        let read = |pem: &str| parse(pem).map(|certificates| certificates.len());

        assert_eq!(read(CA), Ok(1));
        assert_eq!(read(&CA.replace('\n', " ")), Ok(1));
        assert_eq!(read(&CA.replace('\n', "\\n")), Ok(1));
        assert_eq!(read(&CA.repeat(2)), Ok(2));
    }

    #[test]
    fn what_is_no_certificate_is_refused_and_not_shown() {
        let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
        let broken = format!("{BEGIN}\nY2FuYXJ5\n{END}\n");
        for (pem, fault) in [
            ("canary", "must hold certificates in PEM and nothing else"),
            (key, "must hold certificates in PEM and nothing else"),
            (&format!("{CA}{key}"), "must hold certificates in PEM and nothing else"),
            (" ", "must hold at least one certificate in PEM"),
            (&CA[..200], "holds a certificate without its end"),
            (&CA.replacen('M', "!", 1), "holds a certificate that is not base64"),
            (&broken, "holds a certificate that is not an authority's"),
        ] {
            assert_eq!(parse(pem).map(|_| ()), Err(fault), "{pem}");
        }
    }
}
