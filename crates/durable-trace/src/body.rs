//! The body of Lambda's request, within reach of the [`Event`](crate::Event) that is read from it.

use std::cell::RefCell;
use std::task::{Context, Poll};

use bytes::Bytes;
use lambda_runtime::LambdaInvocation;
use lambda_runtime::tower::{Layer, Service};

thread_local! {
    /// `lambda_runtime` hands an event's type a deserializer, which does not show the text that it reads.
    static BODY: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// A layer for a [`lambda_runtime::Runtime`] of your own: spares a scan and a copy of each event.
///
/// Without it an [`Event`](crate::Event) is read twice, once to find where it ends and once by the SDK. [`run`](crate::run) and
/// [`run_with_options`](crate::run_with_options) have it; with [`wrap`](crate::wrap) it goes on the runtime, inside of all others.
///
/// # Examples
///
/// ```no_run
/// # use aws_durable_execution_sdk::{BoxError, DurableContext};
/// # async fn handler(order: String, ctx: DurableContext) -> Result<String, BoxError> { Ok(order) }
/// # async fn example() -> Result<(), lambda_runtime::Error> {
/// use lambda_runtime::{Runtime, layers::TracingLayer, service_fn};
///
/// let service = durable_trace::wrap(handler, durable_trace::Options::default());
/// let runtime = Runtime::new(service_fn(service)).layer(durable_trace::BodyLayer);
/// runtime.layer(TracingLayer::new()).run().await
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyLayer;

impl<S> Layer<S> for BodyLayer {
    type Service = BodyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyService { inner }
    }
}

/// The service of [`BodyLayer`].
#[derive(Clone, Debug)]
pub struct BodyService<S> {
    inner: S,
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for BodyService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        // `lambda_runtime` reads the event within this call, before there is a future.
        let _within = Within::new(invocation.body.clone());
        self.inner.call(invocation)
    }
}

/// While it lives, the body is there to be taken.
struct Within;

impl Within {
    fn new(body: Bytes) -> Self {
        BODY.set(Some(body));
        Self
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        BODY.take();
    }
}

/// The body of the request that is being read on this thread, for whoever asks first.
pub(crate) fn take() -> Option<Bytes> {
    BODY.take()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use lambda_runtime::tower::{ServiceExt as _, service_fn};
    use serde::Deserialize as _;

    use super::*;
    use crate::Event;

    fn invocation(body: &Bytes) -> LambdaInvocation {
        LambdaInvocation {
            parts: http::Response::new(()).into_parts().0,
            body: body.clone(),
            context: lambda_runtime::Context::default(),
        }
    }

    /// As `lambda_runtime` reads an event: within the call, by a deserializer that is not asked for its end.
    fn read(body: &[u8]) -> Result<Event, String> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        Event::deserialize(&mut deserializer).map_err(|error| error.to_string())
    }

    /// What becomes of two events that are read within one call.
    async fn within(body: &Bytes) -> [Result<Event, String>; 2] {
        let events = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&events);
        let inner = service_fn(move |invocation: LambdaInvocation| {
            *seen.lock().unwrap() = Some([read(&invocation.body), read(&invocation.body)]);
            async { Ok::<_, lambda_runtime::Error>(()) }
        });
        let service = BodyLayer.layer(inner);
        service.oneshot(invocation(body)).await.unwrap();
        events.lock().unwrap().take().unwrap()
    }

    #[tokio::test]
    async fn within_the_layer_an_event_is_the_body_itself_and_another_a_copy() {
        let body = Bytes::from_static(br#" {"DurableExecutionArn": "a"} "#);
        let [first, second] = within(&body).await.map(Result::unwrap);
        assert_eq!(first.as_str().as_ptr(), body.as_ptr());
        assert_eq!(first.as_str().as_bytes(), body);
        assert_eq!(second.as_str(), first.as_str().trim());
        assert_ne!(second.as_str().as_ptr(), body.as_ptr());
    }

    #[tokio::test]
    async fn what_is_no_json_is_refused_in_the_deserializers_words() {
        for body in [&b"{\"a\": tru"[..], b"", b"{\"a\": \"\xff\"}", b"[1,]"] {
            let body = Bytes::from_static(body);
            let [first, _] = within(&body).await;
            assert_eq!(first.map(|_| ()), read(&body).map(|_| ()), "{body:?}");
            assert!(read(&body).is_err(), "{body:?}");
        }
    }

    #[tokio::test]
    async fn what_follows_a_value_is_left_alone_as_without_the_layer() {
        let [event, _] = within(&Bytes::from_static(b"{} x"))
            .await
            .map(Result::unwrap);
        assert_eq!(event.as_str(), "{}");
    }

    #[tokio::test]
    async fn after_the_call_there_is_nothing_to_take() {
        let inner = service_fn(|_: LambdaInvocation| async { Ok::<_, lambda_runtime::Error>(()) });
        let service = BodyLayer.layer(inner);
        service
            .oneshot(invocation(&Bytes::from_static(b"{}")))
            .await
            .unwrap();
        assert_eq!(take(), None, "nobody took it");
    }
}
