//! An answer of the API, as its caller gets it.

use serde_json::Value;

/// An answer of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u64,
    /// The headers as the function gives them, names in lower case.
    pub headers: Value,
    /// The body as it goes out.
    pub text: String,
}

impl Reply {
    /// The answer that a function gave API Gateway.
    #[must_use]
    pub fn of(answer: &Value) -> Self {
        Self {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            headers: answer["headers"].clone(),
            text: answer["body"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers[name].as_str()
    }

    /// Status and code of a problem; the code is empty unless the problem conforms to RFC 9457.
    #[must_use]
    pub fn problem(&self) -> (u64, String) {
        let body = self.body();
        let code = body["code"].as_str().unwrap_or_default();
        let is_problem = self.header("content-type") == Some("application/problem+json")
            && body["type"] == format!("urn:postback:problem:{code}")
            && body["status"] == self.status
            && ["title", "detail"].iter().all(|name| body[name].is_string());
        (self.status, if is_problem { code.to_owned() } else { String::new() })
    }

    /// The faults of a bad order: pointer and code.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let faults = self.body()["errors"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }
}
