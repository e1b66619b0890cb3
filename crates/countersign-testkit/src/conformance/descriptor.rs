//! What a mode says of itself.

use super::kit::Kit;
use super::promises::{
    CODE_PREFIX, CODE_SILENT, CODE_TWICE, Check, EMPTY_KEYRING, EXAMPLE, NEEDS, PANICS, SUMMARY,
};
use countersign::{Binds, BodyNeed, Compiled, Keyring, ModeInfo, Needs, Registry, Vars, template};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What codes may begin with besides the mode's name: `key/…` is what the reading of keys and certificates is called
/// wherever it is done, and `module/…` is what stands behind every loaded mode.
const PREFIXES: &[&str] = &["key", "certificate", "module", "remote"];

/// Its texts, its example, and the needs of every preset of it.
pub(super) fn ask(kit: &mut Kit<'_>, registry: &mut Registry, info: &ModeInfo, presets: &[Arc<Compiled>]) {
    texts(kit, info);
    let example = catch_unwind(AssertUnwindSafe(|| example(registry, &info.name, &info.example)));
    kit.count(Check::Descriptor, 1);
    match example {
        Ok(Ok(compiled)) => {
            if compiled.verifier("conformance", &Keyring::new(), &Vars::new()).is_ok() {
                kit.say(EMPTY_KEYRING, None, "it takes an empty keyring");
            }
            needs(kit, "its example", &compiled);
        }
        Ok(Err(says)) => kit.say(EXAMPLE, None, says),
        Err(_) => kit.say(PANICS, None, "its example compiled: it panics"),
    }
    for compiled in presets {
        needs(kit, &format!("preset `{}`", compiled.preset().name), compiled);
    }
}

fn texts(kit: &mut Kit<'_>, info: &ModeInfo) {
    kit.count(Check::Descriptor, 1 + info.details.len());
    if info.summary.trim().is_empty() || info.summary.contains('\n') {
        kit.say(SUMMARY, None, "its summary is empty, or more than a line");
    }
    let known = |code: &str| template::DETAILS.iter().any(|(known, ..)| known == code);
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    for (code, _, says) in info.details.iter() {
        if !codes.insert(code) {
            kit.say(CODE_TWICE, None, format!("detail code `{code}` is declared twice"));
        }
        if says.trim().is_empty() {
            kit.say(CODE_SILENT, None, format!("detail code `{code}` says nothing"));
        }
        let own = code.split_once('/').is_some_and(|(prefix, word)| {
            !word.is_empty() && (prefix == info.name || PREFIXES.contains(&prefix))
        });
        if !own && !known(code) {
            kit.say(CODE_PREFIX, None, format!("detail code `{code}` does not begin with `{}/`", info.name));
        }
    }
}

/// The mode's example as a preset.
fn example(registry: &mut Registry, mode: &str, table: &str) -> Result<Arc<Compiled>, String> {
    const NAME: &str = "conformance-example";
    let text = format!("schema = 1\nname = \"{NAME}\"\nmode = \"{mode}\"\n[{mode}]\n{table}");
    let added = registry.add_preset("ModeInfo::example", text).map(drop);
    let compiled = added.and_then(|()| registry.named(NAME));
    compiled.map_err(|errors| format!("its example does not compile:\n{}", errors.render(registry.sources())))
}

/// Needs that contradict themselves, or change.
fn needs(kit: &mut Kit<'_>, whose: &str, compiled: &Compiled) {
    kit.count(Check::Descriptor, 1);
    let needs = compiled.needs();
    if needs != compiled.needs() {
        kit.say(NEEDS, None, format!("{whose}: asked twice, it needs one thing and then another"));
    }
    let Needs { body, keys, remote, binds, content, .. } = &needs;
    if keys.is_empty() && !remote {
        kit.say(NEEDS, None, format!("{whose}: it takes no key and asks for none, and so can prove nothing"));
    }
    if *body == BodyNeed::Nothing && binds.contains(Binds::BODY) {
        kit.say(NEEDS, None, format!("{whose}: it binds the body, and says that it does not read it"));
    }
    if !content && binds.contains(Binds::BODY) {
        let says = "it binds the body, and says that what is signed is the same for every request";
        kit.say(NEEDS, None, format!("{whose}: {says}"));
    }
}
