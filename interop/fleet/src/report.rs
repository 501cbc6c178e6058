//! What came of every row: a table, figures, failures in full.

use std::fmt::Write as _;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::problem::Outcome;

/// All rows. Clones are the same report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report(Arc<Mutex<Vec<Row>>>);

/// The rows of one direction that are played together.
#[derive(Debug)]
pub(crate) struct Rows {
    report: Report,
    column: String,
}

#[derive(Debug)]
struct Row {
    column: String,
    case: String,
    /// What was measured, or what was wrong. A row that never gets it has failed.
    outcome: Option<Verdict>,
}

#[derive(Debug)]
enum Verdict {
    Passed(String),
    Failed(String),
    NotApplicable(String),
}

impl Report {
    /// Declares rows before anything is played.
    pub(crate) fn rows(&self, column: impl Into<String>, cases: &[&str]) -> Rows {
        let column = column.into();
        let row = |case: &&str| Row { column: column.clone(), case: (*case).to_owned(), outcome: None };
        self.0.lock().extend(cases.iter().map(row));
        Rows { report: self.clone(), column }
    }

    /// The whole report, and whether it is green: something passed and nothing failed.
    pub(crate) fn render(&self) -> (String, bool) {
        let rows = self.0.lock();
        let mut out = String::new();
        let passed = table(&mut out, &rows);
        let mut failed = 0;
        for row in &*rows {
            match &row.outcome {
                Some(Verdict::Passed(figures)) if !figures.is_empty() => {
                    let _ = writeln!(out, "{}, {}: {figures}", row.column, row.case);
                }
                Some(Verdict::NotApplicable(why)) => {
                    let _ = writeln!(out, "{}, {}, not applicable: {why}", row.column, row.case);
                }
                _ => {}
            }
        }
        for row in &*rows {
            let why = match &row.outcome {
                Some(Verdict::Failed(why)) => why,
                Some(_) => continue,
                None => "there is no result",
            };
            failed += 1;
            let _ =
                writeln!(out, "FAIL  {}, {}\n      {}", row.column, row.case, why.replace('\n', "\n      "));
        }
        let _ = write!(out, "{passed} passed, {failed} failed");
        (out, passed > 0 && failed == 0)
    }
}

impl Rows {
    /// Notes a row's outcome; what a row measured is printed with it.
    pub(crate) fn settle(&self, case: &str, outcome: Outcome<String>) {
        self.note(case, outcome.map_or_else(|problem| Verdict::Failed(problem.0), Verdict::Passed));
    }

    /// Notes that a row makes no sense here, and why.
    pub(crate) fn leave_out(&self, case: &str, why: &str) {
        self.note(case, Verdict::NotApplicable(why.to_owned()));
    }

    fn note(&self, case: &str, verdict: Verdict) {
        let mut rows = self.report.0.lock();
        let found = rows.iter_mut().find(|row| row.column == self.column && row.case == case);
        match found {
            Some(row) => row.outcome = Some(verdict),
            None => rows.push(Row {
                column: self.column.clone(),
                case: case.to_owned(),
                outcome: Some(Verdict::Failed("this row was played and never declared".to_owned())),
            }),
        }
    }

    /// What has no outcome by now was not played because of this.
    pub(crate) fn finish(&self, played: Outcome) {
        let Err(problem) = played else { return };
        for row in self.report.0.lock().iter_mut() {
            if row.column == self.column && row.outcome.is_none() {
                row.outcome = Some(Verdict::Failed(format!("not played: {}", problem.0)));
            }
        }
    }
}

/// A line for each case, a column for each direction; how many passed.
fn table(out: &mut String, rows: &[Row]) -> usize {
    let (mut cases, mut columns): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for row in rows {
        if !cases.contains(&row.case.as_str()) {
            cases.push(&row.case);
        }
        if !columns.contains(&row.column.as_str()) {
            columns.push(&row.column);
        }
    }
    let widest = cases.iter().map(|case| case.chars().count()).max().unwrap_or(0);
    let _ = write!(out, "{:widest$}", "case");
    for column in &columns {
        let _ = write!(out, "  {column}");
    }
    out.push('\n');
    let mut passed = 0;
    for case in cases {
        let mut line = format!("{case:widest$}");
        for column in &columns {
            let row = rows.iter().find(|row| row.case == case && row.column == *column);
            let cell = match row.map(|row| &row.outcome) {
                None => "",
                Some(Some(Verdict::NotApplicable(_))) => "n/a",
                Some(Some(Verdict::Passed(_))) => {
                    passed += 1;
                    "pass"
                }
                Some(_) => "FAIL",
            };
            let _ = write!(line, "  {cell:>width$}", width = column.chars().count());
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push('\n');
    passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::problem;

    #[test]
    fn a_row_without_its_result_is_red() {
        let report = Report::default();
        let rows = report.rows("a→b", &["one", "two", "three"]);
        rows.settle("one", Ok("3 calls".to_owned()));
        rows.settle("two", problem("wrong\nhere"));
        let (text, green) = report.render();
        assert!(!green);
        assert!(text.contains("a→b, one: 3 calls") && text.contains("wrong\n      here"), "{text}");
        assert!(
            text.contains("three\n      there is no result") && text.ends_with("1 passed, 2 failed"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_declared_or_not_played_is_red() {
        let report = Report::default();
        let rows = report.rows("a→b", &["one", "two"]);
        rows.settle("one", Ok(String::new()));
        rows.settle("other", Ok(String::new()));
        rows.leave_out("one", "nobody can");
        rows.finish(problem("no etcd"));
        let (text, _) = report.render();
        assert!(text.contains("never declared") && text.contains("not played: no etcd"), "{text}");
        assert!(text.contains("one, not applicable: nobody can"), "{text}");
        assert!(text.ends_with("0 passed, 2 failed"), "{text}");
    }
}
