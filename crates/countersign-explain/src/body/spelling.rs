//! JSON and forms that were parsed and written again, as each writer writes them.

use super::{RAW, Variant};
use crate::form;
use crate::json::{Document, Escapes, Numbers, Seen, Style};

/// JSON that was parsed and written again.
pub(super) fn spellings(seen: Seen, fractions: bool, variants: &mut Vec<Variant>) {
    let escapes = |ascii, slash, html| {
        let also = if html { "<>&" } else { "" };
        Escapes { ascii, slash, lines: html, also, ..Escapes::default() }
    };
    let plain = Style::COMPACT;
    let spaced = Style { comma: ", ", colon: ": ", ..plain };
    let pretty = |step| Style { colon: ": ", indent: Some(step), ..plain };
    let with = |style: Style, escapes| Style { escapes, ..style };
    let ascii = escapes(true, false, false);
    let dotnet = Escapes { ascii: true, upper: true, lines: true, also: "\"'+`<>&\x7f", slash: false };
    let gson = Escapes { lines: true, also: "<>&='", ..Escapes::default() };
    let mut hands: Vec<(&str, u32, Style)> = vec![
        ("compactly", 10, plain),
        ("with a space behind `,` and `:`, and escapes for all that is not ASCII", 12, with(spaced, ascii)),
        ("with a space behind `,` and `:`", 14, spaced),
        ("compactly, with escapes for all that is not ASCII", 16, with(plain, ascii)),
        (
            "compactly, with `\\/` and escapes for all that is not ASCII",
            18,
            with(plain, escapes(true, true, false)),
        ),
        ("compactly, with escapes for `<`, `>` and `&`", 20, with(plain, escapes(false, false, true))),
        ("with two spaces a level", 22, pretty("  ")),
        ("with four spaces a level", 24, pretty("    ")),
        ("compactly, with `\\/`", 26, with(plain, escapes(false, true, false))),
        ("with a tab a level", 40, pretty("\t")),
        ("with two spaces a level and escapes for all that is not ASCII", 30, with(pretty("  "), ascii)),
        ("with four spaces a level and escapes for all that is not ASCII", 32, with(pretty("    "), ascii)),
        ("with four spaces a level and `\\/`", 34, with(pretty("    "), escapes(true, true, false))),
        (
            "with four spaces a level, and `\\/` alone escaped",
            44,
            with(pretty("    "), escapes(false, true, false)),
        ),
        ("with two spaces a level and ` : `", 36, Style { colon: " : ", ..pretty("  ") }),
        ("with one space a level", 46, pretty(" ")),
        (
            "compactly, with large escapes for quotes, `<`, `>`, `&`, `+` and all that is not ASCII",
            28,
            with(plain, dotnet),
        ),
        ("compactly, with escapes for `<`, `>`, `&`, `=` and `'`", 29, with(plain, gson)),
        ("with two spaces a level and escapes for `<`, `>`, `&`, `=` and `'`", 45, with(pretty("  "), gson)),
        ("with two spaces a level and large escapes", 38, with(pretty("  "), dotnet)),
        (
            "with escapes for `<`, `>`, `&` and all that is not ASCII",
            42,
            with(plain, escapes(true, false, true)),
        ),
        (
            "with two spaces a level and escapes for `<`, `>` and `&`",
            43,
            with(pretty("  "), escapes(false, false, true)),
        ),
        ("with a space behind `:`", 45, Style { colon: ": ", ..plain }),
        (
            "compactly, with large escapes for all that is not ASCII",
            47,
            with(plain, Escapes { upper: true, ..ascii }),
        ),
    ];
    for line in [false, true] {
        if seen.lines && line {
            hands.push((
                "compactly, with escapes for U+2028",
                48,
                with(plain, Escapes { lines: true, ..Escapes::default() }),
            ));
        }
    }
    // What a document does not have, nobody escapes differently: those hands are another's.
    let told = |style: &Style| {
        let Escapes { ascii, upper, slash, lines, also } = style.escapes;
        let also = if seen.any(also) { also } else { "" };
        let escapes = Escapes {
            ascii: ascii && seen.wide,
            upper: upper && (seen.wide || !also.is_empty()),
            slash: slash && seen.slash,
            lines: lines && seen.lines,
            also,
        };
        Style { escapes, ..*style }
    };
    let mut written = std::collections::HashSet::new();
    let mut add = |words: &str, rank: u32, code: &'static str, style: Style, variants: &mut Vec<Variant>| {
        if written.insert(told(&style)) {
            let says = format!("the body was parsed and written again: the sender wrote its JSON {words}");
            variants.push(Variant::new(code, rank, &says, RAW, move |body| {
                Some(Document::read(body)?.write(style))
            }));
        }
    };
    for (words, rank, style) in &hands {
        add(words, *rank, "body/json-reserialised", *style, variants);
    }
    for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 38) {
        let style = Style { end: "\n", ..*style };
        add(
            &format!("{words}, and a newline behind it"),
            rank + 20,
            "body/json-reserialised",
            style,
            variants,
        );
    }
    for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 32) {
        let style = Style { sorted: true, ..*style };
        add(&format!("{words}, its keys sorted"), rank + 25, "body/json-key-order", style, variants);
    }
    if fractions {
        let spelt = [
            (Numbers::Shortest, "whole numbers without a point"),
            (Numbers::Pointed, "whole numbers with `.0`"),
            (Numbers::Padded, "two digits behind the point"),
            (Numbers::Cents, "two digits behind every point"),
        ];
        for (numbers, what) in spelt {
            for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 38) {
                let style = Style { numbers, ..*style };
                add(&format!("{words}, and {what}"), rank + 20, "body/json-numbers", style, variants);
                let style = Style { end: "\n", ..style };
                add(
                    &format!("{words}, and {what}, and a newline behind it"),
                    rank + 30,
                    "body/json-numbers",
                    style,
                    variants,
                );
            }
        }
    }
}

/// Forms that were parsed and written again.
pub(super) fn forms(variants: &mut Vec<Variant>) {
    let hands: [(&str, u32, form::Style); 6] = [
        ("with `+` for a space", 10, form::Style { plus: true, bare: b"-_.*", small: false }),
        ("with `%20` for a space", 12, form::Style { plus: false, bare: b"-_.~", small: false }),
        (
            "with `+` for a space and `~` as it is",
            14,
            form::Style { plus: true, bare: b"-_.~", small: false },
        ),
        ("as encodeURIComponent does", 16, form::Style { plus: false, bare: b"-_.!~*'()", small: false }),
        ("with `+` for a space and small digits", 18, form::Style { plus: true, bare: b"-_.*", small: true }),
        (
            "with `%20` for a space and small digits",
            20,
            form::Style { plus: false, bare: b"-_.~", small: true },
        ),
    ];
    for (words, rank, style) in hands {
        for sorted in [false, true] {
            let order = if sorted { ", its fields sorted" } else { "" };
            let says = format!("the form was parsed and written again: the sender wrote it {words}{order}");
            let rank = rank + if sorted { 30 } else { 0 };
            variants.push(Variant::new("body/form-rewritten", rank, &says, RAW, move |body| {
                Some(form::rewritten(body, style, sorted))
            }));
        }
    }
}
