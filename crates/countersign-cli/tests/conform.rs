//! Ten modules that look fine and are wrong: each is found out by `module conform`, under the code that means it, and the
//! good one, which differs from them by a switch, is not accused of anything.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod common;

use common::{run, trusted_folder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// A switch of `wrong.c`, and the finding that means it.
const WRONG: &[(&str, &str)] = &[
    ("IGNORES_BODY", "binding/body-ignored"),
    ("EMPTY_SIGNATURE", "signature/empty"),
    ("READS_CLOCK", "time/imports-clock"),
    ("LEAKS_SECRET", "secrets/in-text"),
    ("KEEPS_STATE", "purity/keeps-state"),
    ("COMPARES_PREFIX", "signature/changed"),
    ("ANY_HANDLE", "keys/another-key"),
    ("CRASHES_ON_NUL", "crash/died"),
    ("DOUBLED_HEADER", "headers/doubled"),
    ("VERIFIES_ON_ERROR", "signature/undecodable"),
];

#[test]
fn every_planted_defect_is_found_and_the_good_module_is_clean() {
    let folder = trusted_folder("conform");
    // Two at a time: each is a second of waiting for another second of the clock.
    let queue =
        Mutex::new(WRONG.iter().map(|(switch, code)| (Some(*switch), Some(*code))).chain([(None, None)]));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((switch, code)) = next else { break };
                    judge(folder.path(), switch, code);
                }
            });
        }
    });
}

fn judge(folder: &Path, switch: Option<&str>, code: Option<&str>) {
    let name = switch.unwrap_or("GOOD");
    let library = folder.join(format!("libwrong_{name}.so"));
    build(
        "crates/countersign-plugin/tests/modules/wrong.c",
        switch.map(|switch| format!("-DWRONG_{switch}")),
        &library,
    );
    let ran = run(&["module", "conform", library.to_str().unwrap(), "--quick", "--format", "json"]);
    let report = ran.json();
    let codes = codes(&report);
    match code {
        None => {
            assert_eq!((ran.exit, codes), (0, BTreeSet::new()), "{}", ran.err);
            let parts = report["modes"][0]["promises"]["parts"].as_array().unwrap();
            let part = |name: &str| parts.iter().find(|part| part["part"] == name).unwrap();
            assert_eq!((&part("body")["claim"], &part("body")["verified"]), (&"bound".into(), &0.into()));
            assert_eq!(part("method")["claim"], "not bound");
            assert!(part("method")["verified"].as_u64().unwrap() > 0);
            assert!(report["modes"][0]["memory"]["calls"].as_u64().unwrap() > 500);
        }
        Some(code) => {
            assert_eq!((ran.exit, &report["ok"]), (1, &Value::Bool(false)), "{name}");
            assert!(codes.contains(code), "{name}: {codes:?}");
        }
    }
}

/// The folder for temporary files is everybody's: a report is made by whoever reads it, and never by whoever writes it.
#[test]
fn a_report_is_written_only_where_it_is_there_already() {
    let folder = trusted_folder("report");
    let (library, report) = (folder.path().join("libwrong.so"), folder.path().join("report.json"));
    build("crates/countersign-plugin/tests/modules/wrong.c", None, &library);
    let stage = || {
        let words =
            ["module", "conform-stage", "memory", report.to_str().unwrap(), library.to_str().unwrap()];
        run(&[&words[..], &["--mode", "wrong", "--quick"]].concat())
    };
    assert_ne!(stage().exit, 0);
    assert!(!report.exists());
    std::fs::write(&report, "").unwrap();
    stage().exits(0);
    assert!(std::fs::read_to_string(&report).unwrap().contains("calls"));
}

/// Every code that is found, wherever.
fn codes(report: &Value) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = list(&report["findings"]);
    for mode in list(&report["modes"]) {
        all.extend(list(&mode["findings"]));
        all.extend(list(&mode["promises"]["broken"]));
    }
    all.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn build(source: &str, switch: Option<String>, to: &Path) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = Command::new("cc")
        .args(["-std=c99", "-O1", "-fPIC", "-shared", "-fvisibility=hidden"])
        .args(["-I", "crates/countersign-plugin/include", "-o"])
        .arg(to)
        .args(switch)
        .arg(source)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_breaks_the_contract_of_memory_is_found() {
    let folder = trusted_folder("memory");
    let source = "crates/countersign-plugin/tests/modules/broken.c";
    // The probe's preset has no vectors of its own: a case, signed by Python's hmac.
    let vectors = folder.path().join("probe.vectors.toml");
    std::fs::write(&vectors, CASE).unwrap();
    for (switch, code) in [
        ("WRITES_PAST_CAP", "memory/beyond-buffer"),
        ("WRITES_PAST_STRUCT", "memory/beyond-struct"),
        ("KEEPS_BODY_POINTER", "memory/kept-pointer"),
        ("LEN_BEYOND_CAP", "memory/buffer-changed"),
        ("TEXT_SECRET_HEX", "secrets/in-text"),
        ("ABORT", "crash/died"),
        ("EXIT", "crash/died"),
    ] {
        let library = folder.path().join(format!("libbroken_{switch}.so"));
        build(source, Some(format!("-DBROKEN_{switch}")), &library);
        let vectors = vectors.to_str().unwrap();
        let args = [
            "module",
            "conform",
            library.to_str().unwrap(),
            "--quick",
            "--vectors",
            vectors,
            "--format",
            "json",
        ];
        let ran = run(&args);
        assert_eq!(ran.exit, 1, "{switch}: {}", ran.err);
        let codes = codes(&ran.json());
        assert!(codes.contains(code), "{switch}: {codes:?}");
    }
}

const CASE: &str = r#"schema = 1
preset = "probe"

[[case]]
name = "boom"
source = "generated"
origin = "Python's hmac module"
secrets = [{ id = "main", value = "a secret of the probe" }]
now = 1700000000
headers = [["x-probe", "712f55870943f1c38db88bffb0ed6af3ca6abdc0f4d2c1ec2ab6f5c0f399c174"]]
body = "boom"
expect = "ok"
"#;
