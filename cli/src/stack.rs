//! `stack`: what the stack has.

use crate::{
    account::Account,
    failure::Failure,
    view::{Output, table},
};

pub(crate) fn run(
    account: &Account,
    output: Option<&str>,
    screen: &mut Output<'_>,
) -> Result<(), Failure> {
    if let Some(name) = output {
        let value = account.output(name)?;
        screen.answer(&[value.to_owned()], &value);
        return Ok(());
    }
    let row = |(name, value): (&String, &String)| vec![name.clone(), value.clone()];
    let rows: Vec<_> = account.outputs().iter().map(row).collect();
    screen.answer(&table(&["output", "value"], &rows), account.outputs());
    Ok(())
}
