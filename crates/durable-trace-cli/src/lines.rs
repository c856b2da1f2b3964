//! Lines in, lines out: every line of input gives exactly one line of output, flushed at once.

use std::io::{BufRead, Read, Write};

use crate::outcome::{Outcome, StdoutError};

/// The longest line that is read, in bytes. An invocation event is at most 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); beyond ten times that the rest of the
/// line is passed over, so that no input can fill the memory.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// What a line without an answer becomes.
const NOTHING: &str = "null";

/// Answers each line of `input` on `output`. Blank lines give `null`; so do those that are no text or that `answer`
/// refuses, with `line N: expected …` on `messages`.
///
/// `answer` gives one line of JSON, without its end, or what was expected instead.
///
/// # Errors
///
/// When `input` cannot be read or `output` not be written.
pub(crate) fn answer_each(
    mut input: impl BufRead,
    mut output: impl Write,
    mut messages: impl Write,
    mut answer: impl FnMut(&str) -> Result<String, String>,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = input
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n") || input.fill_buf()?.is_empty();
        let answered = match std::str::from_utf8(&line) {
            _ if !is_whole => {
                input.skip_until(b'\n')?;
                Err(format!("at most {MAX_LINE_BYTES} bytes"))
            }
            Ok(text) if text.trim_ascii().is_empty() => Ok(NOTHING.to_owned()),
            Ok(text) => answer(text),
            Err(error) => Err(format!(
                "UTF-8, but byte {} is not",
                error.valid_up_to() + 1
            )),
        };
        let text = answered.unwrap_or_else(|expected| {
            outcome = Outcome::BadData;
            // stderr may be closed: the exit code tells it still.
            let _ = writeln!(messages, "line {number}: expected {expected}");
            NOTHING.to_owned()
        });
        writeln!(output, "{text}")
            .and_then(|()| output.flush())
            .map_err(StdoutError::from)?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &[u8]) -> (String, String, bool) {
        let (mut output, mut messages) = (Vec::new(), Vec::new());
        let outcome = answer_each(input, &mut output, &mut messages, |line| {
            match line.trim() {
                "bad" => Err("something else".to_owned()),
                good => Ok(format!("<{good}>")),
            }
        })
        .unwrap();
        (
            String::from_utf8(output).unwrap(),
            String::from_utf8(messages).unwrap(),
            matches!(outcome, Outcome::Done),
        )
    }

    #[test]
    fn each_line_gives_one_line() {
        for (input, output, messages, done, why) in [
            (&b""[..], "", "", true, "no input, no output"),
            (b"a\nb\n", "<a>\n<b>\n", "", true, "two lines"),
            (
                b"a\r\nb",
                "<a>\n<b>\n",
                "",
                true,
                "other line ends, no last one",
            ),
            (
                b"\n \t\r\na\n",
                "null\nnull\n<a>\n",
                "",
                true,
                "blank lines",
            ),
            (
                b"a\nbad\nb\n",
                "<a>\nnull\n<b>\n",
                "line 2: expected something else\n",
                false,
                "bad data does not stop the rest",
            ),
            (
                b"ab\xff\nb\n",
                "null\n<b>\n",
                "line 1: expected UTF-8, but byte 3 is not\n",
                false,
                "no text",
            ),
        ] {
            let got = answers(input);
            assert_eq!(
                (got.0.as_str(), got.1.as_str(), got.2),
                (output, messages, done),
                "{why}"
            );
        }
    }

    #[test]
    fn a_line_too_long_is_passed_over() {
        let long = usize::try_from(MAX_LINE_BYTES).unwrap() + 10;
        let mut input = vec![b' '; long];
        input.extend_from_slice(b"x\na\n");
        let (output, messages, done) = answers(&input);
        assert_eq!(output, "null\n<a>\n");
        assert_eq!(messages, "line 1: expected at most 67108864 bytes\n");
        assert!(!done);
    }

    #[test]
    fn a_line_of_exactly_the_limit_counts() {
        let limit = usize::try_from(MAX_LINE_BYTES).unwrap();
        let mut input = vec![b' '; limit - 1];
        input.push(b'x');
        assert_eq!(answers(&input).0, "<x>\n", "the last line, without an end");
        input.extend_from_slice(b"\na\n");
        let output = answers(&input).0;
        assert_eq!(output.lines().next_back(), Some("<a>"));
    }
}
