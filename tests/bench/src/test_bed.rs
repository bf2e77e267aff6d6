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
    tls,
};

/// The secret of every shop system, and its key: that of `tests/local_aws`.
const SHOP_SYSTEM: &str = "postback/shop-system";
const SHOP_SYSTEM_KEY: &str = "shop-system-key-of-tests";

/// The services' times to answer.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Delays {
    /// The network, in milliseconds.
    pub(crate) network: u64,
    /// `DynamoDB`, in milliseconds.
    pub(crate) dynamodb: u64,
    /// Secrets Manager, in milliseconds.
    pub(crate) secrets: u64,
    /// SQS and EventBridge, in milliseconds.
    pub(crate) queue: u64,
}

/// The networks and services on loopback.
pub(crate) struct TestBed {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) sandbox: Sandbox,
    queue: Service,
    _secrets: Service,
    /// The base URLs of all of them.
    urls: Urls,
    /// The cores to share out; `None` lets the functions use all.
    cores: Option<Cores>,
    /// The memory in MB whose share of a core the functions have; `None` gives them a core.
    memory: Option<u32>,
}

/// The services' base URLs, over TLS.
struct Urls {
    dynamodb: String,
    queue: String,
    secrets: String,
    /// Of the sandbox, which has a path for each network.
    networks: String,
}

impl TestBed {
    pub(crate) async fn start(
        delays: Delays,
        cores: Option<Cores>,
        memory: Option<u32>,
    ) -> Result<Self, Failure> {
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
        let mut secrets = secrets.into_iter().collect::<Result<BTreeMap<_, _>, Failure>>()?;
        secrets.insert(SHOP_SYSTEM.to_owned(), format!(r#"{{"keys": ["{SHOP_SYSTEM_KEY}"]}}"#));
        let answer_time = Duration::from_millis(delays.queue);
        let dynamodb = DynamoDb::start(Duration::from_millis(delays.dynamodb)).await?;
        let queue = Service::start(answer_time, BTreeMap::new()).await;
        let secrets = Service::start(Duration::from_millis(delays.secrets), secrets).await;
        let urls = Urls {
            dynamodb: tls::before(dynamodb.address).await?,
            queue: tls::before(queue.address).await?,
            secrets: tls::before(secrets.address).await?,
            networks: tls::before(sandbox.address()).await?,
        };
        Ok(Self { dynamodb, sandbox, queue, _secrets: secrets, urls, cores, memory })
    }

    /// The environment of a function that reports to `network`, with `table` as its ledger. It is the
    /// same for ours and the peers: each reads the variables it needs.
    pub(crate) fn environment(&self, network: Network, table: &str) -> BTreeMap<String, String> {
        let accounts = serde_json::to_value(self.sandbox.accounts()).unwrap_or_default();
        let account = |name: &str| match &accounts["shopback"][name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let queue = |name: &str| format!("{}/000000000000/{name}", self.urls.queue);
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.urls.dynamodb.clone()),
            ("AWS_ENDPOINT_URL_SQS", self.urls.queue.clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.urls.secrets.clone()),
            ("LEDGER_TABLE", table.to_owned()),
            ("NETWORK_ENDPOINT", self.endpoint(network)),
            ("NETWORK_SECRET_ARN", format!("postback/{network}")),
            ("QUEUE_URL", queue("queue")),
            ("DEAD_LETTER_QUEUE_URL", queue("dead-letters")),
            ("STATUS_QUEUE_URL", queue("status")),
            ("STATUS_DEAD_LETTER_QUEUE_URL", queue("status-dead-letters")),
            ("OFFER_ID", account("offer_id")),
            ("SECURITY_TOKEN", account("security_token")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn endpoint(&self, network: Network) -> String {
        let plain = self.sandbox.endpoint(network);
        let path = plain.splitn(4, '/').nth(3).unwrap_or_default();
        format!("{}/{path}", self.urls.networks)
    }

    /// Starts a function that reports to `network` and has a table of its own.
    pub(crate) async fn function(
        &self,
        package: &Package,
        network: Network,
    ) -> Result<Function, Failure> {
        let environment = self.environment(network, &package.name);
        Function::start(package, &environment, self.cores, self.memory).await
    }

    /// Starts the function of a shop system, which has a table of its own.
    pub(crate) async fn shop_system(&self, package: &Package) -> Result<Function, Failure> {
        let environment = [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.urls.dynamodb.clone()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", self.urls.queue.clone()),
            ("AWS_ENDPOINT_URL_SQS", self.urls.queue.clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.urls.secrets.clone()),
            ("LEDGER_TABLE", package.name.clone()),
            ("EVENT_BUS_NAME", "bench".to_owned()),
            ("FAULTY_QUEUE_URL", format!("{}/000000000000/faulty", self.urls.queue)),
            ("WEBHOOK_SECRET_ARN", SHOP_SYSTEM.to_owned()),
            ("NETWORKS", Network::ALL.map(|network| network.to_string()).join(",")),
            ("EVERY_ORDER", "cartstack".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        Function::start(package, &environment, self.cores, self.memory).await
    }

    /// The number of orders put back on a queue so far.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.messages()
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
