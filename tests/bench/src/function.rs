//! A packaged function as a process of its own, as in Lambda.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{
    Failure, clock,
    cores::Cores,
    runtime_api::{Answer, RuntimeApi},
    share::Share,
};

/// A packaged function, and how to start it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    /// The name in the results.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// The directory of its files.
    pub(crate) directory: PathBuf,
    /// Further variables for its runtime.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// The names of its table's key attributes.
    pub(crate) key: Vec<String>,
    /// It takes part in every n-th cold start only; for slow functions.
    #[serde(default = "one")]
    pub(crate) every: usize,
    /// True if it counts what it runs, and writes that down when it ends by itself.
    #[serde(default)]
    pub(crate) counts: bool,
}

/// The time that a function may take to write down what it has counted.
const ENDING: Duration = Duration::from_secs(10);

const fn one() -> usize {
    1
}

/// A running function. It is killed when this is dropped.
pub(crate) struct Function {
    api: RuntimeApi,
    process: Child,
    since: Instant,
    /// The file with its log, shown when it fails.
    log: PathBuf,
    counts: bool,
    /// Its share of a core, given back with it.
    _share: Option<Share>,
}

impl Function {
    /// Starts the process with an environment of its own, and the share of a core that `memory` MB
    /// bring.
    pub(crate) async fn start(
        package: &Package,
        environment: &BTreeMap<String, String>,
        cores: Option<Cores>,
        memory: Option<u32>,
    ) -> Result<Self, Failure> {
        let api = RuntimeApi::start().await;
        let log = std::env::temp_dir().join(format!("postback-bench-{}.log", api.address.port()));
        let out = OpenOptions::new().create(true).append(true).open(&log)?;
        let port = api.address.port().to_string();
        let share = memory.and_then(|memory| Share::of(memory, &port));
        let memory = memory.unwrap_or(256).to_string();
        let mut command = Command::new("/bin/sh");
        // The shell joins the group and becomes the program.
        command.args(["-c", r#"[ -z "$0" ] || echo $$ > "$0"; exec "$@""#]);
        command.arg(share.as_ref().map(Share::members).unwrap_or_default());
        command
            .args(&package.command)
            .current_dir(&package.directory)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "en_US.UTF-8")
            .env("TZ", ":UTC")
            .env("LAMBDA_TASK_ROOT", &package.directory)
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &package.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_SESSION_TOKEN", "test")
            .envs(environment)
            .envs(&package.environment)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true);
        let mut spawn = || (clock::now(), command.spawn());
        let (since, process) = match cores {
            Some(cores) => cores.start_function(spawn),
            None => spawn(),
        };
        let process = process?;
        Ok(Self { api, process, since, log, counts: package.counts, _share: share })
    }

    /// The first call of a fresh process, timed from its start.
    pub(crate) async fn first_call(&self, event: &Value) -> Result<Answer, Failure> {
        self.explain(self.api.invoke(event, Some(self.since)).await)
    }

    /// A call of a process that is waiting for one.
    pub(crate) async fn call(&self, event: &Value) -> Result<Answer, Failure> {
        self.explain(self.api.invoke(event, None).await)
    }

    fn explain<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            Failure::new(format!("{failure}\n{log}"))
        })
    }

    /// The processor time it has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = self.proc("task").map(fs::read_dir);
        let tasks = tasks.and_then(Result::ok).into_iter().flatten().flatten();
        let nanos = tasks.filter_map(|task| {
            let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// The most memory it has used so far, in KiB.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(self.proc("status")?).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    fn proc(&self, file: &str) -> Option<PathBuf> {
        Some(PathBuf::from(format!("/proc/{}/{file}", self.process.id()?)))
    }

    /// Ends the process.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        if self.counts {
            self.api.hang_up();
            let ended = timeout(ENDING, self.process.wait()).await;
            ended.map_err(|_| Failure::new("the function does not end"))??;
        } else {
            self.process.kill().await?;
        }
        Ok(())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.log);
    }
}
