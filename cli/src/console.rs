//! `console`: the tool as pages for a browser on this machine, with the operator's own credentials.
//! Nothing is deployed for it. It reads the ledger as the commands do, and every action is a command's.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::Response,
    routing::{get, post},
};
use postback_core::clock::Timestamp;
use postback_runtime::ledger::Filter;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{
    account::Account, args, failure::Failure, screen::Zone, status::Counted, view::Output,
};

mod activity;
mod circuits;
mod decide;
mod explain;
mod fields;
mod guard;
mod keys;
mod layout;
mod letters;
mod money;
mod needs;
mod networks;
mod order;
mod orders;
mod pauses;
mod plot;
mod reading;
mod replays;
mod report;
mod runbook;
mod survey;
#[cfg(test)]
mod tests;
mod upload;
mod watching;
mod work;

use keys::Keys;
use orders::Lists;
use reading::Job;
use survey::Survey;
use watching::Watching;
use work::Works;

/// The server's state.
pub(crate) struct Console {
    account: Account,
    /// True if it may decide, pause, replay and redrive.
    writes: bool,
    port: u16,
    keys: Keys,
    clock: fn() -> Timestamp,
    /// The zone of the times on pages.
    zone: Zone,
    needs: Arc<Job<Counted>>,
    survey: Arc<Job<Survey>>,
    lists: Lists,
    watching: Watching,
    works: Works,
    /// The time since when nothing has needed a person.
    calm_since: Mutex<Option<Timestamp>>,
}

#[derive(Serialize)]
struct View<'a> {
    url: &'a str,
    write: bool,
}

pub(crate) async fn run(
    account: Account,
    wanted: &args::Console,
    zone: Zone,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let no_port = |error: std::io::Error| Failure::NoPort {
        port: wanted.port,
        fault: error.kind().to_string(),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.port)).await.map_err(no_port)?;
    let port = listener.local_addr().map_err(no_port)?.port();
    let mut random = Ok(());
    let keys = Keys::new(|bytes| random = random.and_then(|()| getrandom::fill(bytes)));
    random.map_err(|_| no_port(std::io::ErrorKind::Unsupported.into()))?;
    let url = format!("http://127.0.0.1:{port}/open?token={}", keys.token());
    let may =
        if wanted.write { "It may decide, pause, replay and redrive." } else { "It only shows." };
    let console = Console::new(account, wanted.write, port, keys, Timestamp::system);
    let console = Console { zone, ..console };
    let lines = [url.clone(), format!("Open this in one browser. {may} Ctrl-C ends it.")];
    output.answer(&lines, &View { url: &url, write: wanted.write });
    axum::serve(listener, router(Arc::new(console))).await.map_err(no_port)
}

impl Console {
    fn new(
        account: Account,
        writes: bool,
        port: u16,
        keys: Keys,
        clock: fn() -> Timestamp,
    ) -> Self {
        let networks = account.networks().into_iter().map(|network| network.name);
        let needs = Job::new(Filter::needing(), Counted::of(networks));
        let whole = Filter { validations: true, unclaimed: true, ..Filter::default() };
        let survey = Job::new(whole, Survey::default());
        let (lists, watching) = (Lists::default(), Watching::default());
        let works = Works::default();
        let calm_since = Mutex::default();
        Self {
            account,
            writes,
            port,
            keys,
            clock,
            zone: Zone::default(),
            needs,
            survey,
            lists,
            watching,
            works,
            calm_since,
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Has every page read the ledger again: something was written.
    fn forget(&self) {
        self.needs.forget();
        self.survey.forget();
        self.lists.forget();
        self.watching.forget();
    }
}

/// A lock whose holder can't have left anything half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/", get(needs::show))
        .route("/networks", get(networks::show))
        .route("/orders", get(orders::show))
        .route("/orders.csv", get(orders::download))
        .route("/order", get(order::show))
        .route("/decide", get(decide::choose))
        .route("/decide/preview", post(decide::preview))
        .route("/decide/report", post(report::preview).layer(DefaultBodyLimit::max(upload::MOST)))
        .route("/decide/report/file", get(work::file))
        .route("/decide/run", post(decide::run))
        .route("/work", get(work::show))
        .route("/money", get(money::show))
        .route("/money.csv", get(money::download))
        .route("/activity", get(activity::show))
        .route("/letters", get(letters::show))
        .route("/letters/run", post(letters::run))
        .route("/pause", post(pauses::run))
        .route("/replay", get(replays::choose))
        .route("/replay/run", post(replays::run))
        .route("/console.css", get(layout::style))
        .route("/console.js", get(layout::script))
        .route_layer(middleware::from_fn_with_state(console.clone(), reading::anew))
        .fallback(layout::missing)
        .layer(middleware::from_fn_with_state(console.clone(), guard::guard))
        .with_state(console)
}

/// A page, or the page of a failure.
type Page = Result<Response, Response>;
