//! Documents with parts that are generated.

use std::collections::HashSet;
use std::path::Path;

/// Holds the part of `docs/NAME` between its marks (`<!-- PART: … -->`, `<!-- end of PART -->`) against `current`, or
/// writes it there, if `variable` is set.
pub(crate) fn hold(name: &str, part: &str, current: &str, variable: &str) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    hold_at(&docs.join(name), part, current, variable);
}

/// The same of a document elsewhere.
pub(crate) fn hold_at(path: &Path, part: &str, current: &str, variable: &str) {
    let document = std::fs::read_to_string(path).expect("the document is there");
    let begin = document
        .find(&format!("<!-- {part}: "))
        .expect("the mark of the beginning");
    let (head, rest) = document.split_at(begin);
    let (mark, rest) = rest.split_once('\n').expect("a line of its own");
    let end = format!("<!-- end of {part} -->");
    let (written, tail) = rest.split_once(&end).expect("the mark of the end");
    if std::env::var_os(variable).is_some() {
        let document = format!("{head}{mark}\n{current}{end}{tail}");
        std::fs::write(path, document).expect("the document can be written");
    } else {
        let only = |these: &str, those: &str, mark: &str| {
            let those: HashSet<&str> = those.lines().collect();
            let lines = these.lines().filter(|line| !those.contains(line));
            let marked: Vec<_> = lines.map(|line| format!("{mark} {line}")).collect();
            marked.join("\n")
        };
        assert!(
            written == current,
            "{} is behind; if the change is meant, once more with {variable}=1
{}
{}",
            path.display(),
            only(written, current, "-"),
            only(current, written, "+")
        );
    }
}
