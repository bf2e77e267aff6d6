//! The test bed of the functions: the four networks, `DynamoDB` and the other services of AWS.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use postback_sandbox::{Fault, Network, Options, Rule, Sandbox};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Failure,
    cores::Cores,
    dynamodb::DynamoDb,
    function::{Function, Package},
    orders,
    services::Service,
};

/// The services' times to answer.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Delays {
    /// The network, in milliseconds.
    pub(crate) network: u64,
    /// `DynamoDB`, in milliseconds.
    pub(crate) dynamodb: u64,
    /// Secrets Manager, SQS and EventBridge, in milliseconds.
    pub(crate) other: u64,
}

/// The networks and services on loopback.
pub(crate) struct TestBed {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) sandbox: Sandbox,
    bus: Service,
    queue: Service,
    secrets: Service,
    /// The cores to share out; `None` lets the functions use all.
    cores: Option<Cores>,
}

impl TestBed {
    pub(crate) async fn start(delays: Delays, cores: Option<Cores>) -> Result<Self, Failure> {
        let sandbox = Sandbox::start_with(Options { port: 0, record_limit: 100 }).await?;
        if delays.network > 0 {
            for network in Network::ALL {
                let delay = Fault::delay(Duration::from_millis(delays.network));
                sandbox.script(Rule::on(network, delay).forever()).map_err(Failure::new)?;
            }
        }
        let secrets = Network::ALL.map(|network| {
            let path = format!("{}/../sandbox/secrets/{network}.json", env!("CARGO_MANIFEST_DIR"));
            Ok((format!("postback/{network}"), fs::read_to_string(Path::new(&path))?))
        });
        let secrets = secrets.into_iter().collect::<Result<BTreeMap<_, _>, Failure>>()?;
        let other = Duration::from_millis(delays.other);
        Ok(Self {
            dynamodb: DynamoDb::start(Duration::from_millis(delays.dynamodb)).await?,
            sandbox,
            bus: Service::start(other, BTreeMap::new()).await,
            queue: Service::start(other, BTreeMap::new()).await,
            secrets: Service::start(other, secrets).await,
            cores,
        })
    }

    /// The environment of a function that reports to `network`, with `table` as its ledger. It is the
    /// same for ours and the peers: each reads the variables it needs.
    pub(crate) fn environment(&self, network: Network, table: &str) -> BTreeMap<String, String> {
        let accounts = serde_json::to_value(self.sandbox.accounts()).unwrap_or_default();
        let account = |name: &str| match &accounts["shopback"][name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb.address)),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", format!("http://{}", self.bus.address)),
            ("AWS_ENDPOINT_URL_SQS", format!("http://{}", self.queue.address)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", self.secrets.address)),
            ("LEDGER_TABLE", table.to_owned()),
            ("NETWORK_ENDPOINT", self.sandbox.endpoint(network)),
            ("NETWORK_SECRET_ARN", format!("postback/{network}")),
            ("QUEUE_URL", format!("http://{}/000000000000/queue", self.queue.address)),
            ("FOLLOW_QUEUE_URL", format!("http://{}/000000000000/follow", self.queue.address)),
            ("EVENT_BUS_NAME", "postback".to_owned()),
            ("OFFER_ID", account("offer_id")),
            ("SECURITY_TOKEN", account("security_token")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Starts a function that reports to `network` and has a table of its own.
    pub(crate) async fn function(
        &self,
        package: &Package,
        network: Network,
    ) -> Result<Function, Failure> {
        let environment = self.environment(network, &package.name);
        Function::start(package, &environment, self.cores).await
    }

    /// The numbers of events put on the bus, and of messages sent to a queue, so far.
    pub(crate) fn sent(&self) -> (u64, u64) {
        (self.bus.events(), self.queue.messages())
    }

    /// Fails unless `network` holds exactly one effect for each of `orders`, and saw no violation.
    pub(crate) fn check(&self, network: Network, orders: usize) -> Result<(), Failure> {
        let totals = self.sandbox.totals(network);
        if (totals.orders, totals.effects) != (orders, orders) {
            let found = format!("{} orders with {} effects", totals.orders, totals.effects);
            return Err(Failure::new(format!(
                "{network} holds {found} instead of {orders} with one each"
            )));
        }
        match self.sandbox.violations().first() {
            None => Ok(()),
            Some(violation) => {
                Err(Failure::new(format!("a request to {network} breaks its rules: {violation:?}")))
            }
        }
    }

    /// Fails unless `ShopBack` holds exactly one effect of this order.
    pub(crate) fn check_one(&self, prefix: &str, number: usize) -> Result<(), Failure> {
        let id = orders::id(prefix, number);
        match self.sandbox.held(Network::ShopBack, &id).len() {
            1 => Ok(()),
            count => Err(Failure::new(format!("{id} has {count} effects"))),
        }
    }
}
