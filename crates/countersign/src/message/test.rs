//! Tests: `when` a case applies, and what is required of a request whose signature is good.

use super::filter::Fault;
use super::pattern::Pattern;
use super::scope::{Local, Scope};
use super::value::{Env, Source, Value};
use crate::config::{ConfigCode, ConfigError, Reader, Span, Spanned, one_of};
use crate::ct;
use crate::keys::{KeyError, Vars};
use std::borrow::Cow;
use std::sync::Arc;

/// A value and what must be true of it.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) value: Value,
    pub(crate) check: Check,
    /// Of the whole test.
    pub(crate) span: Span,
}

/// What must be true.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    Equals(Value),
    In(Box<[Value]>),
    Matches(Pattern),
    Contains(Box<[Value]>),
    Present,
    Absent,
}

const CHECKS: [&str; 6] = ["equals", "in", "matches", "contains", "present", "absent"];

impl Test {
    /// Read the array of tests at `key`.
    pub(crate) fn read_all(table: &Reader<'_>, key: &str, env: Env<'_>) -> Vec<(Test, Option<bool>)> {
        let read = |table: Reader<'_>| {
            let early = if key == "require" { table.boolean("early") } else { None };
            let test = Test::read(&table, env);
            // Read before these are found, an `absent` would hold of every request.
            let found = |s: &Source| {
                matches!(
                    s,
                    Source::Timestamp | Source::Id | Source::Sig(_) | Source::Claim(_) | Source::Part(_)
                )
            };
            if early == Some(true) && test.iter().flat_map(Test::values).any(|value| value.uses(found)) {
                let says = "an `early` test is read before the time, the id, the signatures, the claims and the parts are found";
                let error = ConfigError::at(ConfigCode::MalformedConfig, table.span().clone(), says);
                table
                    .complaints()
                    .push(error.help("leave `early` out, or name the header itself: `{header:…}`"));
            }
            table.finish();
            test.map(|test| (test, early))
        };
        table.tables(key).into_iter().filter_map(read).collect()
    }

    fn read(table: &Reader<'_>, env: Env<'_>) -> Option<Test> {
        let checks: Vec<&str> = CHECKS.into_iter().filter(|check| table.has(check)).collect();
        let complain = |says: String| {
            let error = ConfigError::at(ConfigCode::MalformedConfig, table.span().clone(), says);
            table.complaints().push(error.help(format!("write exactly one of {}", one_of(CHECKS))));
        };
        let mut inner = env;
        inner.allow.list = checks == ["contains"];
        let value = table.required_text("value").and_then(|text| Value::compile(&text, inner));
        let [check] = checks[..] else {
            complain(match checks.len() {
                0 => "this test tests nothing".into(),
                _ => format!("this test has {} conditions", checks.len()),
            });
            return None;
        };
        let compile = |text: Spanned<Arc<str>>| Value::compile(&text, env);
        let all = |key: &str| -> Option<Box<[Value]>> {
            let texts = table.texts(key)?;
            if texts.is_empty() {
                complain(format!("`{key}` is empty: nothing could hold"));
            }
            let wanted = texts.len();
            let values: Vec<Value> = texts.into_iter().filter_map(compile).collect();
            (values.len() == wanted && wanted > 0).then(|| values.into())
        };
        let check = match check {
            "equals" => Check::Equals(compile(table.text("equals")?)?),
            "in" => Check::In(all("in")?),
            "contains" => Check::Contains(all("contains")?),
            "matches" => Check::Matches(Pattern::read(&table.text("matches")?, table)?),
            word => match table.boolean(word)? {
                true if word == "present" => Check::Present,
                true => Check::Absent,
                false => {
                    complain(format!("`{word} = false` says nothing: write the other one"));
                    return None;
                }
            },
        };
        Some(Test { value: value?, check, span: table.span().clone() })
    }

    /// With the source's variables put in.
    pub(crate) fn bind(&self, vars: &Vars) -> Result<Test, KeyError> {
        let all =
            |values: &[Value]| values.iter().map(|value| value.bind(vars)).collect::<Result<Box<[_]>, _>>();
        let check = match &self.check {
            Check::Equals(value) => Check::Equals(value.bind(vars)?),
            Check::In(values) => Check::In(all(values)?),
            Check::Contains(values) => Check::Contains(all(values)?),
            Check::Matches(pattern) => {
                pattern.prepare();
                Check::Matches(pattern.clone())
            }
            Check::Present => Check::Present,
            Check::Absent => Check::Absent,
        };
        Ok(Test { value: self.value.bind(vars)?, check, span: self.span.clone() })
    }

    /// Every value in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let others = match &self.check {
            Check::Equals(value) => std::slice::from_ref(value),
            Check::In(values) | Check::Contains(values) => values,
            _ => &[],
        };
        std::iter::once(&self.value).chain(others)
    }

    /// Whether it holds. An absent value holds nothing but `absent = true`; one that cannot be read is a fault.
    pub(crate) fn holds<'r>(&self, scope: &Scope<'r>, local: &Local<'_>) -> Result<bool, Fault> {
        if let Check::Contains(wanted) = &self.check {
            let Some(list) = self.value.list(scope, local)? else { return Ok(false) };
            return all_hold(wanted.iter(), |wanted| {
                let Some(wanted) = wanted.text(scope, local)? else { return Ok(false) };
                Ok(list.iter().any(|element| element.eq_ignore_ascii_case(&wanted)))
            });
        }
        let found = self.value.text(scope, local)?;
        let Some(found) = found else { return Ok(matches!(self.check, Check::Absent)) };
        let same = |wanted: &Value| -> Result<bool, Fault> {
            let wanted: Option<Cow<'_, [u8]>> = wanted.text(scope, local)?;
            Ok(wanted.is_some_and(|wanted| ct::equal(&found, &wanted)))
        };
        match &self.check {
            Check::Equals(wanted) => same(wanted),
            Check::In(wanted) => Ok(!all_hold(wanted.iter(), |wanted| same(wanted).map(|same| !same))?),
            Check::Matches(pattern) => Ok(pattern.is_match(&found)),
            Check::Present => Ok(true),
            Check::Absent | Check::Contains(_) => Ok(false),
        }
    }
}

/// Whether all tests hold.
pub(crate) fn hold(tests: &[Test], scope: &Scope<'_>, local: &Local<'_>) -> Result<bool, Fault> {
    // Most cases test nothing.
    if tests.is_empty() {
        return Ok(true);
    }
    all_hold(tests.iter(), |test| test.holds(scope, local))
}

fn all_hold<T>(
    mut each: impl Iterator<Item = T>,
    holds: impl Fn(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    each.try_fold(true, |all, one| Ok(all && holds(one)?))
}
