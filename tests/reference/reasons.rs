//! The page of reasons: what the core says of each, and what to do about it.

use countersign::Reason;
use std::fmt::Write;

pub(crate) fn page() -> String {
    let mut page = super::head("the core's table of reasons");
    page.push_str(
        "# Reasons\n\n\
         Why a request was refused. Codes and numbers are stable: they never change meaning, and new ones come at the end.\n\
         The *rank* says how nearly accepted a request was: when several keys or signatures fail, the highest is reported.\n\
         Senders hear only the status. Code and detail are for the operator's log.\n\n\
         | number | reason | rank | class | status |\n|---|---|---|---|---|\n",
    );
    for reason in Reason::ALL {
        let (number, rank, class) = (*reason as u16, reason.rank(), reason.class());
        let _ = writeln!(
            page,
            "| {number} | [`{reason}`](#{reason}) | {rank} | {class:?} | {} |",
            class.status()
        );
    }
    for reason in Reason::ALL {
        let _ = write!(page, "\n## `{reason}`\n\n{}\n\n", sentence(reason.says()));
        let _ = writeln!(page, "{}", advice(*reason).unwrap_or_default());
    }
    page
}

fn sentence(says: &str) -> String {
    let mut chars = says.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What to do, for whoever runs the receiver.
pub(crate) fn advice(reason: Reason) -> Option<&'static str> {
    ADVICE.iter().find(|(known, _)| *known == reason).map(|(_, advice)| *advice)
}

const ADVICE: &[(Reason, &str)] = &[
    (
        Reason::PayloadTooLarge,
        "Raise the limit you give to `Verifier::begin`, if the provider really sends so much. Nothing of the body has been judged.",
    ),
    (
        Reason::MissingHeader,
        "The detail names what is absent. See whether a proxy drops it, whether the preset is of the right version, and whether\nthe request came from the provider at all.",
    ),
    (
        Reason::MalformedContent,
        "The body is no JSON or form where the scheme reads one, or has a key twice, or an id holds bytes that no id has. Do not\nmend it: what was signed is what arrived. See whether something before you rewrites bodies.",
    ),
    (
        Reason::MissingSignature,
        "Most often not the provider: a scanner, a health check, a browser. If it is, signing may not be switched on there, or a\nproxy drops the header.",
    ),
    (
        Reason::MalformedSignature,
        "There is something, and it cannot be used: a prefix is missing, it is no hex or base64 as the preset says, the header\ncomes twice, or a version is one the preset refuses. Compare it with `countersign preset show NAME`.",
    ),
    (
        Reason::NoActiveSecret,
        "Every key's window is over or has not begun. Add a key, or move `not_before` or `not_after`.",
    ),
    (
        Reason::KeyUnavailable,
        "A key or certificate has to be fetched, and was not. The sender will try again; see that the host can reach it.",
    ),
    (
        Reason::UnknownKey,
        "The signature names a key by its id. Give that key, under that id; or the request is not for you.",
    ),
    (
        Reason::UntrustedKey,
        "The certificate leads to no root that the source trusts. Do not trust it because it came with the request.",
    ),
    (
        Reason::BadSignature,
        "The secret is another one, or the body was changed on its way, or it is a forgery. Verify the raw bytes as they came,\nnever JSON that was parsed and printed again. For schemes that sign the URL, give the URL that the provider calls.",
    ),
    (
        Reason::ClaimMismatch,
        "The signature is good and the request is for something else: another account, another topic, a body whose digest is not\nthe signed one. See the preset's `require` and your variables.",
    ),
    (
        Reason::ExpiredSecret,
        "The provider still signs with a key that you have retired. Finish the rotation there, or let the old key live longer.",
    ),
    (
        Reason::MissingTimestamp,
        "The scheme has a time and the request has none. See whether a proxy drops the header.",
    ),
    (
        Reason::MalformedTimestamp,
        "A time has one spelling: no sign, no space, no leading zero, seconds are not milliseconds. If the provider has changed\nits format, change `format` in the preset.",
    ),
    (
        Reason::StaleTimestamp,
        "The message is older than the tolerance: a late retry, a replay, or your clock runs ahead. See your clock first.",
    ),
    (
        Reason::FutureTimestamp,
        "The message is signed for a later time than the tolerance allows. See your clock first.",
    ),
    (
        Reason::Replayed,
        "The same message was accepted before. Answer as for a success: the sender only wants to know that it arrived.",
    ),
    (
        Reason::Disallowed,
        "The preset has several layouts, and the request fits none of them. See `when` of its cases.",
    ),
    (
        Reason::ModeFault,
        "A mode declared one thing and proved another. That is a bug in the mode: report it there.",
    ),
];
