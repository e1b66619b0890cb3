//! `countersign dead`: what could not be delivered, sent again or dropped.

use crate::args::{DeadCommand, Format, RedriveArgs};
use crate::delivery;
use crate::error::{Exit, Failure};
use crate::operate::{Tools, moment};
use crate::output;
use countersign_gateway::operate::{Redrive, RedriveStep};
use std::io::IsTerminal as _;

/// Do it.
pub(crate) fn run(command: &DeadCommand) -> Result<Exit, Failure> {
    match command {
        DeadCommand::List { asked } => {
            delivery::list(Some("dead"), asked, "there is no dead letter that fits")?
        }
        DeadCommand::Show { which } => delivery::show(which)?,
        DeadCommand::Redrive(args) => return redrive(args),
        DeadCommand::Drop { which } => delivery::cancel(which, "is dropped: nothing sends it any more")?,
    }
    Ok(Exit::Done)
}

fn redrive(args: &RedriveArgs) -> Result<Exit, Failure> {
    let RedriveArgs { ids, endpoint, kind, span, all, rate, dry_run, force, gateway } = args;
    let (from, to) = (moment("--from", span.from.as_deref())?, moment("--to", span.to.as_deref())?);
    let fits = endpoint.is_some() || kind.is_some() || from.is_some() || to.is_some();
    if ids.is_empty() && !fits && !all {
        return Err(Failure::usage("nothing says which dead letters are to be sent again").next(
            "name some (`countersign dead list`), say which by --endpoint, --type, --from or --to, or write --all",
        ));
    }
    let mut asked = Redrive {
        ids: ids.clone(),
        endpoint: endpoint.clone(),
        kind: kind.clone(),
        from,
        to,
        rate: *rate,
        dry_run: *dry_run,
        force: *force,
        after: None,
        due: None,
    };
    let tools = Tools::keyless(gateway)?;
    let mut whole = RedriveStep::default();
    loop {
        let step = tools.run(tools.operator.redrive(&asked)).inspect_err(|_| over(whole.found))?;
        (asked.after, asked.due) = (step.next.clone(), step.next_due);
        add(&mut whole, step);
        if asked.after.is_none() {
            break;
        }
        counting(&whole);
    }
    over(whole.found);
    match gateway.format {
        Format::Json => output::print_json(&whole)?,
        Format::Human => told(&whole, args)?,
    }
    let refused = !(whole.delivered.is_empty() && whole.cancelled.is_empty() && whole.unknown.is_empty());
    Ok(if refused { Exit::No } else { Exit::Done })
}

fn add(whole: &mut RedriveStep, step: RedriveStep) {
    let RedriveStep { found, queued, delivered, waiting, cancelled, unknown, .. } = step;
    whole.found += found;
    whole.queued += queued;
    whole.waiting += waiting;
    whole.delivered.extend(delivered);
    whole.cancelled.extend(cancelled);
    whole.unknown.extend(unknown);
}

/// One line that is written over, for whoever looks on.
fn counting(whole: &RedriveStep) {
    if std::io::stderr().is_terminal() {
        output::raw_error(&format!("\r{} looked at, {} queued again", whole.found, whole.queued));
    }
}

/// That line has done its work.
fn over(found: usize) {
    if found > 0 && std::io::stderr().is_terminal() {
        output::raw_error("\r\x1b[K");
    }
}

fn told(whole: &RedriveStep, args: &RedriveArgs) -> Result<(), Failure> {
    let RedriveStep { found, queued, delivered, waiting, cancelled, unknown, .. } = whole;
    let would = if args.dry_run { "would be sent again" } else { "queued again" };
    output::print(&format!("{} {would}\n", output::count(*queued, "dead letter")))?;
    if *found == 0 {
        output::note("there is no dead letter that fits: `countersign dead list` shows all");
    }
    if let (false, Some(rate), true) = (args.dry_run, args.rate, *queued > 0) {
        output::note(&format!(
            "{rate} a second: the last is due in {} s",
            queued.div_ceil(rate.max(1) as usize)
        ));
    }
    if *waiting > 0 {
        output::note(&format!("{waiting} passed over: queued or under way already"));
    }
    let refused = [
        (delivered, "arrived since, and is not sent again", "--force sends it all the same"),
        (cancelled, "was cancelled, and is not sent again", "publish it anew: countersign send"),
        (unknown, "is no delivery that is kept", "`countersign dead list` shows those that are"),
    ];
    for (ids, says, help) in refused {
        ids.iter().for_each(|id| output::error(&format!("`{id}` {says}")));
        if !ids.is_empty() {
            output::help(help);
        }
    }
    Ok(())
}
