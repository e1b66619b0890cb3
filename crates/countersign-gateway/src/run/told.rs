//! What operators changed in the store, told in the log of the gateway that takes it into use: names and what became of them, and
//! never a value.
//!
//! A command writes no log: there may be nobody to read it, and whoever runs it sees what it did. So every gateway compares what it
//! takes with what it took before, and a change is in its log by whichever door it came.

use countersign_store::{SecretRow, SecretState, SourceRow};

/// The rows that are in use.
pub(super) struct Rows {
    pub(super) sources: Vec<SourceRow>,
    pub(super) secrets: Vec<SecretRow>,
}

/// One thing that is otherwise.
#[derive(Debug, PartialEq)]
struct Told<'r> {
    what: String,
    source: &'r str,
    secret: &'r str,
}

impl Rows {
    /// Tell what has become of these rows.
    pub(super) fn tell(&self, now: &Rows) {
        for Told { what, source, secret } in self.otherwise(now) {
            match secret {
                "" => tracing::info!(what, source, "taken from the store"),
                secret => tracing::info!(what, source, secret, "taken from the store"),
            }
        }
    }

    fn otherwise<'r>(&'r self, now: &'r Rows) -> Vec<Told<'r>> {
        let mut told = Vec::new();
        for row in &now.sources {
            let was = self.sources.iter().find(|was| was.name == row.name);
            told.extend(source(was, row).into_iter().map(|what| Told {
                what,
                source: &row.name,
                secret: "",
            }));
        }
        for row in self.sources.iter().filter(|row| !now.sources.iter().any(|is| is.name == row.name)) {
            let what = if row.table.is_some() { "removed" } else { "as the file says" };
            told.push(Told { what: what.into(), source: &row.name, secret: "" });
        }
        let same = |one: &SecretRow, other: &SecretRow| (&one.source, &one.id) == (&other.source, &other.id);
        for row in &now.secrets {
            let was = self.secrets.iter().find(|was| same(was, row));
            let what = secret(was, row).into_iter();
            told.extend(what.map(|what| Told { what, source: &row.source, secret: &row.id }));
        }
        for row in self.secrets.iter().filter(|row| !now.secrets.iter().any(|is| same(row, is))) {
            told.push(Told { what: "secret forgotten".into(), source: &row.source, secret: &row.id });
        }
        told
    }
}

/// What became of a source. One that is bare says nothing of itself but what is switched.
fn source(was: Option<&SourceRow>, is: &SourceRow) -> Vec<String> {
    let mut told = Vec::new();
    if is.table.is_some() && was.is_none_or(|was| was.table.is_none()) {
        told.push("added".into());
    } else if was.is_some_and(|was| was.table != is.table) {
        told.push("its table is another".into());
    }
    if was.is_none_or(|was| was.enabled) != is.enabled {
        told.push(if is.enabled { "enabled" } else { "disabled" }.into());
    }
    match (was.and_then(|was| was.enforce.as_deref()), is.enforce.as_deref()) {
        (was, Some(is)) if was != Some(is) => told.push(format!("enforce = {is}")),
        (Some(_), None) => told.push("enforce as it is written".into()),
        _ => {}
    }
    match (was.and_then(|was| was.learns_until), is.learns_until) {
        (was, Some(until)) if was != Some(until) => told.push(format!("waits for a secret until {until}")),
        (Some(_), None) => told.push("waits for no secret".into()),
        _ => {}
    }
    told
}

fn secret(was: Option<&SecretRow>, is: &SecretRow) -> Vec<String> {
    let Some(was) = was else {
        let waits = is.state == SecretState::Pending;
        return vec![if waits { "secret handed over" } else { "secret added" }.into()];
    };
    let mut told = Vec::new();
    if (was.state, is.state) == (SecretState::Pending, SecretState::Live) {
        told.push("secret confirmed".into());
    }
    if was.fingerprint != is.fingerprint {
        told.push("secret replaced".into());
    } else if was.sealed != is.sealed {
        told.push("secret sealed anew".into());
    }
    if (was.not_before, was.not_after) != (is.not_before, is.not_after) {
        told.push(match is.not_after {
            Some(end) => format!("secret ends at {end}"),
            None => "secret has another window".into(),
        });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign::Timestamp;

    fn told(was: &Rows, is: &Rows) -> Vec<(String, String)> {
        let told = was.otherwise(is).into_iter();
        told.map(|Told { what, source, secret }| (what, format!("{source}/{secret}"))).collect()
    }

    #[test]
    fn what_is_otherwise_is_told_once_and_what_is_not_is_not() {
        let source = |enabled, enforce: Option<&str>| SourceRow {
            name: "a".into(),
            table: Some("path = \"/in/a\"".into()),
            enabled,
            enforce: enforce.map(Into::into),
            learns_until: None,
            changed_at: Timestamp::from_unix(1),
        };
        let secret = |id: &str, state, not_after: Option<i64>| SecretRow {
            source: "a".into(),
            id: id.into(),
            sealed: vec![1, 2, 3].into(),
            fingerprint: "0a0b0c0d".into(),
            state,
            not_before: None,
            not_after: not_after.map(Timestamp::from_unix),
            created_at: Timestamp::from_unix(1),
        };
        let none = || Rows { sources: Vec::new(), secrets: Vec::new() };
        let before = Rows {
            sources: vec![source(true, None)],
            secrets: vec![
                secret("one", SecretState::Live, None),
                secret("two", SecretState::Pending, None),
                secret("three", SecretState::Live, None),
            ],
        };
        let after = Rows {
            sources: vec![source(false, Some("observe"))],
            secrets: vec![secret("one", SecretState::Live, Some(0)), secret("two", SecretState::Live, None)],
        };
        let expect = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(what, whose)| ((*what).into(), (*whose).into())).collect()
        };
        assert_eq!(told(&before, &before), []);
        assert_eq!(
            told(&before, &after),
            expect(&[
                ("disabled", "a/"),
                ("enforce = observe", "a/"),
                ("secret ends at 1970-01-01T00:00:00Z", "a/one"),
                ("secret confirmed", "a/two"),
                ("secret forgotten", "a/three"),
            ])
        );
        let added = told(&none(), &before);
        assert_eq!(added[0], ("added".into(), "a/".into()));
        assert_eq!(added[2], ("secret handed over".into(), "a/two".into()));
        assert_eq!(told(&before, &none())[0], ("removed".into(), "a/".into()));
    }
}
