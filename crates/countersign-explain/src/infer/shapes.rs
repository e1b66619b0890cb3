//! What may be signed, in the pieces that a request has.

use crate::atoms::{self, Atom};
use crate::{form, schemes};
use countersign::{Request, Timestamp};
use std::collections::HashSet;

/// What may be signed, in templates of the same placeholders.
pub(super) struct Shape {
    pub(super) rank: u32,
    pub(super) templates: Vec<String>,
    pub(super) separators: Vec<String>,
    pub(super) time: Option<Atom>,
    pub(super) id: Option<Atom>,
}

/// Every shape that a request has the pieces for, the likeliest first.
pub(super) fn shapes(request: &Request<'_>, now: Timestamp) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let bodies = [
        "{body}",
        "{body|sha256|hex}",
        "{body|sha256|base64}",
        "{body|md5|hex}",
        "{body|sha1|hex}",
        "{body|sha512|hex}",
        "{body|md5|base64}",
        "{body|base64}",
        "{body|sha256}",
        "{body|hex}",
    ];
    let addresses = ["{url}", "{path}", "{target}", "{url|query:drop}", "{host}{target}", "{host}{path}"];
    let plain = |template: String, rank| Shape {
        rank,
        templates: vec![template],
        separators: vec![String::new()],
        time: None,
        id: None,
    };
    for (rank, body) in bodies.iter().enumerate() {
        shapes.push(plain((*body).to_owned(), rank as u32 * 6));
    }
    for address in addresses {
        shapes.push(plain(address.to_owned(), 30));
    }
    if form::is_form(request) {
        // The fields of a form, sorted, behind the address or by themselves.
        for (rank, fields) in
            ["{form|sort|pairs:|join}", "{form|sort|pairs:=|join:&}", "{form|sort|values|join}"]
                .into_iter()
                .enumerate()
        {
            for address in ["{url}", "{url|query:drop}", ""] {
                shapes.push(plain(format!("{address}{fields}"), 8 + rank as u32));
            }
        }
    }
    let times: Vec<Atom> = atoms::times(request, now).into_iter().take(4).collect();
    let ids: Vec<Atom> = atoms::ids(request).into_iter().take(6).collect();
    let mut join = |rank: u32, slots: &[&str], time: Option<&Atom>, id: Option<&Atom>| {
        let separators: Vec<String> =
            schemes::SEPARATORS.iter().map(|separator| (*separator).to_owned()).collect();
        let templates = separators.iter().map(|separator| slots.join(separator)).collect();
        shapes.push(Shape { rank, templates, separators, time: time.cloned(), id: id.cloned() });
    };
    let some_bodies = &bodies[..4];
    for (late, body) in some_bodies.iter().enumerate() {
        let late = late as u32 * 20;
        for (n, time) in times.iter().enumerate() {
            let rank = 4 + late + n as u32 * 4;
            join(rank, &["{timestamp}", body], Some(time), None);
            join(rank + 2, &[body, "{timestamp}"], Some(time), None);
            join(rank + 3, &["v0", "{timestamp}", body], Some(time), None);
            join(rank + 5, &["v1", "{timestamp}", body], Some(time), None);
            join(rank + 6, &["v2", "{timestamp}", body], Some(time), None);
            for (m, id) in ids.iter().enumerate() {
                let rank = rank + 4 + m as u32 * 2;
                for order in orders(&["{id}", "{timestamp}", body]) {
                    join(rank, &order, Some(time), Some(id));
                }
            }
        }
        for (m, id) in ids.iter().enumerate() {
            let rank = 10 + late + m as u32 * 3;
            join(rank, &["{id}", body], None, Some(id));
            join(rank + 1, &[body, "{id}"], None, Some(id));
        }
        for (a, address) in addresses.iter().enumerate() {
            let rank = 14 + late + a as u32 * 3;
            for order in orders(&[address, body]) {
                join(rank, &order, None, None);
            }
            for order in orders(&["{method}", address, body]) {
                join(rank + 2, &order, None, None);
            }
            for (n, time) in times.iter().enumerate().take(2) {
                for order in orders(&[address, "{timestamp}", body]) {
                    join(rank + 4 + n as u32, &order, Some(time), None);
                }
                for order in orders(&["{method}", address, "{timestamp}", body]) {
                    join(rank + 6 + n as u32, &order, Some(time), None);
                }
            }
            for id in ids.iter().take(2) {
                for order in orders(&[address, "{id}", body]) {
                    join(rank + 8, &order, None, Some(id));
                }
                for time in times.iter().take(1) {
                    for order in orders(&[address, "{timestamp}", "{id}", body]) {
                        join(rank + 12, &order, Some(time), Some(id));
                    }
                }
            }
        }
    }
    for time in &times {
        join(32, &["{timestamp}"], Some(time), None);
        for id in &ids {
            join(33, &["{id}", "{timestamp}"], Some(time), Some(id));
            join(33, &["{timestamp}", "{id}"], Some(time), Some(id));
        }
    }
    for id in &ids {
        join(34, &["{id}"], None, Some(id));
    }
    shapes.sort_by_key(|shape| shape.rank);
    for shape in &mut shapes {
        // Nothing to join: one template, once.
        let mut seen = HashSet::new();
        let kept: Vec<(String, String)> = shape
            .templates
            .drain(..)
            .zip(shape.separators.drain(..))
            .filter(|(template, _)| seen.insert(template.clone()))
            .collect();
        (shape.templates, shape.separators) = kept.into_iter().unzip();
    }
    shapes
}

/// Every order of some slots.
fn orders<'s>(slots: &[&'s str]) -> Vec<Vec<&'s str>> {
    match slots {
        [] => vec![Vec::new()],
        slots => (0..slots.len())
            .flat_map(|at| {
                let rest: Vec<&str> = slots
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != at)
                    .map(|(_, slot)| *slot)
                    .collect();
                orders(&rest).into_iter().map(move |mut order| {
                    order.insert(0, slots[at]);
                    order
                })
            })
            .collect(),
    }
}
