//! Reading a mode's table into a plan: every key, every complaint, and what follows from the whole.

use super::super::binds;
use super::super::place::{Extract, Place, What};
use super::super::test::Test;
use super::super::value::{Allow, Env, Segment, Source, Value};
use super::content;
use super::{Algorithm, Case, Each, Id, KeyForms, KeyPlan, Plan, Takes, Time};
use crate::config::{ConfigCode, ConfigError, Reader, Span, Spanned, nearest, one_of};
use crate::outcome::Binds;
use crate::preset::Var;
use crate::time::{TimeFormat, TimeFormats};
use std::sync::Arc;

/// How many alternatives of the signed content a preset may try.
pub(crate) const MAX_ALTERNATIVES: usize = 4;
/// How many cases a preset may have.
pub(crate) const MAX_CASES: usize = 8;
/// How many elements `each` runs over, unless the preset says less.
pub(crate) const MAX_ITEMS: usize = 100;

pub(super) struct PlanReader<'a> {
    pub(super) table: &'a Reader<'a>,
    pub(super) vars: &'a [Var],
    pub(super) takes: Takes<'a>,
}

/// What a case takes from the mode's own keys where it says nothing itself.
struct Defaults {
    templates: Option<Vec<Value>>,
    places: Option<(Vec<Place>, bool)>,
    algorithm: Option<Algorithm>,
    require: Vec<(Test, Option<bool>)>,
}

impl PlanReader<'_> {
    pub(super) fn read(self) -> Option<Plan> {
        let table = self.table;
        let each = self.each();
        let adjacent = table.word("adjacent", &["accepted"]).is_some();
        let always = self.takes.secret_in_content;
        let secret = always || table.boolean("secret_in_content").unwrap_or(false);
        if secret && !always {
            self.held_only(table, "secret_in_content", "a key that is found is no secret: leave it out");
        }
        let allow = Allow { item: each.is_some(), found: true, secret, ..Allow::default() };
        let env = Env { vars: self.vars, parts: &[], allow, complaints: table.complaints() };
        let (part_names, parts) = Value::parts(table, env);
        let env = Env { parts: &part_names, ..env };
        let time = self.time(each.is_some());
        let id = self.places("id_source", What::Id, each.is_some(), false).map(|(places, _)| places);
        let key = self.key(allow, &part_names);
        let own = Defaults {
            templates: self.templates(table, env),
            places: self.signature(table, each.is_some()),
            algorithm: self.algorithm(table, env),
            require: Test::read_all(table, "require", env),
        };
        let cases = self.cases(env, own, each.is_some());
        let (key, cases) = (key?, cases?);
        let mut plan = Plan {
            cases: cases.into(),
            parts: parts.into(),
            time,
            id: id.map(|places| Id {
                places: places.into(),
                forbidden: [].into(),
                before: false,
                needed: false,
            }),
            each,
            key,
            binds: Binds::default(),
        };
        settle(&mut plan, self.takes.found.unwrap_or_default());
        if !adjacent {
            let fixed = plan.time.as_ref().is_some_and(|time| time.formats.is_fixed_width());
            plan.cases
                .iter_mut()
                .flat_map(|case| &mut case.templates)
                .for_each(|template| content::set_off(template, fixed));
            content::neighbours(&plan, table.complaints());
        }
        if always {
            content::secrets(&plan, table.complaints());
        }
        plan.binds = binds::of(&plan);
        if content::url_is_touched(&plan) {
            plan.binds = plan.binds.without(Binds::QUERY);
        }
        Some(plan)
    }

    fn each(&self) -> Option<Each> {
        let pattern = self.table.text("each");
        let max =
            self.table.integer("max_items", 1..=MAX_ITEMS as i64).map_or(MAX_ITEMS, |n| n.value as usize);
        let pattern = pattern?;
        if !pattern.value.split('/').any(|token| token == "*") || !pattern.value.starts_with('/') {
            self.wrong(
                &pattern.span,
                "`each` needs a pointer with a `*`",
                "write it as `each = \"/items/*\"`",
            );
            return None;
        }
        if self.takes.found.is_some() {
            let help = "every element would be proven by a key of its own: leave `each` out";
            self.wrong(&pattern.span, "`each` needs keys that are held", help);
        }
        Some(Each { pattern: (*pattern.value).into(), max })
    }

    fn templates(&self, table: &Reader<'_>, env: Env<'_>) -> Option<Vec<Value>> {
        let texts = table.texts("signed_template")?;
        if texts.is_empty() || texts.len() > MAX_ALTERNATIVES {
            let says = format!("`signed_template` has {} alternatives", texts.len());
            self.wrong(table.span(), &says, "write one text, or an array of two to four");
        }
        let values: Vec<Value> = texts.iter().filter_map(|text| Value::compile(text, env)).collect();
        if values.len() == texts.len() {
            self.alike(&values);
        }
        Some(values)
    }

    /// Alternatives may differ in filters and literals only, so that what is bound is the same in all.
    fn alike(&self, values: &[Value]) {
        let sources = |value: &Value| value.slots().map(|(slot, _)| slot.source.clone()).collect::<Vec<_>>();
        let Some((first, rest)) = values.split_first() else { return };
        for other in rest.iter().filter(|other| sources(other) != sources(first)) {
            let help = "alternatives differ only in filters and literals; write a `case` for another shape";
            self.wrong(&other.span, "this alternative has other placeholders than the first", help);
        }
    }

    fn signature(&self, table: &Reader<'_>, has_items: bool) -> Option<(Vec<Place>, bool)> {
        table.has("signature_source").then_some(())?;
        let tables = table.tables("signature_source");
        let mut first_present = false;
        let mut places = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            if table.boolean("first_present").unwrap_or(false) {
                first_present = true;
                if index > 0 {
                    let help = "write it on the first of the places";
                    self.wrong(table.span(), "`first_present` says something of all the places", help);
                }
            }
            self.held_only(table, "role", "a key that is found has no role: leave it out");
            places.extend(Place::read(table, What::Signature, has_items));
        }
        tables.into_iter().for_each(Reader::finish);
        Some((places, first_present))
    }

    fn places(
        &self,
        key: &str,
        what: What,
        has_items: bool,
        from_signature: bool,
    ) -> Option<(Vec<Place>, Vec<Reader<'_>>)> {
        self.table.has(key).then_some(())?;
        let tables = self.table.tables(key);
        let mut places = Vec::new();
        for table in &tables {
            // Of several places for one time or id the first that is there always decides.
            table.boolean("first_present");
            if !(from_signature && table.has("from_signature")) {
                places.extend(Place::read(table, what, has_items));
            }
        }
        if what == What::Id {
            tables.into_iter().for_each(Reader::finish);
            return Some((places, Vec::new()));
        }
        Some((places, tables))
    }

    fn time(&self, has_items: bool) -> Option<Time> {
        let (places, tables) = self.places("timestamp_source", What::Timestamp, has_items, true)?;
        let first = tables.first()?;
        let from_signature = first.text("from_signature").map(|name| Box::from(&*name.value));
        let formats = self.formats(first);
        for table in &tables[1..] {
            // The first place's format holds for all, and may be repeated.
            table.node("format");
        }
        tables.into_iter().for_each(Reader::finish);
        let formats = formats?;
        Some(Time { places: places.into(), from_signature, formats, before: false, needed: false })
    }

    fn formats(&self, table: &Reader<'_>) -> Option<TimeFormats> {
        let complaints = table.complaints().len();
        let words: Vec<&str> = TimeFormat::WORDS.iter().map(|(word, _)| *word).collect();
        let Some(written) = table.texts("format") else {
            if !table.has("format") {
                table.missing("format", format!("write `format = \"unix\"`, say: {}", one_of(words)));
            }
            return None;
        };
        let mut formats = Vec::new();
        for word in &written {
            match TimeFormat::from_word(&word.value) {
                Some(format) => formats.push(format),
                None => {
                    let near = nearest(&word.value, words.iter().copied()).unwrap_or("unix");
                    let says =
                        format!("unknown time format `{}`: {}", word.value, one_of(words.iter().copied()));
                    self.wrong(&word.span, &says, &format!("write `format = \"{near}\"`"));
                }
            }
        }
        match TimeFormats::new(formats) {
            Err(_) if table.complaints().len() > complaints => None,
            Ok(formats) => Some(formats),
            Err(why) => {
                self.wrong(
                    table.span(),
                    &format!("`format`: {why}"),
                    "write one word, or two that differ in length",
                );
                None
            }
        }
    }

    fn key(&self, allow: Allow, parts: &[Arc<str>]) -> Option<KeyPlan> {
        if self.takes.found.is_some() {
            return Some(KeyPlan { forms: None, derive: None, per_request: false, select: None });
        }
        let Some(table) = self.table.table("key") else {
            if !self.table.has("key") {
                let help = "say how a secret is written: `key = { forms = [{ decode = \"text\" }] }`";
                self.table.missing("key", help);
            }
            return None;
        };
        let forms = KeyForms::read(&table, self.takes.kinds);
        let env = |secret| Env {
            vars: self.vars,
            parts,
            allow: Allow { secret, item: false, ..allow },
            complaints: table.complaints(),
        };
        let derive = table.text("derive").and_then(|text| Value::compile(&text, env(true)));
        if let Some(value) = derive.as_ref().filter(|value| !value.uses(|s| *s == Source::Secret)) {
            let help = "a key without the secret in it could be made by anyone: write `{secret}`";
            self.wrong(&value.span, "`derive` has no `{secret}`", help);
        }
        let select = table.text("select").and_then(|text| Value::compile(&text, env(false)));
        table.finish();
        let of_request = |source: &Source| !matches!(source, Source::Secret | Source::Var(_));
        let per_request = derive.as_ref().is_some_and(|value| value.uses(of_request));
        Some(KeyPlan { forms: Some(forms?), derive, per_request, select })
    }

    fn algorithm(&self, table: &Reader<'_>, env: Env<'_>) -> Option<Algorithm> {
        let index = |word: &Spanned<Arc<str>>| {
            let found = self.takes.algorithms.iter().position(|known| **known == *word.value);
            if found.is_none() {
                let near = nearest(&word.value, self.takes.algorithms.iter().copied())
                    .unwrap_or(self.takes.algorithms[0]);
                let known = one_of(self.takes.algorithms.iter().copied());
                let says = format!("unknown algorithm `{}`: {known}", word.value);
                self.wrong(&word.span, &says, &format!("write `\"{near}\"`"));
            }
            found
        };
        let node = table.node("algorithm")?;
        if node.table().is_none() {
            return index(&table.text("algorithm")?).map(Algorithm::Fixed);
        }
        let table = table.table("algorithm")?;
        let from = table.required_text("from").and_then(|text| Value::compile(&text, env));
        let mut map = Vec::new();
        for (key, node) in table.entries("map") {
            match node.text() {
                Some(text) => {
                    let word = Spanned { value: text.clone(), span: node.span.clone() };
                    map.extend(index(&word).map(|number| (Box::from(&*key.name), number)));
                }
                None => self.wrong(&node.span, "an algorithm's name is a text", "write `\"1\" = \"sha256\"`"),
            }
        }
        if map.is_empty() {
            self.wrong(table.span(), "`map` allows no algorithm", "write `map = { \"1\" = \"sha256\" }`");
        }
        table.finish();
        Some(Algorithm::Mapped { from: from?, map: map.into() })
    }

    fn cases(&self, env: Env<'_>, own: Defaults, has_items: bool) -> Option<Vec<Case>> {
        let tables = self.table.tables("case");
        if tables.len() > MAX_CASES {
            self.wrong(tables[MAX_CASES].span(), "a preset has at most 8 cases", "fold some into others");
        }
        if tables.is_empty() {
            return Some(vec![self.case(None, env, &own, has_items)?]);
        }
        let mut cases = Vec::new();
        let wanted = tables.len();
        for table in tables {
            cases.extend(self.case(Some(&table), env, &own, has_items));
            table.finish();
        }
        (cases.len() == wanted).then_some(cases)
    }

    fn case(
        &self,
        table: Option<&Reader<'_>>,
        env: Env<'_>,
        own: &Defaults,
        has_items: bool,
    ) -> Option<Case> {
        let mut require = own.require.clone();
        let (mut when, mut templates, mut places, mut algorithm) = (Vec::new(), None, None, None);
        if let Some(table) = table {
            // What a case is chosen by is read before anything is found.
            // Which case it is is settled before any part is made.
            let early = Env { parts: &[], allow: Allow { found: false, ..env.allow }, ..env };
            when = Test::read_all(table, "when", early);
            if when.is_empty() && !table.has("when") {
                table.missing(
                    "when",
                    "say when it applies: `when = [{ value = \"{method}\", equals = \"GET\" }]`",
                );
            }
            require.extend(Test::read_all(table, "require", env));
            templates = self.templates(table, env);
            places = self.signature(table, has_items);
            algorithm = self.algorithm(table, env);
        }
        let here = table.unwrap_or(self.table);
        let says = |key: &str, help: &dyn Fn() -> String| {
            if !self.table.has(key) && !here.has(key) {
                here.missing(key, help());
            }
        };
        says("signed_template", &|| "say what is signed: `signed_template = \"{body}\"`".into());
        says("signature_source", &|| {
            "say where it is: `signature_source = { header = \"x-signature\", encoding = \"hex\" }`".into()
        });
        says("algorithm", &|| {
            let first = self.takes.algorithms[0];
            format!("write `algorithm = \"{first}\"`, say: {}", one_of(self.takes.algorithms.iter().copied()))
        });
        let templates = templates.or_else(|| own.templates.clone())?;
        let (places, first_present) = places.or_else(|| own.places.clone())?;
        let algorithm = algorithm.or_else(|| own.algorithm.clone())?;
        let (early, late): (Vec<_>, Vec<_>) =
            require.into_iter().partition(|(_, early)| *early == Some(true));
        let tests = |tests: Vec<(Test, Option<bool>)>| tests.into_iter().map(|(test, _)| test).collect();
        Some(Case {
            when: tests(when),
            early: tests(early),
            late: tests(late),
            templates: templates.into(),
            places: places.into(),
            first_present,
            algorithm,
            wanted: [].into(),
            per_candidate: false,
            per_key: false,
        })
    }

    /// Complain of a key that says something of held keys, where keys are found.
    fn held_only(&self, table: &Reader<'_>, key: &str, help: &str) {
        if let (Some(node), Some(_)) = (table.node(key), self.takes.found) {
            self.wrong(&node.span, &format!("`{key}` needs keys that are held"), help);
        }
    }

    fn wrong(&self, span: &Span, says: &str, help: &str) {
        let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
        self.table.complaints().push(error.help(help));
    }
}

/// What follows from the whole: which fields are read, what the content depends on, what has to be found first.
fn settle(plan: &mut Plan, found_by: &[&Value]) {
    let Plan { cases, time, id, key, parts, .. } = plan;
    let everywhere: Vec<&Value> = parts.iter().chain(&key.derive).chain(&key.select).collect();
    let own_time = time.as_ref().and_then(|time| time.from_signature.clone());
    for case in cases.iter_mut() {
        let tests = case.early.iter().chain(&case.late).flat_map(Test::values);
        let mut wanted: Vec<Box<str>> = own_time.iter().cloned().collect();
        let everywhere = everywhere.iter().chain(found_by).copied();
        let values = case.templates.iter().chain(everywhere).chain(tests);
        for (slot, _) in values.flat_map(Value::slots) {
            if let Source::Sig(name) = &slot.source {
                wanted.push(name.clone());
            }
        }
        let regex_id =
            |place: &Place| matches!(place.extract, Extract::Regex { .. }) && place.captures("key_id");
        if key.select.is_none() && case.places.iter().any(regex_id) {
            wanted.push("key_id".into());
        }
        wanted.sort();
        wanted.dedup();
        case.wanted = wanted.into();
        let late = case.late.iter().flat_map(Test::values);
        let mut of_candidate = case
            .templates
            .iter()
            .chain(parts.iter())
            .chain(&key.derive)
            .chain(late)
            .chain(found_by.iter().copied());
        case.per_candidate =
            own_time.is_some() || of_candidate.any(|value| value.uses(|s| matches!(s, Source::Sig(_))));
        case.per_key =
            case.templates.iter().chain(parts.iter()).any(|value| value.uses(|s| *s == Source::Secret));
    }
    let contents =
        || cases.iter().flat_map(|case| case.templates.iter()).chain(parts.iter()).chain(&key.derive);
    let used = |source: &Source| contents().any(|value| value.uses(|s| s == source));
    let needed = |source: &Source| {
        contents().any(|value| value.slots().any(|(slot, optional)| slot.source == *source && !optional))
    };
    let head = |places: &[Place]| places.iter().all(Place::is_in_head);
    if let Some(time) = time {
        time.before = used(&Source::Timestamp) || head(&time.places);
        time.needed = needed(&Source::Timestamp);
    }
    if let Some(id) = id {
        id.before = used(&Source::Id) || head(&id.places);
        id.needed = needed(&Source::Id);
        let mut forbidden = Vec::new();
        for template in cases.iter().flat_map(|case| case.templates.iter()) {
            for pair in template.segments.windows(2) {
                if let [Segment::Slot(slot), Segment::Literal(next)] = pair
                    && slot.source == Source::Id
                {
                    forbidden.push(next.clone());
                }
            }
        }
        id.forbidden = forbidden.into();
    }
}
