//! What came of all questions, as a table, and whether that is good enough.

use crate::faults::inject::{Class, Fault, Side, faults};
use crate::faults::run::{CONTROLS, Plan, Row, control, doubles, single};
use countersign::Registry;
use std::time::Duration;

/// What is wanted: single and double faults found, in hundredths; the median and the longest time of one question.
pub(crate) const SINGLE: f64 = 99.0;
pub(crate) const DOUBLE: f64 = 95.0;
pub(crate) const MEDIAN: Duration = Duration::from_millis(50);
pub(crate) const LONGEST: Duration = Duration::from_secs(2);

/// Beyond the budget of time, what one more trial may take that has begun, and one that is busy with other things.
const GRACE: Duration = Duration::from_millis(100);

/// Everything that came of a plan.
pub(crate) struct Table {
    pub(crate) singles: Vec<(Fault, Row)>,
    pub(crate) doubles: Vec<(String, Row)>,
    pub(crate) controls: Vec<(&'static str, Row)>,
}

impl Table {
    /// Ask all that the plan says, of faults whose code has this in it.
    pub(crate) fn of(registry: &Registry, plan: &Plan, only: &str) -> Table {
        let known = faults();
        let doubles = if only.is_empty() { doubles(registry, &known, plan) } else { Vec::new() };
        let is_asked = |class| plan.class.is_none_or(|asked| asked == class);
        let chosen = known.into_iter().filter(|fault| fault.code.contains(only) && is_asked(fault.class));
        let singles = chosen.map(|fault| {
            let row = single(registry, &fault, plan);
            (fault, row)
        });
        let singles = singles.collect();
        let controls = CONTROLS.iter().filter(|name| name.contains(only));
        let controls = controls.map(|name| (*name, control(registry, name, plan))).collect();
        Table { singles, doubles, controls }
    }

    /// All single faults of a class.
    pub(crate) fn singles(&self, class: Class) -> Row {
        total(self.singles.iter().filter(|(fault, _)| fault.class == class).map(|(_, row)| row))
    }

    pub(crate) fn doubles(&self) -> Row {
        total(self.doubles.iter().map(|(_, row)| row))
    }

    pub(crate) fn controls(&self) -> Row {
        total(self.controls.iter().map(|(_, row)| row))
    }

    fn all(&self) -> Row {
        let singles = self.singles.iter().map(|(_, row)| row);
        let others = self.doubles.iter().map(|(_, row)| row).chain(self.controls.iter().map(|(_, row)| row));
        total(singles.chain(others))
    }

    /// What every answer owes, however many causes are found: nothing false, nothing that is secret.
    pub(crate) fn is_honest(&self) -> bool {
        let all = self.all();
        all.leaks.is_empty() && all.wrong == 0
    }

    /// Whether as many causes are found as is wanted, however long it took.
    pub(crate) fn finds_enough(&self) -> bool {
        percent(&self.singles(Class::Provable)) >= SINGLE && percent(&self.doubles()) >= DOUBLE
    }

    /// What is wanted and what is, in lines, and whether it is enough.
    pub(crate) fn verdict(&self) -> (Vec<String>, bool) {
        let (single, double, control, all) =
            (self.singles(Class::Provable), self.doubles(), self.controls(), self.all());
        let found = total([&single, &double].into_iter());
        let longest = found.times.iter().max().copied().unwrap_or_default();
        let middle = median(&found.times);
        let lines = [
            (
                format!("single faults found: {:.2} %, wanted {SINGLE} %", percent(&single)),
                percent(&single) >= SINGLE,
            ),
            (
                format!("double faults found: {:.2} %, wanted {DOUBLE} %", percent(&double)),
                percent(&double) >= DOUBLE,
            ),
            (format!("median of both: {}, wanted below {}", ms(middle), ms(MEDIAN)), middle < MEDIAN),
            (
                format!("longest of both: {}, wanted at most {}", ms(longest), ms(LONGEST)),
                longest <= LONGEST + GRACE,
            ),
            (
                format!(
                    "controls explained: {} of {}, wanted 0",
                    control.injected - control.right,
                    control.injected
                ),
                control.injected == control.right,
            ),
            (format!("false answers: {}, wanted 0", all.wrong), all.wrong == 0),
            (format!("leaks: {}, wanted 0", all.leaks.len()), all.leaks.is_empty()),
        ];
        let enough = lines.iter().all(|(_, met)| *met);
        let told = |(line, met): (String, bool)| format!("{line}: {}", if met { "met" } else { "MISSED" });
        (lines.into_iter().map(told).collect(), enough)
    }

    /// The table, the misses (so many of them at most), the verdict.
    pub(crate) fn print(&self, misses: usize) -> String {
        let mut lines = vec![heading()];
        let mut sides: Vec<Side> = self.singles.iter().map(|(fault, _)| fault.side).collect();
        sides.sort();
        sides.dedup();
        for side in sides {
            for class in [Class::Provable, Class::Told, Class::Hopeless] {
                let of_side = |(fault, _): &&(Fault, Row)| fault.side == side && fault.class == class;
                let rows: Vec<_> = self.singles.iter().filter(of_side).collect();
                if rows.is_empty() {
                    continue;
                }
                lines.push(line(
                    &format!("{side:?}, {}", word(class)).to_uppercase(),
                    &total(rows.iter().map(|(_, row)| row)),
                ));
                lines.extend(rows.iter().map(|(fault, row)| line(&format!("  {}", fault.code), row)));
            }
        }
        lines.push(line("SINGLE FAULTS, PROVABLE", &self.singles(Class::Provable)));
        lines.push(line("SINGLE FAULTS, TOLD", &self.singles(Class::Told)));
        lines.push(line("SINGLE FAULTS, HOPELESS", &self.singles(Class::Hopeless)));
        lines.extend(self.doubles.iter().map(|(name, row)| line(&format!("  {name}"), row)));
        lines.push(line("DOUBLE FAULTS", &self.doubles()));
        lines.extend(self.controls.iter().map(|(name, row)| line(&format!("  {name}"), row)));
        lines.push(line("CONTROLS", &self.controls()));
        lines.push(String::new());
        lines.extend(self.missed(misses));
        lines.extend(self.verdict().0);
        lines.join("\n")
    }

    fn missed(&self, most: usize) -> Vec<String> {
        let all = self.all();
        let worst_first = |line: &&String| !line.starts_with("WRONG");
        let mut missed: Vec<&String> = all.misses.iter().collect();
        missed.sort_by_key(worst_first);
        let mut lines: Vec<String> = all.leaks.iter().take(most).cloned().collect();
        lines.extend(missed.iter().take(most).map(|line| (*line).clone()));
        if missed.len() > most {
            lines.push(format!("and {} more: `--misses NUMBER` lists them", missed.len() - most));
        }
        lines.push(String::new());
        lines
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Provable => "provable",
        Class::Told => "told",
        Class::Hopeless => "hopeless",
    }
}

fn total<'r>(rows: impl Iterator<Item = &'r Row>) -> Row {
    rows.fold(Row::default(), |mut all, row| {
        all.add(row);
        all
    })
}

fn percent(row: &Row) -> f64 {
    if row.injected == 0 { 0.0 } else { row.right as f64 * 100.0 / row.injected as f64 }
}

fn median<T: Copy + Default + Ord>(of: &[T]) -> T {
    let mut sorted = of.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn heading() -> String {
    format!(
        "{:44} {:>6} {:>6} {:>7} {:>5} {:>6} {:>10} {:>10} {:>9}",
        "fault", "asked", "right", "%", "wrong", "lost", "median ms", "max ms", "trials"
    )
}

/// Right is, for what is hopeless and for controls, that nothing is said to match.
fn line(name: &str, row: &Row) -> String {
    let max = row.times.iter().max().copied().unwrap_or_default();
    format!(
        "{name:44} {:>6} {:>6} {:>7.2} {:>5} {:>6} {:>10.1} {:>10.1} {:>9}",
        row.injected,
        row.right,
        percent(row),
        row.wrong,
        row.lost,
        median(&row.times).as_secs_f64() * 1e3,
        max.as_secs_f64() * 1e3,
        median(&row.trials),
    )
}
