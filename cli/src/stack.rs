//! `stack`: the stack's outputs.

use crate::{
    account::Account,
    failure::Failure,
    view::{Output, table},
};

pub(crate) fn run(
    account: &Account,
    name: Option<&str>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if let Some(name) = name {
        let value = account.output(name)?;
        output.answer(&[value.to_owned()], &value);
        return Ok(());
    }
    let row = |(name, value): (&String, &String)| vec![name.clone(), value.clone()];
    let rows: Vec<_> = account.outputs().iter().map(row).collect();
    output.answer(&table(&["output", "value"], &rows), account.outputs());
    Ok(())
}
