//! `serve`: a real client, real processes.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use aws_sdk_lambda::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::Blob,
};
use serde_json::{Value, json};

use crate::{
    peer::answer,
    program::{command, run, scratch},
};

/// A running `serve`; it is ended with the test.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    exports: Vec<String>,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        Self::start_with(&[], args, 5)
    }

    /// Only invokes, for functions that checkpoint at `endpoint`.
    fn start_invoke_only(endpoint: &str, args: &[&str]) -> Self {
        let environment = [
            ("AWS_ENDPOINT_URL_LAMBDA", endpoint),
            ("AWS_REGION", "eu-west-3"),
            ("AWS_ACCESS_KEY_ID", "somebodys-key"),
            ("AWS_SECRET_ACCESS_KEY", "somebodys-secret"),
        ];
        Self::start_with(&environment, &[&["--invoke-only"], args].concat(), 1)
    }

    fn start_with(environment: &[(&str, &str)], args: &[&str], lines: usize) -> Self {
        let args = [&["serve", "--port", "0"], args].concat();
        let mut child = command(&args)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut exports = Vec::new();
        while exports.len() < lines {
            let mut line = String::new();
            assert_ne!(
                stdout.read_line(&mut line).unwrap(),
                0,
                "it ended: {exports:?}"
            );
            exports.push(line.trim_end().to_owned());
        }
        Self {
            child,
            stdout,
            exports,
        }
    }

    fn endpoint(&self) -> &str {
        let export = &self.exports[0];
        export
            .strip_prefix("export AWS_ENDPOINT_URL_LAMBDA=")
            .or_else(|| export.strip_prefix("export DURABLE_TRACE_INVOKE_ENDPOINT="))
            .unwrap()
    }

    fn client(&self) -> Client {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.endpoint())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .build();
        Client::from_conf(config)
    }

    fn interrupt(mut self) -> (ExitStatus, String) {
        send_interrupt(self.child.id());
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap() > 0 {}
        (status, rest)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_interrupt(pid: u32) {
    let kill = Command::new("kill")
        .args(["-INT", &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// This program's own demo workflows are functions like any other.
fn workflow(name: &str) -> String {
    format!(
        "{name}='{}' function {name}",
        env!("CARGO_BIN_EXE_durable-trace")
    )
}

async fn invoke(client: &Client, name: &str, payload: &str) -> (String, Option<String>) {
    let output = client
        .invoke()
        .function_name(name)
        .payload(Blob::new(payload))
        .send()
        .await
        .unwrap();
    let payload = output
        .payload()
        .map(|p| p.as_ref().to_vec())
        .unwrap_or_default();
    (
        String::from_utf8(payload).unwrap(),
        output.function_error().map(str::to_owned),
    )
}

#[tokio::test]
async fn a_function_completes_through_the_aws_client() {
    let served = Served::start(&[
        "--clock",
        "skip",
        "--function",
        &workflow("step-wait-step"),
        "--function",
        &workflow("suspend-then-fail"),
    ]);
    assert!(served.endpoint().starts_with("http://127.0.0.1:"));
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let export = format!("export {name}=");
        assert!(
            served.exports.iter().any(|line| line.starts_with(&export)),
            "{name}"
        );
    }
    let client = served.client();
    let (result, error) = invoke(&client, "step-wait-step", "{}").await;
    assert_eq!(error, None, "{result}");
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result, json!({ "a": { "a": 1 }, "b": { "b": 2 } }));

    let (result, error) = invoke(&client, "suspend-then-fail", "{}").await;
    assert!(error.is_some(), "{result}");
    assert!(result.contains("terminal failure after resume"), "{result}");

    let (status, rest) = served.interrupt();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rest, "", "nothing of a function on stdout");
}

/// Asks the service for a path as a browser would, and gives the answer's head and body.
fn get(endpoint: &str, path: &str) -> (String, String) {
    let host = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn the_page_at_the_root_is_told_how_far_executions_have_come() {
    let served = Served::start(&["--clock", "skip", "--function", &workflow("step-wait-step")]);
    let (head, body) = get(served.endpoint(), "/");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(body.starts_with("<!doctype html>"), "{body}");
    assert!(
        body.contains("connect-src 'self'"),
        "it may ask its own service"
    );

    let ask = |query: &str| -> Value {
        let (_, body) = get(served.endpoint(), &format!("/durable-trace/live{query}"));
        serde_json::from_str(&body).unwrap()
    };
    assert_eq!(ask("?arn=nobody")["selected"], Value::Null);
    invoke(&served.client(), "step-wait-step", "{}").await;
    let listed = ask("");
    let execution = &listed["executions"][0];
    assert_eq!(execution["function"], "step-wait-step");
    assert_eq!(execution["status"], "SUCCEEDED");
    let arn = execution["arn"].as_str().unwrap().replace('$', "%24");
    let selected = &ask(&format!("?arn={arn}"))["selected"];
    let timeline = &selected["timeline"];
    assert_eq!(timeline["execution"]["status"], "SUCCEEDED");
    assert_eq!(timeline["execution"]["arn"], execution["arn"]);
    let version = selected["version"].as_str().unwrap();
    let again = &ask(&format!("?arn={arn}&version={version}"))["selected"];
    assert_eq!(again["timeline"], Value::Null, "nothing is new");
    assert_eq!(again["version"], version);
}

#[test]
fn without_executions_of_its_own_it_has_no_page() {
    let served = Served::start_invoke_only("http://127.0.0.1:9", &[]);
    let (head, _) = get(served.endpoint(), "/");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[tokio::test]
async fn ctrl_c_ends_the_functions() {
    let pid_file = scratch("ctrl-c.pid");
    let script = format!("f=sh -c 'echo $$ > {}; exec sleep 600'", pid_file.display());
    let served = Served::start(&["--function", &script]);
    let client = served.client();
    let call = tokio::spawn(async move {
        let _ = client.invoke().function_name("f").send().await;
    });
    let pid = wait_for("the function's process id", || {
        let text = std::fs::read_to_string(&pid_file).ok()?;
        text.trim().parse::<u32>().ok()
    })
    .await;
    assert!(is_running(pid));
    let (status, _) = served.interrupt();
    assert_eq!(status.code(), Some(0));
    wait_for("the function's end", || (!is_running(pid)).then_some(())).await;
    call.abort();
}

#[test]
fn a_busy_port_is_a_failure_with_its_number() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run(&["serve", "--port", &port], "");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains(&port), "{}", ran.stderr);
}

/// What the service that keeps executions hands a durable function.
const FIRST_INVOCATION: &str = r#"{"DurableExecutionArn":"arn:aws:lambda:eu-west-3:123456789012:function:step-wait-step:$LATEST/durable-execution/n/0c8f4a52","CheckpointToken":"token","InitialExecutionState":{"Operations":[{"Id":"0c8f4a52","Type":"EXECUTION","Status":"STARTED","StartTimestamp":1767225600000,"ExecutionDetails":{"InputPayload":"{}"}}]}}"#;

#[tokio::test]
async fn an_invoke_only_endpoint_hands_payload_and_answer_on_as_they_are() {
    let target = workflow("plain-target");
    let other = target.replacen("plain-target", "other", 1);
    let functions = ["--function", &target, "--plain-function", &other];
    let served = Served::start_invoke_only("http://127.0.0.1:9", &functions);
    for name in ["plain-target", "other"] {
        let (answer, error) = invoke(&served.client(), name, FIRST_INVOCATION).await;
        assert_eq!(error, None, "{answer}");
        let want: Value = serde_json::from_str(FIRST_INVOCATION).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), want);
    }
    let missing = served.client().invoke().function_name("missing").send();
    let error = missing.await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let (status, rest) = served.interrupt();
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn an_invoke_only_function_checkpoints_where_the_environment_says() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", elsewhere.local_addr().unwrap());
    let checkpoint = std::thread::spawn(move || answer(&elsewhere.accept().unwrap().0).0);
    let functions = ["--function", &workflow("step-wait-step")];
    let served = Served::start_invoke_only(&endpoint, &functions);
    let client = served.client();
    let call =
        tokio::spawn(async move { invoke(&client, "step-wait-step", FIRST_INVOCATION).await });
    let head = tokio::task::spawn_blocking(|| checkpoint.join().unwrap());
    let head = head.await.unwrap();
    let request = head.lines().next().unwrap();
    assert!(
        request.starts_with("POST /2025-12-01/durable-executions/arn")
            && request.contains("/checkpoint"),
        "{head}"
    );
    let signed = head
        .lines()
        .find(|line| line.to_lowercase().starts_with("authorization:"));
    let signed = signed.unwrap();
    assert!(signed.contains("Credential=somebodys-key/"), "{signed}");
    assert!(signed.contains("/eu-west-3/lambda/"), "{signed}");
    call.abort();
}

#[tokio::test]
async fn an_invoke_only_endpoint_refuses_what_is_about_executions_and_says_where_it_belongs() {
    let endpoint = "http://127.0.0.1:5000";
    let functions = ["--function", &workflow("plain-target")];
    let served = Served::start_invoke_only(endpoint, &functions);
    let client = served.client();
    let checkpoint = client
        .checkpoint_durable_execution()
        .durable_execution_arn("arn")
        .checkpoint_token("token");
    let callback = client
        .send_durable_execution_callback_success()
        .callback_id("id");
    let started = client
        .invoke()
        .function_name("plain-target")
        .durable_execution_name("order-7");
    for (error, operation) in [
        (
            format!("{:?}", checkpoint.send().await.unwrap_err()),
            "CheckpointDurableExecution",
        ),
        (
            format!("{:?}", callback.send().await.unwrap_err()),
            "SendDurableExecutionCallbackSuccess",
        ),
        (
            format!("{:?}", started.send().await.unwrap_err()),
            "Invoke with an execution's name",
        ),
    ] {
        let told = format!("{operation} belongs to {endpoint}");
        assert!(error.contains(&told), "{operation}: {error}");
    }
}

fn is_running(pid: u32) -> bool {
    // A process that ended but was not waited for is a zombie, and runs no more.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Other processes have clocks of their own: looks again and again until there is something.
async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "no sign of {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
