//! Tests that need a process of their own: for its environment, its globals, and what is said once in it.

use std::process::Command;

/// Set in that process.
const MARK: &str = "IN_A_PROCESS_OF_ITS_OWN";
/// What a line that is handed over begins with.
const LINE: &str = "warned: ";

/// Runs `body` in a process of its own with these variables, and gives the lines that it gave there.
///
/// That process runs the calling test once more, up to here.
pub(crate) fn alone<F: Future<Output = Vec<String>>>(
    variables: &[(&str, String)],
    body: impl FnOnce() -> F,
) -> Vec<String> {
    if std::env::var_os(MARK).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        for line in runtime.block_on(body()) {
            #[expect(clippy::print_stdout, reason = "read by the process that waits for it")]
            {
                println!("\n{LINE}{line}");
            }
        }
        std::process::exit(0);
    }
    let thread = std::thread::current();
    let test = thread.name().expect("a test's thread is named after it");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture"]);
    let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in inherited {
        if ["DD_", "DURABLE_TRACE_", "OTEL_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let output = command
        .env(MARK, "1")
        .envs(variables)
        .output()
        .expect("it can be run");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix(LINE))
        .map(str::to_owned)
        .collect()
}

/// Asserts that one line was said, and that it has all these parts.
pub(crate) fn says(said: &[String], parts: &[&str]) {
    assert_eq!(said.len(), 1, "one line: {said:#?}");
    let line = said.concat();
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}
