//! What came of every row: a table of counts, failures in full, reasons once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::check::Check;
use crate::plan::Step;

/// One direction with one version of rpcx: a row for each step. A row that never got its outcome counts as failed.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: String,
    rows: Vec<(Step, Option<Outcome>)>,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    NotApplicable(String),
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    left_out: usize,
}

impl Column {
    pub(crate) fn new(title: impl Into<String>, steps: impl IntoIterator<Item = Step>) -> Self {
        let row = |step: Step| {
            let left_out = step.not_applicable.clone().map(Outcome::NotApplicable);
            (step, left_out)
        };
        Self { title: title.into(), rows: steps.into_iter().map(row).collect() }
    }

    /// The next step that has no outcome yet.
    pub(crate) fn next(&self, from: usize) -> Option<(usize, &Step)> {
        let mut rest = self.rows.iter().enumerate().skip(from);
        rest.find(|(_, (_, outcome))| outcome.is_none()).map(|(at, (step, _))| (at, step))
    }

    pub(crate) fn settle(&mut self, at: usize, result: Check) {
        self.rows[at].1 = Some(match result {
            Ok(()) => Outcome::Passed,
            Err(problem) => Outcome::Failed(problem.0),
        });
    }

    /// The column could not go on.
    pub(crate) fn abandon(&mut self, why: &str) {
        for (_, outcome) in self.rows.iter_mut().filter(|(_, outcome)| outcome.is_none()) {
            *outcome = Some(Outcome::Failed(format!("not played: {why}")));
        }
    }

    fn counts(&self, case: &str) -> Counts {
        let mut counts = Counts::default();
        for (_, outcome) in self.rows.iter().filter(|(step, _)| step.case == case) {
            match outcome {
                Some(Outcome::Passed) => counts.passed += 1,
                Some(Outcome::NotApplicable(_)) => counts.left_out += 1,
                Some(Outcome::Failed(_)) | None => counts.failed += 1,
            }
        }
        counts
    }
}

/// The whole run, and whether it is green: something passed and nothing failed.
pub(crate) fn render(columns: &[Column], every_row: bool) -> (String, bool) {
    let mut out = String::new();
    if every_row {
        list(&mut out, columns);
    }
    let (passed, failed) = table(&mut out, columns);
    reasons(&mut out, columns);
    failures(&mut out, columns);
    let _ = write!(out, "{passed} passed, {failed} failed");
    (out, passed > 0 && failed == 0)
}

fn list(out: &mut String, columns: &[Column]) {
    for column in columns {
        for (step, outcome) in &column.rows {
            let word = match outcome {
                Some(Outcome::Passed) => "pass",
                Some(Outcome::NotApplicable(_)) => "n/a ",
                Some(Outcome::Failed(_)) | None => "FAIL",
            };
            let _ = writeln!(out, "{word}  {}: {step}", column.title);
        }
    }
    out.push('\n');
}

/// A line for each case and a column for each direction. `12` all passed, `10/12` not all, `4+1` one not applicable.
fn table(out: &mut String, columns: &[Column]) -> (usize, usize) {
    let mut cases: Vec<&str> = Vec::new();
    for (step, _) in columns.iter().flat_map(|column| &column.rows) {
        if !cases.contains(&step.case.as_str()) {
            cases.push(&step.case);
        }
    }
    let _ = write!(out, "{:<18}", "case");
    for column in columns {
        let _ = write!(out, " {:>width$}", column.title, width = width(column));
    }
    out.push('\n');
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let mut line = format!("{case:<18}");
        for column in columns {
            let counts = column.counts(case);
            passed += counts.passed;
            failed += counts.failed;
            let _ = write!(line, " {:>width$}", cell(&counts), width = width(column));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push('\n');
    (passed, failed)
}

fn width(column: &Column) -> usize {
    column.title.chars().count().max(7)
}

fn cell(counts: &Counts) -> String {
    let played = counts.passed + counts.failed;
    let mut cell = match (played, counts.failed) {
        (0, _) => String::new(),
        (_, 0) => played.to_string(),
        _ => format!("{}/{played}", counts.passed),
    };
    if counts.left_out > 0 {
        let _ = write!(cell, "+{}", counts.left_out);
    }
    cell
}

/// Why something does not apply, said once for all columns.
fn reasons(out: &mut String, columns: &[Column]) {
    let mut reasons: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (step, outcome) in columns.iter().flat_map(|column| &column.rows) {
        if let Some(Outcome::NotApplicable(why)) = outcome {
            let gzip = if step.gzip { " gzip" } else { "" };
            reasons.entry(why).or_default().insert(format!("{} {}{gzip}", step.case, step.codec.name()));
        }
    }
    if reasons.is_empty() {
        return;
    }
    out.push_str("not applicable (the number behind a +):\n");
    for (why, rows) in reasons {
        let _ = writeln!(out, "  {}: {why}", rows.into_iter().collect::<Vec<_>>().join(", "));
    }
    out.push('\n');
}

fn failures(out: &mut String, columns: &[Column]) {
    for column in columns {
        for (step, outcome) in &column.rows {
            let why = match outcome {
                Some(Outcome::Failed(why)) => why,
                None => "there is no result",
                _ => continue,
            };
            let _ =
                writeln!(out, "FAIL  {}: {step}\n      {}\n", column.title, why.replace('\n', "\n      "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Problem;
    use crate::plan::Codec;

    #[test]
    fn a_row_without_its_result_is_red() {
        let steps = ["call", "call", "call"].map(|case| Step::extra(case, Codec::Json, 0));
        let mut column = Column::new("x", steps);
        column.settle(0, Ok(()));
        column.settle(1, Err(Problem("two\nlines".to_owned())));
        let (text, green) = render(&[column], false);
        assert!(!green);
        assert!(text.contains("call                   1/3\n"), "{text}");
        assert!(text.contains("two\n      lines") && text.contains("there is no result"), "{text}");
        assert!(text.ends_with("1 passed, 2 failed"), "{text}");
    }

    #[test]
    fn what_does_not_apply_is_neither_passed_nor_failed() {
        let mut step = Step::extra("floats", Codec::Raw, 0);
        step.not_applicable = Some("no structs".to_owned());
        let column = Column::new("x", [step]);
        assert!(column.next(0).is_none());
        let (text, green) = render(&[column], true);
        assert!(!green, "nothing passed");
        assert!(text.contains("floats raw: no structs") && text.ends_with("0 passed, 0 failed"), "{text}");
    }
}
