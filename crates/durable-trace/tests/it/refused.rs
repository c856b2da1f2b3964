//! A ride that the service refuses: what it costs, and when there is none.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use aws_sdk_lambda::config::retry::RetryConfig;
use durable_trace::Options;
use durable_trace_local::{Config, ExecutionStatus, Fault};
use serde_json::Value;

use crate::document;
use crate::faults::{has_checkpoint, refusal};
use crate::trace::step_wait_step;
use crate::world::{FUNCTION, Layer, Setting, World, client, traced_function};

#[tokio::test]
async fn a_ride_is_never_its_requests_last_attempt() {
    for max_attempts in 1..=4 {
        for fault in [
            Fault::CutConnection,
            Fault::LoseReply,
            Fault::Throttle,
            refusal(),
        ] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let attempts = Arc::clone(&seen);
            let config = Config::default().fault(move |call| {
                // Our own calls are not the SDK's requests: they hold nothing else.
                let rides = has_checkpoint(call)
                    && call.body["Updates"]
                        .as_array()
                        .is_some_and(|updates| updates.len() > 1);
                if rides {
                    attempts.lock().unwrap().push(call.attempt.unwrap());
                }
                rides.then(|| fault.clone())
            });
            let world = World::new(
                Setting {
                    config,
                    max_attempts,
                    ..Setting::default()
                },
                step_wait_step,
            )
            .await;
            let ended = world.run(&Value::Null).await;
            assert_eq!(
                ended.status,
                ExecutionStatus::Succeeded,
                "{max_attempts} attempts"
            );
            let attempts = seen.lock().unwrap();
            assert!(
                attempts.iter().all(|attempt| *attempt < max_attempts),
                "{attempts:?} of {max_attempts}"
            );
            assert_eq!(attempts.is_empty(), max_attempts == 1);
        }
    }
}

/// When each attempt at a request arrived, for the request that was refused.
type Arrivals = Arc<Mutex<Vec<(u32, Instant)>>>;

#[tokio::test]
#[ignore = "waits for the AWS client's real back-off; writes docs/conformance.md with UPDATE_REFUSED=1"]
async fn a_refused_ride_costs_one_attempt_and_its_back_off() {
    const ROUNDS: usize = 50;
    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        let arrivals = Arrivals::default();
        let seen = Arc::clone(&arrivals);
        let config = Config::default().fault(move |call| {
            if call.body["Updates"][0]["Type"] == "WAIT" {
                seen.lock()
                    .unwrap()
                    .push((call.attempt.unwrap(), Instant::now()));
            }
            has_checkpoint(call).then(refusal)
        });
        let world = World::without_function(config, Layer::With).await;
        // The client as AWS makes it: three attempts, its own back-off.
        let client = client(&world.service, 3);
        let client = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::standard())
            .build();
        let options = Options::builder();
        let options = world.options_with(options, aws_sdk_lambda::Client::from_conf(client));
        let traced = durable_trace::wrap(step_wait_step, options);
        world.service.register(FUNCTION, traced_function(traced));
        let ended = world.run(&Value::Null).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded);
        let arrivals = arrivals.lock().unwrap();
        let [(1, refused), (2, again)] = arrivals[..] else {
            panic!("one attempt more: {arrivals:?}");
        };
        delays.push(again.duration_since(refused).as_millis());
    }
    delays.sort_unstable();
    let [first, .., last] = delays[..] else {
        unreachable!()
    };
    let table = format!(
        "\n| rides refused | attempts more, each | delay, least | median | most | executions that failed |\n|---|---|---|---|---|---|\n\
         | {ROUNDS} | 1 | {first} ms | {} ms | {last} ms | 0 |\n\n",
        delays[ROUNDS / 2],
    );
    eprint!("{table}");
    if std::env::var_os("UPDATE_REFUSED").is_some() {
        document::hold("conformance.md", "refused", &table, "UPDATE_REFUSED");
    }
}
