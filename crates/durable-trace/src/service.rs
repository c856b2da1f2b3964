//! The edge: takes invocations from Lambda, hands them to the SDK, and lets the session watch.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_durable_execution_sdk::{BoxError, DurableContext, InvocationPayload, InvocationResponse};
use aws_sdk_lambda::Client;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::body::BodyLayer;
use crate::client;
use crate::config::report_variables;
use crate::event::Event;
use crate::health::{Location, shielded, warn_once};
use crate::logging;
use crate::options::{Options, SdkOptions};
use crate::registry::registry;
use crate::setup::{Setup, set_up};
use crate::subscriber;
use crate::traced::Traced;

/// What an invocation comes to: the SDK's response, unchanged.
pub type InvocationFuture = Pin<Box<dyn Future<Output = Result<InvocationResponse, Error>> + Send>>;

type Inner = Arc<dyn Fn(LambdaEvent<InvocationPayload>) -> InvocationFuture + Send + Sync>;

/// Runs a durable handler on Lambda, traced: in place of `aws_durable_execution_sdk::run`.
///
/// Sets up Datadog's tracer from `DD_*`, and a `tracing` subscriber if none is set yet.
///
/// # Errors
///
/// Those of [`lambda_runtime::run`].
///
/// # Examples
///
/// ```no_run
/// use aws_durable_execution_sdk::{BoxError, DurableContext};
///
/// async fn handler(order: String, ctx: DurableContext) -> Result<String, BoxError> {
///     let paid = ctx.step(move |_| async move { Ok(format!("{order} paid")) }).name("pay").await?;
///     ctx.wait(std::time::Duration::from_secs(3600)).name("cool-off").await?;
///     Ok(paid)
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), lambda_runtime::Error> {
///     durable_trace::run(handler).await
/// }
/// ```
pub async fn run<F, E, Fut, O>(handler: F) -> Result<(), Error>
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Serialize + Send + 'static,
{
    run_with_options(handler, Options::default()).await
}

/// [`run`] with [`Options`].
///
/// # Errors
///
/// Those of [`lambda_runtime::run`].
pub async fn run_with_options<F, E, Fut, O>(handler: F, mut options: Options) -> Result<(), Error>
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Serialize + Send + 'static,
{
    let setup = set_up(&options);
    options.install_subscriber =
        options.install_subscriber && subscriber::install(setup.as_ref(), options.replayed_logs);
    let service = wrap_set_up(handler, options, setup);
    // As `lambda_runtime::run`, but for our layer.
    let runtime = Runtime::new(service_fn(service)).layer(BodyLayer);
    runtime.layer(TracingLayer::new()).run().await
}

/// A traced service of a durable handler, for those who run it themselves: in place of `aws_durable_execution_sdk::wrap`.
///
/// Hand it to `lambda_runtime::service_fn`, and that to `lambda_runtime::run` or `run_concurrent`. It installs no subscriber: add
/// [`layer`](crate::layer) to yours.
///
/// # Examples
///
/// ```no_run
/// # use aws_durable_execution_sdk::{BoxError, DurableContext};
/// # async fn handler(order: String, ctx: DurableContext) -> Result<String, BoxError> { Ok(order) }
/// # async fn example() -> Result<(), lambda_runtime::Error> {
/// let service = durable_trace::wrap(handler, durable_trace::Options::default());
/// lambda_runtime::run(lambda_runtime::service_fn(service)).await
/// # }
/// ```
pub fn wrap<F, E, Fut, O>(
    handler: F,
    mut options: Options,
) -> impl Fn(LambdaEvent<Event>) -> InvocationFuture + Clone + Send + Sync + 'static
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Serialize + Send + 'static,
{
    options.install_subscriber = false;
    let setup = set_up(&options);
    wrap_set_up(handler, options, setup)
}

fn wrap_set_up<F, E, Fut, O>(
    handler: F,
    options: Options,
    setup: Option<Setup>,
) -> impl Fn(LambdaEvent<Event>) -> InvocationFuture + Clone + Send + Sync + 'static
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Serialize + Send + 'static,
{
    let resource = handler_name::<F>();
    let own_tracer = options.tracer_provider.is_none() && options.durable_tracer_provider.is_none();
    let own_subscriber = options.install_subscriber;
    let warnings = setup
        .as_ref()
        .map(|setup| setup.warnings.clone())
        .unwrap_or_default();
    let traced = setup.map(|setup| Traced::new(options.settings.clone(), setup, resource));
    let watches = traced.is_some();
    let handler = Arc::new(handler);
    let sdk = options.sdk;
    let make_inner = move |client: &Client| -> Inner {
        let handler = Arc::clone(&handler);
        if watches {
            let client = client::watched(client);
            Arc::new(aws_durable_execution_sdk::wrap(
                noticed(handler),
                sdk_options(client, sdk),
            ))
        } else {
            Arc::new(aws_durable_execution_sdk::wrap(
                plain(handler),
                sdk_options(client.clone(), sdk),
            ))
        }
    };
    let service = Arc::new(Service {
        traced,
        given_client: options
            .lambda_client
            .or_else(|| options.sdk_config.as_ref().map(Client::new)),
        report: Box::new(move || {
            report_variables(own_tracer, own_subscriber);
            warnings.iter().for_each(warn_once);
        }),
        make_inner: Box::new(make_inner),
        ready: OnceCell::new(),
    });
    move |event: LambdaEvent<Event>| -> InvocationFuture {
        let service = Arc::clone(&service);
        Box::pin(async move { service.invoke(event).await })
    }
}

type HandlerFuture<O> = Pin<Box<dyn Future<Output = Result<O, BoxError>> + Send>>;

/// A handler whose future's type is hidden: the SDK does not ask that it outlive everything, so nothing here may either.
type Handler<E, O> = Box<dyn Fn(E, DurableContext) -> HandlerFuture<O> + Send + Sync>;

/// `handler` as it is.
fn plain<F, E, Fut, O>(handler: Arc<F>) -> Handler<E, O>
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Send + 'static,
{
    Box::new(move |event, ctx| {
        let handler = Arc::clone(&handler);
        Box::pin(async move { handler(event, ctx).await })
    })
}

/// `handler`, with its return noticed: what is requested afterwards ends the execution.
fn noticed<F, E, Fut, O>(handler: Arc<F>) -> Handler<E, O>
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send,
    O: Send + 'static,
{
    Box::new(move |event, ctx| {
        let session = registry().by_request(ctx.execution_arn(), &ctx.lambda_context().request_id);
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let result = handler(event, ctx).await;
            if let Some(session) = session {
                shielded(Location::Unknown, session.arn(), || {
                    session.handler_returned();
                });
            }
            result
        })
    })
}

fn sdk_options(client: Client, sdk: SdkOptions) -> aws_durable_execution_sdk::Options {
    let mut builder = aws_durable_execution_sdk::Options::builder().lambda_client(client);
    if let Some(delay) = sdk.checkpoint_delay {
        builder = builder.checkpoint_delay(delay);
    }
    if let Some(batching) = sdk.checkpoint_batching {
        builder = builder.checkpoint_batching(batching);
    }
    builder.build().unwrap_or_default() // a client alone contradicts nothing
}

/// The path of a named function; `None` for closures and the like, whose names are not stable.
fn handler_name<F>() -> Option<&'static str> {
    let name = std::any::type_name::<F>();
    let is_path = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    is_path.then_some(name)
}

struct Service {
    /// `None`: the SDK's plain behaviour.
    traced: Option<Traced>,
    given_client: Option<Client>,
    /// Says what is wrong with the set-up.
    report: Box<dyn Fn() + Send + Sync>,
    make_inner: Box<dyn Fn(&Client) -> Inner + Send + Sync>,
    /// Made at the first invocation, since the AWS configuration is loaded then.
    ready: OnceCell<Ready>,
}

/// The SDK's service, and a client of our own that is not watched.
struct Ready {
    inner: Inner,
    client: Client,
}

impl Service {
    async fn ready(&self) -> &Ready {
        self.ready
            .get_or_init(|| async {
                // Not before: by now the user has set a subscriber, if at all.
                shielded(Location::Setup, "", &self.report);
                let client = match &self.given_client {
                    Some(client) => client.clone(),
                    None => Client::new(
                        &aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await,
                    ),
                };
                Ready {
                    inner: (self.make_inner)(&client),
                    client,
                }
            })
            .await
    }

    async fn invoke(&self, event: LambdaEvent<Event>) -> Result<InvocationResponse, Error> {
        let started = SystemTime::now();
        let ready = self.ready().await;
        let (mut event, context) = event.into_parts();
        // First: what the SDK cannot take is no invocation to watch.
        let payload = event.payload()?;
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(context.deadline);
        let session = self.traced.as_ref().and_then(|traced| {
            shielded(Location::Read, "", || {
                traced.begin(&event, &context, started)
            })
            .flatten()
            .map(|s| (traced, s))
        });
        drop(event);
        let invocation = (ready.inner)(LambdaEvent::new(payload, context));
        match session {
            None => invocation.await,
            Some((traced, session)) => {
                let place = logging::invocation(&session);
                let watched = traced.watch(session, invocation, &ready.client, deadline);
                logging::within(place, watched).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() {}

    #[test]
    fn a_named_handler_gives_its_path_and_a_closure_none() {
        fn name_of<F>(_: F) -> Option<&'static str> {
            handler_name::<F>()
        }
        assert_eq!(name_of(named), Some("durable_trace::service::tests::named"));
        assert_eq!(name_of(|| ()), None, "a closure");
        assert_eq!(name_of(named as fn()), None, "a pointer");
    }

    #[test]
    fn the_service_can_be_shared_between_workers() {
        fn needs<S: Fn(LambdaEvent<Event>) -> InvocationFuture + Clone + Send + Sync + 'static>(
            _: S,
        ) {
        }
        async fn handler(event: String, _: DurableContext) -> Result<String, BoxError> {
            Ok(event)
        }
        needs(wrap(handler, Options::default()));
    }
}
