//! The services of the functions that take orders: intake and the webhook.

use std::{fmt, time::Duration};

use aws_sdk_sqs::types::MessageAttributeValue;
use postback_core::{clock::Timestamp, order::OrderId};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    super::{
        ActiveNetworks, Bus, BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices,
        OrderServices, Secret, Unavailable, WebhookServices,
    },
    Environment, SecretSource, SettingMissing, names, sent, setting, stack_name, write_line,
};
use crate::ledger::{Kept, Ledger, LedgerError, Receipt, ShopOrder, UnclaimedOrder};

/// The services that all of them have.
#[derive(Debug)]
struct AwsOrders {
    bus: Bus,
    ledger: Ledger,
    networks: ActiveNetworks,
    stack: String,
    /// `None` where the capture cookie is not signed.
    cookie: Option<CachedSecret>,
}

impl AwsOrders {
    /// Reads `EVENT_BUS_NAME`, `LEDGER_TABLE` and `STACK_NAME`; and `NETWORKS` and `EVERY_ORDER`, the
    /// names of the networks that are on and of those that get every order, separated by commas; and
    /// `CLICK_COOKIE_SECRET_ARN`, where the capture cookie is signed.
    fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self {
            bus: Bus::new(environment)?,
            ledger: environment.ledger()?,
            networks: ActiveNetworks { on: names("NETWORKS"), every_order: names("EVERY_ORDER") },
            stack: stack_name(),
            cookie: setting("CLICK_COOKIE_SECRET_ARN").ok().map(|arn| CachedSecret {
                source: SecretSource::new(environment, arn),
                cache: Mutex::const_new(None),
            }),
        })
    }
}

/// A secret that is read once a minute.
#[derive(Debug)]
struct CachedSecret {
    source: SecretSource,
    cache: Mutex<Option<LastRead>>,
}

/// A secret as last read.
#[derive(Clone, Debug)]
struct LastRead {
    /// `None` if it is not known.
    secret: Option<SecretString>,
    /// The time when it was last asked for.
    read_at: Timestamp,
    /// The time when Secrets Manager last returned it.
    confirmed_at: Timestamp,
}

/// The age at which a cached secret is read again.
const MAX_AGE: Duration = Duration::from_mins(1);
/// The time for a reading: an order waits for it, and can do without. Less than half of the time that
/// the answer to a shop system has.
const PATIENCE: Duration = Duration::from_millis(400);

impl CachedSecret {
    /// The secret, as it was last returned while Secrets Manager does not answer.
    async fn current(&self, now: Timestamp) -> Option<SecretString> {
        let mut cache = self.cache.lock().await;
        // It stays where it is: a caller with little time may drop this reading.
        let last = match cache.clone() {
            Some(last) if now.since(last.read_at) < MAX_AGE => last,
            before => {
                let read = tokio::time::timeout(PATIENCE, self.source.fetch()).await;
                LastRead::after(before, read.unwrap_or(Err(Unavailable)), now)
            }
        };
        cache.insert(last).secret.clone()
    }
}

impl LastRead {
    /// The result of a reading: the secret, or the one before for a bounded time.
    fn after(before: Option<Self>, read: Result<Secret, Unavailable>, now: Timestamp) -> Self {
        if let Ok(secret) = read {
            return Self { secret: Some(secret.json), read_at: now, confirmed_at: now };
        }
        let confirmed_at = before.as_ref().map_or(now, |before| before.confirmed_at);
        let before = before.filter(|_| now.since(confirmed_at) < Secret::MAX_UNCONFIRMED);
        Self { secret: before.and_then(|it| it.secret), read_at: now, confirmed_at }
    }
}

/// The AWS services of intake.
#[derive(Debug)]
pub struct AwsIntake {
    orders: AwsOrders,
    faulty: FaultyQueue,
}

/// The queue of faulty orders.
struct FaultyQueue {
    queue: aws_sdk_sqs::Client,
    url: String,
}

impl fmt::Debug for FaultyQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyQueue").field("url", &self.url).finish_non_exhaustive()
    }
}

impl AwsIntake {
    /// Reads what every function that takes orders reads, and `FAULTY_QUEUE_URL`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        Ok(Self {
            orders: AwsOrders::new(environment)?,
            faulty: FaultyQueue::of_lambda(environment)?,
        })
    }
}

impl FaultyQueue {
    fn of_lambda(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self { queue: environment.sqs(), url: setting("FAULTY_QUEUE_URL")? })
    }

    async fn put(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        let mut send = self.queue.send_message().queue_url(&self.url).message_body(event);
        let attributes = [
            ("reason", Some(fault.reason)),
            ("order_id", fault.order_id.as_deref()),
            ("faults", Some(fault.faults.as_str())),
        ];
        for (name, value) in attributes {
            // SQS refuses an empty one.
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            send = send.message_attributes(name, value.build().map_err(|_| Unavailable)?);
        }
        sent(send.send().await)
    }
}

impl IntakeServices for AwsIntake {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        self.faulty.put(event, fault).await
    }
}

/// The AWS services of a shop system's webhook.
#[derive(Debug)]
pub struct AwsPlatform {
    orders: AwsOrders,
    secret: SecretSource,
    faulty: FaultyQueue,
}

impl AwsPlatform {
    /// Reads what the webhook reads, and `FAULTY_QUEUE_URL`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        let secret = SecretSource::new(environment, setting("WEBHOOK_SECRET_ARN")?);
        let faulty = FaultyQueue::of_lambda(environment)?;
        Ok(Self { orders: AwsOrders::new(environment)?, secret, faulty })
    }
}

impl IntakeServices for AwsPlatform {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        self.faulty.put(event, fault).await
    }
}

/// The AWS services of the webhook.
#[derive(Debug)]
pub struct AwsWebhook {
    orders: AwsOrders,
    secret: SecretSource,
}

impl AwsWebhook {
    /// Reads what every function that takes orders reads, and `WEBHOOK_SECRET_ARN`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        let secret = SecretSource::new(environment, setting("WEBHOOK_SECRET_ARN")?);
        Ok(Self { orders: AwsOrders::new(environment)?, secret })
    }
}

/// The shared services of a function, by its member `orders`.
macro_rules! takes_orders {
    ($services:ty) => {
        impl EventBus for $services {
            async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
                self.orders.bus.put_all(events).await
            }
        }

        impl OrderServices for $services {
            fn networks(&self) -> &ActiveNetworks {
                &self.orders.networks
            }

            async fn cookie_secret(&self, now: Timestamp) -> CookieSecret {
                let Some(secret) = &self.orders.cookie else { return CookieSecret::Unsigned };
                let json = secret.current(now).await;
                json.map_or(CookieSecret::Unavailable, CookieSecret::Json)
            }

            async fn holds(
                &self,
                order_id: &OrderId,
                completed_at: Timestamp,
            ) -> Result<bool, LedgerError> {
                self.orders.ledger.holds(order_id, completed_at).await
            }

            async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
                self.orders.ledger.put_unclaimed(order).await
            }

            fn stack(&self) -> &str {
                &self.orders.stack
            }

            fn measure(&self, document: &Value) {
                write_line(document);
            }
        }
    };
}

/// The keys and the receipts of a function, by its members `secret` and `orders`.
macro_rules! knows_senders {
    ($services:ty) => {
        impl WebhookServices for $services {
            async fn secret(&self) -> Result<Secret, Unavailable> {
                self.secret.fetch().await
            }

            async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
                self.orders.ledger.receipt(id).await
            }

            async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
                self.orders.ledger.put_receipt(receipt).await
            }

            async fn keep_of_shop_order(
                &self,
                id: &str,
                kept: Kept<'_>,
                now: Timestamp,
            ) -> Result<ShopOrder, LedgerError> {
                self.orders.ledger.keep_of_shop_order(id, kept, now).await
            }
        }
    };
}

takes_orders!(AwsIntake);
takes_orders!(AwsPlatform);
takes_orders!(AwsWebhook);
knows_senders!(AwsPlatform);
knows_senders!(AwsWebhook);

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_of_the_cookie_stay_for_an_hour_while_secrets_manager_does_not_answer() {
        let start = Timestamp::from_millis(1_795_256_100_000);
        let known = Secret { json: "keys".to_owned().into(), version: "1".to_owned() };
        let kept = |last: &LastRead| last.secret.as_ref().map(|it| it.expose_secret().to_owned());

        let mut last = LastRead::after(None, Ok(known), start);
        for minutes in 1..60 {
            let now = start + Duration::from_mins(minutes);
            last = LastRead::after(Some(last), Err(Unavailable), now);
            assert_eq!(kept(&last).as_deref(), Some("keys"), "{minutes}");
        }
        last = LastRead::after(Some(last), Err(Unavailable), start + Secret::MAX_UNCONFIRMED);
        assert_eq!(kept(&last), None);
    }
}
