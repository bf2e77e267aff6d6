//! Calls of AWS services: their limits, their connections, their headers.

use std::{error::Error, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor,
    user_agent::UserAgentInterceptor,
};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, IdentityCache, Intercept, Region, StalledStreamProtectionConfig,
    interceptors::BeforeSerializationInterceptorContextRef, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        interceptors::disable_interceptor,
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::HttpError,
};
use aws_smithy_types::body::SdkBody;
use aws_types::{SdkConfig, sdk_config};
use http::{HeaderValue, Response, header::USER_AGENT};
use http_body_util::BodyExt;
use tokio::time::{error::Elapsed, timeout};

use crate::client::connections::{Connections, is_timeout};
use postback_core::clock::Timestamp;

/// The longest that a connection to an AWS service may stay unused. They close theirs later, and a
/// request that meets a closed one is sent again: all of ours may be.
const IDLE: Duration = Duration::from_secs(80);

/// The longest that a call of an AWS service may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// The opening of a connection.
    pub connect: Duration,
    /// One attempt, its whole answer included.
    pub attempt: Duration,
    /// All attempts together.
    pub operation: Duration,
    /// The pause before the second attempt; before the third it is twice as long.
    pub backoff: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            attempt: Duration::from_secs(2),
            operation: Duration::from_secs(5),
            backoff: Duration::from_millis(50),
        }
    }
}

/// The name that AWS sees in the logs.
const NAME: &str = concat!("postback/", env!("CARGO_PKG_VERSION"));

/// The configuration that all services share, and one pool of connections.
pub(super) fn config(
    region: Region,
    credentials: Credentials,
    limits: CallLimits,
) -> sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        // They are at hand: the cache would take longer.
        .identity_cache(IdentityCache::no_cache())
        .http_client(Http {
            connections: Connections::new(limits.connect, IDLE),
            attempt: limits.attempt,
        })
        .timeout_config(TimeoutConfig::builder().operation_timeout(limits.operation).build())
        .retry_config(RetryConfig::standard().with_initial_backoff(limits.backoff))
        // An answer is some hundred bytes, and an attempt's time covers all of it.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Lambda keeps the clock; and what is measured over a freeze would be far off.
        .disable_clock_skew_correction(true)
}

/// Requests without what the SDK says in headers of itself and of its attempts: nobody needs it, and
/// it is made anew, signed and sent with each. They name us instead.
#[derive(Debug)]
pub(super) struct MinimalHeaders;

impl Intercept for MinimalHeaders {
    fn name(&self) -> &'static str {
        "MinimalHeaders"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>("not needed"));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>("not needed"));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>("not needed"));
        Ok(())
    }
}

/// Our connections, as the SDK wants them.
#[derive(Clone, Debug)]
struct Http {
    connections: Connections<SdkBody>,
    attempt: Duration,
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(NAME));
        let response = self.connections.request(request, Timestamp::system());
        let whole = async move {
            let (head, body) = response.await.map_err(lost)?.into_parts();
            let body = body.collect().await.map_err(lost)?.to_bytes();
            Ok(Response::from_parts(head, SdkBody::from(body)))
        };
        let attempt = self.attempt;
        HttpConnectorFuture::new(async move {
            let late = |late: Elapsed| ConnectorError::timeout(late.into());
            let response = timeout(attempt, whole).await.map_err(late)??;
            let unreadable = |error: HttpError| ConnectorError::other(error.into(), None);
            HttpResponse::try_from(response).map_err(unreadable)
        })
    }
}

/// The error of a call without a whole answer.
fn lost(error: impl Error + Send + Sync + 'static) -> ConnectorError {
    if is_timeout(&error) {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests;
