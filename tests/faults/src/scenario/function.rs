//! One network's function in a scenario, whichever network it is.

use futures_util::future::LocalBoxFuture;
use postback_core::{
    clock::Timestamp,
    delivery::{Facts, Key, Record},
    fields::UnknownFields,
    network::{Network, Plan, configure},
    order::Order,
};
use postback_harness::{FakeServices, Function, Patience, TestBed};
use serde_json::Value;

use crate::{Line, NetworkCase, Wire, lifecycle::key, network_case::Ending};

/// One network's function.
pub(crate) trait NetworkFunction {
    /// The network's name.
    fn name(&self) -> &'static str;
    /// The network in the sandbox.
    fn at(&self) -> postback_sandbox::Network;
    /// The end of a delivery whose answer was lost.
    fn ending(&self) -> Ending;
    /// The deliveries of one order.
    fn lines(&self) -> Vec<Line>;
    /// The value by which the sandbox knows an order.
    fn key(&self, order_id: &str) -> String;
    /// The function's services.
    fn services(&self) -> &FakeServices;
    /// The running instances without an invocation.
    fn idle(&mut self) -> &mut Vec<Instance>;
    /// The facts of an order's deliveries.
    fn contents(&self, order: &Value) -> Vec<Facts>;
    /// The secrets that the network accepts; it begins with the first one.
    fn secrets(&self) -> Vec<String>;
    /// The key of an order's own item in the ledger.
    fn ledger_key(&self, id: &str) -> Key;
    /// Starts one more instance.
    fn start<'a>(&'a self, bed: &'a TestBed, patience: Patience) -> LocalBoxFuture<'a, Instance>;
    /// The ledger's record of a delivery.
    fn record<'a>(
        &'a self,
        id: &'a str,
        line: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Option<Record>>;
}

/// A running instance with its own wire.
pub(crate) struct Instance {
    /// The instance.
    pub(crate) function: Box<dyn Callable>,
    /// The wire of its connections to the network.
    pub(crate) wire: Wire,
}

/// An instance of any network's function.
pub(crate) trait Callable {
    /// Calls the handler.
    fn call<'a>(&'a self, event: &'a Value, deadline: Timestamp) -> LocalBoxFuture<'a, Value>;
}

impl<N: Network> Callable for Function<N> {
    fn call<'a>(&'a self, event: &'a Value, deadline: Timestamp) -> LocalBoxFuture<'a, Value> {
        Box::pin(async move { self.call(event, deadline).await.expect("an answer") })
    }
}

/// The function of network `N`.
pub(crate) struct FunctionOf<N: Network> {
    case: NetworkCase<N>,
    function: Function<N>,
    idle: Vec<Instance>,
}

impl<N: Network> FunctionOf<N> {
    /// The function of `case` on `bed`.
    pub(crate) async fn new(bed: &TestBed, case: NetworkCase<N>) -> Self {
        case.prepare(&bed.sandbox);
        let endpoint = bed.sandbox.endpoint(case.at);
        let function = bed.function_at::<N>(&endpoint, &case.secret.to_string()).await;
        Self { case, function, idle: Vec::new() }
    }
}

impl<N: Network> NetworkFunction for FunctionOf<N> {
    fn name(&self) -> &'static str {
        N::NAME
    }

    fn at(&self) -> postback_sandbox::Network {
        self.case.at
    }

    fn ending(&self) -> Ending {
        self.case.ending
    }

    fn lines(&self) -> Vec<Line> {
        self.case.lines()
    }

    fn key(&self, order_id: &str) -> String {
        self.case.key(order_id)
    }

    fn services(&self) -> &FakeServices {
        &self.function.services
    }

    fn idle(&mut self) -> &mut Vec<Instance> {
        &mut self.idle
    }

    fn secrets(&self) -> Vec<String> {
        self.case.secrets()
    }

    fn ledger_key(&self, id: &str) -> Key {
        key::<N>(id, None)
    }

    fn contents(&self, order: &Value) -> Vec<Facts> {
        let network = configure::<N>(&self.case.secret.to_string()).expect("settings");
        let order = Order::from_json(order, UnknownFields::Deny).expect("an order");
        let Plan::Send(parts) = network.plan(&order) else { return Vec::new() };
        let whole = Facts::of_total(order.total, order.currency).and(N::facts(&order));
        parts.into_iter().map(|part| whole.clone().and(part.facts)).collect()
    }

    fn start<'a>(&'a self, bed: &'a TestBed, patience: Patience) -> LocalBoxFuture<'a, Instance> {
        Box::pin(async move {
            let wire = Wire::to(bed.sandbox.address()).await;
            let (endpoint, services) = (wire.endpoint(N::NAME), self.function.services.clone());
            let function = bed.instance_with::<N>(&endpoint, services, patience).await;
            Instance { function: Box::new(function), wire }
        })
    }

    fn record<'a>(
        &'a self,
        id: &'a str,
        line: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Option<Record>> {
        Box::pin(async move { self.function.record_of(&key::<N>(id, line)).await })
    }
}
