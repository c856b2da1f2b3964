//! AWS's language-neutral requirements for durable-execution SDKs, untraced and traced, on the local service.
//!
//! The files are from aws/aws-durable-execution-conformance-tests; they are not part of this project.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a requirement that reads otherwise is to be noticed"
)]

mod case;
mod handlers;
mod matching;
mod report;
mod requirement;
mod run;

use case::Case;
use handlers::{
    callback, child, invoke, map, parallel, step, wait, wait_for_callback, wait_for_condition,
};
use report::Row;
use run::Tracing;

use crate::document;
use crate::fate::Fate;

const SUITES: [(&str, &[Case]); 9] = [
    ("step", step::CASES),
    ("wait", wait::CASES),
    ("child", child::CASES),
    ("callback", callback::CASES),
    ("invoke", invoke::CASES),
    ("wait_for_condition", wait_for_condition::CASES),
    ("wait_for_callback", wait_for_callback::CASES),
    ("parallel", parallel::CASES),
    ("map", map::CASES),
];

#[tokio::test]
async fn a_workflow_meets_each_requirement_of_aws_untraced_and_traced_alike() {
    let Some(folder) = requirement::folder() else {
        eprintln!("skipped: AWS's requirements are not here");
        return;
    };
    let mut rows = Vec::new();
    for (suite, cases) in SUITES {
        let requirements = requirement::suite(&folder, suite);
        assert_eq!(requirements.len(), cases.len(), "{suite}");
        for requirement in requirements {
            let case = cases.iter().find(|case| case.id == requirement.id);
            let case = *case.unwrap_or_else(|| panic!("{} has no handler", requirement.id));
            let untraced = run::run(&requirement, case, Tracing::Off).await;
            let traced = run::run(&requirement, case, Tracing::On).await;
            rows.push(Row {
                suite,
                untraced: untraced.check(&requirement),
                traced: traced
                    .check(&requirement)
                    .and_then(|()| traced.same_as(&untraced, &requirement)),
                checkpoint: Fate::of(&traced.invocations),
                id: requirement.id,
                about: requirement.description,
            });
        }
    }
    for row in &rows {
        assert_eq!(
            (&row.untraced, &row.traced),
            (&Ok(()), &Ok(())),
            "{}",
            row.id
        );
    }
    let tables = report::tables(&rows);
    document::hold(
        "conformance.md",
        "requirements",
        &tables,
        "UPDATE_CONFORMANCE",
    );
}
