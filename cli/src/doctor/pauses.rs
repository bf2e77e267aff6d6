//! Networks that a person has paused.

use super::Finding;
use crate::{
    account::Account,
    failure::Failure,
    pause::{PauseView, in_force},
};

pub(super) async fn findings(account: &Account) -> Result<Vec<Finding>, Failure> {
    Ok(in_force(account).await?.iter().map(finding).collect())
}

fn finding(pause: &PauseView) -> Finding {
    let cure = format!("`{}` lets its orders go.", pause.cure());
    Finding::new("paused", &pause.network, format!("nothing is sent: {}", pause.line()), cure)
}
