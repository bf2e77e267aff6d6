//! As much of AWS as the command-line tool asks besides the ledger: a stack, an identity, empty queues,
//! no alarms.

use axum::{Router, extract::State, http::HeaderMap};
use tokio::task::JoinHandle;

use crate::table::listen;

/// A fake of AWS on loopback, as long as it lives.
#[derive(Debug)]
pub struct FakeAws {
    endpoint: String,
    serving: JoinHandle<()>,
}

impl FakeAws {
    /// An AWS with one stack, whose ledger is `table`, and whose networks have these prefixes.
    ///
    /// # Panics
    ///
    /// If loopback can't be listened on.
    pub async fn start(table: &str, networks: &[&str]) -> Self {
        let mut outputs = vec![
            ("LedgerTable".to_owned(), table.to_owned()),
            ("BusName".to_owned(), "postback".to_owned()),
            ("BusArn".to_owned(), "arn:bus".to_owned()),
        ];
        let of_bus = ["FaultyOrdersQueueUrl", "BusOrdersQueueUrl", "BusLettersUrl"];
        let own = networks.iter().flat_map(|network| {
            ["QueueUrl", "DeadLetterQueueUrl"].map(|queue| format!("{network}{queue}"))
        });
        for name in of_bus.map(str::to_owned).into_iter().chain(own) {
            let url = format!("http://127.0.0.1/{name}");
            outputs.push((name, url));
        }
        let members = outputs.iter().map(|(name, value)| {
            format!(
                "<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"
            )
        });
        let stack = format!(
            "<Stacks><member><StackName>postback</StackName><StackStatus>CREATE_COMPLETE</StackStatus>\
             <CreationTime>2026-11-21T10:15:00Z</CreationTime><Outputs>{}</Outputs></member></Stacks>",
            members.collect::<String>()
        );
        let routes = Router::new().fallback(answer).with_state(stack);
        let (endpoint, serving) = listen(|listener| async {
            let _ended = axum::serve(listener, routes).await;
        })
        .await;
        Self { endpoint, serving }
    }

    /// The URL at which it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The answers of `EventBridge`: an archive, from which somebody replayed an hour.
fn replays(action: &str) -> String {
    let replay = r#"{"ReplayName":"postback-1","ReplayStartTime":1795255200,"EventStartTime":1795248000,
        "EventEndTime":1795251600,"State":"COMPLETED","Description":"by arn:aws:iam::123456789012:user/bob: after an outage"}"#;
    match action {
        "DescribeArchive" => r#"{"ArchiveArn":"arn:archive","RetentionDays":90}"#.to_owned(),
        "ListReplays" => format!(r#"{{"Replays":[{replay}]}}"#),
        "DescribeReplay" => replay.to_owned(),
        _ => "{}".to_owned(),
    }
}

async fn answer(State(stack): State<String>, headers: HeaderMap, body: String) -> String {
    let target = headers.get("x-amz-target").and_then(|it| it.to_str().ok()).unwrap_or_default();
    if target.starts_with("AmazonSQS") {
        return r#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#.to_owned();
    }
    if let Some((_, action)) = target.split_once("AWSEvents.") {
        return replays(action);
    }
    let (action, result) = if body.contains("GetCallerIdentity") {
        ("GetCallerIdentity", "<Arn>arn:aws:iam::123456789012:user/ann</Arn>")
    } else if body.contains("DescribeStacks") {
        ("DescribeStacks", stack.as_str())
    } else {
        ("ListStackResources", "<StackResourceSummaries></StackResourceSummaries>")
    };
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}
