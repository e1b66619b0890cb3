//! `countersign type`: the types of what is sent.

use crate::args::{Format, GatewayArgs, TypeCommand};
use crate::error::{Exit, Failure};
use crate::operate::Tools;
use crate::output::{self, plain};
use crate::scheme;
use countersign_gateway::operate::{EventType, NewEventType};
use std::path::Path;

/// Do it.
pub(crate) fn run(command: &TypeCommand) -> Result<Exit, Failure> {
    match command {
        TypeCommand::Add { name, description, schema, gateway } => {
            let schema = schema.as_deref().map(read).transpose()?;
            add(name, description.as_deref(), schema, gateway)?;
        }
        TypeCommand::List { gateway } => list(gateway)?,
        TypeCommand::Remove { name, gateway } => remove(name, gateway)?,
    }
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(&scheme::read_text(file)?).map_err(|error| {
        Failure::usage(format!("--schema: `{}` is no JSON: {error}", file.display()))
            .next("write a JSON Schema, such as { \"type\": \"object\", \"required\": [\"id\"] }")
    })
}

fn add(
    name: &str,
    description: Option<&str>,
    schema: Option<serde_json::Value>,
    gateway: &GatewayArgs,
) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    // Whoever changes one thing must not lose the other: a schema that is gone lets everything pass, and says nothing.
    let old = tools.run(tools.operator.event_types())?.into_iter().find(|one| one.name == name);
    let (was, kept) = old.map_or_else(Default::default, |old| (old.description, old.schema));
    let new = NewEventType {
        name: name.into(),
        description: description.map_or(was, str::to_owned),
        schema: schema.or(kept),
    };
    let declared = tools.run(tools.operator.declare(&new))?;
    if gateway.format == Format::Json {
        return output::print_json(&declared);
    }
    let held = if declared.schema.is_some() { ", and payloads are held against its schema" } else { "" };
    output::note(&format!("`{}` is declared{held}", declared.name));
    Ok(())
}

fn list(gateway: &GatewayArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    let types = tools.run(tools.operator.event_types())?;
    if gateway.format == Format::Json {
        return output::print_json(&types);
    }
    if types.is_empty() {
        output::note("no type is declared yet: `countersign type add` does");
        return Ok(());
    }
    let row = |one: &EventType| {
        let schema = if one.schema.is_some() { "yes" } else { "-" };
        vec![plain(&one.name), schema.into(), one.changed_at.to_string(), plain(&one.description)]
    };
    let head = ["TYPE", "SCHEMA", "CHANGED", "DESCRIPTION"];
    output::print(&output::table(&head, &types.iter().map(row).collect::<Vec<_>>()))
}

fn remove(name: &str, gateway: &GatewayArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    tools.run(tools.operator.remove_type(name))?;
    if gateway.format == Format::Json {
        return output::print_json(&serde_json::json!({ "name": name }));
    }
    output::note(&format!("`{name}` is forgotten; what was sent of it stays"));
    Ok(())
}
