//! The worlds of the model, in one program: what one test leaves of the processors, another takes.

mod exhaustive;
mod lines;
mod list;
mod mutants;
mod publication;
mod transitions;
mod validation;
