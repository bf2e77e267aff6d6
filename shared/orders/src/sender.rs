//! The sender of an order, by a short name: nothing by which a buyer could be recognised.

use postback_runtime::{
    lambda::api::Request,
    sender::{API, clean, of_caller, short, source_of},
};

/// The sender of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The way by which it came: `api`, `webhook` or `bus`.
    pub way: &'static str,
    name: Option<String>,
}

impl Sender {
    /// The caller of the API, as its authorizer names it: an IAM role or user, or a token's subject.
    #[must_use]
    pub fn api(request: &Request) -> Self {
        let name = of_caller(request.caller_arn.as_deref(), request.subject.as_deref());
        Self { way: API, name }
    }

    /// The holder of the webhook's key at this place, from 1.
    #[must_use]
    pub fn webhook(key: usize) -> Self {
        Self { way: "webhook", name: Some(key.to_string()) }
    }

    /// A shop system, by its webhook: the holder of the key at this place, from 1.
    #[must_use]
    pub fn platform(name: &str, key: usize) -> Self {
        Self { way: "webhook", name: clean(&format!("{name}/{key}")) }
    }

    /// A sender that put its order on the bus itself, under a source of its own.
    #[must_use]
    pub fn bus(source: &str) -> Self {
        Self { way: "bus", name: clean(source) }
    }

    /// The short name: `api/ShopRole`, `webhook/1`, `bus/shop.checkout`.
    #[must_use]
    pub fn name(&self) -> String {
        short(self.way, self.name.as_deref())
    }

    /// Says in the log who signed a request: the access log has the same request, and can't name the key.
    pub fn log(&self, request: &Request) {
        let (code, source, request_id) = ("webhook_sender", self.name(), request.id.as_deref());
        tracing::info!(code, source, request_id, "the sender of a message is known");
    }

    /// The source of its event on the bus. No other function may put one of this kind.
    #[must_use]
    pub fn source(&self) -> String {
        source_of(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use postback_runtime::sender::LONGEST_NAME;

    use super::*;

    fn called(arn: Option<&str>, subject: Option<&str>) -> String {
        let (caller_arn, subject) = (arn.map(str::to_owned), subject.map(str::to_owned));
        Sender::api(&Request { caller_arn, subject, ..Request::default() }).name()
    }

    #[test]
    fn a_caller_is_named_by_its_role_or_user_and_never_by_its_session() {
        let role = "arn:aws:sts::123456789012:assumed-role/ShopRole/asha.rao@shop.example";
        assert_eq!(called(Some(role), None), "api/ShopRole");
        assert_eq!(
            called(Some("arn:aws:iam::123456789012:user/shops/checkout"), None),
            "api/checkout"
        );
        assert_eq!(called(Some("arn:aws:iam::123456789012:root"), None), "api/root");
        assert_eq!(called(None, Some("3abc DEF")), "api/3abc-DEF");
        for person in [
            "arn:aws:iam::123456789012:user/asha@shop.example",
            "arn:aws:sts::123456789012:federated-user/asha",
            "arn:aws:sts::123456789012:federated-user/asha@shop.example",
            "arn:aws:sts::123456789012:assumed-role/asha@shop.example/session",
        ] {
            assert_eq!(called(Some(person), None), "api", "{person}");
        }
        assert_eq!(called(None, Some("asha@shop.example")), "api");
        assert_eq!(Sender::bus("asha@shop.example").source(), "postback.bus");
        assert_eq!(called(None, None), "api");
        assert_eq!(called(Some(""), None), "api");
    }

    #[test]
    fn a_source_is_one_of_the_bus() {
        assert_eq!(Sender::webhook(2).source(), "postback.webhook/2");
        let long = Sender::bus(&"ä ".repeat(200)).name();
        assert_eq!(long, format!("bus/{}", "-".repeat(LONGEST_NAME)));
    }
}
