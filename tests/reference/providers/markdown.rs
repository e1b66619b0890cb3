//! Text as Markdown and HTML: what a preset says is shown and never obeyed.

/// A word of a preset's among ours.
pub(crate) fn code(text: &str) -> String {
    let text = text.replace('\n', "\\n");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// What people wrote: backticks mean code, and nothing else means anything.
pub(crate) fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let spans: Vec<&str> = text.split('`').collect();
    // An odd backtick is one that is meant as such.
    if spans.len().is_multiple_of(2) {
        return escaped(&text).replace('`', "\\`");
    }
    let span = |(index, span): (usize, &&str)| if index % 2 == 0 { escaped(span) } else { code(span) };
    spans.iter().enumerate().map(span).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    let (mut before, mut rest) = (' ', text.chars().peekable());
    while let Some(c) = rest.next() {
        let within = before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        match c {
            '<' => out.push_str("&lt;"),
            '_' if within => out.push(c),
            '\\' | '*' | '_' | '[' | ']' | '#' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A row of a table.
pub(crate) fn row<T: AsRef<str>>(cells: &[T]) -> String {
    let cell = |text: &T| match text.as_ref() {
        "" => " |".into(),
        text => format!(" {} |", text.replace('|', "\\|").replace('\n', " ")),
    };
    format!("|{}\n", cells.iter().map(cell).collect::<String>())
}

/// A table: a heading and rows.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    row(head) + &rule + &rows.into_iter().map(|cells| row(&cells)).collect::<String>()
}

/// A block of code, its fence longer than any within.
pub(crate) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text within HTML, or within the quotes of an attribute.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[test]
fn what_a_preset_says_is_no_markup() {
    assert_eq!(code("a`b"), "``a`b``");
    assert_eq!(code("`"), "`` ` ``");
    assert_eq!(
        prose("see `a_b*` and *c* <d> e_f _g [h](i)"),
        "see `a_b*` and \\*c\\* &lt;d> e_f \\_g \\[h\\](i)"
    );
    assert_eq!(prose("an odd ` one"), "an odd \\` one");
    assert_eq!(row(&["a|b", "", "c\nd"]), "| a\\|b | | c d |\n");
    assert_eq!(block("", "a\n```\nb"), "````\na\n```\nb\n````\n");
    assert_eq!(html("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
}
