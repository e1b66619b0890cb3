//! The header and `abi.rs` are one contract: C compilers are asked for every size, offset and number, and the header is
//! clean under every standard and compiler that there is.
#![allow(clippy::unwrap_used, clippy::print_stderr)]
#![cfg(unix)]

mod support;

use countersign_plugin::abi;
use std::fmt::Write;
use std::process::Command;
use support::{folder, found_compilers};

/// Prints every size, offset and number of the header.
fn program() -> String {
    let mut c = String::from("#include \"countersign.h\"\n#include <stdio.h>\nint main(void) {\n");
    for (name, _) in abi::NUMBERS {
        writeln!(c, "  printf(\"{name} %lld\\n\", (long long)CS_{name});").unwrap();
    }
    for (name, _, fields) in abi::STRUCTURES {
        writeln!(c, "  printf(\"{name} %zu\\n\", sizeof({name}));").unwrap();
        for (field, _) in *fields {
            writeln!(c, "  printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));").unwrap();
        }
    }
    c.push_str(
        "  printf(\"%llx %d %d %d %lld\\n\", (unsigned long long)CS_ABI_MAGIC, CS_ABI_MAJOR, CS_ABI_MINOR,\n\
         CS_FINGERPRINT_SIZE, (long long)CS_NONE_MS);\n  return 0;\n}\n",
    );
    c
}

fn expected() -> String {
    let mut all = String::new();
    for (name, value) in abi::NUMBERS {
        writeln!(all, "{name} {value}").unwrap();
    }
    for (name, size, fields) in abi::STRUCTURES {
        writeln!(all, "{name} {size}").unwrap();
        for (field, offset) in *fields {
            writeln!(all, "{name}.{field} {offset}").unwrap();
        }
    }
    writeln!(
        all,
        "{:x} {} {} {} {}",
        abi::MAGIC,
        abi::MAJOR,
        abi::MINOR,
        abi::FINGERPRINT_SIZE,
        abi::NONE_MS
    )
    .unwrap();
    all
}

#[test]
fn c_has_every_size_offset_and_number_as_rust_has_them() {
    let folder = folder("header");
    for (compiler, standard) in found_compilers() {
        let plus = standard.contains("++");
        let source = folder.path().join(if plus { "layout.cpp" } else { "layout.c" });
        std::fs::write(&source, program()).unwrap();
        let program = folder.path().join("layout");
        let built = Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-I", support::INCLUDE, "-o"])
            .args([&program, &source])
            .output()
            .unwrap();
        assert!(built.status.success(), "{compiler} {standard}: {}", String::from_utf8_lossy(&built.stderr));
        let printed = Command::new(&program).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), expected(), "{compiler} {standard}");
    }
}

/// A name of the header that Rust does not know would be tested by nobody.
#[test]
fn every_name_of_the_header_is_in_the_tables() {
    let header = countersign_plugin::HEADER;
    let known = |name: &str| {
        abi::NUMBERS.iter().any(|(known, _)| *known == name)
            || ["ABI_MAGIC", "ABI_MAJOR", "ABI_MINOR", "FINGERPRINT_SIZE", "HOLDS", "NONE_MS"].contains(&name)
    };
    let defined = header.match_indices("CS_").filter_map(|(at, _)| {
        let rest = &header[at + 3..];
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')?;
        // What a comment says of a family of names, as in `CS_KEY_*`.
        (!rest[..end].is_empty() && !rest[..end].ends_with('_')).then_some(&rest[..end])
    });
    let unknown: Vec<&str> = defined.filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let structures = header.matches("} cs_").count();
    assert_eq!(structures, abi::STRUCTURES.len());
}
