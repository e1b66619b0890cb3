//! JSON Schemas: what payloads are held against, and what that may cost.
//!
//! A schema is a small program, and one of a few lines can run for a year: two references to the next definition, thirty times over, are
//! a thousand million visits; and one that goes round deeply enough runs off the end of its stack, which ends the process, and with it
//! everybody else's requests. What visits a payload has no bounds of its own. So each payload is first walked through the schema by
//! ourselves, counting, and only what stays within bounds is validated: on a thread whose stack is long enough for them. For this
//! a schema refers to itself in ways that can be followed without its reader, and to nothing else.

use super::{ErrorCode, OperateError};
use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, ValidationError};
use regex::RegexBuilder;
use serde_json::Value;
use std::collections::HashMap;

/// The longest schema, in bytes.
const MAX_SCHEMA: usize = 256 << 10;

/// How much memory the patterns of one schema may take together, in bytes; each is counted up to the next of the steps.
const PATTERNS: usize = 32 << 20;
const PATTERN_STEPS: [usize; 4] = [64 << 10, 512 << 10, 2 << 20, 10 << 20];

/// How often a part of a schema visits a part of one payload.
const VISITS: usize = 2_000_000;

/// How deep visits lie in one another, and how much stack that takes at the most, in bytes.
const DEPTH: usize = 512;
const STACK: usize = 32 << 20;

/// What a schema is called to its reader: no address of anything.
const PLACE: &str = "mem:///schema.json";

/// Its text, if payloads can be held against it.
pub(super) async fn text_of(schema: &Value) -> Result<String, OperateError> {
    let text = schema.to_string();
    if text.len() > MAX_SCHEMA {
        let says = format!("the schema is longer than {MAX_SCHEMA} bytes");
        return Err(OperateError::new(ErrorCode::InvalidArgument, says).help("leave out what no payload has"));
    }
    let schema = schema.clone();
    apart(move || {
        Walk::of(&schema).judge(&schema, true).map_err(wrong)?;
        let mut patterns = PATTERNS;
        weigh(&schema, &mut patterns).map_err(wrong)?;
        compiled(&schema).map_err(wrong).map(drop)
    })
    .await??;
    Ok(text)
}

/// That a payload is valid by a schema; if not, where and why, without its values.
pub(super) async fn check(schema: Value, payload: Value) -> Result<Result<(), String>, OperateError> {
    apart(move || {
        if let Err(says) = Walk::of(&schema).visit(&schema, &payload, 0) {
            return Ok(Err(format!("it cannot be held against the schema: {says}")));
        }
        let (schemas, index) = compiled(&schema).map_err(wrong)?;
        Ok(schemas.validate(&payload, index).map_err(|error| told(&error)))
    })
    .await?
}

/// On a thread of its own: nobody else's work waits meanwhile, and its stack is as long as is allowed for.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OperateError> {
    let (tell, told) = tokio::sync::oneshot::channel();
    // Nobody listens any more when whoever asked has hung up.
    let work = move || drop(tell.send(work()));
    let begun = std::thread::Builder::new().name("schema".into()).stack_size(STACK).spawn(work);
    let failed = || {
        OperateError::new(ErrorCode::StoreUnavailable, "no thread could be had to look at the schema")
            .help("try again; if it stays so, this system gives no more threads or memory")
    };
    begun.map_err(|_| failed())?;
    told.await.map_err(|_| failed())
}

fn wrong(says: String) -> OperateError {
    OperateError::new(ErrorCode::InvalidArgument, format!("the schema will not do: {says}"))
        .help("write a JSON Schema; it refers to nothing outside of itself")
}

/// A schema ready to be asked. What it refers to is within it: nothing is fetched, and no file is read.
fn compiled(schema: &Value) -> Result<(Schemas, SchemaIndex), String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.use_loader(Box::new(Nothing));
    compiler.add_resource(PLACE, schema.clone()).map_err(|error| error.to_string())?;
    let index = compiler.compile(PLACE, &mut schemas).map_err(|error| error.to_string())?;
    Ok((schemas, index))
}

/// Loads nothing.
struct Nothing;

impl boon::UrlLoader for Nothing {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("it is outside of the schema".into())
    }
}

/// That the patterns of a schema are no more than a process can hold.
fn weigh(part: &Value, left: &mut usize) -> Result<(), String> {
    let mut weighed = |pattern: &str| {
        let fits = |size: &&usize| {
            let mut builder = RegexBuilder::new(pattern);
            // One that is written as only ECMAScript has it is not known here, and counts as much as one may.
            builder.size_limit(**size).build().is_ok()
        };
        let most = PATTERN_STEPS[PATTERN_STEPS.len() - 1];
        let size = PATTERN_STEPS.iter().find(fits).copied().unwrap_or(most);
        *left = left.checked_sub(size).ok_or("its patterns are too many or too large: repeat less often")?;
        Ok::<_, String>(())
    };
    match part {
        Value::Array(parts) => parts.iter().try_for_each(|part| weigh(part, left)),
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get("pattern") {
                weighed(pattern)?;
            }
            if let Some(Value::Object(patterns)) = members.get("patternProperties") {
                patterns.keys().try_for_each(|pattern| weighed(pattern))?;
            }
            members.values().try_for_each(|member| weigh(member, left))
        }
        _ => Ok(()),
    }
}

/// Counts how a schema visits a payload: at least as often, and as deep, as a validator does.
struct Walk<'s> {
    root: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    left: usize,
}

/// Applied to the value itself, to the members of an object, to the items of an array.
const SELF: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];
const MEMBERS: [&str; 3] = ["additionalProperties", "unevaluatedProperties", "propertyNames"];
const ITEMS: [&str; 5] = ["items", "prefixItems", "additionalItems", "contains", "unevaluatedItems"];

impl<'s> Walk<'s> {
    fn of(root: &'s Value) -> Self {
        let mut walk = Walk { root, anchors: HashMap::new(), left: VISITS };
        walk.find_anchors(root);
        walk
    }

    /// That all it refers to can be followed.
    fn judge(&self, part: &Value, whole: bool) -> Result<(), String> {
        let members = match part {
            Value::Array(parts) => return parts.iter().try_for_each(|part| self.judge(part, false)),
            Value::Object(members) => members,
            _ => return Ok(()),
        };
        members.iter().try_for_each(|(name, member)| match (&**name, member) {
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                Err(format!("it has a `{name}`: write `$ref`"))
            }
            ("$id", Value::String(id)) if !whole && !id.starts_with('#') => {
                Err("it has an `$id` below its top, by which `#` would mean two things: leave it out".into())
            }
            ("$ref", Value::String(to)) if self.target(to).is_none() => {
                let says =
                    "a `$ref` refers to nothing in it: write `#`, `#/$defs/NAME` or `#ANCHOR`, without `%`";
                Err(says.into())
            }
            ("const" | "enum" | "default" | "examples", _) => Ok(()),
            _ => self.judge(member, false),
        })
    }

    fn find_anchors(&mut self, part: &'s Value) {
        match part {
            Value::Array(parts) => parts.iter().for_each(|part| self.find_anchors(part)),
            Value::Object(members) => {
                for key in ["$anchor", "$id", "id"] {
                    if let Some(Value::String(name)) = members.get(key) {
                        self.anchors.insert(name.trim_start_matches('#'), part);
                    }
                }
                members.values().for_each(|member| self.find_anchors(member));
            }
            _ => {}
        }
    }

    /// What a `$ref` means.
    fn target(&self, to: &str) -> Option<&'s Value> {
        let fragment = to.strip_prefix('#').filter(|fragment| !fragment.contains('%'))?;
        match fragment {
            "" => Some(self.root),
            pointer if pointer.starts_with('/') => self.root.pointer(pointer),
            anchor => self.anchors.get(anchor).copied(),
        }
    }

    fn visit(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or("it would be visited too often")?;
        if depth == DEPTH {
            return Err("it goes too deep");
        }
        let Value::Object(schema) = schema else { return Ok(()) };
        let parts = |key: &str| schema.get(key).into_iter().flat_map(all);
        for part in SELF.iter().flat_map(|key| parts(key)) {
            self.visit(part, value, depth + 1)?;
        }
        for key in ["dependentSchemas", "dependencies"] {
            for (_, part) in schema.get(key).and_then(Value::as_object).into_iter().flatten() {
                self.visit(part, value, depth + 1)?;
            }
        }
        if let Some(Value::String(to)) = schema.get("$ref") {
            let target = self.target(to).ok_or("it refers to something that is not in it")?;
            self.visit(target, value, depth + 1)?;
        }
        match value {
            Value::Object(members) => {
                let named = schema.get("properties").and_then(Value::as_object);
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                let every: Vec<&Value> = MEMBERS
                    .iter()
                    .flat_map(|key| parts(key))
                    .chain(patterns.into_iter().flat_map(serde_json::Map::values))
                    .collect();
                for (name, member) in members {
                    for part in
                        named.and_then(|named| named.get(name)).into_iter().chain(every.iter().copied())
                    {
                        self.visit(part, member, depth + 1)?;
                    }
                }
            }
            Value::Array(items) => {
                let every: Vec<&Value> = ITEMS.iter().flat_map(|key| parts(key)).collect();
                for part in every {
                    for item in items {
                        self.visit(part, item, depth + 1)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The parts of a keyword: one, or each of an array.
fn all(member: &Value) -> &[Value] {
    match member {
        Value::Array(parts) => parts,
        part => std::slice::from_ref(part),
    }
}

/// Where and why a payload is not valid. The values are its receiver's, and are not repeated.
fn told(error: &ValidationError<'_, '_>) -> String {
    let error = deepest(error);
    let place = error.instance_location.to_string();
    let place = if place.is_empty() { "it".into() } else { format!("`{place}`") };
    let says = match &error.kind {
        ErrorKind::Pattern { want, .. } => format!("does not match the pattern `{want}`"),
        ErrorKind::Format { want, .. } => format!("is not of the format `{want}`"),
        ErrorKind::Minimum { want, .. } => format!("must be >={want}"),
        ErrorKind::Maximum { want, .. } => format!("must be <={want}"),
        ErrorKind::ExclusiveMinimum { want, .. } => format!("must be > {want}"),
        ErrorKind::ExclusiveMaximum { want, .. } => format!("must be < {want}"),
        ErrorKind::MultipleOf { want, .. } => format!("is no multiple of {want}"),
        ErrorKind::ContentEncoding { want, .. } => format!("is not encoded as `{want}`"),
        ErrorKind::ContentMediaType { want, .. } => format!("is not of the media type `{want}`"),
        kind => kind.to_string(),
    };
    format!("{place}: {}", says.chars().take(400).collect::<String>())
}

fn deepest<'e>(error: &'e ValidationError<'_, '_>) -> &'e ValidationError<'e, 'e> {
    error.causes.first().map_or(error, deepest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn visited(schema: &Value, payload: &Value) -> Result<(), &'static str> {
        Walk::of(schema).visit(schema, payload, 0)
    }

    #[test]
    fn a_reference_is_followed_by_pointer_and_by_anchor_and_no_other_is_taken() {
        let schema = json!({
            "$id": "https://example.com/whole",
            "$ref": "#here",
            "$defs": { "a/b": { "$anchor": "here", "items": { "$ref": "#/$defs/a~1b" } } },
            "properties": { "default": { "const": { "$ref": "x", "$id": "y" } } },
        });
        assert_eq!(Walk::of(&schema).judge(&schema, true), Ok(()));
        assert_eq!(visited(&schema, &json!([[[1, 2]]])), Ok(()));
        for bad in [
            json!({ "$ref": "#/$defs/none" }),
            json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" }),
            json!({ "$ref": "#/a%20b", "a b": true }),
            json!({ "items": { "$dynamicRef": "#a" } }),
            json!({ "items": { "$recursiveRef": "#" } }),
            json!({ "items": { "$id": "other", "$ref": "#" } }),
        ] {
            assert!(Walk::of(&bad).judge(&bad, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_payloads_have_is_far_within_the_bounds() {
        let tree =
            json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
        let grown = (0..12).fold(json!({}), |below, _| json!({ "left": below, "right": below }));
        assert_eq!(visited(&tree, &grown), Ok(()));
        let long = json!({ "items": { "allOf": [{ "type": "integer" }, { "minimum": 0 }] } });
        assert_eq!(visited(&long, &Value::Array(vec![json!(1); 500_000])), Ok(()));
        let deep = json!({ "anyOf": [{ "type": "integer" }, { "items": { "$ref": "#" } }] });
        let nested = (0..62).fold(json!(1), |below, _| json!([below]));
        assert_eq!(visited(&deep, &nested), Ok(()));
    }
}
