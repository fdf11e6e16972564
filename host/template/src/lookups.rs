//! Whether a template can read what was looked up about the involved object. It errs towards yes.

use crate::program::{Body, Branch, Command, Expression, Node, Pipe};

/// What of the involved object is looked up. `Deleted` is known from the same look-up.
const LOOKED_UP: &[&str] = &["Labels", "Annotations", "OwnerReferences", "Deleted"];

/// Whether any of the bodies can. In bodies other than the first, dot is what a caller's pipeline
/// gave; that pipeline is judged where it stands.
pub(crate) fn read_by(bodies: &[Body]) -> bool {
    bodies
        .iter()
        .enumerate()
        .any(|(at, body)| nodes(&body.nodes, at == 0, at == 0))
}

/// `event`: whether dot is the event; `root`: whether `$` is.
fn nodes(list: &[Node], event: bool, root: bool) -> bool {
    list.iter().any(|node| match node {
        Node::Action(value) => pipe(value, event, root),
        Node::If(branch) => inside(branch, event, event, root),
        // Dot is then what the pipeline gave, which was judged as a whole.
        Node::With(branch) | Node::Range(branch) => inside(branch, false, event, root),
        Node::Template(_, _, value) => value.as_ref().is_some_and(|value| pipe(value, event, root)),
        Node::Text(_) | Node::Break | Node::Continue => false,
    })
}

fn inside(branch: &Branch, body_event: bool, event: bool, root: bool) -> bool {
    pipe(&branch.pipe, event, root)
        || nodes(&branch.body, body_event, root)
        || nodes(&branch.otherwise, event, root)
}

fn pipe(pipe: &Pipe, event: bool, root: bool) -> bool {
    pipe.commands.iter().any(
        |Command {
             head, arguments, ..
         }| {
            expression(head, event, root)
                || arguments
                    .iter()
                    .any(|argument| expression(argument, event, root))
        },
    )
}

fn expression(expression: &Expression, event: bool, root: bool) -> bool {
    match expression {
        Expression::Dot => event,
        Expression::Field(fields) => event && path(fields),
        Expression::Variable(0, fields) => root && path(fields),
        Expression::Chain(inner, _) => pipe(inner, event, root),
        _ => false,
    }
}

/// Whether a path from the event ends at, or goes through, what is looked up.
fn path(fields: &[String]) -> bool {
    let mut names = fields.iter().map(String::as_str);
    match (names.next(), names.next()) {
        (None | Some("ToJSON" | "DeDot"), _) | (Some("InvolvedObject"), None) => true,
        (Some("InvolvedObject"), Some(name)) => LOOKED_UP.contains(&name),
        _ => false,
    }
}
