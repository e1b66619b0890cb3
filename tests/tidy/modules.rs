//! The rules for shared libraries: what makes one stands in one line, and nothing is built on it.

use super::rust::{Piece, pieces};
use super::tree::{File, Package, files, packages, root};
use super::{caught, clean, package};

/// Where `export!` is.
pub(crate) const EXPORT: &str = "crates/countersign-plugin/src/guest.rs";

#[test]
fn a_module_is_one_line_and_nothing_is_built_on_it() {
    let module = Package {
        kinds: vec!["cdylib".into()],
        is_default: false,
        ..package("m", "plugins/modules/m", &["a"])
    };
    let lib = File::new(
        "plugins/modules/m/src/lib.rs",
        "//! Why.\n\ncountersign_plugin::export! { modes: [a::mode] }\n",
    );
    let with = |package: &Package, text: &str| {
        exported(std::slice::from_ref(package), &[File::new(&lib.path, text)])
    };
    caught(exported(&[module.clone(), package("x", "crates/x", &["m"])], std::slice::from_ref(&lib)));
    let both = vec!["cdylib".into(), "rlib".into()];
    caught(with(&Package { kinds: both, ..module.clone() }, &lib.text));
    caught(with(&Package { is_default: true, ..module.clone() }, &lib.text));
    caught(with(&module, "mod more;\ncountersign_plugin::export! { modes: [a::mode] }"));
    caught(with(&module, "pub fn f() {}"));
    caught(exported(
        std::slice::from_ref(&module),
        &[lib.clone(), File::new("plugins/modules/m/src/more.rs", "")],
    ));
    clean(exported(std::slice::from_ref(&module), std::slice::from_ref(&lib)));
    clean(exported(&packages(), &files()));
}

/// Two exports of one name in one program collide, or hide one another without a word. So they are where nothing looks.
fn exported(packages: &[Package], files: &[File]) -> Vec<String> {
    let is_module = |package: &&Package| package.folder.starts_with("plugins/modules/");
    let mut found = Vec::new();
    for Package { name, folder, kinds, is_default, .. } in packages.iter().filter(is_module) {
        let users = packages.iter().filter(|user| user.needs.iter().any(|(need, _)| need == name));
        found.extend(users.map(|user| {
            format!(
                "{}/Cargo.toml: depends on `{name}`, which is a shared library; depend on the mode",
                user.folder
            )
        }));
        if kinds[..] != ["cdylib"] {
            found.push(format!("{folder}/Cargo.toml: write `crate-type = [\"cdylib\"]` and no other"));
        }
        if *is_default {
            found.push(format!("Cargo.toml: `{folder}` is one of `default-members`; leave it out"));
        }
        let own = format!("{folder}/src/lib.rs");
        for File { path, text } in
            files.iter().filter(|file| file.path.starts_with(&format!("{folder}/src/")))
        {
            let code: Vec<&str> =
                text.lines().filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
            let is_export =
                |line: &str| line.starts_with("countersign_plugin::export! { ") && line.ends_with(" }");
            if *path != own || code.len() != 1 || !is_export(code[0]) {
                found.push(format!(
                    "{path}: a module is its src/lib.rs with one line: `countersign_plugin::export! {{ … }}`"
                ));
            }
        }
    }
    found
}

/// In what `export!` expands to, one thing is unsafe, and it is no code.
#[test]
fn what_export_leaves_in_other_crates_is_one_attribute() {
    caught(expanded(
        "macro_rules! export { () => { #[allow(unsafe_code)] #[unsafe(no_mangle)] fn f() { unsafe {} } } }",
    ));
    caught(expanded("macro_rules! export { () => { #[unsafe(link_section)] fn f() {} } }"));
    clean(expanded(&std::fs::read_to_string(root().join(EXPORT)).unwrap()));
}

fn expanded(source: &str) -> Vec<String> {
    let all = pieces(source);
    let opens = |at: &usize| {
        all[*at].1.as_str() == "macro_rules"
            && all.get(at + 2).is_some_and(|(_, piece)| piece.as_str() == "export")
    };
    let Some(from) = (0..all.len()).find(opens) else {
        return vec![format!("{EXPORT}: there is no macro `export`: tell this test where it went")];
    };
    let mut depth = 0;
    let body = all[from..].iter().skip(3).take_while(|(_, piece)| {
        depth += i32::from(*piece == Piece::Mark('{')) - i32::from(*piece == Piece::Mark('}'));
        depth > 0
    });
    let words: Vec<&str> = body.map(|(_, piece)| piece.as_str()).collect();
    let attribute = ["#", "[", "unsafe", "(", "no_mangle", ")", "]"];
    let attributes = words.windows(attribute.len()).filter(|window| **window == attribute).count();
    let count = |word: &str| words.iter().filter(|other| **other == word).count();
    match (attributes, count("unsafe"), count("unsafe_code")) {
        (1, 1, 1) => Vec::new(),
        counts => vec![format!(
            "{EXPORT}: `export!` may leave `#[unsafe(no_mangle)]` once, allowed once, and nothing else unsafe: {counts:?}"
        )],
    }
}
