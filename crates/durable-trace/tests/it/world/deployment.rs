//! The function, deployed with us or without.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, OptionsBuilder as SdkOptionsBuilder};
use durable_trace::OptionsBuilder;
use serde_json::Value;

use super::{FUNCTION, World, client, traced_function, untraced_function};

/// How the SDK sends checkpoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) batching: bool,
    /// How long a request is held back for others, in milliseconds; 0 is not at all.
    pub(crate) coalescing: u64,
}

impl Sending {
    /// As the SDK does unless it is told otherwise.
    pub(crate) const AT_ONCE: Self = Self {
        batching: false,
        coalescing: 0,
    };

    /// The window. One of no length is not the same as none: the SDK buffers then.
    fn window(self) -> Option<Duration> {
        (self.coalescing > 0).then(|| Duration::from_millis(self.coalescing))
    }

    /// The SDK's own options.
    pub(super) fn applied(self, options: SdkOptionsBuilder) -> SdkOptionsBuilder {
        let options = options.checkpoint_batching(self.batching);
        match self.window() {
            Some(window) => options.checkpoint_delay(window),
            None => options,
        }
    }
}

impl World {
    /// Registers `handler` as the function: with us by these options, or as it is.
    pub(crate) fn deploy<F, Fut>(
        &self,
        handler: F,
        traced: Option<OptionsBuilder>,
        sending: Sending,
    ) where
        F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
    {
        let function = match traced {
            None => untraced_function(handler, client(&self.service, 3), sending),
            Some(options) => {
                let options = options.checkpoint_batching(sending.batching);
                let options = match sending.window() {
                    Some(window) => options.checkpoint_delay(window),
                    None => options,
                };
                traced_function(durable_trace::wrap(handler, self.options(options, 3)))
            }
        };
        self.service.register(FUNCTION, function);
    }
}
