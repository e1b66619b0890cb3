//! The JSON Schemas, held against what ships: an editor must not complain of what is right, and must of what is wrong.
#![allow(clippy::unwrap_used)]

use boon::{Compiler, Schemas};
use countersign::config::{Layer, Node, Sources, Value as Toml};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[test]
fn all_that_ships_is_as_the_schemas_say() {
    let (presets, vectors) = (Schema::read("preset.schema.json"), Schema::read("vectors.schema.json"));
    let mut wrong = Vec::new();
    for (schema, files) in
        [(&presets, countersign_presets::PRESETS), (&vectors, countersign_presets::VECTORS)]
    {
        for (name, text) in files {
            wrong.extend(schema.complains(&read(text)).map(|says| format!("{name}: {says}\n")));
        }
    }
    let registry = countersign_modes::without_presets().unwrap();
    for info in registry.modes() {
        let text = format!("schema = 1\nname = \"a\"\nmode = \"{0}\"\n[{0}]\n{1}", info.name, info.example);
        wrong.extend(presets.complains(&read(&text)).map(|says| format!("{}: {says}\n", info.name)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

#[test]
fn what_a_reader_refuses_at_a_glance_a_schema_refuses() {
    let schema = Schema::read("preset.schema.json");
    let good = "schema = 1\nname = \"a\"\nmode = \"hmac\"\n[freshness]\ntolerance_seconds = 300\n[hmac]\nalgorithm = \"sha256\"\n\
        signed_template = \"{timestamp}.{body}\"\ntimestamp_source = { header = \"x-t\", format = \"unix\" }\n\
        signature_source = { header = \"x-s\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }\n";
    assert_eq!(schema.complains(&read(good)), None);
    for (what, is, becomes) in [
        ("a key of the file", "name =", "titel = \"x\"\nname ="),
        ("a key of a mode", "algorithm =", "algoritm ="),
        ("a key of a place", "header = \"x-s\"", "heder = \"x-s\""),
        ("a key of a form", "decode = \"text\"", "decode = \"text\", prefx = \"a\""),
        ("a type", "name = \"a\"", "name = 1"),
        ("a text for a table", "key = { forms = [{ decode = \"text\" }] }", "key = \"text\""),
        ("a number in quotes", "= 300", "= \"300\""),
        ("a bound", "= 300", "= 2592001"),
        ("a mode", "mode = \"hmac\"", "mode = \"hmca\""),
        ("an algorithm", "sha256", "sha257"),
        ("an encoding", "\"hex\"", "\"hexx\""),
        ("a format", "\"unix\"", "\"unixx\""),
        ("a form", "decode = \"text\"", "decode = \"txt\""),
        ("what must be there", "[{ decode = \"text\" }]", "[{ prefix = \"a\" }]"),
    ] {
        assert!(good.contains(is), "{what}");
        let bad = good.replace(is, becomes);
        assert!(schema.complains(&read(&bad)).is_some(), "{what}: nothing is said of\n{bad}");
        // The judge is the reader: the schema must not know of mistakes that are none.
        let mut registry = countersign_modes::without_presets().unwrap();
        let added = registry.add_preset("a.toml", bad.as_str()).map(drop);
        assert!(added.and_then(|()| registry.named("a")).is_err(), "{what}: the reader takes\n{bad}");
    }
}

#[test]
fn a_schema_of_vectors_refuses_the_same() {
    let schema = Schema::read("vectors.schema.json");
    let case =
        json!({ "name": "one", "source": "generated", "expect": "ok", "headers": [["a", "b"]], "now": 1 });
    let file = |case: &Value| json!({ "schema": 1, "preset": "a", "case": [case] });
    assert_eq!(schema.complains(&file(&case)), None);
    for (key, value) in [
        ("sorce", json!("generated")),
        ("source", json!("made-up")),
        ("expect", json!("okay")),
        ("headers", json!([["a"]])),
        ("binds", json!(["bdy"])),
        ("secrets", json!([{ "id": "main", "valu": "x" }])),
        ("now", json!([])),
        ("mutants", json!("none")),
    ] {
        let mut bad = case.clone();
        bad[key] = value;
        assert!(schema.complains(&file(&bad)).is_some(), "nothing is said of {bad}");
    }
}

/// One of the command's schemas, ready to judge.
struct Schema {
    schemas: Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    fn read(name: &str) -> Self {
        let path = root().join("crates/countersign-cli/schema").join(name);
        let value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(name, value).unwrap();
        let index = compiler.compile(name, &mut schemas).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        Schema { schemas, index }
    }

    /// What is wrong, if anything is.
    fn complains(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// As an editor sees it.
fn read(text: &str) -> Value {
    let mut sources = Sources::new();
    let file = sources.add("a.toml", text);
    json_of(Layer::parse(&sources, file).unwrap().root())
}

fn json_of(node: &Node) -> Value {
    match &node.value {
        Toml::Text(text) | Toml::Datetime(text) => (**text).into(),
        Toml::Integer(number) => (*number).into(),
        Toml::Float(number) => (*number).into(),
        Toml::Boolean(truth) => (*truth).into(),
        Toml::Array(items) => items.iter().map(json_of).collect(),
        Toml::Table(table) => {
            Value::Object(table.iter().map(|(key, node)| (key.name.to_string(), json_of(node))).collect())
        }
    }
}
