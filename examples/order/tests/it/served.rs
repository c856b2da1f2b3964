//! The program `durable-trace serve`, with the example as its function.
//!
//! What is served is what cargo built for the test, or, where `EXAMPLE_PROGRAM` names one, another build of it:
//! `examples/build` runs these tests with the artifact for Lambda.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};

/// It is ended with the test.
pub(crate) struct Served {
    child: Child,
    endpoint: String,
    /// What it and its functions write on stderr.
    lines: Option<JoinHandle<Vec<String>>>,
}

impl Served {
    /// Serves the function that was built as `built`, by that file's name, its tracer pointed at `agent`. `clock` is `skip` or `real`.
    pub(crate) fn start(built: &str, agent: &str, clock: &str) -> Self {
        Self::start_with(built, agent, clock, &[])
    }

    /// The same with further variables.
    pub(crate) fn start_with(
        built: &str,
        agent: &str,
        clock: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let built = Path::new(built);
        let name = built.file_name().unwrap().to_str().unwrap();
        let function = std::env::var("EXAMPLE_PROGRAM");
        let function = function.unwrap_or_else(|_| built.display().to_string());
        let mut command = Command::new(program(built));
        for (name, _) in std::env::vars_os() {
            // Settings of the machine's own would change what the function does.
            let name_text = name.to_string_lossy();
            if ["AWS_", "DD_", "DURABLE_TRACE_", "OTEL_", "_X_AMZN"]
                .iter()
                .any(|prefix| name_text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        let mut child = command
            .args(["serve", "--port", "0", "--clock", clock, "--function"])
            .arg(format!("{name}='{function}'"))
            .env("DD_TRACE_AGENT_URL", agent)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let lines = std::thread::spawn(move || stderr.lines().map_while(Result::ok).collect());
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let endpoint = line
            .trim_end()
            .strip_prefix("export AWS_ENDPOINT_URL_LAMBDA=")
            .unwrap()
            .to_owned();
        Self {
            child,
            endpoint,
            lines: Some(lines),
        }
    }

    /// AWS's client, with nothing but another endpoint.
    pub(crate) fn client(&self) -> Client {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .build();
        Client::from_conf(config)
    }

    /// Ends it and gives the lines that it and its functions wrote.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.stop();
        self.lines.take().unwrap().join().unwrap()
    }

    fn stop(&mut self) {
        // Asked, not killed, so that it ends its functions too.
        let _ = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if self.lines.is_some() {
            self.stop();
        }
    }
}

/// The program, which stands beside the example; it is built where only the example was.
fn program(function: &Path) -> PathBuf {
    let folder = function.parent().unwrap();
    let program = folder.join("durable-trace");
    if !program.exists() {
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--package",
                "durable-trace-cli",
                "--profile",
                profile,
            ])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success(), "durable-trace could not be built");
    }
    program
}
