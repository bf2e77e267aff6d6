//! A form with a file, as browsers send it (`multipart/form-data`, RFC 7578), held in memory.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};

use super::{
    Console,
    fields::{Fields, wrong_key},
    layout::failure,
};
use crate::failure::Failure;

/// The most bytes of a form.
pub(super) const MOST: usize = 8 * 1024 * 1024;

/// The fields of a form whose key was right, and its file.
pub(super) struct Upload {
    pub(super) fields: Fields,
    pub(super) name: String,
    pub(super) content: Arc<[u8]>,
}

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    name: String,
    /// The file's name, if it is a file.
    file: Option<String>,
    content: &'a [u8],
}

impl FromRequest<Arc<Console>> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(|kind| kind.strip_prefix("multipart/form-data; boundary="));
        let boundary = boundary.unwrap_or_default().to_owned();
        let body = Bytes::from_request(request, console).await.map_err(|_| too_large(console))?;
        let parts = parts(&boundary, &body);
        let (files, texts): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| part.file.is_some());
        let text = |part: Part<'_>| (part.name, String::from_utf8_lossy(part.content).into_owned());
        let fields = Fields::checked(texts.into_iter().map(text).collect(), console);
        let fields = fields.ok_or_else(wrong_key)?;
        let file = files.into_iter().find(|part| !part.content.is_empty());
        let none = || failure(console, &Failure::Usage("Choose a report.".to_owned()));
        let file = file.ok_or_else(none)?;
        Ok(Self { fields, name: file.file.unwrap_or_default(), content: file.content.into() })
    }
}

fn too_large(console: &Console) -> Response {
    let megabytes = MOST / 1024 / 1024;
    let text = format!(
        "The report is larger than {megabytes} MiB. Use `postback reconcile` and `postback orders settle --from`."
    );
    let mut response = failure(console, &Failure::Usage(text));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// The parts of a body; what is none is left out.
fn parts<'a>(boundary: &str, body: &'a [u8]) -> Vec<Part<'a>> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter is at the beginning, without a line before it.
    let Some(mut rest) = body.strip_prefix(&delimiter.as_bytes()[2..]) else { return Vec::new() };
    let mut parts = Vec::new();
    while let Some(end) = find(rest, delimiter.as_bytes()) {
        parts.extend(part(&rest[..end]));
        rest = &rest[end + delimiter.len()..];
    }
    parts
}

fn part(text: &[u8]) -> Option<Part<'_>> {
    let end = find(text, b"\r\n\r\n")?;
    let headers = String::from_utf8_lossy(&text[..end]);
    let parameter = |name: &str| {
        let (_, rest) = headers.split_once(&format!("; {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let (name, file) = (parameter("name")?, parameter("filename"));
    Some(Part { name, file, content: &text[end + 4..] })
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"why\"\r\n\r\ntheir report\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"report\"; filename=\"May.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\nid,--b\r\n1,2\r\n\r\n--b--\r\n";

        let parts = parts("b", body.as_bytes());

        let part = |name: &str, file: Option<&str>, content: &'static [u8]| Part {
            name: name.to_owned(),
            file: file.map(str::to_owned),
            content,
        };
        let expected = [
            part("why", None, b"their report"),
            part("report", Some("May.csv"), b"id,--b\r\n1,2\r\n"),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn what_is_no_form_has_no_parts() {
        for body in ["", "--b", "--b--", "--b\r\nno end", "--other\r\n\r\n\r\n--other--"] {
            assert_eq!(parts("b", body.as_bytes()), [], "{body:?}");
        }
    }
}
