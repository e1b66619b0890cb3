//! Following what was sent until every delivery is over.

use crate::args::Format;
use crate::delivery::answer;
use crate::error::{Exit, Failure};
use crate::operate::Tools;
use crate::output::{self, BAD, CARE, FAINT, GOOD, plain};
use countersign_gateway::operate::{DeliveryLine, MessageSent};
use std::time::{Duration, Instant};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(200);

/// Wait for all of them, for so long at most. An attempt is told when it is seen; of several between two looks, the last.
pub(super) fn all(
    tools: &Tools,
    mut sent: MessageSent,
    wait: Duration,
    format: Format,
) -> Result<Exit, Failure> {
    let start = Instant::now();
    let mut told: Vec<(u32, String)> = vec![(0, "waiting".into()); sent.deliveries.len()];
    loop {
        for (line, told) in sent.deliveries.iter_mut().zip(&mut told) {
            if !is_over(line) {
                *line = tools.run(tools.operator.delivery(&line.id))?.line;
            }
            let seen = (line.attempts, line.state.clone());
            // A lease is no news: what comes of it is.
            if *told != seen && line.state != "leased" {
                if format == Format::Human {
                    output::print(&one(line))?;
                }
                *told = seen;
            }
        }
        let open = |line: &&DeliveryLine| !is_over(line) && line.state != "held";
        if !sent.deliveries.iter().any(|line| open(&line)) || start.elapsed() >= wait {
            break;
        }
        tools.wait(async { tokio::time::sleep(LOOK.min(wait)).await });
    }
    if format == Format::Json {
        output::print_json(&sent)?;
    }
    Ok(end(&sent.deliveries))
}

fn is_over(line: &DeliveryLine) -> bool {
    ["done", "dead", "cancelled"].contains(&&*line.state)
}

fn one(line: &DeliveryLine) -> String {
    let DeliveryLine { id, endpoint, state, attempts, at, .. } = line;
    let (style, what) = match &**state {
        "done" => (GOOD, format!("✓ arrived at attempt {attempts}: {}", answer(line))),
        "dead" => (
            BAD,
            format!("✗ given up after {}: {}", output::count(*attempts as usize, "attempt"), answer(line)),
        ),
        "cancelled" => (CARE, "✗ cancelled".to_owned()),
        "held" => (CARE, "held: its endpoint is paused".to_owned()),
        _ => (FAINT, format!("attempt {attempts} failed: {}; again at {at}", answer(line))),
    };
    format!("{}  {}  {}\n", plain(id), plain(endpoint), output::styled(style, &what))
}

/// What it came to, and what to do about what did not arrive.
fn end(lines: &[DeliveryLine]) -> Exit {
    let mut exit = Exit::Done;
    for DeliveryLine { id, endpoint, state, attempts, .. } in lines {
        let next = match &**state {
            "done" => continue,
            "dead" => format!("`countersign dead redrive {id}` sends `{id}` again"),
            "held" => format!("`countersign endpoint resume {endpoint}` sends `{id}`"),
            "cancelled" => format!("`{id}` was cancelled by an operator"),
            _ if *attempts == 0 => {
                format!("nobody tried `{id}` yet: does a gateway run on this store? `countersign serve`")
            }
            _ => format!("`{id}` is not over: `countersign delivery show {id}`"),
        };
        exit = Exit::No;
        output::help(&next);
    }
    exit
}
