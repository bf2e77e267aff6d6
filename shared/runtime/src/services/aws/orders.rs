//! The services of the functions that take orders: intake and the webhook.

use std::fmt;

use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::Value;

use super::{
    super::{
        ActiveNetworks, Bus, BusEvent, EventBus, FaultyOrder, IntakeServices, OrderServices,
        Secret, Unavailable, WebhookServices,
    },
    Environment, SecretSource, SettingMissing, names, sent, setting, stack_name, write_line,
};
use crate::ledger::{Ledger, LedgerError, Receipt, UnclaimedOrder};

/// The services that all of them have.
#[derive(Debug)]
struct AwsOrders {
    bus: Bus,
    ledger: Ledger,
    networks: ActiveNetworks,
    stack: String,
}

impl AwsOrders {
    /// Reads `EVENT_BUS_NAME`, `LEDGER_TABLE` and `STACK_NAME`; and `NETWORKS` and `EVERY_ORDER`, the
    /// names of the networks that are on and of those that get every order, separated by commas.
    fn new(environment: &Environment) -> Result<Self, SettingMissing> {
        Ok(Self {
            bus: Bus::new(environment)?,
            ledger: environment.ledger()?,
            networks: ActiveNetworks { on: names("NETWORKS"), every_order: names("EVERY_ORDER") },
            stack: stack_name(),
        })
    }
}

/// The AWS services of intake.
pub struct AwsIntake {
    orders: AwsOrders,
    queue: aws_sdk_sqs::Client,
    faulty_queue_url: String,
}

impl fmt::Debug for AwsIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsIntake").field("orders", &self.orders).finish_non_exhaustive()
    }
}

impl AwsIntake {
    /// Reads what every function that takes orders reads, and `FAULTY_QUEUE_URL`.
    pub fn of_lambda() -> Result<Self, SettingMissing> {
        let environment = &Environment::of_lambda()?;
        Ok(Self {
            orders: AwsOrders::new(environment)?,
            queue: environment.sqs(),
            faulty_queue_url: setting("FAULTY_QUEUE_URL")?,
        })
    }
}

impl IntakeServices for AwsIntake {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        let mut send =
            self.queue.send_message().queue_url(&self.faulty_queue_url).message_body(event);
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

impl WebhookServices for AwsWebhook {
    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.secret.read().await
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        self.orders.ledger.receipt(id).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.orders.ledger.put_receipt(receipt).await
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

takes_orders!(AwsIntake);
takes_orders!(AwsWebhook);
